//! One life of a relay, from its start to its end.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use peote_net::protocol::to_endpoint;
use peote_net_simulation::Random;
use simulated_relay::{Closed, Relay};
use simulated_system::{begin, counts, now_micros, set_descriptors, set_outside};

use crate::cast::{Cast, Stage};
use crate::terms::Terms;

/// What makes it hard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The process that stands still, and lines that stall for a moment.
    Good,
    /// Lines that break in every way there is, and slow readers.
    Breaking,
    /// Little memory and few descriptors besides.
    Scarce,
    /// The relay drains or stops in the middle of it.
    Ending,
}

/// What is the same whenever a life is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    history: u64,
    calls: u64,
    time: u64,
    pub(crate) heard: u64,
}

const SECOND: u64 = 1_000_000;

/// Seconds in which 160,000 bytes of the shortest messages have gone, of which 50 may be sent in a
/// second: what a link and a line hold.
const LIMITED: u64 = 250;

pub(crate) struct Life {
    pub(crate) relay: Relay,
    pub(crate) cast: Rc<RefCell<Cast>>,
    pub(crate) random: Random,
    terms: Terms,
    /// Channels that the operator has closed.
    pub(crate) closed: usize,
}

pub(crate) fn live(seed: u64, kind: Kind) -> End {
    begin(seed);
    let mut random = Random::new(seed);
    let terms = Terms::new(&mut random, kind);
    let config = terms.config(&mut random);
    let relay = Relay::bind(config).expect("the configuration is right");
    let cast = Cast::new(&mut random, terms, relay.local_addrs()[0], relay.handle());
    let cast = Rc::new(RefCell::new(cast));
    set_outside(Box::new(Stage(Rc::clone(&cast))));
    let mut life = Life { relay, cast, random, terms, closed: 0 };
    life.live();
    match (kind, life.random.below(3)) {
        (Kind::Ending, 0) => life.drain(),
        (Kind::Ending, 1) => life.stop(),
        _ => {
            life.settle();
            life.sleep();
            life.leave();
        }
    }
    let cast = life.cast.borrow();
    End {
        history: cast.ledger.history,
        calls: counts().calls,
        time: now_micros(),
        heard: cast.ledger.messages,
    }
}

impl Life {
    /// Parties do things, and things go wrong.
    fn live(&mut self) {
        let end = now_micros() + SECOND + self.random.below(15_000_000) as u64;
        while now_micros() < end {
            if self.random.chance(200) {
                self.reload();
            }
            if self.random.chance(200) {
                self.operate();
            }
            if self.terms.kind == Kind::Scarce {
                set_descriptors(*self.random.choose(&[2, 5, usize::MAX]));
            }
            let until = now_micros() + 1 + self.random.below(3_000_000) as u64;
            self.turn_until(until.min(end));
        }
        set_descriptors(usize::MAX);
    }

    /// The configuration is read again, with other limits.
    fn reload(&mut self) {
        let mut config = self.terms.config(&mut self.random);
        config.listen.clone_from(&self.relay.config().listen);
        trace!("the configuration is read again");
        self.relay.reconfigure(config).expect("the configuration is right");
    }

    fn turn_until(&mut self, end: u64) {
        self.cast.borrow_mut().end = end;
        let (calls, begun) = (counts().polls, now_micros());
        while now_micros() < end {
            self.relay.turn(None).expect("a turn");
            self.check();
        }
        let seconds = (now_micros() - begun) / SECOND + 1;
        // a call takes 8 µs on the average
        assert!(counts().polls - calls < seconds * 60_000, "a busy loop");
    }

