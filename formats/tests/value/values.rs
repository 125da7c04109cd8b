//! Types for both formats.

use std::collections::BTreeMap;
use std::fmt::Debug;

use peote_net::value::{Decode, DecodeError, Encode, EncodeError, Reader, Writer};
use proptest::prelude::*;
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

/// The bytes of a value, without the length in front.
pub(crate) fn content<T: Encode>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut buffer = vec![0; value.encoded_len()?];
    let mut writer = Writer::new(&mut buffer);
    writer.write(value)?;
    assert_eq!(writer.free(), 0, "as many bytes as announced");
    Ok(Reader::new(&buffer).byte_string().unwrap().to_vec())
}

/// Reads a value whose content these bytes are.
pub(crate) fn read<T: for<'a> Decode<'a>>(content: &[u8]) -> Result<T, DecodeError> {
    let mut buffer = vec![0; content.len() + 4];
    let mut writer = Writer::new(&mut buffer);
    writer.byte_string(content).unwrap();
    Reader::new(writer.finish()).only()
}

/// What was written is read again.
pub(crate) fn same<T: Encode + for<'a> Decode<'a> + PartialEq + Debug>(value: &T) {
    let bytes = content(value).unwrap();
    assert_eq!(read::<T>(&bytes).as_ref(), Ok(value), "{}", String::from_utf8_lossy(&bytes));
}
