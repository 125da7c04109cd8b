//! A time limit for tests of code that could loop for ever: it fails such a test, which would hang
//! otherwise.

use std::io::{Write, stderr};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Far more than any test takes, on any machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Ends the program with a message if it is not dropped in time. A thread cannot be ended, so all
/// other tests of the program end with it.
#[derive(Debug)]
pub(crate) struct TimeLimit {
    /// Closed when the time limit is dropped.
    _open: Sender<()>,
}

impl Default for TimeLimit {
    fn default() -> Self {
        let (open, closed) = channel();
        let current = std::thread::current();
        std::thread::spawn(move || {
            if closed.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                // written at once, whatever becomes of the output of tests
                let name = current.name().unwrap_or("a test");
                let _ = writeln!(stderr(), "{name} has not ended after {LIMIT:?}: an endless loop?");
                std::process::abort();
            }
        });
        Self { _open: open }
    }
}
