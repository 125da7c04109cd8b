//! Flow control where states change in the middle, and what of it counts for limits.

use std::vec::Vec;

use super::flow::{hello, to_all, to_server, to_user};
use super::*;
use crate::protocol::to_relay::{self, Command};

/// Which sides ask the connection for a grant, in what is queued for it.
fn asks(bytes: &[u8]) -> Vec<(bool, u8)> {
    let mut asks = Vec::new();
    units(bytes, |unit| match unit {
        Unit::GrantFromUser { user, bytes: 0, .. } => asks.push((true, user)),
        Unit::GrantFromServer { channel, bytes: 0 } => asks.push((false, channel)),
        _ => {}
    });
    asks
}

/// The relay owes the grant while the receiver has not said hello; after that the receiver does. It
/// has to hear that it was asked, or the sender waits for ever.
#[test]
fn an_ask_that_waits_is_told_to_one_that_says_hello() {
    for server_is_late in [true, false] {
        let mut world = World::new(2);
        world.host.capabilities = Capabilities::HELLO;
        world.host.bound = 60_000;
        let (late, early) = if server_is_late { (0, 1) } else { (1, 0) };
        if server_is_late {
            world.send(1, &hello(1000));
        }
        world.send(0, b"\0\0\x01\x01a");
        world.send(1, b"\0\x01\x09\x01a");
        if !server_is_late {
            // the user has entered as an existing endpoint of an existing server
            world.send(0, &hello(1000));
        }
        let (data, ask) = if server_is_late {
            (to_server(100), to_relay::grant_server(0, 0).to_vec())
        } else {
            (to_user(0, 100), to_relay::grant_user(0, 0, 0).to_vec())
        };
        world.send(early, &data);
        world.take(late);
        // its queue has not drained
        world.host.queues[late] = std::vec![0; 1000];
        world.send(early, &ask);
        world.host.queues[late].clear();
        world.send(late, &hello(50_000));
        assert_eq!(asks(&world.take(late)), [(server_is_late, 0)], "server is late: {server_is_late}");
    }
}

/// What no host is asked about counts as a unit, or it would be free of all limits.
#[test]
fn grants_and_answers_to_those_who_knock_count_as_units() {
    let mut world = World::in_a(&[1000, 1000]);
    world.host.units = 0;
    let grant = to_relay::grant_server(0, 0);
    world.send(1, &grant.repeat(50));
    assert_eq!(world.host.units, 50);
    let left_out = [0, 11, 0, 2, 128, 0];
    world.send(0, &[&to_relay::admit(0, 9, 9)[..], &[0, 10, 0, 4, 0, 9, 9, 7], &left_out].concat());
    assert_eq!(world.host.units, 53);
    // words that belong to no command, and something behind them that they could not belong to
    world.send(1, &[0, 7, 0, 1, 97, 0x80, 0]);
    assert_eq!(world.host.units, 55);
    // words whose command is not whole are presented again, and count once
    let words = b"\0\x07\0\x01x\0\x01\x09\x01a";
    (1..words.len()).for_each(|len| assert_eq!(world.receive(1, &words[..len]).used, 0, "{len}"));
    world.send(1, words);
    assert_eq!(world.host.units, 56);
}

#[test]
fn a_hello_can_be_put_off() {
    let mut world = World::new(1);
    world.host.capabilities = Capabilities::HELLO;
    world.host.decision = |request| match request {
        Request::Hello => Decision::Later,
        _ => Decision::Yes,
    };
    let hello = hello(1000);
    assert_eq!(world.receive(0, &hello), Received { used: 0, outcome: Outcome::Later });
    assert!(!world.relay.takes_part(world.ids[0]));
    world.host.decision = |_| Decision::Yes;
    world.send(0, &hello);
    assert!(world.relay.takes_part(world.ids[0]));
    assert_eq!(hello[1], Command::Hello.code());
}

impl World {
    /// From now on each queue is full, so all that is sent to a user counts, and a window is what its
    /// receiver promised.
    fn count_all(&mut self, window: u32) {
        self.host.bound = 0;
        self.host.window = window;
    }

    /// The user of a connection may still be sent `left` bytes, and is given up with one more.
    #[track_caller]
    fn assert_left(&mut self, connection: usize, user: u8, left: usize) {
        // as long as the first chunk's length field may be, more is no lie
        self.send(0, &to_user(user, left + 5));
        assert_eq!(self.take_data(connection)[0].1.len(), left + 5);
        assert_eq!(self.take(0), Vec::new());
        self.send(0, &to_user(user, 1));
        let mut told = Vec::new();
        units(&self.take(0), |unit| told.push(matches!(unit, Unit::UserGone { user: of, .. } if of == user)));
        assert_eq!(told, [true], "its window is used up, and its server is told");
    }
}

