//! What is typed, read at all times, and kept until it can be said.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal as _};
use std::task::Poll;

use peote_net::link::{Out, SendError};
use peote_net::time::{Duration, Instant};
use peote_net_examples::Failure;
use peote_net_examples::chat::{Command, Session};
use peote_net_std::{Lines, Watch};

/// How many bytes may wait. A pipe is not read any further then; at a terminal what is typed is
/// refused.
const MAX_WAITING: usize = 1 << 20;

/// How long `/quit` waits until what was typed before it has been said.
const PATIENCE: Duration = Duration::from_secs(3);

/// The keyboard, or a pipe or file in its place.
pub(crate) struct Keyboard {
    lines: Lines<File>,
    is_terminal: bool,
    /// In the order in which it was typed.
    waiting: VecDeque<(Command, usize)>,
    waiting_bytes: usize,
    end: Option<End>,
    /// All that there is has been read.
    is_read: bool,
}

/// Why nothing more is to be said.
#[derive(Clone, Copy)]
enum End {
    /// `/quit`, or the end of what somebody types. What waits is given until then.
    Asked(Instant),
    /// The end of a pipe or file: all that came out of it is to be said.
    Input,
}

impl Keyboard {
    pub(crate) fn new() -> Result<Self, Failure> {
        let (lines, is_terminal) = (Lines::stdin()?, io::stdin().is_terminal());
        Ok(Self { lines, is_terminal, waiting: VecDeque::new(), waiting_bytes: 0, end: None, is_read: false })
    }

    /// Reads what there is, whether it can be said now or not.
    pub(crate) fn read(&mut self, session: &mut Session, now: Instant) -> Result<(), Failure> {
        self.is_read = false;
        while self.end.is_none() && (self.is_terminal || !self.is_full()) {
            match self.lines.poll_line() {
                Ok(Poll::Ready(Some(line))) => self.typed(&line, session, now),
                Ok(Poll::Ready(None)) if self.is_terminal => self.end = Some(End::Asked(now + PATIENCE)),
                Ok(Poll::Ready(None)) => self.end = Some(End::Input),
                Ok(Poll::Pending) => {
                    self.is_read = true;
                    break;
                }
                Err(error) if error.kind() == ErrorKind::InvalidData => {
                    session.show("that line is too long to be said");
                }
                Err(error) => return Err(Failure::Failed(format!("standard input: {error}"))),
            }
        }
        Ok(())
    }

    const fn is_full(&self) -> bool {
        self.waiting_bytes >= MAX_WAITING
    }

    fn typed(&mut self, line: &str, session: &mut Session, now: Instant) {
        match Command::parse(line) {
            Command::Quit => self.end = Some(End::Asked(now + PATIENCE)),
            Command::Nothing => {}
            _ if self.is_full() => {
                session.show("too much waits to be said already; that is not said");
            }
            command => {
                self.waiting_bytes += line.len();
                self.waiting.push_back((command, line.len()));
            }
        }
    }

    /// Says what waits, as far as it can be said now.
    pub(crate) fn say(&mut self, session: &mut Session, out: &mut Out<'_>) -> Result<(), Failure> {
        while session.is_inside()
            && let Some((command, length)) = self.waiting.front()
        {
            match session.type_in(command, out) {
                Ok(()) => {
                    self.waiting_bytes -= length;
                    self.waiting.pop_front();
                }
                Err(SendError::WouldBlock) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Whether it is time to leave: all has been said, or there was time enough for it. A pipe that
    /// has ended before the room was reached waits for the room.
    pub(crate) fn is_over(&self, has_been_inside: bool, now: Instant) -> bool {
        match self.end {
            None => false,
            Some(End::Asked(until)) => self.waiting.is_empty() || until <= now,
            Some(End::Input) => self.waiting.is_empty() && has_been_inside,
        }
    }

    /// Whether somebody waits for the program to end.
    pub(crate) const fn is_asked_to_end(&self) -> bool {
        matches!(self.end, Some(End::Asked(_)))
    }

    /// How much was typed and has not been said.
    pub(crate) fn unsaid(&self) -> usize {
        self.waiting.len()
    }

    /// When [`is_over`](Self::is_over) may change without anything else.
    pub(crate) const fn next_deadline(&self) -> Option<Instant> {
        match self.end {
            Some(End::Asked(until)) => Some(until),
            _ => None,
        }
    }

    /// For a wait, if there is something to wait for.
    pub(crate) fn watch(&self) -> Option<Watch<'_>> {
        self.is_read.then(|| self.lines.watch())
    }
}
