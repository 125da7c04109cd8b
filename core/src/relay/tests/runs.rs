//! Short units that are put together for their receiver.

use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::protocol::to_relay;

const USERS: usize = 4;

/// Data, joined for each (own, channel, user).
type Data = Vec<((bool, u8, u8), Vec<u8>)>;

/// The server and its users, which know its channel by different numbers.
fn world() -> World {
    let mut world = World::new(USERS + 2);
    let other = USERS + 1;
    world.send(other, b"\0\0\x01\x01b");
    world.send(0, b"\0\0\x01\x01a");
    for user in 1..=USERS {
        if user % 2 == 0 {
            world.send(user, b"\0\x01\x01\x01b");
        }
        world.send(user, b"\0\x01\x01\x01a");
    }
    world.host.queues.iter_mut().for_each(Vec::clear);
    world
}

fn unit((kind, who, len): (u8, u8, usize)) -> Vec<u8> {
    let header = match kind {
        0 => to_relay::data_from_server(0, who, len),
        1 => to_relay::broadcast(0, None, len),
        _ => to_relay::broadcast(0, Some(who), len),
    };
    header.as_bytes().iter().copied().chain((0..len).map(|at| at.to_le_bytes()[0] ^ who)).collect()
}

/// The same a few times, with lengths around those at which headers and runs end.
fn same() -> impl Strategy<Value = Vec<(u8, u8, usize)>> {
    let len = prop_oneof![0usize..5, 10usize..20, 120usize..132];
    (0u8..3, 0u8..5, len, 1usize..100).prop_map(|(kind, who, len, times)| std::vec![(kind, who, len); times])
}

/// Presents all bytes, and empties the queues where they are full. Returns what each connection
/// got.
fn present(world: &mut World, from: usize, bytes: &[u8]) -> Vec<Data> {
    let mut all = std::vec![Vec::new(); world.ids.len()];
    let mut rest = bytes;
    loop {
        let received = world.receive(from, rest);
        assert!(!matches!(received.outcome, Outcome::Close(_)), "{received:?}");
        rest = &rest[received.used..];
        for (of, all) in all.iter_mut().enumerate() {
            for (who, data) in world.take_data(of) {
                match all.iter_mut().find(|(other, _): &&mut ((bool, u8, u8), Vec<u8>)| *other == who) {
                    Some((_, bytes)) => bytes.extend(data),
                    None => all.push((who, data)),
                }
            }
        }
        if rest.is_empty() {
            return all;
        }
    }
}

proptest! {
    #[test]
    fn together_or_one_by_one_is_the_same(
        parts in proptest::collection::vec(same(), 1..12),
        bound in 140usize..3000,
        work in 1usize..500,
    ) {
        let units: Vec<Vec<u8>> = parts.concat().into_iter().map(unit).collect();
        let (mut together, mut single) = (world(), world());
        (together.host.bound, together.host.work) = (bound, work);
        let got = present(&mut together, 0, &units.concat());
        let mut expected = std::vec![Vec::new(); USERS + 2];
        for unit in &units {
            for (all, more) in expected.iter_mut().zip(present(&mut single, 0, unit)) {
                for (who, data) in more {
                    match all.iter_mut().find(|(other, _): &&mut ((bool, u8, u8), Vec<u8>)| *other == who) {
                        Some((_, bytes)) => bytes.extend(data),
                        None => all.push((who, data)),
                    }
                }
            }
        }
        prop_assert_eq!(got, expected);
        let counts = |world: &World| (world.host.units, world.host.broadcasts);
        prop_assert_eq!(counts(&together), counts(&single));
    }

    #[test]
    fn what_a_user_says_is_the_same_together_and_one_by_one(
        lengths in proptest::collection::vec((1usize..130, 1usize..60), 1..12),
        bound in 140usize..3000,
    ) {
        let units = lengths.iter().flat_map(|(len, times)| std::iter::repeat_n(*len, *times));
        let units: Vec<Vec<u8>> = units
            .map(|len| [to_relay::data_from_user(0, len).as_bytes(), &std::vec![7; len]].concat())
            .collect();
        let (mut together, mut single) = (world(), world());
        together.host.bound = bound;
        let got = present(&mut together, 1, &units.concat());
        let expected: usize = units.iter().map(|unit| present(&mut single, 1, unit)[0].iter().map(|(_, data)| data.len()).sum::<usize>()).sum();
        prop_assert_eq!(got[0].iter().map(|(_, data)| data.len()).sum::<usize>(), expected);
        prop_assert_eq!(together.host.units, single.host.units);
    }
}

#[test]
fn units_for_one_receiver_are_pushed_together() {
    let mut world = world();
    let mut pushes = |from, unit: &[u8]| {
        let before = world.host.pushes;
        world.send(from, &unit.repeat(10));
        world.host.pushes - before
    };
    assert_eq!(pushes(1, &[3, 0, b'h', b'i']), 1);
    assert_eq!(pushes(0, &[3, 128, 0, b'h']), 1);
    assert_eq!(pushes(0, &[1, 1, 2, 128, b'h']), USERS);
    assert_eq!(pushes(0, &[3, 128, 0, b'h', 3, 128, 1, b'h']), 20);
}
