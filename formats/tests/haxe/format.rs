//! The format of `haxe.Serializer`, as `docs/haxe-serializer.md` has it.

use std::collections::BTreeMap;

use peote_net_formats::Error;
use peote_net_formats::haxe::{Date, Instance, Int64, IntMap, List, Object, from_str, from_str_within};
use proptest::prelude::*;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::shape::{Shape, shape};
use crate::values::{everything, same, text};

fn refused<T: Serialize>(value: T) -> &'static str {
    peote_net_formats::haxe::text_len(&value).unwrap_err().as_str()
}

fn value<T: DeserializeOwned>(text: &str) -> Result<T, &'static str> {
    from_str(text).map_err(Error::as_str)
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
    assert_eq!(text((0.0, -0.0, 2.0, 1e300, 1e-300, 0.1f32)), "ad0d-0d2d1e+300d1e-300d0.1h");
    assert_eq!(text((1e15, 1e16, 1.5e-5, 1e-6)), "ad1000000000000000d1e+16d0.000015d1e-6h");
    assert_eq!(text((i32::MIN, i32::MAX, 5u64)), "ai-2147483648i2147483647i5h");
    assert!(refused(1u32 << 31).contains("32 bits"));
    assert!(refused(i64::from(i32::MIN) - 1).contains("32 bits"));
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
fn a_string_without_escapes_is_borrowed() {
    let text = "y5:plain";
    assert_eq!(from_str::<&str>(text).unwrap().as_ptr(), text[3..].as_ptr());
    let why = "a string with escapes cannot be borrowed: use an owned string";
    assert_eq!(from_str::<&str>("y5:a%20b").map_err(Error::as_str), Err(why));
    assert_eq!(
        from_str::<&[u8]>("s3:AAA").map_err(Error::as_str),
        Err("bytes cannot be borrowed: use an owned type")
    );
}

/// Text of `len` bytes with a blank in it.
fn with_a_blank(len: usize) -> (String, String) {
    let plain = "x".repeat(len - 1);
    (format!("y{}:%20{plain}", len + 2), format!(" {plain}"))
}

#[test]
fn text_above_256_bytes_with_a_blank_is_read_by_default() {
    for len in [2, 256, 257, 300, 1_000, 4_096] {
        let (written, string) = with_a_blank(len);
        assert_eq!(value(&written), Ok(string), "{len}");
    }
}

#[cfg(not(feature = "alloc"))]
#[test]
fn a_string_with_escapes_and_bytes_have_a_limit_of_their_own() {
    const WHY: &str = "a string with escapes, or bytes, are longer than the room to decode them";
    let (long, string) = with_a_blank(21);
    assert_eq!(from_str_within::<String, 20>(&long).map_err(Error::as_str), Err(WHY));
    assert_eq!(from_str_within::<_, 21>(&long), Ok(string));
    // none of that concerns what has no escapes, is not wanted, or is a name
    let plain = "x".repeat(1_000);
    assert_eq!(from_str_within::<_, 0>(&format!("y1000:{plain}")), Ok(plain));
    assert!(from_str_within::<IgnoredAny, 0>(&long).is_ok());
    assert!(from_str_within::<Foo, 1>("wy5:Fo%6fy1:A:0").is_ok());
    assert_eq!(from_str_within::<Bytes, 1>("s3:AAA").map_err(Error::as_str), Err(WHY));
    assert_eq!(from_str_within::<Bytes, 2>("s3:AAA"), Ok(Bytes(vec![0, 0])));
    assert_eq!(value::<String>(&with_a_blank(4_097).0), Err(WHY));
}

#[cfg(feature = "alloc")]
#[test]
fn with_an_allocator_there_is_no_such_limit() {
    let (long, string) = with_a_blank(100_000);
    assert_eq!(from_str_within::<String, 20>(&long), Ok(string));
    assert_eq!(peote_net_formats::haxe::to_string(&1.5).unwrap(), "d1.5");
}

