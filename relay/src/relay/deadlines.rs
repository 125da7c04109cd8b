//! What happens because time passes.

use std::time::Duration;

use peote_net::protocol::to_endpoint;

use super::Relay;
use super::close::Why;
use crate::config::{Config, SlowReceiver};
use crate::connection::TlsStage;
use crate::connections::millis;
use crate::transport::Transport;

/// The configuration's times, in milliseconds. Made of it whenever it changes.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) first_byte: u64,
    pub(super) handshake: u64,
    pub(super) keepalive: u64,
    pub(super) stall: u64,
    /// How long a queue may stay full; `None` means for ever.
    pub(super) grace: Option<u64>,
    /// How long nothing may come, and how long a connection may be in no channel; `None` means for ever.
    idle: Option<u64>,
    unused: Option<u64>,
}

impl Times {
    pub(super) fn new(config: &Config) -> Self {
        let if_any = |time: Duration| (!time.is_zero()).then(|| millis(time));
        Self {
            first_byte: millis(config.first_byte_timeout),
            handshake: millis(config.handshake_timeout),
            keepalive: millis(config.keepalive_interval),
            stall: millis(config.stall_timeout),
            grace: (config.slow_receiver == SlowReceiver::Drop).then(|| millis(config.slow_receiver_grace)),
            idle: if_any(config.idle_timeout),
            unused: if_any(config.unused_timeout),
        }
    }
}

impl Relay {
    /// Looks at everything that happens to a connection because of time, and sets its next deadline.
    pub(super) fn check_times(&mut self, index: u32) {
        let (now, times) = (self.connections.now, &self.times);
        let Some(connection) = self.connections.get(index) else { return };
        let is_http = matches!(connection.transport, Transport::Http(_));
        let is_in_handshake = connection.tls_stage() == TlsStage::Handshake;
        let mut next = connection.last_sent
            + match connection.flags.started {
                false if is_in_handshake => times.handshake,
                false => times.first_byte,
                true if is_http => times.handshake,
                true => times.keepalive,
            };
        let mut why = None;
        let mut says_alive = false;
        if next <= now {
            if !connection.flags.started {
                why = Some(if is_in_handshake { Why::NoHandshake } else { Why::Silent });
            } else if is_http {
                why = Some(Why::NoRequest);
            } else {
                says_alive = connection.queue.is_empty();
                next = now + times.keepalive;
            }
        }
        if connection.is_paused() {
            // it may have sent what is not read yet
            connection.last_received = now;
        }
        if connection.flags.started && !is_http {
            if let Some(idle) = times.idle {
                let idle = connection.last_received + idle;
                why = (idle <= now).then_some(Why::Idle);
                next = next.min(idle);
            }
            if let Some(unused) = times.unused.filter(|_| connection.channels == 0) {
                let unused = connection.unused_since + unused;
                if unused <= now {
                    why = Some(Why::Unused);
                }
                next = next.min(unused);
            }
        }
        if connection.wait.first != 0 {
            let stalled = connection.wait.taken + times.stall;
            let slow = times.grace.map_or(u64::MAX, |grace| connection.wait.since + grace);
            if stalled <= now {
                why = Some(Why::Stalled);
            } else if slow <= now {
                why = Some(Why::Slow);
            }
            next = next.min(stalled).min(slow);
        }
        if connection.wait.for_whom != 0 && connection.flags.read_closed {
            let too_long = connection.wait.began.max(connection.wait.ended) + times.stall;
            if too_long <= now {
                why = Some(Why::Undelivered);
            }
            next = next.min(too_long);
        }
        if connection.wait.until != 0 {
            if connection.wait.until <= now {
                connection.wait.until = 0;
                self.connections.list(index);
            } else {
                next = next.min(connection.wait.until);
            }
        }
        if let Some(why) = why {
            self.dropped += u64::from(matches!(why, Why::Stalled | Why::Slow));
            return self.close(index, &why);
        }
        if says_alive {
            self.connections.queue(index, &to_endpoint::keepalive(), &[]);
        }
        self.connections.timers.arm(index, next);
    }
}
