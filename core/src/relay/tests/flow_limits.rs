//! Flow control where states change in the middle, and what of it counts for limits.

use std::vec::Vec;

use super::flow::{hello, to_server, to_user};
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
