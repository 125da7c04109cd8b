//! Copying that cannot panic.

/// Copies `bytes` to `memory`, from `at` on. Does nothing if they do not fit.
#[cfg_attr(feature = "speed", inline)]
pub(crate) fn copy_to(memory: &mut [u8], at: usize, bytes: &[u8]) {
    // in this shape the compiler sees that both lengths are the same, and leaves out the panic
    if let Some(place) = memory.get_mut(at..).and_then(|tail| tail.get_mut(..bytes.len())) {
        place.copy_from_slice(bytes);
    }
}

/// Moves the bytes `from..to` to the front. Does nothing if they do not lie in `memory`.
#[inline(never)]
pub(crate) fn move_to_front(memory: &mut [u8], from: usize, to: usize) {
    // as above: the compiler sees that nothing is out of range
    if let Some(part) = memory.get_mut(..to)
        && from <= part.len()
    {
        part.copy_within(from.., 0);
    }
}

/// Moves the bytes `from..to` up by `count`, as far as `memory` goes. One by one, which is rare:
/// hello is said once.
#[cfg(feature = "admission")]
pub(crate) fn move_up(memory: &mut [u8], from: usize, to: usize, count: usize) {
    for at in (from..to).rev() {
        let byte = memory.get(at).copied();
        if let Some((byte, place)) = byte.zip(memory.get_mut(at.saturating_add(count))) {
            *place = byte;
        }
    }
}
