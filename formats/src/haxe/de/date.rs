//! Dates as text.

/// Returns the milliseconds from the start of 1970 to `YYYY-MM-DD HH:MM:SS`, or `None` if it is no
/// such date.
#[expect(
    clippy::cast_precision_loss,
    reason = "four digits of years are fewer milliseconds than f64 has whole numbers"
)]
pub(super) fn millis(text: &[u8; 19]) -> Option<f64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b' ', h1, h2, b':', n1, n2, b':', s1, s2] = *text else {
        return None;
    };
    let year = number(&[y1, y2, y3, y4])?;
    let month = number(&[m1, m2]).filter(|month| (1..=12).contains(month))?;
    let day = number(&[d1, d2]).filter(|day| (1..=31).contains(day))?;
    let hour = number(&[h1, h2]).filter(|hour| *hour < 24)?;
    let minute = number(&[n1, n2]).filter(|minute| *minute < 60)?;
    let second = number(&[s1, s2]).filter(|second| *second < 60)?;
    let hours = days(year, month, day).wrapping_mul(24).wrapping_add(hour);
    let seconds = hours.wrapping_mul(60).wrapping_add(minute).wrapping_mul(60).wrapping_add(second);
    Some(seconds.wrapping_mul(1000) as f64)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0i64, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        Some(number.wrapping_mul(10).wrapping_add(i64::from(digit)))
    })
}

/// Days from the start of 1970, by counting from a 1st of March, so that the odd day is the last
/// one of a year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year.wrapping_sub(1) } else { year };
    let month = month.wrapping_add(9).wrapping_rem(12);
    // months from March on have 31, 30, 31, 30, 31 days, again and again
    let in_year = month.wrapping_mul(153).wrapping_add(2).wrapping_div(5).wrapping_add(day);
    let leap = year.div_euclid(4).wrapping_sub(year.div_euclid(100)).wrapping_add(year.div_euclid(400));
    year.wrapping_mul(365).wrapping_add(leap).wrapping_add(in_year).wrapping_sub(719_469)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_calendars() {
        // seconds of `date -u -d TEXT +%s`
        for (text, seconds) in [
            (b"1970-01-01 00:00:00", 0),
            (b"1969-12-31 23:59:59", -1),
            (b"2010-01-01 12:45:10", 1_262_349_910),
            (b"2023-11-14 22:13:20", 1_700_000_000),
            (b"2000-02-29 00:00:00", 951_782_400),
            (b"2000-03-01 00:00:00", 951_868_800),
            (b"1900-03-01 00:00:00", -2_203_891_200),
            (b"2100-02-28 23:59:59", 4_107_542_399),
            (b"0000-01-01 00:00:00", -62_167_219_200),
            (b"9999-12-31 23:59:59", 253_402_300_799i64),
        ] {
            assert_eq!(millis(text), Some(seconds as f64 * 1000.0), "{}", str::from_utf8(text).unwrap());
        }
        for wrong in
            [b"2010-13-01 12:45:10", b"2010-01-00 12:45:10", b"2010-01-01 24:45:10", b"2010-01-01T12:45:10"]
        {
            assert_eq!(millis(wrong), None);
        }
    }
}
