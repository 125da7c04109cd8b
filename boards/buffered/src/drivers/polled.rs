//! Devices of embedded-io-async.

use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embedded_io_async::{Read, Write};

use super::{Driver, Halves};

/// A device with embedded-io-async's `Read` and `Write`, polled: embassy's buffered UARTs, USB,
/// sockets of embassy-net.
///
/// Each call makes the device's future, polls it once, and drops it if it waits. So the device's
/// `read` and `write` must lose nothing when they are dropped while they wait. Devices that an
/// interrupt fills (buffered UARTs) and sockets are so; DMA into the caller's buffer is not.
///
/// The device tells the waker of [`set_waker`](Self::set_waker) when it can go on. Without a waker
/// a loop has to poll.
#[derive(Clone, Debug)]
pub struct Polled<S> {
    device: S,
    waker: Option<Waker>,
}

impl<S> Polled<S> {
    /// The device as a driver, without a waker.
    pub const fn new(device: S) -> Self {
        Self { device, waker: None }
    }

    /// Sets who is woken when the device can go on. Holds from the next call on.
    pub fn set_waker(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(present) => present.clone_from(waker),
            None => self.waker = Some(waker.clone()),
        }
    }

    /// The device.
    pub const fn device(&mut self) -> &mut S {
        &mut self.device
    }
}

/// Polls once.
fn once<T, E>(future: impl Future<Output = Result<T, E>>, waker: Option<&Waker>) -> Result<Option<T>, E> {
    match pin!(future).poll(&mut Context::from_waker(waker.unwrap_or(Waker::noop()))) {
        Poll::Ready(result) => result.map(Some),
        Poll::Pending => Ok(None),
    }
}

impl<S: Read + Write> Driver for Polled<S> {
    type Error = S::Error;

    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, S::Error> {
        once(self.device.read(buffer), self.waker.as_ref())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<Option<usize>, S::Error> {
        once(self.device.write(bytes), self.waker.as_ref())
    }
}

impl<R: Read, T: embedded_io_async::ErrorType<Error = R::Error>> Read for Halves<R, T> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, R::Error> {
        self.receiver.read(buffer).await
    }
}

impl<R: embedded_io_async::ErrorType, T: Write<Error = R::Error>> Write for Halves<R, T> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, R::Error> {
        self.transmitter.write(bytes).await
    }

    async fn flush(&mut self) -> Result<(), R::Error> {
        self.transmitter.flush().await
    }
}
