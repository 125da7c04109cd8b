//! The directory's protocol, with thousands of seeds: relays that pause, clocks that differ,
//! requests that come late or not at all, a bucket that goes away.
//!
//! What has to hold: a name never has two owners; whoever asks is answered; a name that was free all
//! the time is not in use; when all is well again every name can be had.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use peote_net_testkit::random;

use super::directory::{Directory, Fact, Outcome};
use super::key::name_key;
use super::{Ask, Failure, Name, Waiter};

const LEASE: u64 = 8000;
const RELAYS: usize = 3;
const NAMES: u64 = 4;

#[derive(Clone)]
struct Random(random::Random);

impl Random {
    fn next(&mut self) -> u64 {
        self.0.next()
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// The bucket: the last revision of each key, and its value unless it was taken out.
#[derive(Default)]
struct Bucket {
    revision: u64,
    entries: BTreeMap<String, (Option<Vec<u8>>, u64)>,
    /// When entries were taken out that are not there now.
    free_since: BTreeMap<String, u64>,
}

type Entry = (String, Option<Vec<u8>>, u64);

impl Bucket {
    fn set(
        &mut self,
        key: &str,
        value: Option<Vec<u8>>,
        is_right: impl Fn(Option<&(Option<Vec<u8>>, u64)>) -> bool,
    ) -> Result<Entry, Failure> {
        if !is_right(self.entries.get(key)) {
            return Err(Failure::Conflict);
        }
        self.revision += 1;
        self.entries.insert(key.into(), (value.clone(), self.revision));
        Ok((key.into(), value, self.revision))
    }

    fn carry_out(&mut self, ask: &Ask) -> Result<Option<Entry>, Failure> {
        let has = |revision: u64| {
            move |entry: Option<&(Option<Vec<u8>>, u64)>| entry.is_some_and(|(_, its)| *its == revision)
        };
        match ask {
            Ask::Create { key, value, .. } => self
                .set(key, Some(value.clone()), |entry| entry.is_none_or(|(value, _)| value.is_none()))
                .map(Some),
            Ask::Update { key, value, revision, .. } => {
                self.set(key, Some(value.clone()), has(*revision)).map(Some)
            }
            Ask::Delete { key, revision, .. } => self.set(key, None, has(*revision)).map(Some),
            Ask::Get { .. } => Ok(None),
            Ask::Purge { key, revision, .. } => {
                if self.entries.get(key).is_some_and(|(value, its)| value.is_none() && its <= revision) {
                    self.entries.remove(key);
                }
                Ok(None)
            }
        }
    }
}

enum Event {
    /// A request of a relay reaches the bucket.
    Request(usize, u64, Ask),
    /// What the bucket says reaches a relay.
    Told(usize, u64, Told),
    Tick(usize),
    Fault,
    Work(usize),
    Connect(usize),
}

enum Told {
    Answer(u64, Result<u64, Failure>),
    Got(u64, Option<(Vec<u8>, u64)>),
    Watched(Entry),
    Whole,
}

struct Node {
    directory: Directory,
    /// Its clock: parts in a thousand, and what it is ahead.
    rate: u64,
    ahead: u64,
    session: u64,
    is_connected: bool,
    paused_until: u64,
    /// When the last thing of its watch arrives.
    watch_at: u64,
    channels: BTreeSet<Name>,
    /// What is waited for: whether it is a claim, and since when.
    waiting: HashMap<Waiter, (Name, bool, u64)>,
    waiters: u32,
}

struct World {
    random: Random,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64)>>,
    what: HashMap<u64, Event>,
    serial: u64,
    bucket: Bucket,
    is_running: bool,
    nodes: Vec<Node>,
    has_faults: bool,
    held: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(random::Random::new(seed));
        let nodes = (0..RELAYS).map(|number| Node {
            directory: Directory::new(seed * 64 + number as u64 * 7_777_777, LEASE),
            rate: 990 + random.below(21),
            ahead: random.below(1_000_000),
            session: 0,
            is_connected: false,
            paused_until: 0,
            watch_at: 0,
            channels: BTreeSet::new(),
            waiting: HashMap::new(),
            waiters: 0,
        });
        let nodes = nodes.collect();
        let mut this = Self {
            random,
            now: 1,
            events: BinaryHeap::new(),
            what: HashMap::new(),
            serial: 0,
            bucket: Bucket::default(),
            is_running: true,
            nodes,
            has_faults: true,
            held: 0,
        };
        for node in 0..RELAYS {
            this.after(this.now, Event::Tick(node));
            this.after(10, Event::Work(node));
            this.after(5, Event::Connect(node));
        }
        this.after(3000, Event::Fault);
        this
    }

