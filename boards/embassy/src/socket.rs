//! What a task can wait for.

use core::task::{Context, Poll};

use embedded_io::{Read, ReadReady, Write, WriteReady};
use peote_net_buffered::{Buffered, Polled};

/// A transport that a task can wait for.
///
/// `TcpTransport` is one (feature `net`), and so is `Buffered<Polled<S>, …>` for every device
/// `S` with embedded-io-async's `Read` and `Write`.
pub trait Socket: Read + ReadReady + Write + WriteReady {
    /// Returns `Ready` if `read` is true and the socket is readable, or `write` is true and it is
    /// writable. An end and a broken connection count as both. Otherwise the context's task is
    /// woken when that may have changed.
    fn poll_ready(&mut self, context: &mut Context<'_>, read: bool, write: bool) -> Poll<()>;
}

impl<S: Socket + ?Sized> Socket for &mut S {
    fn poll_ready(&mut self, context: &mut Context<'_>, read: bool, write: bool) -> Poll<()> {
        S::poll_ready(self, context, read, write)
    }
}

impl<S, const RECEIVE: usize, const TRANSMIT: usize> Socket for Buffered<Polled<S>, RECEIVE, TRANSMIT>
where
    S: embedded_io_async::Read + embedded_io_async::Write,
{
    /// What waits to be sent is moved on here as well, so it leaves while the task sleeps.
    fn poll_ready(&mut self, context: &mut Context<'_>, read: bool, write: bool) -> Poll<()> {
        self.driver().set_waker(context.waker());
        // an error of either direction makes both of them ready
        let is_writable = matches!(self.write_ready(), Ok(true) | Err(_));
        let is_readable = read && matches!(self.read_ready(), Ok(true) | Err(_));
        if is_readable || (write && is_writable) { Poll::Ready(()) } else { Poll::Pending }
    }
}
