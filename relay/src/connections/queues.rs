//! What is queued for connections, and written to them.

use tracing::warn;

use super::{Connections, WORTH_A_WRITE};
use crate::loans::LONG;
use crate::places::narrow;
use crate::queue::BLOCK;

impl Connections {
    /// Writes what is queued for a connection, and lets those go on that waited for it to take
    /// that.
    ///
    /// Says whether the socket took anything.
    pub(crate) fn write(&mut self, index: u32) -> bool {
        self.write_some(index, usize::MAX) > 0
    }

    /// [`write`](Self::write), as far as about so many bytes. What is left then is written another
    /// time. Returns how many bytes the socket took.
    pub(crate) fn write_some(&mut self, index: u32, most: usize) -> usize {
        let Some(connection) = self.slots.get_mut(index as usize).and_then(Option::as_mut) else {
            return 0;
        };
        if std::mem::take(&mut connection.flags.dirty) {
            self.dirty.remove(index);
        }
        // queues grow between writes, so this is the longest that each becomes
        let before = connection.queue.len();
        self.longest_queue = self.longest_queue.max(before);
        let taken = connection.write(&mut self.pool, most);
        let is_left = connection.flags.writable && connection.has_output();
        let drained = before.saturating_sub(connection.queue.len());
        let enough = connection.queue.is_empty()
            || connection.queue.len() <= self.config.queue_bytes.min(self.pool.share()) / 2;
        if taken > 0 {
            connection.pace.note_written(self.now_micros, connection.traffic.sent);
            connection.keepalive_at = self.now + connection.keepalive(self.times.keepalive);
        }
        self.sent_bytes += taken as u64;
        let (is_awaited, takes_part) = (connection.flags.awaited, connection.flags.takes_part);
        if connection.flags.mute {
            self.list(index);
        }
        if drained > 0 {
            self.note_taken(index, drained);
            if is_awaited && (enough || takes_part) {
                self.drained.push(index);
            }
        }
        if enough {
            self.wake(index);
        }
        if is_left {
            self.mark_dirty(index);
        }
        taken
    }

    /// Writes to those that got something, to so many and so many bytes at most, about.
    pub(crate) fn write_dirty(&mut self, most: usize, bytes: usize) {
        let mut left = bytes;
        for _ in 0..most {
            if left == 0 {
                break;
            }
            let Some(index) = self.dirty.pop() else { break };
            left = left.saturating_sub(self.write_some(index, left));
        }
    }

    /// Ends all loans of the input: writes what is worth a write of its own, and copies what is not
    /// and what sockets do not take.
    ///
    /// Returns how many were written, and how many bytes sockets took.
    pub(crate) fn hand_out(&mut self, most: usize) -> (usize, usize) {
        let (mut writes, mut all) = (0, 0);
        while let Some(index) = self.pool.next_borrower() {
            let Some(Some(connection)) = self.slots.get_mut(index as usize) else { continue };
            // where it is next to be written anyway, or copying would cost more than another write
            let on_loan = connection.queue.on_loan(&self.pool);
            if on_loan > 0 && (on_loan >= WORTH_A_WRITE || self.ready.is_empty()) {
                all += self.write_some(index, most);
                writes += 1;
            }
            let Some(Some(connection)) = self.slots.get_mut(index as usize) else { continue };
            connection.queue.settle(&mut self.pool);
            if connection.flags.writable && connection.has_output() {
                self.mark_dirty(index);
            }
        }
        (writes, all)
    }

    /// Puts bytes into a connection's queue.
    #[inline]
    pub(crate) fn queue(&mut self, index: u32, header: &[u8], payload: &[u8]) {
        self.queue_within(index, 0, header, payload);
    }

