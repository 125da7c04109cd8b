//! Structs and enums as typed values.

use peote_net::value::{Decode, DecodeError, Encode, Form, List, Reader, Writer};
use proptest::prelude::*;

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
struct Player<'a> {
    name: &'a str,
    position: Position,
    items: List<'a, u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
struct Position(f32, f32);

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[repr(u8)] // Rust wants it where a variant with fields has a number
enum Message<'a> {
    Ready,
    Move {
        to: Position,
        fast: bool,
    },
    Say(&'a str),
    #[allow(dead_code, reason = "its number is what matters")]
    Late(Option<u8>) = 200,
    Last,
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct Pair<A, B> {
    first: A,
    second: B,
}

fn bytes(value: &impl Encode) -> Vec<u8> {
    let mut buffer = vec![0; value.encoded_len().unwrap()];
    let mut writer = Writer::new(&mut buffer);
    writer.write(value).unwrap();
    assert_eq!(writer.finish().len(), value.encoded_len().unwrap());
    buffer
}

#[test]
fn a_struct_is_its_fields_one_after_another() {
    let position = Position(1.5, -2.0);
    assert_eq!(bytes(&position), bytes(&(1.5f32, -2.0f32)));
    let message = [&[3][..], b"ann", &bytes(&position), &[2, 1, 0, 2, 0]].concat();
    let player = Player::from_bytes(&message).unwrap();
    assert_eq!((player.name, player.position), ("ann", position));
    assert_eq!(player.items.iter().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(bytes(&player), message);
}

/// PROTOCOL.md, section 8.5: interfaces are compared by what types are on the wire.
#[test]
fn forms_and_greatest_lengths_are_those_of_the_fields() {
    assert_eq!(Position::FORM, <(f32, f32)>::FORM);
    assert_eq!(Player::FORM, <(&str, (f32, f32), List<'_, u16>)>::FORM);
    assert_eq!((Position::MOST, Player::MOST), (8, usize::MAX));

    #[derive(Encode)]
    #[allow(dead_code, reason = "only what it is on the wire is looked at")]
    #[repr(u8)]
    enum Order {
        Stop,
        Go { to: Position, fast: bool } = 7,
    }
    let variants = [
        Form::of("variant", &[Form::named("0")]),
        Form::of("variant", &[Form::named("7"), Position::FORM, bool::FORM]),
    ];
    assert_eq!((Order::FORM, Order::MOST), (Form::of("enum", &variants), 10));
    assert_eq!(Pair::<u8, u16>::FORM, <(u8, u16)>::FORM);
}

#[test]
fn an_enum_is_a_number_and_its_fields() {
    assert_eq!(bytes(&Message::Ready), [0]);
    assert_eq!(bytes(&Message::Say("hi")), [2, 2, b'h', b'i']);
    assert_eq!(bytes(&Message::Late(Some(7))), [200, 1, 7]);
    assert_eq!(bytes(&Message::Last), [201]);
    let to = Position(0.0, 1.0);
    assert_eq!(bytes(&Message::Move { to, fast: true }), [&[1][..], &bytes(&to), &[1]].concat());
}

#[test]
fn what_is_no_value_says_why() {
    assert_eq!(Message::from_bytes(&[3]), Err(DecodeError::UnknownVariant { number: 3 }));
    assert_eq!(Message::from_bytes(&[]), Err(DecodeError::End { needed: 1, left: 0 }));
    assert_eq!(Message::from_bytes(&[0, 0]), Err(DecodeError::LeftOver { bytes: 1 }));
    assert_eq!(Message::from_bytes(&[2, 1, 0xff]), Err(DecodeError::Utf8));
    assert_eq!(DecodeError::UnknownVariant { number: 3 }.to_string(), "there is no variant of number 3");
}

#[test]
fn the_least_length_bounds_lists() {
    assert_eq!(Position::MIN_LEN, 8);
    assert_eq!(Message::MIN_LEN, 1);
    assert_eq!(<Pair<Position, u8> as Decode>::MIN_LEN, 9);
    // a list of three positions in 16 bytes is refused before the first one
    let list = [&[3][..], &[0; 16]].concat();
    let error = Reader::new(&list).only::<List<'_, Position>>().unwrap_err();
    assert_eq!(error, DecodeError::End { needed: 24, left: 16 });
}

proptest! {
    #[test]
    fn what_is_written_is_read(x: f32, y: f32, fast: bool, text in ".{0,40}", which in 0u8..4) {
        prop_assume!(!x.is_nan() && !y.is_nan());
        let message = match which {
            0 => Message::Ready,
            1 => Message::Move { to: Position(x, y), fast },
            2 => Message::Say(&text),
            _ => Message::Last,
        };
        let pair = Pair { first: message.clone(), second: (fast, Message::Say(&text)) };
        let (of_message, of_pair) = (bytes(&message), bytes(&pair));
        prop_assert_eq!(Message::from_bytes(&of_message), Ok(message));
        prop_assert_eq!(Pair::from_bytes(&of_pair), Ok(pair));
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(message) = Message::from_bytes(&bytes) {
            prop_assert!(message.encoded_len().unwrap() <= bytes.len());
        }
    }
}
