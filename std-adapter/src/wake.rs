//! A flag that a thread raises and a readiness loop sees.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::readiness::{AsFd, BorrowedFd};

#[cfg(unix)]
use std::os::unix::net::UnixStream as Socket;

/// Raises the flag; the descriptor of the [`Receiver`] becomes readable.
#[derive(Debug)]
pub(crate) struct Sender {
    socket: Socket,
    raised: Arc<AtomicBool>,
}

/// Sees the flag.
#[derive(Debug)]
pub(crate) struct Receiver {
    socket: Socket,
    raised: Arc<AtomicBool>,
}

/// A new flag, not raised.
pub(crate) fn flag() -> io::Result<(Sender, Receiver)> {
    let (near, far) = Socket::pair()?;
    near.set_nonblocking(true)?;
    far.set_nonblocking(true)?;
    let raised = Arc::new(AtomicBool::new(false));
    Ok((Sender { socket: near, raised: raised.clone() }, Receiver { socket: far, raised }))
}

impl Sender {
    /// Raises the flag. Does not block.
    pub(crate) fn raise(&self) {
        // The socket holds one byte at most, so there is always room for it.
        if !self.raised.swap(true, Ordering::AcqRel) {
            // Fails when the receiver is gone, and then nobody waits for it.
            let _ = (&self.socket).write(&[1]);
        }
    }
}

impl Receiver {
    /// The descriptor that is readable while the flag is raised.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Lowers the flag. To be called when the descriptor is readable.
    pub(crate) fn lower(&self) {
        let _ = (&self.socket).read(&mut [0]);
        // After the byte is out: a `raise` between the two finds the flag up and adds no byte, and
        // what its thread did before is seen by whoever calls this, as if it had come just earlier.
        self.raised.swap(false, Ordering::AcqRel);
    }
}

/// Pairs of sockets exist on Unix only; elsewhere, UDP sockets on the loopback interface that
/// accept packets from each other only.
#[cfg(not(unix))]
#[derive(Debug)]
struct Socket(std::net::UdpSocket);

#[cfg(not(unix))]
impl Socket {
    fn pair() -> io::Result<(Self, Self)> {
        use std::net::{Ipv4Addr, UdpSocket};
        let near = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let far = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        near.connect(far.local_addr()?)?;
        far.connect(near.local_addr()?)?;
        Ok((Self(near), Self(far)))
    }

    fn set_nonblocking(&self, on: bool) -> io::Result<()> {
        self.0.set_nonblocking(on)
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(not(unix))]
impl io::Write for &Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(unix))]
impl io::Read for &Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.recv(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::{READ, poll_one};
    use std::time::Duration;

    fn is_up(receiver: &Receiver) -> bool {
        !poll_one(receiver.as_fd(), READ, Some(Duration::ZERO)).unwrap().is_empty()
    }

    #[test]
    fn raised_often_lowered_once() {
        let (sender, receiver) = flag().unwrap();
        assert!(!is_up(&receiver));
        // More often than any socket buffer has room for.
        for _ in 0..1_000_000 {
            sender.raise();
        }
        assert!(is_up(&receiver));
        receiver.lower();
        assert!(!is_up(&receiver));
        sender.raise();
        assert!(is_up(&receiver));
    }

    #[test]
    fn raising_with_nobody_there_is_harmless() {
        let (sender, receiver) = flag().unwrap();
        drop(receiver);
        sender.raise();
        sender.raise();
    }
}
