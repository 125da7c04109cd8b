//! Looking up host names beside the loop.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

use crate::readiness::BorrowedFd;
use crate::wake;

/// A look-up under way. When it is dropped, its thread ends as soon as the operating system has
/// answered.
#[derive(Debug)]
pub(super) struct Resolution {
    answer: Receiver<io::Result<Vec<SocketAddr>>>,
    done: wake::Receiver,
}

impl Resolution {
    /// Runs `look_up` on a thread of its own.
    pub(super) fn start(
        look_up: impl FnOnce() -> io::Result<Vec<SocketAddr>> + Send + 'static,
    ) -> io::Result<Self> {
        let (signal, done) = wake::flag()?;
        let (sender, answer) = channel();
        thread::Builder::new().name("name look-up".into()).spawn(move || {
            // Nobody may be listening any more.
            let _ = sender.send(look_up());
            signal.raise();
        })?;
        Ok(Self { answer, done })
    }

    /// The answer, once it is there.
    pub(super) fn answer(&self) -> Option<io::Result<Vec<SocketAddr>>> {
        match self.answer.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(io::Error::other("the look-up panicked"))),
        }
    }

    /// The descriptor that becomes readable when the answer is there.
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.done.as_fd()
    }
}

/// The operating system's look-up. Blocks.
pub(super) fn system(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok((host, port).to_socket_addrs()?.collect())
}
