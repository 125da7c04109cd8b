//! From what was read to the queues.

use peote_net::relay::{Cause, Outcome};

use super::Relay;
use super::close::Why;
use crate::connection::Input;
use crate::connections::index;
use crate::transport::{End, Transport};

/// Bytes that one read returns at most.
pub(super) const READ: usize = 64 * 1024;

/// Bytes that are routed at once, and units that one connection may cause to be queued before the others have their turn.
const SLICE: usize = 8 * 1024;
const PUSHES: u64 = 16 * 1024;

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

impl Relay {
    /// Routes what a connection has sent: first what is left of earlier reads, then what one read brings.
    pub(super) fn serve(&mut self, index: u32) {
        let Some(connection) = self.connections.get(index) else { return };
        connection.flags.listed = false;
        if connection.is_paused() {
            return;
        }
        let rest = std::mem::take(&mut connection.rest);
        let mut start = std::mem::take(&mut connection.rest_start);
        if std::mem::take(&mut connection.flags.blocked) {
            match self.route(index, &rest[start..]) {
                Routed::All(used) => start += used,
                Routed::Part(used) => {
                    if let Some(connection) = self.connections.get(index) {
                        (connection.rest, connection.rest_start) = (rest, start + used);
                        connection.flags.blocked = true;
                    }
                    return;
                }
                Routed::Closed => return self.connections.pool.remove(rest.capacity()),
            }
        }
        let kept = rest.len() - start; // at most MAX_REST
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer[..kept].copy_from_slice(&rest[start..]);
        self.connections.pool.remove(rest.capacity());
        drop(rest);
        let end = kept + READ.min(self.connections.pool.read_share());
        let input = self
            .connections
            .get(index)
            .map_or(Input::None, |connection| connection.read(&mut buffer[kept..end]));
        let mut end = kept;
        let routed = match input {
            Input::Bytes { len, read } => {
                self.count_received(index, read);
                end += len;
                self.route(index, &buffer[..end])
            }
            Input::Http(read) => {
                self.count_received(index, read);
                match self.answer(index, &mut buffer[kept..kept + read]) {
                    Some(len) => {
                        end += len;
                        self.route(index, &buffer[..end])
                    }
                    None => Routed::Closed,
                }
            }
            Input::None => Routed::All(0),
            Input::End => self.close_after(index, &Why::Ended),
            Input::WebSocketEnd(End::Closed) => self.close_after(index, &Why::WebSocketClosed),
            Input::WebSocketEnd(End::Failed(failure)) => {
                self.close_after(index, &Why::WebSocketFailed(failure))
            }
            Input::Broken(error) => self.close_after(index, &Why::Broken(error)),
        };
        let (used, is_blocked) = match routed {
            Routed::All(used) => (used, false),
            Routed::Part(used) => (used, true),
            Routed::Closed => (end, false),
        };
        if let Some(connection) = self.connections.slots[index as usize].as_mut() {
            if used < end {
                connection.rest = buffer[used..end].to_vec();
                self.connections.pool.add(connection.rest.capacity());
            }
            connection.flags.blocked = is_blocked;
            connection.count_transport(&mut self.connections.pool);
            let is_over = connection.stop_queueing(&mut self.connections.pool);
            // a WebSocket may have to answer a ping
            if !connection.flags.dirty && connection.has_output() {
                connection.flags.dirty = true;
                self.connections.dirty.push(index);
            }
            if connection.flags.readable && !is_blocked {
                self.connections.list(index);
            }
            if is_over {
                self.connections.wake(index);
            }
        }
        self.buffer = buffer;
    }

    fn count_received(&mut self, index: u32, bytes: usize) {
        self.received_bytes += bytes as u64;
        if let Some(connection) = self.connections.get(index) {
            connection.traffic.received += bytes as u64;
        }
        self.note_first_byte(index);
    }

    /// A connection has said something, so it is one that is kept.
    fn note_first_byte(&mut self, index: u32) {
        let now = self.connections.now;
        if let Some(connection) = self.connections.get(index)
            && !connection.flags.started
        {
            connection.flags.started = true;
            connection.last_sent = now;
            let patience = match connection.transport {
                Transport::Http(_) => self.times.handshake,
                _ => self.times.keepalive,
            };
            self.connections.timers.arm(index, now + patience);
        }
    }

    /// Closes a connection from which nothing comes any more.
    fn close_after(&mut self, index: u32, why: &Why) -> Routed {
        self.close(index, why);
        Routed::Closed
    }

    /// Routes bytes. Where that goes no further, sees to it that the connection is served again when it does.
    fn route(&mut self, sender: u32, bytes: &[u8]) -> Routed {
        let Some(id) = self.connections.get(sender).map(|connection| connection.id) else {
            return Routed::Closed;
        };
        let mut used = 0;
        let work = self.connections.pushed;
        loop {
            let end = bytes.len().min(used + SLICE);
            let received = self.core.receive(id, &bytes[used..end], &mut self.connections);
            used += received.used;
            match received.outcome {
                Outcome::NeedMore if end == bytes.len() => return Routed::All(used),
                Outcome::NeedMore if self.connections.pushed - work < PUSHES => {}
                Outcome::NeedMore => {
                    // a broadcast to many is much work for few bytes: the others first
                    self.connections.list(sender);
                    return Routed::Part(used);
                }
                Outcome::WaitFor(receiver) => {
                    let receiver = index(receiver);
                    if self.connections.write(receiver)
                        || self.connections.get(receiver).is_none_or(|receiver| receiver.flags.mute)
                    {
                        continue; // there may be room now, or no need of any
                    }
                    if self.times.grace == Some(0) {
                        self.dropped += 1;
                        self.close(receiver, &Why::Slow);
                        if receiver == sender {
                            return Routed::Closed;
                        }
                        continue;
                    }
                    self.connections.wait(sender, receiver);
                    let patience =
                        self.times.grace.map_or(self.times.stall, |grace| grace.min(self.times.stall));
                    self.connections.timers.arm(receiver, self.connections.now + patience);
                    return Routed::Part(used);
                }
                Outcome::Later => {
                    let until = self.connections.later;
                    if let Some(connection) = self.connections.get(sender) {
                        connection.wait.until = until;
                    }
                    self.connections.timers.arm(sender, until);
                    return Routed::Part(used);
                }
                Outcome::Close(cause) => {
                    self.close(sender, &Why::Cause(cause));
                    return Routed::Closed;
                }
                // there are no others
                _ => {
                    self.close(sender, &Why::Cause(Cause::NotAllowed));
                    return Routed::Closed;
                }
            }
        }
    }
}
