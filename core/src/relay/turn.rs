//! How much work one call may do.

/// Work of a command that has no other measure: looking for a name, asking the host, saying what has become of it.
pub(super) const COMMAND: usize = 32;

/// What a call may still do, and the units of data that began in it.
#[derive(Debug)]
pub(super) struct Turn {
    /// Units of data that began.
    pub(super) units: usize,
    /// How many of them are broadcasts.
    pub(super) broadcasts: usize,
    /// Work that may still be done.
    pub(super) left: usize,
    /// Work that might be done at first.
    full: usize,
}

impl Turn {
    /// A call that may do so much work.
    pub(super) const fn new(work: usize) -> Self {
        Self { units: 0, broadcasts: 0, left: work, full: work }
    }

    /// Counts units that began.
    pub(super) fn count(&mut self, units: usize, broadcasts: usize) {
        self.units = self.units.saturating_add(units);
        self.broadcasts = self.broadcasts.saturating_add(broadcasts);
    }

    /// Takes so much work, unless that is more than is left. Whatever it is, it may be done if nothing was done yet.
    pub(super) fn take(&mut self, work: usize) -> bool {
        if work > self.left && self.left != self.full {
            return false;
        }
        self.left = self.left.saturating_sub(work);
        true
    }

    /// Work that was done. One thing that was more than the whole counts as the whole.
    pub(super) const fn done(&self) -> usize {
        self.full.saturating_sub(self.left)
    }

    /// Whether nothing more may be done.
    pub(super) const fn is_over(&self) -> bool {
        self.left == 0
    }
}
