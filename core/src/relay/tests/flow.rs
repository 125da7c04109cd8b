//! Hello, admission and windows (`docs/PROTOCOL.md`, sections 11.4 to 11.8).

use std::vec::Vec;

use super::*;
use crate::protocol::items::{self, Item, Items};
use crate::protocol::to_relay::{self, Command};

/// What a new connection is told first.
const ANNOUNCEMENT: [u8; 6] = [0, 4, 0, 255, 0x50, 4];

/// The hello of an endpoint that takes part, with so large a window.
pub(super) fn hello(window: u32) -> Vec<u8> {
    let list = [&items::capabilities(1)[..], &items::number(items::WINDOW, window)].concat();
    [&to_relay::command_head(Command::Hello, list.len()).unwrap()[..], &list].concat()
}

impl World {
    /// A relay that announces the hello. Each connection takes part with that window, or is an
    /// existing endpoint (0).
    pub(super) fn flowing(windows: &[u32]) -> Self {
        let mut world = World::new(windows.len());
        world.host.capabilities = Capabilities::HELLO;
        for (connection, window) in windows.iter().enumerate() {
            if *window > 0 {
                world.send(connection, &hello(*window));
                let bytes = world.take(connection);
                assert_eq!(bytes[..6], ANNOUNCEMENT);
                let items: Vec<_> = Items::new(&bytes[10..]).collect();
                assert_eq!(items[..2], [Item::Capabilities(1), Item::Keepalive(5)]);
            } else {
                world.send(connection, &[0x80, 0]);
                assert_eq!(world.take(connection), ANNOUNCEMENT);
            }
        }
        world
    }

    /// The same, and all but the first are in its channel "a".
    pub(super) fn in_a(windows: &[u32]) -> Self {
        let mut world = World::flowing(windows);
        world.send(0, b"\0\0\x01\x01a");
        for user in 1..windows.len() {
            world.send(user, b"\0\x01\x09\x01a");
            world.admit_all();
        }
        world.host.queues.iter_mut().for_each(Vec::clear);
        world
    }

    /// The first connection admits all that knock.
    fn admit_all(&mut self) {
        let mut knocks = Vec::new();
        units(&self.take(0), |unit| {
            if let Unit::Knock { channel, user, ticket, .. } = unit {
                knocks.push(to_relay::admit(channel, user, ticket));
            }
        });
        self.send(0, &knocks.concat());
    }

    fn queued(&self, of: usize) -> usize {
        self.host.queues[self.ids[of].index()].len()
    }

    pub(super) fn drain(&mut self, of: usize) -> Vec<u8> {
        let bytes = self.take(of);
        self.relay.drained(self.ids[of], &mut self.host);
        bytes
    }
}

/// Data of a user for the server of entered channel 0.
pub(super) fn to_server(len: usize) -> Vec<u8> {
    [to_relay::data_from_user(0, len).as_bytes(), &std::vec![7; len]].concat()
}

pub(super) fn to_user(user: u8, len: usize) -> Vec<u8> {
    [to_relay::data_from_server(0, user, len).as_bytes(), &std::vec![7; len]].concat()
}

pub(super) fn to_all(len: usize) -> Vec<u8> {
    [to_relay::broadcast(0, None, len).as_bytes(), &std::vec![7; len]].concat()
}

// §11.4-counts, §11.4-answer
#[test]
fn a_hello_counts_only_in_front_of_everything_else() {
    for (before, takes_part) in [
        (&b"\0\0\x01\x01z"[..], true),
        (b"\0\x01\x01\x01z", true),
        (b"\x02\x01a", false),
        (b"\0\x02\0\x01\0", false),
    ] {
        let mut world = World::new(1);
        world.host.capabilities = Capabilities::HELLO;
        world.send(0, before);
        world.take(0);
        world.send(0, &hello(100));
        let bytes = world.take(0);
        assert_eq!(Items::new(&bytes[4..]).next(), Some(Item::Capabilities(takes_part.into())));
        assert_eq!(world.relay.takes_part(world.ids[0]), takes_part);
    }
    // without a window it is a hello of an existing endpoint
    let mut world = World::new(1);
    world.host.capabilities = Capabilities::HELLO;
    world.send(0, &[0, 6, 0, 3, 1, 1, 1]);
    assert!(!world.relay.takes_part(world.ids[0]));
}