    fn check(&self) {
        let stats = self.relay.stats();
        let (longest, most) = (stats.longest_queue, self.terms.longest_queue());
        assert!(longest <= most, "a queue of {longest} bytes, of {most} at most");
        let memory = stats.queued_bytes + stats.table_bytes;
        assert!(memory <= stats.memory_bytes, "{memory} bytes of memory of {}", stats.memory_bytes);
        assert!(counts().sockets <= stats.open_sockets + 1, "sockets that nobody knows of: {stats:?}");
        for cause in [Closed::Malformed, Closed::UnknownCommand, Closed::WebSocketFailed, Closed::Other] {
            assert_eq!(stats.closed.of(cause), 0, "{cause}");
        }
        if self.terms.kind != Kind::Scarce {
            let wonders: u32 = self.cast.borrow().parties.iter().map(|party| party.wonders).sum();
            assert_eq!(wonders, 0, "closed without a reason: {stats:?}");
        }
    }

    /// Nobody does anything, and nothing goes wrong: what is under way has to arrive, and who is
    /// gone to be noticed.
    fn settle(&mut self) {
        self.quieten();
        // whoever keeps all messages has given no grants
        self.check_that_nobody_waits();
        {
            let Cast { parties, ledger, .. } = &mut *self.cast.borrow_mut();
            for party in parties.iter_mut().filter(|party| party.keeps) {
                party.keeps = false;
                party.poll(ledger);
            }
        }
        self.turn_until(now_micros() + 40 * SECOND);
        self.check_that_nobody_waits();
        {
            let Cast { parties, ledger, .. } = &mut *self.cast.borrow_mut();
            parties.iter_mut().for_each(|party| party.begin_last_words(ledger));
        }
        // that is much for one that may send 10,000 bytes a second
        self.turn_until(now_micros() + 120 * SECOND);
        for party in &self.cast.borrow().parties {
            let (address, unsaid) = (party.address, party.unsaid());
            assert_eq!(unsaid, None, "{address} waits for a window for ever");
        }
        self.check_that_nobody_waits();
        self.check_tables();
    }

    /// Nobody is not read, and nothing waits to be written.
    fn check_that_nobody_waits(&mut self) {
        let cast = self.cast.borrow();
        self.relay.each_connection(|info| {
            // one that keeps messages may be unable to read
            if cast.parties.iter().any(|party| party.keeps && party.address == info.address) {
                return true;
            }
            assert!(!info.is_paused, "somebody waits for nothing: {info:?}");
            // a turn may end with a keepalive, which is written by the next one
            let most = to_endpoint::keepalive().len();
            assert!(info.queued_bytes <= most, "what is queued is not written: {info:?}");
            true
        });
        assert_eq!(self.relay.stats().paused, 0, "somebody waits for nothing");
    }

    fn quieten(&mut self) {
        {
            let mut cast = self.cast.borrow_mut();
            cast.acts = false;
            for party in &mut cast.parties {
                (party.slowness, party.read_at) = (0, 0);
                // one that has said nothing so far never will
                party.is_excused |= party.tables.own.is_empty() && party.tables.entered.is_empty();
                party.line.iter().for_each(|line| line.endpoint.resume());
            }
        }
        // One that is gone without a word while it is held up is noticed after 15 s and 64 stall
        // timeouts. One that was reset while somebody waited for it, who writes before it reads, is
        // waited for until a stall timeout. Without such, nobody has to wait for a timeout;
        // LIMITED is for what limits have put off.
        let seconds = match (self.terms.kind, self.cast.borrow().has_vanished) {
            (_, true) => 90 + 66 * self.terms.stall,
            (Kind::Good, _) => LIMITED,
            _ => LIMITED + 3 * self.terms.stall,
        };
        self.turn_until(now_micros() + seconds * SECOND);
    }

