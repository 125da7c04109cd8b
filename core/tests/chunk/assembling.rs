//! Reassembly.

use peote_net::chunk::{Assembler, ChunkLimit, Step, Violation};
use proptest::prelude::*;

use crate::pieces::{Found, feed};
use crate::reference::{self, Parsed};

/// `stream` in pieces that end at `ends`.
fn split<'a>(stream: &'a [u8], ends: &[usize]) -> Vec<&'a [u8]> {
    let mut starts: Vec<usize> = ends.iter().map(|&end| end.min(stream.len())).collect();
    starts.extend([0, stream.len()]);
    starts.sort_unstable();
    starts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

/// Checks all that came out of `pieces` of `stream`.
fn check(stream: &[u8], pieces: &[&[u8]], limit: ChunkLimit, slot: usize) {
    let Parsed { chunks, violation, between } = reference::parse(stream, limit, slot);
    let found = feed(pieces, limit, slot);
    let expected: Vec<Vec<u8>> = chunks.iter().map(|&(start, end)| stream[start..end].to_vec()).collect();
    assert_eq!(found.chunks, expected);
    assert_eq!(found.violation, violation);
    assert_eq!(found.between, between);
    // a chunk is copied only if it came in pieces; its length may have come before
    let borders: Vec<usize> = pieces
        .iter()
        .scan(0, |at, piece| {
            *at += piece.len();
            Some(*at)
        })
        .collect();
    let whole = chunks.iter().map(|&(start, end)| !borders.iter().any(|&at| start < at && at < end));
    assert_eq!(found.in_place, whole.collect::<Vec<_>>());
}

fn limits() -> impl Strategy<Value = ChunkLimit> {
    let max = prop_oneof![
        prop::sample::select(vec![1u32, 2, 127, 128, 129, 255, 256, 257, 300, 1000, 32_768, 32_769]),
        1u32..600,
    ];
    let peers = prop::sample::select(vec![
        0u32,
        256,
        257,
        32_768,
        32_769,
        4_194_304,
        4_194_305,
        536_870_912,
        536_870_913,
    ]);
    (max, peers).prop_map(|(max, peers)| ChunkLimit::new(max).among(peers.max(max)))
}

/// A limit, and a stream of chunks within it.
fn chunks() -> impl Strategy<Value = (ChunkLimit, Vec<Vec<u8>>)> {
    limits().prop_flat_map(|limit| {
        let max = limit.max().min(700) as usize;
        let edges: Vec<usize> =
            [1, 2, 128, 129, 255, 256, 257, max].into_iter().filter(|&len| len <= max).collect();
        let len = prop_oneof![prop::sample::select(edges), 1..=max];
        let chunk = (len, any::<u8>()).prop_map(|(len, seed)| {
            (0..len).map(|i| u8::try_from((7 * i + usize::from(seed)) & 255).unwrap()).collect()
        });
        (Just(limit), prop::collection::vec(chunk, 0..8))
    })
}

fn ends() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        prop::collection::vec(0usize..3000, 0..30),
        // cuts near the front, where the length fields of the first chunks are
        prop::collection::vec(0usize..12, 0..12),
        Just((0..6000).collect()),
        Just(vec![]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2 * ProptestConfig::default().cases, ..ProptestConfig::default() })]

    #[test]
    fn chunks_come_out_of_any_pieces((limit, chunks) in chunks(), ends in ends()) {
        let stream = reference::stream(&chunks, limit.length_bytes());
        let encoded: Vec<u8> = chunks
            .iter()
            .flat_map(|chunk| [limit.encode_length(chunk.len()).unwrap().as_bytes(), chunk].concat())
            .collect();
        prop_assert_eq!(&encoded, &stream);
        let pieces = split(&stream, &ends);
        prop_assert_eq!(&feed(&pieces, limit, limit.max() as usize).chunks, &chunks);
        check(&stream, &pieces, limit, limit.max() as usize);
    }

    /// Anything at all: the same chunks, the same violation behind the same byte, however it is
    /// cut; then nothing more.
    #[test]
    fn nonsense_comes_to_the_same_at_every_cut(
        limit in limits(),
        slot in prop_oneof![3 => Just(None), 1 => (0usize..300).prop_map(Some)],
        (_, chunks) in chunks(),
        nonsense in prop::collection::vec(prop_oneof![0u8..4, 0x7eu8..0x83, Just(0xffu8), any::<u8>()], 0..60),
        ends in ends(),
    ) {
        let mut stream = reference::stream(&chunks, 2);
        stream.extend(nonsense);
        let slot = slot.unwrap_or(limit.max() as usize);
        check(&stream, &split(&stream, &ends), limit, slot);
        check(&stream, &[&stream], limit, slot);
    }
}

