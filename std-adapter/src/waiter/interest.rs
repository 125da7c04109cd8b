//! What a wait is for.

use crate::readiness::{PollFlags, READ, WRITE};

/// Which directions of what is watched are worth a wake-up now.
///
/// Handed in anew at each wait: a link that is paused does not want to be woken by what it will not
/// read, and one that has nothing to send not by room to send it in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Interest {
    /// Wake when there is something to read, the end and errors included.
    pub read: bool,
    /// Wake when there is room to write, or writing fails.
    pub write: bool,
}

impl Interest {
    /// Neither direction: it never wakes.
    pub const NONE: Self = Self { read: false, write: false };
    /// Reading only.
    pub const READ: Self = Self { read: true, write: false };
    /// Writing only.
    pub const WRITE: Self = Self { read: false, write: true };
    /// Both directions.
    pub const BOTH: Self = Self { read: true, write: true };

    pub(crate) fn flags(self) -> PollFlags {
        let mut flags = PollFlags::empty();
        flags.set(READ, self.read);
        flags.set(WRITE, self.write);
        flags
    }
}
