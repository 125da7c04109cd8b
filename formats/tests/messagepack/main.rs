//! `MessagePack`: bytes of each type, what is passed over, what is wrong, and what another
//! implementation makes of it.

#[path = "../common/shape.rs"]
mod shape;

use std::collections::BTreeMap;

use peote_net_formats::Error;
use peote_net_formats::messagepack::{encoded_len, from_slice, to_slice};
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::shape::{Shape, shape};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: Option<i32>,
}

fn bytes<T: Serialize>(value: &T) -> Vec<u8> {
    let mut buffer = vec![0; encoded_len(value).unwrap()];
    let len = buffer.len();
    assert_eq!(to_slice(value, &mut buffer).unwrap().len(), len, "as many bytes as announced");
    buffer
}

fn value<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, &'static str> {
    from_slice(bytes).map_err(Error::as_str)
}

#[test]
fn bytes_of_each_type() {
    assert_eq!(bytes(&Point { x: 300, y: None }), b"\x82\xa1x\xcd\x01\x2c\xa1y\xc0");
    assert_eq!(bytes(&[true, false]), b"\x92\xc3\xc2");
    assert_eq!(bytes(&0.1), b"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a");
    assert_eq!(bytes(&1.5), b"\xca\x3f\xc0\x00\x00");
    assert_eq!(bytes(&BTreeMap::from([(9, "nine")])), b"\x81\x09\xa4nine");
    // as other programs may write it: an integer in more bytes or as a float, fields in another
    // order, a struct without names
    let wide = b"\x82\xa1y\xd2\xff\xff\xff\xff\xa1x\xce\x00\x00\x01\x2c";
    assert_eq!(value(wide), Ok(Point { x: 300, y: Some(-1) }));
    assert_eq!(value(b"\x82\xa1x\xca\x40\x00\x00\x00\xa1y\xc0"), Ok(Point { x: 2, y: None }));
    assert_eq!(value(b"\x92\xcb\xc0\x00\x00\x00\x00\x00\x00\x00\x05"), Ok(Point { x: -2, y: Some(5) }));
    // an f32 for an f64, an integer for a float, str for bytes
    assert_eq!(value(b"\x93\xca\x3f\xc0\x00\x00\x03\xff"), Ok([1.5, 3.0, -1.0]));
    assert_eq!(value::<Raw>(b"\xa2\xff\x00"), Ok(Raw(&[0xff, 0])));
    assert_eq!(value::<&str>(b"\xc4\x02hi"), Ok("hi"));
}

/// Bytes that are borrowed.
#[derive(Debug, PartialEq)]
struct Raw<'a>(&'a [u8]);

impl<'de> Deserialize<'de> for Raw<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(Raw)
    }
}

/// Every form of an extension: type 5, and as many zeros.
fn extensions() -> Vec<Vec<u8>> {
    let fixed = (0..5).map(|size| [vec![0xd4 + size, 5], vec![0; 1 << size]].concat());
    let counted = [vec![0xc7, 3], vec![0xc8, 0, 3], vec![0xc9, 0, 0, 0, 3]];
    fixed.chain(counted.map(|head| [head, vec![5], vec![0; 3]].concat())).chain([vec![0xc7, 0, 5]]).collect()
}

#[test]
fn extensions_are_passed_over() {
    for extension in extensions() {
        assert!(value::<IgnoredAny>(&extension).is_ok(), "{extension:x?}");
        let object = [b"\x83\xa1u", &extension[..], b"\xa1x\x05\xa1v\x91", &extension[..]].concat();
        assert_eq!(value(&object), Ok(Point { x: 5, y: None }), "{extension:x?}");
        assert!(value::<IgnoredAny>(&extension[..extension.len() - 1]).is_err());
    }
}

/// Looks at a value before it knows whether it wants it.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    #[serde(rename = "five")]
    Five { y: i32 },
}

#[test]
fn extensions_are_passed_over_by_types_that_guess() {
    for extension in extensions() {
        let object = [b"\x83\xa1u", &extension[..], b"\xa1y\x05\xa4kind\xa4five"].concat();
        assert_eq!(value(&object), Ok(Tagged::Five { y: 5 }), "{extension:x?}");
    }
}

