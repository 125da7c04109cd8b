//! Standard error for log lines, with a bound of bytes a day.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use crate::cli::settings::LogFormat;

/// A day, in milliseconds.
const DAY: u64 = 86_400_000;

/// Half of the bytes of a day may come at once, and the other half comes back over the day: so
/// there are never more in any 24 hours, and some at any time.
#[derive(Debug)]
struct Budget {
    /// Bytes of a day; 0: no limit.
    per_day: u64,
    /// Bytes that may be written.
    left: u64,
    /// When that was so, in milliseconds.
    at: u64,
}

impl Budget {
    fn new(per_day: u64) -> Self {
        Self { per_day, left: per_day / 2, at: 0 }
    }

    /// Goes on with another number of bytes a day.
    fn set(&mut self, per_day: u64) {
        if per_day != self.per_day {
            (self.per_day, self.left) = (per_day, per_day / 2);
        }
    }

    /// Takes a line's bytes, unless only more important ones may be written.
    fn take(&mut self, now: u64, len: u64, level: Level) -> bool {
        if self.per_day == 0 {
            return true;
        }
        let half = self.per_day / 2;
        let passed = now.saturating_sub(self.at);
        let back = u64::try_from(u128::from(half) * u128::from(passed) / u128::from(DAY)).unwrap_or(half);
        if back > 0 {
            (self.left, self.at) = (self.left.saturating_add(back).min(half), now);
        }
        // ordinary lines leave a quarter to warnings, and those a part of that to errors
        let kept = match level {
            Level::ERROR => 0,
            Level::WARN => half / 16,
            _ => half / 4,
        };
        if self.left < kept.saturating_add(len) {
            return false;
        }
        self.left -= len;
        true
    }
}

#[derive(Debug)]
struct State {
    budget: Budget,
    started: Instant,
    /// Lines that were left out since the last one that was not.
    unsaid: u64,
}

/// Where log lines go.
#[derive(Clone, Debug)]
pub(crate) struct LogWriter {
    state: Arc<Mutex<State>>,
    format: LogFormat,
}

impl LogWriter {
    /// Standard error, with so many bytes a day; 0: no limit.
    pub(crate) fn new(format: LogFormat, bytes_per_day: usize) -> Self {
        let budget = Budget::new(bytes_per_day as u64);
        let state = State { budget, started: Instant::now(), unsaid: 0 };
        Self { state: Arc::new(Mutex::new(state)), format }
    }

    pub(crate) fn set_bytes_per_day(&self, bytes_per_day: usize) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).budget.set(bytes_per_day as u64);
    }

    /// What is written in front of a line when others were left out before it.
    fn note(&self, unsaid: u64) -> String {
        let text = "lines were left out because log-bytes-per-day was used up";
        let mut time = String::new();
        // a string takes everything
        let _ = SystemTime.format_time(&mut Writer::new(&mut time));
        match self.format {
            LogFormat::Text => format!("{time}  WARN peote_relay: {text} unsaid={unsaid}\n"),
            LogFormat::Json => format!(
                "{{\"timestamp\":\"{time}\",\"level\":\"WARN\",\"message\":\"{text}\",\"unsaid\":{unsaid},\
                 \"target\":\"peote_relay\"}}\n"
            ),
        }
    }

    /// Writes a line as far as the budget goes. Returns what is to be written.
    fn admit(&self, line: &[u8], level: Level) -> Option<String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = u64::try_from(state.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let note = if state.unsaid > 0 { self.note(state.unsaid) } else { String::new() };
        let len = u64::try_from(line.len() + note.len()).unwrap_or(u64::MAX);
        if !state.budget.take(now, len, level) {
            state.unsaid += 1;
            return None;
        }
        state.unsaid = 0;
        Some(note)
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { to: self, level: Level::INFO }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        Line { to: self, level: *metadata.level() }
    }
}

/// One line of some level.
pub(crate) struct Line<'a> {
    to: &'a LogWriter,
    level: Level,
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("level", &self.level).finish_non_exhaustive()
    }
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let Some(note) = self.to.admit(line, self.level) else { return Ok(line.len()) };
        let mut stderr = io::stderr().lock();
        if !note.is_empty() {
            stderr.write_all(note.as_bytes())?;
        }
        // whole, since what is left would count as another line
        stderr.write_all(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_day_has_more_bytes_than_allowed() {
        const PER_DAY: u64 = 1_000_000;
        let mut budget = Budget::new(PER_DAY);
        // 100 bytes each 100 ms for three days, in levels by turns
        let mut written = Vec::new();
        for number in 0..3 * 864_000 {
            let level = [Level::INFO, Level::WARN, Level::ERROR][number % 3];
            let now = u64::try_from(number).unwrap() * 100;
            if budget.take(now, 100, level) {
                written.push(now);
            }
        }
        let mut from = 0;
        for (at, now) in written.iter().enumerate() {
            while written[from] + DAY < *now {
                from += 1;
            }
            let bytes = 100 * u64::try_from(at - from + 1).unwrap();
            assert!(bytes <= PER_DAY + 100, "{bytes} bytes in the day up to {now}");
        }
        // and it is used
        assert!(100 * written.len() > 1_500_000, "{} lines", written.len());
    }

    #[test]
    fn ordinary_lines_leave_something_to_warnings_and_these_to_errors() {
        let mut budget = Budget::new(20_000);
        let mut fill = |level| (0..1000).filter(|_| budget.take(0, 100, level)).count();
        assert_eq!((fill(Level::INFO), fill(Level::DEBUG)), (75, 0));
        assert_eq!(fill(Level::WARN), 18);
        assert_eq!((fill(Level::INFO), fill(Level::WARN)), (0, 0));
        assert_eq!(fill(Level::ERROR), 7);
    }

    #[test]
    fn no_limit_is_none() {
        let mut budget = Budget::new(0);
        assert!((0..10).all(|_| budget.take(0, u64::MAX / 20, Level::INFO)));
    }

    #[test]
    fn another_limit_holds_at_once() {
        let mut budget = Budget::new(0);
        budget.set(2000);
        assert!((0..100).filter(|_| budget.take(0, 100, Level::ERROR)).count() == 10);
        budget.set(2000);
        assert!(!budget.take(0, 100, Level::ERROR), "the same limit is no new one");
        budget.set(4000);
        assert!(budget.take(0, 100, Level::ERROR));
    }
}
