//! The transport of a link.

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};
use peote_net::time::Instant;

use crate::error::SerialError;
use crate::serial::SerialLine;

impl<const TRANSMIT: usize, const RECEIVE: usize> SerialLine<TRANSMIT, RECEIVE> {
    /// Moves bytes between this end and a line that says when it is ready: what has come, then what
    /// is to go, as far as the line takes it. Never waits.
    ///
    /// At most `4 × RECEIVE` bytes are read at once, so a line that brings bytes without end does
    /// not keep the call.
    ///
    /// # Errors
    ///
    /// Those of the line. Bytes that a UART has lost (overrun, framing) are noise as any other:
    /// go on polling. The connection survives.
    pub fn poll<L>(&mut self, line: &mut L, now: Instant) -> Result<(), L::Error>
    where
        L: Read + ReadReady + Write + WriteReady,
    {
        for _ in 0..RECEIVE.saturating_mul(4) {
            let mut byte = [0];
            if !line.read_ready()? || line.read(&mut byte)? == 0 {
                break;
            }
            self.receive(byte[0], now);
        }
        self.send(line, now)
    }

    /// Moves what is to go, and takes nothing: the last call before sleeping. What comes meanwhile
    /// stays with the line, which then wakes the loop.
    ///
    /// # Errors
    ///
    /// Those of the line; see [`Self::poll`].
    pub fn send<L: Write + WriteReady>(&mut self, line: &mut L, now: Instant) -> Result<(), L::Error> {
        while line.write_ready()? {
            let Some(byte) = self.transmit(now) else { return line.flush() };
            line.write(&[byte])?;
        }
        Ok(())
    }
}

impl<const TRANSMIT: usize, const RECEIVE: usize> ErrorType for SerialLine<TRANSMIT, RECEIVE> {
    type Error = SerialError;
}

impl<const TRANSMIT: usize, const RECEIVE: usize> ReadReady for SerialLine<TRANSMIT, RECEIVE> {
    fn read_ready(&mut self) -> Result<bool, SerialError> {
        Ok(self.core.unread() != 0 || self.is_over())
    }
}

impl<const TRANSMIT: usize, const RECEIVE: usize> Read for SerialLine<TRANSMIT, RECEIVE> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SerialError> {
        match self.core.take(&self.received, buffer) {
            0 if !buffer.is_empty() && self.core.why != SerialError::Ended => Err(self.core.why),
            count => Ok(count),
        }
    }
}

impl<const TRANSMIT: usize, const RECEIVE: usize> WriteReady for SerialLine<TRANSMIT, RECEIVE> {
    fn write_ready(&mut self) -> Result<bool, SerialError> {
        Ok(self.core.writable(TRANSMIT) != 0 || self.is_over())
    }
}

impl<const TRANSMIT: usize, const RECEIVE: usize> Write for SerialLine<TRANSMIT, RECEIVE> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, SerialError> {
        match self.core.put(&mut self.to_send, bytes) {
            0 if !bytes.is_empty() => Err(self.core.why),
            count => Ok(count),
        }
    }

    /// Does nothing: [`SerialLine::poll`] and [`SerialLine::transmit`] send.
    fn flush(&mut self) -> Result<(), SerialError> {
        Ok(())
    }
}
