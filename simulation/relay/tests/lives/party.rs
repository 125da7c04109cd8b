//! A party: a link, its socket, and what it does at random.

use std::net::SocketAddr;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use peote_net::link::{Admission, Destination, Event, Link, Mode, Out, SendError};
use peote_net::protocol::to_endpoint::{self, Capabilities};
use peote_net::time::Instant;
use peote_net_simulation::Random;
use peote_net_std::{HeapBuffers, Sizes};
use simulated_system::{Conditions, Endpoint, now_micros};

use crate::life::Kind;
use crate::message::{Key, SHORTEST, content};
use crate::tables::{Entered, Hearing, Ledger, Own, Tables};
use crate::terms::Terms;

pub(crate) const NAMES: [&str; 4] = ["lobby", "room", "a", "another name that is longer"];
const CHUNK: usize = 12_000;

/// Where in a relay's stream it says what it knows.
const CAPABILITIES_AT: usize = to_endpoint::announcement(Capabilities::NONE).len() - 1;

/// A socket, of an endpoint that may be an existing one.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) endpoint: Endpoint,
    /// It does not know hello.
    is_existing: bool,
    at: usize,
    connected_at: u64,
    /// When it said its first byte.
    said_at: Option<u64>,
}

impl Line {
    /// The relay closes connections that say nothing for 5 s. What is said may stall on its way.
    fn has_been_silent(&self) -> bool {
        self.said_at.unwrap_or_else(now_micros) - self.connected_at > 1_500_000
    }
}

impl ErrorType for Line {
    type Error = ErrorKind;
}

impl ReadReady for Line {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        self.endpoint.read_ready()
    }
}

impl WriteReady for Line {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        self.endpoint.write_ready()
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        let count = self.endpoint.read(buffer)?;
        let place = CAPABILITIES_AT.checked_sub(self.at).filter(|_| self.is_existing);
        if let Some(byte) = place.and_then(|place| buffer[..count].get_mut(place)) {
            let hello = to_endpoint::announcement(Capabilities::HELLO);
            *byte &= !hello[CAPABILITIES_AT];
        }
        self.at = self.at.saturating_add(count);
        Ok(count)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        let count = self.endpoint.write(bytes)?;
        if count > 0 {
            self.said_at.get_or_insert_with(now_micros);
        }
        Ok(count)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct Party {
    link: Link<HeapBuffers>,
    sizes: Sizes,
    /// It does not miss the relay's keepalives.
    is_silent: bool,
    pub(crate) line: Option<Line>,
    pub(crate) address: SocketAddr,
    pub(crate) tables: Tables,
    pub(crate) random: Random,
    is_existing: bool,
    /// The first so many names are those that it knows.
    names: usize,
    /// It reads only every so many microseconds.
    pub(crate) slowness: u64,
    pub(crate) read_at: u64,
    act_at: u64,
    pub(crate) connect_at: u64,
    /// Whatever happens to this connection is no wonder.
    pub(crate) is_excused: bool,
    /// Connections that were lost without an excuse.
    pub(crate) wonders: u32,
    pub(crate) is_loud: bool,
    /// Bytes of the longest messages that it sends.
    longest: [usize; 3],
    /// It wants all messages again: it grants nothing.
    pub(crate) keeps: bool,
    /// To whom it has still to say a last word.
    last_words: Vec<(Destination, Key, bool)>,
    /// Whatever happens to any connection is no wonder.
    pub(crate) is_end: bool,
}

impl Party {
    pub(crate) fn new(address: SocketAddr, random: &mut Random, terms: Terms) -> Self {
        let may_be_slow = terms.kind != Kind::Good;
        let sizes = Sizes {
            chunk_size: CHUNK,
            window: *random.choose(&[CHUNK, 4 * CHUNK]),
            parties: 40,
            own_channels: 4,
            transmit: *random.choose(&[13_000, 60_000]),
            receive: *random.choose(&[16, 700, 4096]),
            local_users: 0,
            local_line: 64,
        };
        let slowness =
            if may_be_slow && random.chance(250) { 20_000 + random.below(2_000_000) as u64 } else { 0 };
        let is_existing = terms.is_of_old || random.chance(if terms.is_crowded { 100 } else { 400 });
        Self {
            link: link(sizes, terms.is_silent),
            sizes,
            is_silent: terms.is_silent,
            line: None,
            address,
            tables: Tables::default(),
            random: Random::new(random.next()),
            is_existing,
            names: if terms.is_crowded { 1 } else { NAMES.len() },
            slowness,
            read_at: 0,
            act_at: 0,
            connect_at: random.below(500_000) as u64,
            is_excused: false,
            wonders: 0,
            is_loud: random.chance(300),
            longest: if random.chance(250) { [40; 3] } else { [40, 300, CHUNK] },
            keeps: may_be_slow && !is_existing && random.chance(250),
            last_words: Vec::new(),
            is_end: false,
        }
    }

