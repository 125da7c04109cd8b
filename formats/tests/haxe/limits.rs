//! Texts that are long, deep, or written by nobody honest.

use peote_net_formats::Error;
use peote_net_formats::haxe::from_str;
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::shape::Shape;
use crate::values::Everything;

fn cause<T>(result: Result<T, Error>) -> Result<T, &'static str> {
    result.map_err(Error::as_str)
}

/// A list of as many different strings as there are, and what follows.
fn many(count: usize, behind: &str) -> String {
    let names = (0..count).map(|number| format!("player%20{number}"));
    let strings: String = names.map(|name| format!("y{}:{name}", name.len())).collect();
    format!("a{strings}{behind}h")
}

#[test]
fn any_of_many_strings_is_referred_to() {
    for count in [1, 127, 128, 129, 200, 256, 257, 1_000, 10_000] {
        let references: String = (0..count).map(|number| format!("R{number}")).collect();
        let strings: Vec<String> = from_str(&many(count, &references)).unwrap();
        assert_eq!(strings.len(), 2 * count);
        assert_eq!(strings[..count], strings[count..], "{count}");
        let beyond = cause(from_str::<Vec<String>>(&many(count, &format!("R{count}"))));
        assert_eq!(beyond, Err("a reference to a string that has not come yet"));
    }
}

