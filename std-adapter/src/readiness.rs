//! Asking the operating system what is ready: `poll(2)` in one place.

use std::io;
use std::time::Duration;

pub(crate) use rustix::event::PollFlags;
use rustix::event::{PollFd, Timespec};
pub(crate) use rustix::fd::{AsFd, BorrowedFd};

/// Some systems take no longer timeout than 2³¹ ms. Who waits longer waits again.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A descriptor, and what is asked of it.
pub(crate) type Query<'a> = (BorrowedFd<'a>, PollFlags);

/// The next `read` returns at once: data, the end, or an error.
pub(crate) const READ: PollFlags = PollFlags::IN;
/// The next `write` returns at once: bytes taken, or an error.
pub(crate) const WRITE: PollFlags = PollFlags::OUT;

/// Sleeps until something asked for is there or `timeout` (at most a day; `None`: no end) is over.
/// Answers with what is there for each query, in their order; errors and hang-ups are reported
/// without having been asked for.
///
/// Fails with [`io::ErrorKind::Interrupted`] when a signal came.
pub(crate) fn poll(queries: &[Query<'_>], timeout: Option<Duration>) -> io::Result<Vec<PollFlags>> {
    let mut entries: Vec<PollFd<'_>> =
        queries.iter().map(|(fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
    poll_entries(&mut entries, timeout)?;
    Ok(entries.iter().map(PollFd::revents).collect())
}

/// The same for one descriptor; does not allocate, and goes on waiting after a signal.
pub(crate) fn poll_one(
    fd: BorrowedFd<'_>,
    flags: PollFlags,
    timeout: Option<Duration>,
) -> io::Result<PollFlags> {
    let mut entries = [PollFd::from_borrowed_fd(fd, flags)];
    loop {
        match poll_entries(&mut entries, timeout) {
            Ok(()) => return Ok(entries[0].revents()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn poll_entries(entries: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = match timeout {
        Some(timeout) => Some(Timespec::try_from(timeout.min(LONGEST)).map_err(io::Error::other)?),
        None => None,
    };
    rustix::event::poll(entries, timeout.as_ref())?;
    Ok(())
}

/// Whether a `read` returns at once, by the answer for a socket.
pub(crate) fn is_readable(answer: PollFlags) -> bool {
    answer.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
}

/// Whether a `write` returns at once, by the answer for a socket.
pub(crate) fn is_writable(answer: PollFlags) -> bool {
    // Not a hang-up by itself: some systems report it as soon as the *other* side has ended its
    // half.
    answer.intersects(PollFlags::OUT | PollFlags::ERR | PollFlags::NVAL)
}
