//! All that a relay knows of its cluster: the directory, the lines, the memberships across, and who
//! waits for what.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use peote_net::relay::ConnectionId;
use tracing::{debug, info, warn};

use super::afar::Afar;
use super::bus::{Bus, News};
use super::directory::{Directory, Fact, Outcome};
use super::line::{Head, Heard, Wrong};
use super::nats::Others;
use super::numbers::Numbers;
use super::{ClusterInfo, ClusterRelay, Name, RelayId, Waiter, clock};
use crate::log::Name as Shown;
use crate::places::index;

/// Milliseconds for which a name is kept from its next owner by what was said last in the channel
/// before.
const LAST_WORDS: u64 = 1000;

/// What a command is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the core's to decide.
    Core,
    /// The name is another relay's.
    InUse,
    /// The directory does not answer.
    NoAnswer,
    /// It has to wait.
    Wait,
}

/// What the relay's loop has to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// This connection goes on.
    Wake(Waiter),
    /// The lease is over: the channels of this relay end.
    EndAll,
    /// The channel of that name is another relay's.
    EndChannel(Name),
}

/// Totals, for figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) received_messages: u64,
    pub(crate) sent_messages: u64,
    pub(crate) received_bytes: u64,
    pub(crate) sent_bytes: u64,
    pub(crate) broken_lines: u64,
    pub(crate) lapses: u64,
}

pub(crate) struct Cluster {
    pub(crate) name: String,
    lease: u64,
    pub(crate) directory: Directory,
    pub(crate) afar: Afar,
    bus: Box<dyn Bus>,
    numbers: Option<Numbers>,
    clock: fn() -> u64,
    pub(crate) now: u64,
    /// What was found out for connections, until they ask again.
    settled: HashMap<Waiter, (Name, Outcome)>,
    /// Connections that wait for a proxy, or for its end.
    for_proxy: HashMap<Name, Vec<Waiter>>,
    /// Names that are wanted here while there is a proxy of a channel that is gone, and until when
    /// that may hand on what was said last.
    hurried: VecDeque<(u64, Name)>,
    pub(crate) duties: VecDeque<Duty>,
    pub(crate) totals: Totals,
    next_tick: u64,
    /// Why this relay cannot be one of the cluster.
    pub(crate) refused: Option<String>,
    said_version: bool,
    was_ready: bool,
    /// A stand-in waits for room in a queue.
    pub(crate) is_held_up: bool,
    /// Bytes of memory that count with those of queues.
    counted: usize,
}

/// What a relay is told about its cluster.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) nats: super::nats::Options,
    pub(crate) lease: Duration,
    pub(crate) file: Option<PathBuf>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("name", &self.name).finish_non_exhaustive()
    }
}

fn waiter(id: ConnectionId) -> Waiter {
    (index(id), id.generation())
}

impl Cluster {
    pub(crate) fn new(
        name: String,
        lease: u64,
        seed: u64,
        mut bus: Box<dyn Bus>,
        clock: fn() -> u64,
    ) -> Self {
        let directory = Directory::new(seed, lease);
        bus.be(directory.me());
        let epoch = u32::try_from(seed >> 32).unwrap_or(1);
        Self {
            name,
            lease,
            directory,
            afar: Afar::new(epoch),
            bus,
            numbers: None,
            clock,
            now: clock(),
            settled: HashMap::new(),
            for_proxy: HashMap::new(),
            hurried: VecDeque::new(),
            duties: VecDeque::new(),
            totals: Totals::default(),
            next_tick: 0,
            refused: None,
            said_version: false,
            was_ready: false,
            is_held_up: false,
            counted: 0,
        }
    }

