//! What the programs print about traffic: numbers that can be read, a line while it runs, a table at the end.

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
    arrived: Flow,
}

impl Pace {
    /// Verified chunks and bytes, per second, from the last call up to this one, `at` so long after the start.
    pub fn since_last(&mut self, at: Duration, tally: &Tally) -> (f64, f64) {
        let arrived = tally.arrived();
        let seconds = (at.saturating_sub(self.at)).as_secs_f64().max(1e-9);
        let chunks = (arrived.chunks - self.arrived.chunks) as f64 / seconds;
        let bytes = (arrived.bytes - self.arrived.bytes) as f64 / seconds;
        (self.at, self.arrived) = (at, arrived);
        (chunks, bytes)
    }
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
    for (label, flow) in [
        ("sent by clients", tally.sent),
        ("  verified by servers", tally.verified),
        ("  confirmed to clients", tally.confirmed),
        ("  verified on their way back", tally.echoes),
        ("broadcast to all users", tally.to_all),
        ("broadcast to all but one", tally.to_all_but_one),
        ("  verified by users", tally.broadcasts),
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
        let _ = writeln!(text, "{:<28}{:>14}", "  rightly not delivered", count(tally.spared));
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
        assert_eq!(pace.since_last(Duration::from_secs(2), &tally), (1.0, 100.0));
        tally.verified(50);
        assert_eq!(pace.since_last(Duration::from_secs(3), &tally), (1.0, 50.0));
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