// §11.4-again
#[test]
fn the_first_hello_that_says_so_counts() {
    for (first, takes_part) in [
        // nothing is said of taking part yet
        (&[][..], true),
        (&[3, 1, b'x', 6, 4, 9, 0, 0, 0], true),
        (&[1, 1, 0], false),
        (&[1, 1, 1], false),
        (&[1, 1, 1, 6, 4, 0, 0, 0, 0], false),
        (&[1, 1, 0, 6, 4, 9, 0, 0, 0], false),
    ] {
        let mut world = World::new(1);
        world.host.capabilities = Capabilities::HELLO;
        world.send(0, &[&[0, 6, 0, u8::try_from(first.len()).unwrap()], first].concat());
        world.send(0, &hello(100));
        assert_eq!(world.relay.takes_part(world.ids[0]), takes_part, "{first:?}");
    }
}

#[test]
fn without_memory_or_announcement_the_command_is_unknown() {
    let mut world = World::new(1);
    assert_eq!(world.send_fatal(0, &hello(100)), CloseReason::UnknownCommand(6));
    let mut relay = Relay::new(StaticStorage::<2, 1, 1, 4>::new());
    let id = relay.connect().unwrap();
    let mut host = Queues { capabilities: Capabilities::HELLO, ..Queues::default() };
    let received = relay.receive(id, &hello(100), &mut host);
    assert_eq!(received.outcome, Outcome::Close(CloseReason::UnknownCommand(6)));
}

// §11.7-asked, §11.7-words, §11.7-no-data, §11.7-ticket, §11.7-success
#[test]
fn a_server_that_takes_part_is_asked() {
    let mut world = World::flowing(&[1000, 500, 0]);
    world.send(0, b"\0\0\x01\x01a");
    world.take(0);
    world.send(1, b"\0\x07\0\x02hi\0\x01\x09\x01a");
    assert_eq!(world.take(1), [], "no answer yet");
    let knock = [&to_endpoint::knock(0, 0, 1, true, 500, 2).unwrap()[..], b"hi"].concat();
    assert_eq!(world.take(0), knock);
    // nothing reaches a user that knocks, and it can say nothing
    world.send(0, &[&to_user(0, 3)[..], &to_all(3)].concat());
    world.send(1, &to_server(3));
    assert_eq!((world.take(0), world.take(1)), (Vec::new(), Vec::new()));
    world.send(0, &to_relay::admit(0, 0, 2));
    assert_eq!(world.take(1), [], "another ticket");
    world.send(0, &to_relay::admit(0, 0, 1));
    assert_eq!(world.take(1), to_endpoint::entered(9, 0, 0, 1000));
    world.send(0, &to_all(3));
    assert_eq!(world.take(1), [4, 0, 7, 7, 7]);
    // one that does not take part has no words, and gets the short answer
    world.send(2, b"\0\x07\0\x02hi\0\x01\x08\x01a");
    assert_eq!(world.take(0), to_endpoint::knock(0, 1, 2, false, 65_536, 0).unwrap());
    world.send(0, &to_relay::admit(0, 1, 2));
    assert_eq!(world.take(2), to_endpoint::success(8, 0));
}

