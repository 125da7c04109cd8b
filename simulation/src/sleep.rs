//! What programs wait for, and what is wrong when they wait in vain or not at all.

use std::fmt;

use peote_net::time::Instant;

use crate::line::LineId;

/// What a program waits for before it does something again.
/// [`Transport::sleep`](crate::Transport::sleep) says it for a link.
///
/// ```
/// use peote_net::time::Instant;
/// use peote_net_simulation::Sleep;
/// // has no connection at the moment and tries again after a second
/// let sleep = Sleep::until(Instant::from_millis(1_000));
/// assert_eq!(sleep.line, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sleep {
    /// The line that `read` and `write` are about.
    pub line: Option<LineId>,
    /// It wakes up when something can be read.
    pub read: bool,
    /// It wakes up when something can be written.
    pub write: bool,
    /// It wakes up then at the latest.
    pub deadline: Option<Instant>,
}

impl Sleep {
    /// Waits for a point in time and nothing else.
    #[must_use]
    pub const fn until(deadline: Instant) -> Self {
        Self { line: None, read: false, write: false, deadline: Some(deadline) }
    }

    /// Wakes up at `deadline`, too.
    #[must_use]
    pub fn or_until(mut self, deadline: Instant) -> Self {
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        self
    }
}

/// Why a program is awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Something can be read.
    Readable,
    /// Something can be written.
    Writable,
    /// Its deadline has come.
    Deadline,
}

impl fmt::Display for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Readable => "can read",
            Self::Writable => "can write",
            Self::Deadline => "has a deadline that has come",
        })
    }
}

/// A busy loop: programs are woken again and again at the same instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The instant.
    pub at: Instant,
    /// How often they were woken.
    pub steps: u32,
    /// Whether bytes were moved meanwhile. If so, programs answer each other without end over lines
    /// without delay; if not, they are woken and do nothing.
    pub moving: bool,
    /// Who was awake in the end, by their places among the sleepers, with their lines and causes.
    pub awake: Vec<(usize, Option<LineId>, Wake)>,
    /// What the lines are called.
    pub(crate) names: Vec<String>,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.moving { "bytes are moved without end" } else { "nothing is done" };
        write!(f, "a busy loop: {} steps at {} ms, and {what};", self.steps, self.at.as_millis())?;
        for ((place, line, cause), name) in self.awake.iter().zip(&self.names) {
            write!(f, " sleeper {place}")?;
            match line {
                Some(line) if name.is_empty() => write!(f, " ({line})")?,
                Some(line) => write!(f, " ({line}, {name})")?,
                None => {}
            }
            write!(f, " {cause};")?;
        }
        Ok(())
    }
}

impl std::error::Error for Stuck {}
