//! Progress while something runs: a bar on a terminal, a line each second elsewhere; both on
//! standard error.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::report::{Pace, count, rate};
use crate::traffic::Tally;

/// Shows how far a run of a known length is.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    pace: Pace,
    next: Duration,
}

impl Progress {
    /// Progress of a run that takes `total`.
    #[must_use]
    pub fn new(total: Duration) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(u64::try_from(total.as_millis()).unwrap_or(u64::MAX));
            let style = ProgressStyle::with_template("{bar:24} {percent:>3} %  {wide_msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        let mut progress = Self { bar, pace: Pace::default(), next: Duration::ZERO };
        progress.next = progress.interval();
        progress
    }

    /// How often it is worth calling [`show`](Self::show).
    #[must_use]
    pub const fn interval(&self) -> Duration {
        Duration::from_millis(if self.bar.is_some() { 100 } else { 1000 })
    }

    /// Shows how far it is, `at` so long after the start. Nothing happens when it is not yet time
    /// for that.
    pub fn show(&mut self, at: Duration, tally: &mut Tally) {
        if at < self.next {
            return;
        }
        self.next = at + self.interval();
        let rates = self.pace.since_last(at, tally);
        let line = format!(
            "{} messages verified, {}/s, {:.0} MB/s, {} errors",
            count(tally.arrived().chunks),
            rate(rates.verified),
            rates.verified_bytes / 1e6,
            count(tally.errors),
        );
        if let Some(bar) = &self.bar {
            bar.set_position(u64::try_from(at.as_millis()).unwrap_or(u64::MAX));
            bar.set_message(line);
        } else {
            // Progress that nobody reads is no reason to stop.
            let _ = writeln!(stderr(), "{:3} s: {line}", at.as_secs());
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
