//! The bytes of a case, in both directions.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What a line shows at most.
const SHOWN: usize = 48;

/// Bytes of one connection in one direction, or what happened to it.
///
/// Its text has the format of `tests/vectors`: `CONNECTION DIRECTION BYTES`, `>` towards the relay,
/// but with blanks between bytes, and long lines cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Connections of a case are counted from 0.
    pub connection: usize,
    /// Towards the relay.
    pub to_relay: bool,
    /// The first bytes.
    pub bytes: Vec<u8>,
    /// How many bytes there were. With none the direction was closed.
    pub total: usize,
    /// How many lines in front of this one were not kept.
    pub left_out: usize,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.left_out > 0 {
            write!(f, "… {} lines, and then ", self.left_out)?;
        }
        write!(f, "{} {}", self.connection, if self.to_relay { '>' } else { '<' })?;
        if self.total == 0 {
            return f.write_str(" EOF");
        }
        self.bytes.iter().try_for_each(|byte| write!(f, " {byte:02x}"))?;
        if self.total > self.bytes.len() {
            write!(f, " … {} bytes", self.total)?;
        }
        Ok(())
    }
}

/// Shared by all connections of a case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    connections: usize,
    lines: Vec<Line>,
    last: VecDeque<Line>,
    /// How many lines between them were not kept.
    left_out: usize,
}

/// So many lines are kept of a case's beginning, and as many of its end, where a fault shows.
const LINES: usize = 100;

impl Log {
    /// The number of a new connection.
    pub(crate) fn connection(&self) -> usize {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.connections += 1;
        inner.connections - 1
    }

    /// Adds bytes; none say that the direction is closed.
    pub(crate) fn add(&self, connection: usize, to_relay: bool, bytes: &[u8]) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *inner;
        let total = bytes.len();
        if let Some(last) = inner.last.back_mut().or_else(|| inner.lines.last_mut())
            && (last.connection, last.to_relay) == (connection, to_relay)
            && total > 0
            && last.total > 0
            && last.total + total <= SHOWN
        {
            last.bytes.extend_from_slice(bytes);
            last.total += total;
            return;
        }
        let bytes = bytes.get(..SHOWN).unwrap_or(bytes).to_vec();
        let line = Line { connection, to_relay, bytes, total, left_out: 0 };
        if inner.lines.len() < LINES {
            inner.lines.push(line);
            return;
        }
        if inner.last.len() == LINES {
            inner.last.pop_front();
            inner.left_out += 1;
        }
        inner.last.push_back(line);
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = [&inner.lines[..], &Vec::from(inner.last.clone())].concat();
        if let Some(behind) = lines.get_mut(LINES) {
            behind.left_out = inner.left_out;
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        let log = Log::default();
        // both directions in turn, so that each is a line
        for at in 0..250_u8 {
            log.add(0, at % 2 == 0, &[at]);
        }
        let text: Vec<String> = log.lines().iter().map(Line::to_string).collect();
        assert_eq!(text.len(), 200);
        assert_eq!((&text[0][..], &text[99][..]), ("0 > 00", "0 < 63"));
        assert_eq!(text[100], "… 50 lines, and then 0 > 96");
        assert_eq!(text[199], "0 < f9");
    }

    #[test]
    fn nothing_is_said_of_what_is_complete() {
        let log = Log::default();
        for at in 0..200_u8 {
            log.add(0, at % 2 == 0, &[at]);
        }
        assert!(log.lines().iter().all(|line| line.left_out == 0));
        assert_eq!(log.lines().len(), 200);
    }
}
