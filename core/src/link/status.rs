//! Whether a link has a connection.

/// Whether there is a connection, as far as a link has found out by itself. A transport that is
/// still connecting says only that it is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)] // so that a new link in a `static` lies in .bss
pub enum Status {
    /// Nothing has gone over the transport yet, in either direction.
    Connecting,
    /// Something has.
    Connected,
    /// The connection is lost, and the link has not been polled with another transport.
    Lost,
}
