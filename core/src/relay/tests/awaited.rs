//! Endpoints whose first command says that a hello will come (`docs/PROTOCOL.md`, section 11.5).

use super::flow::{hello, to_all, to_server, to_user};
use super::*;
use crate::protocol::to_relay;

/// Creates and enters channel "a", and says that 256 bytes have room.
const CREATE: &[u8] = b"\0\0\xf8\x01a";
const ENTER: &[u8] = b"\0\x01\xf8\x01a";

/// What such an endpoint does in place of saying hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instead {
    Data,
    NoPart,
    Nothing,
}

impl World {
    /// A relay that knows hello. The first connection takes part with a window of 1,000 bytes, or
    /// is an existing endpoint, and has channel "a"; the second one has sent nothing.
    fn with_server(takes_part: bool) -> Self {
        let mut world = World::flowing(&[if takes_part { 1000 } else { 0 }]);
        world.send(0, b"\0\0\x01\x01a");
        world.connect_from(0, 0);
        world.host.queues.iter_mut().for_each(Vec::clear);
        world
    }

    /// The same, and the second one has said that its hello will come, and is in.
    fn with_awaited(takes_part: bool) -> Self {
        let mut world = World::with_server(takes_part);
        world.send(1, ENTER);
        if takes_part {
            assert_eq!(world.take(0), to_endpoint::knock(0, 0, 1, false, 256, 0).unwrap());
            world.send(0, &to_relay::admit(0, 0, 1));
        }
        world.host.queues.iter_mut().for_each(Vec::clear);
        world
    }

    fn does(&mut self, connection: usize, instead: Instead) {
        match instead {
            Instead::Data => self.send(connection, b"\x80\0"),
            Instead::NoPart => self.send(connection, &[0, 6, 0, 3, 1, 1, 0]),
            Instead::Nothing => {
                self.pass(2);
                assert!(self.relay.tick(&mut self.host).is_some());
                self.pass(1);
                assert_eq!(self.relay.tick(&mut self.host), None);
            }
        }
    }

    /// Sends data that has to wait for a window. Returns how much of its payload went, and leaves
    /// the rest of it.
    fn waits(&mut self, from: usize, data: &mut Vec<u8>, head: usize) -> usize {
        let Received { used, outcome } = self.receive(from, data);
        assert!(matches!(outcome, Outcome::WaitForWindow(_)), "{outcome:?}");
        data.drain(..used);
        used - head
    }
}

// §11.5-awaited, §11.5-awaited-raised
#[test]
fn until_its_hello_the_first_command_says_how_much_may_be_under_way() {
    for window in [256, 500, 1 << 20] {
        let mut world = World::with_awaited(true);
        // however often its queue drains, and whoever asks, nothing is granted
        for len in [100, 100, 56] {
            world.send(0, &to_user(0, len));
            world.drain(1);
            world.send(0, &to_relay::grant_user(0, 0, 0));
        }
        assert!(world.take(0).is_empty());
        assert!(world.host.owing.is_empty(), "it owes nothing");
        world.send(1, &hello(window));
        // as if its window had been known all the time
        let raised = to_endpoint::raised(false, 0, 0, 1000, window - 256);
        let asked = to_endpoint::grant_from_server(0, 0);
        assert!(world.take(1).ends_with(&[&raised[..], &asked].concat()));
        let more = if window > 256 { &to_endpoint::grant_from_user(0, 0, window - 256)[..] } else { &[] };
        assert_eq!(world.take(0), more);
    }
    // a window that is smaller than it said
    let mut world = World::with_awaited(true);
    world.send(0, &to_user(0, 56));
    world.send(1, &hello(100));
    assert!(world.take(1).ends_with(&to_endpoint::raised(false, 0, 0, 1000, 200)));
    assert!(world.take(0).is_empty());
}

// §11.5-awaited
#[test]
fn an_existing_server_is_read_as_far_as_that() {
    for window in [256, 300] {
        let (mut world, mut data) = (World::with_awaited(false), to_user(0, 1000));
        assert_eq!(world.waits(0, &mut data, 4), 256);
        world.drain(1);
        world.host.resumed.clear();
        world.send(1, &hello(window));
        assert_eq!(world.host.resumed, [world.ids[0]]);
        assert!(world.take(1).ends_with(&to_endpoint::raised(false, 0, 0, 65_536, window - 256)));
        assert_eq!(world.waits(0, &mut data, 0), window as usize - 256);
    }
}

