//! Types of everything.

use std::collections::BTreeMap;
use std::fmt::Debug;

use peote_net_formats::haxe::{Date, Instance, Int64, IntMap, List, Object, from_str, text_len, to_slice};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A bit of everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Everything {
    pub(crate) flag: bool,
    pub(crate) int: i32,
    pub(crate) small: u8,
    pub(crate) float: f64,
    pub(crate) text: String,
    pub(crate) maybe: Option<String>,
    pub(crate) list: Vec<Option<i32>>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) names: BTreeMap<String, f64>,
    pub(crate) numbers: BTreeMap<i32, Option<bool>>,
    pub(crate) shape: Shape,
    pub(crate) tuple: (i32, char),
    pub(crate) special: Special,
}

/// What serde has no word for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Special {
    pub(crate) when: Date,
    pub(crate) big: Option<Int64>,
    pub(crate) fields: Object<BTreeMap<String, Option<Date>>>,
    pub(crate) instance: Instance<String, BTreeMap<String, Int64>>,
    pub(crate) list: List<Vec<Option<Date>>>,
    pub(crate) map: IntMap<BTreeMap<i32, List<Vec<i32>>>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "game.Shape")]
pub(crate) enum Shape {
    Empty,
    Circle(f64),
    Line(i32, i32),
    Named { name: String, size: Option<u16> },
}

pub(crate) fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Empty),
        any::<f64>().prop_map(Shape::Circle),
        any::<(i32, i32)>().prop_map(|(x, y)| Shape::Line(x, y)),
        (".{0,9}", any::<Option<u16>>()).prop_map(|(name, size)| Shape::Named { name, size }),
    ]
}

fn date() -> impl Strategy<Value = Date> {
    (-1e15..1e15).prop_map(Date)
}

fn special() -> impl Strategy<Value = Special> {
    use proptest::collection::{btree_map, vec};
    use proptest::option::of;
    (
        (date(), of(any::<i64>().prop_map(Int64))),
        btree_map(".{0,9}", of(date()), 0..4),
        (".{0,9}", btree_map(".{0,5}", any::<i64>().prop_map(Int64), 0..4)),
        vec(of(date()), 0..9),
        btree_map(any::<i32>(), vec(any::<i32>(), 0..4).prop_map(List), 0..4),
    )
        .prop_map(|((when, big), fields, (class, instance), list, map)| Special {
            when,
            big,
            fields: Object(fields),
            instance: Instance { class, fields: instance },
            list: List(list),
            map: IntMap(map),
        })
}

pub(crate) fn everything() -> impl Strategy<Value = Everything> {
    let texts = proptest::collection::vec(proptest::collection::vec(".{0,5}", 0..4), 0..4);
    (
        any::<(bool, i32, u8, f64)>(),
        (".{0,40}", proptest::option::of(".{0,40}")),
        proptest::collection::vec(any::<Option<i32>>(), 0..20),
        texts,
        proptest::collection::btree_map(".{0,5}", any::<f64>(), 0..5),
        proptest::collection::btree_map(any::<i32>(), any::<Option<bool>>(), 0..5),
        shape(),
        (any::<(i32, char)>(), special()),
    )
        .prop_map(
            |(
                (flag, int, small, float),
                (text, maybe),
                list,
                rows,
                names,
                numbers,
                shape,
                (tuple, special),
            )| {
                Everything {
                    flag,
                    int,
                    small,
                    float,
                    text,
                    maybe,
                    list,
                    rows,
                    names,
                    numbers,
                    shape,
                    tuple,
                    special,
                }
            },
        )
}

/// The text of a value.
pub(crate) fn text<T: Serialize>(value: T) -> String {
    let mut buffer = vec![0; text_len(&value).unwrap()];
    let len = buffer.len();
    let text = to_slice(&value, &mut buffer).unwrap();
    assert_eq!(text.len(), len, "as many bytes as announced");
    text.to_owned()
}

/// What was written is read again.
pub(crate) fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = text(value);
    assert_eq!(from_str::<T>(&text).as_ref(), Ok(value), "{text}");
}
