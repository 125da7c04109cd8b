//! Names that carry more than a name, refusals that give nothing away, and what an operator asks
//! for.

use std::vec::Vec;

use super::*;

/// What is in front of the first `~`.
fn plain(name: &[u8]) -> &[u8] {
    name.split(|byte| *byte == b'~').next().unwrap_or(name)
}

#[test]
fn a_channel_is_known_by_the_part_of_the_name_that_the_host_leaves() {
    let mut world = World::new(3);
    world.host.channel_name = plain;
    world.host.decision = |request| match *request {
        Request::Create { name: b"a", given: b"a~1", .. }
        | Request::Enter { name: b"a", given: b"a~2", .. } => Decision::Yes,
        _ => Decision::Close,
    };
    world.send(0, b"\0\0\x01\x03a~1");
    world.send(1, b"\0\x01\x01\x03a~2");
    assert_eq!(world.take(1), [0, 3, 1, 0, 0]);
    let mut names = Vec::new();
    world.relay.own_channels(world.ids[0], |_, name, users| names.push((name.to_vec(), users)));
    assert_eq!(names, [(b"a".to_vec(), 1)]);
    world.host.decision = |_| Decision::Yes;
    world.send(2, b"\0\0\x01\x03a~3");
    assert_eq!(world.take(2), [0, 3, 1, 1, 2], "the name is in use");
}

#[test]
fn a_hidden_refusal_is_the_same_whether_there_is_a_channel_or_not() {
    let mut world = World::with_channel(3);
    world.host.decision = |_| Decision::Hide;
    world.send(2, b"\0\0\x01\x01a\0\0\x01\x01b");
    assert_eq!(world.take(2), [0, 3, 1, 1, 2, 0, 3, 1, 1, 2]);
    // in it already, its own, none
    world.send(2, b"\0\x01\x01\x01a\0\x01\x01\x01b");
    assert_eq!(world.take(2), [0, 3, 1, 1, 1, 0, 3, 1, 1, 1]);
    world.send(0, b"\0\x01\x01\x01a");
    assert_eq!(world.take(0), [0, 3, 1, 1, 1]);
    world.send(2, &[0, 2, 0, 1, 0]); // leaving cannot be refused
    assert_eq!(world.take(0), [0, 5, 0, 1, 0, 1, 0]);
}

#[test]
fn a_channel_that_the_operator_closes_ends_for_all_and_can_be_created_again() {
    let mut world = World::with_channel(3);
    assert_eq!(world.relay.channel_named(b"a", &world.host), Some((world.ids[0], 0, 2)));
    assert!(world.relay.close_channel(b"a", &mut world.host));
    assert_eq!(world.take(1), [0, 4, 0, 2, 0, 2]);
    assert_eq!(world.take(2), [0, 4, 0, 2, 0, 2]);
    assert_eq!(world.take(0), [0, 5, 0, 1, 0, 0, 2, 0, 5, 0, 1, 0, 1, 2]);
    assert_eq!((world.relay.channels(), world.relay.memberships()), (0, 0));
    assert_eq!(world.relay.channel_named(b"a", &world.host), None);
    assert!(!world.relay.close_channel(b"a", &mut world.host));
    // what the server still sends reaches nobody
    world.send(0, &[4, 128, 0, b'x', b'y', 0, 3, 0, 1, 0]);
    world.send(1, b"\0\0\x01\x01a");
    world.send(0, b"\0\x01\x01\x01a");
    assert_eq!(world.take(0), [0, 3, 1, 0, 0]);
}

/// The server does not know that its channel has ended. What it says of the number must not mean
/// another channel, however many it creates.
#[test]
fn the_number_of_a_channel_that_the_operator_closes_stays_taken_until_its_server_gives_it_back() {
    let mut world = World::with_channel(1);
    for number in 0..128 {
        if number > 0 {
            world.send(0, b"\0\0\x01\x01a");
            assert_eq!(world.take(0), [0, 3, 1, 0, number]);
        }
        assert!(world.relay.close_channel(b"a", &mut world.host));
    }
    world.send(0, b"\0\0\x01\x01a");
    assert_eq!(world.take(0), to_endpoint::refused(1, 1));
    assert_eq!((world.relay.channels(), world.relay.channels_of(world.ids[0])), (0, (128, 0)));
    world.send(0, &[0, 3, 0, 1, 77]);
    world.send(0, b"\0\0\x01\x01a");
    assert_eq!(world.take(0), [0, 3, 1, 0, 77]);
    world.send(0, b"\0\0\x02\x01b");
    world.take(0);
    world.disconnect(0);
    assert_eq!((world.relay.channels(), world.relay.channels_of(world.ids[0])), (0, (0, 0)));
}

/// Its server may have let the user in already, and that be under way.
#[cfg(feature = "flow")]
#[test]
fn a_server_is_told_of_who_knocks_at_a_channel_that_the_operator_closes() {
    let mut world = World::flowing(&[1000, 500, 0]);
    world.send(0, b"\0\0\x01\x01a");
    for user in 1..3 {
        world.send(user, b"\0\x01\x09\x01a");
    }
    world.take(0);
    assert!(world.relay.close_channel(b"a", &mut world.host));
    assert_eq!(world.take(1), to_endpoint::refused(9, 1));
    assert_eq!(world.take(2), to_endpoint::refused(9, 1));
    let gone = [to_endpoint::user_gone(0, 0, 1), to_endpoint::user_gone(0, 1, 1)].concat();
    assert_eq!(world.take(0), gone);
    world.send(0, &crate::protocol::to_relay::admit(0, 0, 1));
    assert_eq!((world.take(0), world.take(1)), (Vec::new(), Vec::new()));
    assert_eq!((world.relay.channels(), world.relay.memberships()), (0, 0));
}

#[test]
fn channels_that_a_connection_is_in_are_shown() {
    let mut world = World::with_channel(2);
    let mut seen = Vec::new();
    world.relay.entered_channels(world.ids[1], |number, name, server| {
        seen.push((number, name.to_vec(), server));
    });
    assert_eq!(seen, [(0, b"a".to_vec(), world.ids[0])]);
    world.disconnect(1);
    world.relay.entered_channels(world.ids[1], |_, _, _| panic!("it is gone"));
}

#[test]
fn who_turns_out_to_come_from_elsewhere_counts_there() {
    let mut world = World::with_channel(1);
    let proxy = Home { address: 1, network: 1 };
    let real = Home { address: 2, network: 2 };
    for _ in 0..2 {
        world.ids.push(world.relay.connect_from(proxy).unwrap());
    }
    world.relay.set_home(world.ids[1], real);
    world.send(1, b"\0\x01\x01\x01a");
    world.host.decision = |request| match request {
        Request::Enter { of_address: 0, of_network: 0, .. } => Decision::Yes,
        _ => Decision::Close,
    };
    world.send(2, b"\0\x01\x01\x01a");
    let third = world.relay.connect_from(real).unwrap();
    world.host.queues.resize(8, Vec::new());
    world.ids.push(third);
    assert_eq!(world.send_fatal(3, b"\0\x01\x01\x01a"), CloseReason::NotAllowed);
}
