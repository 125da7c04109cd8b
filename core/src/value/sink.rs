//! Where values are written to.

/// Takes the bytes of values.
pub trait Sink {
    /// Takes the next bytes. The caller has made sure that there is room for them.
    fn put(&mut self, bytes: &[u8]);
}
