//! Serial ports of embedded-hal-nb.

use core::fmt;

use embedded_hal_nb::nb;
use embedded_hal_nb::serial;
use embedded_io::ErrorKind;

use super::{Driver, Halves};

/// A serial port with embedded-hal-nb's `serial::Read` and `serial::Write`, both in one value. Two
/// halves are made one by [`Halves`].
///
/// A byte that came damaged or was overrun is an error: the bytes are a stream, and one is missing.
/// A plain line without flow control and checksums is for the workbench.
#[derive(Clone, Debug)]
pub struct Serial<S>(pub S);

/// What a serial port has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SerialError {
    /// Bytes came faster than they were read, and were lost.
    Overrun,
    /// A byte came damaged.
    Damaged,
    /// Something else.
    Other,
}

impl SerialError {
    fn of(error: &impl serial::Error) -> Self {
        match error.kind() {
            serial::ErrorKind::Overrun => Self::Overrun,
            serial::ErrorKind::FrameFormat | serial::ErrorKind::Parity | serial::ErrorKind::Noise => {
                Self::Damaged
            }
            _ => Self::Other,
        }
    }
}

impl embedded_io::Error for SerialError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Overrun | Self::Damaged => ErrorKind::InvalidData,
            Self::Other => ErrorKind::Other,
        }
    }
}

impl fmt::Display for SerialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overrun => "the serial port lost bytes, which came faster than they were read",
            Self::Damaged => "a byte came damaged from the serial port",
            Self::Other => "the serial port failed",
        })
    }
}

impl core::error::Error for SerialError {}

/// Moves bytes one by one until it would block. What was moved before an error counts; the error
/// comes with the next call.
fn each<T, E: serial::Error>(
    items: impl Iterator<Item = T>,
    mut step: impl FnMut(T) -> nb::Result<(), E>,
) -> Result<Option<usize>, SerialError> {
    let mut count = 0_usize;
    for item in items {
        match step(item) {
            Ok(()) => count = count.saturating_add(1),
            Err(nb::Error::Other(error)) if count == 0 => return Err(SerialError::of(&error)),
            Err(_) => break,
        }
    }
    Ok((count > 0).then_some(count))
}

impl<S: serial::Read + serial::Write> Driver for Serial<S> {
    type Error = SerialError;

    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, SerialError> {
        each(buffer.iter_mut(), |place| self.0.read().map(|byte| *place = byte))
    }

    fn send(&mut self, bytes: &[u8]) -> Result<Option<usize>, SerialError> {
        each(bytes.iter(), |byte| self.0.write(*byte))
    }
}

impl<R: serial::ErrorType, T: serial::ErrorType<Error = R::Error>> serial::ErrorType for Halves<R, T> {
    type Error = R::Error;
}

impl<R: serial::Read, T: serial::ErrorType<Error = R::Error>> serial::Read for Halves<R, T> {
    fn read(&mut self) -> nb::Result<u8, R::Error> {
        self.receiver.read()
    }
}

impl<R: serial::ErrorType, T: serial::Write<Error = R::Error>> serial::Write for Halves<R, T> {
    fn write(&mut self, byte: u8) -> nb::Result<(), R::Error> {
        self.transmitter.write(byte)
    }

    fn flush(&mut self) -> nb::Result<(), R::Error> {
        self.transmitter.flush()
    }
}