    /// Connects to NATS.
    ///
    /// # Errors
    /// Those of [`Nats::start`](super::nats::Nats::start), and of the file.
    pub(crate) fn on_nats(options: Options, others: impl FnOnce() -> io::Result<Others>) -> io::Result<Self> {
        let (name, lease) = (options.nats.name.clone(), crate::times::millis(options.lease));
        let numbers = options.file.as_deref().map(Numbers::open).transpose()?;
        let nats = super::nats::Nats::start(options.nats, clock::now, others)?;
        let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id());
        let mut this = Self::new(name, lease, seed, Box::new(nats), clock::now);
        this.directory.bury(numbers.iter().flat_map(Numbers::earlier).copied());
        this.numbers = numbers;
        this.keep_number();
        Ok(this)
    }

    /// The number of this relay is another one. It is in the file before anybody else hears of it.
    fn keep_number(&mut self) {
        let me = self.directory.me();
        if let Some(numbers) = &mut self.numbers
            && let Err(error) = numbers.keep(me)
        {
            warn!(%error, "cluster-file cannot be written: after this relay is killed its names are kept until its lease is over");
        }
    }

    // ---- commands of connections ----

    /// A connection wants to create a channel.
    pub(crate) fn create(&mut self, id: ConnectionId, name: &[u8]) -> Verdict {
        let here = self.afar.has_channel(name);
        match (here, self.directory.holds(name, self.now)) {
            (Some(false), _) | (None, true) => return Verdict::Core,
            (Some(true), true) => {
                // the channel is gone, and what its server said last is still handed on
                self.for_proxy.entry(name.into()).or_default().push(waiter(id));
                self.hurried.push_back((self.now + LAST_WORDS, name.into()));
                return Verdict::Wait;
            }
            // whether a name is still that of another relay is asked
            (_, false) => {}
        }
        match self.take_settled(id, name) {
            Some(Outcome::InUse) => return Verdict::InUse,
            Some(Outcome::NoAnswer) => return Verdict::NoAnswer,
            _ => {}
        }
        self.directory.claim(self.now, name, waiter(id));
        Verdict::Wait
    }

    /// A connection wants to enter a channel.
    pub(crate) fn enter(&mut self, id: ConnectionId, name: &[u8]) -> Verdict {
        if self.afar.has_channel(name).is_some() {
            return Verdict::Core;
        }
        if self.take_settled(id, name) == Some(Outcome::Nowhere) {
            return Verdict::Core;
        }
        self.directory.look_up(self.now, name, waiter(id));
        Verdict::Wait
    }

    fn take_settled(&mut self, id: ConnectionId, name: &[u8]) -> Option<Outcome> {
        let (of, outcome) = self.settled.remove(&waiter(id))?;
        (*of == *name).then_some(outcome)
    }

    /// Whether something was found out for a connection, so that its command is not counted again.
    pub(crate) fn has_settled(&self, id: ConnectionId) -> bool {
        self.settled.contains_key(&waiter(id))
    }

    /// How many connections something was found out for.
    pub(crate) fn settled(&self) -> usize {
        self.settled.len()
    }

    /// Forgets what was found out for a connection.
    pub(crate) fn forget(&mut self, waiter: Waiter) {
        self.settled.remove(&waiter);
    }

    /// A connection is gone.
    pub(crate) fn connection_gone(&mut self, id: ConnectionId) {
        self.forget(waiter(id));
        self.afar.connection_gone(id);
    }

    /// The core has created a channel.
    pub(crate) fn created(&mut self, name: &[u8], server: ConnectionId) {
        self.afar.channel_is_here(name, server);
        if self.afar.has_channel(name) == Some(false) {
            self.directory.is_used(name);
        }
        self.wake_for(name);
    }

    /// The core has a channel no more.
    pub(crate) fn deleted(&mut self, name: &[u8]) {
        if self.afar.channel_is_gone(name) {
            self.directory.release(self.now, name);
        }
        self.wake_for(name);
    }

    /// Those go on that wait for a proxy, or for its end.
    fn wake_for(&mut self, name: &[u8]) {
        let waiters = self.for_proxy.remove(name).unwrap_or_default();
        self.duties.extend(waiters.into_iter().map(Duty::Wake));
    }

    // ---- the loop ----

    /// Takes news. Comes before anything is served: a lease that is over is noticed first.
    ///
    /// What a party that is gone has said waits for its receiver for `last_words` milliseconds.
    pub(crate) fn begin_turn(&mut self, last_words: u64) {
        self.now = (self.clock)();
        self.is_held_up = false;
        if self.now >= self.next_tick {
            self.tick();
            self.afar.end_late(self.now.saturating_sub(last_words));
            self.afar.end_unused(self.now);
        }
        for _ in 0..4096 {
            let Some(news) = self.bus.take() else { break };
            self.hear(news);
        }
        self.settle_facts();
    }

    fn tick(&mut self) {
        self.next_tick = self.directory.tick(self.now);
        self.settle_facts();
        while self.hurried.front().is_some_and(|(until, _)| *until <= self.now)
            && let Some((_, name)) = self.hurried.pop_front()
        {
            if self.directory.holds(&name, self.now) {
                self.afar.end_proxy(&name, self.now);
            }
        }
        for id in self.afar.peer_ids() {
            let heard = self.afar.peer(id, self.now).line.tick(self.now, self.lease);
            self.note_line(id, heard);
            if heard == Heard::Silence && !self.directory.has_peer(id) {
                self.afar.forget_peer(id);
            }
        }
    }

    fn hear(&mut self, news: News) {
        let now = self.now;
        match news {
            News::Up => self.directory.up(now),
            News::Down => self.directory.down(now),
            News::Dead(at) => self.directory.is_dead(at),
            News::Watched { key, value, revision } => {
                self.directory.watched(now, &key, value.as_deref(), revision);
            }
            News::Whole => self.directory.watch_is_whole(now),
            News::Answered { ticket, result } => self.directory.answered(now, ticket, result),
            News::Got { ticket, result } => self.directory.got(now, ticket, result),
            News::Message(message) => self.hear_message(&message),
            News::Refused(why) => self.refused = Some(why),
        }
    }

    fn hear_message(&mut self, message: &[u8]) {
        let (head, records) = match Head::take(message) {
            Ok(taken) => taken,
            Err(wrong) => return self.note_wrong(wrong),
        };
        if !self.directory.has_peer(head.from) {
            // one that has gone, or one of which the watch has not told yet: that says it again
            return;
        }
        self.totals.received_messages += 1;
        self.totals.received_bytes += message.len() as u64;
        let heard = self.afar.peer(head.from, self.now).line.hear(&head, message.len(), self.now);
        self.note_line(head.from, heard);
        if heard != Heard::Records {
            return;
        }
        if !self.afar.hear_records(head.from, records, self.now) {
            warn!(relay = %Hex(head.from), "a relay of the cluster says what has no meaning, or more than it may; the line to it begins anew");
            let heard = self.afar.peer(head.from, self.now).line.fail(self.now);
            self.note_line(head.from, heard);
        }
    }

    fn note_wrong(&mut self, wrong: Wrong) {
        if !std::mem::replace(&mut self.said_version, true) {
            warn!(
                ?wrong,
                "a message of another relay is passed over: it is of another version, or none of a relay"
            );
        }
    }

    fn note_line(&mut self, id: RelayId, heard: Heard) {
        if heard == Heard::Broken {
            self.totals.broken_lines += 1;
            warn!(relay = %Hex(id), "the line to another relay is lost, and with it the memberships across it");
            self.afar.break_off(id);
        }
    }

    /// Returns how many bytes of memory count with those of queues now, and how many did before.
    pub(crate) fn count_memory(&mut self) -> (usize, usize) {
        let now = self.afar.memory();
        (now, std::mem::replace(&mut self.counted, now))
    }

    /// There is no memory left, and most waits for that relay: the line to it begins anew.
    pub(crate) fn give_up(&mut self, id: RelayId, bytes: usize) {
        warn!(
            relay = %Hex(id), bytes,
            "the line to another relay is given up: most was kept for it when there was no memory left for queues (memory-bytes)"
        );
        let heard = self.afar.peer(id, self.now).line.fail(self.now);
        self.note_line(id, heard);
    }

    fn settle_facts(&mut self) {
        while !self.directory.facts.is_empty() {
            for fact in std::mem::take(&mut self.directory.facts) {
                self.settle(fact);
            }
        }
        for name in std::mem::take(&mut self.afar.failed) {
            for waiter in self.for_proxy.remove(&name).unwrap_or_default() {
                self.settled.insert(waiter, (name.clone(), Outcome::Nowhere));
                self.duties.push_back(Duty::Wake(waiter));
            }
        }
        for name in std::mem::take(&mut self.afar.unused) {
            // they ask again where the channel is
            self.wake_for(&name);
        }
        let is_ready = self.directory.is_ready();
        if is_ready != self.was_ready {
            self.was_ready = is_ready;
            let me = self.directory.me();
            if is_ready {
                info!(cluster = %self.name, relay = %Hex(me), others = self.directory.peers().len(), "part of the cluster");
            } else {
                warn!(cluster = %self.name, "without the directory: nothing can be created, channels go on");
            }
        }
        for ask in std::mem::take(&mut self.directory.asks) {
            self.bus.ask(ask);
        }
    }

    fn settle(&mut self, fact: Fact) {
        match fact {
            Fact::Settled(waiter, (name, Outcome::At(peer))) => {
                if self.afar.has_channel(&name).is_some() {
                    return self.duties.push_back(Duty::Wake(waiter));
                }
                self.for_proxy.entry(name.clone()).or_default().push(waiter);
                if !self.afar.has_proxy(&name) {
                    debug!(name = %Shown(&name), relay = %Hex(peer), "a channel is at another relay");
                    self.afar.make_proxy(peer, &name, self.now);
                }
            }
            Fact::Settled(waiter, (name, outcome)) => {
                self.settled.insert(waiter, (name, outcome));
                self.duties.push_back(Duty::Wake(waiter));
            }
            Fact::Lapsed => self.lapse(),
            Fact::Lost(name) => self.duties.push_back(Duty::EndChannel(name)),
            Fact::PeerCame(id) => info!(relay = %Hex(id), "a relay has come to the cluster"),
            Fact::PeerGone(id) => {
                info!(relay = %Hex(id), "a relay is gone from the cluster");
                self.afar.forget_peer(id);
            }
        }
    }

    fn lapse(&mut self) {
        self.totals.lapses += 1;
        warn!(
            cluster = %self.name,
            "the lease is over, because the directory could not be told in time that this relay is there; its channels end"
        );
        for id in self.afar.peer_ids() {
            self.afar.forget_peer(id);
        }
        self.keep_number();
        self.bus.be(self.directory.me());
        self.duties.push_back(Duty::EndAll);
    }

    /// Sends what is to be sent to other relays. Comes at the end of a turn.
    pub(crate) fn end_turn(&mut self) {
        self.settle_facts();
        let me = self.directory.me();
        for (id, peer) in self.afar.peers() {
            while let Some(message) = peer.line.say(me, self.now, self.lease) {
                self.totals.sent_messages += 1;
                self.totals.sent_bytes += message.len() as u64;
                self.bus.send(id, message);
            }
        }
        self.bus.flush();
    }

    /// Waits for what other relays or the directory say, and for events of the relay's poll.
    /// Returns whether that is to be asked for its events.
    ///
    /// # Errors
    /// This is called inside a task of tokio.
    pub(crate) fn wait(&mut self, most: Option<Duration>) -> io::Result<bool> {
        self.bus.wait(most)
    }

    /// The relay's poll was asked for its events. There may be more, if that was not all.
    pub(crate) fn asked(&mut self, is_all: bool) {
        self.bus.asked(is_all);
    }

    /// Makes records of what the core has said to stand-ins.
    pub(crate) fn pass_on(&mut self, user: impl FnMut(ConnectionId, u8) -> Option<(ConnectionId, IpAddr)>) {
        self.afar.pass_on(self.now, user);
    }

    /// Milliseconds after which there is something to do.
    pub(crate) fn next(&self) -> u64 {
        self.next_tick.saturating_sub((self.clock)()).clamp(1, 250)
    }

    /// The relay stops: names are given back, and other relays are told.
    pub(crate) fn stop(&mut self) {
        self.end_turn();
        self.directory.leave(self.now);
        for ask in std::mem::take(&mut self.directory.asks) {
            self.bus.ask(ask);
        }
        self.bus.stop();
    }

    /// Whether there is something to be done at once.
    pub(crate) fn has_work(&self) -> bool {
        !self.is_held_up && self.afar.has_work() || !self.duties.is_empty()
    }

    /// What an operator sees.
    pub(crate) fn info(&self) -> ClusterInfo {
        let relays = self.directory.peers().into_iter().map(|(id, names)| {
            let (users_there, users_here, backlog_bytes) = self.afar.memberships_with(id);
            ClusterRelay { relay: Hex(id).to_string(), names, users_there, users_here, backlog_bytes }
        });
        ClusterInfo {
            name: self.name.clone(),
            relay: Hex(self.directory.me()).to_string(),
            is_connected: self.directory.is_up(),
            is_ready: self.directory.is_ready(),
            lease: Duration::from_millis(self.lease),
            names: self.directory.held(),
            relays: relays.collect(),
            received_messages: self.totals.received_messages,
            sent_messages: self.totals.sent_messages,
            received_bytes: self.totals.received_bytes,
            sent_bytes: self.totals.sent_bytes,
            broken_lines: self.totals.broken_lines,
            lapses: self.totals.lapses,
        }
    }
}

/// The number of a relay, as it is shown.
pub(crate) struct Hex(pub(crate) RelayId);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
