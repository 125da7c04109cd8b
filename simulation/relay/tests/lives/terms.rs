//! How the relay of a life is configured.

use std::time::Duration;

use peote_net_simulation::Random;
use simulated_relay::{Config, SlowReceiver};

use crate::life::Kind;

/// Bytes of the longest queue that there may be: twice `queue_bytes`, as answers and events find
/// room where data do not.
pub(crate) const LONGEST_QUEUE: usize = 2 << 20;

/// What is the same for a whole life, however often its configuration is read again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) kind: Kind,
    /// The stall timeout, in seconds.
    pub(crate) stall: u64,
    /// Keepalives are rare, and endpoints do not miss them. They wake the relay up, and would hide
    /// that it has forgotten somebody.
    pub(crate) is_silent: bool,
}

impl Terms {
    pub(crate) fn new(random: &mut Random, kind: Kind) -> Self {
        Self { kind, stall: *random.choose(&[5, 120]), is_silent: random.chance(500) }
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
        config.burst = *random.choose(&[config.burst, Duration::from_millis(500)]);
        let keepalive = if self.is_silent { 60 } else { *random.choose(&[5, 2]) };
        config.keepalive_interval = Duration::from_secs(keepalive);
        if self.kind == Kind::Scarce {
            config.queue_bytes = *random.choose(&[64 << 10, 1 << 20]);
            config.memory_bytes = 1 << 20;
            config.slow_receiver = *random.choose(&[SlowReceiver::Pause, SlowReceiver::Drop]);
            config.slow_receiver_grace = *random.choose(&[Duration::ZERO, Duration::from_secs(2)]);
            config.max_connections = *random.choose(&[0, 4]);
            config.max_connections_per_network = *random.choose(&[0, 0, 2]);
        }
        config
    }
}
