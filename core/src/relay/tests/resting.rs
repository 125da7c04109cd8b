//! Numbers that rest, because something may be under way for their last holder.

use proptest::prelude::*;

use super::super::numbers::{Numbers, UnderWay};
use super::super::places;
use super::*;
use crate::protocol::{MAX_CHANNELS, MAX_USERS};

/// Server 0 of the channel "a" and `users` connections that are in it, each from an address and a
/// network of its own.
fn filled(users: usize) -> World {
    let mut world = World::new(1);
    world.host.queues = std::vec![Vec::new(); users + 8];
    world.send(0, b"\0\0\x01\x01a");
    for user in 0..users {
        let from = 1000 + u32::try_from(user).unwrap();
        let user = world.connect_from(from, from);
        world.send(user, b"\0\x01\x01\x01a");
    }
    world.host.queues.iter_mut().for_each(Vec::clear);
    world
}

/// The answer to one who enters "a": the number in the channel if it was let in, or the code.
fn enter(world: &mut World, user: usize) -> Result<u8, u8> {
    world.take(0);
    world.take(user);
    world.send(user, b"\0\x01\x01\x01a");
    match world.take(user)[..] {
        [0, 3, 1, 0, _] => Ok(world.take(0)[5]),
        [0, 3, 1, 1, code] => Err(code),
        ref other => panic!("{other:?}"),
    }
}

// §1.3-rest
#[test]
fn what_is_under_way_for_a_user_who_has_left_reaches_nobody() {
    for loses_connection in [false, true] {
        let mut world = filled(MAX_USERS);
        let stranger = world.connect_from(1, 1);
        if loses_connection {
            world.disconnect(7);
        } else {
            world.send(7, &[0, 2, 0, 1, 0]);
        }
        // the server has not heard of it, and every number but that one is in use
        assert_eq!(enter(&mut world, stranger), Err(4));
        world.send(0, &[5, 128, 6, b's', b'e', b'c']);
        assert!((1..world.ids.len()).all(|user| world.host.queues[world.ids[user].index()].is_empty()));
        world.pass(5);
        assert_eq!(enter(&mut world, stranger), Err(4), "5 s are promised");
        world.pass(2);
        assert_eq!(enter(&mut world, stranger), Ok(6));
    }
}

#[test]
fn the_number_of_a_user_that_was_removed_rests_too() {
    for command in [4, 5] {
        let mut world = filled(MAX_USERS);
        world.host.capabilities = Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER);
        world.relay.tables().connection(world.ids[0]).unwrap().announced = true;
        let next = world.connect_from(1, 1);
        world.relay.tables().connection(world.ids[next]).unwrap().announced = true;
        world.send(0, &[0, command, 0, 2, 0, 6]);
        assert_eq!(enter(&mut world, next), Err(4));
        // what the server says before it hears of it reaches nobody
        world.host.queues.iter_mut().for_each(Vec::clear);
        world.send(0, &[3, 128, 6, b'x']);
        assert!(world.host.queues.iter().all(Vec::is_empty));
        world.pass(7);
        assert_eq!(enter(&mut world, next), Ok(6));
    }
}

#[test]
fn what_is_under_way_for_a_channel_that_is_gone_reaches_nobody() {
    // the user has been in all but one as often as numbers go, so that the next one would be that
    // of the channel that ends
    let mut world = World::new(4);
    for number in 0..128u8 {
        world.send(0, &[0, 0, 1, 2, b'a', number]);
        world.send(2, &[0, 0, 1, 2, b'b', number]);
    }
    for number in 0..128u8 {
        world.send(1, &[0, 1, 1, 2, b'a', number]);
    }
    world.host.queues.iter_mut().for_each(Vec::clear);
    world.send(0, &[0, 3, 0, 1, 9]); // the server deletes the channel that the user has as 9
    world.take(1);
    // the user enters another channel and sends, both before it hears of that
    world.send(1, &[0, 1, 1, 2, b'b', 0, 3, 9, b's', b'e', 0, 2, 0, 1, 9]);
    assert_eq!(world.take(1), [0, 3, 1, 1, 5], "in 127 channels, and a number rests");
    assert_eq!(world.take(2), []);
    world.pass(7);
    world.send(1, &[0, 1, 1, 2, b'b', 0]);
    assert_eq!(world.take(1), [0, 3, 1, 0, 9]);
}

#[test]
fn who_leaves_himself_may_enter_as_often_as_he_likes() {
    let mut world = World::with_channel(2);
    for round in 0..2000usize {
        let number = u8::try_from(round % MAX_CHANNELS).unwrap();
        world.send(1, &[0, 2, 0, 1, number]);
        world.pass(u64::from(round.is_multiple_of(32))); // the user's numbers in the channel rest
        world.take(1);
        world.send(1, b"\0\x01\x01\x01a");
        assert_eq!(world.take(1)[3], 0, "in round {round}");
    }
    // and a server may create and delete
    for round in 0..1000usize {
        world.take(0);
        world.send(0, b"\0\0\x01\x01b");
        let answer = world.take(0);
        assert_eq!(answer[..4], [0, 3, 1, 0], "in round {round}");
        world.send(0, &[0, 3, 0, 1, answer[4]]);
    }
}

