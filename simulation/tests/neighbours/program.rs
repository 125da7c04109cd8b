//! A good program: a server or a user.

use std::collections::BTreeMap;

use peote_net::link::{
    Channel, Destination, EnteredChannel, Event, Flow, Link, Mode, Out, OwnChannel, Source, User,
    link_buffers,
};
use peote_net::time::Instant;
use peote_net_simulation::{Network, Sleep, Transport};

use crate::plan::{BEGIN, END, Good, SERVERS};
use crate::stream::{Read, Stream, Way, read, who};
use crate::world::Delays;

/// Bytes of each slot.
pub(crate) const WINDOW: usize = 4000;

/// Users and channels that a link has room for.
pub(crate) const PARTIES: usize = 24;

pub(crate) type Memory = link_buffers!(
    chunk: 120, window: 4000, parties: 24, own_channels: 2, transmit: 8192, receive: 1024
);

pub(crate) const MODE: Mode = Mode::chunks(120);

/// Milliseconds between two messages to strangers.
const TICK: u64 = 20;

pub(crate) struct Program {
    place: usize,
    good: Good,
    pub(crate) link: Link<Memory>,
    pub(crate) transport: Transport,
    /// As a server: its channel, and who its users are.
    own: Option<OwnChannel>,
    users: BTreeMap<usize, User>,
    strangers: Vec<User>,
    /// As a user: channels by their servers, and whether it has said there who it is.
    entered: BTreeMap<usize, (EnteredChannel, bool)>,
    /// Channels of bad ones.
    visited: Vec<EnteredChannel>,
    /// How many messages of each stream have been sent.
    sent: BTreeMap<usize, usize>,
    tick_at: u64,
    woke_at: u64,
}

impl Program {
    pub(crate) fn new(place: usize, good: Good, network: &mut Network) -> Self {
        let line = good.line.clone();
        let line = if good.takes_part { line } else { line.existing() };
        let transport = network.connect(line);
        let mut link = Link::new();
        let own = (place < SERVERS).then(|| link.out().create(name(place), MODE).unwrap());
        Self {
            place,
            good,
            link,
            transport,
            own,
            users: BTreeMap::new(),
            strangers: Vec::new(),
            entered: BTreeMap::new(),
            visited: Vec::new(),
            sent: BTreeMap::new(),
            tick_at: BEGIN,
            woke_at: 0,
        }
    }

    pub(crate) fn enter(&mut self) {
        for &server in &self.good.channels {
            let entered = self.link.out().enter(name(server), MODE).unwrap();
            self.entered.insert(server, (entered, false));
        }
    }

    pub(crate) fn visit(&mut self, channel: &str) {
        if self.good.visits_bad {
            self.visited.extend(self.link.out().enter(channel, MODE));
        }
    }

    /// Whether it is the sender of a stream.
    fn is_mine(&self, stream: &Stream) -> bool {
        match stream.way {
            Way::Up(user) => user == self.place,
            _ => stream.channel == self.place,
        }
    }

    pub(crate) fn sleep(&self, streams: &[Stream]) -> Sleep {
        let mine = streams.iter().enumerate().filter(|(_, stream)| self.is_mine(stream));
        let next = mine.filter_map(|(at, stream)| stream.plan.get(self.next(at)));
        let next = next.map(|(at, _)| *at).chain((self.tick_at < END).then_some(self.tick_at)).min();
        let sleep = self.transport.sleep(&self.link);
        // what was due then waits for the link
        next.filter(|at| *at > self.woke_at).map_or(sleep, |at| sleep.or_until(Instant::from_millis(at)))
    }

    fn next(&self, stream: usize) -> usize {
        self.sent.get(&stream).copied().unwrap_or_default()
    }

    pub(crate) fn wake(&mut self, streams: &[Stream], delays: &mut Delays, network: &mut Network) {
        let now = self.transport.now();
        self.woke_at = now.as_millis();
        self.poll(streams, delays, now, network);
        self.introduce();
        for (at, stream) in streams.iter().enumerate() {
            if self.is_mine(stream) {
                self.send(at, stream, now.as_millis());
            }
        }
        if self.tick_at <= now.as_millis() {
            self.tick_at = now.as_millis() + TICK;
            self.flood_strangers();
            self.flood_visited();
        }
    }

    /// Says to servers who it is.
    fn introduce(&mut self) {
        let mut out = self.link.out();
        for (entered, has_said) in self.entered.values_mut().filter(|(_, has_said)| !has_said) {
            *has_said = out.send(*entered, &who(self.place)).is_ok();
        }
    }

