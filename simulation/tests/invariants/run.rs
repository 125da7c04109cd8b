//! One run: a network, programs, what goes wrong, and the checks.

use peote_net::link::Mode;
use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::time::{Duration, Instant};
use peote_net_simulation::{Direction, Network, Random, Step};

use crate::memory::CHUNK;
use crate::model::Model;
use crate::node::Node;
use crate::weather::{self, Weather};

/// What is the same whenever a run is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    history: u64,
    pub(crate) received: u64,
}

struct Run {
    random: Random,
    network: Network,
    nodes: Vec<Node>,
    model: Model,
    weather: Weather,
    keepalives: bool,
    /// Most that a queue of the relay may hold.
    bound: usize,
    /// When something goes wrong next.
    fault_at: Option<Instant>,
    relay_back_at: Option<Instant>,
}

pub(crate) fn run(seed: u64, weather: Weather, print: bool) -> End {
    let mut run = Run::new(seed, weather);
    run.network.print_history(print);
    run.live();
    run.settle();
    run.leave();
    End { history: run.network.history(), received: run.model.received }
}

impl Run {
    fn new(seed: u64, weather: Weather) -> Self {
        let mut random = Random::new(seed);
        let keepalives = random.chance(500);
        let relay = weather::relay(&mut random, keepalives);
        let count = 2 + random.below(4);
        let nodes = (0..count).map(|id| Node::new(id, &mut random, !keepalives)).collect();
        let names = [&b"a"[..], b"", b"chat room", &[b'n'; 200]];
        let limits = [4, 100, 256, 257, 300, u32::try_from(CHUNK).unwrap_or(u32::MAX)];
        let mode = |random: &mut Random| match random.below(3) {
            0 => Mode::Data,
            _ => Mode::chunks(*random.choose(&limits)),
        };
        let names = names[..1 + random.below(names.len())].iter();
        let names = names.map(|name| (name.to_vec(), mode(&mut random))).collect();
        // at most 4 own channels of each, all others in each of them
        let memberships = 4 * count;
        let mut bound = relay.queue_bytes + memberships * (7 + 6) + 6;
        if relay.capabilities.contains(Capabilities::HELLO) {
            // what windows allow goes beyond, in units of a byte if need be; and grants, answers,
            // raised windows
            bound += 2 * memberships * (5 * (relay.queue_bytes.max(CHUNK) + 5) + 10 + 10 + 14);
        }
        let model = Model::new(names, &relay);
        Self {
            network: Network::with_relay(seed, relay),
            nodes,
            model,
            weather,
            keepalives,
            bound,
            fault_at: (weather != Weather::Calm).then_some(Instant::from_millis(500)),
            relay_back_at: None,
            random,
        }
    }

    /// Programs do things, and things go wrong.
    fn live(&mut self) {
        let end = Instant::from_millis(500 + self.random.below(3_500) as u64);
        while self.network.now() < end {
            self.faults();
            let _ = self.round(true, end);
        }
    }

    /// Wakes those who are awake, and lets the time pass until somebody is.
    fn round(&mut self, acts: bool, until: Instant) -> Step {
        let first = self.random.below(self.nodes.len());
        for place in 0..self.nodes.len() {
            let place = (first + place) % self.nodes.len();
            let node = &mut self.nodes[place];
            // now and then somebody for no reason
            if self.network.is_awake(&node.sleep(acts)).is_some() || (acts && self.random.chance(20)) {
                node.wake(&mut self.network, &mut self.model, &mut self.random, acts);
            }
        }
        let mut sleepers: Vec<_> = self.nodes.iter().map(|node| node.sleep(acts)).collect();
        let own = [self.fault_at, self.relay_back_at];
        sleepers.extend(own.into_iter().flatten().map(peote_net_simulation::Sleep::until));
        let step = self.network.step(&sleepers, until).unwrap_or_else(|stuck| panic!("{stuck}"));
        for event in self.network.take_relay_events() {
            self.network.note(format_args!("the relay: {event:?}"));
            self.model.relay_did(&event);
        }
        for node in &self.nodes {
            let queued = node.transport.as_ref().map_or(0, |line| self.network.queued(line.line()));
            assert!(queued <= self.bound, "{queued} bytes wait in a queue of at most {}", self.bound);
        }
        step
    }

    /// Something goes wrong, if it is time.
    fn faults(&mut self) {
        let now = self.network.now();
        if self.relay_back_at.is_some_and(|at| at <= now) {
            self.relay_back_at = None;
            self.network.start_relay();
        }
        if self.fault_at.is_none_or(|at| now < at) {
            return;
        }
        self.fault_at = Some(now + Duration::from_millis(1 + self.random.below(1_500) as u64));
        let random = &mut self.random;
        if self.weather == Weather::Restarting && random.chance(150) {
            self.network.stop_relay();
            self.relay_back_at = Some(now + Duration::from_millis(random.below(1_000) as u64));
            return;
        }
        let count = self.nodes.len();
        let node = &mut self.nodes[random.below(count)];
        let Some(line) = node.transport.as_ref().map(peote_net_simulation::Transport::line) else { return };
        let direction = *random.choose(&Direction::BOTH);
        let breaks = matches!(self.weather, Weather::Breaking | Weather::Restarting);
        match random.below(if breaks { 9 } else { 3 }) {
            0 | 1 => {
                let duration = Duration::from_millis(random.below(3_000) as u64);
                self.network.stall(line, direction, Some(duration));
            }
            2 => {
                let conditions = weather::conditions(random);
                self.network.change(line, direction, |old| *old = conditions);
            }
            3 => self.network.reset(line),
            4 | 5 => self.network.reset_after(line, direction, random.below(200) as u64),
            6 => self.network.end(line, direction),
            // without keepalives nobody would ever notice that a line is dead
            7 if self.keepalives => {
                for direction in Direction::BOTH {
                    self.network.stall(line, direction, None);
                }
            }
            _ => self.network.reset_after(line, Direction::ToLink, random.below(20) as u64),
        }
    }

    /// Everything is well again, nobody does anything: what is under way has to arrive.
    fn settle(&mut self) {
        self.network.note("settling");
        self.network.start_relay();
        (self.fault_at, self.relay_back_at) = (None, None);
        for session in &self.model.sessions {
            for direction in Direction::BOTH {
                self.network.resume(session.line, direction);
                self.network.change(session.line, direction, |conditions| {
                    conditions.bandwidth = None;
                    conditions.capacity = conditions.capacity.max(1_000);
                });
            }
        }
        // who has begun a chunk in parts finishes it
        for node in &mut self.nodes {
            node.wake(&mut self.network, &mut self.model, &mut self.random, false);
        }
        let end = self.network.now() + Duration::from_secs(200);
        loop {
            match self.round(false, end) {
                Step::Awake => {}
                Step::Idle => break,
                Step::TimeUp => {
                    assert!(self.keepalives, "something goes on for ever");
                    break;
                }
            }
        }
        self.model.check_settled();
        self.nodes.iter_mut().for_each(|node| node.check_settled(&self.model));
    }

    /// Everybody goes.
    fn leave(&mut self) {
        self.nodes.iter_mut().for_each(Node::disconnect);
        let end = self.network.now() + Duration::from_secs(10);
        while !matches!(self.network.step(&[], end), Ok(Step::Idle | Step::TimeUp)) {}
        assert_eq!(self.network.relay_counts(), (0, 0, 0), "the relay remembers somebody");
    }
}
