//! What a waiter waits for.

use std::time::Duration;

#[cfg(unix)]
use crate::readiness::BorrowedFd;
use crate::readiness::{AsFd, PollFlags, Query};
use crate::{Connecting, Interest, TcpTransport};

/// One of the things a [`Waiter`](crate::Waiter) waits for, borrowed for the length of the wait.
#[derive(Debug)]
#[must_use = "it is for a wait"]
pub struct Watch<'a> {
    kind: Kind<'a>,
    ready: bool,
}

#[derive(Debug)]
enum Kind<'a> {
    Transport(&'a mut TcpTransport, Interest),
    Connecting(&'a Connecting),
    #[cfg(unix)]
    Descriptor(BorrowedFd<'a>, Interest),
}

impl<'a> Watch<'a> {
    /// A transport; ready when a `read` or `write`, whichever is of interest, returns at once.
    pub fn transport(transport: &'a mut TcpTransport, interest: Interest) -> Self {
        Self::new(Kind::Transport(transport, interest))
    }

    /// A connection that is being made; ready when [`Connecting::poll`] gets further, by its
    /// timeout too.
    pub fn connecting(connecting: &'a Connecting) -> Self {
        Self::new(Kind::Connecting(connecting))
    }

    /// Anything else that has a file descriptor: the standard input, a pipe, another socket. Ready
    /// when a `read` or `write` of at least one byte returns at once.
    ///
    /// Regular files are always ready, and so is a pipe or terminal at its end: read it until it
    /// says so (`Ok(0)`), then leave it out of the following waits. [`std::io::stdin`] keeps lines
    /// that it has read ahead, which no wait can see; [`Lines`](crate::Lines) does not have this
    /// problem. macOS cannot wait for devices such as `/dev/null`.
    #[cfg(unix)]
    pub fn descriptor(descriptor: &'a impl AsFd, interest: Interest) -> Self {
        Self::new(Kind::Descriptor(descriptor.as_fd(), interest))
    }

    fn new(kind: Kind<'a>) -> Self {
        Self { kind, ready: false }
    }

    /// Whether the last wait ended with this one ready, for the interest it was given.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// What is to be asked of the operating system.
    pub(super) fn queries(&self) -> Vec<Query<'_>> {
        let (descriptor, flags) = match &self.kind {
            Kind::Transport(transport, interest) => (transport.socket().as_fd(), transport.flags(*interest)),
            #[cfg(unix)]
            Kind::Descriptor(descriptor, interest) => (*descriptor, interest.flags()),
            Kind::Connecting(connecting) => return connecting.queries(),
        };
        // Errors and hang-ups are reported for whatever is asked about, so what is of no interest
        // is not asked about: else a paused link whose connection has broken would never sleep
        // again.
        if flags.is_empty() { Vec::new() } else { vec![(descriptor, flags)] }
    }

    /// How long it may sleep at most. `None`: no limit.
    pub(super) fn time_left(&self) -> Option<Duration> {
        match &self.kind {
            Kind::Connecting(connecting) => connecting.time_left(),
            Kind::Transport(transport, interest) => {
                let ready = interest.read && transport.known_readable()
                    || interest.write && transport.known_writable();
                ready.then_some(Duration::ZERO)
            }
            #[cfg(unix)]
            Kind::Descriptor(..) => None,
        }
    }

    /// Takes the answers to its queries.
    pub(super) fn note(&mut self, answers: &[PollFlags]) {
        let mut answered = false;
        for answer in answers {
            answered |= match &mut self.kind {
                Kind::Transport(transport, _) => transport.note(*answer),
                _ => !answer.is_empty(),
            };
        }
        self.ready = answered || self.time_left() == Some(Duration::ZERO);
    }
}
