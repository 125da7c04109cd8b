//! What endpoints say: each unit byte by byte, in both directions of the codec.

use peote_net::protocol::to_relay::{self, Command, Decoder, Malformed, Unit};
use proptest::prelude::*;

use crate::said::{Kind, Said, by_relay, cut};

fn said(kind: Kind, bytes: &[u8]) -> Vec<Said> {
    vec![Said { kind, bytes: bytes.to_vec(), total: bytes.len() }]
}

#[test]
fn commands() {
    let name = b"chunks";
    let create = [&to_relay::name_command(Command::Create, 1, name).unwrap()[..], name].concat();
    assert_eq!(create, b"\x00\x00\x01\x06chunks");
    assert_eq!(by_relay(&cut(&create, &[1])), said(Kind::Command(0, 1), name));
    let enter = [&to_relay::name_command(Command::Enter, 255, b"").unwrap()[..], b""].concat();
    assert_eq!(enter, [0, 1, 255, 0]);
    assert_eq!(by_relay(&[&enter[..]]), said(Kind::Command(1, 255), b""));
    assert_eq!(by_relay(&cut(&enter, &[1])), said(Kind::Command(1, 255), b""));
    assert_eq!(to_relay::number_command(Command::Leave, 9), [0, 2, 0, 1, 9]);
    assert_eq!(to_relay::number_command(Command::Delete, 127), [0, 3, 0, 1, 127]);
    assert_eq!(to_relay::user_command(Command::RemoveUser, 3, 200), [0, 4, 0, 2, 3, 200]);
    assert_eq!(to_relay::user_command(Command::BlockUser, 3, 200), [0, 5, 0, 2, 3, 200]);
    assert_eq!(by_relay(&[&[0, 5, 0, 2, 3, 200][..]]), said(Kind::Command(5, 0), &[3, 200]));
}

#[test]
fn names_have_at_most_255_bytes() {
    let name = [b'x'; 256];
    assert_eq!(to_relay::name_command(Command::Create, 1, &name), None);
    assert_eq!(to_relay::name_command(Command::Create, 1, &name[1..]), Some([0, 0, 1, 255]));
    let command = [&[0, 0, 1, 255], &name[1..]].concat();
    assert_eq!(by_relay(&cut(&command, &[7])), said(Kind::Command(0, 1), &name[1..]));
}

#[test]
fn command_codes() {
    for code in 0..=255 {
        match Command::from_code(code) {
            Some(command) => assert_eq!(command.code(), code),
            None => assert!(code > 11),
        }
    }
    assert_eq!((0..=255).filter_map(Command::from_code).count(), 12);
}

/// The stated length is the framing, whatever the command and whatever length it should have.
#[test]
fn commands_of_any_length() {
    for command in [2, 3, 4, 77, 255] {
        for len in [0u8, 1, 2, 3, 255] {
            let payload = vec![5; len.into()];
            let stream = [&[0, command, 0, len], &payload[..], &[2, 1, b'a']].concat();
            let mut expected = said(Kind::Command(command, 0), &payload);
            expected.extend(said(Kind::ToServer(1), b"a"));
            for at in 0..=stream.len() {
                assert_eq!(by_relay(&[&stream[..at], &stream[at..]]), expected);
            }
        }
    }
}

#[test]
fn data_and_broadcasts() {
    assert_eq!(by_relay(&[&[3, 1, b'a', b'b'][..]]), said(Kind::ToServer(1), b"ab"));
    assert_eq!(by_relay(&[&[4, 0x81, 0, b'a', b'b'][..]]), said(Kind::ToUser(1, 0), b"ab"));
    assert_eq!(by_relay(&[&[1, 1, 3, 0x81, b'a', b'b'][..]]), said(Kind::ToAll(1), b"ab"));
    assert_eq!(by_relay(&[&[1, 0, 4, 0x81, 9, b'a', b'b'][..]]), said(Kind::ToAllBut(1, 9), b"ab"));
    for mode in 1..=255 {
        assert_eq!(by_relay(&[&[1, mode, 3, 0x81, b'a', b'b'][..]]), said(Kind::ToAll(1), b"ab"));
    }
}

