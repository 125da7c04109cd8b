//! What a connection has sent and could not be routed yet.

/// Bytes that were read and wait to be routed, or for what completes them.
///
/// They count in the memory that all share while a connection keeps them: `Connections::keep_rest`
/// adds them, `Connections::take_rest` removes them.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    bytes: Vec<u8>,
    /// Where in `bytes` it begins.
    start: usize,
    /// Routing it was tried and failed. Otherwise it is the beginning of a unit.
    pub(crate) is_blocked: bool,
}

impl Rest {
    pub(crate) fn new(bytes: &[u8], is_blocked: bool) -> Self {
        Self { bytes: bytes.to_vec(), start: 0, is_blocked }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// So many bytes of it are routed.
    pub(crate) fn advance(&mut self, used: usize) {
        self.start += used;
    }

    /// Copies it to the beginning of `buffer`. Returns its length.
    pub(crate) fn move_to(self, buffer: &mut [u8]) -> usize {
        let bytes = self.bytes();
        buffer[..bytes.len()].copy_from_slice(bytes);
        bytes.len()
    }

    /// Bytes of memory that it takes.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity()
    }
}