// §11.7-refuse, §11.7-existing
#[test]
fn a_user_is_refused_with_words() {
    let mut world = World::flowing(&[1000, 500, 0]);
    world.send(0, b"\0\0\x01\x01a");
    for (user, code) in [(1, 7), (1, 4), (2, 7)] {
        world.send(user, b"\0\x01\x09\x01a");
        let mut seen = None;
        units(&world.take(0), |unit| {
            if let Unit::Knock { user, ticket, .. } = unit {
                seen = Some((user, ticket));
            }
        });
        let (number, ticket) = seen.expect("a knock");
        let refuse = to_relay::refuse(0, number, ticket, code, 2).unwrap();
        world.send(0, &[&refuse[..], b"no"].concat());
        let expected: &[u8] = match (user, code) {
            (1, 7) => &[0, 5, 9, 1, 7, b'n', b'o'],
            (1, _) => &[0, 5, 9, 1, 4, b'n', b'o'],
            _ => &[0, 3, 9, 1, 4],
        };
        assert_eq!(world.take(user), expected);
        assert_eq!(world.take(0), [], "its server has said so itself");
    }
    assert_eq!(world.relay.memberships(), 0);
}

// §11.7-gone, §11.7-no-answer, §11.7-channel-ends
#[test]
fn a_knock_ends_with_the_user_with_time_and_with_the_channel() {
    let mut world = World::flowing(&[1000, 500, 500, 500]);
    world.send(0, b"\0\0\x01\x01a");
    for user in 1..4 {
        world.send(user, b"\0\x01\x09\x01a");
    }
    world.take(0);
    world.disconnect(1);
    assert_eq!(world.take(0), to_endpoint::user_gone(0, 0, 1));
    assert_eq!(world.relay.tick(&mut world.host), Some(Instant::from_millis(10_000)));
    world.pass(9);
    assert_eq!(world.relay.tick(&mut world.host), Some(Instant::from_millis(10_000)));
    assert_eq!(world.take(2), []);
    world.send(3, b"\0\x01\x08\x01a");
    assert_eq!(world.take(3), to_endpoint::refused(8, 3), "it knocks already");
    world.pass(1);
    assert_eq!(world.relay.tick(&mut world.host), None);
    assert_eq!(world.take(2), to_endpoint::refused(9, 8));
    assert_eq!(world.take(3), to_endpoint::refused(9, 8));
    let gone = [to_endpoint::user_gone(0, 1, 1), to_endpoint::user_gone(0, 2, 1)].concat();
    assert_eq!(world.take(0), gone);
    world.send(0, &to_relay::admit(0, 1, 2));
    assert_eq!(world.take(2), [], "too late");
    world.send(2, b"\0\x01\x09\x01a");
    world.send(0, b"\0\x03\0\x01\0");
    assert_eq!(world.take(2), to_endpoint::refused(9, 1));
    assert_eq!(world.relay.memberships(), 0);
}

// §11.7-no-room
#[test]
fn knocks_need_room_in_the_queue_of_the_server() {
    let mut world = World::flowing(&[1000, 500]);
    for name in b'a'..b'h' {
        world.send(0, &[0, 0, 1, 1, name]);
    }
    for name in b'a'..b'h' {
        world.send(1, &[0, 1, name, 1, name]);
    }
    assert_eq!(world.take(1), [0u8; 0], "a program may knock at all its doors at once");

    let mut windows = std::vec![500; 16];
    windows[0] = 1000;
    let mut world = World::flowing(&windows);
    world.send(0, b"\0\0\x01\x01a");
    // no room for a knock: a few are told nevertheless, and the next one is not waited for
    world.host.bound = (world.queued(0) + 11).max(100);
    let filler = world.host.bound - world.queued(0) - 11;
    let id = world.ids[0];
    world.host.queues[id.index()].extend(std::vec![0; filler]);
    for user in 1..9 {
        let before = world.queued(0);
        world.send(user, b"\0\x01\x09\x01a");
        assert_eq!((world.take(user), world.queued(0) - before), (Vec::new(), 12), "{user} knocks");
    }
    world.send(9, b"\0\x01\x09\x01a");
    assert_eq!(world.take(9), to_endpoint::refused(9, 8));
}