    /// Whether it does something now, or else when.
    pub(crate) fn next(&self, acts: bool) -> Option<u64> {
        let now = now_micros();
        let Some(line) = &self.line else { return acts.then_some(self.connect_at) };
        if self.link.wants_write() && line.endpoint.room() > 0 {
            return Some(now);
        }
        let reads = (self.link.wants_read() && line.endpoint.is_readable()).then(|| self.read_at.max(now));
        let deadline = self.link.next_deadline().map(|at| at.as_millis() * 1000);
        let deadline = deadline.map(|at| if self.slowness > 0 { at.max(self.read_at) } else { at });
        let act = acts.then_some(self.act_at);
        [reads, deadline, act].into_iter().flatten().min()
    }

    pub(crate) fn wake(&mut self, relay: SocketAddr, acts: bool, ledger: &mut Ledger) {
        let now = now_micros();
        if self.next(acts).is_none_or(|at| at > now) {
            return;
        }
        if self.line.is_none() {
            return self.connect(relay);
        }
        if acts && self.act_at <= now {
            let pause = if self.is_loud { 40_000 } else { 400_000 };
            self.act_at = now + 1 + self.random.below(pause) as u64;
            self.act(ledger);
        }
        self.poll(ledger);
        self.say_last_words(ledger);
    }

    fn connect(&mut self, relay: SocketAddr) {
        let random = &mut self.random;
        let conditions = match random.below(3) {
            0 => Conditions { delay: 100, jitter: 0, capacity: 2000 },
            1 => Conditions { delay: 1000, jitter: 3000, capacity: 20_000 },
            _ => Conditions { delay: 60_000, jitter: 40_000, capacity: 100_000 },
        };
        // before its hello it may be sent more than it keeps, and then it reads no further
        self.is_excused = self.is_end || self.slowness > 0 || self.keeps;
        trace!("{} connects, {conditions:?}, existing: {}", self.address, self.is_existing);
        match Endpoint::connect(self.address, relay, conditions) {
            Some(endpoint) => {
                let (is_existing, connected_at) = (self.is_existing, now_micros());
                self.line = Some(Line { endpoint, is_existing, at: 0, connected_at, said_at: None });
            }
            None => self.connect_at = now_micros() + 1_000_000,
        }
    }

    pub(crate) fn poll(&mut self, ledger: &mut Ledger) {
        let (now, keeps) = (now_micros(), self.keeps);
        let (Some(line), tables, random) = (&mut self.line, &mut self.tables, &mut self.random) else {
            return;
        };
        let polled = self.link.poll(line, Instant::from_millis(now / 1000), |event, out| {
            if keeps && matches!(event, Event::Data { .. } | Event::Chunk { .. }) {
                return Err(SendError::WouldBlock);
            }
            answer(&event, out, random)?;
            tables.told(&event, ledger);
            Ok::<(), SendError>(())
        });
        self.read_at = now + self.slowness;
        if let Err(error) = polled {
            trace!("{} has lost its connection: {error:?}, excused: {}", self.address, self.is_excused);
            self.lost();
        }
    }

    /// It is to say something to all that it knows, as long as a message may be.
    pub(crate) fn begin_last_words(&mut self, ledger: &mut Ledger) {
        self.last_words = self.all();
        self.say_last_words(ledger);
    }

    /// Returns somebody to whom it could not say that.
    pub(crate) fn unsaid(&self) -> Option<Destination> {
        self.last_words.first().map(|(to, ..)| *to)
    }

    fn say_last_words(&mut self, ledger: &mut Ledger) {
        for (to, key, is_broadcast) in std::mem::take(&mut self.last_words) {
            let message = ledger.next(key, is_broadcast);
            match self.link.out().send(to, &content(message, CHUNK)) {
                Ok(()) => ledger.note_sent(message),
                Err(SendError::WouldBlock) => self.last_words.push((to, key, is_broadcast)),
                // it is gone
                Err(SendError::NotOpen) => {}
                Err(error) => panic!("sending to {to:?}: {error}"),
            }
        }
    }

    /// The connection is gone, and the link knows.
    fn lost(&mut self) {
        assert!(
            self.tables.own.is_empty() && self.tables.entered.is_empty(),
            "channels of a lost connection"
        );
        assert_eq!(self.tables.losses, 1, "the loss is told once");
        self.tables = Tables::default();
        self.last_words.clear();
        let is_silent = self.line.take().is_some_and(|line| line.has_been_silent());
        self.wonders += u32::from(!self.is_excused && !is_silent);
        self.connect_at = now_micros() + 1000 + self.random.below(3_000_000) as u64;
    }

