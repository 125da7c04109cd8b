//! Users and servers: all of them at once, too many of them, and those that break the rules.

use peote_net::Reason;
use peote_net::chunk::{ChunkLimit, Violation};
use peote_net::link::{Channel, Destination, Event, Link, LinkBuffers, Mode, SendError, Source, User};
use peote_net::protocol::to_endpoint;

use crate::support::{Heap, Rig, Seen, Sizes, chunk, from_server, from_user, tag, tag_of};

const MODE: Mode = Mode::chunks(256);

#[test]
fn every_user_of_a_channel() {
    let mut rig = Rig::new(Link::<LinkBuffers<256, 256, 1, 4096, 512>>::new());
    let channel = rig.own(127, MODE);
    for number in 0..=255 {
        let user = rig.user(channel, 127, number);
        assert_eq!(user.number(), u16::from(number));
    }
    let mut users: Vec<u16> = rig.out().users(channel).map(User::number).collect();
    users.sort_unstable();
    assert_eq!(users, (0..=255).collect::<Vec<u16>>());
    // each in the middle of a chunk of its own
    for number in 0..=255 {
        assert_eq!(rig.hears(from_user(127, number, &[3, number])), []);
    }
    for number in (0..=255).rev() {
        let user = User::new(number);
        let from = Source::User { channel, user };
        let seen = rig.hears(from_user(127, number, &[1, 2, 3]));
        assert_eq!(seen, [Seen::Chunk(from, vec![number, 1, 2, 3])]);
        rig.out().send(from, &[number]).unwrap();
        assert_eq!(rig.sent(), [4, 255, number, 0, number]);
    }
    for number in 0..=255 {
        let user = User::new(number);
        let gone = Event::UserGone { channel, user, reason: Reason::of_end(number) };
        assert_eq!(rig.hears(to_endpoint::user_gone(127, number, number)), [Seen::Notice(gone)]);
        assert_eq!(rig.out().send((channel, user), b"x"), Err(SendError::NotOpen));
    }
    assert_eq!(rig.out().users(channel).count(), 0);
}

#[test]
fn a_user_that_finds_no_party() {
    let mut rig = Rig::new(Link::<LinkBuffers<256, 2, 1, 512, 512>>::new());
    let channel = rig.own(3, MODE);
    let entered = rig.entered(5, MODE);
    let inside = rig.user(channel, 3, 1);
    let outside = User::new(2);
    let exhausted = Seen::Notice(Event::UserIgnored { channel, user: outside });
    assert_eq!(rig.hears(to_endpoint::user_entered(3, 2)), [exhausted]);
    assert_eq!(rig.out().enter("x", MODE), Err(SendError::TooManyParties));
    // it is passed over
    assert_eq!(rig.hears(from_user(3, 2, b"\0x")), []);
    assert_eq!(rig.out().send((channel, outside), b"x"), Err(SendError::NotOpen));
    assert_eq!(rig.hears([0, 4, 0, 255, 0x50, 3]), []); // which announces it
    assert_eq!(rig.out().remove_user(channel, outside), Err(SendError::NotOpen));
    assert_eq!(rig.out().block_user(channel, outside), Err(SendError::NotOpen));
    assert_eq!(rig.out().users(channel).collect::<Vec<_>>(), [inside]);
    // it hears broadcasts, and can be left out of them
    rig.out().send(Destination::AllBut(channel, outside), b"x").unwrap();
    assert_eq!(rig.sent(), [1, 0, 4, 0x83, 2, 0, b'x']);
    // the others do not notice
    let from = Source::User { channel, user: inside };
    assert_eq!(rig.hears(from_user(3, 1, b"\0x")), [Seen::Chunk(from, b"x".to_vec())]);
    // a place becomes free: for the next one, not for the one that was passed over
    rig.out().leave(entered).unwrap();
    assert_eq!(rig.hears(from_user(3, 2, b"\0x")), []);
    assert_eq!(rig.hears(to_endpoint::user_gone(3, 2, 0)), []);
    rig.user(channel, 3, 2);
    assert_eq!(rig.hears(to_endpoint::user_gone(3, 2, 0)).len(), 1);
}

/// What users do to break the rules, in channels of at most 300 and of at most 4 bytes.
fn attacks() -> Vec<(Mode, Vec<u8>, Violation)> {
    let (two, one) = (Mode::chunks(300), Mode::chunks(4));
    let mixed = Mode::Chunks(ChunkLimit::new(4).among(32_768));
    vec![
        (two, vec![0x80, 0, 1], Violation::OverlongLength),
        (two, vec![0xac, 2, 1], Violation::ChunkTooLarge { len: 301, max: 300 }),
        (two, vec![0xff, 0xff, 1], Violation::ChunkTooLarge { len: 32_768, max: 300 }),
        (one, vec![4, 1], Violation::ChunkTooLarge { len: 5, max: 4 }),
        (mixed, vec![0x80, 1, 1], Violation::ChunkTooLarge { len: 129, max: 4 }),
        (mixed, vec![0x80, 0, 1], Violation::OverlongLength),
    ]
}

