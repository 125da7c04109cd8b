//! Hello: who takes part, what it costs, and words in front of entering.

use super::flow::hello;
use super::*;
use crate::protocol::MAX_WORDS;
use crate::protocol::items::{self, Item, Items};
use crate::protocol::to_relay::{self, Command};

/// Head of a command, items, and a name of 64 bytes.
const GREETING: usize = 79;

/// The answer waits until its longest form fits.
#[test]
fn the_answer_to_a_hello_needs_room() {
    let mut world = World::new(1);
    world.host.capabilities = Capabilities::HELLO;
    // the announcement comes first
    world.host.bound = 6 + GREETING - 1;
    let received = world.receive(0, &hello(1000));
    assert_eq!(received, Received { used: 0, outcome: Outcome::WaitFor(world.ids[0]) });
    assert_eq!(world.take(0).len(), 6);
    world.host.bound = GREETING;
    world.send(0, &hello(1000));
    assert!(world.relay.takes_part(world.ids[0]));
}

/// Other capabilities than that to take part, and none.
// §11.4-counts
#[test]
fn a_hello_that_does_not_say_so_does_not_take_part() {
    for bits in [0, 2, 0xfe] {
        let mut world = World::new(1);
        world.host.capabilities = Capabilities::HELLO;
        let list = [&items::capabilities(bits)[..], &items::number(items::WINDOW, 1000)].concat();
        world.send(0, &[&to_relay::command_head(Command::Hello, list.len()).unwrap()[..], &list].concat());
        assert!(!world.relay.takes_part(world.ids[0]), "{bits}");
        assert_eq!(Items::new(&world.take(0)[10..]).next(), Some(Item::Capabilities(0)));
    }
}

/// What was raised once is not raised again, and what does not take part is not raised.
// §11.5-raised
#[test]
fn only_the_first_hello_raises() {
    for list in [hello(500), std::vec![0, 6, 0, 3, 1, 1, 0]] {
        let mut world = World::new(2);
        world.host.capabilities = Capabilities::HELLO;
        world.send(0, b"\0\0\x01\x01a");
        world.send(1, b"\0\x01\x09\x01a");
        if list.len() > 7 {
            world.send(1, &list);
        }
        world.take(1);
        world.send(1, &list);
        let mut seen = Vec::new();
        units(&world.take(1), |unit| seen.push(matches!(unit, Unit::Hello { .. })));
        assert_eq!(seen, [true], "the answer and nothing else");
    }
}

/// Each notice of a window is work: a user's, and a server's of each of its users.
#[test]
fn a_hello_is_as_much_work_as_its_notices() {
    let mut world = World::new(4);
    world.host.capabilities = Capabilities::HELLO;
    world.send(0, b"\0\0\x01\x01a");
    world.send(1, b"\0\0\x01\x01b");
    for user in [1, 2, 3] {
        world.send(user, b"\0\x01\x09\x01a");
    }
    for user in [2, 3] {
        world.send(user, b"\0\x01\x09\x01b");
    }
    for (place, notices) in [(1, 3), (2, 2), (0, 3)] {
        world.host.worked = 0;
        world.take(place);
        world.send(place, &hello(1000));
        assert_eq!(world.host.worked, 32 + notices, "of {place}");
        let mut raised = 0;
        units(&world.take(place), |unit| raised += usize::from(!matches!(unit, Unit::Hello { .. })));
        assert_eq!(raised, notices);
        // the second one raises nothing
        world.host.worked = 0;
        world.send(place, &hello(1000));
        assert_eq!(world.host.worked, 32);
    }
}

// §11.7-words
#[test]
fn the_longest_words_are_passed_on() {
    let mut world = World::flowing(&[1000, 500]);
    world.send(0, b"\0\0\x01\x01a");
    world.take(0);
    let words = [b'w'; MAX_WORDS];
    let head = to_relay::command_head(Command::Words, words.len()).unwrap();
    world.send(1, &[&head[..], &words, b"\0\x01\x09\x01a"].concat());
    let knock = to_endpoint::knock(0, 0, 1, true, 500, MAX_WORDS).unwrap();
    assert_eq!(world.take(0), [&knock[..], &words].concat());
}
