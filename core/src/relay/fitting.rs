//! How much of a payload has room in a queue.

use crate::protocol::MAX_UNIT_PAYLOAD;

/// Room that a unit's header takes at most on the way to an endpoint.
pub(super) const HEADER: usize = 4;

/// How much of a piece of `len` bytes can go into a queue with `free` bytes of room. `None`: it has
/// to wait.
#[inline]
pub(super) fn fitting(len: usize, free: usize, cut: usize) -> Option<usize> {
    let whole = len.saturating_add(HEADER);
    if free >= whole && len <= MAX_UNIT_PAYLOAD {
        return Some(len);
    }
    (free >= whole.min(cut)).then(|| len.min(free.saturating_sub(HEADER)).min(MAX_UNIT_PAYLOAD))
}
