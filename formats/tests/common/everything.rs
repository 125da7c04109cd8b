//! A type with fields of all kinds that serde has a word for.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::shape::{Shape, shape};

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
        any::<(i32, char)>(),
    )
        .prop_map(
            |((flag, int, small, float), (text, maybe), list, rows, names, numbers, shape, tuple)| {
                Everything { flag, int, small, float, text, maybe, list, rows, names, numbers, shape, tuple }
            },
        )
}
