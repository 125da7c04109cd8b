//! How much work one call does.

use super::*;
use crate::protocol::MAX_USERS;

/// Server 0 of the channel "a", with so many users.
fn crowd(users: usize) -> World {
    let mut world = World::new(1);
    world.host.queues = std::vec![Vec::new(); users + 2];
    world.send(0, b"\0\0\x01\x01a");
    for _ in 0..users {
        let user = world.connect_from(0, 0);
        world.send(user, b"\0\x01\x01\x01a");
    }
    world.host.queues.iter_mut().for_each(Vec::clear);
    world.host.pushes = 0;
    world
}

/// Presents a stream until all is routed. Returns how many calls that took; each has to keep to the
/// host's bound.
#[track_caller]
fn all(world: &mut World, from: usize, stream: &[u8]) -> usize {
    let (mut rest, mut calls) = (stream, 0);
    while !rest.is_empty() {
        world.host.pushes = 0;
        let received = world.receive(from, rest);
        rest = &rest[received.used..];
        calls += 1;
        assert!(world.host.pushes <= world.host.work, "{} pushes", world.host.pushes);
        assert!(received.used > 0, "{received:?} leads nowhere");
        match received.outcome {
            Outcome::NeedMore => assert_eq!(rest, []),
            Outcome::Enough => {}
            other => panic!("{other:?}"),
        }
    }
    calls
}

#[test]
fn a_call_pushes_no_more_than_the_host_allows() {
    let broadcast = |text: &[u8]| [&[1, 1, 1 + u8::try_from(text.len()).unwrap(), 128], text].concat();
    let long = [&[1, 1, 0x80 | 4, 1, 128][..], &[7; 1024]].concat();
    let but_one = [1, 0, 3, 128, 255, b'x'];
    // runs of equal ones, runs of one, long ones, and data for one
    let streams = [
        broadcast(b"x").repeat(100),
        [&broadcast(b"x")[..], &but_one].concat().repeat(100),
        long.repeat(20),
        [3, 128, 7, b'x'].repeat(2000),
        [&broadcast(b"xyz")[..], &[3, 128, 7, b'x'], &long, &[0x80, 0]].concat().repeat(30),
    ];
    for stream in streams {
        let mut world = crowd(MAX_USERS);
        world.host.work = usize::MAX;
        assert_eq!(all(&mut world, 0, &stream), 1);
        let expected = world.host.queues.clone();
        for work in [288, 300, 1000, 4096] {
            let mut world = crowd(MAX_USERS);
            world.host.work = work;
            let calls = all(&mut world, 0, &stream);
            assert!(calls > 1 || stream.len() < 10_000, "{calls} calls with {work}");
            assert!(world.host.queues == expected, "the same comes of it");
        }
    }
}

#[test]
fn a_broadcast_that_is_too_much_at_once_goes_alone() {
    let mut world = crowd(20);
    world.host.work = 7;
    let received = world.receive(0, &[1, 1, 2, 128, b'x', 1, 1, 2, 128, b'y']);
    assert_eq!(received, Received { used: 5, outcome: Outcome::Enough });
    assert_eq!(world.host.pushes, 20);
    // and with no work at all allowed one thing is done all the same
    world.host.work = 0;
    assert_eq!(world.receive(1, &[2, 0, b'x', 2, 0, b'y']).used, 3);
}

#[test]
fn what_goes_to_nobody_and_commands_are_work_too() {
    let mut world = crowd(2);
    world.host.work = 64;
    let nothing: [&[u8]; 5] =
        [&[0x80, 0], &[1, 1, 0x80, 0], &[2, 99, b'x'], &[3, 128, 99, b'x'], &[1, 1, 2, 129, b'x']];
    for unit in nothing {
        let received = world.receive(0, &unit.repeat(1000));
        assert_eq!(received, Received { used: 64 * unit.len(), outcome: Outcome::Enough }, "{unit:?}");
    }
    let enters = [0, 1, 1, 1, b'?'].repeat(10);
    assert_eq!(world.receive(0, &enters), Received { used: 10, outcome: Outcome::Enough });
    // deleting is what it takes to tell all users
    let mut world = crowd(MAX_USERS);
    world.host.work = 32 + MAX_USERS;
    let received = world.receive(0, &[0x80, 0, 0, 3, 0, 1, 0]);
    assert_eq!(received, Received { used: 2, outcome: Outcome::Enough });
    assert_eq!(world.receive(0, &[0, 3, 0, 1, 0]).used, 5);
    assert_eq!(world.host.pushes, MAX_USERS);
}

