//! A relay against arbitrary connections: whatever they send, in whatever cuts and order, is routed
//! as by a reference that is as simple as possible.

mod reference;

use std::collections::HashSet;

use peote_net::Reason;
use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::protocol::to_endpoint::{Decoder, Unit};
use peote_net::relay::{
    ConnectionId, Decision, Greeting, GrowingStorage, Hello, Host, MAX_REST, Membership, Note, Outcome,
    Received, Relay, Request,
};
use peote_net::time::{Duration, Instant};

use super::Input;
use reference::{Endpoint, Model};

/// Connections at the same time.
pub const CONNECTIONS: usize = 4;

/// Something that happens to a relay.
#[derive(Clone, Debug)]
pub enum Step {
    /// A connection has sent bytes, which wait to be presented to the relay.
    Queue(usize, Vec<u8>),
    /// The relay is presented with so many of the bytes that wait, at most.
    Present(usize, usize),
    /// The relay is presented with all the bytes that wait, so many more each time.
    PresentInPieces(usize, usize),
    /// A connection takes all that the relay has for it.
    Drain(usize),
    /// A connection goes, and another one comes.
    Disconnect(usize),
    /// From now on commands are carried out later (`true`), or again at once.
    Later(bool),
    /// So many seconds pass. If they are many, memberships end for whose windows senders wait.
    Pass(u64),
    /// The server of a channel answers the first that knocks at one of its doors: it admits, or
    /// refuses with a code and so many words.
    Answer(usize, Option<(u8, usize)>),
    /// From now on each call may do so much work.
    Work(usize),
}

/// The relay's caller, with a queue for each connection.
#[derive(Debug)]
struct Queues {
    queues: Vec<Vec<u8>>,
    /// Bound of each queue.
    bound: usize,
    cut: usize,
    later: bool,
    now: Instant,
    /// Work that one call may do.
    work: usize,
    /// All names fall together.
    collide: bool,
    /// What may be under way to existing endpoints, if the relay knows hello. Queues have no bound
    /// then: what is queued beyond one is not the reference's to know.
    window: Option<u32>,
    /// The user and the channel of the membership that has just ended for its window.
    too_slow: Option<(ConnectionId, Vec<u8>)>,
}

impl Host for Queues {
    fn free(&self, connection: ConnectionId) -> usize {
        if self.window.is_some() {
            return 1 << 30;
        }
        self.bound.saturating_sub(self.queues[connection.index()].len())
    }

    fn push(&mut self, connection: ConnectionId, header: &[u8], payload: &[u8]) {
        self.queues[connection.index()].extend(header.iter().chain(payload));
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn work(&self, _: ConnectionId) -> usize {
        self.work
    }

    fn cut(&self) -> usize {
        self.cut
    }

    fn allow(&mut self, _: ConnectionId, _: &Request<'_>) -> Decision {
        if self.later { Decision::Later } else { Decision::Yes }
    }

    fn capabilities(&self) -> Capabilities {
        let all = Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER);
        if self.window.is_some() { all.with(Capabilities::HELLO) } else { all }
    }

    fn window(&self) -> u32 {
        self.window.unwrap_or_default()
    }

    fn hello(&mut self, _: ConnectionId, _: &Hello<'_>) -> Greeting {
        Greeting { keepalive: 9, name: "r" }
    }

    fn notify(&mut self, note: &Note<'_>) {
        if let Note::Left { user, name, reason: Reason::TooSlow, .. } = note {
            self.too_slow = Some((*user, name.to_vec()));
        }
    }

    fn hash(&self, name: &[u8]) -> u64 {
        if self.collide {
            7
        } else {
            name.iter().fold(7, |hash, byte| hash * 31 % 1_000_003 + u64::from(*byte))
        }
    }
}

/// A relay and the reference beside it. Panics when they differ.
#[derive(Debug)]
pub struct Both {
    relay: Relay<GrowingStorage>,
    host: Queues,
    ids: Vec<ConnectionId>,
    model: Model,
    outboxes: Vec<Vec<u8>>,
    /// For which memberships' windows they wait.
    waits: Vec<Option<Membership>>,
    /// Whom a whole call has only made existing endpoints.
    settled: HashSet<ConnectionId>,
}

