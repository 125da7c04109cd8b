//! A relay against arbitrary connections: whatever they send, in whatever cuts and order, is routed
//! as by a reference that is as simple as possible.

mod host;
mod reference;
mod units;

use std::collections::HashSet;

use peote_net::protocol::to_endpoint::{Decoder, Unit};
use peote_net::relay::{ConnectionId, GrowingStorage, MAX_REST, Membership, Outcome, Received, Relay};
use peote_net::time::Duration;

use super::Input;
use host::Queues;
use reference::{Endpoint, Model};
use units::unit;

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
    /// All take what is queued before anything comes.
    is_eager: bool,
}

/// What a relay that knows hello has for its queues.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes that may be under way to an existing endpoint.
    pub window: u32,
    /// Bytes of each queue's bound, beside the two windows that it has to have.
    pub more: usize,
    /// Bytes that all queues may take. Where they do not suffice, the longest is given up.
    pub memory: usize,
    /// Whether all take what is queued before anything comes.
    pub is_eager: bool,
}

impl Both {
    /// Both with [`CONNECTIONS`] connections that have sent nothing, and queues of `bound` bytes;
    /// see [`Host::cut`](peote_net::relay::Host::cut) for `cut`. If the names' hashes `collide`, they
    /// are all the same.
    ///
    /// # Panics
    ///
    /// When the relay has no place for so many connections.
    #[must_use]
    pub fn new(bound: usize, cut: usize, collide: bool) -> Self {
        let mut relay = Relay::new(GrowingStorage::new());
        let ids = (0..CONNECTIONS).map(|_| relay.connect().expect("there is room")).collect();
        let mut model = Model::default();
        model.endpoints.extend((0..CONNECTIONS).map(|connection| (connection, Endpoint::default())));
        let host = Queues::new(CONNECTIONS, bound, cut, collide);
        let (outboxes, waits) = (vec![Vec::new(); CONNECTIONS], vec![None; CONNECTIONS]);
        Self { relay, host, ids, model, outboxes, waits, settled: HashSet::new(), is_eager: false }
    }

    /// The same with a relay that knows hello.
    ///
    /// # Panics
    ///
    /// When the relay has no place for so many connections.
    #[must_use]
    pub fn with_hello(room: Room, cut: usize, collide: bool) -> Self {
        let bound = 2 * room.window as usize + room.more;
        let mut both = Self::new(bound, cut, collide);
        (both.host.window, both.host.memory) = (Some(room.window), room.memory);
        (both.model.hello, both.model.window) = (true, room.window);
        both.is_eager = room.is_eager;
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
        self.see();
        self.model.ends_old_knocks();
        self.model.ends_old_awaits();
        self.close_who_is_given_up();
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
                self.see();
                self.model.end_who_waits();
                ended = true;
            }
        }
        self.close_who_is_given_up();
        ended
    }

    /// Says whether that got anything done.
    fn present(&mut self, from: usize, len: usize) -> bool {
        if self.is_eager {
            self.settle();
        }
        let input = self.outboxes[from][..len.min(self.outboxes[from].len())].to_vec();
        let Received { used, outcome } = self.relay.receive(self.ids[from], &input, &mut self.host);
        self.see();
        if !input.is_empty() {
            self.model.announce(from);
        }
        self.model.feed(from, &input[..used]);
        self.model.has_seen_all(from, &input[used..]);
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
            Outcome::WaitFor(receiver) => {
                let receiver = self.ids.iter().position(|id| *id == receiver).expect("it waits for nobody");
                self.model.waits_for_a_queue(from, receiver, &input[used..]);
            }
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
        if self.host.window.is_none() {
            let bound = self.host.bound.saturating_add(7 * self.relay.memberships().max(CONNECTIONS * 4));
            let within = self.host.queues.iter().all(|queue| queue.len() <= bound);
            assert!(within, "a queue is above its bound");
        }
        self.close_who_is_given_up();
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

    /// Tells the reference what was pushed.
    fn see(&mut self) {
        let ids = &self.ids;
        let place = |index| ids.iter().position(|id| id.index() == index).expect("it is there");
        self.model.seen = self.host.take_seen(place);
    }

    /// A connection takes all that the relay has for it, which then says what has waited for that.
    fn drain(&mut self, of: usize) {
        self.take(of);
        self.model.has_taken(of);
        self.relay.drained(self.ids[of], &mut self.host);
        self.see();
        self.close_who_is_given_up();
    }

    /// All take all, until there is nothing left for anybody.
    fn settle(&mut self) {
        (0..CONNECTIONS).for_each(|connection| self.drain(connection));
        while let Some(connection) =
            (0..CONNECTIONS).find(|place| !self.host.queues[self.ids[*place].index()].is_empty())
        {
            self.drain(connection);
        }
        self.model.has_granted();
    }

    fn take(&mut self, of: usize) {
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

    /// Closes the connections whose queues were given up. That may take more memory.
    fn close_who_is_given_up(&mut self) {
        while let Some(index) = self.host.given_up.first() {
            let given_up = self.ids.iter().position(|id| id.index() == *index).expect("it is there");
            self.disconnect(given_up);
        }
    }

    fn disconnect(&mut self, connection: usize) {
        let index = self.ids[connection].index();
        if !self.host.given_up.contains(&index) {
            self.take(connection);
        }
        self.relay.disconnect(self.ids[connection], &mut self.host);
        self.host.given_up.retain(|given_up| *given_up != index);
        self.see();
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
                self.settle();
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
    let mut both = if hello {
        // room for the longest unit that is no data
        let more = bound + 300;
        let memory = if flags & 64 == 0 { usize::MAX } else { 4 * (2 * window as usize + more) };
        Both::with_hello(Room { window, more, memory, is_eager: flags & 32 == 0 }, cut, collide)
    } else {
        Both::new(bound, cut, collide)
    };
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
            36 | 37 if hello => Step::Drain(connection),
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
