//! The relay: the library's forwarding core with queues in memory.

mod event;
mod queues;

use std::collections::VecDeque;

use peote_net::protocol::to_endpoint::{self, Capabilities};
use peote_net::relay::{self, ConnectionId, GrowingStorage, Host as _, Outcome, Received};
use peote_net::time::{Duration, Instant};

use crate::Random;
use crate::line::{Direction, LineId};
use crate::trace::Act;
use crate::world::World;
pub use event::RelayEvent;
use queues::{Connection, Queues, Wait};

/// What the relay is like. The defaults are those of the relay program, but for smaller buffers.
///
/// ```
/// use peote_net_simulation::RelayConfig;
/// let narrow = RelayConfig { queue_bytes: 300, cut: 100, ..RelayConfig::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayConfig {
    /// Bytes that may wait to be written to one connection, at least 64, with
    /// [`Capabilities::HELLO`] 256. When that is used up, those that send to it are not read.
    /// Default: 65,536.
    pub queue_bytes: usize,
    /// Longer pieces of data are cut to what a queue has room for, once it has room for so many
    /// bytes; see [`Host::cut`](peote_net::relay::Host::cut). At most
    /// [`queue_bytes`](Self::queue_bytes). Default: 1024.
    pub cut: usize,
    /// Bytes of one connection that are read and not routed yet at most, at least 512. Default:
    /// 4096.
    pub read_bytes: usize,
    /// A connection to which nothing was said for this long is sent a keepalive; `None`: none are
    /// sent. Default: 5 s.
    pub keepalive_interval: Option<Duration>,
    /// A connection that has not taken a byte for this long while somebody waits for it is dropped.
    /// Default: 60 s.
    pub stall_timeout: Duration,
    /// Connections at the same time; others are refused. Default: 10,000.
    pub max_connections: usize,
    /// What it can do beyond the original protocol; with [`Capabilities::NONE`] it is one of the
    /// original relays. With [`Capabilities::HELLO`] it takes part in flow control and admission.
    /// Default: all of it, as the relay program.
    pub capabilities: Capabilities,
    /// Keeps what happens for [`Network::take_relay_events`](crate::Network::take_relay_events).
    /// Default: no.
    pub record_events: bool,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            queue_bytes: 65_536,
            cut: 1024,
            read_bytes: 4096,
            keepalive_interval: Some(Duration::from_secs(5)),
            stall_timeout: Duration::from_secs(60),
            max_connections: 10_000,
            capabilities: Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER).with(Capabilities::HELLO),
            record_events: false,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Relay {
    core: relay::Relay<GrowingStorage>,
    queues: Queues,
    random: Random,
    scratch: Vec<u8>,
    /// When the next user that knocks is refused.
    knocks_end: Option<u64>,
}