/// A text that ends too early, is wrong, or is another value: each has a text of its own.
#[test]
fn each_cause_has_an_error_of_its_own() {
    for (wrong, why) in [
        ("?", "what begins here is no value"),
        ("h", "what begins here is no value"),
        ("", "the text ends too early"),
        ("y5:a", "the text ends too early"),
        ("y0:z", "something is left behind the value"),
        ("y3:%G0", "a string has wrong escapes"),
        ("y1:%", "a string has wrong escapes"),
        ("y3:%FF", "a string is not UTF-8 without its escapes"),
        ("R0", "a reference to a string that has not come yet"),
        ("i2147483648", "an integer is wrong, or beyond Int, which has 32 bits"),
        ("d1e1e1", "a number is wrong"),
        ("v2010-13-01 12:45:10", "a date is wrong"),
        ("v-", "a date is wrong"),
        ("s1:!", "bytes are not in the base 64 of the format"),
        ("wy3:Fooy1:A:0", "an enum where none is expected"),
        ("xy1:e", "an exception where a value is expected"),
        ("r0", "a reference to an object (Serializer.USE_CACHE) cannot be read"),
        ("Ay1:C", "a class or an enum itself cannot be read"),
        ("n", "a value has another type than is expected"),
    ] {
        assert_eq!(value::<String>(wrong), Err(why), "{wrong}");
    }
    for (wrong, why) in [
        ("oy1:yi1g", "the object lacks a field"),
        ("oy1:xi1y1:xi2g", "the object has a field twice"),
        ("oi1i2g", "a string is expected"),
        ("oy1:xy1:ag", "a value has another type than is expected"),
        ("oy1:xd1.5g", "a number with a fraction, or beyond 64 bits, for an integer"),
        ("oy1:xd3000000000g", "a number is beyond the range of its type"),
    ] {
        assert_eq!(value::<Point>(wrong), Err(why), "{wrong}");
    }
    for (wrong, why) in [
        ("wy3:Bary1:A:0", "an enum of another name"),
        ("wy3:Fooy1:C:0", "the enum has no such constructor"),
        ("wy3:Fooy1:B:1i4", "a constructor has more or fewer arguments than expected"),
        ("z", "an enum is expected"),
    ] {
        assert_eq!(value::<Foo>(wrong), Err(why), "{wrong}");
    }
    assert_eq!(value::<(i32, i32)>("azzzh"), Err("a list has more items than expected"));
    assert_eq!(value::<(i32, i32)>("azh"), Err("there are more or fewer items than expected"));
    assert_eq!(value::<Date>("z").map(drop), Err("a date is expected"));
    assert_eq!(value::<Int64>("t").map(drop), Err("an Int64 is expected"));
    assert_eq!(
        value::<i64>("cy10:haxe.Int64y4:highzg"),
        Err("an Int64 has other fields than its two halves")
    );
    assert_eq!(value::<Object<Point>>("by1:xzh"), Err("an anonymous object is expected"));
    assert_eq!(value::<Instance<String, Point>>("oy1:xzg"), Err("an instance of a class is expected"));
    assert_eq!(value::<List<Vec<i32>>>("z"), Err("a list is expected"));
    assert_eq!(value::<IntMap<BTreeMap<i32, i32>>>("bh"), Err("an IntMap is expected"));
}

#[test]
fn what_cannot_be_written_is_an_error() {
    assert!(refused(BTreeMap::from([(true, 1)])).contains("keys of a map"));
    assert!(refused(BTreeMap::from([(1i64 << 40, 1)])).contains("keys of a map"));
    assert!(refused(Date(f64::NAN)).contains("not finite"));
    assert!(refused(Object(BTreeMap::from([(1, 1)]))).contains("names of fields"));
    assert!(refused(Object(5)).contains("an Object is"));
    assert!(refused(Object(None::<i32>)).contains("an Object is"));
    assert!(refused(List(5)).contains("a List is"));
    assert!(refused(IntMap(BTreeMap::from([("a", 1)]))).contains("keys of a map"));
    assert!(
        refused(Instance { class: 5, fields: Point { x: 1, y: None } }).contains("the class of an Instance")
    );
    assert!(refused(Instance { class: "C", fields: vec![1] }).contains("the fields of an Instance"));
}

