//! How the relay of a life is configured.

use std::time::Duration;

use peote_net_simulation::Random;
use simulated_relay::{Config, SlowReceiver};

use crate::life::Kind;

/// Bytes that a queue's bound may be at least.
const LEAST_QUEUE: usize = 64 << 10;

/// Bytes that a queue may be above its bound where no window allows more: what says that a user is
/// gone and that a channel is, for as many of them as a party can have.
const NOTICES: usize = 4 * 7 * 7 + 4 * 6;

/// Bytes that windows allow above a queue's bound at most: for as many memberships 64 KiB, and heads
/// of pieces.
const OF_WINDOWS: usize = 4 * 7 * (68 << 10);

/// What is the same for a whole life, however often its configuration is read again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) kind: Kind,
    /// The stall timeout, in seconds.
    pub(crate) stall: u64,
    /// Keepalives are rare, and endpoints do not miss them. They wake the relay up, and would hide
    /// that it has forgotten somebody.
    pub(crate) is_silent: bool,
    /// No endpoint knows hello.
    pub(crate) is_of_old: bool,
    /// Many take part, and all want to be in one channel.
    pub(crate) is_crowded: bool,
    /// The greatest bound of queues that a configuration has.
    queue_bytes: usize,
}

impl Terms {
    pub(crate) fn new(random: &mut Random, kind: Kind) -> Self {
        let is_crowded = random.chance(250);
        Self {
            kind,
            stall: *random.choose(&[5, 120]),
            is_silent: random.chance(500),
            is_of_old: !is_crowded && random.chance(400),
            is_crowded,
            queue_bytes: *random.choose(if is_crowded { &[LEAST_QUEUE] } else { &[LEAST_QUEUE, 1 << 20] }),
        }
    }

    /// Bytes of the longest queue that there may be.
    pub(crate) const fn longest_queue(self) -> usize {
        self.queue_bytes + NOTICES + if self.is_of_old { 0 } else { OF_WINDOWS }
    }

    pub(crate) fn config(self, random: &mut Random) -> Config {
        let mut config = Config {
            listen: vec!["10.9.9.9:7680".parse().expect("an address")],
            unused_timeout: Duration::ZERO,
            stall_timeout: Duration::from_secs(self.stall),
            commands_per_second: *random.choose(&[0, 500, 20]),
            messages_per_second: *random.choose(&[0, 1_000_000, 100]),
            bytes_per_second: *random.choose(&[0, 128 << 20, 20_000]),
            max_users_per_channel: *random.choose(&[0, 2]),
            max_users_per_channel_per_network: *random.choose(&[0, 0, 1]),
            max_channels_per_connection: *random.choose(&[0, 0, 2]),
            max_channels_per_network: *random.choose(&[0, 0, 2]),
            ..Config::default()
        };
        if self.is_crowded {
            (config.max_users_per_channel, config.max_users_per_channel_per_network) = (0, 0);
        }
        config.burst = *random.choose(&[config.burst, Duration::from_millis(500)]);
        let keepalive = if self.is_silent { 60 } else { *random.choose(&[5, 2]) };
        config.keepalive_interval = Duration::from_secs(keepalive);
        config.queue_bytes = *random.choose(&[LEAST_QUEUE, self.queue_bytes]);
        if self.kind == Kind::Scarce {
            config.memory_bytes = 1 << 20;
            config.slow_receiver = *random.choose(&[SlowReceiver::Pause, SlowReceiver::Drop]);
            config.slow_receiver_grace = *random.choose(&[Duration::ZERO, Duration::from_secs(2)]);
            config.max_connections = *random.choose(&[0, 4]);
            config.max_connections_per_network = *random.choose(&[0, 0, 2]);
        }
        config
    }
}
