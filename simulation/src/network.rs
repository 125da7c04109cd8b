//! The network: lines, a relay, and the clock.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::time::{Duration, Instant};

use crate::line::{Conditions, Direction, LineConfig, LineId};
use crate::relay::{Relay, RelayConfig, RelayEvent};
use crate::sleep::{Sleep, Stuck, Wake};
use crate::trace::Act;
use crate::transport::Transport;
use crate::world::World;

/// Steps at one instant without a byte moved that count as a busy loop. A program may need some:
/// what one read has brought can be gone through in several polls.
const IDLE_STEPS: u32 = 1_000;

/// Steps at one instant that count as a busy loop although bytes are moved.
const STEPS: u32 = 1_000_000;

/// What [`Network::step`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// A sleeper wakes up: poll the programs, at least those that [`Network::is_awake`].
    Awake,
    /// The time that was asked for has come.
    TimeUp,
    /// Nothing will ever happen again: all sleep without a deadline, and nothing is under way.
    Idle,
}

/// A simulated network: one relay, and any number of lines to it, on a clock that jumps from one
/// thing that happens to the next.
///
/// Everything runs in the caller's thread, and nothing is random but by the seed: the same calls
/// have the same results, byte for byte. The [crate's documentation](crate) has an example.
#[derive(Debug)]
pub struct Network {
    world: Rc<RefCell<World>>,
    relay: Option<Relay>,
    config: RelayConfig,
    seed: u64,
    relays: u64,
    /// What the relays that are gone had recorded.
    events: Vec<RelayEvent>,
    /// Where the last step that woke somebody ended: the time and the acts until then.
    last: (u64, u64),
    idle_steps: u32,
    steps: u32,
}

