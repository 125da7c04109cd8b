//! Drivers that a transport can be made of.

mod blocking;
mod halves;
#[cfg(feature = "io-06")]
mod io_06;
#[cfg(feature = "nal")]
mod nal;
#[cfg(feature = "nb")]
mod nb;
#[cfg(feature = "async")]
mod polled;

pub use blocking::Blocking;
pub use halves::Halves;
#[cfg(feature = "io-06")]
pub use io_06::{Io06, Io06Error};
#[cfg(feature = "nal")]
pub use nal::{NalError, NalSocket};
#[cfg(feature = "nb")]
pub use nb::{Serial, SerialError};
#[cfg(feature = "async")]
pub use polled::Polled;

/// A byte line whose functions say "would block". Their names do not matter.
///
/// ```
/// use peote_net_buffered::{Buffered, Driver};
///
/// /// A modem's socket.
/// struct Modem;
/// # impl Modem { fn take(&mut self, _: &mut [u8]) -> usize { 0 } fn give(&mut self, b: &[u8]) -> usize { b.len() } }
///
/// impl Driver for Modem {
///     type Error = embedded_io::ErrorKind;
///
///     fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Self::Error> {
///         let count = self.take(buffer);
///         Ok((count > 0).then_some(count))
///     }
///
///     fn send(&mut self, bytes: &[u8]) -> Result<Option<usize>, Self::Error> {
///         Ok(Some(self.give(bytes)))
///     }
/// }
///
/// let transport = Buffered::<_, 256, 256>::new(Modem);
/// # let _ = transport;
/// ```
pub trait Driver {
    /// Why the connection is lost.
    type Error: embedded_io::Error;

    /// Receives up to as many bytes as `buffer` has; it is never empty. `Ok(None)`: nothing has
    /// come. `Ok(Some(0))`: the other side has ended the connection.
    ///
    /// # Errors
    /// The connection is lost. A driver tells so again if it is asked again.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Self::Error>;

    /// Sends the first of `bytes`, which are never none, and returns how many of them.
    /// `Ok(None)`, or `Ok(Some(0))`: the driver is busy.
    ///
    /// # Errors
    /// The connection is lost. A driver tells so again if it is asked again.
    fn send(&mut self, bytes: &[u8]) -> Result<Option<usize>, Self::Error>;
}

impl<D: Driver + ?Sized> Driver for &mut D {
    type Error = D::Error;

    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Self::Error> {
        D::receive(self, buffer)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<Option<usize>, Self::Error> {
        D::send(self, bytes)
    }
}
