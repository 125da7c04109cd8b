//! Values as people write them: counts, amounts of memory, times, addresses; and the way back.
//!
//! Errors say what is wrong and what to write instead; who calls adds which value it was and where
//! it stood.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use peote_relay::{Config, IpNet};

use super::host::{is_host, without_scheme};

/// Units of memory, largest first, so that the first that divides an amount is the one to print it
/// in.
const SIZE_UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// Units of time and how many seconds each has.
const TIME_UNITS: [(&str, f64); 5] = [("", 1.0), ("s", 1.0), ("ms", 0.001), ("min", 60.0), ("h", 3600.0)];

/// A whole number in `range`.
pub(crate) fn count(text: &str, range: &RangeInclusive<u32>) -> Result<u32, String> {
    let allowed = || format!("write a whole number from {} to {}", range.start(), range.end());
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(allowed)
}

/// An amount of memory in bytes, in `range`: a whole number, alone or with KiB, MiB, GiB, TiB or B.
pub(crate) fn size(text: &str, range: &RangeInclusive<usize>) -> Result<usize, String> {
    let allowed =
        || format!("write a size from {} to {}", show_size(*range.start()), show_size(*range.end()));
    let (number, unit) = split(text);
    let factor = SIZE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
    let factor = match factor {
        Some((_, factor)) => *factor,
        None if unit.is_empty() || unit.eq_ignore_ascii_case("b") => 1,
        // "MB" means a million to some and 1,048,576 to others, so it is not guessed.
        None => return Err(format!("{}; units are KiB, MiB, GiB and TiB", allowed())),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok());
    bytes.filter(|bytes| range.contains(bytes)).ok_or_else(allowed)
}

/// A time in `range`: seconds, fractions allowed, alone or with ms, s, min or h.
pub(crate) fn seconds(text: &str, range: &RangeInclusive<Duration>) -> Result<Duration, String> {
    let allowed =
        || format!("write seconds from {} to {}", show_seconds(*range.start()), show_seconds(*range.end()));
    let (number, unit) = split(text);
    let Some((_, factor)) = TIME_UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(format!("{}; other units are ms, min and h", allowed()));
    };
    let time =
        number.parse::<f64>().ok().and_then(|number| Duration::try_from_secs_f64(number * factor).ok());
    time.filter(|time| range.contains(time)).ok_or_else(allowed)
}

/// An address to listen on, with its port.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let port = Config::DEFAULT_PORT;
    if let Some(rest) = without_scheme(text) {
        return Err(format!("write ADDRESS:PORT without what stands in front of it: {rest}"));
    }
    let name = text.rsplit_once(':').map_or(text, |(name, _)| name);
    if is_host(name) && name.parse::<IpAddr>().is_err() {
        return Err(format!(
            "names are not looked up here; write 127.0.0.1:{port} for this machine, 0.0.0.0:{port} and [::]:{port} for everybody, \
             or one of this machine's addresses"
        ));
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    Err(match bare.parse::<IpAddr>() {
        Ok(address) => format!("the port is missing; write {}", SocketAddr::new(address, port)),
        Err(_) => format!("write ADDRESS:PORT, for example 127.0.0.1:{port}, 0.0.0.0:{port} or [::]:{port}"),
    })
}

/// A range of addresses, or a single one.
pub(crate) fn range(text: &str) -> Result<IpNet, String> {
    let one = text.parse::<IpAddr>().map(IpNet::from);
    let range = text.parse::<IpNet>().or(one).map(|range| range.trunc());
    range.map_err(|_| {
        let names = if is_host(text) { "names are not looked up here; " } else { "" };
        format!("{names}write ADDRESS or ADDRESS/LENGTH, for example 192.168.0.0/16 or 2001:db8::/32")
    })
}

/// The position of `text` in `choices`.
pub(crate) fn choice(text: &str, choices: &[&str]) -> Result<usize, String> {
    let found = choices.iter().position(|choice| *choice == text);
    found.ok_or_else(|| format!("write one of {}", list(choices)))
}

/// An amount of memory as [`size`] reads it, in the largest unit that leaves a whole number.
pub(crate) fn show_size(bytes: usize) -> String {
    let bytes = bytes as u64;
    let unit = SIZE_UNITS.iter().find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor));
    match unit {
        Some((name, factor)) => format!("{}{name}", bytes / factor),
        None => bytes.to_string(),
    }
}

/// A time as [`seconds`] reads it, without a unit.
pub(crate) fn show_seconds(time: Duration) -> String {
    time.as_secs_f64().to_string()
}

/// `a, b or c`.
pub(crate) fn list<T: Display>(items: &[T]) -> String {
    let mut text = String::new();
    for (i, item) in items.iter().enumerate() {
        let before = match i {
            0 => "",
            _ if i + 1 == items.len() => " or ",
            _ => ", ",
        };
        text.push_str(before);
        text.push_str(&item.to_string());
    }
    text
}

