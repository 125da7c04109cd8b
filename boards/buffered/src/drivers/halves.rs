//! A receiver and a transmitter as one device.

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};

/// The receiver and the transmitter of one port as one device again. Both have the same error.
///
/// It has each trait that they have: embedded-io's of 0.7, and by feature those of 0.6, of
/// embedded-hal-nb and of embedded-io-async.
#[derive(Clone, Debug)]
pub struct Halves<R, T> {
    /// What receives.
    pub receiver: R,
    /// What transmits.
    pub transmitter: T,
}

impl<R, T> Halves<R, T> {
    /// The two as one.
    pub const fn new(receiver: R, transmitter: T) -> Self {
        Self { receiver, transmitter }
    }
}

impl<R: ErrorType, T: ErrorType<Error = R::Error>> ErrorType for Halves<R, T> {
    type Error = R::Error;
}

impl<R: Read, T: ErrorType<Error = R::Error>> Read for Halves<R, T> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, R::Error> {
        self.receiver.read(buffer)
    }
}

impl<R: ReadReady, T: ErrorType<Error = R::Error>> ReadReady for Halves<R, T> {
    fn read_ready(&mut self) -> Result<bool, R::Error> {
        self.receiver.read_ready()
    }
}

impl<R: ErrorType, T: Write<Error = R::Error>> Write for Halves<R, T> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, R::Error> {
        self.transmitter.write(bytes)
    }

    fn flush(&mut self) -> Result<(), R::Error> {
        self.transmitter.flush()
    }
}

impl<R: ErrorType, T: WriteReady<Error = R::Error>> WriteReady for Halves<R, T> {
    fn write_ready(&mut self) -> Result<bool, R::Error> {
        self.transmitter.write_ready()
    }
}
