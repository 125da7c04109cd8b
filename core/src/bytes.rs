//! Copying that cannot panic.

/// Copies `bytes` to `memory`, from `at` on. Does nothing if they do not fit.
#[cfg_attr(feature = "speed", inline)]
pub(crate) fn copy_to(memory: &mut [u8], at: usize, bytes: &[u8]) {
    // in this shape the compiler sees that both lengths are the same, and leaves out the panic
    if let Some(place) = memory.get_mut(at..).and_then(|tail| tail.get_mut(..bytes.len())) {
        place.copy_from_slice(bytes);
    }
}
