//! The length field.

use peote_net::chunk::{Assembler, ChunkLimit, Step, Violation};
use proptest::prelude::*;

use crate::reference;

/// The greatest chunk for each number of length bytes.
const GREATEST: [u32; 5] = [256, 32_768, 4_194_304, 536_870_912, 2_147_483_647];

/// Lengths where the coded form changes, with their neighbours.
fn edges() -> impl Iterator<Item = usize> {
    [1, 128, 256, 16_384, 32_768, 2_097_152, 4_194_304, 268_435_456, 536_870_912, 2_147_483_646]
        .into_iter()
        .flat_map(|edge: usize| [edge - 1, edge, edge + 1])
}

#[test]
fn length_bytes_follow_from_the_maximum() {
    for (bytes, greatest) in (1..).zip(GREATEST) {
        assert_eq!(ChunkLimit::new(greatest).length_bytes(), bytes);
        if greatest < ChunkLimit::GREATEST {
            assert_eq!(ChunkLimit::new(greatest + 1).length_bytes(), bytes + 1);
        }
    }
    assert_eq!(ChunkLimit::GREATEST, GREATEST[4]);
    assert_eq!(ChunkLimit::new(1).length_bytes(), 1);
    assert_eq!((ChunkLimit::DEFAULT.max(), ChunkLimit::DEFAULT.length_bytes()), (32_768, 2));
    assert_eq!(ChunkLimit::default(), ChunkLimit::DEFAULT);
}

#[test]
fn limits_that_are_not_valid() {
    for max in [0, ChunkLimit::GREATEST + 1, u32::MAX] {
        let limit = ChunkLimit::new(max);
        assert!(!limit.is_valid());
        assert_eq!(limit.length_bytes(), 0);
        for len in [0, 1, 255, 65_536] {
            assert_eq!(limit.encode_length(len), None);
        }
    }
    assert!(!ChunkLimit::new(300).among(299).is_valid(), "peers that accept less");
    assert!(!ChunkLimit::new(300).among(u32::MAX).is_valid());
    assert!(!ChunkLimit::new(0).among(300).is_valid());
    assert!(ChunkLimit::new(300).among(300).is_valid());
    assert!(ChunkLimit::new(1).is_valid() && ChunkLimit::new(ChunkLimit::GREATEST).is_valid());
}

#[test]
fn the_examples_of_the_protocol() {
    let field = |len, max| ChunkLimit::new(max).encode_length(len).unwrap().as_bytes().to_vec();
    for (len, two, three) in [
        (1, &[0x00][..], &[0x00][..]),
        (128, &[0x7f], &[0x7f]),
        (129, &[0x80, 0x01], &[0x80, 0x01]),
        (256, &[0xff, 0x01], &[0xff, 0x01]),
        (16_384, &[0xff, 0x7f], &[0xff, 0x7f]),
        (16_385, &[0x80, 0x80], &[0x80, 0x80, 0x01]),
        (32_768, &[0xff, 0xff], &[0xff, 0xff, 0x01]),
    ] {
        assert_eq!(field(len, 32_768), two);
        assert_eq!(field(len, 4_194_304), three);
    }
    assert_eq!(field(129, 256), [0x80]);
    assert_eq!(field(256, 256), [0xff]);
    assert_eq!(field(4_194_304, 4_194_304), [0xff, 0xff, 0xff]);
    assert_eq!(field(2_147_483_647, 2_147_483_647), [0xfe, 0xff, 0xff, 0xff, 0x07]);
}

/// Says which length an assembler understands, without memory for such a chunk: by calling it too
/// large.
fn understood(limit: ChunkLimit, field: &[u8]) -> u64 {
    let mut assembler = Assembler::new();
    let (last, before) = field.split_last().unwrap();
    for &byte in before {
        assert_eq!(assembler.feed(limit, &[byte], &mut []), (1, Step::More), "{field:?}");
        assert!(!assembler.is_between_chunks());
    }
    match assembler.feed(limit, &[*last], &mut []) {
        (1, Step::Violation(Violation::ChunkTooLarge { len, max: 0 })) => len.into(),
        other => panic!("{other:?} for {field:?}"),
    }
}

// §6.1-minimal
#[test]
fn lengths_at_the_edges() {
    for (bytes, max) in (1u8..).zip(GREATEST) {
        let limit = ChunkLimit::new(max);
        for len in edges() {
            let field = limit.encode_length(len);
            if len == 0 || len > max as usize {
                assert_eq!(field, None, "{len} bytes of at most {max}");
                continue;
            }
            let field = field.unwrap();
            assert_eq!(field.as_bytes(), reference::length_field(len, bytes));
            assert_eq!(understood(limit, field.as_bytes()), len as u64);
        }
    }
    #[cfg(target_pointer_width = "64")]
    assert_eq!(ChunkLimit::new(ChunkLimit::GREATEST).encode_length(usize::MAX), None);
}

/// With five length bytes, lengths beyond 32 bits can be stated. They are told as the greatest one.
#[test]
fn the_greatest_length_that_can_be_stated() {
    let limit = ChunkLimit::new(ChunkLimit::GREATEST);
    assert_eq!(understood(limit, &[0xff; 5]), u64::from(u32::MAX));
    assert_eq!(understood(limit, &[0xff, 0xff, 0xff, 0xff, 0x0f]), u64::from(u32::MAX));
    assert_eq!(understood(limit, &[0xff, 0xff, 0xff, 0xff, 0x07]), 1 << 31);
}

#[test]
fn overlong_lengths_are_found_at_their_last_byte() {
    for max in GREATEST {
        let limit = ChunkLimit::new(max);
        for zeros in 1..limit.length_bytes() {
            let field: Vec<u8> = (0..zeros).map(|_| 0x85).chain([0, 1, 2, 3]).collect();
            let mut assembler = Assembler::new();
            let expected = (usize::from(zeros) + 1, Step::Violation(Violation::OverlongLength));
            assert_eq!(assembler.feed(limit, &field, &mut [0; 9]), expected, "{field:?}");
        }
    }
    // a first byte of 0 is a chunk of 1 byte, also where the first byte is the last
    for limit in [ChunkLimit::new(1), ChunkLimit::DEFAULT] {
        let whole = Step::Whole { start: 1, end: 2 };
        assert_eq!(Assembler::new().feed(limit, &[0, 0], &mut [0; 9]), (2, whole));
    }
}

proptest! {
    #[test]
    fn a_length_is_understood_as_it_was_meant(
        max in prop_oneof![1u32..300, 1u32..40_000, 1u32..=ChunkLimit::GREATEST],
        len in any::<prop::sample::Index>(),
        peers in 0u32..=ChunkLimit::GREATEST,
    ) {
        let limit = ChunkLimit::new(max).among(peers.max(max));
        let len = len.index(max as usize) + 1;
        let field = limit.encode_length(len).unwrap();
        prop_assert_eq!(field.as_bytes(), reference::length_field(len, limit.length_bytes()));
        prop_assert_eq!(understood(limit, field.as_bytes()), len as u64);
        prop_assert_eq!(limit.encode_length(max as usize + 1), None);
    }
}