impl Both {
    /// Both with [`CONNECTIONS`] connections that have sent nothing, and queues of `bound` bytes;
    /// see [`Host::cut`] for `cut`. If the names' hashes `collide`, they are all the same.
    ///
    /// # Panics
    ///
    /// When the relay has no place for so many connections.
    #[must_use]
    pub fn new(bound: usize, cut: usize, collide: bool) -> Self {
        let mut relay = Relay::new(GrowingStorage::new());
        let ids = (0..CONNECTIONS).map(|_| relay.connect().expect("there is room")).collect();
        let queues = vec![Vec::new(); CONNECTIONS];
        let mut model = Model::default();
        model.endpoints.extend((0..CONNECTIONS).map(|connection| (connection, Endpoint::default())));
        let (later, now, work) = (false, Instant::ZERO, usize::MAX);
        let host = Queues { queues, bound, cut, later, now, work, collide, window: None, too_slow: None };
        let (outboxes, waits) = (vec![Vec::new(); CONNECTIONS], vec![None; CONNECTIONS]);
        Self { relay, host, ids, model, outboxes, waits, settled: HashSet::new() }
    }

    /// The same with a relay that knows hello, and lets so many bytes be under way to an existing
    /// endpoint. Its queues have no bound, and are drained before anything comes.
    ///
    /// # Panics
    ///
    /// When the relay has no place for so many connections.
    #[must_use]
    pub fn with_hello(window: u32, cut: usize, collide: bool) -> Self {
        let mut both = Self::new(usize::MAX, cut, collide);
        both.host.window = Some(window);
        (both.model.hello, both.model.window) = (true, window);
        both
    }

