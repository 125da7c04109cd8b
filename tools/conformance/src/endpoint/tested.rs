//! One connection of the endpoint that is tried.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::conn::{Conn, Side};
use crate::log::Log;
use crate::websocket;
use crate::wire::{Data, Unit, data, hex, length, number};

/// The numbers that the endpoint's channels are given. Own and entered channels are numbered apart
/// (section 1.2), so one number can stand for both.
pub(crate) const OWN: u8 = 3;
pub(crate) const SMALL: u8 = 4;
pub(crate) const ENTERED: u8 = 3;

/// What the endpoint asks for at the start, as docs/CONFORMANCE.md says: command, name, number.
pub(super) const WANTED: [(u8, &[u8], u8); 3] =
    [(0, b"conformance", OWN), (0, b"conformance-small", SMALL), (1, b"conformance-peer", ENTERED)];

/// Whom the endpoint talks with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    /// This user of channel "conformance".
    User(u8),
    /// This user of channel "conformance-small".
    SmallUser(u8),
    /// The server of channel "conformance-peer".
    Server,
    /// All users of channel "conformance".
    All,
    /// All but this one.
    But(u8),
}

impl Party {
    /// The channel byte.
    fn channel(self) -> u8 {
        match self {
            Self::User(_) | Self::All | Self::But(_) => 128 + OWN,
            Self::SmallUser(_) => 128 + SMALL,
            Self::Server => ENTERED,
        }
    }

    fn user(self) -> Option<u8> {
        match self {
            Self::User(user) | Self::SmallUser(user) | Self::But(user) => Some(user),
            Self::Server | Self::All => None,
        }
    }

    fn mode(self) -> Option<u8> {
        match self {
            Self::All => Some(1),
            Self::But(_) => Some(0),
            _ => None,
        }
    }

    /// What is in front of a payload, on the way to the endpoint and back.
    pub(crate) fn head(self) -> Vec<u8> {
        [self.channel()].into_iter().chain(self.user()).collect()
    }

    /// How many length bytes a chunk has at most.
    fn allowed(self) -> usize {
        if matches!(self, Self::SmallUser(_)) { 1 } else { 2 }
    }
}

pub(crate) struct Tested {
    pub(crate) conn: Conn,
    /// Why the case does not concern this endpoint.
    pub(crate) skipped: Option<&'static str>,
    /// The items of its hello (section 11.4).
    pub(crate) hello: Option<Vec<u8>>,
    /// What it has granted: the payload of the command without the number, and the number.
    pub(crate) grants: Vec<(Vec<u8>, u32)>,
    pings: u8,
}

impl Tested {
    pub(crate) fn accept(listener: &TcpListener, patience: Duration, log: Log) -> Result<Self, String> {
        let mut conn = accept(listener, patience, log)?;
        if conn.peek()? == b'G' {
            let request = conn.head()?;
            let response = websocket::response(&request).ok_or("a request without Sec-WebSocket-Key")?;
            conn.send_raw(&response);
            conn.speak_websocket();
        }
        Ok(Self { conn, skipped: None, hello: None, grants: Vec::new(), pings: 0 })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.conn.send(bytes);
    }

    /// The next unit that is neither a hello nor a grant.
    pub(crate) fn unit(&mut self) -> Result<Unit, String> {
        let end = self.conn.end();
        loop {
            match self.conn.unit(end)? {
                Unit::Command(6, 0, items) if self.hello.is_none() => self.hello = Some(items),
                Unit::Command(8, 0, payload) if payload.len() > 4 => {
                    let (who, bytes) = payload.split_at(payload.len() - 4);
                    self.grants.push((who.to_vec(), number(bytes)));
                }
                unit => return Ok(unit),
            }
        }
    }

    /// The three commands, in whatever order: position in [`WANTED`] and tag.
    pub(crate) fn wanted(&mut self) -> Result<Vec<(usize, u8)>, String> {
        let mut found: Vec<(usize, u8)> = Vec::new();
        while found.len() < WANTED.len() {
            let came = self.unit()?;
            let Unit::Command(command, tag, name) = &came else {
                return Err(format!("create and enter were expected, what came is {came:?}"));
            };
            let at = WANTED.iter().position(|wanted| (wanted.0, wanted.1) == (*command, &name[..]));
            match at {
                Some(at) if found.iter().all(|(other, _)| *other != at) => found.push((at, *tag)),
                _ => return Err(format!("{came:?} is not what docs/CONFORMANCE.md says, or came twice")),
            }
        }
        Ok(found)
    }

