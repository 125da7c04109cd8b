//! What kills or confuses other relays. Each case has bystanders whose traffic must go on.

use std::vec::Vec;

use super::{CloseReason, Outcome, World};
use crate::protocol::to_relay::Malformed;

/// Server 0 and user 1 of a channel still talk to each other, unharmed.
#[track_caller]
fn bystanders_are_well(world: &mut World) {
    world.take(0);
    world.take(1);
    world.send(1, b"\x03\0hi");
    assert_eq!(world.take(0), b"\x04\x80\0hi");
    world.send(0, b"\x04\x80\0ho");
    assert_eq!(world.take(1), b"\x03\0ho");
}

#[test]
fn a_user_unit_of_size_32767_in_one_read_is_split_in_two() {
    let mut world = World::with_channel(2);
    let mut unit = std::vec![0xff, 0xff, 0];
    unit.extend((0..32766u32).map(|i| i.to_le_bytes()[0]));
    world.send(1, &unit);
    let queue = world.take(0);
    assert_eq!(queue.len(), 4 + 32765 + 3 + 1);
    assert_eq!(queue[..4], [0xff, 0xff, 0x80, 0]);
    assert_eq!(queue[4 + 32765..][..3], [3, 0x80, 0]);
    world.host.queues[0] = queue;
    let data = world.take_data(0);
    assert!(data.len() == 1 && data[0].1 == unit[3..]);
    bystanders_are_well(&mut world);
}

#[test]
fn a_broadcast_prefix_by_a_user_closes_only_that_user() {
    for unit in [&[1, 1, 3, 0, 0x61][..], &[1, 0, 3, 0, 0x61], &[1, 1, 0x80, 3, 0, 0x61], &[1, 1, 0]] {
        let mut world = World::with_channel(3);
        let cause = world.send_fatal(2, unit);
        assert!(matches!(cause, CloseReason::Malformed(_)), "{unit:?} {cause}");
        assert_eq!(world.take(0), [0, 5, 0, 1, 0, 1, 1]);
        bystanders_are_well(&mut world);
    }
}

#[test]
fn a_broadcast_prefix_by_nobody_in_particular_is_no_harm_either() {
    let mut world = World::with_channel(3);
    world.disconnect(2);
    let stranger = world.relay.connect().unwrap();
    world.ids[2] = stranger;
    // as far as here it could become a broadcast in an own channel
    assert_eq!(world.receive(2, &[1, 1, 3]).outcome, Outcome::NeedMore);
    let cause = world.send_fatal(2, &[1, 1, 3, 0, 0x61]);
    assert_eq!(cause, CloseReason::Malformed(Malformed::BroadcastByUser { channel: 0 }));
    bystanders_are_well(&mut world);
}

#[test]
fn a_broadcast_prefix_belongs_to_exactly_one_unit() {
    // an empty broadcast of either kind, with a size in one or two bytes or of 0, then data for
    // user 1 alone
    for prefix in [&[1, 1, 1, 128][..], &[1, 0, 2, 128, 0], &[1, 1, 128, 1, 128], &[1, 1, 128, 0]] {
        let mut world = World::with_channel(3);
        world.send(0, prefix);
        world.send(0, &[3, 128, 1, b'x']);
        assert_eq!((world.take(1), world.take(2)), (std::vec![], std::vec![2, 0, b'x']));
        bystanders_are_well(&mut world);
    }
}

#[test]
fn empty_payloads_are_forwarded_to_nobody() {
    let mut world = World::with_channel(3);
    world.send(1, &[128, 1, 0]); // a size of one byte that is 1 would be a broadcast prefix
    world.send(0, &[2, 128, 0, 1, 1, 1, 128, 1, 0, 2, 128, 0]);
    assert!((0..3).all(|connection| world.take(connection).is_empty()));
    bystanders_are_well(&mut world);
}

