//! Figures.

use std::time::Duration;

use crate::causes::{Closed, Counts, Paused, Refused, TurnedAway};

/// What a [`Relay`](crate::Relay) is doing and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections now.
    pub connections: usize,
    /// Those of them that are a WebSocket.
    pub websockets: usize,
    /// Those of them that use TLS, or are about to.
    pub tls: usize,
    /// Those of them that are a WebSocket and use TLS (`wss://`); they are among
    /// [`websockets`](Self::websockets) and among [`tls`](Self::tls).
    pub secure_websockets: usize,
    /// Channels of endpoints of this relay now.
    pub channels: usize,
    /// Users now, counted once in each channel they are in. In a cluster one whose channel is at
    /// another relay counts at both.
    pub users: usize,
    /// Connections now that are not read because the queue of a receiver is full.
    pub paused: usize,
    /// Bytes of memory that queues take now: what waits to be sent, what could not be routed yet,
    /// what each WebSocket, HTTP request and TLS connection needs, and in a cluster what waits for
    /// other relays and comes from them.
    pub queued_bytes: usize,
    /// Connections that were accepted since the start.
    pub accepted: u64,
    /// Connections that were closed at once since the start, or told that the relay is full,
    /// because of a limit. They do not count as accepted.
    pub turned_away: Counts<TurnedAway>,
    /// Accepted connections that have ended since the start.
    pub closed: Counts<Closed>,
    /// Commands that were refused since the start.
    pub refused: Counts<Refused>,
    /// How often a connection was not read for a while since the start.
    pub pauses: Counts<Paused>,
    /// Connections that were closed because they took nothing while a sender waited for them.
    pub dropped: u64,
    /// HTTP requests that were answered with a page or refused since the start, so all but those
    /// that became a WebSocket.
    pub http_requests: u64,
    /// Bytes read from all connections since the start.
    pub received_bytes: u64,
    /// Bytes that the sockets of all connections took since the start.
    pub sent_bytes: u64,
    /// Units of data that came since the start, to all receivers together; units of size 0 count.
    pub received_units: u64,
    /// Those of them that were broadcasts.
    pub received_broadcasts: u64,
    /// Users that were removed by the servers of their channels since the start. Blocked users
    /// count.
    pub removed_users: u64,
    /// Those of them that were blocked.
    pub blocked_users: u64,
    /// Units that were queued since the start, one for each receiver: data, answers and events.
    pub queued_units: u64,
    /// Bytes of the longest queue there was since the start.
    pub longest_queue: usize,
    /// Time for which connections were paused since the start, all of them together, as far as the
    /// pauses are over.
    pub paused_time: Duration,
    /// Bytes of memory that tables take now: of connections, channels, users and addresses.
    pub table_bytes: usize,
    /// Bytes of memory that tables and queues may take together:
    /// [`Config::memory_bytes`](crate::Config::memory_bytes).
    pub memory_bytes: usize,
    /// Sockets now: of connections, of connections that have ended and are still told so, and
    /// sockets that are listened on.
    pub open_sockets: usize,
}
