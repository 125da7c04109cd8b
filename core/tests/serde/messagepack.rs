//! `MessagePack`: bytes of each type, and what is wrong.

use std::collections::BTreeMap;

use peote_net::value::DecodeError;
use peote_net::value::messagepack::MessagePack;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::values::{content, everything, read, same, shape};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: Option<i32>,
}

#[test]
fn bytes_of_each_type() {
    let point = MessagePack(Point { x: 300, y: None });
    assert_eq!(content(&point).unwrap(), b"\x82\xa1x\xcd\x01\x2c\xa1y\xc0");
    assert_eq!(content(&MessagePack([true, false])).unwrap(), b"\x92\xc3\xc2");
    assert_eq!(content(&MessagePack(0.1)).unwrap(), b"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a");
    assert_eq!(content(&MessagePack(BTreeMap::from([(9, "nine")]))).unwrap(), b"\x81\x09\xa4nine");
    // as other programs may write it: an integer in more bytes, fields in another order
    let wide = b"\x82\xa1y\xd2\xff\xff\xff\xff\xa1x\xce\x00\x00\x01\x2c";
    assert_eq!(read(wide), Ok(MessagePack(Point { x: 300, y: Some(-1) })));
}

#[test]
fn what_is_wrong_is_an_error() {
    for (wrong, why) in [
        (&b""[..], "MessagePack that is wrong, or ends too early"),
        (b"\x82\xa1x", "MessagePack that is wrong, or ends too early"),
        (b"\xc1", "MessagePack that is wrong, or ends too early"),
        (b"\x82\xa1x\x01\xa1y\x01\x00", "something is left behind the MessagePack"),
    ] {
        assert_eq!(read::<MessagePack<Point>>(wrong), Err(DecodeError::Inner(why)), "{wrong:x?}");
    }
}

proptest! {
    #[test]
    fn any_value_is_read_as_what_was_written(value in everything(), shapes in proptest::collection::vec(shape(), 0..5)) {
        same(&MessagePack(value));
        same(&MessagePack(shapes));
    }
}