impl Relay {
    pub(crate) fn new(config: &RelayConfig, seed: u64) -> Self {
        // the longest knock, and the answer to a hello, must have room
        let least = if config.capabilities.contains(Capabilities::HELLO) { 256 } else { 64 };
        let queue_bytes = config.queue_bytes.max(least);
        let config = RelayConfig {
            queue_bytes,
            cut: config.cut.min(queue_bytes),
            read_bytes: config.read_bytes.max(512),
            ..config.clone()
        };
        Self {
            core: relay::Relay::default(),
            queues: Queues::new(config),
            random: Random::new(seed),
            scratch: Vec::new(),
            knocks_end: None,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.core.connections() >= self.queues.config.max_connections
    }

    pub(crate) fn connect(&mut self, line: LineId, now: u64) {
        let Ok(id) = self.core.connect() else { return };
        self.queues.add(Connection {
            id,
            line,
            input: Vec::new(),
            ended: false,
            waits: None,
            output: VecDeque::new(),
            drained: 0,
            drained_at: now,
            waited_for_since: None,
            said_at: now,
            heard: false,
            waits_for_window: None,
            owes_since: None,
            awaited: false,
            takes_part: false,
            keepalive_every: None,
        });
    }

    /// It ends without a word.
    pub(crate) fn stop(&mut self, world: &mut World) {
        self.lines().for_each(|line| world.reset(line));
        if self.queues.config.record_events {
            self.queues.events.push(RelayEvent::Stopped);
        }
    }

    pub(crate) fn take_events(&mut self) -> Vec<RelayEvent> {
        core::mem::take(&mut self.queues.events)
    }

    pub(crate) fn queued(&self, line: LineId) -> usize {
        let connections = self.queues.connections.iter().flatten();
        connections
            .filter(|connection| connection.line == line)
            .map(|connection| connection.output.len())
            .sum()
    }

    pub(crate) fn core(&self) -> &relay::Relay<GrowingStorage> {
        &self.core
    }

    fn lines(&self) -> impl Iterator<Item = LineId> {
        self.queues.connections.iter().flatten().map(|connection| connection.line)
    }

    /// Serves every connection once. Whether that got anything done.
    pub(crate) fn turn(&mut self, world: &mut World) -> bool {
        self.queues.now = world.now;
        let before = (world.acts, self.queues.changes);
        // what is over by now is said in this turn
        self.core.tick(&mut self.queues);
        let count = self.queues.connections.len();
        // whom it begins with is of no meaning, and so it must not matter
        let first = if count > 0 { self.random.below(count) } else { 0 };
        for place in (first..count).chain(0..first) {
            self.serve(place, world);
        }
        self.knocks_end = self.core.tick(&mut self.queues).map(Instant::as_millis);
        before != (world.acts, self.queues.changes)
    }

    fn serve(&mut self, place: usize, world: &mut World) {
        let Some(connection) = self.queues.connections[place].as_ref() else { return };
        let (id, line) = (connection.id, connection.line);
        if world.is_broken(line) {
            return self.remove(id);
        }
        if connection.stall_deadline(&self.queues.config).is_some_and(|deadline| deadline <= world.now) {
            world.reset(line);
            return self.remove(id);
        }
        if connection.window_deadline(&self.queues.config).is_some_and(|deadline| deadline <= world.now)
            && let Some((membership, _)) = connection.waits_for_window
        {
            self.queues.resume(id);
            self.core.end_membership(membership, &mut self.queues);
        }
        self.write(place, world);
        self.keep_alive(place, world.now);
        self.read(place, world);
        self.route(place, world);
    }

    fn write(&mut self, place: usize, world: &mut World) {
        let Some(connection) = self.queues.connections[place].as_mut() else { return };
        let (bytes, _) = connection.output.as_slices();
        let room = world.writable(connection.line, Direction::ToLink).unwrap_or_default();
        if bytes.is_empty() || room == 0 {
            return;
        }
        if let Ok(count) = world.write(connection.line, Direction::ToLink, bytes) {
            connection.output.drain(..count);
            connection.drained += count as u64;
            connection.drained_at = world.now;
            if connection.awaited {
                let id = connection.id;
                self.core.drained(id, &mut self.queues);
            }
        }
    }

    fn keep_alive(&mut self, place: usize, now: u64) {
        let Some(connection) = self.queues.connections[place].as_mut() else { return };
        if connection.keepalive_at(&self.queues.config).is_some_and(|at| at <= now) {
            connection.output.extend(to_endpoint::keepalive());
            connection.said_at = now;
            self.queues.changes += 1;
        }
    }

    fn read(&mut self, place: usize, world: &mut World) {
        let most = self.queues.config.read_bytes;
        let Some(connection) = self.queues.connections[place].as_mut() else { return };
        let room = most.saturating_sub(connection.input.len());
        let line = connection.line;
        let is_readable = matches!(world.readable(line, Direction::ToRelay), Ok(Some(_)));
        let waits = connection.waits.is_some() || connection.waits_for_window.is_some();
        if room == 0 || connection.ended || waits || !is_readable {
            return;
        }
        self.scratch.resize(room, 0);
        if let Ok(count) = world.read(line, Direction::ToRelay, &mut self.scratch) {
            connection.ended = count == 0;
            connection.heard |= count > 0;
            connection.input.extend(&self.scratch[..count]);
        }
    }

    /// Routes what has been read, unless that waits for somebody.
    fn route(&mut self, place: usize, world: &mut World) {
        let Some(connection) = self.queues.connections[place].as_mut() else { return };
        let (id, line) = (connection.id, connection.line);
        if connection.waits_for_window.is_some() {
            return;
        }
        if let Some(wait) = connection.waits {
            let drained = self.queues.get(wait.receiver).map(|receiver| receiver.drained);
            if drained == Some(wait.drained) {
                return;
            }
            self.queues.stop_waiting(place);
        }
        let Some(connection) = self.queues.connections[place].as_mut() else { return };
        if connection.input.is_empty() && !connection.ended {
            return;
        }
        let input = core::mem::take(&mut connection.input);
        let Received { used, outcome } = self.core.receive(id, &input, &mut self.queues);
        self.queues.changes += used as u64;
        let Some(connection) = self.queues.connections[place].as_mut() else { return };
        connection.input = input;
        connection.input.drain(..used);
        match outcome {
            Outcome::NeedMore if connection.ended => {
                self.write(place, world);
                world.close(line, Direction::ToLink, Act::RelayCloses);
                self.remove(id);
            }
            Outcome::WaitFor(receiver) => {
                let drained = self.queues.get(receiver).map_or(0, |receiver| receiver.drained);
                self.queues.wait(place, Wait { receiver, drained });
            }
            Outcome::WaitForWindow(membership) => {
                connection.waits_for_window = Some((membership, self.queues.now));
            }
            Outcome::Close(_) => {
                self.write(place, world);
                world.close(line, Direction::ToLink, Act::RelayCloses);
                self.remove(id);
            }
            _ => {}
        }
    }

    fn remove(&mut self, id: ConnectionId) {
        self.core.disconnect(id, &mut self.queues);
        self.queues.remove(id);
    }

    /// When there is something to do although nothing has come.
    pub(crate) fn next_event_at(&self) -> Option<u64> {
        let config = &self.queues.config;
        let connections = self.queues.connections.iter().flatten();
        connections
            .flat_map(|connection| {
                let window = connection.window_deadline(config);
                [connection.keepalive_at(config), connection.stall_deadline(config), window]
            })
            .flatten()
            .chain(self.knocks_end)
            .min()
    }
}
