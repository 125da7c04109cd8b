//! Chunks that are written in parts.

use peote_net::link::{Channel, Destination, Event, Link, LinkBuffers, Mode, SendError, User};
use peote_net::protocol::to_endpoint;

use crate::support::Rig;

const MODE: Mode = Mode::chunks(1024);

/// Writes the rest of the chunk in parts, with a poll whenever the ring is full.
fn write_all(rig: &mut Rig, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match rig.out().write_chunk(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(SendError::WouldBlock) => assert!(rig.poll().is_empty()),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(rig.out().unfinished(), 0);
}

#[test]
fn length_and_first_part_share_a_unit() {
    let mut rig = Rig::default();
    let channel = rig.entered(5, MODE);
    rig.out().begin_chunk(channel, 300).unwrap();
    assert_eq!(rig.out().unfinished(), 300);
    assert_eq!(rig.out().write_chunk(&[1; 10]), Ok(10));
    assert_eq!(rig.out().write_chunk(&[2; 200]), Ok(200));
    assert_eq!(rig.out().unfinished(), 90);
    assert_eq!(rig.out().write_chunk(&[3; 91]), Err(SendError::ChunkOverrun { left: 90 }));
    assert_eq!(rig.out().write_chunk(&[]), Err(SendError::Empty));
    assert_eq!(rig.out().write_chunk(&[3; 90]), Ok(90));
    assert_eq!(rig.out().write_chunk(&[3; 1]), Err(SendError::NoChunkBegun));
    let expected = [
        &[13, 5, 0xab, 2][..], // 300 - 1 = 0x2b + 2 * 128
        &[1; 10],
        &[0x80, 201, 5],
        &[2; 200],
        &[91, 5],
        &[3; 90],
    ];
    assert_eq!(rig.sent(), expected.concat());
}

#[test]
fn every_destination() {
    let mut rig = Rig::default();
    let own = rig.own(1, MODE);
    let user = rig.user(own, 1, 9);
    for (to, head) in [
        (Destination::User(own, user), &[4, 0x81, 9][..]),
        (Destination::All(own), &[1, 1, 3, 0x81]),
        (Destination::AllBut(own, user), &[1, 0, 4, 0x81, 9]),
    ] {
        rig.out().begin_chunk(to, 2).unwrap();
        assert_eq!(rig.out().write_chunk(b"a"), Ok(1));
        assert_eq!(rig.out().write_chunk(b"b"), Ok(1));
        let mut second = head.to_vec();
        *second.iter_mut().find(|byte| matches!(**byte, 3 | 4)).unwrap() -= 1;
        assert_eq!(rig.sent(), [head, &[1, b'a'], &second, b"b"].concat());
    }
}

#[test]
fn what_cannot_be_begun() {
    let mut rig = Rig::default();
    let raw = rig.entered(5, Mode::Data);
    let channel = rig.entered(6, Mode::chunks(100));
    assert_eq!(rig.out().begin_chunk(raw, 5), Err(SendError::NotOpen));
    assert_eq!(rig.out().begin_chunk(channel, 0), Err(SendError::Empty));
    assert_eq!(rig.out().begin_chunk(channel, 101), Err(SendError::ChunkTooLarge { len: 101, max: 100 }));
    assert_eq!(rig.out().write_chunk(b"x"), Err(SendError::NoChunkBegun));
    assert_eq!(rig.out().unfinished(), 0);
    rig.out().leave(channel).unwrap();
    assert_eq!(rig.out().begin_chunk(channel, 5), Err(SendError::NotOpen));
}

/// A ring far smaller than the chunk.
#[test]
fn a_chunk_larger_than_the_ring() {
    let mut rig = Rig::new(Link::<LinkBuffers<100_000, 1, 0, 259, 64>>::new());
    rig.out().enter("e", Mode::chunks(100_000)).unwrap();
    rig.sent();
    let mut channel = None;
    rig.says(to_endpoint::success(1, 0));
    rig.poll_once(|event, _| {
        if let Event::Opened { channel: Channel::Entered(entered) } = event {
            channel = Some(entered);
        }
    })
    .unwrap();
    let channel = channel.unwrap();
    let bytes: Vec<u8> = (0..100_000u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    assert!(matches!(rig.out().send(channel, &bytes), Err(SendError::QueueTooSmall { .. })));
    rig.out().begin_chunk(channel, bytes.len()).unwrap();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        match rig.out().write_chunk(rest) {
            Ok(count) => rest = &rest[count..],
            Err(SendError::WouldBlock) => assert!(rig.poll().is_empty()),
            Err(error) => panic!("{error}"),
        }
    }
    let mut wire = &rig.sent()[..];
    let mut received = Vec::new();
    while let [first, ..] = *wire {
        let (size, head) = if first < 128 {
            (usize::from(first), 1)
        } else {
            (usize::from(first & 127) * 256 + usize::from(wire[1]), 2)
        };
        assert_eq!(wire[head], 0, "channel");
        received.extend_from_slice(&wire[head + 1..head + size]);
        wire = &wire[head + size..];
    }
    assert_eq!(received, [&[0x9f, 0x8d, 0x06], &bytes[..]].concat()); // 99,999 = 31 + 13 * 128 + 6 * 16,384
}

/// Nothing else goes to those who are in the middle of a chunk; everybody else hears everything.
#[test]
fn nothing_else_is_sent_to_the_receivers_meanwhile() {
    let mut rig = Rig::default();
    let (own, other) = (rig.own(1, MODE), rig.own(2, MODE));
    let entered = rig.entered(5, MODE);
    let (a, b) = (rig.user(own, 1, 9), rig.user(own, 1, 10));
    let c = rig.user(other, 2, 9);
    let everything = [
        Destination::User(own, a),
        Destination::User(own, b),
        Destination::All(own),
        Destination::AllBut(own, a),
        Destination::AllBut(own, b),
        Destination::User(other, c),
        Destination::All(other),
        Destination::AllBut(other, c),
        Destination::Server(entered),
    ];
    // whom the chunk goes to, and which of `everything` may be sent meanwhile
    for (to, free) in [
        (Destination::User(own, a), vec![1, 3, 5, 6, 7, 8]),
        (Destination::All(own), vec![5, 6, 7, 8]),
        (Destination::AllBut(own, a), vec![0, 5, 6, 7, 8]),
        (Destination::Server(entered), vec![0, 1, 2, 3, 4, 5, 6, 7]),
        (Destination::User(other, c), vec![0, 1, 2, 3, 4, 7, 8]),
    ] {
        rig.out().begin_chunk(to, 2).unwrap();
        for written in [false, true] {
            if written {
                assert_eq!(rig.out().write_chunk(b"1"), Ok(1));
            }
            for (index, &destination) in everything.iter().enumerate() {
                let expected = if free.contains(&index) { Ok(()) } else { Err(SendError::ChunkUnfinished) };
                assert_eq!(rig.out().can_send(destination, 1), expected.is_ok(), "{to:?}, {destination:?}");
                assert_eq!(rig.out().send(destination, b"x"), expected, "{to:?}, {destination:?}");
                assert_eq!(rig.out().begin_chunk(destination, 1), Err(SendError::ChunkUnfinished));
            }
        }
        write_all(&mut rig, b"2");
        for destination in everything {
            assert_eq!(rig.out().send(destination, b"x"), Ok(()));
        }
    }
}

/// Whoever gets the number of a user who left in the middle of a chunk is somebody else.
#[test]
fn the_rest_of_a_chunk_never_reaches_the_next_user_with_the_number() {
    for written in [false, true] {
        let mut rig = Rig::default();
        let own = rig.own(1, MODE);
        let user = rig.user(own, 1, 9);
        rig.out().begin_chunk((own, user), 10).unwrap();
        if written {
            assert_eq!(rig.out().write_chunk(b"12345"), Ok(5));
            rig.sent();
        }
        assert_eq!(rig.hears(to_endpoint::user_gone(1, 9, 0)).len(), 1);
        assert_eq!(rig.user(own, 1, 9), user);
        assert_eq!(rig.out().send((own, user), b"new"), Ok(()));
        assert_eq!(rig.out().write_chunk(b"67890"), Err(SendError::NotOpen));
        assert_eq!(rig.out().write_chunk(b"67890"), Err(SendError::NoChunkBegun));
        assert_eq!(rig.sent(), [6, 0x81, 9, 2, b'n', b'e', b'w']);
    }
}

/// A chunk whose receivers are gone keeps nobody from beginning another, whether or not its writer
/// has noticed.
#[test]
fn a_chunk_without_receivers_is_in_nobodys_way() {
    for end in ["user gone", "deleted", "channel gone", "left"] {
        let mut rig = Rig::default();
        let own = rig.own(1, MODE);
        let user = rig.user(own, 1, 9);
        let entered = rig.entered(5, MODE);
        let other = rig.entered(6, MODE);
        let to = if matches!(end, "user gone" | "deleted") {
            Destination::User(own, user)
        } else {
            entered.into()
        };
        rig.out().begin_chunk(to, 10).unwrap();
        assert_eq!(rig.out().write_chunk(b"12345"), Ok(5));
        match end {
            "user gone" => assert_eq!(rig.hears(to_endpoint::user_gone(1, 9, 1)).len(), 1),
            "deleted" => rig.out().delete(own).unwrap(),
            "channel gone" => assert_eq!(rig.hears(to_endpoint::channel_gone(5, 1)).len(), 1),
            _ => rig.out().leave(entered).unwrap(),
        }
        rig.sent();
        assert_eq!(rig.out().unfinished(), 0, "{end}");
        assert!(rig.out().can_send(other, 2));
        assert_eq!(rig.out().begin_chunk(other, 2), Ok(()), "{end}");
        assert_eq!(rig.out().write_chunk(b"67"), Ok(2), "{end}");
        assert_eq!(rig.sent(), [4, 6, 1, b'6', b'7'], "{end}");
    }
}

#[test]
fn users_that_were_never_there() {
    let mut rig = Rig::default();
    let own = rig.own(1, MODE);
    assert_eq!(rig.out().begin_chunk((own, User::new(3)), 1), Err(SendError::NotOpen));
}

/// The user goes, somebody else takes its place in the link's memory, and somebody else again its
/// number.
#[test]
fn a_chunk_in_parts_is_not_for_the_next_holder_of_the_number() {
    let mut rig = Rig::default();
    let channel = rig.own(0, Mode::chunks(256));
    let user = rig.user(channel, 0, 7);
    rig.out().begin_chunk((channel, user), 100).unwrap();
    assert_eq!(rig.out().write_chunk(&[1; 50]), Ok(50));
    rig.hears(to_endpoint::user_gone(0, 7, 0));
    rig.user(channel, 0, 8);
    rig.user(channel, 0, 7);
    assert_eq!(rig.out().unfinished(), 0);
    assert_eq!(rig.out().write_chunk(&[2; 50]), Err(SendError::NotOpen));
}
