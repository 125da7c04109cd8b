//! Create, enter, leave, delete, disconnect: answers, events, and their order.

use std::vec::Vec;

use super::World;
use crate::protocol::MAX_NAME;
use crate::protocol::to_relay::{Command, name_command};

fn command(command: Command, tag: u8, name: &[u8]) -> Vec<u8> {
    [&name_command(command, tag, name).unwrap()[..], name].concat()
}

#[test]
fn the_answer_to_enter_comes_before_the_event_for_the_server() {
    let mut world = World::new(2);
    world.send(0, &command(Command::Create, 9, b"a"));
    assert_eq!(world.take(0), [0, 3, 9, 0, 0]);
    world.send(1, &command(Command::Enter, 255, b"a"));
    assert_eq!(world.take(1), [0, 3, 255, 0, 0]);
    assert_eq!(world.take(0), [0, 4, 0, 0, 0, 0]);
}

#[test]
fn create_is_refused_for_a_name_in_use_and_above_128_channels() {
    let mut world = World::new(2);
    world.send(0, &command(Command::Create, 1, b"a"));
    world.send(1, &command(Command::Create, 2, b"a"));
    assert_eq!(world.take(1), [0, 3, 2, 1, 2]);
    for number in 1..128u8 {
        world.send(0, &command(Command::Create, 1, &[b'n', number]));
    }
    world.take(0);
    world.send(0, &command(Command::Create, 3, b"zz"));
    assert_eq!(world.take(0), [0, 3, 3, 1, 1]);
    world.send(1, &command(Command::Enter, 3, &[b'n', 127]));
    assert_eq!(world.take(1), [0, 3, 3, 0, 0]);
}

#[test]
fn enter_is_refused_with_the_codes_of_the_protocol() {
    let mut world = World::with_channel(2);
    world.send(1, &command(Command::Enter, 1, b"b"));
    assert_eq!(world.take(1), [0, 3, 1, 1, 1]);
    world.send(0, &command(Command::Enter, 1, b"a"));
    assert_eq!(world.take(0), [0, 3, 1, 1, 2]);
    world.send(1, &command(Command::Enter, 1, b"a"));
    assert_eq!(world.take(1), [0, 3, 1, 1, 3]);
    assert_eq!(world.take(0), [], "the server must not hear of refusals");
}

#[test]
fn an_own_and_an_entered_channel_of_one_number_are_different_things() {
    let mut world = World::with_channel(2);
    world.send(1, &command(Command::Create, 1, b"b")); // own 0 beside entered 0
    world.send(0, &command(Command::Enter, 1, b"b"));
    world.take(0);
    world.take(1);
    world.send(1, &[3, 0, b'u', b'u', 4, 128, 0, b's', b's']);
    assert_eq!(world.take(0), [4, 128, 0, b'u', b'u', 3, 0, b's', b's']);
    world.send(1, &[0, 2, 0, 1, 0]);
    assert_eq!(world.take(0), [0, 5, 0, 1, 0, 0, 0]);
    world.send(1, &[3, 128, 0, b'x']);
    assert_eq!(world.take(0), [2, 0, b'x']);
}

#[test]
fn leave_and_delete_tell_the_other_side_once() {
    let mut world = World::with_channel(3);
    world.send(1, &[0, 2, 0, 1, 0, 0, 2, 0, 1, 0]);
    assert_eq!(world.take(0), [0, 5, 0, 1, 0, 0, 0]);
    world.send(0, &[0, 3, 0, 1, 0, 0, 3, 0, 1, 0]);
    assert_eq!(world.take(2), [0, 4, 0, 2, 0, 0]);
    assert_eq!((world.take(0), world.take(1)), (std::vec![], std::vec![]));
    assert_eq!((world.relay.channels(), world.relay.memberships()), (0, 0));
}

