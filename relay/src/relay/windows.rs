//! What endpoints that take part in flow control and admission wait for.

use super::Relay;
use super::close::Why;

impl Relay {
    /// Says what waited for queues to drain, closes those that hold too much, and refuses users
    /// that have knocked for too long.
    pub(super) fn go_on_with_windows(&mut self) {
        while let Some(index) = self.connections.drained.pop() {
            if let Some(id) = self.connections.get(index).map(|connection| connection.id) {
                self.core.drained(id, &mut self.connections);
            }
        }
        while let Some(index) = self.connections.given_up.pop() {
            // another one may have its place by now
            if let Some(connection) =
                self.connections.get(index).filter(|connection| connection.flags.given_up)
            {
                debug_assert!(connection.queue.is_empty(), "what was queued takes memory still");
                self.dropped += 1;
                self.close(index, &Why::Memory);
            }
        }
        let next = self.core.tick(&mut self.connections);
        self.knocks_end = next.map(peote_net::time::Instant::as_millis);
    }
}