    fn send(&mut self, at: usize, stream: &Stream, now: u64) {
        for _ in 0..stream.plan.len() {
            let number = self.next(at);
            if stream.plan.get(number).is_none_or(|(planned, _)| now < *planned) {
                return;
            }
            let message = stream.message(number);
            let mut out = self.link.out();
            let sent = match (stream.way, self.own) {
                (Way::Up(_), _) => {
                    self.entered.get(&stream.channel).is_some_and(|(to, _)| out.send(*to, &message).is_ok())
                }
                (Way::Down(user), Some(own)) => {
                    let to = self.users.get(&user).map(|user| Destination::User(own, *user));
                    to.is_some_and(|to| out.send(to, &message).is_ok())
                }
                (Way::Broadcast, Some(own)) => out.send_to_ready(own, &message).is_ok(),
                (_, None) => panic!("users send to servers only"),
            };
            if !sent {
                return;
            }
            self.sent.insert(at, number + 1);
        }
    }

    /// Sends to all that have not said who they are, as much as they take.
    fn flood_strangers(&mut self) {
        let Some(own) = self.own else { return };
        let mut out = self.link.out();
        for user in &self.strangers {
            for _ in 0..10 {
                if out.free() > 4_000 {
                    let _ = out.send(Destination::User(own, *user), &[b'S'; 100]);
                }
            }
        }
    }

    /// The same to bad servers.
    fn flood_visited(&mut self) {
        let mut out = self.link.out();
        for channel in &self.visited {
            for _ in 0..10 {
                if out.free() > 4_000 {
                    let _ = out.send(*channel, &[b'V'; 100]);
                }
            }
        }
    }

    fn poll(&mut self, streams: &[Stream], delays: &mut Delays, now: Instant, network: &mut Network) {
        let Self { place, good, link, transport, users, strangers, visited, .. } = self;
        let keeps = good.keeps_strangers && now.as_millis() < END;
        let is_visited = |channel| matches!(channel, Channel::Entered(entered) if visited.contains(&entered));
        let polled = link.poll(transport, now, |event, _: &mut Out<'_>| {
            network.note(format_args!("good {place}: {event:?}"));
            match event {
                Event::Opened { channel }
                | Event::Closed { channel, .. }
                | Event::Refused { channel, .. }
                    if is_visited(channel) =>
                {
                    return again(keeps);
                }
                Event::Chunk { from, bytes } if is_visited(from.channel()) => {
                    let _: &[u8] = bytes;
                    return again(keeps);
                }
                Event::Malicious { .. } | Event::Opened { .. } | Event::UserIgnored { .. } => {}
                Event::UserEntered { user, .. } => strangers.push(user),
                Event::UserGone { user, .. } => {
                    assert!(!users.values().any(|known| *known == user), "{place} has lost a good user");
                    strangers.retain(|stranger| *stranger != user);
                }
                Event::Chunk { from, bytes } => match read(bytes) {
                    Read::Strange => return again(keeps),
                    Read::Who(user) => {
                        let Source::User { user: number, .. } = from else {
                            panic!("a server says who it is")
                        };
                        users.insert(user, number);
                        strangers.retain(|stranger| *stranger != number);
                    }
                    Read::Message { channel, way, number } => {
                        let same = |stream: &Stream| (stream.channel, stream.way) == (channel, way);
                        let at = streams.iter().position(same).expect("a stream of the plan");
                        assert_eq!(bytes, streams[at].message(number), "torn");
                        let delay = now.as_millis() - streams[at].plan[number].0;
                        let twice = delays[at].insert((number, *place), delay);
                        assert_eq!(twice, None, "a message has come twice");
                        let last = delays[at].keys().rfind(|(_, to)| to == place);
                        assert_eq!(last, Some(&(number, *place)), "a message has come late");
                    }
                },
                other => panic!("{place} is told {other:?}"),
            }
            Flow::Continue
        });
        polled.unwrap_or_else(|error| panic!("{} has lost its connection: {error:?}", self.place));
    }

    /// All is quiet: what may be sent is a whole window, but for what is not worth a grant.
    pub(crate) fn check_windows(&mut self, takes_part: impl Fn(usize) -> bool, relay_window: usize) {
        let users =
            self.users.iter().filter_map(|(place, user)| Some((*place, Destination::User(self.own?, *user))));
        let servers =
            self.entered.iter().map(|(server, (entered, _))| (*server, Destination::Server(*entered)));
        for (other, to) in users.chain(servers).collect::<Vec<_>>() {
            let Some(window) = self.link.out().window(to) else {
                assert!(!self.good.takes_part, "{} has no window for {other}", self.place);
                continue;
            };
            let own = if takes_part(other) { WINDOW } else { relay_window };
            assert!(window <= own.max(relay_window), "{window} may be sent to {other}, which has {own}");
            assert!(
                window * 2 > own.min(relay_window),
                "only {window} may be sent to {other}, which has {own}"
            );
        }
    }
}

const fn again(keeps: bool) -> Flow {
    if keeps { Flow::Again } else { Flow::Continue }
}

pub(crate) fn name(server: usize) -> String {
    format!("room {server}")
}