#[test]
fn any_mode_but_0_broadcasts_to_all() {
    let mut world = World::with_channel(3);
    world.send(0, &[1, 77, 2, 128, b'x']);
    assert_eq!((world.take(1), world.take(2)), (std::vec![2, 0, b'x'], std::vec![2, 0, b'x']));
    world.send(0, &[1, 0, 3, 128, 1, b'y']);
    assert_eq!((world.take(1), world.take(2)), (std::vec![2, 0, b'y'], std::vec![]));
    world.send(0, &[1, 0, 3, 128, 99, b'z']);
    assert_eq!((world.take(1), world.take(2)), (std::vec![2, 0, b'z'], std::vec![2, 0, b'z']));
}

#[test]
fn who_enters_in_the_middle_of_a_broadcast_gets_nothing_of_it() {
    let mut world = World::with_channel(2);
    let late = world.relay.connect().unwrap();
    world.ids.push(late);
    world.send(0, &[1, 1, 5, 128, b'a', b'b']);
    world.send(2, b"\0\x01\x01\x01a");
    world.send(0, b"cd");
    world.send(0, &[1, 1, 2, 128, b'e']);
    assert_eq!(world.take_data(1), [((false, 0, 0), b"abcde".to_vec())]);
    assert_eq!(world.take_data(2), [((false, 0, 0), b"e".to_vec())]);
}

#[test]
fn the_excluded_user_may_leave_in_the_middle_and_come_back() {
    let mut world = World::with_channel(3);
    world.send(0, &[1, 0, 6, 128, 0, b'a', b'b']);
    world.send(1, &[0, 2, 0, 1, 0]);
    world.send(0, b"c");
    world.take(1);
    world.send(1, b"\0\x01\x01\x01a");
    world.send(0, b"d");
    assert_eq!(world.take_data(1), []);
    assert_eq!(world.take_data(2), [((false, 0, 0), b"abcd".to_vec())]);
}

#[test]
fn the_rest_of_a_unit_never_reaches_the_next_holder_of_a_number() {
    let mut world = World::with_channel(3);
    // every other number is in use, so that number 1 is given again at once
    for number in 2..=255u16 {
        world.send(1, &[0, 2, 0, 1, u8::try_from((number - 2) % 128).unwrap()]);
        world.send(1, b"\0\x01\x01\x01a");
    }
    let mut others = Vec::new();
    for _ in 3..16 {
        others.push(world.relay.connect().unwrap());
    }
    world.send(0, &[6, 128, 1, b'a', b'b']); // for user 1, two bytes yet to come
    world.send(2, &[0, 2, 0, 1, 0]);
    world.take(0);
    // come and go until the number is given to another connection
    world.ids.extend(others);
    let mut number = 0;
    for _ in 0..256 {
        world.take(0);
        world.take(3);
        world.pass(7);
        world.send(3, b"\0\x01\x01\x01a");
        number = world.take(0)[5];
        if number == 1 {
            break;
        }
        let entered = world.take(3)[4];
        world.send(3, &[0, 2, 0, 1, entered]);
    }
    assert_eq!(number, 1);
    world.take(3);
    world.send(0, b"cd");
    assert_eq!(world.take(3), []);
    world.send(0, &[3, 128, 1, b'e']);
    assert_eq!(world.take(3).last(), Some(&b'e'));
}

#[test]
fn a_channel_deleted_in_the_middle_of_a_users_unit_swallows_the_rest() {
    let mut world = World::with_channel(2);
    world.send(1, &[5, 0, b'a']);
    world.take(0);
    world.send(0, &[0, 3, 0, 1, 0]);
    world.send(0, b"\0\0\x01\x01b");
    world.take(0);
    world.send(1, b"bcd"); // the rest, then an ordinary command
    world.send(1, b"\0\x01\x01\x01b");
    assert_eq!(world.take(0), [0, 4, 0, 0, 1, 0]);
}

#[test]
fn a_zero_length_name_is_handled_at_once() {
    let mut world = World::with_channel(2);
    world.send(0, &[0, 0, 1, 0]);
    assert_eq!(world.take(0), [0, 3, 1, 0, 1]);
    world.send(1, &[0, 1, 1, 0]);
    assert_eq!(world.take(1), [0, 3, 1, 0, 1]);
    bystanders_are_well(&mut world);
}

