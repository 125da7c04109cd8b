//! Text of `haxe.Serializer` as a typed value.

use peote_net::value::{DecodeError, EncodeError, List, Reader};
use peote_net_formats::haxe::Haxe;
use proptest::prelude::*;

use crate::everything::everything;
use crate::shape::shape;
use crate::values::{content, read, same};

#[test]
fn a_value_is_a_string_on_the_wire() {
    assert_eq!(content(&Haxe::new((1, "a b"))).unwrap(), b"ai1y5:a%20bh");
    assert_eq!(read(b"ai1y5:a%20bh"), Ok(Haxe::new((1, "a b".to_owned()))));
    // each value of a list has strings and references of its own
    let list = Reader::new(b"\x02\x03y1:\x04y1:a").only::<List<'_, Haxe<&str>>>();
    assert_eq!(list.map(drop), Err(DecodeError::Inner("the text ends too early")));
    let list = Reader::new(b"\x02\x04y1:a\x02R0").only::<List<'_, Haxe<&str>>>();
    assert_eq!(list.map(drop), Err(DecodeError::Inner("a reference to a string that has not come yet")));
}

#[test]
fn errors_of_the_format_are_told() {
    assert_eq!(read::<Haxe<i32>>(b"t"), Err(DecodeError::Inner("a value has another type than is expected")));
    assert_eq!(read::<Haxe<i32>>(b"\xff"), Err(DecodeError::Utf8));
    let beyond = EncodeError::Inner("an integer is beyond Int, which has 32 bits: Int64 has 64");
    assert_eq!(content(&Haxe::new(1u64 << 31)), Err(beyond));
}

#[test]
fn text_with_a_blank_is_read_by_default() {
    let long = format!("y{}:a%20{}", 4 + 4_000, "x".repeat(4_000));
    assert_eq!(read(long.as_bytes()), Ok(Haxe::new(format!("a {}", "x".repeat(4_000)))));
}

#[cfg(not(feature = "alloc"))]
#[test]
fn a_buffer_of_another_size() {
    let why = "a string with escapes, or bytes, are longer than the room to decode them";
    assert_eq!(read::<Haxe<String, 2>>(b"y5:a%20b"), Err(DecodeError::Inner(why)));
    assert_eq!(read(b"y5:a%20b"), Ok(Haxe::<String, 3>("a b".to_owned())));
}

proptest! {
    #[test]
    fn any_value_is_read_as_what_was_written(value in everything(), shapes in proptest::collection::vec(shape(), 0..5)) {
        same(&Haxe::new(value));
        same(&Haxe::<_, 256>(shapes));
    }
}
