//! Endpoints of all kinds at one relay, at random: those that take part and keep to their windows,
//! existing ones, silent ones, liars. What holds is checked after each step, and at the end nothing
//! is lost, doubled or torn.

use std::collections::VecDeque;
use std::vec::Vec;

use peote_net_testkit::random::Random;

use super::*;
use crate::protocol::items::{self};
use crate::protocol::to_relay::{self, Command};

/// Users; the server comes before them.
const USERS: usize = 4;

const WINDOW_OF_RELAY: u32 = 1000;

/// One direction of a membership, as its ends see it.
#[derive(Default)]
struct Way {
    /// Bytes that were sent and have not come.
    under_way: VecDeque<u8>,
    /// Bytes that its sender may send, if it takes part.
    window: i64,
    /// Bytes that its receiver has taken and not granted, if it takes part.
    ungranted: i64,
    sent: u8,
    began: bool,
}

/// What an endpoint is like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Nature {
    Part,
    /// Takes part, but says so only after it has entered.
    Late,
    Existing,
    /// Takes part, and reads nothing for long.
    Silent,
    /// Takes part, sends more than it may and grants nonsense.
    Liar,
}

struct End {
    nature: Nature,
    window: u32,
    decoder: Decoder,
    /// What the relay said and this end has not read.
    unread: Vec<u8>,
    /// What it says and the relay has not used.
    unsent: Vec<u8>,
    /// Its window is in force.
    raised: bool,
    entered: bool,
    /// It is no longer in the channel, as it knows, and as the server knows.
    gone: bool,
    gone_at_server: bool,
}

struct Fates {
    world: World,
    random: Random,
    ends: Vec<End>,
    /// To each user, and from each.
    to_user: Vec<Way>,
    to_server: Vec<Way>,
    waits: Vec<Option<Outcome>>,
}