    /// What the relay knows, and what parties do; and that all has arrived.
    fn check_tables(&self) {
        let cast = self.cast.borrow();
        let stats = self.relay.stats();
        let connected = cast.parties.iter().filter(|party| party.line.is_some()).count();
        assert_eq!(stats.connections, connected, "connections: {stats:?}");
        let open =
            |party: &&crate::party::Party| party.tables.entered.iter().filter(|one| one.is_open).count();
        let users: usize = cast.parties.iter().map(|party| open(&party)).sum();
        let own = cast.parties.iter().flat_map(|party| &party.tables.own);
        let of_servers: usize = own.clone().map(|own| own.users.len()).sum();
        assert_eq!((users, of_servers), (stats.users, stats.users), "who is in which channel");
        // servers are not told what an operator has closed
        let not_told = own.clone().count().checked_sub(stats.channels);
        assert!(not_told.is_some_and(|count| count <= self.closed), "channels: {stats:?}");
        assert!(own.clone().all(|own| own.is_open), "who creates a channel has no answer");
        let mut entered = cast.parties.iter().flat_map(|party| &party.tables.entered);
        assert!(entered.all(|entered| entered.is_open), "who enters a channel has no answer");
        let sent = |key| cast.ledger.sent.get(&key).copied().unwrap_or_default();
        let heard = |key| cast.ledger.heard.get(&key).copied().unwrap_or_default();
        for user in own.flat_map(|own| own.users.values()) {
            assert_eq!(sent(user.to), heard(user.to), "what a server has said to a user");
        }
        for entered in cast.parties.iter().flat_map(|party| &party.tables.entered) {
            assert_eq!(sent(entered.to), heard(entered.to), "what a user has said");
            if let Some((key, next)) = entered.from_all.0 {
                assert_eq!(sent(key), next, "what a server has said to all");
            }
        }
    }

    /// Nobody says anything: the relay says that it is there, and sleeps.
    fn sleep(&mut self) {
        let before = counts().polls;
        self.turn_until(now_micros() + 20 * SECOND);
        let (polls, connections) = (counts().polls - before, self.relay.stats().connections as u64);
        // keepalives each 2 s, and what is woken up for
        assert!(
            polls <= 20 + 40 * connections,
            "{polls} polls in 20 quiet seconds, {connections} connections"
        );
    }

    /// Everybody goes.
    fn leave(&mut self) {
        for party in &mut self.cast.borrow_mut().parties {
            drop(party.take_line());
        }
        self.turn_until(now_micros() + 30 * SECOND);
        let stats = self.relay.stats();
        let left = (stats.connections, stats.channels, stats.users, stats.queued_bytes, stats.paused);
        assert_eq!(left, (0, 0, 0, 0, 0), "the relay remembers somebody: {stats:?}");
        assert_eq!((stats.open_sockets, counts().sockets), (1, 1), "sockets that are left");
        assert_eq!(stats.accepted, stats.closed.total(), "ends of connections: {stats:?}");
    }

    fn excuse(&mut self) {
        for party in &mut self.cast.borrow_mut().parties {
            (party.is_end, party.is_excused) = (true, true);
        }
    }

    /// All are to go elsewhere.
    fn drain(&mut self) {
        self.excuse();
        let over = Duration::from_millis(self.random.below(5000) as u64);
        self.relay.drain(over);
        let end = now_micros() + 20 * SECOND;
        while !self.relay.is_drained() {
            assert!(now_micros() < end, "it is drained some day: {:?}", self.relay.stats());
            self.turn_until(now_micros() + SECOND);
        }
        let stats = self.relay.stats();
        assert_eq!((stats.connections, stats.users, stats.channels), (0, 0, 0), "{stats:?}");
        self.stop();
    }

    /// The relay ends.
    fn stop(&mut self) {
        self.excuse();
        let begun = now_micros();
        self.relay.shutdown().expect("an end");
        assert!(now_micros() - begun < 12 * SECOND, "the end takes too long");
        let stats = self.relay.stats();
        let left = (stats.connections, stats.channels, stats.users, stats.queued_bytes);
        assert_eq!(left, (0, 0, 0, 0), "the relay remembers somebody: {stats:?}");
        assert_eq!(stats.accepted, stats.closed.total(), "ends of connections: {stats:?}");
    }
}
