//! What is shown, without waiting for a terminal that has been stopped or a pipe that nobody reads.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::AsFd as _;

use peote_net::time::{self, Instant};
use peote_net_examples::Failure;
use peote_net_std::{Clock, Interest, Waiter, Watch};

/// How much is written at once: what a pipe that is ready takes without waiting.
const PIECE: usize = 4096;

/// How much may wait before no further messages are taken from the room.
const FULL: usize = 65_536;

/// Standard output.
pub(crate) struct Screen {
    output: File,
    waiter: Waiter,
    clock: Clock,
    waiting: VecDeque<u8>,
}

impl Screen {
    pub(crate) fn new() -> Result<Self, Failure> {
        let clock = Clock::new();
        let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Self { output, waiter: Waiter::new(clock)?, clock, waiting: VecDeque::new() })
    }

    /// Shows lines, now or as soon as they can be written.
    pub(crate) fn show(&mut self, lines: Vec<String>) -> Result<(), Failure> {
        for line in lines {
            self.waiting.extend(line.bytes().chain([b'\n']));
        }
        self.write(Instant::ZERO)
    }

    /// Whether so much waits that no more should be taken on.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= FULL
    }

    /// For a wait, if something waits to be written.
    pub(crate) fn watch(&self) -> Option<Watch<'_>> {
        (!self.waiting.is_empty()).then(|| Watch::descriptor(&self.output, Interest::WRITE))
    }

    /// Writes what waits, if that takes no longer than so. The rest is lost.
    pub(crate) fn finish(mut self, patience: time::Duration) -> Result<(), Failure> {
        self.write(self.clock.now() + patience)
    }

    fn write(&mut self, deadline: Instant) -> Result<(), Failure> {
        let failed = |error| Failure::Failed(format!("cannot write to standard output: {error}"));
        while !self.waiting.is_empty() {
            let mut watches = [Watch::descriptor(&self.output, Interest::WRITE)];
            let woken = self.waiter.wait(&mut watches, Some(deadline)).map_err(failed)?;
            if woken.ready == 0 {
                return Ok(());
            }
            let piece = &self.waiting.as_slices().0;
            match self.output.write(&piece[..piece.len().min(PIECE)]) {
                Ok(count) => drop(self.waiting.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(())
    }
}
