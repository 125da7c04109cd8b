//! Places of connections: where each stands in tables.

use peote_net::relay::ConnectionId;

/// An id's place.
#[inline]
pub(crate) const fn index(id: ConnectionId) -> u32 {
    narrow(id.index())
}

/// A place of a connection, which fits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the core counts connections with 32 bits")]
pub(crate) const fn narrow(index: usize) -> u32 {
    index as u32
}
