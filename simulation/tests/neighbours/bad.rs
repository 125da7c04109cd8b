//! Bad users that have a link, and are slow.

use peote_net::link::{EnteredChannel, Event, Flow, Link, Out};
use peote_net::time::{Duration, Instant};
use peote_net_simulation::{Conditions, Direction, LineConfig, Network, Random, Sleep, Transport};

use crate::liar::Liar;
use crate::plan::{Good, SERVERS};
use crate::program::{MODE, Memory, name};
use crate::world::later;

/// What is bad about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It does not poll from some time on.
    Silent,
    /// Its line is slow.
    Trickles,
    /// It wants all events again.
    Keeps,
    /// Its line is cut, and some time later reset; then it comes back.
    Vanishes,
    /// It sends all that it may.
    Floods,
    /// It speaks bytes of its own.
    Lies,
}

/// A bad one, before it comes.
#[derive(Clone, Debug)]
pub(crate) struct Badness {
    pub(crate) kind: Kind,
    pub(crate) takes_part: bool,
    /// The servers that it is a user of.
    pub(crate) channels: Vec<usize>,
    place: usize,
    seed: u64,
    begins_at: u64,
    turns_at: u64,
}

impl Badness {
    pub(crate) fn new(random: &mut Random, goods: &[Good]) -> Self {
        let kinds =
            [Kind::Silent, Kind::Trickles, Kind::Keeps, Kind::Vanishes, Kind::Floods, Kind::Lies, Kind::Lies];
        let kind = *random.choose(&kinds);
        let channels: Vec<usize> = (0..SERVERS)
            // most go to servers whose users are compared
            .filter(|server| random.chance(if goods[*server].takes_part { 700 } else { 150 }))
            .collect();
        let begins_at = 700 + random.below(3_000) as u64;
        Self {
            kind,
            takes_part: kind == Kind::Lies || random.chance(700),
            channels,
            place: random.below(1 << 20),
            seed: random.next(),
            begins_at: if kind == Kind::Lies { begins_at.min(1_000) } else { begins_at },
            turns_at: begins_at + random.below(1_000) as u64,
        }
    }

    /// The name of its own channel.
    pub(crate) fn channel(&self) -> Option<String> {
        (self.kind == Kind::Lies).then(|| format!("liar {}", self.place))
    }

    pub(crate) fn begin(&self, _place: usize) -> Bad {
        if let Some(own) = self.channel() {
            return Bad::Liar(Liar::new(self.seed, own, self.channels.clone(), self.begins_at));
        }
        let wake_at = Instant::from_millis(self.begins_at);
        Bad::Slow(Box::new(Slow {
            badness: self.clone(),
            random: Random::new(self.seed),
            link: Link::new(),
            transport: None,
            entered: Vec::new(),
            wake_at,
            cut: None,
        }))
    }
}

pub(crate) enum Bad {
    Slow(Box<Slow>),
    Liar(Liar),
}

impl Bad {
    pub(crate) fn sleep(&self) -> Sleep {
        match self {
            Self::Slow(slow) => slow.sleep(),
            Self::Liar(liar) => liar.sleep(),
        }
    }

    pub(crate) fn wake(&mut self, network: &mut Network) {
        match self {
            Self::Slow(slow) => slow.wake(network),
            Self::Liar(liar) => liar.wake(network),
        }
    }
}

pub(crate) struct Slow {
    badness: Badness,
    random: Random,
    link: Link<Memory>,
    transport: Option<Transport>,
    entered: Vec<EnteredChannel>,
    /// When it does something of its own.
    wake_at: Instant,
    /// When its line, which is cut, is reset.
    cut: Option<Instant>,
}

impl Slow {
    fn has_turned(&self, now: Instant) -> bool {
        now.as_millis() >= self.badness.turns_at
    }

    fn is_silent(&self, now: Instant) -> bool {
        self.cut.is_some() || (self.badness.kind == Kind::Silent && self.has_turned(now))
    }

    fn sleep(&self) -> Sleep {
        match &self.transport {
            Some(transport) if self.is_silent(transport.now()) => {
                self.cut.map_or_else(Sleep::default, Sleep::until)
            }
            Some(transport) => transport.sleep(&self.link).or_until(self.wake_at),
            None => Sleep::until(self.wake_at),
        }
    }

    fn wake(&mut self, network: &mut Network) {
        let now = network.now();
        if self.transport.is_none() {
            self.connect(network);
        }
        let Some(line) = self.transport.as_ref().map(Transport::line) else { return };
        if let Some(at) = self.cut {
            if at <= now {
                network.reset(line);
                self.cut = None;
                self.badness.turns_at = now.as_millis() + 500;
            }
        } else if self.badness.kind == Kind::Vanishes && self.has_turned(now) {
            for direction in Direction::BOTH {
                network.stall(line, direction, None);
            }
            self.cut = Some(later(now, 500 + self.random.below(3_000)));
            return;
        }
        if !self.is_silent(now) {
            self.poll(now);
        }
        if self.wake_at <= now {
            self.wake_at = later(now, 5 + self.random.below(60));
            self.send();
        }
    }

    fn connect(&mut self, network: &mut Network) {
        let slow = Conditions { bandwidth: Some(300), capacity: 200, ..Conditions::default() };
        let is_slow = self.badness.kind == Kind::Trickles;
        let capacity = *self.random.choose(&[300, 2_000, 65_536]);
        let conditions = if is_slow { slow } else { Conditions { capacity, ..Conditions::default() } };
        let line = LineConfig::both(conditions).named("bad");
        let line = if self.badness.takes_part { line } else { line.existing() };
        self.transport = Some(network.connect(line));
        let mut out = self.link.out();
        self.entered =
            self.badness.channels.iter().flat_map(|&server| out.enter(name(server), MODE)).collect();
    }

    fn poll(&mut self, now: Instant) {
        let keeps = self.badness.kind == Kind::Keeps && self.has_turned(now);
        let Some(transport) = &mut self.transport else { return };
        let polled = self.link.poll(transport, now, |event: Event<'_>, _: &mut Out<'_>| {
            if keeps && !matches!(event, Event::LinkLost { .. }) { Flow::Again } else { Flow::Continue }
        });
        if polled.is_err() {
            self.transport = None;
            self.wake_at = now + Duration::from_millis(100);
        }
    }

    fn send(&mut self) {
        let count = if self.badness.kind == Kind::Floods { 30 } else { 1 };
        let mut out = self.link.out();
        for channel in &self.entered {
            for _ in 0..count {
                let _ = out.send(*channel, &[b'B'; 100]);
            }
        }
    }
}
