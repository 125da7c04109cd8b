//! How and why connections end.

use std::{fmt, io};

use peote_net::relay::Cause;
use tracing::{info, warn};

use super::Relay;

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum Why {
    /// The endpoint has closed it.
    Ended,
    /// The network has.
    Broken(io::Error),
    /// The forwarding core wants it.
    Cause(Cause),
    /// Nothing came in time.
    Silent,
    /// It took nothing while somebody waited for it.
    Stalled,
    /// Its queue was full for too long.
    Slow,
    /// It speaks HTTP.
    WebSocket,
    /// The relay stops.
    Stopping,
}

impl Why {
    /// Whether it makes sense to write what is still queued, as far as the socket takes it at once.
    pub(super) fn may_write(&self) -> bool {
        matches!(self, Self::Ended | Self::Cause(_))
    }

    /// Whether an operator should know.
    pub(super) fn is_suspicious(&self) -> bool {
        matches!(self, Self::Cause(_) | Self::Stalled | Self::Slow)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("closed by the endpoint"),
            Self::Broken(error) => write!(f, "lost: {error}"),
            Self::Cause(cause) => cause.fmt(f),
            Self::Silent => f.write_str("nothing was sent in time"),
            Self::Stalled => f.write_str("stalled: it took nothing while others waited for it"),
            Self::Slow => f.write_str("too slow: its queue was full for too long"),
            Self::WebSocket => f.write_str("it speaks HTTP, and this build does not support WebSocket"),
            Self::Stopping => f.write_str("the relay is stopping"),
        }
    }
}

impl Relay {
    /// Ends a connection and all that it is in. Does nothing if it is gone.
    pub(super) fn close(&mut self, index: u32, why: &Why) {
        let Some(connection) = self.connections.get(index) else { return };
        let (id, address) = (connection.id, connection.address);
        if why.may_write() {
            self.connections.write(index);
        }
        self.connections.stop_waiting(index);
        self.connections.wake(index);
        let Some(mut connection) = self.connections.slots[index as usize].take() else { return };
        self.core.disconnect(id, &mut self.connections);
        self.connections.timers.clear(index);
        self.connections.addresses.remove(address.ip());
        self.connections.pool.remove(connection.rest.capacity());
        self.connections.pool.unreserve();
        connection.queue.clear(&mut self.connections.pool);
        // fails only for a socket that is gone already
        let _ = self.poll.registry().deregister(connection.socket());
        self.accept_at = self.accept_at.min(self.connections.now);
        let now = self.connections.now;
        if why.is_suspicious() {
            if self.connections.warnings.may_say(now) {
                warn!(connection = %id, %address, %why, "connection closed");
            }
        } else if self.connections.events.may_say(now) {
            info!(connection = %id, %address, %why, "connection closed");
        }
    }
}
