//! What relays say: each unit byte by byte, in both directions of the codec.

use peote_net::protocol::to_endpoint::{self, Capabilities, Decoder, Unit};
use proptest::prelude::*;

use crate::reference;
use crate::said::by_endpoint;

/// Decodes one unit that is all of `bytes`, whole and byte by byte.
fn one(bytes: &[u8]) -> Unit<'_> {
    let mut decoder = Decoder::new();
    let (used, unit) = decoder.decode(bytes).expect("a whole unit");
    assert_eq!(used, bytes.len(), "{bytes:?}");
    assert!(decoder.is_between_units());
    for (at, byte) in bytes.iter().enumerate().take(bytes.len() - 1) {
        assert_eq!(decoder.decode(std::slice::from_ref(byte)), None, "complete at byte {at} of {bytes:?}");
    }
    let (used, slow) = decoder.decode(&bytes[bytes.len() - 1..]).unwrap();
    assert_eq!((used, slow), (1, unit));
    unit
}

/// A refusal without words.
fn refused(tag: u8, code: u8) -> Unit<'static> {
    let bytes = Box::leak(Box::new(to_endpoint::refused(tag, code)));
    let unit = Decoder::new().decode(bytes).unwrap().1;
    assert!(
        matches!(unit, Unit::Refused { tag: t, code: c, words } if (t, c, words.total()) == (tag, code, 0))
    );
    unit
}

#[test]
fn answers() {
    assert_eq!(to_endpoint::success(7, 127), [0, 3, 7, 0, 127]);
    assert_eq!(one(&[0, 3, 7, 0, 127]), Unit::Success { tag: 7, channel: 127 });
    assert_eq!(to_endpoint::refused(255, 2), [0, 3, 255, 1, 2]);
    assert_eq!(one(&[0, 3, 255, 1, 2]), refused(255, 2));
}

#[test]
fn events() {
    assert_eq!(to_endpoint::user_entered(3, 200), [0, 4, 0, 0, 3, 200]);
    assert_eq!(one(&[0, 4, 0, 0, 3, 200]), Unit::UserEntered { channel: 3, user: 200 });
    assert_eq!(to_endpoint::user_gone(3, 200, 1), [0, 5, 0, 1, 3, 200, 1]);
    assert_eq!(one(&[0, 5, 0, 1, 3, 200, 1]), Unit::UserGone { channel: 3, user: 200, reason: 1 });
    assert_eq!(to_endpoint::channel_gone(9, 2), [0, 4, 0, 2, 9, 2]);
    assert_eq!(one(&[0, 4, 0, 2, 9, 2]), Unit::ChannelGone { channel: 9, reason: 2 });
    assert_eq!(to_endpoint::keepalive(), [0, 4, 0, 255, 0, 0]);
    assert_eq!(one(&[0, 4, 0, 255, 0, 0]), Unit::Keepalive { last: [0, 0] });
}

#[test]
fn capabilities() {
    let both = Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER);
    assert_eq!(to_endpoint::announcement(both), [0, 4, 0, 255, 0x50, 3]);
    assert_eq!(to_endpoint::announcement(Capabilities::NONE), [0, 4, 0, 255, 0x50, 0]);
    let Unit::Keepalive { last } = one(&[0, 4, 0, 255, 0x50, 3]) else { panic!() };
    assert_eq!(Capabilities::from_keepalive(last), Some(both));
    assert!(both.contains(Capabilities::BLOCK_USER) && both.contains(Capabilities::NONE));
    assert!(!Capabilities::REMOVE_USER.contains(both));
    assert!(!Capabilities::NONE.contains(Capabilities::REMOVE_USER));
    for other in (0..=255).filter(|&mark| mark != 0x50) {
        assert_eq!(Capabilities::from_keepalive([other, 3]), None);
    }
    // bits that this version does not know take nothing away
    let unknown = Capabilities::from_keepalive([0x50, 0xff]).unwrap();
    assert!(unknown.contains(both));
    // each set has what it was made of, whatever was in it before
    assert_eq!(both.with(Capabilities::BLOCK_USER), both);
    assert_eq!(both.without(Capabilities::BLOCK_USER), Capabilities::REMOVE_USER);
    assert_eq!(both.without(Capabilities::HELLO), both);
}

#[test]
fn answers_and_events_that_are_too_short_mean_nothing() {
    for bytes in [
        &[0u8, 0][..],
        &[0, 1, 7],
        &[0, 2, 7, 0],
        &[0, 2, 7, 1],
        &[0, 1, 0],
        &[0, 3, 0, 0, 1],
        &[0, 4, 0, 1, 1, 1],
        &[0, 3, 0, 2, 1],
    ] {
        assert_eq!(one(bytes), Unit::Unknown, "{bytes:?}");
    }
    // the last two bytes of a keepalive mean nothing to most, so nothing is missed without them
    assert_eq!(one(&[0, 2, 0, 255]), Unit::Keepalive { last: [0, 0] });
    assert_eq!(one(&[0, 3, 0, 255, 0x50]), Unit::Keepalive { last: [0x50, 0] });
}

