//! Whether a relay is as at the start once everybody is gone. For tests: what is counted when a
//! connection comes has to be counted off whichever way it goes.

use super::Relay;

impl Relay {
    /// All that is kept for connections, and how much of it there is. Empty once all are gone.
    #[doc(hidden)]
    #[must_use]
    pub fn leftovers(&self) -> Vec<(&'static str, usize)> {
        let connections = &self.connections;
        let mut kept = vec![
            ("connections", self.core.connections()),
            ("channels", self.core.channels()),
            ("users", self.core.memberships()),
            ("pages", self.core.pages()),
            ("slots", connections.slots.iter().flatten().count()),
            ("queued bytes", connections.pool.used()),
            ("reserved bytes", connections.pool.reserved()),
            ("addresses, networks and channels of them", connections.addresses.used()),
            ("subjects", connections.subjects.len()),
            ("paused", connections.paused),
            ("deadlines", connections.timers.len()),
            ("to be served", connections.ready.len()),
            ("to be written", connections.dirty.len()),
            ("websockets", self.websockets),
            ("tls", self.tls),
            ("secure websockets", self.secure_websockets),
        ];
        #[cfg(feature = "cluster")]
        kept.extend(
            connections.cluster.as_ref().map(|cluster| ("answers of the directory", cluster.settled())),
        );
        kept.retain(|(_, count)| *count > 0);
        kept
    }
}
