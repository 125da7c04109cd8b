//! An enum with a constructor of each kind.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

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