/// All users of a relay that was started again knock at once.
// §11.7-no-room
#[test]
fn a_door_has_room_for_as_many_as_a_channel_nearly() {
    let count = 1 + usize::from(MAX_KNOCKS) + 1;
    let mut world = World::new(count);
    world.host.queues = std::vec![Vec::new(); count];
    world.host.capabilities = Capabilities::HELLO;
    world.send(0, &hello(1000));
    world.send(0, b"\0\0\x01\x01a");
    for user in 1..count - 1 {
        world.send(user, b"\0\x01\x09\x01a");
        assert_eq!(world.take(user), ANNOUNCEMENT, "{user} is not answered yet");
    }
    world.send(count - 1, &hello(1000));
    world.take(count - 1);
    world.send(count - 1, b"\0\x01\x09\x01a");
    assert_eq!(world.take(count - 1), to_endpoint::refused(9, 8));
    // one is admitted, and there is room again
    world.admit_all();
    world.send(count - 1, b"\0\x01\x09\x01a");
    assert_eq!(world.take(count - 1), []);
}

// §11.5-raised
#[test]
fn what_began_before_the_hello_is_raised() {
    // user 1 takes part, user 2 does not; their server says hello afterwards, as user 1 does
    let mut world = World::new(3);
    world.host.capabilities = Capabilities::HELLO;
    world.send(0, b"\0\0\x01\x01a");
    world.send(1, b"\0\x01\x09\x01a");
    world.send(2, b"\0\x01\x09\x01a\x80\0");
    world.host.queues.iter_mut().for_each(Vec::clear);
    world.send(1, &hello(500));
    assert!(world.take(1).ends_with(&to_endpoint::raised(false, 0, 0, 65_536, 500)));
    world.send(0, &hello(1000));
    let raised =
        [to_endpoint::raised(true, 0, 0, 500, 65_536), to_endpoint::raised(true, 0, 1, 65_536, 1000)]
            .concat();
    assert!(world.take(0).ends_with(&raised));
}

/// What an existing server has sent before counts, and what it sends afterwards is held to the
/// window.
// §11.5-receive
#[test]
fn a_raised_user_may_have_got_something_before() {
    let mut world = World::new(2);
    world.host.capabilities = Capabilities::HELLO;
    world.send(0, b"\0\0\x01\x01a");
    world.send(1, b"\0\x01\x09\x01a");
    world.send(0, &to_user(0, 100));
    world.take(1);
    world.send(1, &hello(500));
    assert!(world.take(1).ends_with(&to_endpoint::raised(false, 0, 0, 65_536, 400)));
    let data = to_user(0, 500);
    let received = world.receive(0, &data);
    assert!(matches!(received, Received { used: 404, outcome: Outcome::WaitForWindow(_) }), "{received:?}");
}

// §11.5-later
#[test]
fn a_user_that_says_hello_while_it_knocks_is_raised_behind_its_answer() {
    let mut world = World::flowing(&[1000]);
    world.send(0, b"\0\0\x01\x01a");
    world.take(0);
    world.connect_from(0, 0);
    world.send(1, b"\0\x01\x09\x01a");
    assert_eq!(world.take(0), to_endpoint::knock(0, 0, 1, false, 65_536, 0).unwrap());
    world.send(1, &hello(500));
    world.take(1);
    world.send(0, &to_relay::admit(0, 0, 1));
    let answer = [&to_endpoint::success(9, 0)[..], &to_endpoint::raised(false, 0, 0, 1000, 65_536)].concat();
    assert_eq!(world.take(1), answer);
    // it keeps what was promised
    world.host.bound = 1024;
    world.send(0, &to_user(0, 30_000).repeat(2));
    assert_eq!(world.take_data(1)[0].1.len(), 60_000);
}

