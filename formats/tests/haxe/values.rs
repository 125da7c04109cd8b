//! Types of everything.

use std::collections::BTreeMap;
use std::fmt::Debug;

use peote_net_formats::haxe::{Date, Instance, Int64, IntMap, List, Object, from_str, text_len, to_slice};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::everything;

/// A bit of everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Everything {
    pub(crate) plain: everything::Everything,
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
    (everything::everything(), special()).prop_map(|(plain, special)| Everything { plain, special })
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
