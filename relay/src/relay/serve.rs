//! From what was read to the queues.

use std::sync::Arc;

use peote_net::relay::{CloseReason, Outcome};

use super::Relay;
use super::close::Why;
use super::turns::{BYTES_FOR_WORK, OF_A_FRAME, OF_A_READ, OF_A_WRITE, WORK};
use crate::causes::Paused;
use crate::connection::{Ending, Input, Stage};
use crate::connections::Later;
use crate::deadlines::Late;
use crate::hellos::{HEAD, Start, TLS};
use crate::places::index;
use crate::proxy::Arrival;
use crate::queue::LEAST_READ;
use crate::rate::Capacity;
use crate::rest::Rest;

/// Bytes that one read returns at most.
pub(super) const READ: usize = 64 * 1024;

/// Bytes that one read of a WebSocket returns at most, and of one whose frames are small: no more
/// frames of the shortest kind than [`WORK`], and than it costs.
const READ_FRAMES: usize = 6 * WORK;
const READ_SMALL_FRAMES: usize = READ_FRAMES / OF_A_FRAME;

/// Frames in a read that make them small ones.
const MANY_FRAMES: u64 = (WORK / OF_A_FRAME) as u64;

/// Bytes that are read at once for each message that a connection may still send.
const BYTES_FOR_EACH_MESSAGE: u64 = 16;

/// What came of routing.
#[derive(Debug)]
enum Routed {
    /// Everything was, but for what may be the start of a unit. That many bytes were used.
    All(usize),
    /// That many bytes were used; the rest has to be routed later.
    Part(usize),
    /// The connection is closed.
    Closed,
}

/// What came of a queue that lacked room.
#[derive(Debug)]
enum Blocked {
    /// It may have room now.
    NoMore,
    /// The sender waits for it.
    Waits,
    /// The sender is closed.
    Closed,
}

impl Relay {
    /// Routes what a connection has sent: first what is left of earlier reads, then what one read
    /// brings.
    ///
    /// Returns how much work that was.
    pub(super) fn serve(&mut self, index: u32) -> usize {
        let may_do = self.work();
        self.connections.work = may_do;
        let is_in_handshake =
            self.connections.get(index).is_some_and(|connection| connection.is_in_handshake());
        let (received, pushed) = (self.received_bytes, self.connections.pushed);
        let checks = self.connections.checks;
        self.turns.handed_out = 0;
        self.connections.served = index;
        (self.connections.is_calm, self.connections.is_urgent) = (false, false);
        self.serve_once(index);
        self.note_hurry(index);
        let read = usize::try_from(self.received_bytes - received).unwrap_or(READ);
        // what was pushed by ways that count no work: a connection that has ended
        let pushed = usize::try_from(self.connections.pushed - pushed).unwrap_or(WORK);
        // one that begins or goes on with a handshake is as much as anybody may cause
        let handshake = if is_in_handshake && read > 0 { WORK } else { 0 };
        // as is a token that was checked
        let checked = if self.connections.checks > checks { WORK } else { 0 };
        pushed.max(may_do.saturating_sub(self.connections.work))
            + OF_A_READ
            + read / BYTES_FOR_WORK
            + handshake
            + checked
            + self.turns.handed_out
    }

    /// Whether a connection that begins with TLS may be answered now; looked at before anything is
    /// read of it. One that may not is closed, or waits.
    fn may_shake_hands(&mut self, index: u32) -> bool {
        let now = self.connections.now_micros;
        let Some(connection) = self.connections.get(index) else { return false };
        let mut head = [0; HEAD];
        let Some(head) = connection.peek_hello(&mut head) else { return true };
        let start = Start::of(head);
        // nobody who ends here can take the answer
        let ending = if connection.flags.read_closed && head[0] == TLS {
            Some(Ending::Ended)
        } else if self.hellos.is_known(start) {
            Some(Ending::TlsCopied)
        } else {
            None
        };
        if let Some(ending) = ending {
            self.close(index, &ending.into());
            return false;
        }
        if start == Start::Incomplete {
            // whether it is a copy shows only when more has come
            self.connections.leave_unread(index);
            return false;
        }
        let address = connection.address.ip();
        let connections = &mut self.connections;
        if let Err(micros) = connections.addresses.shake_hands(address, now, &connections.config) {
            self.connections.pause(index, Paused::Handshakes, micros);
            return false;
        }
        self.hellos.note(start);
        true
    }

