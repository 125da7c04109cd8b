//! Values on the command line.

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::builder::RangedI64ValueParser;

/// Reads a number in a range.
#[must_use]
pub fn between(range: RangeInclusive<i64>) -> RangedI64ValueParser<u32> {
    RangedI64ValueParser::new().range(range)
}

/// Reads a number of seconds, `10` or `0.5`.
///
/// # Errors
/// It is not a number, negative, or longer than a day.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let valid = |seconds: &f64| (0.0..=86_400.0).contains(seconds);
    match text.parse().ok().filter(valid) {
        Some(seconds) => Ok(Duration::from_secs_f64(seconds)),
        None => Err("write seconds from 0 to 86400, such as 10 or 0.5".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_numbers_of_a_sensible_size() {
        assert_eq!(seconds("10"), Ok(Duration::from_secs(10)));
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for wrong in ["", "x", "-1", "1e9", "NaN", "inf", "10s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
