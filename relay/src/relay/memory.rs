//! One figure for all memory: queues have what tables leave.

use super::Relay;
use crate::causes::TurnedAway;
use crate::connection::Connection;

/// The part of the memory that tables may take: one in so many.
const PART: usize = 2;

impl Relay {
    /// Bytes of tables: of connections, channels, users, addresses.
    pub(super) fn table_bytes(&self) -> usize {
        self.core.storage().memory() + self.connections.table_bytes()
    }

    /// What tables may take.
    fn most_table_bytes(&self) -> usize {
        self.connections.config.memory_bytes / PART
    }

    /// Gives queues what tables leave, and tables what they may take. Done once in each turn; the
    /// figures change seldom.
    pub(super) fn share_memory(&mut self) {
        let tables = self.table_bytes();
        if tables == self.counted_tables {
            return;
        }
        self.counted_tables = tables;
        let most = self.most_table_bytes();
        let others = self.connections.table_bytes();
        self.core.storage_mut().set_limit(most.saturating_sub(others));
        self.connections
            .pool
            .set_budget(self.connections.config.memory_bytes.saturating_sub(tables.min(most)));
    }

    /// Whether there is memory for one connection more in the tables beside the core's.
    pub(super) fn has_table_room(&self) -> Result<(), TurnedAway> {
        let slots = &self.connections.slots;
        let more =
            if slots.len() == slots.capacity() { slots.len() * size_of::<Option<Connection>>() } else { 0 };
        if more > 0 && self.table_bytes() + more > self.most_table_bytes() && self.is_full_of_slots() {
            return Err(TurnedAway::Memory);
        }
        Ok(())
    }

    /// Whether all places that there are for connections are taken, so that one more would make
    /// them grow.
    fn is_full_of_slots(&self) -> bool {
        self.core.connections() >= self.connections.slots.len()
    }
}