/// A broadcast takes nothing from the windows of those it does not go to: it is not theirs that is
/// used up.
// §11.6-counted, §11.8-left-out
#[test]
fn a_broadcast_counts_for_those_who_get_it() {
    let leave_out = [&to_relay::leave_out(0, 1).unwrap()[..], &[1]].concat();
    let but_one = [to_relay::broadcast(0, Some(1), 60).as_bytes(), &[7; 60]].concat();
    let to_ready = [&leave_out[..], to_relay::broadcast_to_ready(0, None, 60).as_bytes(), &[7; 60]].concat();
    // one that is left out gets what is for all
    let to_all = [&leave_out[..], &to_all(60)].concat();
    for (stream, got) in [(but_one, 0), (to_ready, 0), (to_all, 60)] {
        let mut world = World::in_a(&[100, 100, 100]);
        world.count_all(100);
        world.send(0, &stream);
        let data =
            [1, 2].map(|user| world.take_data(user).iter().map(|(_, bytes)| bytes.len()).sum::<usize>());
        assert_eq!(data, [60, got]);
        world.assert_left(1, 0, 40);
        world.assert_left(2, 1, 100 - got);
    }
}

/// The same of an existing server, for which the relay counts; and in pieces, of which one who
/// comes between them gets none.
// §11.6-from-existing, §3.4-late-user
#[test]
fn a_broadcast_of_an_existing_server_counts_for_those_who_get_it() {
    let broadcast = [to_relay::broadcast(0, Some(1), 60).as_bytes(), &[7; 60]].concat();
    for cut in 6..broadcast.len() {
        let mut world = World::in_a(&[0, 100, 100]);
        world.send(0, &broadcast[..cut]);
        world.ids.push(world.relay.connect().unwrap());
        world.send(3, &hello(100));
        world.send(3, b"\0\x01\x09\x01a");
        world.take(3);
        world.send(0, &broadcast[cut..]);
        assert_eq!(world.take_data(1)[0].1.len(), 60);
        for (connection, user, left) in [(1, 0, 40), (2, 1, 100), (3, 2, 100)] {
            world.send(0, &to_user(user, left));
            assert_eq!(world.take_data(connection)[0].1.len(), left, "cut at {cut}");
            let more = world.receive(0, &to_user(user, 1));
            assert!(matches!(more.outcome, Outcome::WaitForWindow(_)), "{more:?}");
        }
    }
}

#[test]
fn a_broadcast_does_not_count_for_those_who_knock_or_come_later() {
    let mut world = World::in_a(&[100, 100, 100]);
    world.ids.push(world.relay.connect().unwrap());
    let broadcast = to_all(60);
    // one leaves, so that there is one that knocks meanwhile
    world.send(2, &[0, 2, 0, 1, 0]);
    world.take(0);
    world.pass(10);
    world.send(3, &hello(100));
    world.send(3, b"\0\x01\x09\x01a");
    let (mut number, mut ticket) = (0, 0);
    units(&world.take(0), |unit| {
        if let Unit::Knock { user, ticket: of, .. } = unit {
            (number, ticket) = (user, of);
        }
    });
    let bound = world.host.bound;
    world.count_all(100);
    world.send(0, &broadcast[..30]);
    world.send(0, &broadcast[30..]);
    assert_eq!(world.take_data(1)[0].1.len(), 60);
    world.host.bound = bound;
    world.send(0, &to_relay::admit(0, number, ticket));
    assert_eq!(world.take_data(3), []);
    world.take(0);
    world.count_all(100);
    world.assert_left(1, 0, 40);
    world.assert_left(3, number, 100);
}

/// What an endpoint says that does not take part is no grant and no verdict, whatever it looks
/// like.
// §11.4-partners-only
#[test]
fn commands_of_flow_control_mean_nothing_from_existing_endpoints() {
    let commands = [
        &to_relay::grant_server(0, 1000)[..],
        &to_relay::grant_user(0, 0, 1000),
        &to_relay::admit(0, 0, 0),
        &to_relay::refuse(0, 0, 0, 7, 0).unwrap(),
        &[&to_relay::leave_out(0, 1).unwrap()[..], &[0]].concat(),
    ];
    for command in commands {
        for windows in [[0, 100], [100, 0], [0, 0]] {
            let mut world = World::in_a(&windows);
            world.send(0, &to_user(0, 60));
            world.send(1, &to_server(60));
            let (server, user) = (world.take(0), world.take(1));
            for (connection, window) in windows.into_iter().enumerate() {
                if window == 0 {
                    world.send(connection, command);
                }
            }
            let told = (world.take(0), world.take(1));
            assert_eq!(told, (Vec::new(), Vec::new()), "{command:?} {windows:?} after {server:?} {user:?}");
            // and the windows are what they were
            world.send(0, &to_user(0, 40));
            world.send(1, &to_server(40));
            assert_eq!((world.take_data(1)[0].1.len(), world.take_data(0)[0].1.len()), (40, 40));
        }
    }
}