#[test]
fn extensions_are_read_as_what_they_are() {
    assert_eq!(value::<(i8, Raw<'_>)>(b"\xd5\xfe\x01\x02"), Ok((-2, Raw(&[1, 2]))));
    assert_eq!(value::<Raw<'_>>(b"\xd5\xfe\x01\x02"), Ok(Raw(&[1, 2])));
    assert_eq!(value::<i32>(b"\xd5\xfe\x01\x02"), Err("a value has another type than is expected"));
}

#[test]
fn timestamps_are_milliseconds() {
    // 32 bits, 64 bits with 500 ms, 96 bits with half a second before 1970
    let half = 500_000_000u64;
    let short = [&[0xd6, 0xff][..], &1_700_000_000u32.to_be_bytes()].concat();
    let middle = [&[0xd7, 0xff][..], &(half << 34 | 1_700_000_000).to_be_bytes()].concat();
    let long = [&[0xc7, 12, 0xff][..], &500_900_000u32.to_be_bytes(), &(-1i64).to_be_bytes()].concat();
    assert_eq!((value(&short), value(&short)), (Ok(1_700_000_000_000i64), Ok(1_700_000_000_000.0)));
    assert_eq!((value(&middle), value(&middle)), (Ok(1_700_000_000_500i64), Ok(1_700_000_000_500.0)));
    assert_eq!((value(&long), value(&long)), (Ok(-500i64), Ok(-499.1)));
    assert_eq!(value(&short), Ok((-1i8, Raw(&short[2..]))));
}

/// Extensions of the package that writes.
#[test]
fn the_types_of_messagepack_serde_are_written_and_read() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Own<'a>(
        #[serde(borrow, with = "messagepack_serde::extension::ext_ref")]
        messagepack_serde::messagepack_core::extension::ExtensionRef<'a>,
    );
    let own = Own(messagepack_serde::messagepack_core::extension::ExtensionRef::new(7, &[1, 2, 3]));
    let written = bytes(&own);
    assert_eq!(written, b"\xc7\x03\x07\x01\x02\x03");
    assert_eq!(value(&written), Ok(own));
}

#[test]
fn each_cause_has_an_error_of_its_own() {
    for (wrong, why) in [
        (&b""[..], "the MessagePack ends too early"),
        (b"\x82\xa1x", "the MessagePack ends too early"),
        (b"\x82\xa1x\x01\xa5y", "the MessagePack ends too early"),
        (b"\xc1", "what begins here is no MessagePack"),
        (b"\x81\xa1x\xc1", "what begins here is no MessagePack"),
        (b"\x82\xa1x\x01\xa1y\x01\x00", "something is left behind the MessagePack"),
        (b"\x81\xa1y\x01", "the object lacks a field"),
        (b"\x81\xa1\xff\x01", "a string is not UTF-8"),
        (b"\x81\xa1x\xca\x3f\xc0\x00\x00", "a number with a fraction, or beyond 64 bits, for an integer"),
        (b"\x81\xa1x\xce\xff\xff\xff\xff", "a number is beyond the range of its type"),
        (b"\x81\xa1x\xa1x", "a value has another type than is expected"),
        (b"\x93\x01\x02\x03", "an array has more items than expected"),
        (b"\xdf\xff\xff\xff\xff\x01\x01\x01\x01", "the MessagePack ends too early"),
    ] {
        assert_eq!(value::<Point>(wrong), Err(why), "{wrong:x?}");
    }
    let enum_expected = "an enum is expected: a string, or a map of one entry";
    assert_eq!(value::<Shape>(b"\x82\xa1x\x01\xa1y\x01"), Err(enum_expected));
    assert_eq!(value::<Shape>(b"\xa1?"), Err("the enum has no such constructor"));
    let unknown = serde_iterator();
    assert_eq!(
        encoded_len(&unknown).map_err(Error::as_str),
        Err("a sequence or map does not know its length")
    );
}

#[test]
fn constructors_that_are_not_known_are_passed_over() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Known {
        Here(i32),
        #[serde(other)]
        Other,
    }
    for other in [&b"\xa3New"[..], b"\x81\xa3New\x93\x01\xd4\x05\x00\x91\xc0"] {
        let list = [b"\x92", other, b"\x81\xa4Here\x07"].concat();
        assert_eq!(value(&list), Ok([Known::Other, Known::Here(7)]), "{other:x?}");
    }
}

