//! A serial line with the board at its other end, and the board's connection to the relay.

use std::io;

use embedded_io::{Read as _, ReadReady as _, Write as _, WriteReady as _};
use peote_net::time::{Duration, Instant};
use peote_net_serial::SerialLine;
use peote_net_std::{Interest, Watch, random_seed};

use crate::options::Line;
use crate::pace::Pace;
use crate::tty::Tty;
use crate::upstream::{Relay, Upstream, Waiting};

/// How long after a failure a device is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How long a board may take what the relay said before it ended the connection.
const FAREWELL: Duration = Duration::from_secs(5);

/// One line.
pub(crate) struct Port {
    line: Line,
    device: Device,
    serial: Box<SerialLine<4096, 4096>>,
    upstream: Option<Upstream>,
    /// By when a connection that the relay has ended is over.
    farewell: Option<Instant>,
}

enum Device {
    Closed { again: Instant, is_said: bool },
    Open { tty: Tty, pace: Pace, out: Waiting },
}

impl Port {
    pub(crate) fn new(line: Line, now: Instant) -> Self {
        let mut serial = Box::new(SerialLine::new());
        serial.set_seed(u16::try_from(random_seed() & 0xffff).unwrap_or_default());
        // two frames in each direction may be on the way
        serial.set_timeout(Duration::from_millis(250 + 4 * 80 * 10 * 1000 / u64::from(line.baud)));
        let device = Device::Closed { again: now, is_said: false };
        Self { line, device, serial, upstream: None, farewell: None }
    }

    /// Does what there is to do. Returns when there is something to do although nothing comes.
    pub(crate) fn turn(&mut self, relay: &Relay, now: Instant) -> Option<Instant> {
        self.open(now);
        if let Err(error) = self.receive(now) {
            self.device_lost(&error, now);
        }
        self.connect(relay);
        self.hand_on(now);
        match self.transmit(now) {
            Ok(deadline) => {
                [deadline, self.farewell, self.has_more().then_some(now)].into_iter().flatten().min()
            }
            Err(error) => {
                self.device_lost(&error, now);
                Some(now + RETRY)
            }
        }
    }

    /// What to wait for.
    pub(crate) fn watches(&mut self) -> impl Iterator<Item = Watch<'_>> {
        let device = match &self.device {
            Device::Open { tty, out, .. } => {
                let interest = Interest { read: true, write: !out.is_empty() };
                Some(Watch::descriptor(tty, interest))
            }
            Device::Closed { .. } => None,
        };
        device.into_iter().chain(self.upstream.as_mut().map(Upstream::watch))
    }

    fn say(&self, what: &str) {
        println!("{}: {what}", self.line.device.display());
    }

    fn open(&mut self, now: Instant) {
        let Device::Closed { again, is_said } = self.device else { return };
        if now < again {
            return;
        }
        match Tty::open(&self.line) {
            Ok(tty) => {
                self.say(&format!("open, {} baud; waiting for a board", self.line.baud));
                let pace = Pace::new(self.line.baud);
                self.device = Device::Open { tty, pace, out: Waiting::default() };
                self.serial.listen();
            }
            Err(error) => {
                if !is_said {
                    self.say(&format!("cannot be opened: {error}; looking for it each second"));
                }
                self.device = Device::Closed { again: now + RETRY, is_said: true };
            }
        }
    }

    fn device_lost(&mut self, error: &io::Error, now: Instant) {
        self.say(&format!("lost: {error}; looking for it each second"));
        self.device = Device::Closed { again: now + RETRY, is_said: true };
        self.serial.close();
        if let Some(upstream) = self.upstream.take() {
            upstream.finish();
        }
    }

    /// Takes what has come over the line.
    fn receive(&mut self, now: Instant) -> io::Result<()> {
        let Device::Open { tty, .. } = &mut self.device else { return Ok(()) };
        let mut buffer = [0; 2048];
        for &byte in tty.read(&mut buffer)? {
            self.serial.receive(byte, now);
        }
        Ok(())
    }

    /// Begins a connection for a board that has said something.
    fn connect(&mut self, relay: &Relay) {
        if self.serial.is_open() && self.upstream.is_none() {
            self.say("a board has said hello; connecting to the relay");
            self.upstream = Some(Upstream::new(relay));
            self.farewell = None;
        }
    }

    /// Moves bytes between the line and the relay.
    fn hand_on(&mut self, now: Instant) {
        let Some(upstream) = &mut self.upstream else {
            if self.serial.is_over() && matches!(self.device, Device::Open { .. }) {
                self.serial.listen();
            }
            return;
        };
        let mut end = None;
        if upstream.up.is_empty() && matches!(self.serial.read_ready(), Ok(true)) {
            let mut buffer = [0; 2048];
            match self.serial.read(&mut buffer) {
                Ok(0) => end = Some("the board has ended the connection".to_string()),
                Ok(count) => upstream.up.set(&buffer[..count]),
                Err(error) => end = Some(format!("the board is gone: {error}")),
            }
        }
        if let Err(trouble) = upstream.turn() {
            end = Some(trouble.to_string());
        }
        if !upstream.down.is_empty() && matches!(self.serial.write_ready(), Ok(true)) {
            // an error is one of reading as well
            let count = self.serial.write(upstream.down.bytes()).unwrap_or(0);
            upstream.down.taken(count);
        }
        if upstream.is_over {
            let until = *self.farewell.get_or_insert(now + FAREWELL);
            if (upstream.down.is_empty() && self.serial.is_delivered()) || now >= until {
                end = Some("the relay has ended the connection".to_string());
            }
        }
        if let Some(why) = end {
            self.say(&why);
            if let Some(upstream) = self.upstream.take() {
                upstream.finish();
            }
            self.farewell = None;
            self.serial.close();
        }
    }

    /// Returns true if the board has said more than was handed on, and the relay may take it.
    fn has_more(&mut self) -> bool {
        let may_take = self.upstream.as_ref().is_some_and(|upstream| upstream.up.is_empty());
        may_take && matches!(self.serial.read_ready(), Ok(true))
    }

    /// Gives the line what is to be sent, as fast as it sends.
    fn transmit(&mut self, now: Instant) -> io::Result<Option<Instant>> {
        let (tty, pace, out) = match &mut self.device {
            Device::Open { tty, pace, out } => (tty, pace, out),
            Device::Closed { again, .. } => return Ok(Some(*again)),
        };
        if out.is_empty() {
            let room = pace.room(now).min(4096);
            let mut bytes = Vec::new();
            while bytes.len() < room
                && let Some(byte) = self.serial.transmit(now)
            {
                bytes.push(byte);
            }
            let is_full = bytes.len() == room;
            pace.gave(bytes.len());
            out.set(&bytes);
            let count = tty.write(out.bytes())?;
            out.taken(count);
            if is_full {
                return Ok(Some(pace.next(now)));
            }
        } else {
            let count = tty.write(out.bytes())?;
            out.taken(count);
        }
        // an end that is over listens again in the next turn
        let again = (self.serial.is_over() && self.upstream.is_none()).then_some(now);
        Ok(self.serial.next_deadline(now).into_iter().chain(again).min())
    }
}