/// Every way to cut a chunk of two length bytes in two and in three.
#[test]
fn every_cut_of_a_chunk() {
    let chunk: Vec<u8> = (0..=200).collect();
    let stream = reference::stream(&[vec![1], chunk, vec![2, 3]], 2);
    for first in 0..=stream.len() {
        for second in (first..=stream.len()).step_by(17) {
            check(&stream, &split(&stream, &[first, second]), ChunkLimit::DEFAULT, 256);
        }
    }
}

/// A chunk as large as it may be, and one byte more, at both sides of each number of length bytes a
/// test can have memory for.
#[test]
fn the_greatest_chunk_and_one_more() {
    for max in [1u32, 255, 256, 257, 16_384, 32_768, 32_769, 4_194_304, 4_194_305] {
        let limit = ChunkLimit::new(max);
        let len = max as usize;
        let mut slot = vec![0; len];
        let length = reference::length_field(len, limit.length_bytes());
        let body: Vec<u8> = (0..len).map(|i| u8::try_from(i % 253).unwrap()).collect();
        let mut assembler = Assembler::new();
        assert_eq!(assembler.feed(limit, &length, &mut slot), (length.len(), Step::More));
        let (first, rest) = body.split_at(len / 2);
        if !first.is_empty() {
            assert_eq!(assembler.feed(limit, first, &mut slot), (first.len(), Step::More));
            assert_eq!(assembler.feed(limit, rest, &mut slot), (rest.len(), Step::Completed { len }));
            assert!(slot == body);
        }
        // a slot that is smaller than the maximum
        slot.pop();
        let too_large =
            |max| Step::Violation(Violation::ChunkTooLarge { len: u32::try_from(len).unwrap(), max });
        assert_eq!(Assembler::new().feed(limit, &length, &mut slot), (length.len(), too_large(max - 1)));
        // a maximum that is smaller than the slot
        if max > 1 {
            let less = ChunkLimit::new(max - 1).among(max);
            let expected = (length.len(), too_large(max - 1));
            assert_eq!(Assembler::new().feed(less, &length, &mut vec![0; len + 1]), expected);
        }
    }
}

#[test]
fn after_a_violation_everything_is_passed_over() {
    let limit = ChunkLimit::new(4);
    let mut slot = [7; 8];
    let mut assembler = Assembler::new();
    let (used, step) = assembler.feed(limit, &[9, 0, 1], &mut slot);
    assert_eq!((used, step), (1, Step::Violation(Violation::ChunkTooLarge { len: 10, max: 4 })));
    for input in [&[0u8, 1][..], &[], &[0xff; 100]] {
        assert_eq!(assembler.feed(limit, input, &mut slot), (input.len(), Step::More));
        assert!(!assembler.is_between_chunks());
    }
    assert_eq!(slot, [7; 8]);
}

/// A limit under which nothing can be coded is misuse, but no reason to do anything wild.
#[test]
fn a_limit_that_is_not_valid_accepts_nothing() {
    for limit in [ChunkLimit::new(0), ChunkLimit::new(u32::MAX), ChunkLimit::new(9).among(3)] {
        let found = feed(&[&[0, 1, 2, 3], &[0x80, 0x80, 0x80]], limit, 0);
        assert_eq!(found, Found { violation: found.violation, ..Found::default() });
        assert!(matches!(found.violation, Some((1, Violation::ChunkTooLarge { len: 1, max: 0 }))));
    }
}

#[test]
fn small_and_in_words() {
    assert_eq!(size_of::<Assembler>(), 12);
    assert_eq!(size_of::<ChunkLimit>(), 8);
    let words = Violation::ChunkTooLarge { len: 300, max: 256 }.to_string();
    assert!(words.contains("300") && words.contains("256"), "{words}");
    assert!(!Violation::OverlongLength.to_string().is_empty());
}