/// Names of fields, of enums and what is not wanted count among the strings.
#[test]
fn strings_are_counted_where_they_are_not_wanted() {
    let object = "cy5:Thingy1:noy1:mwy1:Ey1:C:2y1:vs10:SGVsbG8gIQy1:wv2010-01-01 12:45:10gg";
    for (number, string) in ["Thing", "n", "m", "E", "C", "v", "w"].iter().enumerate() {
        let text = format!("a{object}R{number}h");
        assert_eq!(from_str::<(IgnoredAny, String)>(&text).unwrap().1, *string);
    }
    // and are found beyond the first 128, over whatever lies in between
    let objects = object.repeat(100);
    let text = format!("a{objects}R695R699R0h");
    let behind = from_str::<Vec<Either>>(&text).unwrap().split_off(100);
    assert_eq!(behind, ["m", "w", "Thing"].map(|string| Either::Text(string.into())));
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Either {
    Text(String),
    Other(std::collections::BTreeMap<String, Other>),
}

#[derive(Debug, PartialEq)]
struct Other;

impl<'de> Deserialize<'de> for Other {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

#[test]
fn a_short_text_cannot_stand_for_much() {
    let long = format!("ay16000:{}{}h", "x".repeat(16_000), "R0".repeat(8_000));
    assert_eq!(
        cause(from_str::<Vec<String>>(&long)).map(drop),
        Err("references to strings stand for too long a text")
    );
    let runs = format!("a{}h", "u60000".repeat(5_000));
    assert_eq!(
        cause(from_str::<Vec<Option<i32>>>(&runs)).map(drop),
        Err("runs of nulls stand for too long a list")
    );
    // none of this is of any cost where it is not wanted
    for text in [long, runs] {
        assert!(from_str::<IgnoredAny>(&text).is_ok());
    }
}

/// The places of some strings only are remembered.
#[cfg(not(feature = "alloc"))]
#[test]
fn the_way_to_strings_is_not_for_nothing() {
    // of two strings one is remembered, and between them lie 16,000 bytes; both are referred to
    // many times
    let strings = "y1:x".repeat(129).replacen("y1:x", &format!("y1:x{}", "i5".repeat(8_000)), 1);
    let far = format!("a{strings}{}h", "R1".repeat(4_000));
    assert_eq!(
        cause(from_str::<Vec<Short>>(&far)).map(drop),
        Err("references to strings take too long to look up")
    );
    assert!(from_str::<IgnoredAny>(&far).is_ok());
}

#[cfg(feature = "alloc")]
#[test]
fn with_an_allocator_any_number_of_strings_is_referred_to() {
    let count = 50_000;
    let references: String = (0..count).map(|number| format!("R{number}")).collect();
    let strings: Vec<String> = from_str(&many(count, &references)).unwrap();
    assert_eq!(strings[..count], strings[count..]);
}

/// Anything short, without a guess.
#[cfg(not(feature = "alloc"))]
#[derive(Debug)]
struct Short;

#[cfg(not(feature = "alloc"))]
impl<'de> Deserialize<'de> for Short {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Short;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string or a number")
            }
            fn visit_i32<E>(self, _: i32) -> Result<Short, E> {
                Ok(Short)
            }
            fn visit_str<E>(self, _: &str) -> Result<Short, E> {
                Ok(Short)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[derive(Debug, Deserialize)]
struct Chain {
    next: Option<Box<Chain>>,
}

fn chain(depth: usize) -> String {
    format!("{}n{}", "oy4:next".repeat(depth), "g".repeat(depth))
}

/// Runs in a thread with a small stack.
fn with_little_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(512 * 1024).spawn(test).unwrap().join().unwrap();
}

#[test]
fn values_that_are_wanted_are_nested_128_deep_at_most() {
    with_little_stack(|| {
        let chain_of = |depth: usize| cause(from_str::<Option<Chain>>(&chain(depth)));
        let mut links = 0;
        let mut last = chain_of(128).unwrap();
        while let Some(link) = last {
            (last, links) = (link.next.map(|next| *next), links + 1);
        }
        assert_eq!(links, 128);
        assert_eq!(chain_of(129).map(drop), Err("values are nested more than 128 deep"));
        assert_eq!(chain_of(100_000).map(drop), Err("values are nested more than 128 deep"));
    });
}

#[test]
fn values_that_are_not_wanted_are_passed_over_however_deep() {
    with_little_stack(|| {
        let depth = 100_000;
        for (start, middle, end) in [
            ("a", "", "h"),
            ("oy4:next", "n", "g"),
            ("by1:k", "n", "h"),
            ("q:1", "n", "h"),
            ("Mz", "n", "h"),
            ("wy1:Ey1:C:1", "n", ""),
            ("jy1:E:0:1", "n", ""),
            ("cy4:Nodey4:next", "n", "g"),
            ("Cy4:Node", "n", "g"),
            ("x", "n", ""),
        ] {
            let value = format!("{}{middle}{}", start.repeat(depth), end.repeat(depth));
            let text = format!("oy1:u{value}y1:xi5g");
            #[derive(Deserialize)]
            struct Wanted {
                x: i32,
            }
            assert_eq!(from_str::<Wanted>(&text).map(|wanted| wanted.x), Ok(5), "{start}");
            assert!(from_str::<IgnoredAny>(&text[..text.len() - 1]).is_err(), "{start}");
        }
    });
}

/// Reads it as everything that is there.
fn all(text: &str) {
    let _ = from_str::<Everything>(text);
    let _ = from_str::<Vec<Option<Shape>>>(text);
    let _ = from_str::<IgnoredAny>(text);
    let _ = from_str::<Either>(text);
    let _ = from_str::<Option<Chain>>(text);
}

/// Values of all kinds, as text.
fn any_text() -> impl Strategy<Value = String> {
    let string = "[a-z]{0,4}".prop_map(|string| format!("y{}:{string}", string.len()));
    let leaf = prop_oneof![
        "[ntfzkmp]",
        any::<i32>().prop_map(|int| format!("i{int}")),
        any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(|float| format!("d{float:e}")),
        (-1e15..1e15).prop_map(|millis| format!("v{millis}")),
        Just("v2010-01-01 12:45:10".to_owned()),
        string.clone(),
        "s4:[A-Za-z]{4}",
        "Ay1:[a-z]",
        "By1:[a-z]",
        "r[0-9]{1,3}",
    ];
    leaf.prop_recursive(6, 60, 5, move |inner| {
        let items = proptest::collection::vec(inner.clone(), 0..5).prop_map(|items| items.concat());
        let fields = proptest::collection::vec((string.clone(), inner.clone()), 0..4)
            .prop_map(|fields| fields.into_iter().map(|(name, value)| name + &value).collect::<String>());
        let entries = proptest::collection::vec((any::<i32>(), inner.clone()), 0..4).prop_map(|entries| {
            entries.into_iter().map(|(key, value)| format!(":{key}{value}")).collect::<String>()
        });
        let pairs = proptest::collection::vec((inner.clone(), inner.clone()), 0..3)
            .prop_map(|pairs| pairs.into_iter().map(|(key, value)| key + &value).collect::<String>());
        let arguments = proptest::collection::vec(inner.clone(), 0..4)
            .prop_map(|arguments| format!("{}{}", arguments.len(), arguments.concat()));
        prop_oneof![
            (items.clone(), "[al]", "(u[1-9])?")
                .prop_map(|(items, sign, nulls)| sign + &items + &nulls + "h"),
            fields.clone().prop_map(|fields| format!("o{fields}g")),
            fields.clone().prop_map(|fields| format!("b{fields}h")),
            entries.prop_map(|entries| format!("q{entries}h")),
            pairs.prop_map(|pairs| format!("M{pairs}h")),
            fields.prop_map(|fields| format!("cy1:C{fields}g")),
            items.prop_map(|items| format!("Cy1:C{items}g")),
            arguments.clone().prop_map(|arguments| format!("wy1:Ey1:c:{arguments}")),
            arguments.prop_map(|arguments| format!("jy1:E:2:{arguments}")),
            inner.prop_map(|value| format!("x{value}")),
        ]
    })
}

#[derive(Debug, PartialEq, Deserialize)]
struct Wanted {
    x: i32,
}

/// Buffers what it does not know yet.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "x")]
enum Tagged {
    #[serde(rename = "five")]
    Five { y: i32 },
}

proptest! {
    #[test]
    fn any_value_is_passed_over(text in any_text()) {
        prop_assert!(from_str::<IgnoredAny>(&text).is_ok());
        let object = format!("oy1:u{text}y1:xi5y1:v{text}g");
        prop_assert_eq!(from_str::<Wanted>(&object), Ok(Wanted { x: 5 }));
        let instance = format!("cy1:Cy1:u{text}y1:xi5y1:v{text}g");
        prop_assert_eq!(from_str::<Wanted>(&instance), Ok(Wanted { x: 5 }));
        let buffered = format!("oy1:u{text}y1:yi5y1:xy4:fiveg");
        prop_assert_eq!(from_str::<Tagged>(&buffered), Ok(Tagged::Five { y: 5 }));
        all(&text);
    }

    #[test]
    fn any_text_of_the_right_letters(text in "[naluhobqgijkmpdtfzswyRr:%+0-9a-ccCMxvAB-]{0,60}") {
        all(&text);
    }

    #[test]
    fn a_text_that_was_changed(text in any_text(), at in any::<prop::sample::Index>(), new in "[naluhobqgijkmpdtfzswyRr:%+0-9cCMxvAB]{0,2}") {
        let mut text = text;
        let at = at.index(text.len());
        text.replace_range(at..at + 1, &new);
        all(&text);
    }
}
