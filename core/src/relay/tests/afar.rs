//! What a program with many relays decides about memberships whose other side is elsewhere.

use super::flow::{hello, to_server, to_user};
use super::*;

/// Connection 0 owns "a" and takes part, connection 1 knocks there with tag 9 and ticket 1.
fn knocking(window: u32) -> World {
    let mut world = World::flowing(&[1000, window]);
    world.send(0, b"\0\0\x01\x01a");
    world.send(1, b"\0\x01\x09\x01a");
    world.host.queues.iter_mut().for_each(Vec::clear);
    world
}

/// A connection that had the place of `id` before.
fn stale(id: ConnectionId) -> ConnectionId {
    ConnectionId { generation: id.generation().wrapping_sub(1), ..id }
}

#[test]
fn the_connection_of_a_user() {
    let mut world = World::with_channel(3);
    let [server, one, two] = world.ids[..] else { unreachable!() };
    assert_eq!(world.relay.user_of(server, 0, 0), Some(one));
    assert_eq!(world.relay.user_of(server, 0, 1), Some(two));
    assert_eq!(world.relay.user_of(server, 0, 2), None);
    assert_eq!(world.relay.user_of(server, 1, 0), None);
    assert_eq!(world.relay.user_of(one, 0, 0), None);
    assert_eq!(world.relay.user_of(stale(server), 0, 0), None);
}

#[test]
fn a_user_is_admitted_with_a_number_of_another_relay() {
    let mut world = knocking(500);
    let server = world.ids[0];
    for (of, channel, user, ticket) in
        [(stale(server), 0, 0, 1), (server, 1, 0, 1), (server, 0, 1, 1), (server, 0, 0, 2)]
    {
        assert!(!world.relay.admit_as(of, (channel, user, ticket), 77, &mut world.host));
    }
    assert_eq!(world.take(1), []);
    assert!(world.relay.admit_as(server, (0, 0, 1), 77, &mut world.host));
    assert_eq!(world.take(1), to_endpoint::entered(9, 0, 77, 1000));
    // data goes by the number here
    world.send(1, &to_server(3));
    assert_eq!(world.take(0), to_endpoint_data(0, 0, 3));
    world.send(0, &to_user(0, 3));
    assert_eq!(world.take(1).len(), 5);
    assert!(!world.relay.admit_as(server, (0, 0, 1), 78, &mut world.host), "it knocks no more");
    assert_eq!(world.take(1), []);
}

fn to_endpoint_data(channel: u8, user: u8, len: usize) -> Vec<u8> {
    let head = to_endpoint::data_for_server(channel, user, len);
    [head.as_bytes(), &std::vec![7; len]].concat()
}

/// An endpoint that says hello behind its command to enter is told that number as well.
#[test]
fn a_user_that_is_raised_later_is_shown_its_number() {
    let mut world = World::flowing(&[1000]);
    world.send(0, b"\0\0\x01\x01a");
    world.connect_from(0, 0);
    world.send(1, b"\0\x01\x09\x01a");
    assert!(world.relay.admit_as(world.ids[0], (0, 0, 1), 77, &mut world.host));
    world.take(1);
    world.send(1, &hello(500));
    assert!(world.take(1).ends_with(&to_endpoint::raised(false, 0, 77, 1000, 65_536)));
}

#[test]
fn a_user_is_refused_for_a_reason_of_another_relay() {
    for (reason, code) in [(Reason::NoSuchChannel, 1), (Reason::ChannelFull, 4), (Reason::NoAnswer, 8)] {
        let mut world = knocking(500);
        let server = world.ids[0];
        for (of, channel, user, ticket) in
            [(stale(server), 0, 0, 1), (server, 1, 0, 1), (server, 0, 1, 1), (server, 0, 0, 2)]
        {
            let said = (reason, &b"no"[..]);
            assert!(!world.relay.refuse_as(of, (channel, user, ticket), said, &mut world.host));
        }
        assert_eq!(world.take(1), []);
        assert!(world.relay.refuse_as(server, (0, 0, 1), (reason, b"no"), &mut world.host));
        let mut expected = to_endpoint::refused_with(9, code, 2).unwrap().to_vec();
        expected.extend(b"no");
        assert_eq!(world.take(1), expected);
        assert_eq!(world.relay.memberships(), 0);
        assert!(!world.relay.refuse_as(server, (0, 0, 1), (reason, b""), &mut world.host));
    }
}

/// The server is told nothing.
#[test]
fn a_users_membership_is_ended() {
    let mut world = World::with_channel(3);
    let server = world.ids[0];
    assert!(!world.relay.end_user(server, (0, 2), Reason::OnPurpose, &mut world.host));
    assert!(!world.relay.end_user(stale(server), (0, 1), Reason::OnPurpose, &mut world.host));
    assert_eq!(world.relay.memberships(), 2);
    assert!(world.relay.end_user(server, (0, 1), Reason::ConnectionLost, &mut world.host));
    assert_eq!(world.take(2), to_endpoint::channel_gone(0, Reason::ConnectionLost.end_code()));
    assert_eq!((world.take(0), world.take(1)), (Vec::new(), Vec::new()));
    assert_eq!(world.relay.memberships(), 1);
}

#[test]
fn a_user_that_knocks_has_no_membership_to_be_ended() {
    let mut world = knocking(500);
    assert!(!world.relay.end_user(world.ids[0], (0, 0), Reason::OnPurpose, &mut world.host));
    assert_eq!(world.relay.memberships(), 1);
    assert_eq!((world.take(0), world.take(1)), (Vec::new(), Vec::new()));
}

#[test]
fn a_user_loses_a_channel() {
    let mut world = World::with_channel(3);
    let user = world.ids[2];
    assert!(!world.relay.lose_entered(user, 1, &mut world.host));
    assert!(!world.relay.lose_entered(stale(user), 0, &mut world.host));
    assert_eq!(world.relay.memberships(), 2);
    assert!(world.relay.lose_entered(user, 0, &mut world.host));
    let gone = to_endpoint::user_gone(0, 1, Reason::ConnectionLost.end_code());
    assert_eq!(world.take(0), gone);
    assert_eq!((world.take(1), world.take(2)), (Vec::new(), Vec::new()));
}

#[test]
fn a_knock_is_lost_by_its_tag() {
    let mut world = knocking(500);
    // a channel that it is in comes first
    world.send(0, b"\0\0\x01\x01b");
    world.send(1, b"\0\x01\x08\x01b");
    world.send(0, &crate::protocol::to_relay::admit(1, 0, 2));
    world.host.queues.iter_mut().for_each(Vec::clear);
    let user = world.ids[1];
    for (of, tag) in [(user, 8), (user, 7), (stale(user), 9)] {
        assert!(!world.relay.lose_knock(of, tag, &mut world.host), "{tag}");
    }
    assert_eq!(world.relay.memberships(), 2);
    assert!(world.relay.lose_knock(user, 9, &mut world.host));
    assert_eq!(world.relay.memberships(), 1);
    assert_eq!(world.take(1), [], "its command is not answered");
    let gone = to_endpoint::user_gone(0, 0, Reason::ConnectionLost.end_code());
    assert_eq!(world.take(0), gone);
    assert!(!world.relay.lose_knock(user, 9, &mut world.host));
}
