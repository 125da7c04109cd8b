//! Any byte string, at any cut, in both directions.

use peote_net::protocol::to_endpoint::{self, Unit as FromRelay};
use peote_net::protocol::to_relay::{self, Unit as FromEndpoint};
use proptest::prelude::*;

use crate::said::{Kind, by_endpoint, by_relay, by_relay_of, cut};
use crate::{reference, sizes};

/// Pieces of a stream that are likely to mean something, with nonsense among them.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let byte = || prop_oneof![4 => 0u8..6, 2 => 126u8..132, 1 => any::<u8>()];
    prop_oneof![
        4 => prop::collection::vec(byte(), 1..12),
        1 => prop::collection::vec(any::<u8>(), 1..40),
        // a control unit of any length
        2 => (0usize..=255, byte(), byte()).prop_map(|(len, a, b)| {
            let mut unit = vec![0, u8::try_from(len).unwrap(), a, b];
            unit.resize(len + 2, 7);
            unit
        }),
        // data of any size, minimally coded or not, behind a broadcast prefix or not
        3 => (0..sizes::EDGES.len(), byte(), any::<bool>(), prop_oneof![Just(None), byte().prop_map(Some)]).prop_map(
            |(edge, channel, minimal, mode)| {
                let size = sizes::EDGES[edge];
                let mut unit = mode.map_or(Vec::new(), |mode| vec![1, mode]);
                unit.extend(sizes::size_field(size, minimal));
                let start = unit.len();
                unit.push(channel);
                unit.resize(start + size, 9);
                unit
            }
        ),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..8).prop_map(|pieces| pieces.concat())
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        Just(vec![1]),
        Just(vec![0, 1]),
        prop::collection::vec(0usize..20, 1..20).prop_filter("not all 0", |l| l.iter().any(|&l| l > 0)),
        prop::collection::vec(1usize..20_000, 1..6),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2 * ProptestConfig::default().cases, ..ProptestConfig::default() })]

    #[test]
    fn what_relays_say_means_the_same_at_every_cut(stream in stream(), lengths in lengths()) {
        let expected = reference::from_relay_to(cfg!(feature = "flow"), &stream);
        prop_assert_eq!(&by_endpoint(&[&stream[..]]), &expected);
        prop_assert_eq!(&by_endpoint(&cut(&stream, &lengths)), &expected);
    }

    #[test]
    fn what_endpoints_say_means_the_same_at_every_cut(stream in stream(), lengths in lengths()) {
        for takes_part in [false, true] {
            let expected = reference::from_endpoint_of(takes_part, &stream);
            prop_assert_eq!(&by_relay_of(takes_part, &[&stream[..]]), &expected);
            prop_assert_eq!(&by_relay_of(takes_part, &cut(&stream, &lengths)), &expected);
        }
    }

    /// What is not cut is not cut by the decoder: layers above deliver whole units without a copy.
    #[test]
    fn a_whole_unit_is_one_fragment(stream in stream()) {
        let mut rest = &stream[..];
        let mut decoder = to_endpoint::Decoder::new();
        while let Some((used, unit)) = decoder.decode(rest) {
            rest = &rest[used..];
            if let FromRelay::FromServer { payload, .. } | FromRelay::FromUser { payload, .. } = unit {
                prop_assert!(payload.is_whole() || rest.is_empty());
            }
        }
        let mut rest = &stream[..];
        let mut decoder = to_relay::Decoder::new();
        while let Some((used, unit)) = decoder.decode(rest) {
            rest = &rest[used..];
            if let FromEndpoint::Command { payload, .. }
            | FromEndpoint::ToServer { payload, .. }
            | FromEndpoint::ToUser { payload, .. }
            | FromEndpoint::ToAll { payload, .. }
            | FromEndpoint::ToAllBut { payload, .. } = unit
            {
                prop_assert!(payload.is_whole() || rest.is_empty());
            }
        }
    }

    /// A copy of the decoder goes on like the decoder itself: callers that prefer whole commands go
    /// back to one.
    #[test]
    fn a_decoder_can_go_back_to_a_copy(stream in stream(), at in any::<prop::sample::Index>()) {
        let (first, second) = stream.split_at(at.index(stream.len() + 1));
        let mut decoder = to_relay::Decoder::new();
        let mut used = 0;
        while let Some((more, _)) = decoder.decode(&first[used..]) {
            used += more;
        }
        let mut copy = decoder;
        // goes astray
        while decoder.decode(&[1, 2, 3]).is_some_and(|(used, _)| used < 3) {}
        let mut witness = copy;
        prop_assert_eq!(witness.decode(second), copy.decode(second));
        prop_assert_eq!(witness, copy);
    }
}