    /// Does one thing to both.
    pub fn step(&mut self, step: Step) {
        match step {
            Step::Queue(from, bytes) => self.outboxes[from].extend(bytes),
            Step::Present(from, len) => {
                self.present(from, len);
            }
            Step::PresentInPieces(from, len) => self.present_in_pieces(from, len),
            Step::Drain(of) => self.drain(of),
            Step::Disconnect(connection) => self.disconnect(connection),
            Step::Later(later) => self.host.later = later,
            Step::Work(work) => self.host.work = work,
            Step::Pass(seconds) => self.pass(seconds),
            Step::Answer(of, refusal) => {
                let words = [b'w'; 200];
                let refusal = refusal.map(|(code, len)| (code, words.get(..len).unwrap_or(&words)));
                self.outboxes[of].extend(self.model.answer(of, refusal).unwrap_or_default());
            }
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.host.now = self.host.now + Duration::from_secs(seconds);
        self.model.now = self.host.now.as_millis();
        self.relay.tick(&mut self.host);
        self.model.ends_old_knocks();
        self.model.ends_old_awaits();
        if seconds >= 6 {
            self.end_what_waits();
        }
    }

    /// Ends the memberships for whose windows senders wait. Says whether there was one.
    fn end_what_waits(&mut self) -> bool {
        let mut ended = false;
        for connection in 0..CONNECTIONS {
            let Some(membership) = self.waits[connection].take() else { continue };
            if self.relay.end_membership(membership, &mut self.host) {
                let (user, name) = self.host.too_slow.take().expect("it is noted");
                let user = self.ids.iter().position(|id| *id == user).expect("it is there");
                self.model.end_too_slow(user, &name);
                ended = true;
            }
        }
        ended
    }

    /// Says whether that got anything done.
    fn present(&mut self, from: usize, len: usize) -> bool {
        if self.host.window.is_some() {
            (0..CONNECTIONS).for_each(|connection| self.drain(connection));
            self.model.has_granted();
        }
        let input = self.outboxes[from][..len.min(self.outboxes[from].len())].to_vec();
        let Received { used, outcome } = self.relay.receive(self.ids[from], &input, &mut self.host);
        if !input.is_empty() {
            self.model.announce(from);
        }
        self.model.feed(from, &input[..used]);
        let is_awaited = self.relay.awaits_hello(self.ids[from]);
        self.model.is_looked_at(from, &input[used..], outcome == Outcome::Enough, is_awaited);
        // what comes after enough work is looked at by the next call
        let refused = outcome != Outcome::Enough && self.model.is_refused(from, &input[used..]);
        let closed = matches!(outcome, Outcome::Close(_));
        assert_eq!(closed, refused, "{:?} is next, and the outcome {outcome:?}", &input[used..]);
        self.outboxes[from].drain(..used);
        let mut is_done = used > 0;
        match outcome {
            Outcome::NeedMore => {
                assert!(input.len() - used <= MAX_REST, "more is left than the start of a unit");
            }
            Outcome::WaitFor(receiver) => assert!(self.ids.contains(&receiver), "it waits for nobody"),
            Outcome::WaitForWindow(membership) => {
                assert!(self.model.waits_for_a_window(from), "all windows have room");
                self.waits[from] = Some(membership);
            }
            Outcome::Later => assert!(self.host.later, "nobody said so"),
            Outcome::Enough => {
                is_done = is_done || self.settled.insert(self.ids[from]);
                assert!(is_done && self.host.work < usize::MAX, "nothing was done");
            }
            Outcome::Close(_) => self.disconnect(from),
            other => panic!("an outcome that nobody knows: {other:?}"),
        }
        let bound = self.host.bound.saturating_add(7 * self.relay.memberships().max(CONNECTIONS * 4));
        let within = self.host.queues.iter().all(|queue| queue.len() <= bound);
        assert!(within, "a queue is above its bound");
        is_done
    }

    fn present_in_pieces(&mut self, from: usize, len: usize) {
        let mut presented = 0;
        while presented < self.outboxes[from].len() {
            presented += len;
            let waiting = self.outboxes[from].len();
            self.present(from, presented);
            presented = presented.saturating_sub(waiting - self.outboxes[from].len());
        }
    }

    fn drain(&mut self, of: usize) {
        let queue = core::mem::take(&mut self.host.queues[self.ids[of].index()]);
        let mut decoder = Decoder::new();
        let mut rest = &queue[..];
        while let Some((used, unit)) = decoder.decode(rest) {
            assert_ne!(unit, Unit::Unknown, "a relay must not say what it does not know");
            self.model.expect(of, unit, &rest[..used]);
            rest = &rest[used..];
        }
        let whole = rest.is_empty() && decoder.is_between_units();
        assert!(whole && self.model.is_empty(of), "something is missing");
    }

    fn disconnect(&mut self, connection: usize) {
        self.drain(connection);
        self.relay.disconnect(self.ids[connection], &mut self.host);
        self.model.disconnect(connection);
        self.outboxes[connection].clear();
        self.waits[connection] = None;
        self.host.queues[self.ids[connection].index()].clear();
        self.ids[connection] = self.relay.connect().expect("one has just gone");
    }

    /// Everything that is still under way arrives, and everybody goes.
    ///
    /// # Panics
    ///
    /// When something does not arrive, or the relay remembers somebody.
    pub fn finish(&mut self) {
        self.host.later = false;
        let mut busy = true;
        while busy {
            busy = false;
            for connection in 0..CONNECTIONS {
                (0..CONNECTIONS).for_each(|connection| self.drain(connection));
                busy |= self.present(connection, usize::MAX);
            }
            if !busy {
                busy = self.end_what_waits();
            }
        }
        let waiting = self.outboxes.iter().any(|outbox| outbox.len() > MAX_REST);
        assert!(!waiting, "somebody waits though all queues are empty");
        assert_eq!(self.relay.channels(), self.model.channels.len());
        (0..CONNECTIONS).for_each(|connection| self.disconnect(connection));
        assert_eq!((self.relay.channels(), self.relay.memberships()), (0, 0));
        assert_eq!(self.relay.connections(), CONNECTIONS);
    }
}

/// A unit of an endpoint's, chosen by the input. Most of it makes sense.
fn unit(hello: bool, input: &mut Input<'_>) -> Vec<u8> {
    let names: [&[u8]; 4] = [b"a", b"b", b"", &[b'n'; 200]];
    let kind = input.below(if hello { 26 } else { 18 });
    let number = input.byte();
    let number = if number < 224 { number % 3 } else { number & 127 };
    match kind {
        0..=3 => {
            let name = names[input.below(names.len())];
            let tag = input.byte();
            // some say that a hello will come
            let tag = if hello && tag >= 240 { tag } else { tag % 4 };
            [&[0, u8::from(kind > 1), tag, u8::try_from(name.len()).unwrap_or(0)], name].concat()
        }
        4 => {
            // as many channels as there can be
            let name = [b'c', input.byte()];
            [&[0, number & 1, 1, 2][..], &name].concat()
        }
        5 | 6 => vec![0, 2 + u8::from(kind == 6), 0, 1, number],
        7 => {
            let len = input.below(5);
            [&[0, 2 + (number & 3), 0, u8::try_from(len).unwrap_or(0)][..], &vec![number; len]].concat()
        }
        8 => input.choose(&[&[0x80, 0][..], &[1, 1, 0x80, 0], &[1, 0, 2, 128, 0], &[1, 7, 1, 128]]).to_vec(),
        9 => {
            let len = input.below(12);
            input.bytes(len).to_vec()
        }
        18.. => of_flow(kind - 18, number, input),
        16 | 17 => vec![0, 4 + u8::from(kind == 17), 0, 2, number, input.byte() % 5],
        _ => data(kind, number, input),
    }
}

/// What only those say that take part, and what others say by mistake.
fn of_flow(kind: usize, number: u8, input: &mut Input<'_>) -> Vec<u8> {
    let command = |code: u8, payload: &[u8]| {
        [&[0, code, 0, u8::try_from(payload.len()).unwrap_or(0)], payload].concat()
    };
    let user = input.byte() % 5;
    let bytes = input.choose(&[0, 1, 30, 300, 70_000, u32::MAX]).to_le_bytes();
    match kind {
        0 => {
            let unknown: &[u8] = if user == 0 { &[99, 2, 1, 1] } else { &[] };
            let capabilities = [1, 1, u8::from(user < 4)];
            command(6, &[unknown, &capabilities, &[6, 4], &bytes].concat())
        }
        1 => {
            let len = input.below(6);
            command(6, input.bytes(len))
        }
        2 => {
            let len = input.choose(&[0, 3, 200, 201]);
            [command(7, &vec![number; len]), vec![0, 1, 5, 1, b'a' + user % 2]].concat()
        }
        3 => command(8, &[&[number][..], &bytes].concat()),
        4 => command(8, &[&[number | 128, user][..], &bytes].concat()),
        5 => command(9, &[number, user, input.byte() % 8]),
        6 => command(11, &[number | 128, user, input.byte() % 5]),
        _ => {
            let mode = 2 + number % 2;
            let excluded: &[u8] = if mode == 3 { &[user] } else { &[] };
            let len = 2 + u8::try_from(excluded.len()).unwrap_or(0);
            [&[1, mode, len, 128 | (number % 3)], excluded, &[user]].concat()
        }
    }
}

fn data(kind: usize, number: u8, input: &mut Input<'_>) -> Vec<u8> {
    let user = input.byte() % 5;
    let len = match input.below(32) {
        0..=23 => input.below(40),
        24..=27 => 90 + input.below(60),
        28..=30 => input.below(256) * 13,
        _ => 32_700 + input.below(66),
    };
    let (prefix, numbers): (&[u8], Vec<u8>) = match kind {
        10 | 11 => (&[], vec![number]),
        12 => (&[1, 1], vec![number | 128]),
        13 => (&[1, 0], vec![number | 128, user]),
        _ => (&[], vec![number | 128, user]),
    };
    let size = numbers.len() + len;
    let size = match u8::try_from(size) {
        Ok(short @ 2..=127) => vec![short],
        _ => (u16::try_from(size).unwrap_or_default() | 0x8000).to_be_bytes().to_vec(),
    };
    let start = input.byte();
    let payload = (0..len).map(|place| start.wrapping_add(place.to_le_bytes()[0]));
    prefix.iter().copied().chain(size).chain(numbers).chain(payload).collect()
}

/// Runs the target on one input: it chooses what connections send, how it is cut, and what happens
/// in which order.
///
/// # Panics
///
/// When it finds something.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let bound = input.choose(&[300, 5_000, 1 << 20, 64]);
    let cut = input.choose(&[0, 60, 64, 20]);
    let (flags, window) = (input.byte(), input.choose(&[100, 65_536, 1]));
    let (hello, collide) = (flags & 2 == 2, flags & 1 == 1);
    let mut both =
        if hello { Both::with_hello(window, cut, collide) } else { Both::new(bound, cut, collide) };
    // so that there is somebody to talk to
    for connection in 0..3 {
        // whose hello is awaited from the beginning on
        let is_awaited = hello && flags & (4 << connection) != 0;
        let tag = if is_awaited { 240 + flags % 16 } else { 1 };
        both.step(Step::Queue(connection, vec![0, u8::from(connection > 0), tag, 1, b'a']));
        both.step(Step::Present(connection, 100));
    }
    while !input.is_empty() {
        let choice = input.byte();
        let connection = usize::from(choice) % CONNECTIONS;
        both.step(match choice / 4 {
            0..=29 => Step::Queue(connection, unit(hello, &mut input)),
            30..=37 => Step::Present(connection, 1 + input.below(20)),
            38..=52 => Step::Present(connection, 100_000),
            53..=58 if hello => {
                let refused = input.byte();
                Step::Answer(connection, (refused < 64).then(|| (refused % 9, input.below(200))))
            }
            53..=58 => Step::Drain(connection),
            59 => Step::Work(input.choose(&[1, 2, 5, 40, usize::MAX])),
            60 => Step::Pass(input.below(12).try_into().unwrap_or_default()),
            61 => Step::Later(connection > 1),
            62 => {
                let len = input.below(64);
                Step::Queue(connection, input.bytes(len).to_vec())
            }
            _ => Step::Disconnect(connection),
        });
    }
    both.finish();
}