// §11.5-awaited
#[test]
fn a_server_may_be_awaited_too() {
    // a user that takes part, one that does not, and one that is awaited
    let mut world = World::flowing(&[0, 500, 0]);
    world.connect_from(0, 0);
    world.connect_from(0, 0);
    world.send(3, CREATE);
    world.send(1, b"\0\x01\x09\x01a");
    assert!(world.take(1).ends_with(&to_endpoint::entered(9, 0, 0, 256)));
    world.send(2, b"\0\x01\x09\x01a");
    world.send(4, ENTER);
    world.send(1, &to_server(256));
    assert_eq!(world.waits(2, &mut to_server(1000), 3), 256);
    world.host.queues.iter_mut().for_each(Vec::clear);
    world.host.resumed.clear();
    world.send(3, &hello(2000));
    assert_eq!(world.host.resumed, [world.ids[2], world.ids[4]]);
    assert_eq!(world.take(1), to_endpoint::grant_from_server(0, 2000 - 256));
    let raised = [
        to_endpoint::raised(true, 0, 0, 500, 2000 - 256),
        to_endpoint::raised(true, 0, 1, 65_536, 2000 - 256),
        to_endpoint::raised(true, 0, 2, 256, 2000),
    ];
    assert!(world.take(3).ends_with(&raised.concat()));
    // and the last one, which has got nothing yet
    world.send(4, &hello(300));
    assert!(world.take(4).ends_with(&to_endpoint::raised(false, 0, 2, 2000, 300)));
    assert_eq!(world.take(3), to_endpoint::grant_from_user(0, 2, 44));
}

// §11.5-awaited-over
#[test]
fn without_a_hello_it_becomes_like_any_other() {
    for instead in [Instead::Data, Instead::NoPart, Instead::Nothing] {
        // for a sender that takes part
        let mut world = World::with_awaited(true);
        world.send(0, &to_user(0, 200));
        world.does(1, instead);
        assert_eq!(world.take(0), to_endpoint::grant_from_user(0, 0, 65_536 - 256), "{instead:?}");
        world.take(1);
        world.send(0, &to_user(0, 32_700));
        assert_eq!(world.take(0), to_endpoint::grant_from_user(0, 0, 32_900));
        // what it was asked for before it owes now
        let mut world = World::with_awaited(true);
        world.send(0, &to_user(0, 200));
        world.send(0, &to_relay::grant_user(0, 0, 0));
        world.host.bound = 500;
        world.does(1, instead);
        let (more, all) =
            (to_endpoint::grant_from_user(0, 0, 65_536 - 256), to_endpoint::grant_from_user(0, 0, 200));
        assert_eq!(world.take(0), more, "{instead:?}");
        assert_eq!(world.host.owing, [world.ids[1]]);
        world.host.bound = 1 << 20;
        world.drain(1);
        assert_eq!(world.take(0), all);
        // for an existing one
        let (mut world, mut data) = (World::with_awaited(false), to_user(0, 30_256));
        assert_eq!(world.waits(0, &mut data, 4), 256);
        world.host.resumed.clear();
        world.does(1, instead);
        assert_eq!(world.host.resumed, [world.ids[0]]);
        world.send(0, &data);
        // a late hello does not count
        world.send(1, &hello(40_000));
        assert!(!world.relay.takes_part(world.ids[1]));
    }
}

// §11.5-first-tag
#[test]
fn only_the_tag_of_the_first_command_says_so() {
    let cases: [(&[&[u8]], u32); 7] = [
        (&[ENTER], 256),
        (&[b"\0\x01\xf0\x01a"], 1),
        (&[b"\0\x01\xff\x01a"], 32_768),
        (&[b"\0\x01\xef\x01a"], 65_536),
        (&[b"\0\0\x01\x01z", ENTER], 65_536),
        // a command that is refused is a command
        (&[b"\0\x01\xf4\x01z", ENTER], 16),
        (&[b"\0\x02\xf4\x01\0", ENTER], 65_536),
    ];
    for (commands, window) in cases {
        let mut world = World::with_server(true);
        for command in commands {
            world.send(1, command);
        }
        assert_eq!(world.take(0), to_endpoint::knock(0, 0, 1, false, window, 0).unwrap(), "{commands:?}");
    }
    // no more than an existing endpoint may be sent
    let mut world = World::with_server(true);
    world.host.window = 200;
    world.send(1, ENTER);
    assert_eq!(world.take(0), to_endpoint::knock(0, 0, 1, false, 200, 0).unwrap());
    assert_eq!(world.relay.tick(&mut world.host), Some(Instant::from_millis(10_000)), "the knock's");
}

