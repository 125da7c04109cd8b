//! Queues that are full, and the bound that holds whatever happens.

use std::vec::Vec;

use super::*;

#[test]
fn data_waits_for_room_at_its_receiver_and_nothing_is_lost() {
    let mut world = World::with_channel(3);
    world.host.bound = 100;
    let bytes: Vec<u8> = (0..40u8).flat_map(|i| [2, 0, i]).collect(); // 4 bytes each at the server
    let first = world.receive(1, &bytes);
    assert_eq!(first, Received { used: 72, outcome: Outcome::WaitFor(world.ids[0]) });
    assert_eq!(world.receive(1, &bytes[72..]).used, 0);
    world.send(0, &[3, 128, 1, b'x']); // the other direction is free
    assert_eq!(world.take(2), [2, 0, b'x']);
    let mut data = world.take_data(0);
    world.send(1, &bytes[72..]);
    data.extend(world.take_data(0));
    let data: Vec<u8> = data.into_iter().flat_map(|(_, bytes)| bytes).collect();
    assert_eq!(data, (0..40).collect::<Vec<u8>>());
}

#[test]
fn a_long_payload_is_cut_to_what_fits_above_the_threshold() {
    let mut world = World::with_channel(2);
    (world.host.bound, world.host.cut) = (1000, 100);
    let unit = [&[0xff, 0xff, 0][..], &std::vec![7; 32766]].concat();
    let mut rest = &unit[..];
    let mut data = Vec::new();
    while !rest.is_empty() {
        let received = world.receive(1, rest);
        assert!(received.used > 0, "an empty queue always takes something");
        rest = &rest[received.used..];
        assert_eq!(world.host.queues[0].len(), if rest.is_empty() { 32766 % 996 + 4 } else { 1000 });
        data.extend(world.take_data(0).pop().unwrap().1);
    }
    assert_eq!(data, &unit[3..]);
}

#[test]
fn a_short_payload_is_never_cut_by_a_full_queue() {
    let mut world = World::with_channel(2);
    world.host.bound = 512;
    let unit = [&[101, 0][..], &[7; 100]].concat();
    for _ in 0..4 {
        world.send(1, &unit);
    }
    assert_eq!(world.receive(1, &unit), Received { used: 0, outcome: Outcome::WaitFor(world.ids[0]) });
}

#[test]
fn a_broadcast_waits_for_the_first_user_that_lacks_room() {
    let mut world = World::with_channel(4);
    world.host.bound = 50;
    world.host.queues[2] = std::vec![0; 50];
    let broadcast = [1, 1, 3, 128, b'a', b'b'];
    assert_eq!(world.receive(0, &broadcast), Received { used: 0, outcome: Outcome::WaitFor(world.ids[2]) });
    assert!(world.take(1).is_empty(), "nobody gets it before all can");
    // but one that leaves out the user without room goes on
    world.send(0, &[1, 0, 4, 128, 1, b'a', b'b']);
    assert_eq!((world.take(1).len(), world.take(3).len()), (4, 4));
    world.take(2);
    world.send(0, &broadcast);
    assert_eq!(world.take(2), [3, 0, b'a', b'b']);
}

/// Who sends as the server of a channel, and who as a user: by the next unit, or the one under way.
#[test]
fn what_waits_is_for_users_or_for_a_server() {
    let mut world = World::with_channel(3);
    let (server, user) = (world.ids[0], world.ids[1]);
    let long = |channel: u8| [&[0x80 | 3, 0xe9, channel][..], &[9; 1000]].concat();
    for unit in [&[3, 128, 0, 7][..], &[1, 1, 3, 128, 7], &[1, 0, 3, 128, 0], &long(128)] {
        assert!(world.relay.is_for_users(server, unit), "{unit:?}");
    }
    for unit in [&[2, 0, 7][..], &[2], &[], &[0, 1, 1, 1, 128], &long(0)] {
        assert!(!world.relay.is_for_users(user, unit), "{unit:?}");
    }
    // in the middle of a unit its bytes say nothing
    (world.host.bound, world.host.cut) = (200, 50);
    let mut to_users = long(128);
    to_users[3] = 0;
    assert_eq!(world.receive(0, &to_users).outcome, Outcome::WaitFor(user));
    assert!(world.relay.is_for_users(server, &[2, 0, 7]));
    assert_eq!(world.receive(1, &long(0)).outcome, Outcome::WaitFor(server));
    assert!(!world.relay.is_for_users(user, &[2, 128, 7]));
}

#[test]
fn a_broadcast_that_waits_in_the_middle_goes_on_with_those_it_began_with() {
    let mut world = World::with_channel(3);
    (world.host.bound, world.host.cut) = (200, 50);
    let unit = [&[1, 1, 0x80 | 3, 0xe9, 128][..], &[9; 1000]].concat(); // size 1001
    let first = world.receive(0, &unit);
    assert_eq!(first, Received { used: 5 + 196, outcome: Outcome::WaitFor(world.ids[1]) });
    let late = world.relay.connect().unwrap();
    world.ids.push(late);
    world.disconnect(1); // the one that is waited for goes
    world.take(0);
    world.send(3, b"\0\x01\x01\x01a");
    world.take(2);
    let mut rest = &unit[201..];
    let mut len = 196;
    while !rest.is_empty() {
        let received = world.receive(0, rest);
        rest = &rest[received.used..];
        len += world.take_data(2).pop().unwrap().1.len();
    }
    assert_eq!(len, 1000);
    assert_eq!(world.take_data(3), []);
}

