//! How long the relay waits for what.

use std::time::Duration;

use crate::config::{Config, SlowReceiver};
use crate::patience::Terms;

/// How many times the stall limit a connection that has ended waits for a receiver of what it had
/// sent: longer than it takes to give that receiver up.
const LAST_WORDS: u64 = 4;

/// The configuration's times, in milliseconds. Made of it whenever it changes.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) first_byte: u64,
    pub(crate) handshake: u64,
    pub(crate) keepalive: u64,
    pub(crate) max_keepalive: u64,
    /// How long nothing may come, and how long a connection may be in no channel; `None` means for
    /// ever.
    pub(crate) idle: Option<u64>,
    pub(crate) unused: Option<u64>,
    /// What is asked of a receiver that others wait for.
    pub(crate) terms: Terms,
    /// How long a queue may stay full; `None` means for ever.
    pub(crate) grace: Option<u64>,
}

impl Times {
    /// How long what an ended connection has said waits for its receiver.
    pub(crate) fn last_words(&self) -> u64 {
        self.terms.most.saturating_mul(LAST_WORDS)
    }

    pub(crate) fn new(config: &Config) -> Self {
        let if_any = |time: Duration| (!time.is_zero()).then(|| millis(time));
        Self {
            first_byte: millis(config.first_byte_timeout),
            handshake: millis(config.handshake_timeout),
            keepalive: millis(config.keepalive_interval),
            max_keepalive: millis(config.max_keepalive_interval),
            idle: if_any(config.idle_timeout),
            unused: if_any(config.unused_timeout),
            terms: Terms {
                most: millis(config.stall_timeout),
                rate: config.slow_receiver_bytes_per_second as u64,
            },
            grace: (config.slow_receiver == SlowReceiver::Drop).then(|| millis(config.slow_receiver_grace)),
        }
    }
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}
