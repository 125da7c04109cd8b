//! What a thread's relay and endpoints share: connections and the clock.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;

use peote_net_simulation::Random;

use crate::registered::{Registered, Waiting};
use crate::stream::Stream;

/// Microseconds that a call of the relay takes at most.
const CALL: usize = 15;

/// The other side of the network: it runs while the relay waits, and between two calls of it.
pub trait Outside {
    /// When it wants to run at the latest, in microseconds.
    fn next(&self) -> Option<u64>;

    /// Something may have come, or its time has.
    fn wake(&mut self);
}

/// The relay's process does not run for a while.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    /// From then on, in microseconds.
    pub at: u64,
    /// How many microseconds.
    pub time: u64,
    /// Endpoints do not run either: the clock jumps.
    pub is_jump: bool,
}

/// What was counted since the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// How often the relay has asked for events.
    pub polls: u64,
    /// Calls of the relay.
    pub calls: u64,
    /// Sockets that the relay has now, listening ones too.
    pub sockets: usize,
    /// How often accepting failed for want of descriptors.
    pub refused: u64,
}

#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    /// When they arrive, and their numbers.
    pub(crate) backlog: VecDeque<(u64, u64)>,
    /// Up to when they were told of.
    pub(crate) noted: u64,
    pub(crate) registered: Option<Registered>,
}

/// Times are in microseconds.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) random: Random,
    pub(crate) streams: BTreeMap<u64, Stream>,
    pub(crate) listeners: BTreeMap<u64, Listener>,
    pub(crate) polls: BTreeMap<u64, Waiting>,
    pub(crate) counts: Counts,
    /// Sockets that the relay may have.
    pub(crate) descriptors: usize,
    pause: Option<Pause>,
    numbers: u64,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new(0, 0));
    static OUTSIDE: RefCell<Option<Box<dyn Outside>>> = const { RefCell::new(None) };
}

pub(crate) fn with<T>(does: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(does)
}

/// The same where the thread may be ending, which drops what is left in any order.
pub(crate) fn at_end(does: impl FnOnce(&mut World)) {
    let _ = WORLD.try_with(|world| does(&mut world.borrow_mut()));
}

/// Makes a new world, without connections, at time 0. Sockets of the one before are not connected
/// any more.
pub fn begin(seed: u64) {
    drop(OUTSIDE.take());
    WORLD.with_borrow_mut(|world| *world = World::new(seed, world.numbers));
}

/// Who is at the other side from now on.
pub fn set_outside(outside: Box<dyn Outside>) {
    OUTSIDE.set(Some(outside));
}

/// Microseconds since the beginning.
#[must_use]
pub fn now_micros() -> u64 {
    with(|world| world.now)
}

/// The relay's process is to stand still.
pub fn pause(pause: Pause) {
    with(|world| world.pause = Some(pause));
}

/// How many sockets the relay may have; accepting fails above.
pub fn set_descriptors(most: usize) {
    with(|world| world.descriptors = most);
}

/// What was counted.
#[must_use]
pub fn counts() -> Counts {
    with(|world| Counts { sockets: world.sockets(), ..world.counts })
}

/// The relay makes a call: time passes, and what happens meanwhile does.
pub(crate) fn call() {
    let (pause, until) = with(|world| {
        world.counts.calls += 1;
        let until = world.now + 1 + world.random.below(CALL) as u64;
        (world.pause.take_if(|pause| pause.at <= world.now), until)
    });
    if let Some(pause) = pause.filter(|pause| pause.is_jump) {
        with(|world| world.now += pause.time);
    }
    let paused = pause.filter(|pause| !pause.is_jump).map_or(0, |pause| pause.time);
    run_until(until.max(now_micros()) + paused);
}

/// Lets everything happen that happens until then.
fn run_until(until: u64) {
    while let Some(at) = next().filter(|at| *at <= until) {
        run(at);
    }
    with(|world| world.now = world.now.max(until));
}

/// When something happens next.
pub(crate) fn next() -> Option<u64> {
    let outside = OUTSIDE.with_borrow(|outside| outside.as_ref().and_then(|outside| outside.next()));
    with(|world| world.next()).into_iter().chain(outside).min()
}

/// It is `at`: what is due happens.
pub(crate) fn run(at: u64) {
    with(|world| {
        world.now = world.now.max(at);
        world.arrive();
    });
    let Some(mut outside) = OUTSIDE.take() else { return };
    outside.wake();
    OUTSIDE.with_borrow_mut(|place| {
        place.get_or_insert(outside);
    });
}

impl World {
    fn new(seed: u64, numbers: u64) -> Self {
        Self {
            now: 0,
            random: Random::new(seed),
            streams: BTreeMap::new(),
            listeners: BTreeMap::new(),
            polls: BTreeMap::new(),
            counts: Counts::default(),
            descriptors: usize::MAX,
            pause: None,
            numbers,
        }
    }

    /// A number that nothing else has, or had.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn stream(&mut self, number: u64) -> io::Result<&mut Stream> {
        self.streams.get_mut(&number).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Sockets that the relay has.
    pub(crate) fn sockets(&self) -> usize {
        let waiting: usize = self.listeners.values().map(|listener| listener.backlog.len()).sum();
        let all = self.streams.values().filter(|stream| stream.of_relay).count();
        all.saturating_sub(waiting) + self.listeners.len()
    }

    fn next(&self) -> Option<u64> {
        let streams = self.streams.values().filter_map(Stream::next);
        let first =
            |listener: &Listener| listener.backlog.iter().map(|(at, _)| *at).find(|at| *at > self.now);
        streams.chain(self.listeners.values().filter_map(first)).min()
    }

    /// Lets arrive what is due, and notes for whom that is news.
    fn arrive(&mut self) {
        let now = self.now;
        for (number, stream) in &mut self.streams {
            if stream.arrive(now)
                && let Some(registered) = stream.registered
                && let Some(poll) = self.polls.get_mut(&registered.poll)
            {
                poll.note(*number);
            }
        }
        for (number, listener) in &mut self.listeners {
            let noted = std::mem::replace(&mut listener.noted, now);
            if listener.backlog.iter().any(|(at, _)| noted < *at && *at <= now)
                && let Some(registered) = listener.registered
                && let Some(poll) = self.polls.get_mut(&registered.poll)
            {
                poll.note(*number);
            }
        }
        self.streams.retain(|_, stream| stream.of_relay || stream.of_endpoint);
    }

    /// Something has happened to a socket of the relay.
    pub(crate) fn note(&mut self, registered: Option<Registered>, number: u64) {
        if let Some(registered) = registered
            && let Some(poll) = self.polls.get_mut(&registered.poll)
        {
            poll.note(number);
        }
    }
}
