//! Where strings are unescaped, and bytes are decoded.

use crate::Error;

/// `N` bytes; with the feature `alloc` as many as it takes.
pub(crate) struct Room<const N: usize> {
    fixed: [u8; N],
    #[cfg(feature = "alloc")]
    heap: alloc::vec::Vec<u8>,
}

impl<const N: usize> Room<N> {
    pub(crate) const fn new() -> Self {
        Self {
            fixed: [0; N],
            #[cfg(feature = "alloc")]
            heap: alloc::vec::Vec::new(),
        }
    }

    /// Returns `len` bytes with any content, or `error` if there are not as many.
    pub(crate) fn take(&mut self, len: usize, error: Error) -> Result<&mut [u8], Error> {
        #[cfg(feature = "alloc")]
        if len > N {
            if self.heap.len() < len {
                self.heap.resize(len, 0);
            }
            return self.heap.get_mut(..len).ok_or(error);
        }
        self.fixed.get_mut(..len).ok_or(error)
    }
}