#[test]
fn numbers_that_rest_count_for_the_address_they_were_given_to() {
    let mut world = filled(0);
    world.host.decision = |request| match *request {
        Request::Enter { of_address, of_network, .. } if of_address >= 3 || of_network >= 5 => {
            Decision::No(Reason::ChannelFull)
        }
        _ => Decision::Yes,
    };
    let (first, second) = (world.connect_from(1, 7), world.connect_from(1, 7));
    let neighbour = world.connect_from(2, 7);
    let stranger = world.connect_from(3, 8);
    for number in 0..3 {
        assert_eq!(enter(&mut world, first), Ok(number));
        world.send(first, &[0, 2, 0, 1, number]);
    }
    assert_eq!(enter(&mut world, first), Err(4), "three rest");
    assert_eq!(enter(&mut world, second), Err(4), "a connection more is no way out");
    world.disconnect(second);
    let again = world.connect_from(1, 7);
    assert_eq!(enter(&mut world, again), Err(4), "nor is a new one");
    for number in 0..2 {
        assert_eq!(enter(&mut world, neighbour), Ok(3 + number));
        world.send(neighbour, &[0, 2, 0, 1, number]);
    }
    assert_eq!(enter(&mut world, neighbour), Err(4), "five in the network");
    assert_eq!(enter(&mut world, stranger), Ok(5));
    world.pass(7);
    assert_eq!(enter(&mut world, first), Ok(6));
    assert_eq!(enter(&mut world, again), Ok(7));
    assert_eq!(enter(&mut world, neighbour), Ok(8));
}

#[test]
fn the_129th_channel_is_one_too_many_for_the_connection_and_not_for_the_channel() {
    let mut world = World::new(3);
    for number in 0..128u8 {
        world.send(0, &[0, 0, 1, 2, b'a', number]);
        world.send(1, &[0, 1, 1, 2, b'a', number]);
    }
    world.send(2, b"\0\0\x01\x01b");
    world.take(1);
    world.send(1, b"\0\x01\x01\x01b");
    assert_eq!(world.take(1), [0, 3, 1, 1, 5]);
    world.send(1, &[0, 2, 0, 1, 77]);
    world.send(1, b"\0\x01\x01\x01b");
    assert_eq!(world.take(1), [0, 3, 1, 0, 77]);
}

/// Pages are for all. One that comes and goes keeps to the numbers that it has had, when half of
/// the pages are taken.
#[test]
fn those_who_come_and_go_leave_half_of_the_pages() {
    let mut pages = std::vec![Page::EMPTY; 4];
    let (mut taken, mut numbers) = (places::Taken::NONE, Numbers::<4>::EMPTY);
    let from = UnderWay::Something(Home { address: 1, network: 1 });
    for expected in 0..32 {
        assert_eq!(numbers.take(&mut pages, &mut taken, 7, Instant::ZERO), Some(expected));
        numbers.release(&mut pages, expected, from, Instant::ZERO);
    }
    assert_eq!(numbers.take(&mut pages, &mut taken, 7, Instant::ZERO), None, "all rest");
    assert_eq!(taken.now(), 2);
    let mut others = Numbers::<4>::EMPTY;
    assert_eq!(others.take(&mut pages, &mut taken, 7, Instant::ZERO), Some(0));
    assert_eq!(numbers.take(&mut pages, &mut taken, 7, Instant::from_millis(7000)), Some(0));
}

/// What is done to a table of 16 numbers.
#[derive(Clone, Copy, Debug)]
enum Step {
    Take,
    Release { number: u8, at_once: bool, home: u32 },
    Pass { millis: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Take),
        4 => (0u8..16, any::<bool>(), 0u32..3)
            .prop_map(|(number, at_once, home)| Step::Release { number, at_once, home }),
        1 => prop_oneof![0u64..3000, 5000u64..7000, 0u64..100_000].prop_map(|millis| Step::Pass { millis }),
    ]
}

proptest! {
    // §1.3-oldest-first
    #[test]
    fn numbers_are_given_out_as_by_a_list(steps in proptest::collection::vec(step(), 0..400)) {
        const MILLIS: u64 = 1024;
        let _limit = TimeLimit::default();
        let mut pages = std::vec![Page::EMPTY; 4];
        let mut taken = places::Taken::NONE;
        let mut numbers = Numbers::<1>::EMPTY;
        let mut now = 0;
        // in the order in which they became free: number, tick, whether it rests, and whose it was
        let mut free: Vec<(u8, u64, bool, u32)> = Vec::new();
        let mut used = std::collections::BTreeSet::new();
        let mut fresh = 0u8..16;
        for step in steps {
            let tick = now / MILLIS;
            let at = Instant::from_millis(now);
            let rests = |(_, since, rests, _): &(u8, u64, bool, u32)| *rests && tick < since + 6;
            match step {
                Step::Take => {
                    let expected = fresh.next().or_else(|| {
                        let place = free.iter().position(|free| !rests(free))?;
                        Some(free.remove(place).0)
                    });
                    prop_assert_eq!(numbers.take(&mut pages, &mut taken, 7, at), expected);
                    used.extend(expected);
                }
                Step::Release { number, at_once, home } => {
                    let under_way = if at_once {
                        UnderWay::Nothing
                    } else {
                        UnderWay::Something(Home { address: home, network: home / 2 })
                    };
                    numbers.release(&mut pages, number, under_way, at);
                    if used.remove(&number) {
                        free.push((number, tick, !at_once, home));
                    }
                }
                Step::Pass { millis } => now += millis,
            }
            let (tick, at) = (now / MILLIS, Instant::from_millis(now));
            let resting = |what: &dyn Fn(u32) -> bool| {
                let rests = |(_, since, rests, home): &&(u8, u64, bool, u32)| {
                    *rests && tick < since + 6 && what(*home)
                };
                free.iter().filter(rests).count()
            };
            for home in 0..3 {
                let expected = (resting(&|other| other == home), resting(&|other| other / 2 == home / 2));
                prop_assert_eq!(numbers.resting(&pages, Home { address: home, network: home / 2 }, at), expected);
            }
            prop_assert_eq!(numbers.used(), used.len());
            prop_assert!(numbers.iter(&pages).map(|(number, _)| number).eq(used.iter().copied()));
        }
    }
}
