//! What is done in one turn of the loop, and for whom first.

use std::collections::VecDeque;

use peote_net::relay::{ConnectionId, Home};

use super::Relay;

/// Work that one connection may cause in a turn: units that are queued, one for each receiver, and
/// others for what costs about as much. Also the work after which a turn serves no further
/// connection, and which a turn writes at most. Half of it while networks share the relay, for
/// shorter waits.
pub(super) const WORK: usize = 4096;
const SHARED_WORK: usize = WORK / 2;

/// Milliseconds for which networks count as sharing the relay after two of them were served.
const SHARED: u64 = 1000;

/// Work that a read and a write cost, whatever comes of them, and the bytes that cost as much as a
/// unit that is queued.
pub(super) const OF_A_READ: usize = 256;
pub(super) const OF_A_WRITE: usize = 256;
pub(super) const BYTES_FOR_WORK: usize = 64;

/// Work that a frame of a WebSocket costs, whatever is in it.
pub(super) const OF_A_FRAME: usize = 4;

/// What may come of one network alone before it is written.
const PUT_OFF_WORK: usize = 16 * 1024;
const PUT_OFF_BYTES: u64 = 64 * 1024;

/// What is left over from one turn to the next.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Work and bytes that came since the last writing.
    unwritten_work: usize,
    unwritten_from: u64,
    /// The network that was served last, and until when it counts as not the only one.
    last: Option<u32>,
    shared_until: u64,
    /// Frames that came from the connection that is being served.
    pub(super) frames: u64,
    /// Work of writing what it has sent without copying it.
    pub(super) handed_out: usize,
    /// When the system was asked for events, in microseconds.
    pub(super) asked_at: u64,
    /// Connections that are gone and of which the core still has a part.
    going: VecDeque<(ConnectionId, Home)>,
}

impl Relay {
    /// Whether there is something to do without anything happening.
    pub(super) fn has_work(&self) -> bool {
        !self.connections.ready.is_empty()
            || !self.connections.dirty.is_empty()
            || !self.turns.going.is_empty()
            || !self.connections.drained.is_empty()
            || !self.connections.given_up.is_empty()
            || self.has_cluster_work()
    }

    /// Serves those whose turn it is, up to a bound, and writes what came of it.
    pub(super) fn serve_ready(&mut self) {
        self.forget_more();
        let mut work = 0;
        let mut is_alone = true;
        for _ in 0..self.connections.ready.len() {
            let Some(index) = self.connections.ready.pop() else { break };
            let Some(of) = self.connections.get(index).map(|connection| connection.home.network) else {
                continue;
            };
            is_alone &= self.note_network(of);
            work += self.serve(index);
            if work >= self.work() {
                break;
            }
        }
        self.turns.unwritten_work += work;
        if is_alone && self.may_put_off() {
            return;
        }
        self.connections.write_dirty(self.work() / OF_A_WRITE, self.work() * BYTES_FOR_WORK);
        self.turns.unwritten_work = 0;
        self.turns.unwritten_from = self.received_bytes;
    }

    /// A connection of this network is served now. Returns whether the one before was of the same.
    fn note_network(&mut self, network: u32) -> bool {
        let is_same = self.turns.last.is_none_or(|last| last == network);
        if !is_same {
            self.turns.shared_until = self.connections.now + SHARED;
        }
        self.turns.last = Some(network);
        is_same
    }

    /// Work that a connection may cause in this turn.
    pub(super) fn work(&self) -> usize {
        if self.is_shared() { SHARED_WORK } else { WORK }
    }

    /// Whether more than one network has something to do.
    pub(super) fn is_shared(&self) -> bool {
        self.connections.now < self.turns.shared_until
    }

    /// Whether writing can wait. Larger writes are cheaper, but only who causes them may have to
    /// wait for them: so that is for one network alone, and up to a bound.
    fn may_put_off(&self) -> bool {
        !self.connections.ready.is_empty()
            && self.turns.unwritten_work < PUT_OFF_WORK
            && self.received_bytes - self.turns.unwritten_from < PUT_OFF_BYTES
    }

    /// Has the core forget a connection, now or in parts: its channels may have many users to be
    /// told.
    pub(super) fn forget(&mut self, id: ConnectionId, home: Home) {
        self.connections.leaving = Some((id, home));
        if !self.core.disconnect_partly(id, WORK, &mut self.connections) {
            self.turns.going.push_back((id, home));
        }
        self.connections.leaving = None;
    }

    /// Has the core forget a part of the connections that go. Returns whether there is more to be
    /// forgotten.
    pub(super) fn forget_more(&mut self) -> bool {
        if let Some((id, home)) = self.turns.going.pop_front() {
            self.forget(id, home);
        }
        !self.turns.going.is_empty()
    }
}
