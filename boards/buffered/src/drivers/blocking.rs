//! Devices that wait when they write.

use embedded_io::{Read, ReadReady, Write};

use super::Driver;

/// A device with embedded-io's `Read`, `ReadReady` and `Write`, whose `write` waits until the
/// device has taken something.
///
/// A poll of the link then takes as long as that: at 115,200 baud a buffer of 64 bytes leaves in
/// 5.6 ms. A device without `ReadReady` cannot be used: its `read` may wait for ever.
#[derive(Clone, Debug)]
pub struct Blocking<S>(pub S);

impl<S: Read + ReadReady + Write> Driver for Blocking<S> {
    type Error = S::Error;

    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, S::Error> {
        Ok(if self.0.read_ready()? { Some(self.0.read(buffer)?) } else { None })
    }

    fn send(&mut self, bytes: &[u8]) -> Result<Option<usize>, S::Error> {
        self.0.write(bytes).map(Some)
    }
}
