//! What the programs print about traffic: numbers that can be read, a line while it runs, a table
//! at the end.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::time::Duration;

use crate::Failure;
use crate::traffic::{Flow, Tally};

/// Writes to standard output. Not `println!`, which panics when nobody reads it any more.
///
/// # Errors
/// Standard output is closed, or full.
pub fn print(text: impl fmt::Display) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    writeln!(output, "{text}")
        .and_then(|()| output.flush())
        .map_err(|error| Failure::Failed(format!("cannot write to standard output: {error}")))
}

/// A number with its thousands apart: `1,234,567`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An amount of bytes in a handy unit: `1.23 GB`.
#[must_use]
pub fn bytes(number: u64) -> String {
    let mut value = number as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return if unit == "B" { format!("{number} B") } else { format!("{value:.2} {unit}") };
        }
        value /= 1000.0;
    }
    format!("{value:.2} TB")
}

/// Nanoseconds in a handy unit: `1.23 ms`.
#[must_use]
pub fn nanos(number: u64) -> String {
    let value = number as f64;
    match number {
        0..1_000_000 => format!("{:.1} µs", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", value / 1e6),
        _ => format!("{:.2} s", value / 1e9),
    }
}

/// What happened since it was asked the last time.
#[derive(Debug, Default)]
pub struct Pace {
    at: Duration,
    sent: Flow,
    verified: Flow,
}

/// What happened in a while, for each second of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    /// Chunks sent.
    pub sent: f64,
    /// Their bytes.
    pub sent_bytes: f64,
    /// Chunks that arrived and were verified.
    pub verified: f64,
    /// Their bytes.
    pub verified_bytes: f64,
    /// The median of the round trips and their 99th percentile, in nanoseconds, if there were any.
    pub round_trip: Option<(u64, u64)>,
}

impl Pace {
    /// What happened from the last call up to this one, `at` so long after the start.
    pub fn since_last(&mut self, at: Duration, tally: &mut Tally) -> Rates {
        let seconds = (at.saturating_sub(self.at)).as_secs_f64().max(1e-9);
        let (sent, verified) = (tally.departed(), tally.arrived());
        let per_second = |now: u64, before: u64| (now - before) as f64 / seconds;
        let recent = &mut tally.recent_round_trips;
        let at_quantile = |quantile| recent.value_at_quantile(quantile);
        let rates = Rates {
            sent: per_second(sent.chunks, self.sent.chunks),
            sent_bytes: per_second(sent.bytes, self.sent.bytes),
            verified: per_second(verified.chunks, self.verified.chunks),
            verified_bytes: per_second(verified.bytes, self.verified.bytes),
            round_trip: (!recent.is_empty()).then(|| (at_quantile(0.5), at_quantile(0.99))),
        };
        recent.reset();
        *self = Self { at, sent, verified };
        rates
    }
}

/// The header above the lines of [`second`].
#[must_use]
pub fn second_header() -> String {
    format!(
        "{:>6}{:>12}{:>10}{:>12}{:>10}{:>11}{:>11}{:>8}",
        "second", "sent/s", "MB/s", "verified/s", "MB/s", "p50", "p99", "errors"
    )
}

/// A line about the second that has ended `at` so long after the start.
#[must_use]
pub fn second(at: Duration, rates: &Rates, errors: u64) -> String {
    let (p50, p99) = match rates.round_trip {
        Some((p50, p99)) => (nanos(p50), nanos(p99)),
        None => ("-".into(), "-".into()),
    };
    format!(
        "{:>6}{:>12}{:>10.2}{:>12}{:>10.2}{p50:>11}{p99:>11}{:>8}",
        at.as_secs(),
        rate(rates.sent),
        rates.sent_bytes / 1e6,
        rate(rates.verified),
        rates.verified_bytes / 1e6,
        count(errors),
    )
}

/// A rate in whole numbers: `12,345`.
#[must_use]
pub fn rate(per_second: f64) -> String {
    // Rates are far from what u64 cannot hold, and never negative.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
    count(per_second.round() as u64)
}

