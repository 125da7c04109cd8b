//! The bytes of a case, in both directions.

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
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
}

/// So many lines are kept of a case.
const LINES: usize = 200;

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
        let total = bytes.len();
        if let Some(last) = inner.lines.last_mut()
            && (last.connection, last.to_relay) == (connection, to_relay)
            && total > 0
            && last.total > 0
            && last.total + total <= SHOWN
        {
            last.bytes.extend_from_slice(bytes);
            last.total += total;
        } else if inner.lines.len() < LINES {
            let bytes = bytes.get(..SHOWN).unwrap_or(bytes).to_vec();
            inner.lines.push(Line { connection, to_relay, bytes, total });
        }
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }
}
