//! Texts that `haxe.Serializer` has written on three platforms (`recorded.txt`).

use std::collections::BTreeMap;
use std::fmt::Debug;

use peote_net_formats::Error;
use peote_net_formats::haxe::{Date, Instance, Int64, from_str};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// Platform, value in words, text.
fn recorded() -> Vec<[&'static str; 3]> {
    let lines = include_str!("recorded.txt").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('\t').collect::<Vec<_>>().try_into().unwrap()).collect()
}

/// All platforms' texts of a value are read as this.
#[expect(clippy::needless_pass_by_value, reason = "what is expected stands in the call")]
fn is_read<T: DeserializeOwned + PartialEq + Debug>(what: &str, value: T) {
    let texts: Vec<_> = recorded().into_iter().filter(|[_, found, _]| *found == what).collect();
    assert_eq!(texts.len(), 3, "{what}");
    for [platform, _, text] in texts {
        assert_eq!(from_str::<T>(text).as_ref(), Ok(&value), "{platform}: {text}");
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Thing {
    x: i32,
    name: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Node {
    v: i32,
    next: Option<Box<Node>>,
}

#[derive(Debug, PartialEq, Deserialize)]
enum Colour {
    Red,
    Rgb(i32, i32, i32),
    Named(String),
    Deep(Box<Colour>),
}

fn thing(x: i32, name: &str) -> Thing {
    Thing { x, name: Some(name.into()) }
}

#[test]
fn every_value_is_passed_over() {
    for [platform, what, text] in recorded() {
        let where_ = format!("{platform}, {what}: {text}");
        assert_eq!(from_str::<IgnoredAny>(text).map(drop), Ok(()), "{where_}");
        let in_a_list = format!("a{text}i5h");
        assert_eq!(from_str::<(IgnoredAny, i32)>(&in_a_list).map(|(_, five)| five), Ok(5), "{where_}");
        for end in 1..text.len() {
            let cut = &text[..end];
            // a number may end anywhere
            let _ = from_str::<IgnoredAny>(cut);
            assert!(from_str::<(IgnoredAny, i32)>(&format!("a{cut}h")).is_err(), "{where_}: {cut}");
        }
    }
}

/// A type that looks at a value before it knows whether it wants it, as serde's `flatten`,
/// `untagged` and `tag` do.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Guess {
    Known {
        wanted: i32,
    },
    #[serde(deserialize_with = "anything")]
    Unknown,
}

fn anything<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer).map(drop)
}

#[test]
fn every_value_is_passed_over_by_types_that_guess() {
    for [platform, what, text] in recorded() {
        assert_eq!(from_str::<Guess>(text), Ok(Guess::Unknown), "{platform}, {what}: {text}");
    }
    assert_eq!(from_str("oy6:wantedi7g"), Ok(Guess::Known { wanted: 7 }));
}

#[test]
fn dates_are_milliseconds() {
    is_read("date", Date(1_700_000_000_000.0));
    is_read("date", 1_700_000_000_000i64);
    is_read("date", 1_700_000_000_000.0);
    is_read("date before 1970", Date(-86_400_000.0));
    is_read("date zero", Date(0.0));
    is_read("date zero", 0u8);
}

#[test]
fn an_int64_is_a_number() {
    is_read("int64 5", 5i64);
    is_read("int64 5", 5u8);
    is_read("int64 5", 5.0);
    is_read("int64 -2", (-1i64 << 32) | 0xffff_fffe);
    is_read("int64 min", Int64(i64::MIN));
    is_read("int64 max", Some(i64::MAX));
    is_read("int64 dyn", [1i64 << 32, 2 << 32]);
    assert!(from_str::<i32>(recorded_text("int64 max")).is_err());
}

#[test]
fn an_instance_is_its_fields_with_its_class_at_hand() {
    is_read("thing", thing(3, "a b"));
    is_read("things", vec![thing(3, "a b"), Thing { x: 0, name: None }]);
    is_read("thing", Instance { class: "Thing".to_owned(), fields: thing(3, "a b") });
    let instances: Result<Vec<Instance<String, IgnoredAny>>, Error> = from_str(recorded_text("things"));
    assert!(instances.unwrap().iter().all(|instance| instance.class == "Thing"));
    is_read("empty class", Instance { class: "Empty".to_owned(), fields: BTreeMap::<String, i32>::new() });
    is_read("custom", (7, "c d".to_owned(), [Some(1), None]));
    let fields = (7, "c d".to_owned(), [Some(1), None]);
    is_read("custom", Instance { class: "Custom".to_owned(), fields });
    let last = Node { v: 3, next: None };
    is_read("node", Node { v: 1, next: Some(Box::new(Node { v: 2, next: Some(Box::new(last)) })) });
}

