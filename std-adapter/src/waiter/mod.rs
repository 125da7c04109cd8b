//! Sleeping until there is something to do.

mod interest;
mod watch;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use peote_net::time::Instant;

pub use interest::Interest;
pub use watch::Watch;

use crate::readiness::{self, PollFlags, Query, READ};
use crate::{Clock, wake};

/// Sleeps until one of several things it watches has something to do, a deadline comes, or another
/// thread calls.
///
/// It keeps nothing about them between waits and asks anew about what is of interest at that
/// moment, so nothing can be missed: what has not been read yet ends the next wait at once.
///
/// ```
/// use std::io::Write as _;
/// use embedded_io::Read as _;
/// use peote_net::time::Duration;
/// use peote_net_std::{Clock, Interest, Watch, TcpTransport, Waiter};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let address = listener.local_addr()?.to_string();
/// let clock = Clock::new();
/// let mut waiter = Waiter::new(clock)?;
/// let mut transport = TcpTransport::connect_blocking(&address, std::time::Duration::from_secs(10))?;
/// # listener.accept()?.0.write_all(b"hello")?;
///
/// let deadline = clock.now() + Duration::from_secs(5);
/// let woken = waiter.wait(&mut [Watch::transport(&mut transport, Interest::READ)], Some(deadline))?;
/// if woken.ready > 0 {
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

/// What ended a wait. Several things can have come together; none of them: the wait ended early,
/// because of a signal for instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Woken {
    /// How many of the things watched are ready. [`Watch::is_ready`] says which.
    pub ready: usize,
    /// Whether a [`Waker`] was called since the last wait.
    pub waker: bool,
    /// Whether the deadline has come.
    pub deadline: bool,
}

/// Ends a wait from another thread. Its clones call the same [`Waiter`].
#[derive(Clone, Debug)]
pub struct Waker(Arc<wake::Sender>);

impl Waker {
    /// Ends the wait of the waiter, or its next one if it is not waiting now. Does not block. Many
    /// calls before the waiter wakes are as one, and what was done before the call is visible to
    /// the waiter's thread when it wakes.
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

    /// **Blocks** until one of `watches` is ready, `deadline` has come, or a [`Waker`] is called;
    /// costs no processor time meanwhile. Returns at once when any of this is so already. It can
    /// end early with nothing of it, so that the program looks at what a signal handler left
    /// behind.
    ///
    /// With nothing of interest and no deadline, only a `Waker` or a signal ends it.
    ///
    /// # Errors
    ///
    /// The operating system has no memory, or more is watched than the process may have files open.
    pub fn wait(&mut self, watches: &mut [Watch<'_>], deadline: Option<Instant>) -> io::Result<Woken> {
        self.wait_for(&mut [], watches, deadline)
    }

    /// The same for two lists, whose contents need not be borrowed for the same time.
    pub(crate) fn wait_for(
        &mut self,
        own: &mut [Watch<'_>],
        others: &mut [Watch<'_>],
        deadline: Option<Instant>,
    ) -> io::Result<Woken> {
        loop {
            let until = deadline.map(|deadline| self.clock.until(deadline));
            let timeout = own.iter().chain(others.iter()).filter_map(Watch::time_left).chain(until).min();
            let Some(called) = self.ask(own, others, timeout)? else { return Ok(Woken::default()) };
            if called {
                self.called.lower();
            }
            let woken = Woken {
                ready: own.iter().chain(others.iter()).filter(|watch| watch.is_ready()).count(),
                waker: called,
                deadline: deadline.is_some_and(|deadline| self.clock.now() >= deadline),
            };
            // Else the sleep was shorter than the time left, because of the operating system's
            // limits or rounding.
            if woken != Woken::default() {
                return Ok(woken);
            }
        }
    }

    /// One sleep; distributes the answers. Whether a waker was called, or `None` after a signal.
    fn ask(
        &self,
        own: &mut [Watch<'_>],
        others: &mut [Watch<'_>],
        timeout: Option<Duration>,
    ) -> io::Result<Option<bool>> {
        let mut queries: Vec<Query<'_>> = vec![(self.called.as_fd(), READ)];
        let mut counts = Vec::with_capacity(own.len() + others.len());
        for watch in own.iter().chain(others.iter()) {
            let before = queries.len();
            queries.extend(watch.queries());
            counts.push(queries.len() - before);
        }
        let (answers, interrupted) = match readiness::poll(&queries, timeout) {
            Ok(answers) => (answers, false),
            // What was ready in an earlier wait is not in this one.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                (vec![PollFlags::empty(); queries.len()], true)
            }
            Err(error) => return Err(error),
        };
        drop(queries);
        let (own_counts, other_counts) = counts.split_at(own.len());
        let (called, answers) = (!answers[0].is_empty(), &answers[1..]);
        let answers = distribute(own, own_counts, answers);
        distribute(others, other_counts, answers);
        Ok((!interrupted).then_some(called))
    }
}

/// Gives each watch its answers; returns those that are left.
fn distribute<'a>(
    watches: &mut [Watch<'_>],
    counts: &[usize],
    mut answers: &'a [PollFlags],
) -> &'a [PollFlags] {
    for (watch, count) in watches.iter_mut().zip(counts) {
        let (own, rest) = answers.split_at(*count);
        watch.note(own);
        answers = rest;
    }
    answers
}