    /// [`queue_within`](Self::queue_within) of what most messages are, to one that is to be written
    /// anyway. Returns false for all else, which is still to be queued then.
    ///
    /// A function of its own: in the loop that calls it the registers would not suffice. It calls
    /// no other, so that it has few to save.
    #[inline(never)]
    pub(super) fn queue_short(&mut self, index: u32, room: usize, header: &[u8], payload: &[u8]) -> bool {
        let bound = self.config.queue_bytes.min(self.pool.share());
        if let Some(Some(connection)) = self.slots.get_mut(index as usize)
            && connection.flags.dirty
            && !connection.flags.mute
            && connection.queue.len() + room <= bound
            && connection.queue.push_short(header, payload)
        {
            self.pushed += 1;
            return true;
        }
        false
    }

    /// Puts bytes into a connection's queue if it has so much room. Returns whether it has.
    #[inline(never)]
    pub(super) fn queue_within(&mut self, index: u32, room: usize, header: &[u8], payload: &[u8]) -> bool {
        let bound = self.config.queue_bytes.min(self.pool.share());
        let Some(Some(connection)) = self.slots.get_mut(index as usize) else {
            #[cfg(feature = "cluster")]
            self.say_to_stand_in(index, header, payload);
            return true;
        };
        if connection.flags.mute {
            return true;
        }
        if room > 0 && bound.saturating_sub(connection.queue.len()) < room {
            return false;
        }
        if connection.queue.push(header, payload) {
            self.pushed += 1;
            if !connection.flags.dirty {
                self.mark_queued(index);
            }
        } else {
            self.queue_elsewhere(index, header, payload);
        }
        true
    }

    /// [`queue`](Self::queue) where there is no room in the last block: in a new one, or as a loan,
    /// which `hand_out` writes.
    #[cold]
    fn queue_elsewhere(&mut self, index: u32, header: &[u8], payload: &[u8]) {
        self.queue_longer(index, header, payload);
        let most = self.pool.most(self.config.queue_bytes);
        if self.pool.is_exhausted() {
            // in a cluster that is decided at the end of the turn: it may be another relay
            if !self.is_of_cluster() {
                self.give_up_longest();
            }
        } else if self.get(index).is_some_and(|connection| connection.queue.len() > most) {
            self.give_up(index);
        }
    }

    /// There is no memory left: gives up the connection whose queue holds the most, if it holds
    /// more than each always may.
    fn give_up_longest(&mut self) {
        let queues = self.slots.iter().enumerate();
        let queues = queues.filter_map(|(place, slot)| Some((slot.as_ref()?.queue.len(), place)));
        if let Some((len, place)) = queues.max()
            && len > 2 * BLOCK
        {
            self.give_up(narrow(place));
        }
    }

    /// Frees what is queued for a connection at once, and has it closed.
    pub(crate) fn give_up(&mut self, index: u32) {
        let Some(Some(connection)) = self.slots.get_mut(index as usize) else { return };
        connection.queue.clear(&mut self.pool);
        (connection.flags.mute, connection.flags.given_up) = (true, true);
        self.given_up.push(index);
    }

    /// That a membership was ended because its window stayed used up.
    pub(crate) fn note_too_slow(&mut self, index: u32) {
        let Some(id) = self.get(index).map(|connection| connection.id) else { return };
        if self.may_warn("too-slow", id) {
            warn!(
                connection = %id,
                "membership ended: the connection waited for its window for too long (stall-timeout)"
            );
        }
    }

    fn queue_longer(&mut self, index: u32, header: &[u8], payload: &[u8]) {
        let Some(Some(connection)) = self.slots.get_mut(index as usize) else { return };
        self.pushed += 1;
        let may_lend = connection.flags.writable && payload.len() >= LONG;
        if may_lend && connection.queue.lend(index, header, payload, &mut self.pool) {
            return;
        }
        connection.queue.push_elsewhere(header, payload, &mut self.pool);
        self.mark_queued(index);
    }
}

#[cfg(feature = "cluster")]
impl Connections {
    /// Says something to a stand-in for an endpoint of another relay.
    #[cold]
    fn say_to_stand_in(&mut self, index: u32, header: &[u8], payload: &[u8]) {
        if let Some(cluster) = self.cluster.as_mut() {
            self.pushed += 1;
            cluster.afar.hear(index, header, payload);
        }
    }
}