    /// Checks the token that a connection has shown in its hello, if there is one and that may be
    /// now. Returns whether there was one: its turn is over then.
    fn has_token(&mut self, index: u32) -> bool {
        if !self.connections.get(index).is_some_and(|connection| connection.has_token()) {
            return false;
        }
        if let Err(micros) = self.connections.may_check_token(index) {
            self.connections.pause(index, Paused::Tokens, micros);
        } else if self.connections.check_heard_token(index) {
            self.connections.list(index);
        } else {
            self.close(index, &Why::Tokens);
        }
        true
    }

    fn serve_once(&mut self, index: u32) {
        let Some(connection) = self.connections.get(index) else { return };
        if connection.wait.is_paused() {
            return;
        }
        if connection.arrival != Arrival::Settled && !self.arrive(index) {
            return;
        }
        if !self.may_shake_hands(index) || self.has_token(index) {
            return;
        }
        let units = self.connections.units;
        let mut rest = self.connections.take_rest(index);
        if rest.is_blocked {
            match self.route(index, rest.bytes()) {
                Routed::All(used) => rest.advance(used),
                Routed::Part(used) => {
                    rest.advance(used);
                    self.connections.keep_rest(index, rest);
                    return self.charge(index, 0, units);
                }
                Routed::Closed => return,
            }
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let kept = rest.move_to(Arc::make_mut(&mut buffer));
        let (read, end, routed) = self.read(index, &mut buffer, kept);
        self.charge(index, read, units);
        let (used, is_blocked) = match routed {
            Routed::All(used) => (used, false),
            Routed::Part(used) => (used, true),
            Routed::Closed => (end, false),
        };
        self.connections.keep_rest(index, Rest::new(&buffer[used..end], is_blocked));
        self.buffer = buffer;
        self.after_serving(index);
    }

    /// Reads once, behind the first `kept` bytes of `buffer`, and routes all of it.
    ///
    /// Returns how many bytes were read, where they end in `buffer`, and what came of routing.
    fn read(&mut self, index: u32, buffer: &mut Arc<[u8]>, kept: usize) -> (usize, usize, Routed) {
        let share = READ.min(self.connections.pool.read_share()).min(self.may_read(index));
        let Some(connection) = self.connections.get(index) else { return (0, kept, Routed::Closed) };
        let stage = connection.stage();
        let share = match (connection.is_web_socket(), connection.flags.small_frames) {
            (false, _) => share,
            (true, false) => share.min(READ_FRAMES),
            (true, true) => share.min(READ_SMALL_FRAMES),
        };
        let end = kept + share + connection.kept();
        let into = Arc::make_mut(buffer);
        let input = connection.read(&mut into[kept..end], &mut self.raw);
        // one that is empty, or a ping, is work as well
        let frames = connection.take_frames();
        connection.flags.small_frames = frames >= MANY_FRAMES / 2;
        let work = usize::try_from(frames).unwrap_or(WORK).saturating_mul(OF_A_FRAME);
        self.connections.work = self.connections.work.saturating_sub(work);
        self.turns.frames += frames;
        match input {
            Input::Bytes { len, read } => {
                self.count_received(index, read);
                self.note_input(index, stage);
                let end = kept + len;
                (read, end, self.route_read(index, buffer, end))
            }
            Input::Http { len, read } => {
                self.count_received(index, read);
                self.note_input(index, stage);
                let request = &mut Arc::make_mut(buffer)[kept..kept + len];
                let Some(len) = self.answer(index, request) else {
                    return (read, kept, Routed::Closed);
                };
                let end = kept + len;
                (read, end, self.route_read(index, buffer, end))
            }
            Input::Incomplete(read) => {
                self.count_received(index, read);
                self.note_input(index, stage);
                (read, kept, Routed::All(0))
            }
            Input::None => (0, kept, Routed::All(0)),
            Input::End(why) => {
                self.close(index, &why.into());
                (0, kept, Routed::Closed)
            }
        }
    }

    /// Puts a connection that was served on the lists where it belongs now.
    fn after_serving(&mut self, index: u32) {
        let connections = &mut self.connections;
        let Some(Some(connection)) = connections.slots.get_mut(index as usize) else { return };
        connection.count_transport(&mut connections.pool);
        let is_over = connection.stop_queueing(&mut connections.pool);
        let is_blocked = connection.rest.is_blocked;
        // a WebSocket may have to answer a ping
        let is_to_write = connection.has_output();
        let is_to_read = connection.flags.readable && !is_blocked && !connection.wait.is_paused();
        if is_to_write {
            connections.mark_dirty(index);
        }
        if is_to_read {
            connections.list(index);
        }
        if is_over {
            connections.wake(index);
        }
    }

    fn count_received(&mut self, index: u32, bytes: usize) {
        self.received_bytes += bytes as u64;
        if let Some(connection) = self.connections.get(index) {
            connection.traffic.received += bytes as u64;
        }
    }

    /// Bytes that may be read of a connection at once: what it may send at the moment, or a little,
    /// and the rest is owed.
    ///
    /// Units are at least two bytes, and seldom that small; so one that is near its limit of
    /// messages is read in small pieces, or a single read would owe more than it may send for a
    /// long time.
    #[inline]
    fn may_read(&mut self, index: u32) -> usize {
        let Some((bytes, messages)) = self.capacities(index) else { return READ };
        if bytes.per_second == 0 && messages.per_second == 0 {
            return READ;
        }
        let now = self.connections.now_micros;
        let Some(connection) = self.connections.get(index) else { return READ };
        let of_bytes = if bytes.per_second == 0 { u64::MAX } else { connection.bytes.left(now, bytes) };
        let of_messages =
            if messages.per_second == 0 { u64::MAX } else { connection.messages.left(now, messages) };
        let most = of_bytes.min(of_messages.saturating_mul(BYTES_FOR_EACH_MESSAGE));
        usize::try_from(most).unwrap_or(usize::MAX).max(LEAST_READ)
    }

    /// Takes what a connection has sent from what it may send: so many bytes, and the units of data
    /// since `units`. Lets it wait if that was too much.
    #[inline]
    fn charge(&mut self, index: u32, read: usize, units: u64) {
        let frames = std::mem::take(&mut self.turns.frames);
        let Some((bytes, messages)) = self.capacities(index) else { return };
        if bytes.per_second == 0 && messages.per_second == 0 {
            return;
        }
        let (now, units) = (self.connections.now_micros, self.connections.units - units);
        let Some(connection) = self.connections.get(index) else { return };
        if bytes.per_second > 0
            && let Some(micros) = connection.bytes.spend(now, read as u64, bytes)
        {
            self.connections.pause(index, Paused::Bytes, micros);
        }
        let Some(connection) = self.connections.get(index) else { return };
        // what comes in frames is counted in them, if they are more: empty ones and pings have no
        // units
        let count = frames.max(units);
        if messages.per_second > 0
            && let Some(micros) = connection.messages.spend(now, count, messages)
        {
            self.connections.pause(index, Paused::Messages, micros);
        }
    }

    #[inline]
    fn capacities(&mut self, index: u32) -> Option<(Capacity, Capacity)> {
        self.connections
            .get(index)
            .map(|connection| (connection.allowance.bytes, connection.allowance.messages))
    }

    /// Something has come from a connection, which may be in another stage now than `before`.
    fn note_input(&mut self, index: u32, before: Stage) {
        let now = self.connections.now;
        let Some(connection) = self.connections.get(index) else { return };
        connection.last_received = now;
        let stage = connection.stage();
        if stage != before {
            let address = connection.address;
            // one that is no HTTP request names nobody
            if stage == Stage::Open && !self.settle(index, address) {
                return;
            }
            self.begin_stage(index);
        }
    }

    /// Routes what was read, up to `end`. Long pieces of it are written from where they lie.
    fn route_read(&mut self, sender: u32, buffer: &Arc<[u8]>, end: usize) -> Routed {
        self.connections.pool.begin_lending(Arc::clone(buffer));
        let routed = self.route(sender, &buffer[..end]);
        self.hand_out();
        self.connections.pool.end_lending();
        routed
    }

    /// Ends all loans of what was read. Returns how many bytes sockets took.
    fn hand_out(&mut self) -> usize {
        let (writes, taken) = self.connections.hand_out(WORK * BYTES_FOR_WORK);
        self.turns.handed_out += writes * OF_A_WRITE + taken / BYTES_FOR_WORK;
        taken
    }

    /// Routes bytes. Where that goes no further, sees to it that the connection is served again
    /// when it does.
    fn route(&mut self, sender: u32, bytes: &[u8]) -> Routed {
        let Some(id) = self.connections.get(sender).map(|connection| connection.id) else {
            return Routed::Closed;
        };
        let mut used = 0;
        loop {
            if self.connections.work == 0 && used < bytes.len() {
                // the others first
                self.connections.list(sender);
                return Routed::Part(used);
            }
            let received = self.core.receive(id, &bytes[used..], &mut self.connections);
            used += received.used;
            match received.outcome {
                Outcome::NeedMore => return Routed::All(used),
                Outcome::Enough => self.connections.work = 0,
                Outcome::WaitFor(receiver) => match self.wait_for(sender, index(receiver), &bytes[used..]) {
                    Blocked::NoMore => {}
                    Blocked::Waits => return Routed::Part(used),
                    Blocked::Closed => return Routed::Closed,
                },
                Outcome::WaitForWindow(membership) => {
                    self.connections.wait_for_window(sender, membership);
                    return Routed::Part(used);
                }
                Outcome::Later => {
                    match self.connections.later {
                        Later::Commands(micros) => self.connections.pause(sender, Paused::Commands, micros),
                        Later::Turn => self.connections.list(sender),
                        #[cfg(feature = "cluster")]
                        Later::Directory => self.connections.hold(sender),
                    }
                    return Routed::Part(used);
                }
                Outcome::Close(cause) => {
                    self.hand_out();
                    self.close(sender, &Why::Cause(cause));
                    return Routed::Closed;
                }
                // there are no others
                _ => {
                    self.hand_out();
                    self.close(sender, &Why::Cause(CloseReason::NotAllowed));
                    return Routed::Closed;
                }
            }
        }
    }

    /// Deals with a receiver's queue that lacks room for `rest`: writes it, or has the sender wait
    /// for it.
    fn wait_for(&mut self, sender: u32, receiver: u32, rest: &[u8]) -> Blocked {
        if self.hand_out() > 0 {
            return Blocked::NoMore; // there may be room now
        }
        let taken = self.connections.write_some(receiver, WORK * BYTES_FOR_WORK);
        let work = OF_A_WRITE + taken / BYTES_FOR_WORK;
        self.connections.work = self.connections.work.saturating_sub(work);
        if taken > 0 || self.connections.get(receiver).is_none_or(|receiver| receiver.flags.mute) {
            return Blocked::NoMore; // there may be room now, or no need of any
        }
        let is_held_up = self.connections.get(receiver).is_some_and(|receiver| receiver.wait.is_held_up());
        if self.connections.times.grace == Some(0) && !is_held_up {
            self.dropped += 1;
            self.close(receiver, &Why::Late(Late::Room));
            return if receiver == sender { Blocked::Closed } else { Blocked::NoMore };
        }
        let Some(id) = self.connections.get(sender).map(|sender| sender.id) else { return Blocked::Closed };
        let is_server = self.core.is_for_users(id, rest);
        self.connections.wait(sender, receiver, is_server);
        Blocked::Waits
    }
}
