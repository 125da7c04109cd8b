//! Whole numbers that are written as floats.

use crate::Error;

pub(crate) const FRACTION: Error = Error::new("a number with a fraction, or beyond 64 bits, for an integer");

/// The integer that a float is, if it is one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "it is compared with the float"
)]
pub(crate) fn whole(float: f64) -> Option<i64> {
    let int = float as i64;
    (int as f64 == float && float < i64::MAX as f64).then_some(int)
}