#[test]
fn is_between_units_exactly_behind_whole_units() {
    let unit = [0u8, 5, 0, 1, 2, 3, 4];
    let mut decoder = to_endpoint::Decoder::new();
    assert!(decoder.is_between_units());
    for (at, &byte) in unit.iter().enumerate() {
        assert_eq!(decoder.decode(&[byte]).is_some(), at == 6);
        assert_eq!(decoder.is_between_units(), at == 6);
    }
    let data = [0x80u8, 4, 0x81, 7, b'x', b'y'];
    for (at, &byte) in data.iter().enumerate() {
        assert_eq!(decoder.decode(&[byte]).is_some(), at >= 4);
        assert_eq!(decoder.is_between_units(), at == 5);
    }
    let mut decoder = to_relay::Decoder::new();
    for (at, &byte) in [1u8, 0, 3, 0x80, 7, b'x'].iter().enumerate() {
        assert_eq!(decoder.decode(&[byte]).is_some(), at == 5);
        assert_eq!(decoder.is_between_units(), at == 5);
    }
    for (at, &byte) in [0u8, 0, 1, 2, b'a', b'b'].iter().enumerate() {
        assert_eq!(decoder.decode(&[byte]).is_some(), at >= 4);
        assert_eq!(decoder.is_between_units(), at == 5);
    }
}

/// Decoders stop at the end of a unit, so that a caller can act on it before the next one is looked
/// at.
#[test]
fn one_unit_a_call() {
    let stream = [0u8, 4, 0, 0, 1, 2, 0x80, 0, 3, 5, b'a', b'b', 0, 0];
    let mut decoder = to_endpoint::Decoder::new();
    let mut at = 0;
    let mut ends = Vec::new();
    while let Some((used, _)) = decoder.decode(&stream[at..]) {
        at += used;
        ends.push(at);
    }
    assert_eq!(ends, [6, 12, 14]);
}

#[test]
fn the_reference_itself_sees_what_there_is() {
    let said = reference::from_endpoint(&[1, 0, 3, 0x82, 7, b'x', 0, 2, 0, 1, 9, 3, 1, b'a']);
    let kinds: Vec<_> = said.iter().map(|said| (said.kind, &said.bytes[..], said.total)).collect();
    assert_eq!(
        kinds,
        [(Kind::ToAllBut(2, 7), &b"x"[..], 1), (Kind::Command(2, 0), &[9], 1), (Kind::ToServer(1), b"a", 2)]
    );
}

/// All short streams of bytes that decide something, at all their cuts. With feature `speed` whole
/// heads are read at once, and cut ones byte by byte. Without it all are read byte by byte. The
/// reference is the same.
#[test]
fn every_short_stream_means_the_same_at_every_cut() {
    const BYTES: [u8; 7] = [0, 1, 2, 5, 0x80, 0x81, 0xff];
    const LEN: u32 = 5;
    for number in 0..BYTES.len().pow(LEN) {
        let stream: Vec<u8> = (0..LEN).map(|at| BYTES[number / BYTES.len().pow(at) % BYTES.len()]).collect();
        let (from_relay, from_endpoint) =
            (reference::from_relay_to(cfg!(feature = "flow"), &stream), reference::from_endpoint(&stream));
        for cuts in 0u32..1 << (LEN - 1) {
            let mut pieces = Vec::new();
            let mut start = 0;
            for end in 1..=stream.len() {
                if end == stream.len() || cuts & 1 << (end - 1) != 0 {
                    pieces.push(&stream[start..end]);
                    start = end;
                }
            }
            assert_eq!(by_endpoint(&pieces), from_relay, "{pieces:?}");
            assert_eq!(by_relay(&pieces), from_endpoint, "{pieces:?}");
        }
    }
}