#[test]
fn a_malicious_user_disturbs_nobody() {
    for (mode, attack, violation) in attacks() {
        let mut rig = Rig::new(Link::<LinkBuffers<300, 8, 2, 2048, 512>>::new());
        let (channel, other) = (rig.own(3, mode), rig.own(4, mode));
        let entered = rig.entered(3, mode);
        let (bad, good) = (rig.user(channel, 3, 1), rig.user(channel, 3, 2));
        let namesake = rig.user(other, 4, 1);
        let everybody_else = [
            (from_user(3, 2, &chunk(b"a")), Source::User { channel, user: good }),
            (from_user(4, 1, &chunk(b"a")), Source::User { channel: other, user: namesake }),
            (from_server(3, &chunk(b"a")), Source::Server { channel: entered }),
        ];
        let others_are_heard = |rig: &mut Rig<_>| {
            for (bytes, from) in &everybody_else {
                assert_eq!(rig.hears(bytes), [Seen::Chunk(*from, b"a".to_vec())]);
            }
        };
        let from = Source::User { channel, user: bad };
        let malicious = Seen::Notice(Event::Malicious { from, violation });
        // a good chunk first, in the same unit
        let seen = rig.hears(from_user(3, 1, &[&chunk(b"ok"), &attack[..], &chunk(b"no")].concat()));
        assert_eq!(seen, [Seen::Chunk(from, b"ok".to_vec()), malicious]);
        others_are_heard(&mut rig);
        for _ in 0..3 {
            assert_eq!(rig.hears([from_user(3, 1, &attack), from_user(3, 1, &chunk(b"no"))].concat()), []);
            others_are_heard(&mut rig);
        }
        // it can still be spoken to, and told good-bye
        rig.out().send(from, b"x").unwrap();
        assert_eq!(rig.sent(), [4, 0x83, 1, 0, b'x']);
        assert_eq!(rig.hears(to_endpoint::user_gone(3, 1, 0)).len(), 1);
        // the next one with its number is not to blame
        rig.user(channel, 3, 1);
        assert_eq!(rig.hears(from_user(3, 1, &chunk(b"ok"))), [Seen::Chunk(from, b"ok".to_vec())]);
    }
}

#[test]
fn a_malicious_server_is_a_stranger_when_entered_again() {
    for (mode, attack, violation) in attacks() {
        let mut rig = Rig::default();
        let channel = rig.entered(5, mode);
        let from = Source::Server { channel };
        for &byte in &attack {
            rig.says(from_server(5, &[byte])); // byte by byte
        }
        assert_eq!(rig.poll(), [Seen::Notice(Event::Malicious { from, violation })]);
        assert_eq!(rig.hears(from_server(5, &chunk(b"no"))), []);
        rig.out().leave(channel).unwrap();
        let channel = rig.entered(5, mode);
        let from = Source::Server { channel };
        assert_eq!(rig.hears(from_server(5, &chunk(b"ok"))), [Seen::Chunk(from, b"ok".to_vec())]);
    }
}

/// A channel's maximum counts, not the link's.
#[test]
fn the_greatest_chunk_of_each_channel() {
    let mut rig = Rig::default(); // chunks of at most 1024 bytes
    for (number, max) in [1u32, 128, 129, 256, 257, 1024].into_iter().enumerate() {
        let number = u8::try_from(number).unwrap();
        let limit = ChunkLimit::new(max);
        let channel = rig.entered(number, Mode::Chunks(limit));
        let from = Source::Server { channel };
        let bytes: Vec<u8> = (0..max).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let length = limit.encode_length(bytes.len()).unwrap();
        let stream = [length.as_bytes(), &bytes].concat();
        let seen: Vec<Seen> =
            stream.chunks(300).flat_map(|piece| rig.hears(from_server(number, piece))).collect();
        assert_eq!(seen, [Seen::Chunk(from, bytes.clone())]);
        rig.out().send(channel, &bytes).unwrap();
        assert!(rig.sent().ends_with(&stream));
        let error = SendError::ChunkTooLarge { len: bytes.len() + 1, max };
        assert_eq!(rig.out().send(channel, &[&bytes[..], &[0]].concat()), Err(error));
    }
}

/// Memory with more places for parties than there can be: those beyond do not count.
#[test]
fn more_places_for_parties_than_count() {
    let mut rig = Rig::new(Link::with_buffers(Heap::new(Sizes {
        chunk_size: 1,
        parties: 70_000,
        own_channels: 1,
        transmit: 300,
        receive: 64,
        ..Sizes::default()
    })));
    let entered = rig.out().enter("e", Mode::chunks(1)).unwrap();
    rig.sent();
    rig.hears([to_endpoint::success(tag_of(1, 1), 3), to_endpoint::success(tag_of(1, 2), 4)].concat());
    // no party has this number
    assert_eq!(rig.hears(from_server(9, &chunk(b"x"))), []);
    let from = Source::Server { channel: entered };
    assert_eq!(rig.hears(from_server(3, &chunk(b"x"))), [Seen::Chunk(from, b"x".to_vec())]);
}

/// A relay that talks nonsense gives one number to two own channels. A user is gone from the
/// channel that it has entered.
#[test]
fn a_user_is_gone_from_the_channel_that_it_has_entered() {
    let mut rig = Rig::default();
    let first = rig.out().create("a", Mode::chunks(16)).unwrap();
    let second = rig.out().create("b", Mode::chunks(16)).unwrap();
    rig.sent();
    rig.hears(to_endpoint::success(tag(2), 5));
    let user = rig.user(second, 5, 7);
    assert_eq!(
        rig.hears(to_endpoint::success(tag(1), 5)),
        [Seen::Notice(Event::Opened { channel: Channel::Own(first) })]
    );
    let gone = Event::UserGone { channel: second, user, reason: Reason::OnPurpose };
    assert_eq!(rig.hears(to_endpoint::user_gone(5, 7, 0)), [Seen::Notice(gone)]);
}