#[test]
fn deleting_a_number_that_is_not_open_deletes_nothing() {
    let mut world = World::with_channel(3);
    world.send(0, &[0, 0, 1, 0]); // the empty name
    world.take(0);
    for number in [0, 1, 127, 128, 255] {
        world.send(2, &[0, 3, 0, 1, number]);
        world.send(2, &[0, 2, 0, 1, number | 64]);
    }
    assert_eq!(world.relay.channels(), 2);
    bystanders_are_well(&mut world);
}

#[test]
fn leave_and_delete_of_any_length_keep_the_stream_in_step() {
    for length in [0, 2, 3, 255usize] {
        for command in [2, 3] {
            let mut world = World::with_channel(3);
            let mut bytes = std::vec![0, command, 0, u8::try_from(length).unwrap()];
            bytes.extend(std::vec![0; length]);
            world.send(2, &bytes);
            world.send(2, b"\x02\0x");
            assert_eq!(world.take(0), b"\x03\x80\x01x");
            bystanders_are_well(&mut world);
        }
    }
}

#[test]
fn leave_or_data_before_the_first_command_leaves_nothing_behind() {
    let mut world = World::with_channel(2);
    let third = world.relay.connect().unwrap();
    world.ids.push(third);
    world.send(2, &[0, 2, 0, 1, 0, 2, 0, b'x', 3, 128, 0, b'x', 1, 1, 2, 128, b'x']);
    world.send(2, b"\0\0\x01\x01b");
    assert_eq!(world.take(2), [0, 3, 1, 0, 0]);
    world.disconnect(2);
    let fourth = world.relay.connect().unwrap();
    world.ids[2] = fourth;
    world.send(2, b"\0\0\x01\x01b");
    assert_eq!(world.take(2), [0, 3, 1, 0, 0]);
    bystanders_are_well(&mut world);
}

#[test]
fn an_unknown_command_closes_at_once_and_frees_the_channels() {
    for code in [4, 5, 6, 200, 255] {
        let mut world = World::with_channel(3);
        world.send(2, b"\0\0\x01\x01b");
        // its payload has not come, and need not
        assert_eq!(world.send_fatal(2, &[0, code]), CloseReason::UnknownCommand(code));
        assert_eq!((world.relay.channels(), world.relay.memberships()), (1, 1));
        bystanders_are_well(&mut world);
        world.send(1, b"\0\0\x01\x01b");
        assert_eq!(world.take(1), [0, 3, 1, 0, 0]);
    }
}

#[test]
fn sizes_that_are_not_minimal_are_accepted_and_size_0_is_nothing() {
    let mut world = World::with_channel(2);
    world.send(1, &[0x80, 0, 0x80, 3, 0, b'a', b'b', 0x80, 0, 0x80, 0]);
    assert_eq!(world.take(0), [4, 128, 0, b'a', b'b']);
    // however many of them, in whatever cuts: none of it has to be kept
    let nothing: Vec<u8> = [0x80, 0].repeat(40_000);
    world.send(1, &nothing);
    let mut broadcasts: Vec<u8> = [1, 1, 0x80, 0].repeat(20_000);
    broadcasts.push(0x80);
    let received = world.receive(1, &broadcasts);
    assert_eq!((received.used, received.outcome), (80_000, Outcome::NeedMore));
    bystanders_are_well(&mut world);
}

#[test]
fn data_for_channels_that_are_not_open_is_dropped() {
    let mut world = World::with_channel(2);
    world.send(1, &[2, 1, b'x', 2, 127, b'x', 3, 128, 0, b'x', 3, 255, 255, b'x']);
    world.send(0, &[2, 0, b'x', 3, 129, 0, b'x', 3, 128, 1, b'x', 1, 1, 2, 255, b'x']);
    let long = [&[0xff, 0xff, 5][..], &std::vec![0; 32766]].concat();
    world.send(1, &long);
    assert!((0..2).all(|connection| world.take(connection).is_empty()));
    bystanders_are_well(&mut world);
}

#[test]
fn data_of_an_own_channel_that_names_no_user_closes_the_connection() {
    let mut world = World::with_channel(3);
    let cause = world.send_fatal(2, &[0x80, 1, 0x83]);
    assert_eq!(cause, CloseReason::Malformed(Malformed::MissingUser { channel: 3 }));
    bystanders_are_well(&mut world);
}