// §11.6-never-paused
#[test]
fn a_sender_that_keeps_to_its_windows_is_never_paused() {
    let mut world = World::in_a(&[4000, 3000, 2000]);
    world.host.bound = 1024;
    // the window and a length field, though the queue has room for a third of it
    for _ in 0..4 {
        world.send(0, &to_user(0, 1001));
    }
    world.send(0, &to_user(1, 700));
    world.send(0, &to_user(1, 700));
    assert!(world.queued(1) > 3000);
    // a grant makes room, and is forwarded
    world.send(1, &to_relay::grant_server(0, 1500));
    assert_eq!(world.take(0), to_endpoint::grant_from_user(0, 0, 1500));
    world.send(0, &to_user(0, 1000));
    // the other direction
    for _ in 0..3 {
        world.send(1, &to_server(1001));
    }
    world.take(1);
    world.send(0, &to_relay::grant_user(0, 0, 2000));
    assert!(world.take(1).ends_with(&to_endpoint::grant_from_server(0, 2000)));
    // broadcasts as well
    world.send(1, &to_relay::grant_server(0, 2000));
    world.take(2);
    world.send(0, &to_all(900).repeat(2));
    assert_eq!([1, 2].map(|user| world.take_data(user)[0].1.len()), [1800; 2]);
}

// §11.6-overdrawn
#[test]
fn more_than_a_window_ends_the_membership_and_pauses_nobody() {
    // the user grants what it has not taken, and the server believes it, in time or not
    for is_told in [false, true] {
        let mut world = World::in_a(&[4000, 300, 2000]);
        (world.host.bound, world.host.window) = (1024, 1);
        for _ in 0..20 {
            for _ in 0..3 {
                if is_told {
                    world.send(1, &to_relay::grant_server(0, u32::MAX));
                }
                world.send(0, &to_user(0, 150));
            }
            world.send(0, &to_user(1, 50));
            assert_eq!(world.take(2).len(), 52, "others go on");
        }
        let gone = to_endpoint::user_gone(0, 0, 3);
        assert_eq!(world.take(0).ends_with(&gone), !is_told);
        assert_eq!(world.take(1).ends_with(&to_endpoint::channel_gone(0, 3)), !is_told);
    }
    // the same of a broadcast, and in the other direction
    let mut world = World::in_a(&[200, 300, 2000]);
    (world.host.bound, world.host.window) = (1024, 1);
    for _ in 0..10 {
        world.send(0, &to_all(200));
        assert_eq!(world.take(2).len(), 203, "others get all of it");
    }
    assert_eq!(world.take(0), to_endpoint::user_gone(0, 0, 3));
    for _ in 0..10 {
        world.send(2, &to_server(200));
    }
    assert!(world.take(0).ends_with(&to_endpoint::user_gone(0, 1, 3)));
}

// §11.6-grant, §11.6-saturate
#[test]
fn a_grant_waits_for_room_and_is_added_up() {
    let mut world = World::in_a(&[4000, 3000]);
    world.host.bound = 100;
    world.send(1, &to_server(95));
    let before = world.queued(0);
    for bytes in [5, 6, u32::MAX, 0] {
        world.send(1, &to_relay::grant_server(0, bytes));
    }
    assert_eq!(world.queued(0), before, "however many there are");
    world.take(0);
    world.relay.drained(world.ids[0], &mut world.host);
    let both = [to_endpoint::grant_from_user(0, 0, (1 << 31) - 1), to_endpoint::grant_from_user(0, 0, 0)];
    assert_eq!(world.take(0), both.concat());
    world.relay.drained(world.ids[0], &mut world.host);
    assert_eq!(world.take(0), []);
}

