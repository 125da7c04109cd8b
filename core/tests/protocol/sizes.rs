//! The size field at its edges, and the size of what the codec keeps.

use peote_net::protocol::items::NumberReader;
use peote_net::protocol::to_endpoint::{self, Unit as FromRelay};
use peote_net::protocol::to_relay::{self, Unit as FromEndpoint};
use peote_net::protocol::{Header, MAX_UNIT, MAX_UNIT_PAYLOAD};

use crate::said::{Kind, Said, by_endpoint, by_relay, cut};

/// Sizes of data units where something could change.
pub(crate) const EDGES: [usize; 14] = [0, 1, 2, 3, 5, 126, 127, 128, 129, 255, 256, 257, 32_766, 32_767];

/// A size field of one byte, or of two if it has to be, or if it is not `minimal`.
pub(crate) fn size_field(size: usize, minimal: bool) -> Vec<u8> {
    let [high, low] = u16::try_from(size).unwrap().to_be_bytes();
    if size > 127 || size == 0 || !minimal { vec![128 | high, low] } else { vec![low] }
}

#[test]
fn a_decoder_is_small() {
    assert_eq!(size_of::<to_endpoint::Decoder>(), if cfg!(feature = "flow") { 18 } else { 12 });
    assert_eq!(size_of::<to_relay::Decoder>(), 18);
    assert_eq!(size_of::<NumberReader>(), 8);
    assert!(size_of::<Header>() <= 8);
}