#[test]
fn commands_wait_for_room_for_their_answer_and_for_the_notice() {
    let mut world = World::with_channel(3);
    world.host.bound = 6;
    world.host.queues[2] = std::vec![0; 2];
    assert_eq!(world.receive(2, b"\0\0\x01\x01b").outcome, Outcome::WaitFor(world.ids[2]));
    assert_eq!(world.receive(2, b"\0\x01\x01\x01z").outcome, Outcome::WaitFor(world.ids[2]));
    world.take(2);
    let other = world.relay.connect().unwrap();
    world.ids.push(other);
    world.host.queues[0] = std::vec![0; 1];
    assert_eq!(world.receive(3, b"\0\x01\x01\x01a").outcome, Outcome::WaitFor(world.ids[0]));
    assert_eq!((world.take(3).len(), world.relay.memberships()), (0, 2));
    // what ends is told at any time
    world.send(1, &[0, 2, 0, 1, 0]);
    assert_eq!(world.host.queues[0].len(), 1 + 7);
    world.host.queues[2] = std::vec![0; 6];
    world.disconnect(0);
    assert_eq!(world.take(2)[6..], [0, 4, 0, 2, 0, 1]);
}

#[test]
fn notices_add_at_most_7_bytes_for_each_membership() {
    let mut world = World::with_channel(16);
    world.host.bound = 100;
    world.host.queues[0] = std::vec![0; 100];
    for user in 1..16 {
        for _ in 0..20 {
            let _ = world.receive(user, &[0, 2, 0, 1, 0]);
            let _ = world.receive(user, b"\0\x01\x01\x01a");
        }
    }
    assert_eq!(world.host.queues[0].len(), 100 + 15 * 7);
}

#[test]
fn short_broadcasts_in_bulk_reach_everybody_whole_and_in_order() {
    let mut world = World::with_channel(4);
    world.host.bound = 5_000;
    let unit = |i: u16| {
        let [a, b] = i.to_be_bytes();
        // every seventh leaves out user 1
        if i.is_multiple_of(7) { std::vec![1, 0, 4, 128, 1, a, b] } else { std::vec![1, 1, 3, 128, a, b] }
    };
    let input: Vec<u8> = (0..3000).flat_map(unit).collect();
    let mut rest = &input[..];
    let mut got = std::vec![Vec::new(); 4];
    while !rest.is_empty() {
        let used = world.receive(0, rest).used;
        assert!(used > 0, "empty queues always take something");
        rest = &rest[used..];
        for (connection, got) in got.iter_mut().enumerate().skip(1) {
            units(&world.take(connection), |unit| {
                let Unit::FromServer { channel: 0, payload } = unit else { panic!("{unit:?}") };
                got.push(u16::from_be_bytes(payload.bytes().try_into().expect("never cut")));
            });
        }
    }
    let all: Vec<u16> = (0..3000).collect();
    let without: Vec<u16> = (0..3000).filter(|i: &u16| !i.is_multiple_of(7)).collect();
    assert!(got[1] == all && got[2] == without && got[3] == all);
}

/// A queue with exactly the room for what is to be said takes it.
#[test]
fn what_fits_exactly_is_said() {
    let announced = |bound| {
        let mut world = World::new(2);
        (world.host.capabilities, world.host.bound) = (Capabilities::REMOVE_USER, bound);
        (world.receive(0, &[0x80, 0]).outcome, world.take(0).len())
    };
    assert_eq!(announced(5), (Outcome::WaitFor(World::new(1).ids[0]), 0));
    assert_eq!(announced(6), (Outcome::NeedMore, 6));
    let asked = |bound, command: &[u8]| {
        let mut world = World::with_channel(2);
        world.host.bound = bound;
        let user = world.connect_from(0, 0);
        let received = world.receive(user, command);
        (received.used > 0, world.take(user).len(), world.take(0).len())
    };
    for create in [&b"\0\0\x01\x01b"[..], b"\0\0\x01\x01a"] {
        assert_eq!(asked(4, create), (false, 0, 0));
        assert!(asked(5, create).0);
    }
    // its server is told, too, which takes a byte more
    assert_eq!(asked(5, b"\0\x01\x01\x01a"), (false, 0, 0));
    assert_eq!(asked(6, b"\0\x01\x01\x01a"), (true, 5, 6));
    assert_eq!(asked(4, b"\0\x01\x01\x01z"), (false, 0, 0));
    assert_eq!(asked(5, b"\0\x01\x01\x01z"), (true, 5, 0));
}