/// Where nothing is under way a chunk goes whole, also one that is longer than the window, and also
/// if others have filled the queue.
// §11.6-overdrawn
#[test]
fn a_chunk_that_is_longer_than_the_window_is_no_lie() {
    let mut world = World::in_a(&[4000, 300, 300]);
    world.host.bound = 1024;
    world.send(1, &to_server(1000));
    world.send(2, &to_server(1000));
    for user in 0..2 {
        world.send(0, &to_user(user, 1000));
        world.send(0, &to_user(user, 32_000));
        world.send(0, &to_user(user, 32_000));
    }
    assert_eq!(world.take_data(1).iter().map(|(_, bytes)| bytes.len()).sum::<usize>(), 65_000);
}

/// One that takes part enters a channel at once, also if the existing server of it reads nothing.
// §11.6-never-paused
#[test]
fn who_takes_part_waits_for_no_existing_server_to_enter() {
    let mut world = World::flowing(&[0, 1000, 0]);
    world.send(0, b"\0\0\x01\x01a");
    world.host.queues.iter_mut().for_each(Vec::clear);
    world.host.bound = 20;
    world.host.queues[0] = std::vec![0; 20];
    world.send(1, b"\0\x01\x09\x01a");
    assert_eq!(world.take(1)[..4], [0, 8, 9, 0]);
    assert_eq!(world.host.queues[0][20..], [0, 4, 0, 0, 0, 0]);
    assert_eq!(world.receive(2, b"\0\x01\x09\x01a").outcome, Outcome::WaitFor(world.ids[0]));
}

/// A user that its server refuses has never had its number, so nothing is under way for it.
// §11.7-refused-rests-not
#[test]
fn numbers_of_refused_users_do_not_rest() {
    let mut world = World::flowing(&[1000, 1000]);
    world.send(0, b"\0\0\x01\x01a");
    for _ in 0..3 * MAX_USERS {
        world.take(0);
        world.send(1, b"\0\x01\x09\x01a");
        let mut answer = None;
        units(&world.take(0), |unit| {
            if let Unit::Knock { channel, user, ticket, .. } = unit {
                answer = to_relay::refuse(channel, user, ticket, 7, 0);
            }
        });
        world.send(0, &answer.expect("its server is asked"));
        assert_eq!(world.take(1), [0, 3, 9, 1, 7]);
    }
}

// §11.6-paused-too-long
#[test]
fn all_whose_windows_are_used_up_end_at_once() {
    let mut world = World::in_a(&[0, 500, 300, 0, 300]);
    world.send(0, &to_all(300));
    assert_eq!(world.relay.end_used_up(world.ids[1], &mut world.host), 0, "it sends to nobody");
    (0..5).for_each(|number| drop(world.take(number)));
    assert_eq!(world.relay.end_used_up(world.ids[0], &mut world.host), 2);
    let gone = [to_endpoint::user_gone(0, 1, 1), to_endpoint::user_gone(0, 3, 1)].concat();
    assert_eq!(world.take(0), gone);
    for (number, is_gone) in [(1, false), (2, true), (3, false), (4, true)] {
        let told = if is_gone { to_endpoint::channel_gone(0, 3).to_vec() } else { Vec::new() };
        assert_eq!(world.take(number), told, "{number}");
    }
    assert_eq!(world.relay.end_used_up(world.ids[0], &mut world.host), 0);
}

/// The longest words, and the longest command behind them.
#[test]
fn max_rest_is_the_most_that_is_left() {
    let mut world = World::flowing(&[100]);
    let words = [&[0, 7, 0, 200][..], &[b'w'; 200]].concat();
    let stream = [&words[..], &[0, 1, 1, 255], &[b'n'; 255]].concat();
    assert_eq!(stream.len(), MAX_REST + 1);
    let left = Received { used: 0, outcome: Outcome::NeedMore };
    assert_eq!(world.receive(0, &stream[..MAX_REST]), left);
    world.send(0, &stream);
}
