//! What holds whenever the relay is about to sleep. Only the simulation looks at it.

use std::time::Duration;

use super::Relay;

impl Relay {
    /// Nothing that could be done is forgotten, unless there is more to do anyway.
    ///
    /// # Panics
    /// Something is.
    pub(super) fn check_asleep(&self) {
        if self.may_wait(None) == Some(Duration::ZERO) {
            return;
        }
        for connection in self.connections.slots.iter().flatten() {
            let (id, flags) = (connection.id, &connection.flags);
            assert!(!flags.given_up, "{id} was given up and is there still");
            assert!(!flags.writable || !connection.has_output(), "what is left for {id} is not written");
            if !connection.wait.is_paused() {
                assert!(!flags.readable, "{id} is not read");
                assert!(!connection.rest.is_blocked, "what has come from {id} is not routed");
            }
            if connection.queue.is_empty() && !flags.mute {
                assert!(!flags.awaited, "what waited for the queue of {id} is not said");
                assert!(!connection.wait.is_awaited(), "who waited for the queue of {id} waits on");
            }
        }
    }
}