/// The table at the end: what was verified in `time`, how long round trips took, what was wrong.
#[must_use]
pub fn table(tally: &Tally, time: Duration) -> String {
    let seconds = time.as_secs_f64().max(1e-9);
    let mut text = format!("{:<28}{:>14}{:>12}{:>14}{:>12}\n", "", "messages", "bytes", "messages/s", "MB/s");
    // Servers in other processes are believed.
    let elsewhere = if tally.verified == Flow::default() { tally.confirmed } else { Flow::default() };
    for (label, flow) in [
        ("sent by clients", tally.sent),
        ("verified by servers", tally.verified),
        ("verified by servers", elsewhere),
        ("sent back by servers", tally.returned),
        ("verified by clients", tally.echoes),
        ("broadcast to all users", tally.to_all),
        ("broadcast to all but one", tally.to_all_but_one),
        ("broadcasts verified", tally.broadcasts),
    ] {
        if flow != Flow::default() {
            let (chunks, megabytes) = (flow.chunks as f64 / seconds, flow.bytes as f64 / seconds / 1e6);
            let _ = writeln!(
                text,
                "{label:<28}{:>14}{:>12}{:>14}{megabytes:>12.2}",
                count(flow.chunks),
                bytes(flow.bytes),
                rate(chunks),
            );
        }
    }
    if tally.spared > 0 {
        let _ = writeln!(text, "{:<28}{:>14}", "rightly not delivered", count(tally.spared));
    }
    if !tally.round_trips.is_empty() {
        let at = |quantile| nanos(tally.round_trips.value_at_quantile(quantile));
        let (p50, p90, p99, max) = (at(0.5), at(0.9), at(0.99), nanos(tally.round_trips.max()));
        let _ = writeln!(text, "{:<28}p50 {p50}, p90 {p90}, p99 {p99}, max {max}", "round trip");
    }
    let _ = write!(text, "{:<28}{:>14}", "errors", count(tally.errors));
    for error in &tally.first_errors {
        let _ = write!(text, "\n  {error}");
    }
    if tally.errors > tally.first_errors.len() as u64 {
        let _ = write!(text, "\n  and more");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_read() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0, 999, 1500, 2_000_000, 1 << 50].map(bytes),
            ["0 B", "999 B", "1.50 kB", "2.00 MB", "1125.90 TB"]
        );
        assert_eq!([500, 1_500_000, 2_000_000_000].map(nanos), ["0.5 µs", "1.50 ms", "2.00 s"]);
        assert_eq!(rate(1234.6), "1,235");
    }

    #[test]
    fn the_pace_is_what_came_since_the_last_time() {
        let (mut pace, mut tally) = (Pace::default(), Tally::new(100));
        tally.verified(100);
        tally.echoed(100, Duration::from_micros(10));
        let rates = pace.since_last(Duration::from_secs(2), &mut tally);
        assert_eq!((rates.verified, rates.verified_bytes, rates.sent), (1.0, 100.0, 0.0));
        assert!(rates.round_trip.is_some_and(|(p50, p99)| p50 == p99 && p50 >= 10_000), "{rates:?}");
        tally.verified(50);
        let rates = pace.since_last(Duration::from_secs(3), &mut tally);
        assert_eq!((rates.verified, rates.verified_bytes, rates.round_trip), (1.0, 50.0, None));
    }

    #[test]
    fn the_table_has_a_row_for_all_that_happened_and_the_errors() {
        let mut tally = Tally::new(100);
        tally.sent.add(100);
        let text = table(&tally, Duration::from_secs(1));
        assert!(
            text.lines().last().is_some_and(|line| line.split_whitespace().eq(["errors", "0"])),
            "{text}"
        );
        assert_eq!(text.lines().count(), 3, "{text}");
        tally.error(format_args!("something"));
        assert!(table(&tally, Duration::from_secs(1)).ends_with("1\n  something"));
    }
}