    fn after(&mut self, millis: u64, event: Event) {
        self.serial += 1;
        self.what.insert(self.serial, event);
        self.events.push(Reverse((self.now + millis, self.serial)));
    }

    fn local(&self, node: usize) -> u64 {
        let node = &self.nodes[node];
        node.ahead + self.now * node.rate / 1000
    }

    /// Mostly short; at times as long as a lease and more.
    fn delay(&mut self) -> u64 {
        match self.random.below(if self.has_faults { 40 } else { u64::MAX }) {
            0 => self.random.below(LEASE * 2),
            1..4 => self.random.below(1500),
            _ => 1 + self.random.below(20),
        }
    }

    fn run(&mut self, until: u64) {
        while let Some(Reverse((at, serial))) = self.events.pop() {
            if at > until {
                self.events.push(Reverse((at, serial)));
                break;
            }
            self.now = at;
            let Some(event) = self.what.remove(&serial) else { continue };
            match event {
                // what waits for a relay that stands still keeps its order
                Event::Told(node, ..) | Event::Tick(node) | Event::Work(node)
                    if self.nodes[node].paused_until > at =>
                {
                    self.events.push(Reverse((self.nodes[node].paused_until, serial)));
                    self.what.insert(serial, event);
                }
                event => self.happen(event),
            }
        }
        self.now = until;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Request(node, session, ask) => self.carry_out(node, session, &ask),
            Event::Fault => {
                if self.has_faults {
                    self.fault();
                    let next = 500 + self.random.below(6000);
                    self.after(next, Event::Fault);
                }
            }
            Event::Connect(node) => self.connect(node),
            Event::Told(node, session, told) => {
                // as in the relay: time is looked at first
                self.tick(node);
                if self.nodes[node].session == session && self.nodes[node].is_connected {
                    let now = self.local(node);
                    let directory = &mut self.nodes[node].directory;
                    match told {
                        Told::Answer(ticket, result) => directory.answered(now, ticket, result),
                        Told::Got(ticket, entry) => directory.got(now, ticket, Ok(entry)),
                        Told::Watched((key, value, revision)) => {
                            directory.watched(now, &key, value.as_deref(), revision);
                        }
                        Told::Whole => directory.watch_is_whole(now),
                    }
                }
                self.hear(node);
            }
            Event::Tick(node) => {
                self.tick(node);
                self.after(100, Event::Tick(node));
            }
            Event::Work(node) => {
                self.tick(node);
                self.work(node);
                let next = 100 + self.random.below(2000);
                self.after(next, Event::Work(node));
            }
        }
    }

    fn tick(&mut self, node: usize) {
        let now = self.local(node);
        if !self.is_running && !self.nodes[node].is_connected && self.random.below(2) == 0 {
            self.nodes[node].directory.is_dead(now);
        }
        self.nodes[node].directory.tick(now);
        self.hear(node);
    }

    fn carry_out(&mut self, node: usize, session: u64, ask: &Ask) {
        if !self.is_running {
            return;
        }
        let (Ask::Create { ticket, .. }
        | Ask::Update { ticket, .. }
        | Ask::Delete { ticket, .. }
        | Ask::Get { ticket, .. }
        | Ask::Purge { ticket, .. }) = ask;
        let result = self.bucket.carry_out(ask);
        if let Ask::Purge { key, .. } = ask {
            self.pass_over(key);
        }
        if let Ok(Some((key, value, _))) = &result {
            match value {
                Some(_) => drop(self.bucket.free_since.remove(key)),
                None => drop(self.bucket.free_since.insert(key.clone(), self.now)),
            }
        }
        let told = match (result, ask) {
            (Ok(None), Ask::Get { key, .. }) => {
                let entry = self
                    .bucket
                    .entries
                    .get(key)
                    .and_then(|(value, revision)| Some((value.clone()?, *revision)));
                Told::Got(*ticket, entry)
            }
            (Ok(Some(entry)), _) => {
                let revision = entry.2;
                for watcher in 0..RELAYS {
                    if self.nodes[watcher].is_connected {
                        self.tell_watch(watcher, Told::Watched(entry.clone()));
                    }
                }
                Told::Answer(*ticket, Ok(revision))
            }
            (result, _) => Told::Answer(*ticket, result.map(|_| 0)),
        };
        if self.random.below(if self.has_faults { 50 } else { u64::MAX }) != 0 {
            let delay = self.delay();
            self.after(delay, Event::Told(node, session, told));
        }
    }

    /// A watch that is behind may never tell of an entry that was taken out, and then purged.
    fn pass_over(&mut self, key: &str) {
        let is_mark =
            |event: &Event| matches!(event, Event::Told(_, _, Told::Watched((of, None, _))) if of == key);
        let marks: Vec<_> =
            self.what.iter().filter(|(_, event)| is_mark(event)).map(|(serial, _)| *serial).collect();
        for serial in marks {
            self.what.remove(&serial);
        }
    }

    /// A watch tells in order.
    fn tell_watch(&mut self, node: usize, told: Told) {
        let at = (self.now + self.delay()).max(self.nodes[node].watch_at + 1);
        self.nodes[node].watch_at = at;
        let session = self.nodes[node].session;
        self.after(at - self.now, Event::Told(node, session, told));
    }

    fn connect(&mut self, node: usize) {
        if self.nodes[node].is_connected || !self.is_running {
            return;
        }
        self.nodes[node].session += 1;
        self.nodes[node].is_connected = true;
        self.nodes[node].watch_at = self.now;
        self.tick(node);
        let now = self.local(node);
        self.nodes[node].directory.up(now);
        let entries: Vec<_> = self
            .bucket
            .entries
            .iter()
            .map(|(key, (value, revision))| (key.clone(), value.clone(), *revision))
            .collect();
        for entry in entries {
            self.tell_watch(node, Told::Watched(entry));
        }
        self.tell_watch(node, Told::Whole);
        self.hear(node);
    }

    fn disconnect(&mut self, node: usize) {
        if std::mem::take(&mut self.nodes[node].is_connected) {
            let now = self.local(node);
            self.nodes[node].directory.down(now);
            self.hear(node);
        }
    }

    fn fault(&mut self) {
        let node = usize::try_from(self.random.below(RELAYS as u64)).unwrap();
        let long = self.random.below(LEASE * 3);
        match self.random.below(5) {
            0 | 1 => {
                let until = self.nodes[node].paused_until.max(self.now + long);
                self.nodes[node].paused_until = until;
            }
            2 => {
                self.disconnect(node);
                self.after(long, Event::Connect(node));
            }
            3 => {
                self.is_running = false;
                (0..RELAYS).for_each(|node| self.disconnect(node));
            }
            _ => {
                self.is_running = true;
                for node in 0..RELAYS {
                    let delay = self.random.below(500);
                    self.after(delay, Event::Connect(node));
                }
            }
        }
    }

    fn work(&mut self, node: usize) {
        let name: Name = vec![u8::try_from(self.random.below(NAMES)).unwrap()].into();
        let now = self.local(node);
        let this = &mut self.nodes[node];
        if this.channels.contains(&name) {
            if self.random.below(3) == 0 {
                this.channels.remove(&name);
                this.directory.release(now, &name);
            }
        } else {
            this.waiters += 1;
            let waiter = (this.waiters, 0);
            let is_claim = self.random.below(3) != 0;
            this.waiting.insert(waiter, (name.clone(), is_claim, self.now));
            if is_claim {
                this.directory.claim(now, &name, waiter);
            } else {
                this.directory.look_up(now, &name, waiter);
            }
        }
        self.hear(node);
    }

    /// Takes what a directory says.
    fn hear(&mut self, node: usize) {
        loop {
            let directory = &mut self.nodes[node].directory;
            let (asks, facts) = (std::mem::take(&mut directory.asks), std::mem::take(&mut directory.facts));
            if asks.is_empty() && facts.is_empty() {
                return;
            }
            let session = self.nodes[node].session;
            for ask in asks {
                if self.nodes[node].is_connected {
                    let delay = self.delay();
                    self.after(delay, Event::Request(node, session, ask));
                }
            }
            facts.into_iter().for_each(|fact| self.note(node, fact));
        }
    }

    fn note(&mut self, node: usize, fact: Fact) {
        match fact {
            Fact::Settled(waiter, (of, outcome)) => {
                let waited = self.nodes[node].waiting.remove(&waiter);
                let (name, is_claim, since) = waited.expect("is answered once");
                assert_eq!(of, name);
                assert_eq!(is_claim, matches!(outcome, Outcome::Held | Outcome::InUse | Outcome::NoAnswer));
                if outcome == Outcome::InUse {
                    let key = name_key(&name);
                    let has_been = self.bucket.entries.contains_key(&key);
                    let free_since = self.bucket.free_since.get(&key).copied();
                    assert!(
                        has_been && free_since.is_none_or(|at| at >= since),
                        "{name:?} was free from {free_since:?} on, asked for at {since}, and is in use at {}",
                        self.now
                    );
                }
                if outcome == Outcome::Held && self.nodes[node].channels.insert(name.clone()) {
                    self.nodes[node].directory.is_used(&name);
                    self.held += 1;
                    let owners = self.owners(&name);
                    assert!(owners.len() <= 1, "{name:?} has the owners {owners:?} at {}", self.now);
                }
            }
            Fact::Lapsed => self.nodes[node].channels.clear(),
            Fact::Lost(name) => drop(self.nodes[node].channels.remove(&name)),
            Fact::PeerCame(_) | Fact::PeerGone(_) => {}
        }
    }

    fn owners(&self, name: &[u8]) -> Vec<usize> {
        let owns = |node: &usize| {
            self.nodes[*node].channels.contains(name)
                && self.nodes[*node].directory.holds(name, self.local(*node))
        };
        (0..RELAYS).filter(owns).collect()
    }

    /// All is well from now on.
    fn heal(&mut self) {
        self.has_faults = false;
        self.is_running = true;
        for node in 0..RELAYS {
            self.nodes[node].paused_until = 0;
            self.disconnect(node);
            self.after(10, Event::Connect(node));
        }
    }
}

fn run(seed: u64) -> usize {
    let mut world = World::new(seed);
    world.run(60_000);
    world.heal();
    world.run(world.now + 5 * LEASE);
    // whoever asks is answered: only what was asked a moment ago may be open
    let held = world.held;
    world.run(world.now + 10 * LEASE);
    assert!(world.held > held, "nobody gets a name any more (seed {seed})");
    for node in 0..RELAYS {
        assert!(world.nodes[node].directory.is_ready(), "relay {node} has no lease (seed {seed})");
        let waiters = world.nodes[node].waiters;
        let old = world.nodes[node].waiting.keys().filter(|(waiter, _)| waiter + 8 < waiters).count();
        assert_eq!(old, 0, "somebody waits for ever at relay {node} (seed {seed})");
        for name in world.nodes[node].channels.clone() {
            assert_eq!(world.owners(&name), [node], "(seed {seed})");
        }
    }
    world.held
}

#[test]
fn never_two_owners_and_nobody_waits_for_ever() {
    let seeds = std::env::var("CLUSTER_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(250);
    let held: u64 = (0..seeds).map(run).map(|held| held as u64).sum();
    assert!(held > 10 * seeds, "names were hardly ever had: {held}");
}