// §11.5-later, §11.5-awaited
#[test]
fn what_happens_while_it_knocks() {
    for said in [None, Some(Instead::Data), Some(Instead::Nothing)] {
        let mut world = World::with_server(true);
        world.send(1, ENTER);
        world.host.queues.iter_mut().for_each(Vec::clear);
        world.send(0, &to_user(0, 3).repeat(4));
        assert_eq!(world.take(1), [], "nothing reaches it, also of what could go at once");
        match said {
            Some(instead) => {
                if instead == Instead::Nothing {
                    world.pass(3);
                    world.relay.tick(&mut world.host);
                } else {
                    world.does(1, instead);
                }
            }
            None => world.send(1, &hello(1500)),
        }
        world.host.queues.iter_mut().for_each(Vec::clear);
        world.send(0, &to_relay::admit(0, 0, 1));
        let answer = to_endpoint::success(248, 0);
        let (told, more) = match said {
            Some(_) => (Vec::new(), 65_536 - 256),
            None => (to_endpoint::raised(false, 0, 0, 1000, 1500).to_vec(), 1500 - 256),
        };
        assert_eq!(world.take(1), [&answer[..], &told].concat(), "{said:?}");
        assert_eq!(world.take(0), to_endpoint::grant_from_user(0, 0, more), "{said:?}");
    }
}

/// A membership ends while its sender waits.
#[test]
fn the_end_of_one_that_is_awaited_has_its_sender_go_on() {
    for is_deleted in [false, true] {
        let (mut world, mut data) = (World::with_awaited(false), to_user(0, 1000));
        world.waits(0, &mut data, 4);
        world.host.resumed.clear();
        if is_deleted {
            world.disconnect(1);
        } else {
            let Outcome::WaitForWindow(membership) = world.receive(0, &data).outcome else { panic!() };
            assert!(world.relay.end_membership(membership, &mut world.host));
            assert!(world.take(1).ends_with(&to_endpoint::channel_gone(0, 1)));
            assert_eq!(world.take(0), to_endpoint::user_gone(0, 0, 1));
        }
        assert!(world.host.resumed.contains(&world.ids[0]));
    }
}

/// Broadcasts reach it as well as others.
#[test]
fn broadcasts_are_held_to_the_least() {
    let (mut world, mut data) = (World::with_awaited(false), to_all(1000));
    world.connect_from(0, 0);
    world.send(2, b"\0\x01\xf5\x01a");
    assert_eq!(world.waits(0, &mut data, 5), 32);
    assert_eq!(world.take_data(1), [((false, 0, 0), std::vec![7; 32])]);
    world.send(2, b"\x80\0");
    assert_eq!(world.waits(0, &mut data, 0), 224);
}

/// They stand in a list, out of which each can go at any time.
#[test]
fn many_are_awaited() {
    for gone in [0_usize, 1, 2, 3, 4] {
        let mut world = World::new(5);
        world.host.capabilities = Capabilities::HELLO;
        for connection in 0..5 {
            world.send(
                connection,
                &[b"\0\0\xf8\x01", &[b'a' + u8::try_from(connection).unwrap()][..]].concat(),
            );
            world.host.now = world.host.now + Duration::from_millis(100);
        }
        match gone % 3 {
            0 => world.disconnect(gone),
            1 => world.send(gone, &hello(300)),
            _ => world.send(gone, b"\x80\0"),
        }
        let mut seen = Vec::new();
        while let Some(next) = world.relay.tick(&mut world.host) {
            seen.push(next.as_millis());
            world.host.now = next;
        }
        let expected: Vec<_> = (0..5).filter(|at| *at != gone).map(|at| 3000 + at as u64 * 100).collect();
        assert_eq!(seen, expected, "{gone}");
        if gone == 0 {
            // its place is free for another one
            world.ids[0] = world.relay.connect().unwrap();
            world.send(0, b"\0\0\xf8\x01a");
            assert!(world.relay.tick(&mut world.host).is_some());
        }
    }
}

/// What a turn may do is kept to.
#[test]
fn to_be_no_longer_awaited_is_work() {
    let mut world = World::new(9);
    world.host.capabilities = Capabilities::HELLO;
    world.send(0, CREATE);
    for user in 1..9 {
        world.send(user, b"\0\x01\x09\x01a");
    }
    let before = world.host.worked;
    world.send(0, b"\x80\0");
    assert_eq!(world.host.worked - before, 8 + 1);
}