    /// Its connection ends without a word to the link.
    pub(crate) fn take_line(&mut self) -> Option<Line> {
        let line = self.line.take()?;
        self.link = link(self.sizes, self.is_silent);
        self.tables = Tables::default();
        self.last_words.clear();
        self.connect_at = now_micros() + 1000 + self.random.below(3_000_000) as u64;
        Some(line)
    }

    fn act(&mut self, ledger: &mut Ledger) {
        let name = self.random.below(self.names);
        match self.random.below(100) {
            0..12 => self.create(name, ledger),
            12..35 => self.enter(name, ledger),
            35..38 => self.leave(),
            38..40 => self.delete(),
            40..43 => self.remove(),
            _ => {
                for _ in 0..if self.is_loud { 20 } else { 2 } {
                    self.send(ledger);
                }
            }
        }
    }

    fn create(&mut self, name: usize, ledger: &mut Ledger) {
        if self.tables.has(name) {
            return;
        }
        if let Ok(handle) = self.link.out().create(NAMES[name], mode()) {
            let (users, to_all) = (std::collections::BTreeMap::new(), ledger.key());
            self.tables.own.push(Own { handle, name, is_open: false, users, to_all });
            if !self.is_existing && self.random.chance(400) {
                self.link.out().set_admission(handle, Admission::Ask).expect("it is the link's own");
            }
        }
    }

    fn enter(&mut self, name: usize, ledger: &mut Ledger) {
        if self.tables.has(name) {
            return;
        }
        if let Ok(handle) = self.link.out().enter(NAMES[name], mode()) {
            let (from, from_all) = (Hearing::default(), Hearing::default());
            let to = ledger.key();
            self.tables.entered.push(Entered { handle, name, is_open: false, to, from, from_all });
        }
    }

    fn leave(&mut self) {
        let Some(place) = place(&mut self.random, self.tables.entered.len()) else { return };
        if self.link.out().leave(self.tables.entered[place].handle).is_ok() {
            self.tables.entered.remove(place);
        }
    }

    fn delete(&mut self) {
        let Some(place) = place(&mut self.random, self.tables.own.len()) else { return };
        if self.link.out().delete(self.tables.own[place].handle).is_ok() {
            self.tables.own.remove(place);
        }
    }

    fn remove(&mut self) {
        let Some(place) = place(&mut self.random, self.tables.own.len()) else { return };
        let handle = self.tables.own[place].handle;
        let Some(user) = self.link.out().users(handle).next() else { return };
        // it is told when it has gone
        let _ = self.link.out().remove_user(handle, user);
    }

    /// All to whom it can send, with what it has said to them.
    fn all(&mut self) -> Vec<(Destination, Key, bool)> {
        let tables = &self.tables;
        let mut all = Vec::new();
        for own in tables.own.iter().filter(|own| own.is_open) {
            if !own.users.is_empty() {
                all.push((Destination::All(own.handle), own.to_all, true));
            }
            for user in self.link.out().users(own.handle) {
                if let Some(of) = own.users.get(&user.number()) {
                    all.push((Destination::User(own.handle, user), of.to, false));
                }
            }
        }
        let entered = tables.entered.iter().filter(|entered| entered.is_open);
        all.extend(entered.map(|entered| (Destination::Server(entered.handle), entered.to, false)));
        all
    }

    fn send(&mut self, ledger: &mut Ledger) {
        let all = self.all();
        let random = &mut self.random;
        let Some(place) = place(random, all.len()) else { return };
        let (to, key, is_broadcast) = all[place];
        let longest = *random.choose(&self.longest);
        let len = SHORTEST + random.below(longest - SHORTEST + 1);
        let message = ledger.next(key, is_broadcast);
        match self.link.out().send(to, &content(message, len)) {
            Ok(()) => ledger.note_sent(message),
            Err(SendError::WouldBlock) => {}
            Err(error) => panic!("sending to {to:?}: {error}"),
        }
    }
}

fn link(sizes: Sizes, is_silent: bool) -> Link<HeapBuffers> {
    let mut link = Link::with_buffers(HeapBuffers::new(sizes).expect("there is memory"));
    if is_silent {
        link.set_silence_limit(None);
    }
    link
}

/// Answers a user that knocks, or else keeps the event.
fn answer(event: &Event<'_>, out: &mut Out<'_>, random: &mut Random) -> Result<(), SendError> {
    match *event {
        Event::Knock { channel, user, .. } if random.chance(700) => out.admit(channel, user),
        Event::Knock { channel, user, .. } => out.refuse(channel, user, "no room"),
        _ => Ok(()),
    }
}

fn mode() -> Mode {
    Mode::chunks(u32::try_from(CHUNK).unwrap_or_default())
}

fn place(random: &mut Random, len: usize) -> Option<usize> {
    (len > 0).then(|| random.below(len))
}