    /// Lets the endpoint have all its channels.
    pub(crate) fn open(&mut self) -> Result<(), String> {
        for (at, tag) in self.wanted()? {
            self.send(&[0, 3, tag, 0, WANTED[at].2]);
        }
        Ok(())
    }

    /// The same, and these users enter "conformance".
    pub(crate) fn open_with(&mut self, users: &[u8]) -> Result<(), String> {
        self.open()?;
        users.iter().for_each(|user| self.enter(OWN, *user));
        Ok(())
    }

    pub(crate) fn enter(&mut self, own: u8, user: u8) {
        self.send(&[0, 4, 0, 0, own, user]);
    }

    pub(crate) fn gone(&mut self, own: u8, user: u8, reason: u8) {
        self.send(&[0, 5, 0, 1, own, user, reason]);
    }

    /// A chunk for the endpoint, in one unit.
    pub(crate) fn say(&mut self, from: Party, chunk: &[u8]) {
        let field = length(chunk.len(), from.allowed());
        self.say_raw(from, &[&field, chunk].concat());
    }

    /// Bytes for the endpoint, in as many units as it takes.
    pub(crate) fn say_raw(&mut self, from: Party, payload: &[u8]) {
        for piece in payload.chunks(32_765) {
            self.send(&data(&from.head(), piece));
        }
    }

    /// The endpoint says this chunk, in whatever units.
    pub(crate) fn hear(&mut self, to: Party, chunk: &[u8]) -> Result<(), String> {
        self.units_of(to, chunk).map(drop)
    }

    /// The same; returns the lengths of the payloads.
    pub(crate) fn units_of(&mut self, to: Party, chunk: &[u8]) -> Result<Vec<usize>, String> {
        let wanted = [&length(chunk.len(), to.allowed()), chunk].concat();
        let (mut at, mut units) = (0, Vec::new());
        while at < wanted.len() {
            let came = self.unit()?;
            let left = &wanted[at..];
            match &came {
                Unit::Data(Data { mode, channel, user, payload })
                    if (*mode, *channel, *user) == (to.mode(), to.channel(), to.user())
                        && !payload.is_empty()
                        && left.starts_with(payload) =>
                {
                    units.push(payload.len());
                    at += payload.len();
                }
                _ => return Err(format!("for {to:?} {} was expected, what came is {came:?}", hex(left))),
            }
        }
        Ok(units)
    }

    /// The endpoint sends back what this party says. Nothing else comes before.
    pub(crate) fn echoes(&mut self, party: Party, chunk: &[u8]) -> Result<(), String> {
        let chunk = [b"=", chunk].concat();
        self.say(party, &chunk);
        self.hear(party, &chunk)
    }

    /// Nothing has come, and the endpoint still answers this party.
    pub(crate) fn quiet(&mut self, party: Party) -> Result<(), String> {
        self.pings += 1;
        self.echoes(party, &[b'0' + self.pings % 10])
    }

    /// Users that the endpoint knows in "conformance", asked by one of them.
    pub(crate) fn knows(&mut self, asking: u8, users: &[u8]) -> Result<(), String> {
        self.say(Party::User(asking), b"u");
        self.hear(Party::User(asking), &[b"u", users].concat())
    }
}

fn accept(listener: &TcpListener, patience: Duration, log: Log) -> Result<Conn, String> {
    let end = Instant::now() + patience;
    listener.set_nonblocking(true).map_err(|error| error.to_string())?;
    loop {
        match listener.accept() {
            Ok((socket, _)) => return Conn::new(socket, Side::Relay, log, patience),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(format!("no connection can be accepted: {error}")),
        }
        if Instant::now() > end {
            return Err(format!("no endpoint has connected within {patience:?}"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Tells the endpoint that there is nothing more: what it asks for is refused.
pub(crate) fn dismiss(listener: &TcpListener, patience: Duration) {
    let Ok(mut tested) = Tested::accept(listener, patience, Log::default()) else { return };
    if let Ok(wanted) = tested.wanted() {
        for (_, tag) in wanted {
            tested.send(&[0, 3, tag, 1, 1]);
        }
        let _ = tested.conn.closed();
    }
}