// §11.6-to-existing
#[test]
fn the_relay_grants_for_an_existing_receiver() {
    let mut world = World::in_a(&[4000, 0]);
    for round in 0..10 {
        world.send(0, &to_user(0, 32_765));
        let expected: &[u8] = if round % 2 == 1 { &to_endpoint::grant_from_user(0, 0, 65_530) } else { &[] };
        assert_eq!(world.take(0), expected, "at half of the window: {round}");
        world.take(1);
    }
    // asked, it grants less as well
    world.send(0, &to_user(0, 100));
    world.send(0, &to_relay::grant_user(0, 0, 0));
    assert_eq!(world.take(0), to_endpoint::grant_from_user(0, 0, 100));
    // no room: up to the window above it, and grants when it has drained
    world.take(1);
    world.host.bound = 140_000;
    let mut sent = 0;
    while world.queued(1) < world.host.bound {
        world.send(0, &to_user(0, 10_000));
        sent += 10_000;
    }
    assert!(world.host.owing.contains(&world.ids[1]), "it is watched");
    let id = world.ids[1];
    let granted: u32 = grants(&world.take(0)).iter().sum();
    assert!(sent - granted <= 70_000);
    let mut left = 65_536 - (sent - granted);
    while left >= 10_000 {
        world.send(0, &to_user(0, 10_000));
        left -= 10_000;
        sent += 10_000;
    }
    let received = world.receive(0, &to_user(0, 10_000));
    assert_eq!(received, Received { used: 0, outcome: Outcome::WaitFor(id) }, "more than the window");
    world.drain(1);
    assert_eq!(granted + grants(&world.take(0)).iter().sum::<u32>(), sent);
    assert!(!world.host.owing.contains(&id));
}

fn grants(bytes: &[u8]) -> Vec<u32> {
    let mut grants = Vec::new();
    units(bytes, |unit| {
        if let Unit::GrantFromUser { bytes, .. } = unit {
            grants.push(bytes);
        }
    });
    grants
}

// §11.6-from-existing, §11.6-paused-too-long
#[test]
fn an_existing_sender_is_held_to_a_window() {
    let mut world = World::in_a(&[1000, 0]);
    world.send(1, &to_server(700));
    let data = to_server(700);
    let received = world.receive(1, &data);
    let Received { used: 303, outcome: Outcome::WaitForWindow(membership) } = received else {
        panic!("{received:?}")
    };
    assert_eq!(world.host.resumed, []);
    world.send(0, &to_relay::grant_user(0, 0, 100));
    assert_eq!(world.host.resumed, [world.ids[1]]);
    let received = world.receive(1, &data[303..]);
    assert_eq!(received, Received { used: 100, outcome: Outcome::WaitForWindow(membership) });
    // it takes too long: the membership ends, and nothing else
    world.take(0);
    world.host.resumed.clear();
    assert!(world.relay.end_membership(membership, &mut world.host));
    assert!(!world.relay.end_membership(membership, &mut world.host));
    assert_eq!(world.take(0), to_endpoint::user_gone(0, 0, 3));
    assert_eq!(world.take(1), to_endpoint::channel_gone(0, 1));
    assert_eq!(world.host.resumed, [world.ids[1]]);
    world.send(1, &data[403..]);
    assert_eq!(world.take(0), []);
}

// §11.6-broadcast
#[test]
fn a_broadcast_of_an_existing_server_waits_for_each_window() {
    let mut world = World::in_a(&[0, 500, 300, 0]);
    world.send(0, &to_all(300));
    let received = world.receive(0, &to_all(100));
    assert!(matches!(received, Received { used: 0, outcome: Outcome::WaitForWindow(_) }), "{received:?}");
    world.send(2, &to_relay::grant_server(0, 300));
    let received = world.receive(0, &to_all(300));
    assert!(matches!(received, Received { used: 205, outcome: Outcome::WaitForWindow(_) }), "{received:?}");
    let Outcome::WaitForWindow(membership) = received.outcome else { unreachable!() };
    assert!(world.relay.end_membership(membership, &mut world.host));
    assert!(world.take(1).ends_with(&to_endpoint::channel_gone(0, 3)), "it takes part");
    assert!(world.take(0).ends_with(&to_endpoint::user_gone(0, 0, 1)), "its server does not");
    world.send(0, &[7; 100]);
    assert_eq!(world.take_data(2)[0].1.len(), 600);
}