impl Fates {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut world = World::new(USERS + 1);
        world.host.capabilities = Capabilities::HELLO;
        world.host.bound = [2048, 16_384, 262_144][random.below(3)];
        world.host.window = WINDOW_OF_RELAY;
        world.host.cut = 64;
        let mut ends = Vec::new();
        for place in 0..=USERS {
            let natures = [Nature::Part, Nature::Late, Nature::Existing, Nature::Silent, Nature::Liar];
            let nature = match place {
                0 => natures[[0, 1, 2, 4][random.below(4)]],
                _ => natures[random.below(5)],
            };
            ends.push(End {
                nature,
                window: [64, 1000, 5000][random.below(3)],
                decoder: Decoder::new(),
                unread: Vec::new(),
                unsent: Vec::new(),
                raised: false,
                entered: place == 0,
                gone: false,
                gone_at_server: false,
            });
        }
        let ways = || (0..USERS).map(|_| Way::default()).collect();
        Self { world, random, ends, to_user: ways(), to_server: ways(), waits: std::vec![None; USERS + 1] }
    }

    fn hello(&self, place: usize) -> Vec<u8> {
        let window = items::number(items::WINDOW, self.ends[place].window);
        let list = [&items::capabilities(1)[..], &window].concat();
        [&to_relay::command_head(Command::Hello, list.len()).unwrap()[..], &list].concat()
    }

    fn is_part(&self, place: usize) -> bool {
        self.ends[place].nature != Nature::Existing
    }

    /// All say hello, or do not, create and enter.
    fn begin(&mut self) {
        for place in 0..=USERS {
            let first: Vec<u8> =
                if place == 0 { b"\0\0\x01\x01a".to_vec() } else { b"\0\x01\x01\x01a".to_vec() };
            let hello = self.hello(place);
            let all = match self.ends[place].nature {
                Nature::Existing => [&[0x80, 0][..], &first].concat(),
                Nature::Late => [first, hello].concat(),
                _ => [hello, first].concat(),
            };
            self.ends[place].unsent.extend(all);
            self.present(place);
            for place in 0..=USERS {
                self.read(place, usize::MAX);
                self.present(place);
            }
            for place in 0..=USERS {
                self.read(place, usize::MAX);
            }
        }
        assert!(self.ends.iter().all(|end| end.entered), "somebody is not in");
    }

    /// The relay is presented with what an end says. Checks whether it may have to wait.
    fn present(&mut self, place: usize) {
        let bytes = core::mem::take(&mut self.ends[place].unsent);
        let Received { used, outcome } = self.world.receive(place, &bytes);
        self.ends[place].unsent = bytes[used..].to_vec();
        self.waits[place] = (outcome != Outcome::NeedMore).then_some(outcome);
        let is_honest = self.is_part(place) && self.ends[place].nature != Nature::Liar;
        let is_own = outcome == Outcome::WaitFor(self.world.ids[place]);
        assert!(
            !is_honest || outcome == Outcome::NeedMore || is_own,
            "{place} keeps to its windows, and is paused: {outcome:?}"
        );
    }

    /// An end reads so many bytes of what the relay has for it.
    fn read(&mut self, place: usize, most: usize) {
        let queued = self.world.take(place);
        self.ends[place].unread.extend(queued);
        let len = most.min(self.ends[place].unread.len());
        let bytes: Vec<u8> = self.ends[place].unread.drain(..len).collect();
        let mut rest = &bytes[..];
        let mut decoder = self.ends[place].decoder;
        while let Some((used, unit)) = decoder.decode(rest) {
            rest = &rest[used..];
            self.hear(place, unit);
        }
        self.ends[place].decoder = decoder;
        let (relay, host) = (&mut self.world.relay, &mut self.world.host);
        relay.drained(self.world.ids[place], host);
    }

    fn hear(&mut self, place: usize, unit: Unit<'_>) {
        match unit {
            Unit::Hello { .. } => self.ends[place].raised = true,
            Unit::Knock { channel, user, ticket, takes_part, window, .. } => {
                assert_eq!((place, channel), (0, 0));
                let way = &mut self.to_user[usize::from(user)];
                (way.window, way.began) = (window.into(), true);
                let expected =
                    if takes_part { self.ends[usize::from(user) + 1].window } else { WINDOW_OF_RELAY };
                assert_eq!(window, expected);
                self.ends[0].unsent.extend(to_relay::admit(channel, user, ticket));
            }
            Unit::Entered { user, window, .. } => {
                assert_eq!(usize::from(user) + 1, place);
                self.ends[place].entered = true;
                self.to_server[place - 1].window = window.into();
            }
            Unit::Success { .. } => self.ends[place].entered = true,
            Unit::Raised { own, user, send, receive, .. } => {
                let user = usize::from(user);
                assert_eq!(own, place == 0);
                let window = i64::from(self.ends[place].window);
                let (out, back) = if own {
                    (&mut self.to_user[user], &mut self.to_server[user])
                } else {
                    (&mut self.to_server[user], &mut self.to_user[user])
                };
                out.window = send.into();
                back.ungranted = window - i64::from(receive);
            }
            Unit::GrantFromServer { bytes, .. } => self.to_server[place - 1].window += i64::from(bytes),
            Unit::GrantFromUser { user, bytes, .. } => {
                self.to_user[usize::from(user)].window += i64::from(bytes);
            }
            Unit::FromServer { payload, .. } => self.take(place, place - 1, payload.bytes()),
            Unit::FromUser { user, payload, .. } => self.take(place, usize::from(user), payload.bytes()),
            Unit::ChannelGone { channel: 0, reason: 1 | 3 } if self.may_be_ended(place) => {
                self.ends[place].gone = true;
                self.to_user[place - 1].under_way.clear();
            }
            Unit::UserGone { channel: 0, user, reason: 1 | 3 }
                if self.may_be_ended(usize::from(user) + 1) =>
            {
                self.ends[usize::from(user) + 1].gone_at_server = true;
                self.to_server[usize::from(user)].under_way.clear();
            }
            Unit::UserEntered { .. } | Unit::Keepalive { .. } => {}
            other => panic!("{place} hears {other:?}"),
        }
    }

    /// One of the two ends lies.
    fn may_be_ended(&self, place: usize) -> bool {
        self.is_liar(0) || self.is_liar(place)
    }

    fn is_liar(&self, place: usize) -> bool {
        self.ends[place].nature == Nature::Liar
    }

    /// An end knows that a membership is over.
    fn is_gone(&self, place: usize, user: usize) -> bool {
        let end = &self.ends[user + 1];
        if place == 0 { end.gone_at_server } else { end.gone }
    }

    /// Data has come: it is what was sent next there.
    fn take(&mut self, place: usize, user: usize, bytes: &[u8]) {
        let way = if place == 0 { &mut self.to_server[user] } else { &mut self.to_user[user] };
        for byte in bytes {
            assert_eq!(way.under_way.pop_front(), Some(*byte), "lost, doubled or torn");
        }
        way.ungranted += i64::try_from(bytes.len()).unwrap();
        // what a relay reads of an existing sender is what there is room for
        let from = if place == 0 { user + 1 } else { 0 };
        let (most, ungranted) = (i64::from(self.ends[place].window), way.ungranted);
        if self.is_part(place) && self.ends[place].raised && !self.is_part(from) && !self.is_liar(place) {
            assert!(ungranted <= most, "{ungranted} bytes where there is room for {most}");
        }
    }

    /// What an end has taken and not granted is granted, if that is half of its window.
    fn grant(&mut self, place: usize, always: bool) {
        let this = self.random.below(3);
        if !self.is_part(place) || !self.ends[place].raised {
            return;
        }
        for user in 0..USERS {
            if (place != 0 && place != user + 1) || self.is_gone(place, user) {
                continue;
            }
            let half = i64::from(self.ends[place].window) / 2;
            let way = if place == 0 { &mut self.to_server[user] } else { &mut self.to_user[user] };
            if way.ungranted <= 0 || (way.ungranted < half && !always && this > 0) {
                continue;
            }
            let bytes = u32::try_from(core::mem::take(&mut way.ungranted)).unwrap();
            let number = u8::try_from(user).unwrap();
            let end = &mut self.ends[place].unsent;
            if place == 0 {
                end.extend(to_relay::grant_user(0, number, bytes));
            } else {
                end.extend(to_relay::grant_server(0, bytes));
            }
        }
    }

    /// An end sends so many bytes to one other, as far as it may.
    fn send(&mut self, place: usize, user: usize, len: usize) {
        let is_liar = self.is_liar(place);
        let is_part = self.is_part(place);
        if self.is_gone(place, user) {
            return;
        }
        let way = if place == 0 { &mut self.to_user[user] } else { &mut self.to_server[user] };
        let may = usize::try_from(way.window).unwrap_or(0);
        let len = if is_part && !is_liar { len.min(may) } else { len };
        if len == 0 || self.ends[place].unsent.len() > 100_000 {
            return;
        }
        way.window -= i64::try_from(len).unwrap();
        let payload: Vec<u8> = (0..len)
            .map(|_| {
                way.sent = way.sent.wrapping_add(1);
                way.sent
            })
            .collect();
        way.under_way.extend(&payload);
        let number = u8::try_from(user).unwrap();
        let header = if place == 0 {
            to_relay::data_from_server(0, number, len)
        } else {
            to_relay::data_from_user(0, len)
        };
        self.ends[place].unsent.extend(header.as_bytes().iter().chain(&payload));
    }

    fn broadcast(&mut self, len: usize) {
        let there: Vec<usize> = (0..USERS).filter(|user| !self.is_gone(0, *user)).collect();
        let has_room = |user: &usize| self.to_user[*user].window >= i64::try_from(len).unwrap();
        if self.is_part(0) && !self.is_liar(0) && !there.iter().all(has_room) {
            return;
        }
        if self.ends[0].unsent.len() > 100_000 {
            return;
        }
        let payload = std::vec![u8::try_from(self.random.below(256)).unwrap(); len];
        for user in there {
            let way = &mut self.to_user[user];
            way.window -= i64::try_from(len).unwrap();
            way.under_way.extend(&payload);
        }
        self.ends[0].unsent.extend(to_relay::broadcast(0, None, len).as_bytes().iter().chain(&payload));
    }

    fn step(&mut self) {
        let place = self.random.below(USERS + 1);
        let user = if place == 0 { self.random.below(USERS) } else { place - 1 };
        let len = 1 + [5, 60, 700, 4000][self.random.below(4)] * (1 + self.random.below(8)) / 8;
        match self.random.below(10) {
            0..=3 => self.send(place, user, len),
            4 if place == 0 => self.broadcast(len.min(700)),
            5 if self.ends[place].nature == Nature::Liar => {
                let nonsense = [0, 1, u32::MAX, 77][self.random.below(4)];
                // to somebody who is not there, and where it has taken nothing
                let (channel, number) =
                    ([0, 5][self.random.below(2)], [0, 1, 2, 3, 99][self.random.below(5)]);
                self.ends[place].unsent.extend(to_relay::grant_server(channel, nonsense));
                self.ends[place].unsent.extend(to_relay::grant_user(channel, number, nonsense));
                self.ends[place].unsent.extend(to_relay::admit(0, 1, 9));
            }
            6 if self.ends[place].nature == Nature::Silent => {}
            5..=7 => {
                let most = [10, 500, usize::MAX][self.random.below(3)];
                self.read(place, most);
                self.grant(place, false);
            }
            _ => {}
        }
        self.present(place);
        let host = &self.world.host;
        for (place, id) in self.world.ids.iter().enumerate() {
            // who grants without end is given up by the host, when memory is short
            if self.ends[place].nature == Nature::Liar {
                continue;
            }
            let ways = if place == 0 { USERS } else { 1 };
            // what was promised for each way, the pieces of it with their heads, and control units
            let most = host.bound + ways * (2 * 5000 + 5) * 2 + 4096;
            assert!(host.queues[id.index()].len() <= most, "the queue of {place} is not bounded");
        }
    }

    /// Those that take part ask for grants.
    fn ask(&mut self) {
        for user in 0..USERS {
            let number = u8::try_from(user).unwrap();
            if self.is_part(0) {
                self.ends[0].unsent.extend(to_relay::grant_user(0, number, 0));
            }
            if self.is_part(user + 1) {
                self.ends[user + 1].unsent.extend(to_relay::grant_server(0, 0));
            }
        }
    }

    /// All read and grant, until nothing is under way. Then the sums of windows are right.
    fn end(&mut self) {
        let mut asked = false;
        for _ in 0..5000 {
            for place in 0..=USERS {
                self.read(place, usize::MAX);
                self.grant(place, true);
                self.present(place);
            }
            let is_quiet = self.ends.iter().all(|end| end.unsent.is_empty() && end.unread.is_empty());
            let is_quiet = is_quiet && (0..=USERS).all(|place| self.world.queued_of(place) == 0);
            if is_quiet && asked {
                break;
            }
            if is_quiet {
                asked = true;
                self.ask();
            }
        }
        assert!(
            self.ends.iter().all(|end| end.unsent.is_empty()),
            "somebody waits for ever: {:?}",
            self.waits
        );
        for user in 0..USERS {
            let end = &self.ends[user + 1];
            assert_eq!(end.gone, end.gone_at_server);
            if end.gone {
                continue;
            }
            assert!(self.to_user[user].under_way.is_empty() && self.to_server[user].under_way.is_empty());
            for (from, to, way) in [(0, user + 1, &self.to_user[user]), (user + 1, 0, &self.to_server[user])]
            {
                if !self.is_part(from) || self.may_be_ended(user + 1) {
                    continue;
                }
                if self.is_part(to) {
                    assert_eq!(way.window + way.ungranted, self.ends[to].window.into(), "{from} to {to}");
                } else {
                    assert_eq!(way.window, WINDOW_OF_RELAY.into(), "{from} to {to}");
                }
            }
        }
    }
}

impl World {
    fn queued_of(&self, of: usize) -> usize {
        self.host.queues[self.ids[of].index()].len()
    }
}

#[test]
fn endpoints_of_all_kinds() {
    for seed in 1..=600 {
        let mut fates = Fates::new(seed);
        fates.begin();
        for _ in 0..250 {
            fates.step();
        }
        fates.end();
    }
}
