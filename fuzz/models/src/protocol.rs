//! Any bytes as either direction of the wire: what a stream means does not depend on how it is cut.

use peote_net::protocol::{to_endpoint, to_relay};

/// Every unit of `stream`, with the pieces of its payload put together, when it comes in pieces of
/// `length` bytes.
macro_rules! units {
    ($direction:ident, $stream:expr, $length:expr, $($with_payload:ident $payload:ident),+) => {{
        let mut decoder = $direction::Decoder::new();
        let mut units: Vec<(String, Vec<u8>)> = Vec::new();
        for mut piece in $stream.chunks($length) {
            while let Some((used, unit)) = decoder.decode(piece) {
                assert!(used <= piece.len(), "more was used than was there");
                piece = &piece[used..];
                match unit {
                    $($direction::Unit::$with_payload { $payload: payload, .. } => {
                        assert!(payload.offset() + payload.bytes().len() <= payload.total());
                        if payload.is_first() {
                            // the head without the payload, whose pieces differ
                            let head = format!("{unit:?}");
                            units.push((head.split(stringify!($payload)).next().unwrap_or_default().to_owned(), Vec::new()));
                        }
                        let last = units.last_mut().expect("a piece without a first one");
                        assert_eq!(last.1.len(), payload.offset(), "a piece is missing");
                        last.1.extend_from_slice(payload.bytes());
                    })+
                    other => units.push((format!("{other:?}"), Vec::new())),
                }
            }
        }
        units
    }};
}

/// Runs the target on one input.
///
/// # Panics
///
/// When it finds something.
pub fn check(bytes: &[u8]) {
    let Some((&first, stream)) = bytes.split_first() else { return };
    if stream.is_empty() {
        return;
    }
    let length = usize::from(first % 8) + 1;
    macro_rules! from_relay {
        ($length:expr) => {
            units!(
                to_endpoint, stream, $length, FromServer payload, FromUser payload, Refused words,
                Hello items, Knock words
            )
        };
    }
    macro_rules! from_endpoint {
        ($length:expr) => {
            units!(
                to_relay, stream, $length, Command payload, ToServer payload, ToUser payload,
                ToAll payload, ToAllBut payload
            )
        };
    }
    assert_eq!(from_relay!(stream.len()), from_relay!(length));
    assert_eq!(from_endpoint!(stream.len()), from_endpoint!(length));
}
