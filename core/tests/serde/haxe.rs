//! The format of `haxe.Serializer`, as `docs/haxe-serializer.md` has it.

use std::collections::BTreeMap;

use peote_net::value::haxe::Haxe;
use peote_net::value::{DecodeError, EncodeError, Reader};
use proptest::prelude::*;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::values::{Shape, content, everything, read, same, shape};

fn text<T: Serialize>(value: T) -> String {
    String::from_utf8(content(&Haxe::<T>(value)).unwrap()).unwrap()
}

fn refused<T: Serialize>(value: T) -> EncodeError {
    content(&Haxe::<T>(value)).unwrap_err()
}

fn value<T: DeserializeOwned>(text: &str) -> Result<T, DecodeError> {
    read::<Haxe<T>>(text.as_bytes()).map(|Haxe(value)| value)
}

/// Bytes, which serde takes for a sequence unless told otherwise.
#[derive(Debug, PartialEq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: Option<i32>,
}

/// The examples of the Haxe manual.
#[test]
fn the_examples_of_the_manual() {
    assert_eq!(text(456), "i456");
    assert_eq!(text(0), "z");
    assert_eq!(text(1.45e-8), "d1.45e-8");
    assert_eq!(text("hi there"), "y10:hi%20there");
    assert_eq!(text(Point { x: 2, y: None }), "oy1:xi2y1:yng");
    let nulls = [Some(1), Some(2), None, None, None, None, Some(7), None, Some(9)];
    assert_eq!(text(nulls), "ai1i2u4i7ni9h");
    assert_eq!(text(BTreeMap::from([("k", None), ("x", Some(2))])), "by1:kny1:xi2h");
    assert_eq!(text(BTreeMap::from([(4, None), (5, Some(45)), (6, Some(7))])), "q:4n:5i45:6i7h");
    assert_eq!(text(Bytes(vec![0, 0])), "s3:AAA");
    assert_eq!(text(Bytes(b"Hello !".to_vec())), "s10:SGVsbG8gIQ");

    assert_eq!(value("i456"), Ok(456));
    assert_eq!(value("y10:hi%20there"), Ok("hi there".to_owned()));
    assert_eq!(value("oy1:xi2y1:yng"), Ok(Point { x: 2, y: None }));
    assert_eq!(value("lnnh"), Ok(vec![None::<i32>, None]));
    assert_eq!(value::<Vec<Option<i32>>>("ai1i2u4i7ni9h"), Ok(nulls.to_vec()));
    assert_eq!(
        value("by1:xi2y1:knh"),
        Ok(BTreeMap::from([("x".to_owned(), Some(2)), ("k".to_owned(), None)]))
    );
    assert_eq!(value("q:4n:5i45:6i7h"), Ok(BTreeMap::from([(4, None), (5, Some(45)), (6, Some(7))])));
    assert_eq!(value("s3:AAA"), Ok(Bytes(vec![0, 0])));
    assert_eq!(value("s10:SGVsbG8gIQ"), Ok(Bytes(b"Hello !".to_vec())));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Foo {
    A,
    B(i32, Option<i32>),
}

#[test]
fn enums_by_name_and_by_number() {
    assert_eq!(text(Foo::A), "wy3:Fooy1:A:0");
    assert_eq!(text(Foo::B(4, None)), "wy3:Fooy1:B:2i4n");
    assert_eq!(value("wy3:Fooy1:B:2i4n"), Ok(Foo::B(4, None)));
    assert_eq!(value("jy3:Foo:0:0"), Ok(Foo::A));
    assert_eq!(value("jy3:Foo:1:2i4n"), Ok(Foo::B(4, None)));
    assert_eq!(text(Shape::Named { name: "n".into(), size: Some(1) }), "wy10:game.Shapey5:Named:2y1:ni1");
    assert!(value::<Foo>("wy3:Bary1:A:0").is_err());
    assert!(value::<Foo>("wy3:Fooy1:C:0").is_err());
    assert!(value::<Foo>("wy3:Fooy1:B:1i4").is_err());
    assert!(value::<Foo>("jy3:Foo:2:0").is_err());
}

#[test]
fn numbers() {
    assert_eq!(text((f64::NAN, f64::INFINITY, f64::NEG_INFINITY)), "akpmh");
    assert_eq!(text((0.0, -0.0, 2.0, 1e300, 0.1f32)), "ad0d-0d2d1e300d0.1h");
    assert_eq!(text((i32::MIN, i32::MAX, 5u64)), "ai-2147483648i2147483647i5h");
    assert!(matches!(refused(1u32 << 31), EncodeError::Inner(_)));
    assert!(matches!(refused(i64::from(i32::MIN) - 1), EncodeError::Inner(_)));
    assert_eq!(value("i-2147483648"), Ok(i32::MIN));
    assert!(value::<i64>("i2147483648").is_err());
    assert!(value::<f64>("k").unwrap().is_nan());
    assert_eq!(value("m"), Ok(f64::NEG_INFINITY));
    // some targets have whole numbers for integers, even where a Float is declared
    assert_eq!(value("ai1d2.5zh"), Ok(vec![1.0, 2.5, 0.0]));
    assert!(value::<i32>("d2.5").is_err());
    for wrong in ["i", "i-", "d", "d.", "d1e", "i1-2"] {
        assert!(value::<f64>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn strings_are_escaped_and_can_refer_back() {
    assert_eq!(text("grüße/~a_b-c.d+é"), "y35:gr%C3%BC%C3%9Fe%2F~a_b-c.d%2B%C3%A9");
    assert_eq!(value("y7:a%20b+c"), Ok("a b c".to_owned()));
    assert_eq!(value("ay1:ay2:bcR1R0h"), Ok(["a", "bc", "bc", "a"].map(str::to_owned).to_vec()));
    // field names are among the strings
    let points = value::<Vec<Point>>("aoy1:xi1y1:yi2goR0i3R1ngh").unwrap();
    assert_eq!(points, [Point { x: 1, y: Some(2) }, Point { x: 3, y: None }]);
    for wrong in [
        "R0",
        "aR0h",
        "y5:a",
        "y1",
        "y1:%",
        "y2:%4",
        "y3:%GG",
        "y3:%FF",
        "y-1:a",
        "y9999999999999999999999:a",
    ] {
        assert!(value::<IgnoredAny>(wrong).is_err() || value::<String>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_string_without_escapes_is_borrowed_and_others_have_a_limit() {
    let bytes = b"\x08y5:plain";
    let Haxe::<&str>(borrowed) = Reader::new(bytes).only().unwrap();
    assert_eq!(borrowed.as_ptr(), bytes[4..].as_ptr());
    assert!(Reader::new(b"\x08y5:a%20b").only::<Haxe<&str>>().is_err());
    let long = format!("y{}:%20{}", 3 + 20, "x".repeat(20));
    assert!(read::<Haxe<String, 20>>(long.as_bytes()).is_err());
    assert_eq!(read::<Haxe<String, 21>>(long.as_bytes()), Ok(Haxe(format!(" {}", "x".repeat(20)))));
}

#[test]
fn what_cannot_be_represented_is_an_error() {
    assert!(matches!(refused(BTreeMap::from([(true, 1)])), EncodeError::Inner(_)));
    assert!(matches!(refused(BTreeMap::from([(1i64 << 40, 1)])), EncodeError::Inner(_)));
    for (wrong, why) in [
        ("cy1:Cg", "an instance of a class cannot be read"),
        ("v2010-01-01 12:45:10", "a date cannot be read"),
        ("r0", "a reference to an object (Serializer.USE_CACHE) cannot be read"),
        ("xn", "an exception cannot be read"),
        ("Mh", "a map with objects as keys cannot be read"),
        ("?", "what begins here is no value"),
        ("", "the text ends too early"),
        ("ai1", "the text ends too early"),
        ("zz", "something is left behind the value"),
    ] {
        assert_eq!(value::<IgnoredAny>(wrong).map(drop), Err(DecodeError::Inner(why)), "{wrong}");
    }
    assert_eq!(value::<Point>("oy1:yi1g"), Err(DecodeError::Inner("the object lacks a field")));
}

#[test]
fn fields_that_are_not_known_are_passed_over() {
    let more = "oy1:aai1ni2hy1:bwy1:Ey1:C:2oy1:xzgy2:hiy1:xi5y1:qq:1zhy1:yng";
    assert_eq!(value(more), Ok(Point { x: 5, y: None }));
}

proptest! {
    #[test]
    fn any_value_is_read_as_what_was_written(value in everything(), shapes in proptest::collection::vec(shape(), 0..5)) {
        same(&Haxe::<_, 256>(value));
        same(&Haxe::<_, 256>(shapes));
    }
}
