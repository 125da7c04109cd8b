//! A message as it came.

/// A message as it came, at least one byte: what [`Message::read`](super::Message::read) reads. It
/// is a type of its own so that other chunks are never taken for calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// Bytes that came otherwise than as an [`Event::Rpc`](crate::link::Event::Rpc), from a
    /// recording for example. `None` for no bytes, which are no message.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Option<Self> {
        if bytes.is_empty() { None } else { Some(Self(bytes)) }
    }

    /// Those of a link.
    #[inline]
    pub(crate) const fn received(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}
