//! Devices of embedded-io 0.6.

use core::fmt;

use embedded_io::ErrorKind;
use embedded_io_06::{Read, ReadReady, Write, WriteReady};

use super::{Driver, Halves};

/// A device with the four traits of embedded-io 0.6: HALs that have not gone on to 0.7.
#[derive(Clone, Debug)]
pub struct Io06<S>(pub S);

/// An error of embedded-io 0.6 as one of 0.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Io06Error<E>(pub E);

impl<E: embedded_io_06::Error> embedded_io::Error for Io06Error<E> {
    fn kind(&self) -> ErrorKind {
        use embedded_io_06::ErrorKind as Of;
        match self.0.kind() {
            Of::ConnectionRefused => ErrorKind::ConnectionRefused,
            Of::ConnectionReset => ErrorKind::ConnectionReset,
            Of::ConnectionAborted => ErrorKind::ConnectionAborted,
            Of::NotConnected => ErrorKind::NotConnected,
            Of::BrokenPipe => ErrorKind::BrokenPipe,
            Of::InvalidData => ErrorKind::InvalidData,
            Of::TimedOut => ErrorKind::TimedOut,
            _ => ErrorKind::Other,
        }
    }
}

impl<E: fmt::Debug> fmt::Display for Io06Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl<E: fmt::Debug> core::error::Error for Io06Error<E> {}

impl<S: Read + ReadReady + Write + WriteReady> Driver for Io06<S> {
    type Error = Io06Error<S::Error>;

    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Self::Error> {
        let is_ready = self.0.read_ready().map_err(Io06Error)?;
        Ok(if is_ready { Some(self.0.read(buffer).map_err(Io06Error)?) } else { None })
    }

    fn send(&mut self, bytes: &[u8]) -> Result<Option<usize>, Self::Error> {
        let is_ready = self.0.write_ready().map_err(Io06Error)?;
        Ok(if is_ready { Some(self.0.write(bytes).map_err(Io06Error)?) } else { None })
    }
}

impl<R, T> embedded_io_06::ErrorType for Halves<R, T>
where
    R: embedded_io_06::ErrorType,
    T: embedded_io_06::ErrorType<Error = R::Error>,
{
    type Error = R::Error;
}

impl<R: Read, T: embedded_io_06::ErrorType<Error = R::Error>> Read for Halves<R, T> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, R::Error> {
        self.receiver.read(buffer)
    }
}

impl<R: ReadReady, T: embedded_io_06::ErrorType<Error = R::Error>> ReadReady for Halves<R, T> {
    fn read_ready(&mut self) -> Result<bool, R::Error> {
        self.receiver.read_ready()
    }
}

impl<R: embedded_io_06::ErrorType, T: Write<Error = R::Error>> Write for Halves<R, T> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, R::Error> {
        self.transmitter.write(bytes)
    }

    fn flush(&mut self) -> Result<(), R::Error> {
        self.transmitter.flush()
    }
}

impl<R: embedded_io_06::ErrorType, T: WriteReady<Error = R::Error>> WriteReady for Halves<R, T> {
    fn write_ready(&mut self) -> Result<bool, R::Error> {
        self.transmitter.write_ready()
    }
}
