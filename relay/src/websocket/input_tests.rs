use proptest::prelude::*;

use super::*;
use crate::websocket::{Event, WebSocket};

/// A masked frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x11, 0x82, 0xf3, 0x04];
    let mut bytes = vec![first];
    match payload.len() {
        len @ ..126 => bytes.push(0x80 | u8::try_from(len).unwrap()),
        len @ ..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// What a stream comes to: each message, `None` at the end for a close, and the bytes that answer.
type Read = (Vec<Option<Vec<u8>>>, Vec<u8>);

/// Reads a stream that is cut every `at_once` bytes.
fn read(stream: &[u8], at_once: usize) -> Result<Read, Failure> {
    let mut socket = WebSocket::new();
    let (mut messages, mut message) = (Vec::new(), Vec::new());
    for piece in stream.chunks(at_once) {
        let mut piece = piece.to_vec();
        let mut rest = &mut piece[..];
        while !rest.is_empty() {
            let (used, event) = socket.read(rest)?;
            match event {
                Some(Event::Payload { range, is_last, .. }) => {
                    message.extend(&rest[range]);
                    if is_last {
                        messages.push(Some(std::mem::take(&mut message)));
                    }
                }
                Some(Event::Closed(_)) => messages.push(None),
                None => assert_eq!(used, rest.len()),
            }
            rest = &mut rest[used..];
        }
    }
    Ok((messages, socket.head()[0].to_vec()))
}

#[test]
fn messages_come_out_whatever_the_cuts() {
    let long: Vec<u8> = (0..70_000u32).map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1]).collect();
    let stream = [
        frame(0x82, b"one"),
        frame(0x82, b""),
        frame(0x02, &long[..300]),
        frame(0x89, b"ping"),
        frame(0x00, b""),
        frame(0x8a, b"unasked"),
        frame(0x80, &long[300..]),
        frame(0x88, &[3, 232, b'b', b'y', b'e']),
        b"not read any more".to_vec(),
    ]
    .concat();
    let messages = vec![Some(b"one".to_vec()), Some(Vec::new()), Some(long), None];
    let answers = b"\x8a\x04ping\x88\x02\x03\xe8".to_vec();
    for at_once in [1, 2, 3, 7, 13, 14, 15, 1000, 65_536, 100_000] {
        let (found, said) = read(&stream, at_once).unwrap();
        assert!(found == messages, "cut every {at_once} bytes");
        assert_eq!(said, answers);
    }
}

#[test]
fn what_is_against_the_rules_fails_with_its_code() {
    let unmasked = b"\x82\x03abc".to_vec();
    let huge = [&[0x82, 0xff][..], &(MAX_FRAME + 1).to_be_bytes(), &[0; 4]].concat();
    let negative = [&[0x82, 0xff, 0x80][..], &[0; 11]].concat();
    let cases = [
        (unmasked, 1002, "not masked"),
        (frame(0x81, b"text"), 1003, "text"),
        (frame(0x01, b""), 1003, "text"),
        (frame(0xc2, b"x"), 1002, "reserved bit"),
        (frame(0xa2, b"x"), 1002, "reserved bit"),
        (frame(0x92, b"x"), 1002, "reserved bit"),
        (frame(0x83, b"x"), 1002, "unknown kind"),
        (frame(0x8b, b"x"), 1002, "unknown kind"),
        (frame(0x09, b"x"), 1002, "fragmented"),
        (frame(0x08, b""), 1002, "fragmented"),
        (frame(0x89, &[0; 126]), 1002, "125"),
        (frame(0x80, b"x"), 1002, "continuation of nothing"),
        ([frame(0x02, b"x"), frame(0x82, b"y")].concat(), 1002, "inside another"),
        ([frame(0x82, b"x"), frame(0x80, b"y")].concat(), 1002, "continuation of nothing"),
        (huge, 1009, "16 MiB"),
        (negative, 1009, "16 MiB"),
        (frame(0x88, &[3]), 1002, "half a code"),
        (frame(0x88, &1005u16.to_be_bytes()), 1002, "must not be sent"),
        (frame(0x88, &999u16.to_be_bytes()), 1002, "must not be sent"),
        (frame(0x88, &5000u16.to_be_bytes()), 1002, "must not be sent"),
        (frame(0x88, &[3, 232, 0xff]), 1007, "not UTF-8"),
    ];
    for (stream, code, what) in cases {
        for at_once in [1, 3, 1000] {
            let failure = read(&stream, at_once).unwrap_err();
            assert_eq!(failure.code(), code, "{failure}: {stream:02x?}");
            assert!(failure.to_string().contains(what), "{failure}");
        }
    }
}

#[test]
fn the_longest_frame_is_accepted() {
    let mut socket = WebSocket::new();
    let mut header = [&[0x82, 0xff][..], &MAX_FRAME.to_be_bytes(), &[0; 4]].concat();
    assert_eq!(socket.read(&mut header), Ok((14, None)));
}

#[test]
fn a_close_without_a_code_is_answered_with_one_without() {
    assert_eq!(read(&frame(0x88, b""), 1), Ok((vec![None], b"\x88\x00".to_vec())));
}

proptest! {
    /// Whatever comes, right or wrong, cuts change nothing about what is made of it.
    #[test]
    fn cuts_change_nothing(
        frames in proptest::collection::vec(
            (prop_oneof![0u8..=255, Just(0x82), Just(0x02), Just(0x80), Just(0x89)], 0usize..300),
            0..20,
        ),
        noise in proptest::collection::vec(any::<u8>(), 0..30),
        at_once in 1usize..50,
    ) {
        let mut stream: Vec<u8> =
            frames.iter().flat_map(|(first, len)| frame(*first, &vec![*first; *len])).collect();
        stream.extend(noise);
        prop_assert_eq!(read(&stream, at_once), read(&stream, usize::MAX));
    }
}

/// RFC 6455, section 5.2, asks for the shortest form, and section 5.3 for a mask, whatever it is.
#[test]
fn lengths_in_more_bytes_than_needed_and_masks_of_zeros_are_understood() {
    for stream in [
        &[0x82, 0x80 | 126, 0, 3, 0, 0, 0, 0, b'a', b'b', b'c'][..],
        &[0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, b'a', b'b', b'c'],
        &[0x82, 0x83, 0, 0, 0, 0, b'a', b'b', b'c'],
    ] {
        for at_once in 1..=stream.len() {
            assert_eq!(read(stream, at_once).unwrap().0, [Some(b"abc".to_vec())]);
        }
    }
}