impl Network {
    /// A network without lines, with a relay of the default configuration.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with_relay(seed, RelayConfig::default())
    }

    /// A network without lines, with a relay as it is wanted.
    #[must_use]
    pub fn with_relay(seed: u64, config: RelayConfig) -> Self {
        let mut network = Self {
            world: Rc::new(RefCell::new(World::new(seed))),
            relay: None,
            config,
            seed,
            relays: 0,
            events: Vec::new(),
            last: (0, 0),
            idle_steps: 0,
            steps: 0,
        };
        network.start_relay();
        network
    }

    /// The time: milliseconds since the network was made.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_millis(self.world.borrow().now)
    }

    // ---- lines

    /// Connects to the relay. Does not wait: without a relay, or if it is full, the transport's
    /// first use is the error `ConnectionRefused`.
    pub fn connect(&mut self, mut config: LineConfig) -> Transport {
        config.is_existing &= self.config.capabilities.contains(Capabilities::HELLO);
        let relay = self.relay.as_mut().filter(|relay| !relay.is_full());
        let mut world = self.world.borrow_mut();
        let line = world.connect(config, relay.is_some());
        if let Some(relay) = relay {
            relay.connect(line, world.now);
        }
        drop(world);
        Transport::new(self.world.clone(), line)
    }

    /// Changes what a direction of a line is like. Bytes that are under way arrive as if nothing
    /// had changed.
    pub fn change(&mut self, line: LineId, direction: Direction, change: impl FnOnce(&mut Conditions)) {
        change(&mut self.world.borrow_mut().pipe(line, direction).conditions);
    }

    /// Lets nothing arrive in one direction for `duration`, or, with `None`, until it is
    /// [resumed](Self::resume). Nothing is lost. Stalling both directions for good is a line that
    /// is cut without either end being told.
    pub fn stall(&mut self, line: LineId, direction: Direction, duration: Option<Duration>) {
        let mut world = self.world.borrow_mut();
        let until = duration.map(|duration| world.now.saturating_add(duration.as_millis()));
        world.did(line, Act::Stall, &[direction.byte()]);
        world.pipe(line, direction).stall(until);
    }

    /// Ends a stall.
    pub fn resume(&mut self, line: LineId, direction: Direction) {
        let mut world = self.world.borrow_mut();
        world.did(line, Act::Resume, &[direction.byte()]);
        world.pipe(line, direction).resume();
    }

    /// Breaks a connection: what is under way is lost, and both ends get errors from now on.
    pub fn reset(&mut self, line: LineId) {
        self.world.borrow_mut().reset(line);
    }

    /// Breaks a connection as soon as `bytes` more bytes have been read in that direction: exactly
    /// so many come through.
    pub fn reset_after(&mut self, line: LineId, direction: Direction, bytes: u64) {
        let mut world = self.world.borrow_mut();
        let broken = world.pipe(line, direction).break_after(bytes);
        if broken {
            world.reset(line);
        }
    }

    /// Ends one direction in order (a connection that is half closed): what is under way arrives,
    /// then the end of the stream.
    pub fn end(&mut self, line: LineId, direction: Direction) {
        let mut world = self.world.borrow_mut();
        if !world.is_broken(line) {
            world.end(line, direction, Act::End);
        }
    }

    /// Whether the connection is broken.
    #[must_use]
    pub fn is_broken(&self, line: LineId) -> bool {
        self.world.borrow().is_broken(line)
    }

    /// Bytes that are under way in one direction: written, and not read yet.
    #[must_use]
    pub fn under_way(&self, line: LineId, direction: Direction) -> usize {
        self.world.borrow_mut().pipe(line, direction).len()
    }

    // ---- the relay

    /// Ends the relay without a word, if there is one: its connections are reset, its channels are
    /// gone, connecting is refused.
    pub fn stop_relay(&mut self) {
        if let Some(mut relay) = self.relay.take() {
            relay.stop(&mut self.world.borrow_mut());
            self.events.append(&mut relay.take_events());
        }
    }

    /// Starts a relay, which knows nothing of those before it. Does nothing if there is one.
    pub fn start_relay(&mut self) {
        if self.relay.is_none() {
            self.relays += 1;
            self.relay = Some(Relay::new(&self.config, self.seed.wrapping_sub(self.relays)));
        }
    }

    /// Bytes that wait in the relay to be written to a line.
    #[must_use]
    pub fn queued(&self, line: LineId) -> usize {
        self.relay.as_ref().map_or(0, |relay| relay.queued(line))
    }

    /// Number of connections, channels, and users (counted once in each channel they are in) of the
    /// relay.
    #[must_use]
    pub fn relay_counts(&self) -> (usize, usize, usize) {
        let counts = |relay: &Relay| {
            let core = relay.core();
            (core.connections(), core.channels(), core.memberships())
        };
        self.relay.as_ref().map_or((0, 0, 0), counts)
    }

    /// What the relay has done since this was last called, if [`RelayConfig::record_events`] says
    /// so.
    pub fn take_relay_events(&mut self) -> Vec<RelayEvent> {
        let mut events = core::mem::take(&mut self.events);
        events.extend(self.relay.iter_mut().flat_map(Relay::take_events));
        events
    }

    // ---- time

    /// When the next thing happens in the network, after what can happen now has happened. `None`:
    /// never, unless somebody does something.
    #[must_use]
    pub fn next_event_at(&self) -> Option<Instant> {
        let relay = self.relay.as_ref().and_then(Relay::next_event_at);
        let next = [self.world.borrow().next_event_at(), relay].into_iter().flatten().min();
        next.map(Instant::from_millis)
    }

    /// Whether a sleeper is awake now, and why.
    #[must_use]
    pub fn is_awake(&self, sleep: &Sleep) -> Option<Wake> {
        let mut world = self.world.borrow_mut();
        let (read, write) = sleep.line.map_or((false, false), |line| {
            let read = world.readable(line, Direction::ToLink).map_or(true, |readable| readable.is_some());
            let write = world.writable(line, Direction::ToRelay).map_or(true, |room| room > 0);
            (read, write)
        });
        let deadline = sleep.deadline.is_some_and(|deadline| deadline.as_millis() <= world.now);
        if read && sleep.read {
            Some(Wake::Readable)
        } else if write && sleep.write {
            Some(Wake::Writable)
        } else {
            deadline.then_some(Wake::Deadline)
        }
    }

    /// Lets the relay do what it can, and then the time pass until a sleeper wakes up, or it is
    /// `until`.
    ///
    /// # Errors
    /// [`Stuck`]: sleepers have woken up again and again at the same instant. Who does that with a link has not kept the
    /// [run-loop contract](peote_net::link), or has found a fault in it.
    pub fn step(&mut self, sleepers: &[Sleep], until: Instant) -> Result<Step, Stuck> {
        loop {
            let mut world = self.world.borrow_mut();
            if let Some(relay) = &mut self.relay {
                while relay.turn(&mut world) {}
            }
            drop(world);
            if sleepers.iter().any(|sleep| self.is_awake(sleep).is_some()) {
                self.check(sleepers)?;
                return Ok(Step::Awake);
            }
            let deadlines = sleepers.iter().filter_map(|sleep| sleep.deadline);
            let next = deadlines.chain(self.next_event_at()).min();
            let now = self.now();
            match next {
                _ if until <= now => return Ok(Step::TimeUp),
                None => return Ok(Step::Idle),
                Some(next) => self.world.borrow_mut().now = next.min(until).max(now).as_millis(),
            }
        }
    }

    /// Lets programs run until a point in time: `programs` polls them all and says what they wait
    /// for.
    ///
    /// Says [`Step::Idle`] if nothing would ever happen again before.
    ///
    /// # Errors
    /// As for [`step`](Self::step).
    pub fn run_until<S: AsRef<[Sleep]>>(
        &mut self,
        until: Instant,
        mut programs: impl FnMut(&mut Self) -> S,
    ) -> Result<Step, Stuck> {
        loop {
            let sleepers = programs(self);
            match self.step(sleepers.as_ref(), until)? {
                Step::Awake => {}
                end => return Ok(end),
            }
        }
    }

    /// Counts the steps at the same instant.
    fn check(&mut self, sleepers: &[Sleep]) -> Result<(), Stuck> {
        let world = self.world.borrow();
        let here = (world.now, world.acts);
        self.steps = if self.last.0 == here.0 { self.steps + 1 } else { 0 };
        self.idle_steps = if self.last == here { self.idle_steps + 1 } else { 0 };
        self.last = here;
        drop(world);
        let moving = self.idle_steps < IDLE_STEPS;
        if moving && self.steps < STEPS {
            return Ok(());
        }
        let awake: Vec<_> = sleepers
            .iter()
            .enumerate()
            .filter_map(|(place, sleep)| Some((place, sleep.line, self.is_awake(sleep)?)))
            .collect();
        let world = self.world.borrow();
        let names = awake
            .iter()
            .map(|(_, line, _)| line.map_or_else(String::new, |line| world.name(line).to_owned()))
            .collect();
        let steps = if moving { self.steps } else { self.idle_steps };
        Err(Stuck { at: Instant::from_millis(here.0), steps, moving, awake, names })
    }

    // ---- what has happened

    /// A number that stands for everything that has happened: every read and write at both ends of
    /// every line, when it was, and what was [noted](Self::note). A run that is repeated with the
    /// same seed ends with the same one.
    #[must_use]
    pub fn history(&self) -> u64 {
        self.world.borrow().trace.hash()
    }

    /// Adds something of the caller's to the [history](Self::history), and prints it if that is
    /// [wanted](Self::print_history).
    pub fn note(&mut self, what: impl fmt::Display) {
        let mut world = self.world.borrow_mut();
        let now = world.now;
        world.trace.note(now, &what);
    }

    /// Prints everything that happens from now on to the standard error stream, one line each.
    pub fn print_history(&mut self, print: bool) {
        self.world.borrow_mut().trace.print = print;
    }
}