/// A number and the unit behind it, without the space between them.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number.trim_end(), unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY_SIZE: RangeInclusive<usize> = 0..=usize::MAX;
    const ANY_TIME: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(86_400);

    #[test]
    fn sizes_with_and_without_units() {
        let bytes = |text| size(text, &ANY_SIZE).ok();
        assert_eq!(bytes("0"), Some(0));
        assert_eq!(bytes("65536"), Some(65_536));
        assert_eq!(bytes("64KiB"), Some(65_536));
        assert_eq!(bytes("64 kib"), Some(65_536));
        assert_eq!(bytes(" 1MiB "), Some(1 << 20));
        assert_eq!(bytes("3GiB"), Some(3 << 30));
        assert_eq!(bytes("12B"), Some(12));
        for wrong in ["", "KiB", "-1", "1.5MiB", "1MB", "1M", "1 2", "1MiBx", "99999999999TiB", "1e3", "½"] {
            assert_eq!(bytes(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn sizes_survive_a_round_trip() {
        for bytes in [0, 1, 1023, 1024, 1025, 65_536, 1_000_000, 3 << 20, (1 << 30) + 1024] {
            assert_eq!(size(&show_size(bytes), &ANY_SIZE), Ok(bytes));
        }
        assert_eq!(show_size(1536), "1536");
        assert_eq!(show_size(1 << 20), "1MiB");
    }

    #[test]
    fn a_size_out_of_range_says_the_range() {
        let error = size("1KiB", &(65_536..=1 << 30)).unwrap_err();
        assert_eq!(error, "write a size from 64KiB to 1GiB");
        assert!(size("1MB", &ANY_SIZE).unwrap_err().contains("units are KiB"));
    }

    #[test]
    fn times_with_and_without_units() {
        let time = |text| seconds(text, &ANY_TIME).ok();
        assert_eq!(time("5"), Some(Duration::from_secs(5)));
        assert_eq!(time("0.25"), Some(Duration::from_millis(250)));
        assert_eq!(time("5.0"), Some(Duration::from_secs(5)));
        assert_eq!(time("2s"), Some(Duration::from_secs(2)));
        assert_eq!(time("100 ms"), Some(Duration::from_millis(100)));
        assert_eq!(time("1.5min"), Some(Duration::from_secs(90)));
        assert_eq!(time("1h"), Some(Duration::from_secs(3600)));
        for wrong in ["", "s", "-1", "nan", "inf", "1e3", "5m", "5 seconds", "86401", "1,5"] {
            assert_eq!(time(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn times_survive_a_round_trip() {
        for time in [0, 1, 100, 1500, 86_399_999].map(Duration::from_millis) {
            assert_eq!(seconds(&show_seconds(time), &ANY_TIME), Ok(time));
        }
        assert_eq!(show_seconds(Duration::from_millis(1500)), "1.5");
    }

    #[test]
    fn counts_keep_to_their_range() {
        assert_eq!(count("0", &(0..=5)), Ok(0));
        assert_eq!(count("5", &(0..=5)), Ok(5));
        for wrong in ["6", "-1", "", "5.0", "1e1", "many", "4294967296"] {
            assert_eq!(count(wrong, &(0..=5)), Err("write a whole number from 0 to 5".into()), "{wrong:?}");
        }
    }

    #[test]
    fn addresses_need_a_port() {
        assert!(address("127.0.0.1:0").is_ok());
        assert!(address("[::]:7680").is_ok());
        assert_eq!(address("::1").unwrap_err(), "the port is missing; write [::1]:7680");
        assert_eq!(address("[::1]").unwrap_err(), "the port is missing; write [::1]:7680");
        assert_eq!(address("10.0.0.1").unwrap_err(), "the port is missing; write 10.0.0.1:7680");
        for wrong in ["", "7680", "1.2.3.4:99999", "1.2.3.4:", "a b:1", "[::1]:x"] {
            assert!(address(wrong).unwrap_err().starts_with("write ADDRESS:PORT,"), "{wrong:?}");
        }
        for name in ["localhost", "localhost:7680", "relay.example:7680", "*.example", "eth0:1"] {
            let is_name = !name.contains('*');
            assert_eq!(
                address(name).unwrap_err().starts_with("names are not looked up here; "),
                is_name,
                "{name:?}"
            );
        }
        let url = address("ws://127.0.0.1:7680/").unwrap_err();
        assert_eq!(url, "write ADDRESS:PORT without what stands in front of it: 127.0.0.1:7680");
    }

    #[test]
    fn ranges_are_shown_by_their_first_address() {
        for (text, shown) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("2001:db8:1::/32", "2001:db8::/32"),
            ("::1", "::1/128"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(range(text).unwrap().to_string(), shown);
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "localhost", "10.0.0.0/", "::/129", "10.0.0.0/-1"] {
            let what = range(wrong).unwrap_err();
            assert_eq!(
                what.starts_with("names are not looked up here; write "),
                wrong == "localhost",
                "{what}"
            );
        }
    }

    #[test]
    fn a_choice_lists_what_there_is() {
        assert_eq!(choice("drop", &["pause", "drop"]), Ok(1));
        assert_eq!(choice("x", &["a", "b", "c"]), Err("write one of a, b or c".into()));
    }
}
