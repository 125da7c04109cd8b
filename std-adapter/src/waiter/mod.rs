//! Sleeping until there is something to do.

mod source;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use peote_net::time::Instant;

pub use source::{Interest, Source};

use crate::readiness::{self, PollFlags, Query, READ};
use crate::{Clock, wake};

/// Sleeps until one of several sources has something to do, a deadline comes, or another thread calls.
///
/// It keeps nothing about its sources between waits and asks anew about what is of interest at that moment, so nothing can be missed:
/// what has not been read yet ends the next wait at once.
///
/// ```
/// use std::io::Write as _;
/// use embedded_io::Read as _;
/// use peote_net::time::Duration;
/// use peote_net_std::{Clock, Interest, Source, TcpTransport, Waiter};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let address = listener.local_addr()?.to_string();
/// let clock = Clock::new();
/// let mut waiter = Waiter::new(clock)?;
/// let mut transport = TcpTransport::connect_blocking(&address, std::time::Duration::from_secs(10))?;
/// # listener.accept()?.0.write_all(b"hello")?;
///
/// let deadline = clock.now() + Duration::from_secs(5);
/// let woken = waiter.wait(&mut [Source::transport(&mut transport, Interest::READ)], Some(deadline))?;
/// if woken.sources > 0 {
///     let mut buffer = [0; 64];
///     let count = transport.read(&mut buffer)?; // does not block
/// #   assert_eq!(&buffer[..count], b"hello");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Waiter {
    clock: Clock,
    called: wake::Receiver,
    waker: Waker,
}

/// What ended a wait. Several things can have come together; none of them: the wait ended early, because of a signal for instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Woken {
    /// How many of the sources are ready. [`Source::is_ready`] says which.
    pub sources: usize,
    /// Whether a [`Waker`] was called since the last wait.
    pub waker: bool,
    /// Whether the deadline has come.
    pub deadline: bool,
}

/// Ends a wait from another thread. Its clones call the same [`Waiter`].
#[derive(Clone, Debug)]
pub struct Waker(Arc<wake::Sender>);

impl Waker {
    /// Ends the wait of the waiter, or its next one if it is not waiting now. Does not block. Many calls before the
    /// waiter wakes are as one, and what was done before the call is visible to the waiter's thread when it wakes.
    pub fn wake(&self) {
        self.0.raise();
    }
}

impl Waiter {
    /// A waiter whose deadlines are instants of `clock`.
    ///
    /// # Errors
    ///
    /// The operating system has no more file descriptors to give.
    pub fn new(clock: Clock) -> io::Result<Self> {
        let (sender, called) = wake::flag()?;
        Ok(Self { clock, called, waker: Waker(Arc::new(sender)) })
    }

    /// A handle with which other threads end a wait.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// **Blocks** until one of `sources` is ready, `deadline` has come, or a [`Waker`] is called; costs no processor time meanwhile. Returns
    /// at once when any of this is so already. It can end early with nothing of it, so that the program looks at what a signal
    /// handler left behind.
    ///
    /// With no source of interest and no deadline, only a `Waker` or a signal ends it.
    ///
    /// # Errors
    ///
    /// The operating system has no memory, or more sources were given than the process may have files open.
    pub fn wait(&mut self, sources: &mut [Source<'_>], deadline: Option<Instant>) -> io::Result<Woken> {
        loop {
            let timeout = sources
                .iter()
                .filter_map(Source::time_left)
                .chain(deadline.map(|deadline| self.clock.until(deadline)))
                .min();
            let Some(called) = self.ask(sources, timeout)? else { return Ok(Woken::default()) };
            if called {
                self.called.lower();
            }
            let woken = Woken {
                sources: sources.iter().filter(|source| source.is_ready()).count(),
                waker: called,
                deadline: deadline.is_some_and(|deadline| self.clock.now() >= deadline),
            };
            // Else the sleep was shorter than the time left, because of the operating system's limits or rounding.
            if woken != Woken::default() {
                return Ok(woken);
            }
        }
    }

    /// One sleep; distributes the answers. Whether a waker was called, or `None` after a signal.
    fn ask(&self, sources: &mut [Source<'_>], timeout: Option<Duration>) -> io::Result<Option<bool>> {
        let mut queries: Vec<Query<'_>> = vec![(self.called.as_fd(), READ)];
        let mut counts = Vec::with_capacity(sources.len());
        for source in sources.iter() {
            let before = queries.len();
            queries.extend(source.queries());
            counts.push(queries.len() - before);
        }
        let answers = match readiness::poll(&queries, timeout) {
            Ok(answers) => answers,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                // Those ready in an earlier wait are not ready in this one.
                let silence = vec![PollFlags::empty(); queries.len()];
                drop(queries);
                distribute(sources, &counts, &silence[1..]);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        drop(queries);
        distribute(sources, &counts, &answers[1..]);
        Ok(Some(!answers[0].is_empty()))
    }
}

fn distribute(sources: &mut [Source<'_>], counts: &[usize], mut answers: &[PollFlags]) {
    for (source, count) in sources.iter_mut().zip(counts) {
        let (own, rest) = answers.split_at(*count);
        source.note(own);
        answers = rest;
    }
}
