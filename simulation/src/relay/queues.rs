//! The relay's connections and their queues.

use std::collections::VecDeque;

use peote_net::protocol::items::{Item, KEEPALIVE_RANGE};
use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::relay::{ConnectionId, Greeting, Hello, Host, Membership, Note};
use peote_net::time::{Duration, Instant};

use super::{RelayConfig, RelayEvent};
use crate::line::LineId;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) line: LineId,
    /// What has been read and not been routed.
    pub(super) input: Vec<u8>,
    /// Nothing more comes.
    pub(super) ended: bool,
    /// Whom the input waits for.
    pub(super) waits: Option<Wait>,
    /// What waits to be written.
    pub(super) output: VecDeque<u8>,
    /// How many bytes were ever written.
    pub(super) drained: u64,
    /// When something was written last.
    pub(super) drained_at: u64,
    /// Since when somebody has been waiting for this connection.
    pub(super) waited_for_since: Option<u64>,
    /// When something was queued last.
    pub(super) said_at: u64,
    /// Something has come.
    pub(super) heard: bool,
    /// The membership whose window the input waits for, and since when.
    pub(super) waits_for_window: Option<(Membership, u64)>,
    /// Since when it owes a grant and its queue has no room.
    pub(super) owes_since: Option<u64>,
    /// Something in the core waits until its queue has drained.
    pub(super) awaited: bool,
    /// It takes part in flow control.
    pub(super) takes_part: bool,
    /// Milliseconds between two keepalives, if it has asked for some.
    pub(super) keepalive_every: Option<u64>,
}

/// Input waits until its receiver has taken more than it had.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    pub(super) receiver: ConnectionId,
    pub(super) drained: u64,
}

impl Connection {
    /// When it is sent a keepalive. What still waits to be written is as good as one.
    pub(super) fn keepalive_at(&self, config: &RelayConfig) -> Option<u64> {
        let interval = config.keepalive_interval.filter(|_| self.heard && self.output.is_empty())?;
        Some(self.said_at.saturating_add(self.keepalive_every.unwrap_or(interval.as_millis())))
    }

    /// When it is dropped for not taking anything.
    pub(super) fn stall_deadline(&self, config: &RelayConfig) -> Option<u64> {
        let waited_for = self.waited_for_since.into_iter().chain(self.owes_since).min();
        let since = waited_for?.max(self.drained_at);
        Some(since.saturating_add(config.stall_timeout.as_millis()))
    }

    /// When the membership ends whose window it waits for.
    pub(super) fn window_deadline(&self, config: &RelayConfig) -> Option<u64> {
        let (_, since) = self.waits_for_window?;
        Some(since.saturating_add(config.stall_timeout.as_millis()))
    }
}

/// The host of the forwarding core.
#[derive(Debug)]
pub(super) struct Queues {
    pub(super) config: RelayConfig,
    pub(super) connections: Vec<Option<Connection>>,
    pub(super) events: Vec<RelayEvent>,
    pub(super) now: u64,
    /// Counts everything that is done.
    pub(super) changes: u64,
}

impl Queues {
    pub(super) const fn new(config: RelayConfig) -> Self {
        Self { config, connections: Vec::new(), events: Vec::new(), now: 0, changes: 0 }
    }

    pub(super) fn add(&mut self, connection: Connection) {
        let place = connection.id.index();
        if self.connections.len() <= place {
            self.connections.resize_with(place + 1, || None);
        }
        self.connections[place] = Some(connection);
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        self.connections.get(id.index())?.as_ref().filter(|connection| connection.id == id)
    }

    fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections.get_mut(id.index())?.as_mut().filter(|connection| connection.id == id)
    }

    pub(super) fn remove(&mut self, id: ConnectionId) {
        self.stop_waiting(id.index());
        self.connections[id.index()] = None;
        self.changes += 1;
    }

    pub(super) fn wait(&mut self, place: usize, wait: Wait) {
        let now = self.now;
        if let Some(receiver) = self.get_mut(wait.receiver) {
            receiver.waited_for_since.get_or_insert(now);
        }
        if let Some(connection) = self.connections[place].as_mut() {
            connection.waits = Some(wait);
        }
    }

    pub(super) fn stop_waiting(&mut self, place: usize) {
        let Some(wait) = self.connections[place].as_mut().and_then(|connection| connection.waits.take())
        else {
            return;
        };
        let waits = |other: &Connection| other.waits.is_some_and(|other| other.receiver == wait.receiver);
        if !self.connections.iter().flatten().any(waits)
            && let Some(receiver) = self.get_mut(wait.receiver)
        {
            receiver.waited_for_since = None;
        }
    }
}

impl Host for Queues {
    fn free(&self, connection: ConnectionId) -> usize {
        let queued = self.get(connection).map_or(0, |connection| connection.output.len());
        self.config.queue_bytes.saturating_sub(queued)
    }

    fn push(&mut self, connection: ConnectionId, header: &[u8], payload: &[u8]) {
        // what was promised to endpoints that take part goes beyond
        let may_exceed = self.config.capabilities.contains(Capabilities::HELLO);
        let fits = payload.is_empty() || header.len() + payload.len() <= self.free(connection);
        assert!(
            fits || may_exceed || self.get(connection).is_none(),
            "the forwarding core queues more than there is room for"
        );
        let now = self.now;
        if let Some(connection) = self.get_mut(connection) {
            connection.output.extend(header.iter().chain(payload));
            connection.said_at = now;
        }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    fn cut(&self) -> usize {
        self.config.cut
    }

    fn capabilities(&self) -> Capabilities {
        self.config.capabilities
    }

    fn window(&self) -> u32 {
        u32::try_from(self.config.queue_bytes / 2).unwrap_or(u32::MAX).min(64 * 1024)
    }

    fn hello(&mut self, connection: ConnectionId, hello: &Hello<'_>) -> Greeting {
        let least = self.config.keepalive_interval.map_or(5000, Duration::as_millis);
        let mut every = least;
        if let Some(connection) = self.get_mut(connection) {
            connection.takes_part = hello.takes_part;
            for item in hello.items {
                if let Item::Keepalive(seconds) = item {
                    let (from, to) = KEEPALIVE_RANGE.into_inner();
                    connection.keepalive_every = Some(u64::from(seconds.clamp(from, to)) * 1000);
                }
            }
            every = connection.keepalive_every.unwrap_or(least);
        }
        Greeting { keepalive: u32::try_from(every.div_ceil(1000)).unwrap_or(u32::MAX), name: "simulation" }
    }

    fn resume(&mut self, connection: ConnectionId) {
        if let Some(connection) = self.get_mut(connection) {
            connection.waits_for_window = None;
            self.changes += 1;
        }
    }

    fn waits(&mut self, connection: ConnectionId, waits: bool) {
        let now = self.now;
        if let Some(connection) = self.get_mut(connection) {
            connection.awaited = waits;
            connection.owes_since = (waits && !connection.takes_part).then_some(now);
        }
    }

    fn notify(&mut self, note: &Note<'_>) {
        if self.config.record_events {
            let event = RelayEvent::of(note, |id| self.get(id).map(|connection| connection.line));
            self.events.extend(event);
        }
    }
}
