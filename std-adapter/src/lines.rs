//! Lines of text from a descriptor, without blocking.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::task::Poll;
use std::time::Duration;

use crate::readiness::{self, READ};
use crate::{Interest, Watch};

/// Reads lines from a terminal, a pipe or a file, and never waits for one: for what a user types
/// while the program does something else.
///
/// [`std::io::stdin`] is of no use for that: it blocks, and it may hold lines that waiting for its
/// descriptor does not show.
///
/// ```no_run
/// use std::task::Poll;
/// use peote_net_std::{Clock, Lines, Waiter};
/// # fn main() -> std::io::Result<()> {
/// let mut waiter = Waiter::new(Clock::new())?;
/// let mut input = Lines::stdin()?;
/// loop {
///     match input.poll_line()? {
///         Poll::Ready(Some(line)) => println!("you said {line}"),
///         Poll::Ready(None) => break, // the end of the input
///         Poll::Pending => {
///             waiter.wait(&mut [input.watch()], None)?; // and for other things
///         }
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Lines<F> {
    input: F,
    /// What was read and not yet handed out. A line feed in it lies at `searched` or later.
    text: Vec<u8>,
    searched: usize,
    /// The line that is being read is too long, which has been told.
    is_skipping: bool,
    ended: bool,
}

impl Lines<File> {
    /// The lines of the standard input. Other code must not read it meanwhile.
    ///
    /// # Errors
    ///
    /// The standard input is closed, or the process has too many files open.
    pub fn stdin() -> io::Result<Self> {
        // A descriptor of its own, without the buffer of `std::io::Stdin`.
        Ok(Self::new(File::from(io::stdin().as_fd().try_clone_to_owned()?)))
    }
}

impl<F: Read + AsFd> Lines<F> {
    /// The longest line, in bytes.
    pub const MAX_LINE: usize = 65_536;

    /// The lines of `input`, which must not have a buffer of its own.
    pub fn new(input: F) -> Self {
        Self { input, text: Vec::new(), searched: 0, is_skipping: false, ended: false }
    }

    /// The next line, without its line feed or carriage return and line feed; `None` at the end of
    /// the input, and again whenever asked after that; `Pending` when no whole line is there yet.
    /// Text behind the last line feed is a line too. Bytes that are not UTF-8 become U+FFFD.
    ///
    /// Does not block. Reads at most once.
    ///
    /// # Errors
    ///
    /// What reading reports; [`io::ErrorKind::InvalidData`] for a line longer than
    /// [`MAX_LINE`](Self::MAX_LINE), which is passed over, once for each.
    pub fn poll_line(&mut self) -> io::Result<Poll<Option<String>>> {
        if let Some(line) = self.take_line()? {
            return Ok(Poll::Ready(Some(line)));
        }
        if !self.ended {
            self.read_some()?;
            if let Some(line) = self.take_line()? {
                return Ok(Poll::Ready(Some(line)));
            }
        }
        if self.ended {
            let rest = std::mem::take(&mut self.text);
            self.searched = 0;
            return Ok(Poll::Ready((!rest.is_empty()).then(|| to_line(&rest))));
        }
        Ok(Poll::Pending)
    }

    /// For a wait after [`poll_line`](Self::poll_line) was `Pending`: ready when there is more to
    /// read, or the end. After the end it would never sleep, so it is of no interest then.
    pub fn watch(&self) -> Watch<'_> {
        Watch::descriptor(&self.input, if self.ended { Interest::NONE } else { Interest::READ })
    }

    /// Whether the end of the input was read. Lines before it may still be waiting in here.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn read_some(&mut self) -> io::Result<()> {
        if readiness::poll_one(self.input.as_fd(), READ, Some(Duration::ZERO))?.is_empty() {
            return Ok(());
        }
        let mut piece = [0; 4096];
        match self.input.read(&mut piece) {
            Ok(0) => self.ended = true,
            Ok(count) => self.text.extend_from_slice(&piece[..count]),
            Err(error) if is_temporary(&error) => {}
            Err(error) => {
                self.ended = true;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Takes the next line out that has come whole.
    fn take_line(&mut self) -> io::Result<Option<String>> {
        loop {
            let found = self.text[self.searched..].iter().position(|byte| *byte == b'\n');
            let Some(length) = found else {
                self.searched = self.text.len();
                let is_too_long = self.searched > Self::MAX_LINE;
                if is_too_long || self.is_skipping {
                    self.text.clear();
                    self.searched = 0;
                }
                if is_too_long && !std::mem::replace(&mut self.is_skipping, true) {
                    return Err(too_long());
                }
                return Ok(None);
            };
            let end = self.searched + length;
            let line = (end <= Self::MAX_LINE).then(|| to_line(&self.text[..end]));
            self.text.drain(..=end);
            self.searched = 0;
            if !std::mem::take(&mut self.is_skipping) {
                return line.ok_or_else(too_long).map(Some);
            }
        }
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a line is too long")
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn to_line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes)).into_owned()
}
