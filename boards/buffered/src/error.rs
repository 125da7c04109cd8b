//! What can go wrong.

use core::fmt;

use embedded_io::ErrorKind;

/// Why a [`Buffered`](crate::Buffered) moved nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BufferedError<E> {
    /// There was nothing to read, or no room to write, and a buffer cannot wait. Ask for readiness
    /// first, as a link does.
    NotReady,
    /// The driver's own error.
    Driver(E),
}

impl<E: embedded_io::Error> embedded_io::Error for BufferedError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotReady => ErrorKind::Other,
            Self::Driver(error) => error.kind(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for BufferedError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady => f.write_str("the line is not ready; ask read_ready or write_ready first"),
            Self::Driver(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for BufferedError<E> {}