#[test]
fn unknown_answers_and_events_mean_nothing() {
    assert_eq!(one(&[0, 3, 7, 2, 1]), Unit::Unknown);
    assert_eq!(one(&[0, 4, 0, 7, 1, 1]), Unit::Unknown);
    assert_eq!(one(&[0, 4, 0, 254, 1, 1]), Unit::Unknown);
    // data of an own channel that ends before it names the user
    assert_eq!(one(&[1, 0x85]), Unit::Unknown);
    assert_eq!(one(&[0x80, 1, 0x85]), Unit::Unknown);
}

/// What an event says counts as soon as it is there, though bytes that may have been added are not.
#[test]
fn an_event_does_not_wait_for_bytes_without_a_meaning() {
    let mut decoder = Decoder::new();
    let expected = Some((7, Unit::UserEntered { channel: 1, user: 2 }));
    assert_eq!(decoder.decode(&[0, 7, 0, 0, 1, 2, 0xee]), expected);
    assert!(!decoder.is_between_units());
    assert_eq!(decoder.decode(&[0xee, 0xee]), None);
    assert!(decoder.is_between_units());
}

/// A later version may add bytes: those that are known keep their meaning, and the stream goes on
/// behind the rest.
#[test]
fn answers_and_events_that_are_longer_than_known() {
    for extra in [1u8, 2, 3, 4, 100, 240] {
        let lengthen = |unit: &[u8]| {
            let mut unit = unit.to_vec();
            unit[1] += extra;
            unit.resize(usize::from(unit[1]) + 2, 0xee);
            unit
        };
        for known in [
            &to_endpoint::success(7, 1)[..],
            &to_endpoint::refused(7, 1),
            &to_endpoint::user_entered(1, 2),
            &to_endpoint::user_gone(1, 2, 0),
            &to_endpoint::channel_gone(1, 0),
            &to_endpoint::keepalive(),
            &to_endpoint::entered(7, 1, 2, 3),
            &to_endpoint::grant_from_server(1, 2),
            &to_endpoint::grant_from_user(1, 2, 3),
            &to_endpoint::raised(true, 1, 2, 3, 4),
            &to_endpoint::hello(0).unwrap(),
            &to_endpoint::knock(1, 2, 3, true, 4, 0).unwrap(),
        ] {
            let then = to_endpoint::success(9, 9);
            let stream = [&lengthen(known)[..], &then].concat();
            let expected = reference::from_relay_to(cfg!(feature = "flow"), &stream);
            assert_eq!(
                expected.len(),
                if known[3] >= 3 && known[2] == 0 && !FLOW && known[3] != 255 { 1 } else { 2 }
            );
            for cut in 0..=stream.len() {
                assert_eq!(
                    by_endpoint(&[&stream[..cut], &stream[cut..]]),
                    expected,
                    "cut at {cut} of {stream:?}"
                );
            }
        }
    }
}

const FLOW: bool = cfg!(feature = "flow");

proptest! {
    /// What is encoded is decoded to the same, for every value of every field.
    #[test]
    fn what_is_encoded_is_what_is_decoded(tag in 1u8.., channel: u8, user: u8, code: u8) {
        for (bytes, unit) in [
            (&to_endpoint::success(tag, channel)[..], Unit::Success { tag, channel }),
            (&to_endpoint::refused(tag, code), refused(tag, code)),
            (&to_endpoint::user_entered(channel, user), Unit::UserEntered { channel, user }),
            (&to_endpoint::user_gone(channel, user, code), Unit::UserGone { channel, user, reason: code }),
            (&to_endpoint::channel_gone(channel, code), Unit::ChannelGone { channel, reason: code }),
        ] {
            prop_assert_eq!(one(bytes), unit);
        }
    }

    #[test]
    fn data_is_decoded_as_it_was_encoded(
        channel in 0u8..128,
        user: u8,
        bytes in prop::collection::vec(any::<u8>(), 1..400),
    ) {
        let for_user = [to_endpoint::data_for_user(channel, bytes.len()).as_bytes(), &bytes].concat();
        let Some((used, Unit::FromServer { channel: c, payload })) = Decoder::new().decode(&for_user) else {
            panic!("{for_user:?}")
        };
        prop_assert_eq!((used, c, payload.bytes()), (for_user.len(), channel, &bytes[..]));
        let for_server = [to_endpoint::data_for_server(channel, user, bytes.len()).as_bytes(), &bytes].concat();
        let Some((used, Unit::FromUser { channel: c, user: u, payload })) = Decoder::new().decode(&for_server) else {
            panic!("{for_server:?}")
        };
        prop_assert_eq!((used, c, u, payload.bytes()), (for_server.len(), channel, user, &bytes[..]));
    }
}