#[test]
fn a_lost_connection_ends_its_channels_and_memberships() {
    let mut world = World::with_channel(3);
    world.send(1, &command(Command::Create, 1, b"b"));
    world.send(2, &command(Command::Enter, 1, b"b"));
    for connection in 0..3 {
        world.take(connection);
    }
    world.disconnect(1);
    assert_eq!(world.take(0), [0, 5, 0, 1, 0, 0, 1]);
    assert_eq!(world.take(2), [0, 4, 0, 2, 1, 1]);
    assert_eq!((world.relay.connections(), world.relay.channels(), world.relay.memberships()), (2, 1, 1));
    // the old id means nobody, whoever gets its place
    let old = world.ids[1];
    let new = world.relay.connect().unwrap();
    assert_eq!((old.index(), old.generation() + 1), (new.index(), new.generation()));
    world.disconnect(1);
    assert_eq!(world.relay.connections(), 3);
    assert_eq!(world.receive(1, &[2, 0, 1]).outcome, super::Outcome::Close(super::CloseReason::NotConnected));
}

#[test]
fn a_user_number_is_given_again_as_late_as_possible() {
    let mut world = World::with_channel(2);
    for expected in (1..=255).chain([0, 1]) {
        let entered = world.last_byte_to(1);
        world.send(1, &[0, 2, 0, 1, entered]);
        world.pass(1);
        world.take(0);
        world.send(1, &command(Command::Enter, 1, b"a"));
        assert_eq!(world.take(0), [0, 4, 0, 0, 0, expected]);
    }
}

impl World {
    /// The last byte in a queue, which is emptied; 0 if it is empty. Of an answer it is the
    /// channel's number.
    fn last_byte_to(&mut self, connection: usize) -> u8 {
        self.take(connection).last().copied().unwrap_or(0)
    }
}

#[test]
fn channel_numbers_are_given_again_as_late_as_possible() {
    let mut world = World::new(1);
    for round in 0..300u16 {
        world.send(0, &command(Command::Create, 1, b"a"));
        let number = u8::try_from(round % 128).unwrap();
        assert_eq!(world.take(0), [0, 3, 1, 0, number]);
        world.send(0, &[0, 3, 0, 1, number]);
    }
}

#[test]
fn names_of_any_length_and_bytes_are_told_apart() {
    let mut world = World::new(2);
    let mut names: Vec<Vec<u8>> = [0, 1, 2, 3, 4, 5, 63, 64, 65, 128, 254, MAX_NAME]
        .iter()
        .flat_map(|len| [std::vec![0; *len], std::vec![255; *len]])
        .collect();
    names.push(b"a\0".to_vec());
    names.push(b"a".to_vec());
    names.dedup();
    world.host.hash = Some(1); // all in one chain
    for name in &names {
        world.send(0, &command(Command::Create, 1, name));
    }
    world.take(0);
    for (number, name) in names.iter().enumerate() {
        world.send(1, &command(Command::Enter, 1, name));
        assert_eq!(world.take(0), [0, 4, 0, 0, u8::try_from(number).unwrap(), 0]);
    }
    for number in 0..u8::try_from(names.len()).unwrap() + 1 {
        world.send(0, &[0, 3, 0, 1, number ^ 1]); // out of the middle of the chain
    }
    assert_eq!((world.relay.channels(), world.relay.memberships()), (0, 0));
    world.send(0, &command(Command::Create, 7, &names[3]));
    assert_eq!(world.take(0)[..4], [0, 3, 7, 0]);
}

#[test]
fn tag_0_is_carried_out_without_an_answer() {
    let mut world = World::new(2);
    world.send(0, &command(Command::Create, 0, b"a"));
    world.send(0, &command(Command::Create, 0, b"a"));
    world.send(1, &command(Command::Enter, 0, b"a"));
    world.send(1, &command(Command::Enter, 0, b"a"));
    assert_eq!(world.take(0), [0, 4, 0, 0, 0, 0]);
    assert_eq!(world.take(1), []);
    world.send(1, &[2, 0, b'x']);
    assert_eq!(world.take(0), [3, 128, 0, b'x']);
}
