//! `MessagePack` as a typed value.

use peote_net::value::{DecodeError, EncodeError};
use peote_net_formats::messagepack::MessagePack;
use proptest::prelude::*;
use serde::Serialize;

use crate::everything::everything;
use crate::shape::shape;
use crate::values::{content, read, same};

#[test]
fn a_value_is_a_byte_string_on_the_wire() {
    assert_eq!(content(&MessagePack((300, "a"))).unwrap(), b"\x92\xcd\x01\x2c\xa1a");
    assert_eq!(read(b"\x92\xcd\x01\x2c\xa1a"), Ok(MessagePack((300, "a".to_owned()))));
}

#[test]
fn errors_of_the_format_are_told() {
    struct Unknown;
    impl Serialize for Unknown {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq((0..9).filter(|number| number % 2 == 0))
        }
    }
    let unknown = EncodeError::Inner("a sequence or map does not know its length");
    assert_eq!(content(&MessagePack(Unknown)), Err(unknown));
    assert_eq!(
        read::<MessagePack<i32>>(b"\xc1"),
        Err(DecodeError::Inner("what begins here is no MessagePack"))
    );
    let behind = DecodeError::Inner("something is left behind the MessagePack");
    assert_eq!(read::<MessagePack<i32>>(b"\x01\x01"), Err(behind));
}

proptest! {
    #[test]
    fn any_value_is_read_as_what_was_written(value in everything(), shapes in proptest::collection::vec(shape(), 0..5)) {
        same(&MessagePack(value));
        same(&MessagePack(shapes));
    }
}
