//! A board: a link over a serial line over wires with noise.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read as _, Write as _};

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use peote_net::link::{Channel, EnteredChannel, Event, Link, LinkBuffers, Mode, SendError};
use peote_net_serial::{SerialError, SerialLine};
use peote_net_std::Clock;
use peote_net_testkit::random::Random;

use super::{Pty, wait};

type Line = SerialLine<256, 256>;
type Memory = LinkBuffers<64, 1, 0, 320, 64>;

/// What happens to bytes, in ten thousandths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noise {
    pub(crate) lost: usize,
    pub(crate) flipped: usize,
}

/// The wires of both directions.
pub(crate) struct Wire {
    tty: File,
    came: VecDeque<u8>,
    noise: Noise,
    random: Random,
    pub(crate) is_cut: bool,
    pub(crate) disturbed: usize,
}

impl Wire {
    pub(crate) fn new(line: &Pty, noise: Noise, seed: u64) -> Self {
        let (tty, random) = (line.board().unwrap(), Random::new(seed));
        Self { tty, came: VecDeque::new(), noise, random, is_cut: false, disturbed: 0 }
    }

    fn disturb(&mut self, byte: u8) -> Option<u8> {
        let chance = self.random.below(10_000);
        if self.is_cut || chance < self.noise.lost {
            self.disturbed += 1;
            return None;
        }
        if chance < self.noise.lost + self.noise.flipped {
            self.disturbed += 1;
            return Some(byte ^ (1 << self.random.below(8)));
        }
        Some(byte)
    }
}

impl ErrorType for Wire {
    type Error = ErrorKind;
}

impl ReadReady for Wire {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        let mut buffer = [0; 256];
        // an error: nobody has the other side open
        if let Ok(count) = self.tty.read(&mut buffer) {
            for byte in &buffer[..count] {
                if let Some(byte) = self.disturb(*byte) {
                    self.came.push_back(byte);
                }
            }
        }
        Ok(!self.came.is_empty())
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        let count = buffer.len().min(self.came.len());
        for (place, byte) in buffer.iter_mut().zip(self.came.drain(..count)) {
            *place = byte;
        }
        Ok(count)
    }
}

impl WriteReady for Wire {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(true)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        for byte in bytes {
            if let Some(byte) = self.disturb(*byte) {
                // a full terminal loses bytes as any UART does
                let _ = self.tty.write(&[byte]);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

pub(crate) struct Board {
    pub(crate) wire: Wire,
    clock: Clock,
    line: Box<Line>,
    link: Box<Link<Memory>>,
    channel: Option<EnteredChannel>,
    chunks: VecDeque<Vec<u8>>,
    lost: Vec<SerialError>,
    ended: usize,
}

impl Board {
    pub(crate) fn new(line: &Pty, noise: Noise, seed: u16) -> Self {
        let mut board = Self {
            wire: Wire::new(line, noise, seed.into()),
            clock: Clock::new(),
            line: Box::new(Line::new()),
            link: Box::new(Link::new()),
            channel: None,
            chunks: VecDeque::new(),
            lost: Vec::new(),
            ended: 0,
        };
        board.start_anew(seed);
        board
    }

    /// What a reset does: nothing of before is known, and what the UART has not sent is gone.
    pub(crate) fn start_anew(&mut self, seed: u16) {
        *self.line = Line::new();
        self.line.set_seed(seed);
        self.line.call();
        *self.link = Link::new();
        self.channel = None;
        self.chunks.clear();
    }

    /// A turn of the firmware's loop.
    pub(crate) fn turn(&mut self) {
        let now = self.clock.now();
        self.line.poll(&mut self.wire, now).unwrap();
        let (channel, chunks) = (&mut self.channel, &mut self.chunks);
        let result = self.link.poll(&mut *self.line, now, |event, _| {
            match event {
                Event::Opened { channel: Channel::Entered(opened) } => *channel = Some(opened),
                Event::Refused { .. } | Event::Closed { .. } => *channel = None,
                Event::Chunk { bytes, .. } => chunks.push_back(bytes.to_vec()),
                _ => {}
            }
            Ok::<(), SendError>(())
        });
        match result {
            Ok(()) => {}
            Err(peote_net::link::Error::Transport(error)) => self.lost.push(error),
            Err(_) => self.ended += 1,
        }
        if result.is_err() {
            self.channel = None;
            self.line.call();
        }
        self.line.poll(&mut self.wire, now).unwrap();
    }

    #[track_caller]
    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        wait(what, || {
            self.turn();
            done(self)
        });
    }

    /// Enters the channel, as often as it takes.
    #[track_caller]
    pub(crate) fn enter(&mut self) {
        let mut asked = None;
        self.until("the channel", |board| {
            if board.channel.is_none()
                && board.line.is_open()
                && asked != Some(board.ended + board.lost.len())
            {
                asked = Some(board.ended + board.lost.len());
                board.link.out().enter("echo", Mode::chunks(64)).unwrap();
            }
            board.channel.is_some()
        });
    }

    #[track_caller]
    pub(crate) fn send(&mut self, chunk: &[u8]) {
        self.until("room for a chunk", |board| {
            let channel = board.channel.expect("it has entered");
            match board.link.out().send(channel, chunk) {
                Ok(()) => true,
                Err(SendError::WouldBlock) => false,
                Err(error) => panic!("{error}"),
            }
        });
    }

    #[track_caller]
    pub(crate) fn wait_for_chunk(&mut self) -> Vec<u8> {
        self.until("a chunk", |board| !board.chunks.is_empty());
        self.chunks.pop_front().unwrap()
    }

    /// Writes bytes over the serial line, and waits until the other end has them.
    #[track_caller]
    pub(crate) fn write_raw(&mut self, bytes: &[u8]) {
        self.until("all is delivered", |board| board.line.is_delivered());
        assert_eq!(self.line.write(bytes), Ok(bytes.len()));
        self.until("all is delivered", |board| board.line.is_delivered());
    }

    #[track_caller]
    pub(crate) fn wait_for_loss(&mut self) {
        self.until("silence", |board| board.lost.contains(&SerialError::Silent));
    }

    #[track_caller]
    pub(crate) fn wait_for_end(&mut self) {
        self.until("the end", |board| board.ended > 0);
    }
}
