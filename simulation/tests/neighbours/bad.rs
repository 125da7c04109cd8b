//! Bad ones that have a link, and are slow.

use embedded_io::ReadReady as _;
use peote_net::link::{Destination, EnteredChannel, Event, Flow, Link, Out, OwnChannel};
use peote_net::time::{Duration, Instant};
use peote_net_simulation::{Conditions, Direction, LineConfig, Network, Random, Sleep, Transport};

use crate::liar::Liar;
use crate::plan::{Good, SERVERS};
use crate::program::{MODE, Memory, name};
use crate::world::later;

/// Time in which a hello that has arrived is answered.
const SETTLED: Duration = Duration::from_millis(300);

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
    /// Its hello comes when it is awaited no more.
    Late,
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
    /// Whether it has a channel of its own.
    is_server: bool,
    place: usize,
    seed: u64,
    begins_at: u64,
    turns_at: u64,
}

impl Badness {
    pub(crate) fn new(random: &mut Random, goods: &[Good]) -> Self {
        let kinds = [
            Kind::Silent,
            Kind::Trickles,
            Kind::Keeps,
            Kind::Vanishes,
            Kind::Floods,
            Kind::Late,
            Kind::Lies,
            Kind::Lies,
        ];
        let kind = *random.choose(&kinds);
        let is_server = kind == Kind::Lies || random.chance(400);
        let channels: Vec<usize> = (0..SERVERS)
            // most go to servers whose users are compared
            .filter(|server| random.chance(if goods[*server].takes_part { 700 } else { 150 }))
            .collect();
        let begins_at = 700 + random.below(3_000) as u64;
        Self {
            kind,
            takes_part: matches!(kind, Kind::Lies | Kind::Late) || random.chance(700),
            channels,
            is_server,
            place: random.below(1 << 20),
            seed: random.next(),
            // good ones enter its channel soon after, and a late hello has to come before the end
            begins_at: if is_server || kind == Kind::Late { begins_at.min(1_000) } else { begins_at },
            turns_at: begins_at + random.below(1_000) as u64,
        }
    }

    /// The name of its own channel.
    pub(crate) fn channel(&self) -> Option<String> {
        self.is_server.then(|| format!("bad {}", self.place))
    }

    pub(crate) fn begin(&self, _place: usize) -> Bad {
        if self.kind == Kind::Lies {
            let own = self.channel().unwrap_or_default();
            return Bad::Liar(Liar::new(self.seed, own, self.channels.clone(), self.begins_at));
        }
        let wake_at = Instant::from_millis(self.begins_at);
        Bad::Slow(Box::new(Slow {
            badness: self.clone(),
            random: Random::new(self.seed),
            link: Link::new(),
            transport: None,
            own: None,
            entered: Vec::new(),
            wake_at,
            cut: None,
            hello_at: None,
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

    /// Looks at what must hold of it at the end.
    pub(crate) fn check(&mut self, now: Instant) {
        if let Self::Slow(slow) = self {
            slow.check(now);
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
    own: Option<OwnChannel>,
    entered: Vec<EnteredChannel>,
    /// When it does something of its own.
    wake_at: Instant,
    /// When its line, which is cut, is reset.
    cut: Option<Instant>,
    /// When its hello arrives, if that is late.
    hello_at: Option<Instant>,
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
        if self.badness.kind == Kind::Late {
            self.delay_hello(network);
        }
        if !self.is_silent(now) {
            self.poll(now);
        }
        if self.wake_at <= now {
            self.wake_at = later(now, 5 + self.random.below(60));
            self.send();
        }
    }

    /// What the relay has said first lets the link say hello; what it has said itself has arrived.
    fn delay_hello(&mut self, network: &mut Network) {
        let Some(transport) = self.transport.as_mut().filter(|_| self.hello_at.is_none()) else { return };
        if transport.read_ready() == Ok(true) {
            let late = Duration::from_millis(3_100 + self.random.below(900) as u64);
            network.stall(transport.line(), Direction::ToRelay, Some(late));
            self.hello_at = Some(network.now() + late);
        }
    }

    /// At the end: an endpoint whose hello has come too late does not take part.
    fn check(&mut self, now: Instant) {
        if self.badness.kind == Kind::Late && self.hello_at.is_some_and(|at| at + SETTLED < now) {
            let out = self.link.out();
            for channel in &self.entered {
                assert_eq!(out.window(*channel), None, "a hello that came too late counts");
            }
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
        self.hello_at = None;
        let mut out = self.link.out();
        self.own = self.badness.channel().and_then(|own| out.create(own, MODE).ok());
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
        let mut to: Vec<Destination> =
            self.entered.iter().map(|server| Destination::Server(*server)).collect();
        if let Some(own) = self.own {
            to.extend(out.users(own).map(|user| Destination::User(own, user)));
            to.push(Destination::All(own));
        }
        for to in to {
            for _ in 0..count {
                let _ = out.send(to, &[b'B'; 100]);
            }
        }
    }
}