/// A sequence whose length is not known beforehand.
fn serde_iterator() -> impl Serialize {
    struct Unknown;
    impl Serialize for Unknown {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq((0..9).filter(|number| number % 2 == 0))
        }
    }
    Unknown
}

#[derive(Debug, Deserialize)]
struct Nested(#[expect(dead_code, reason = "its depth is what counts")] Vec<Nested>);

/// Runs in a thread with a small stack.
fn with_little_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(512 * 1024).spawn(test).unwrap().join().unwrap();
}

#[test]
fn nesting_is_bounded_where_it_is_wanted_and_free_where_not() {
    with_little_stack(|| {
        let deep = |depth: usize| [vec![0x91; depth - 1], vec![0x90]].concat();
        assert!(value::<Nested>(&deep(128)).is_ok());
        assert_eq!(value::<Nested>(&deep(129)).map(drop), Err("MessagePack is nested more than 128 deep"));
        assert!(value::<IgnoredAny>(&deep(100_000)).is_ok());
        let maps = [b"\x81\x01".repeat(100_000), vec![0xc0]].concat();
        assert!(value::<IgnoredAny>(&maps).is_ok());
        assert!(value::<IgnoredAny>(&b"\xdf\x7f\xff\xff\xff".repeat(10_000)).is_err());
    });
}

/// A bit of everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    ints: (u64, i64, u8, i8),
    floats: (f32, f64),
    text: String,
    maybe: Option<String>,
    list: Vec<Option<i32>>,
    names: BTreeMap<String, Vec<f64>>,
    numbers: BTreeMap<i32, Option<bool>>,
    shapes: Vec<Shape>,
    letter: char,
    nothing: (),
}

fn everything() -> impl Strategy<Value = Everything> {
    use proptest::collection::{btree_map, vec};
    (
        (any::<(u64, i64, u8, i8)>(), any::<(f32, f64)>(), any::<char>()),
        (".{0,40}", proptest::option::of(".{0,40}")),
        vec(any::<Option<i32>>(), 0..20),
        btree_map(".{0,5}", vec(any::<f64>(), 0..20), 0..20),
        btree_map(any::<i32>(), any::<Option<bool>>(), 0..5),
        vec(shape(), 0..5),
    )
        .prop_map(|((ints, floats, letter), (text, maybe), list, names, numbers, shapes)| Everything {
            ints,
            floats,
            text,
            maybe,
            list,
            names,
            numbers,
            shapes,
            letter,
            nothing: (),
        })
}

proptest! {
    #[test]
    fn any_value_is_read_as_what_was_written(value in everything()) {
        prop_assert_eq!(from_slice::<Everything>(&bytes(&value)), Ok(value));
    }

    #[test]
    fn another_implementation_reads_and_writes_the_same(value in everything()) {
        prop_assert_eq!(rmp_serde::from_slice::<Everything>(&bytes(&value)).unwrap(), value.clone());
        prop_assert_eq!(from_slice::<Everything>(&rmp_serde::to_vec_named(&value).unwrap()), Ok(value.clone()));
        prop_assert_eq!(from_slice::<Everything>(&rmp_serde::to_vec(&value).unwrap()), Ok(value));
    }

    #[test]
    fn any_bytes_are_passed_over_as_another_implementation_does(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let ours = from_slice::<(IgnoredAny, IgnoredAny)>(&[&[0x92], &bytes[..]].concat()).is_ok();
        let mut theirs = rmp_serde::Deserializer::new(std::io::Cursor::new(&bytes));
        let theirs = (0..2).all(|_| IgnoredAny::deserialize(&mut theirs).is_ok()) && theirs.position() == bytes.len() as u64;
        // theirs checks that strings are UTF-8, and ours only those that are wanted
        prop_assert!(ours || !theirs, "{bytes:x?}");
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = from_slice::<Everything>(&bytes);
        let _ = from_slice::<Vec<Option<Shape>>>(&bytes);
        let _ = from_slice::<Nested>(&bytes);
        let _ = from_slice::<Tagged>(&bytes);
        let _ = from_slice::<(i8, Raw<'_>)>(&bytes);
        let _ = from_slice::<f64>(&bytes);
        let _ = from_slice::<i64>(&bytes);
    }
}