/// A prefix belongs to one unit: the next is what it says itself.
#[test]
fn a_broadcast_prefix_holds_for_one_unit() {
    let to_one = [3, 0x81, 7, b'x'];
    for broadcast in [&[1u8, 1, 1, 0x81][..], &[1, 0, 2, 0x81, 7], &[1, 1, 3, 0x81, b'a', b'b']] {
        let stream = [broadcast, &to_one].concat();
        for at in 0..=stream.len() {
            let units = by_relay(&[&stream[..at], &stream[at..]]);
            assert_eq!(units.len(), 2);
            assert_eq!(units[1..], said(Kind::ToUser(1, 7), b"x"));
        }
    }
}

#[test]
fn what_is_malformed() {
    use Malformed::{BroadcastByUser, BroadcastOfNothing, MissingUser};
    for (stream, malformed) in [
        (&[1u8, 1, 3, 0, 0x61][..], BroadcastByUser { channel: 0 }),
        (&[1, 0, 3, 0x7f, 0x61], BroadcastByUser { channel: 127 }),
        (&[1, 1, 0], BroadcastOfNothing),
        (&[1, 0, 0, 2, 0, 1, 5], BroadcastOfNothing),
        (&[0x80, 1, 0x85], MissingUser { channel: 5 }),
        (&[1, 0, 1, 0x85], MissingUser { channel: 5 }),
        (&[1, 0, 0x80, 1, 0x85], MissingUser { channel: 5 }),
    ] {
        let expected = [Said::bare(Kind::Malformed(malformed))];
        assert_eq!(by_relay(&[stream]), expected, "{stream:?}");
        assert_eq!(by_relay(&cut(stream, &[1])), expected, "{stream:?}");
        assert!(!malformed.to_string().is_empty());
    }
    // an empty broadcast to all has size 1, and that is no command
    assert_eq!(by_relay(&[&[1, 1, 1, 0x85][..]]), said(Kind::ToAll(5), b""));
}

proptest! {
    #[test]
    fn what_is_encoded_is_what_is_decoded(
        channel in 0u8..128,
        user: u8,
        tag: u8,
        name in prop::collection::vec(any::<u8>(), 0..=255),
        bytes in prop::collection::vec(any::<u8>(), 1..400),
    ) {
        let with = |header: peote_net::protocol::Header| [header.as_bytes(), &bytes].concat();
        for (stream, kind) in [
            (with(to_relay::data_from_user(channel, bytes.len())), Kind::ToServer(channel)),
            (with(to_relay::data_from_server(channel, user, bytes.len())), Kind::ToUser(channel, user)),
            (with(to_relay::broadcast(channel, None, bytes.len())), Kind::ToAll(channel)),
            (with(to_relay::broadcast(channel, Some(user), bytes.len())), Kind::ToAllBut(channel, user)),
        ] {
            prop_assert_eq!(by_relay(&[&stream[..]]), said(kind, &bytes));
        }
        for command in [Command::Create, Command::Enter] {
            let stream = [&to_relay::name_command(command, tag, &name).unwrap()[..], &name].concat();
            prop_assert_eq!(by_relay(&[&stream[..]]), said(Kind::Command(command.code(), tag), &name));
        }
        for command in [Command::Leave, Command::Delete] {
            let stream = to_relay::number_command(command, channel);
            prop_assert_eq!(by_relay(&[&stream[..]]), said(Kind::Command(command.code(), 0), &[channel]));
        }
        for command in [Command::RemoveUser, Command::BlockUser] {
            let stream = to_relay::user_command(command, channel, user);
            prop_assert_eq!(by_relay(&[&stream[..]]), said(Kind::Command(command.code(), 0), &[channel, user]));
        }
    }
}

/// A whole unit that lies in the input is one fragment, which borrows from the input.
#[test]
fn fragments_borrow_from_the_input() {
    let stream = [5, 1, b'a', b'b', b'c', b'd'];
    let (_, unit) = Decoder::new().decode(&stream).unwrap();
    let Unit::ToServer { payload, .. } = unit else { panic!() };
    assert_eq!(payload.bytes().as_ptr(), stream[2..].as_ptr());
    assert!(payload.is_whole());
}