#[test]
fn a_long_broadcast_in_many_pieces_stops_between_two_of_them() {
    let mut world = crowd(100);
    world.host.work = 300;
    world.host.bound = 1024;
    let unit = [&[1, 1, 0xff, 0xf0, 128][..], &pattern(32_751)].concat();
    let (mut rest, mut got) = (&unit[..], Vec::new());
    let mut calls = 0;
    while !rest.is_empty() {
        world.host.pushes = 0;
        let received = world.receive(0, rest);
        assert!(world.host.pushes <= 300);
        rest = &rest[received.used..];
        got.extend(world.take_data(1).pop().map(|(_, bytes)| bytes).unwrap_or_default());
        (2..=100).for_each(|user| drop(world.take(user)));
        calls += 1;
        assert!(calls < 1000);
    }
    assert!(got == unit[5..]);
}

fn pattern(len: u32) -> Vec<u8> {
    (0..len).map(|at| (at ^ (at >> 8)).to_le_bytes()[0]).collect()
}

#[test]
fn who_goes_is_forgotten_in_parts() {
    let mut world = crowd(MAX_USERS);
    for number in 0..100 {
        world.send(0, &[0, 0, 1, 2, b'n', number]);
        world.send(1, &[0, 1, 1, 2, b'n', number]);
    }
    world.send(1, b"\0\0\x01\x03own");
    world.send(0, b"\0\x01\x01\x03own");
    let mut parts = 0;
    loop {
        world.host.pushes = 0;
        parts += 1;
        let is_done = world.relay.disconnect_partly(world.ids[0], 256, &mut world.host);
        assert!(world.host.pushes <= 256, "{} pushes in a part", world.host.pushes);
        if is_done {
            break;
        }
        assert_eq!(world.relay.connections(), MAX_USERS + 1, "its place is not given again");
    }
    assert_eq!(parts, 3);
    assert_eq!((world.relay.channels(), world.relay.memberships()), (1, 0));
    assert_eq!(world.relay.connections(), MAX_USERS);
}

#[test]
fn bytes_that_are_copied_for_many_are_work() {
    let mut world = crowd(200);
    world.host.work = 4096;
    let unit = [&[1, 1, 0xff, 0xf0, 128][..], &pattern(32_751)].concat();
    let (mut rest, mut got) = (&unit[..], Vec::new());
    while !rest.is_empty() {
        let received = world.receive(0, rest);
        rest = &rest[received.used..];
        let copied: usize = (1..=200).map(|user| world.host.queues[world.ids[user].index()].len()).sum();
        assert!(copied <= 4096 * 64, "{copied} bytes in a call");
        got.extend(world.take_data(1).pop().map(|(_, bytes)| bytes).unwrap_or_default());
        (2..=200).for_each(|user| drop(world.take(user)));
    }
    assert!(got == unit[5..]);
    // for a few users it goes whole
    let mut world = crowd(3);
    world.host.work = 4096;
    assert_eq!(world.receive(0, &unit).used, unit.len());
    assert_eq!(world.host.pushes, 3);
}

/// Otherwise one call would go through all of them, however many there are.
#[test]
fn data_that_reaches_nobody_is_work() {
    let long = [&[0x80 | 1, 44, 5][..], &[7; 299]].concat();
    // for no channel, nothing for a server, long, for no user, for all of no channel, and two
    // no-ops
    let units: [&[u8]; 7] = [
        &[2, 5, b'x'],
        &[0x80, 1, 0],
        &long,
        &[3, 0x85, 0, b'x'],
        &[1, 1, 2, 0x85, b'x'],
        &[0x80, 0],
        &[1, 1, 0x80, 0],
    ];
    for unit in units {
        let mut world = World::with_channel(2);
        world.host.work = 10;
        let received = world.receive(1, &unit.repeat(100));
        assert_eq!(received, Received { used: 10 * unit.len(), outcome: Outcome::Enough }, "{unit:?}");
        // where the work ends with the input there is nothing to come back for
        world.send(1, &unit.repeat(10));
    }
}

/// The same for broadcasts that only those get who have room.
#[cfg(feature = "flow")]
#[test]
fn broadcasts_to_ready_that_reach_nobody_are_work() {
    for unit in [[1, 2, 2, 0x85, b'x'], [1, 2, 2, 0x84, 0]] {
        let mut world = World::in_a(&[1000, 1000]);
        world.host.work = 10;
        let received = world.receive(1, &unit.repeat(100));
        assert_eq!(received, Received { used: 10 * unit.len(), outcome: Outcome::Enough });
    }
}

/// A receiver that grants often is not to be slowed down as one that gives commands.
#[cfg(feature = "flow")]
#[test]
fn a_grant_is_as_much_work_as_a_unit_of_data() {
    let mut world = World::in_a(&[1000, 1000]);
    world.host.work = 10;
    let grant = crate::protocol::to_relay::grant_server(0, 0);
    let received = world.receive(1, &grant.repeat(20));
    assert_eq!(received, Received { used: 10 * grant.len(), outcome: Outcome::Enough });
}
