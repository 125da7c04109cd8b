//! What a seed stands for.

use peote_net::time::Duration;
use peote_net_simulation::{Conditions, Cut, LineConfig, Random, RelayConfig};

use crate::bad::Badness;
use crate::program::WINDOW;
use crate::stream::{Stream, Way};
use crate::world::Delays;

/// Servers; each has the channel of its place. Users come behind them.
pub(crate) const SERVERS: usize = 2;

/// Milliseconds after which all good ones are in and know each other.
pub(crate) const BEGIN: u64 = 2_000;

/// Milliseconds after which nothing more is said.
pub(crate) const END: u64 = 6_000;

/// A good program.
#[derive(Clone, Debug)]
pub(crate) struct Good {
    pub(crate) line: LineConfig,
    pub(crate) takes_part: bool,
    /// Channels that it enters: those of servers, by their places.
    pub(crate) channels: Vec<usize>,
    /// Whether it also enters the channels of bad ones.
    pub(crate) visits_bad: bool,
    /// It wants the events of strangers again.
    pub(crate) keeps_strangers: bool,
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) relay: RelayConfig,
    pub(crate) goods: Vec<Good>,
    pub(crate) streams: Vec<Stream>,
    pub(crate) bads: Vec<Badness>,
}

impl Plan {
    pub(crate) fn new(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let queue_bytes = *random.choose(&[8_192, 16_384, 65_536]);
        let relay = RelayConfig {
            queue_bytes,
            cut: (*random.choose(&[60, 1024])).min(queue_bytes),
            stall_timeout: Duration::from_secs(5),
            ..RelayConfig::default()
        };
        let users = 2 + random.below(3);
        let goods: Vec<Good> = (0..SERVERS + users).map(|place| Self::good(random, place)).collect();
        let mut streams = Vec::new();
        for channel in 0..SERVERS {
            let there = (0..goods.len()).filter(|place| goods[*place].channels.contains(&channel));
            let ways = there.flat_map(|place| [Way::Up(place), Way::Down(place)]);
            for way in ways.chain([Way::Broadcast]) {
                streams.push(Stream { channel, way, plan: Self::times(random) });
            }
        }
        // they do not change the rest
        let random = &mut Random::new(seed ^ 0xbad);
        let bads = (0..1 + random.below(4)).map(|_| Badness::new(random, &goods)).collect();
        Self { seed, relay, goods, streams, bads }
    }

    fn good(random: &mut Random, place: usize) -> Good {
        let conditions = |random: &mut Random, capacity| Conditions {
            delay: Duration::from_millis(*random.choose(&[1, 5, 20])),
            capacity,
            reads: *random.choose(&[Cut::Whole, Cut::Whole, Cut::At(500)]),
            ..Conditions::default()
        };
        let capacity = *random.choose(&[4_000, 4_000, 65_536]);
        let line = LineConfig {
            to_relay: conditions(random, 16_384),
            to_link: conditions(random, capacity),
            ..LineConfig::default()
        };
        let channels = match random.below(3) {
            _ if place < SERVERS => vec![],
            0 => vec![0],
            1 => vec![1],
            _ => vec![0, 1],
        };
        let takes_part = random.chance(750);
        Good {
            line: line.named(format!("good {place}")),
            takes_part,
            channels,
            visits_bad: place >= SERVERS && random.chance(500),
            keeps_strangers: takes_part && random.chance(400),
        }
    }

    fn times(random: &mut Random) -> Vec<(u64, usize)> {
        let mut plan = Vec::new();
        let mut at = BEGIN + random.below(100) as u64;
        while at < END {
            plan.push((at, 6 + random.below(100)));
            at += 20 + random.below(250) as u64;
        }
        plan
    }

    /// Whether a channel's server is an existing endpoint that has bad users.
    fn has_bad_users(&self, server: usize) -> bool {
        let has_bad = self.bads.iter().any(|bad| bad.channels.contains(&server));
        !self.goods[server].takes_part && has_bad
    }

    /// Whether what reaches a program, or comes from it, may be late by its own fault: it is an
    /// existing endpoint with a bad one beside it.
    fn pays(&self, place: usize) -> bool {
        let good = &self.goods[place];
        let waits = good.visits_bad || good.channels.iter().any(|&server| self.has_bad_users(server));
        !good.takes_part && (waits || (place < SERVERS && self.has_bad_users(place)))
    }

    fn is_held_up(&self, stream: &Stream, receiver: usize) -> bool {
        let sender = match stream.way {
            Way::Up(user) => user,
            _ => stream.channel,
        };
        self.has_bad_users(stream.channel) || self.pays(sender) || self.pays(receiver)
    }

    /// Milliseconds that a message may be later because of others: what stands in front of it. It
    /// arrives with a line's whole capacity at a time.
    fn allowance(&self, stream: &Stream, receiver: usize) -> u64 {
        let sender = match stream.way {
            Way::Up(user) => user,
            _ => stream.channel,
        };
        let millis = |place: usize| {
            let line = &self.goods[place].line;
            // a full queue, and what the windows of the bad ones allow behind it
            let window = WINDOW.max(self.relay.queue_bytes / 2);
            let queue = self.relay.queue_bytes + self.bads.len() * (window + 5);
            let turns = 1 + queue.div_ceil(line.to_link.capacity) as u64;
            line.to_relay.delay.as_millis() + turns * line.to_link.delay.as_millis()
        };
        millis(sender) + millis(receiver)
    }

    /// Compares all delays. Returns how many those are, and how much later the latest is.
    pub(crate) fn compare(&self, without: &Delays, with: &Delays) -> (usize, u64) {
        let (mut count, mut worst) = (0, 0);
        for (stream, (without, with)) in self.streams.iter().zip(without.iter().zip(with)) {
            for ((&(number, receiver), &before), (key, &after)) in without.iter().zip(with) {
                assert_eq!((number, receiver), *key, "{stream:?}: another message has arrived");
                if self.is_held_up(stream, receiver) {
                    continue;
                }
                let most = before + self.allowance(stream, receiver);
                assert!(
                    after <= most,
                    "message {number} in channel {}, {:?}, reaches {receiver} after {after} ms; without \
                     the bad ones after {before} ms",
                    stream.channel,
                    stream.way
                );
                (count, worst) = (count + 1, worst.max(after.saturating_sub(before)));
            }
            assert_eq!(without.len(), with.len(), "{stream:?}");
        }
        (count, worst)
    }
}
