//! How much work one call may do.

/// Work of a command that has no other measure: looking for a name, asking the host, saying what
/// has become of it.
pub(super) const COMMAND: usize = 32;

/// Bytes that cost as much to copy as a unit that is queued.
pub(super) const BYTES: usize = 64;

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

    /// Takes so much work, unless that is more than is left. Whatever it is, it may be done if
    /// nothing was done yet.
    pub(super) fn take(&mut self, work: usize) -> bool {
        if work > self.left && self.left != self.full {
            return false;
        }
        self.left = self.left.saturating_sub(work);
        true
    }

    /// Bytes of a payload that may be pushed to so many receivers, at least `least` of them if
    /// nothing was done yet. `None` if that would be fewer.
    pub(super) fn bytes_for(&self, receivers: usize, least: usize) -> Option<usize> {
        let each = self.left.checked_div(receivers).unwrap_or(self.left);
        let bytes = each.saturating_sub(1).saturating_mul(BYTES);
        match bytes {
            bytes if each > 0 && bytes >= least => Some(bytes),
            _ if self.left == self.full => Some(least),
            _ => None,
        }
    }

    /// Work of pushing so many bytes to so many receivers.
    pub(super) const fn of_broadcast(receivers: usize, bytes: usize) -> usize {
        receivers.saturating_mul(1_usize.saturating_add(bytes / BYTES))
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