// §11.8-left-out, §11.8-ready, §11.8-existing
#[test]
fn broadcasts_to_those_that_are_ready() {
    for len in [3usize, 200] {
        let mut world = World::in_a(&[5000, 5000, 5000, 0]);
        let ready = |but| [to_relay::broadcast_to_ready(0, but, len).as_bytes(), &std::vec![7; len]].concat();
        world.send(0, &[&to_relay::leave_out(0, 2).unwrap()[..], &[0, 2]].concat());
        world.send(0, &ready(None));
        assert_eq!((world.take(1), world.take(3)), (Vec::new(), Vec::new()));
        assert_eq!(world.take_data(2)[0].1.len(), len);
        world.send(0, &ready(Some(1)));
        assert_eq!(world.take(2), []);
        world.send(0, &to_all(len));
        for user in 1..4 {
            assert_eq!(world.take_data(user)[0].1.len(), len, "all means all");
        }
        world.send(0, &[&to_relay::leave_out(0, 1).unwrap()[..], &[2]].concat());
        world.send(0, &ready(None));
        assert_eq!(world.take(1), []);
        assert_eq!(world.take_data(3)[0].1.len(), len);
    }
    // from an existing server they mean all, and name no user
    let mut world = World::in_a(&[0, 5000]);
    world.send(0, &[1, 3, 4, 0x80, 0, b'x', b'y']);
    assert_eq!(world.take(1), [4, 0, 0, b'x', b'y']);
}

/// Between existing endpoints everything is as it is without any of this.
// §11.6-none, §11.4-partners-only
#[test]
fn existing_endpoints_notice_nothing() {
    let mut world = World::in_a(&[0, 0, 0]);
    let mut witness = World::with_channel(3);
    for world in [&mut world, &mut witness] {
        world.host.bound = 300;
        world.send(0, &to_all(200));
        assert!(matches!(world.receive(0, &to_all(200)).outcome, Outcome::WaitFor(_)));
        world.send(1, &to_server(5));
        world.send(1, &[0, 2, 0, 1, 0]);
    }
    for connection in 0..3 {
        assert_eq!(world.take(connection), witness.take(connection));
    }
}

#[test]
fn short_units_that_are_counted_fare_as_one_by_one() {
    // whoever takes part, what goes through at once is what goes through unit by unit
    for (windows, from, to) in [([1000, 0], 1, 0), ([0, 1000], 0, 1), ([3000, 0], 0, 1), ([0, 3000], 1, 0)] {
        for (len, count) in [(16, 200), (1, 3000), (120, 30), (126, 40), (125, 40)] {
            let unit = if from == 0 { to_user(0, len) } else { to_server(len) };
            let (mut at_once, mut single) = (World::in_a(&windows), World::in_a(&windows));
            let (mut together, mut used) = (Vec::new(), 0);
            let all = unit.repeat(count);
            loop {
                let received = at_once.receive(from, &all[used..]);
                used += received.used;
                together.extend(at_once.take(to));
                match received.outcome {
                    Outcome::Enough => {}
                    Outcome::NeedMore => assert_eq!(used, all.len()),
                    outcome => assert!(matches!(outcome, Outcome::WaitForWindow(_)), "{outcome:?}"),
                }
                if received.outcome != Outcome::Enough {
                    break;
                }
            }
            let (mut each, mut sent) = (Vec::new(), 0);
            while sent < all.len() {
                let received =
                    single.receive(from, &all[sent..all.len().min(sent - sent % unit.len() + unit.len())]);
                sent += received.used;
                each.extend(single.take(to));
                if matches!(received.outcome, Outcome::WaitForWindow(_)) {
                    break;
                }
            }
            assert_eq!((used, together), (sent, each), "{windows:?} {from} {len}");
            if from == 0 {
                let (left, right) = (grants(&at_once.take(0)), grants(&single.take(0)));
                assert!(left.iter().sum::<u32>().abs_diff(right.iter().sum()) < 1024, "{left:?} {right:?}");
            }
        }
    }
}
