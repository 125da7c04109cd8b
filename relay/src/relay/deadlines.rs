//! What happens because time passes.
//!
//! A deadline is judged once everything is served that was ready when it came: the process may have
//! stood still, or have had much to do, and what an endpoint is asked for may lie in its socket.

use peote_net::protocol::to_endpoint;

use super::Relay;
use super::close::Why;
use crate::deadlines::{Due, Late};
use crate::listen;
use crate::wait::Wait;

/// Bytes that a socket holds at most of what has come. After as many more an endpoint that keeps on
/// sending is judged all the same.
const UNREAD: u64 = 8 << 20;

/// Connections whose deadlines are judged in a turn, at most.
const JUDGED: usize = 256;

/// Milliseconds by which a deadline is judged late only if the relay did not run.
const BEHIND: u64 = 100;

/// Milliseconds of extra time, at least.
const EXTRA: u64 = 1000;

impl Relay {
    /// Does what is due at `now`, up to which everything that was ready has been served.
    pub(super) fn judge(&mut self, now: u64) {
        self.lingering.expire(now);
        self.expire_guests(now);
        for _ in 0..JUDGED {
            let Some(index) = self.connections.timers.pop(now) else { break };
            self.judge_connection(index, now);
        }
    }

    fn judge_connection(&mut self, index: u32, now: u64) {
        let times = &self.connections.times;
        let Some(Some(connection)) = self.connections.slots.get_mut(index as usize) else { return };
        let due = connection.due(times, now);
        let is_due = |what: Due| due.iter().any(|(_, due)| *due == what);
        if !due.iter().any(|(_, due)| matches!(due, Due::Close(_))) {
            (connection.overdue, connection.flags.has_extra_time) = (None, false);
        }
        if is_due(Due::Resume) {
            self.resume(index, |wait| &mut wait.until);
        }
        if is_due(Due::Ask) {
            self.resume(index, |wait| &mut wait.directory);
        }
        if is_due(Due::Membership) {
            self.end_membership(index);
        }
        if is_due(Due::Keepalive) {
            self.say_alive(index);
        }
        for (at, due) in due {
            if let Due::Close(late) = due
                && self.is_served(index, late)
                && !self.gives_time(index, late, now - at)
            {
                self.dropped += u64::from(matches!(late, Late::Taking | Late::Room));
                return self.close(index, &Why::Late(late));
            }
        }
        let Some(Some(connection)) = self.connections.slots.get(index as usize) else { return };
        let next = connection.next_deadline(&self.connections.times);
        // what could not be judged yet is looked at in the next turn
        self.connections.timers.arm(index, next.unwrap_or(u64::MAX).max(now + 1));
    }

    /// A connection's stage has begun: how long it may take is counted from now.
    pub(super) fn begin_stage(&mut self, index: u32) {
        let (now, keepalive) = (self.connections.now, self.connections.times.keepalive);
        let Some(connection) = self.connections.get(index) else { return };
        (connection.stage_since, connection.keepalive_at) = (now, now + connection.keepalive(keepalive));
        self.connections.schedule(index);
    }

    /// Whether a connection has nothing left to be served that could have been in time.
    fn is_served(&mut self, index: u32, late: Late) -> bool {
        if !late.is_of_input() {
            return self.is_written(index, late);
        }
        let Some(connection) = self.connections.get(index) else { return true };
        if connection.wait.is_paused() {
            return true;
        }
        let is_readable = connection.flags.readable;
        if !is_readable && !self.connections.ready.contains(index) {
            return true;
        }
        let Some(connection) = self.connections.get(index) else { return true };
        let since = *connection.overdue.get_or_insert(connection.traffic.received);
        connection.traffic.received - since >= UNREAD
    }

    /// Whether the receiver that others wait for was offered what its socket has room for.
    fn is_written(&mut self, index: u32, late: Late) -> bool {
        let Some(connection) = self.connections.get(index) else { return true };
        let receiver = match late {
            Late::LastWords => connection.wait.for_whom.saturating_sub(1),
            _ => index,
        };
        let receiver = self.connections.get(receiver);
        receiver.is_none_or(|receiver| !receiver.flags.writable || !receiver.has_output())
    }

    /// Gives a connection as much time again as its deadline is judged `behind`, and a second at
    /// least. Does so once.
    ///
    /// That is time in which the relay did not look, so what it says came late as well, and the
    /// endpoint may have to answer it: in a TLS handshake.
    fn gives_time(&mut self, index: u32, late: Late, behind: u64) -> bool {
        if behind < BEHIND || !late.is_of_input() {
            return false;
        }
        let Some(connection) = self.connections.get(index) else { return false };
        if std::mem::replace(&mut connection.flags.has_extra_time, true) {
            return false;
        }
        *match late {
            Late::Input => &mut connection.last_received,
            Late::Channel => &mut connection.unused_since,
            _ => &mut connection.stage_since,
        } += behind + behind.max(EXTRA);
        true
    }

    /// Tells an endpoint that the relay is there, unless it has something else to read.
    fn say_alive(&mut self, index: u32) {
        let (now, keepalive) = (self.connections.now, self.connections.times.keepalive);
        let Some(connection) = self.connections.get(index) else { return };
        connection.keepalive_at = now + connection.keepalive(keepalive);
        self.note_patience(index);
        let Some(connection) = self.connections.get(index) else { return };
        if connection.queue.is_empty() {
            self.connections.queue(index, &to_endpoint::keepalive(), &[]);
        }
    }

    /// Sees to it that the system does not give up a connection that nothing is read from: its
    /// endpoint may be unable to read before it can write.
    ///
    /// Nothing was taken for a while when this is called. It ends when everything has been taken:
    /// until then the system may count what was before.
    fn note_patience(&mut self, index: u32) {
        let Some(Some(connection)) = self.connections.slots.get_mut(index as usize) else { return };
        let was_patient = connection.flags.patient;
        let is_patient = connection.wait.is_paused() || was_patient && !connection.queue.is_empty();
        if is_patient != was_patient {
            connection.flags.patient = is_patient;
            listen::set_patience(connection.socket(), &self.connections.config, is_patient);
        }
    }

    /// A connection has waited for windows for too long: ends the membership that it has waited for
    /// the longest. Those that are over already are passed over.
    ///
    /// If it has waited for one of them for half of that time in one go, nothing was sent meanwhile.
    /// So all whose windows are used up now have granted nothing for as long, and would have it
    /// wait one after the other: they end as well.
    fn end_membership(&mut self, index: u32) {
        let (now, most) = (self.connections.now, self.connections.times.terms.most);
        let Some(connection) = self.connections.get(index) else { return };
        let (id, waited) = (connection.id, now.saturating_sub(connection.wait.began));
        for membership in self.connections.give_up_waiting_for_window(index) {
            if self.core.end_membership(membership, &mut self.connections) {
                self.connections.note_too_slow(index);
                break;
            }
        }
        if waited >= most / 2 {
            self.core.end_used_up(id, &mut self.connections);
        }
        self.connections.list(index);
    }

    /// Goes on with a connection that had sent more than it may, or waited for the directory,
    /// unless it waits for something else as well.
    pub(super) fn resume(&mut self, index: u32, what: fn(&mut Wait) -> &mut u64) {
        let now = self.connections.now;
        let Some(connection) = self.connections.get(index) else { return };
        *what(&mut connection.wait) = 0;
        // it was not read meanwhile
        connection.last_received = now;
        self.connections.list(index);
    }
}