#[test]
fn dates_numbers_objects_and_instances() {
    assert_eq!(text(Date(1.7e12)), "v1700000000000");
    assert_eq!(text([Date(0.0), Date(-1.5)]), "av0v-1.5h");
    assert_eq!(value("v1.26234991e+12"), Ok(Date(1_262_349_910_000.0)));
    assert_eq!(value("v2010-01-01 12:45:10"), Ok(Date(1_262_349_910_000.0)));
    assert_eq!(value("v2010-01-01 12:45:10"), Ok(1_262_349_910_000u64));
    assert_eq!(text(Int64(-2)), "cy20:haxe._Int64.___Int64y4:highi-1y3:lowi-2g");
    assert_eq!(value("cy10:haxe.Int64y3:lowi5y4:highzg"), Ok(Int64(5)));
    assert_eq!(value("i5"), Ok(Int64(5)));
    let fields = BTreeMap::from([("a b".to_owned(), Some(1)), ("c".to_owned(), None)]);
    assert_eq!(text(Object(&fields)), "oy5:a%20bi1y1:cng");
    assert_eq!(text(Object(BTreeMap::<String, i32>::new())), "og");
    assert_eq!(value("oy5:a%20bi1y1:cng"), Ok(Object(fields.clone())));
    assert_eq!(text([Some(Object(&fields)), None, None]), "aoy5:a%20bi1y1:cngu2h");
    let point = Instance { class: "geo.Point".to_owned(), fields: Point { x: 1, y: None } };
    assert_eq!(text(&point), "cy9:geo.Pointy1:xi1y1:yng");
    assert_eq!(value("cy9:geo.Pointy1:xi1y1:yng"), Ok(point));
    assert_eq!(text(Instance { class: "C", fields: &fields }), "cy1:Cy5:a%20bi1y1:cng");
    assert_eq!(text(List([1, 2])), "li1i2h");
    // nulls in a row are one in an array only: programs in Haxe refuse them in a list
    assert_eq!(text(List([None::<i32>; 2])), "lnnh");
    assert_eq!(text([Some(List([None::<i32>; 2])), None, None]), "alnnhu2h");
    assert_eq!(text(List([[None::<i32>; 2]; 2])), "lau2hau2hh");
    assert_eq!(text(IntMap(BTreeMap::<i32, i32>::new())), "qh");
}

#[test]
fn constructors_that_are_not_known_are_passed_over() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Known {
        Here(i32),
        #[serde(other)]
        Other,
    }
    for other in ["y3:New:0", "y3:New:3i1v5cy1:Cy1:aai1hg", "y3:New:1xwR0y1:x:2nn"] {
        let list = format!("awy5:Known{other}wR0y4:Here:1i7h");
        assert_eq!(value(&list), Ok([Known::Other, Known::Here(7)]), "{other}");
    }
}

/// A struct with fields that are known at run time only is a map to serde, and an object if it is
/// said so.
#[test]
fn fields_that_are_known_at_run_time_only() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Flat {
        x: i32,
        #[serde(flatten)]
        rest: BTreeMap<String, String>,
    }
    let flat = || Flat { x: 1, rest: BTreeMap::from([("name".to_owned(), "a b".to_owned())]) };
    assert_eq!(text(Object(flat())), "oy1:xi1y4:namey5:a%20bg");
    assert_eq!(value("oy1:xi1y4:namey5:a%20bg"), Ok(Object(flat())));
    assert_eq!(text(flat()), "by1:xi1y4:namey5:a%20bh");
}

/// Other formats see what is inside.
#[test]
fn to_guessing_types_they_are_their_content() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Flat {
        x: i32,
        #[serde(flatten)]
        rest: BTreeMap<String, f64>,
    }
    let rest = BTreeMap::from([("when".to_owned(), 5.0), ("big".to_owned(), 4_294_967_297.0)]);
    let flat = "oy4:whenv5y1:xi1y3:bigcy10:haxe.Int64y4:highi1y3:lowi1gg";
    assert_eq!(value(flat), Ok(Flat { x: 1, rest }));
}

#[test]
fn fields_that_are_not_known_are_passed_over() {
    let more = "oy1:aai1ni2hy1:bwy1:Ey1:C:2oy1:xzgy2:hiy1:xi5y1:qq:1zhy1:yng";
    assert_eq!(value(more), Ok(Point { x: 5, y: None }));
}

proptest! {
    #[test]
    fn any_value_is_read_as_what_was_written(value in everything(), shapes in proptest::collection::vec(shape(), 0..5)) {
        same(&value);
        same(&shapes);
    }
}