/// Payload lengths around every edge, in both directions and all forms, byte by byte where it
/// matters.
#[test]
fn payloads_at_the_edges_of_the_size_field() {
    for len in [1, 2, 124, 125, 126, 127, 128, 253, 254, 255, 256, 257, 32_764, MAX_UNIT_PAYLOAD] {
        let payload: Vec<u8> = (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let unit = |head: &[u8]| [head, &payload].concat();
        let (one, two) = (size_field(len + 1, true), size_field(len + 2, true));
        let said = |kind| vec![Said { kind, bytes: payload.clone(), total: len }];

        let bytes = unit(to_endpoint::data_for_user(127, len).as_bytes());
        assert_eq!(bytes, [&one[..], &[127], &payload[..]].concat());
        assert_eq!(by_endpoint(&cut(&bytes, &[1])), said(Kind::FromServer(127)));

        let bytes = unit(to_endpoint::data_for_server(127, 255, len).as_bytes());
        assert_eq!(bytes, [&two[..], &[255, 255], &payload[..]].concat());
        assert_eq!(by_endpoint(&cut(&bytes, &[1])), said(Kind::FromUser(127, 255)));

        let bytes = unit(to_relay::data_from_user(0, len).as_bytes());
        assert_eq!(bytes, [&one[..], &[0], &payload[..]].concat());
        assert_eq!(by_relay(&cut(&bytes, &[1])), said(Kind::ToServer(0)));

        let bytes = unit(to_relay::data_from_server(0, 255, len).as_bytes());
        assert_eq!(bytes, [&two[..], &[128, 255], &payload[..]].concat());
        assert_eq!(by_relay(&cut(&bytes, &[1])), said(Kind::ToUser(0, 255)));

        let bytes = unit(to_relay::broadcast(5, None, len).as_bytes());
        assert_eq!(bytes, [&[1, 1], &one[..], &[133], &payload[..]].concat());
        assert_eq!(by_relay(&cut(&bytes, &[1])), said(Kind::ToAll(5)));

        let bytes = unit(to_relay::broadcast(5, Some(0), len).as_bytes());
        assert_eq!(bytes, [&[1, 0], &two[..], &[133, 0], &payload[..]].concat());
        assert_eq!(by_relay(&cut(&bytes, &[1])), said(Kind::ToAllBut(5, 0)));
    }
}

/// More than a sender may put into a unit, up to what the size field can say: received all the
/// same.
#[test]
fn the_greatest_sizes_are_received() {
    for size in [32_766, MAX_UNIT] {
        let payload = vec![3; size - 1];
        let user = [&size_field(size, true)[..], &[4], &payload].concat();
        let said = vec![Said { kind: Kind::ToServer(4), bytes: payload.clone(), total: size - 1 }];
        assert_eq!(by_relay(&[&user[..]]), said);
        let said = vec![Said { kind: Kind::FromServer(4), ..said[0].clone() }];
        assert_eq!(by_endpoint(&cut(&user, &[4097])), said);
    }
}

#[test]
fn a_size_in_two_bytes_where_one_would_do() {
    let stream = [0x80, 5, 2, b'a', b'b', b'c', b'd'];
    let bytes = b"abcd".to_vec();
    assert_eq!(
        by_endpoint(&[&stream[..]]),
        [Said { kind: Kind::FromServer(2), bytes: bytes.clone(), total: 4 }]
    );
    assert_eq!(by_relay(&[&stream[..]]), [Said { kind: Kind::ToServer(2), bytes, total: 4 }]);
}

/// `80 00` is nothing, towards both sides, and also behind a broadcast prefix, which it uses up.
#[test]
fn a_unit_of_size_0_is_nothing() {
    let then = Said { kind: Kind::FromServer(2), bytes: b"a".to_vec(), total: 1 };
    assert_eq!(by_endpoint(&[&[0x80, 0, 2, 2, b'a'][..]]), [then]);
    let mut decoder = to_endpoint::Decoder::new();
    assert_eq!(decoder.decode(&[0x80, 0]), None);
    assert!(decoder.is_between_units());

    let then = Said { kind: Kind::ToUser(0, 9), bytes: b"a".to_vec(), total: 1 };
    assert_eq!(by_relay(&[&[0x80, 0, 3, 0x80, 9, b'a'][..]]), std::slice::from_ref(&then));
    assert_eq!(by_relay(&[&[1, 1, 0x80, 0, 3, 0x80, 9, b'a'][..]]), std::slice::from_ref(&then));
    assert_eq!(by_relay(&cut(&[1, 0, 0x80, 0, 3, 0x80, 9, b'a'], &[1])), [then]);
}

/// Empty payloads are units like others: whose receivers they have is for the layers above to say.
#[test]
fn empty_payloads() {
    let mut decoder = to_endpoint::Decoder::new();
    for stream in [&[1u8, 3][..], &[0x80, 1, 3]] {
        let (used, unit) = decoder.decode(stream).unwrap();
        assert_eq!(used, stream.len());
        assert!(
            matches!(unit, FromRelay::FromServer { channel: 3, payload } if payload.is_whole() && payload.is_first())
        );
    }
    let (_, unit) = decoder.decode(&[2, 0x83, 7]).unwrap();
    assert!(
        matches!(unit, FromRelay::FromUser { channel: 3, user: 7, payload } if payload.bytes().is_empty())
    );

    let mut decoder = to_relay::Decoder::new();
    let (used, unit) = decoder.decode(&[0x80, 1, 3]).unwrap();
    assert!(
        matches!((used, unit), (3, FromEndpoint::ToServer { channel: 3, payload }) if payload.total() == 0)
    );
    let (used, unit) = decoder.decode(&[2, 0x83, 7]).unwrap();
    assert!(
        matches!((used, unit), (3, FromEndpoint::ToUser { channel: 3, user: 7, payload }) if payload.is_last())
    );
    let (used, unit) = decoder.decode(&[1, 1, 1, 0x83]).unwrap();
    assert!(matches!((used, unit), (4, FromEndpoint::ToAll { channel: 3, payload }) if payload.total() == 0));
    let (used, unit) = decoder.decode(&[1, 0, 2, 0x83, 7]).unwrap();
    assert!(
        matches!((used, unit), (5, FromEndpoint::ToAllBut { channel: 3, excluded: 7, payload }) if payload.total() == 0)
    );
}

#[test]
fn a_header_knows_its_length() {
    for len in [1, 125, 126, 127, MAX_UNIT_PAYLOAD] {
        for header in [
            to_relay::data_from_user(1, len),
            to_relay::data_from_server(1, 2, len),
            to_relay::broadcast(1, None, len),
            to_relay::broadcast(1, Some(2), len),
        ] {
            assert_eq!(header.len(), header.as_bytes().len());
            assert!((2..=Header::MAX).contains(&header.len()) && !header.is_empty());
        }
    }
    assert_eq!(to_relay::broadcast(1, Some(2), MAX_UNIT_PAYLOAD).len(), Header::MAX);
}

/// The channel's number decides, whatever its top bit: the direction sets that.
#[test]
fn the_top_bit_of_a_channel_byte_is_the_encoders() {
    assert_eq!(to_relay::data_from_user(0x85, 1).as_bytes(), [2, 5]);
    assert_eq!(to_relay::data_from_server(0x85, 0, 1).as_bytes(), [3, 0x85, 0]);
    assert_eq!(to_endpoint::data_for_user(0x85, 1).as_bytes(), [2, 5]);
    assert_eq!(to_endpoint::data_for_server(5, 0, 1).as_bytes(), [3, 0x85, 0]);
}