#[test]
fn maps_with_objects_as_keys_are_maps() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Key {
        Thing { x: i32, name: String },
        Object { a: i32 },
    }
    let text = recorded_text("object map");
    let Entries(entries, _) = from_str::<Entries<Key, IgnoredAny>>(text).unwrap();
    assert!(entries.contains(&Key::Object { a: 1 }));
    assert!(entries.contains(&Key::Thing { x: 1, name: "k".into() }));
}

/// The keys of a map.
struct Entries<K, V>(Vec<K>, std::marker::PhantomData<V>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Entries<K, V> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(Vec::new(), std::marker::PhantomData))
    }
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> serde::de::Visitor<'de> for Entries<K, V> {
    type Value = Self;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a map")
    }
    fn visit_map<A: serde::de::MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((key, _)) = map.next_entry::<K, V>()? {
            self.0.push(key);
        }
        Ok(self)
    }
}

#[test]
fn enums_by_name_by_number_and_nested() {
    let all = [Colour::Red, Colour::Rgb(1, 2, 3), Colour::Deep(Box::new(Colour::Named("q".into())))];
    is_read("enum index", all);
    is_read("deep enum", Colour::Deep(Box::new(Colour::Deep(Box::new(Colour::Red)))));
}

/// Where a type takes any value, an enum has the form that serde makes enums of.
#[test]
fn enums_are_found_by_types_that_guess() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Dynamic {
        Number(i32),
        Colour(Colour),
        Colours(Vec<Colour>),
    }
    is_read("deep enum", Dynamic::Colour(Colour::Deep(Box::new(Colour::Deep(Box::new(Colour::Red))))));
    assert_eq!(from_str("wy6:Coloury3:Rgb:3i1i2i3"), Ok(Dynamic::Colour(Colour::Rgb(1, 2, 3))));
    assert_eq!(from_str("z"), Ok(Dynamic::Number(0)));
}

#[test]
fn integers_are_read_however_they_are_written() {
    is_read("ints", [0, 1, -1, i32::MAX, i32::MIN]);
    // a UInt has the bits of an Int
    is_read("uint", [-1, 5]);
    assert_eq!(from_str("ad2d-2147483648d4294967296h"), Ok([2i64, -2_147_483_648, 4_294_967_296]));
    assert_eq!(from_str::<i32>("d2147483648"), Err(known("a number is beyond the range of its type")));
    assert_eq!(
        from_str::<i32>("d2.5"),
        Err(known("a number with a fraction, or beyond 64 bits, for an integer"))
    );
}

#[test]
fn what_each_platform_makes_of_lists_strings_and_maps() {
    is_read("list", (1, None::<i32>, None::<i32>, "x".to_owned()));
    is_read("nulls", [None, None, Some(1), None, Some(2), None, None, None]);
    is_read("strings", "!'()*-_.~ /?&=+%\u{e9}\u{1F600}\n\0x".to_owned());
    is_read("string map", BTreeMap::from([("a".to_owned(), 1), ("b c".to_owned(), 2)]));
    is_read("int map", BTreeMap::from([(1, "a".to_owned()), (-5, "b".to_owned())]));
    is_read("empty int map", BTreeMap::<i32, i32>::new());
}

/// What a type that guesses takes is in order, too.
#[test]
fn types_that_guess_are_no_more_lenient() {
    for wrong in ["Bz", "Aag", "Bs6:Colour", "x", "r", "wzy1:A:0", "Cz"] {
        assert!(from_str::<IgnoredAny>(wrong).is_err(), "{wrong}");
        assert!(from_str::<Guess>(wrong).is_err(), "{wrong}");
    }
}

/// References to objects are passed over, and an error of their own where they are wanted.
#[test]
fn references_to_objects() {
    let cause = known("a reference to an object (Serializer.USE_CACHE) cannot be read");
    for [_, _, text] in recorded().iter().filter(|[_, what, _]| *what == "cache") {
        let (first, ..) = from_str::<(Thing, IgnoredAny, IgnoredAny)>(text).unwrap();
        assert_eq!(first, thing(1, "t"));
        assert_eq!(from_str::<(IgnoredAny, Thing, IgnoredAny)>(text).map(drop), Err(cause));
    }
}

fn recorded_text(what: &str) -> &'static str {
    recorded().iter().find(|[_, found, _]| *found == what).unwrap()[2]
}

/// The error of this text.
fn known(text: &str) -> Error {
    let errors = [
        from_str::<i32>("d2.5").unwrap_err(),
        from_str::<u8>("i256").unwrap_err(),
        from_str::<i32>("r0").unwrap_err(),
    ];
    *errors.iter().find(|error| error.as_str() == text).unwrap_or_else(|| panic!("no error is {text}"))
}
