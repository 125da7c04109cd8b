//! The relay: its event loop.

mod accept;
mod anteroom;
mod arrive;
#[cfg(simulated)]
mod asleep;
mod close;
#[cfg(feature = "cluster")]
mod cluster;
#[cfg(not(feature = "cluster"))]
#[path = "cluster_none.rs"]
mod cluster;
mod deadlines;
mod details;
mod drain;
mod leftovers;
mod linger;
mod memory;
mod open;
mod operate;
mod receive_buffer;
mod reconfigure;
mod serve;
mod shutdown;
mod speak_http;
#[cfg(test)]
mod tests;
mod turns;
mod unhurried;
mod windows;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use peote_net::relay::{GrowingStorage, Relay as Core};
use tracing::info;

pub use operate::{ChannelInfo, ConnectionInfo};

use accept::Listener;
use anteroom::Anteroom;
use linger::Lingering;

use crate::causes::{Closed, Counts, TurnedAway};
use crate::clock::Clock;
use crate::connections::Connections;
use crate::hellos::Hellos;
use crate::places::narrow;
use crate::stats::Stats;
use crate::system::{self, Event, Events, Poll, Registry, Token, Waker};
use crate::times::millis;
use crate::tls::Credentials;

/// Events taken from the system at once.
const EVENTS: usize = 1024;

/// Microseconds for which a relay that has something to do does not ask the system for more.
const ASKED: u64 = 100;

/// The token of the waker, and above those of the embedding program; listening sockets are below,
/// connections from 0.
const WAKER: usize = Relay::FIRST_TOKEN.0 - 1;

/// A relay: all its connections, on one thread.
///
/// It does something only while [`turn`](Self::turn) or [`run`](Self::run) is called, so another
/// program can have one in its own loop or in a thread of its own.
///
/// ```
/// use peote_relay::{Config, Relay};
///
/// let config = Config { listen: vec!["127.0.0.1:0".parse()?], ..Config::default() };
/// let mut relay = Relay::bind(config)?;
/// let (address, handle) = (relay.local_addrs()[0], relay.handle());
/// let thread = std::thread::spawn(move || relay.run());
///
/// std::net::TcpStream::connect(address)?;
/// handle.stop();
/// thread.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Relay {
    poll: Poll,
    unhurried: unhurried::Unhurried,
    events: Option<Events>,
    handle: Handle,
    listeners: Vec<Listener>,
    /// When to try to accept again, in milliseconds.
    accept_at: u64,
    lingering: Lingering,
    anteroom: Anteroom,
    core: Core<GrowingStorage>,
    connections: Connections,
    /// What was read last, behind up to [`MAX_REST`] bytes of what was read before. Lent out while
    /// it is in use.
    buffer: Arc<[u8]>,
    /// What was read last over TLS, not decrypted. Empty where there is no TLS.
    raw: Vec<u8>,
    /// What connections with TLS are accepted with.
    credentials: Option<Credentials>,
    clock: Clock,
    started: Instant,
    started_at: SystemTime,
    accepted: u64,
    turned_away: Counts<TurnedAway>,
    closings: Counts<Closed>,
    dropped: u64,
    websockets: usize,
    /// Connections with TLS.
    tls: usize,
    /// Connections that are a `WebSocket` and use TLS.
    secure_websockets: usize,
    http_requests: u64,
    received_bytes: u64,
    turns: turns::Turns,
    hellos: Hellos,
    /// Who still has to go, where the relay is drained.
    drain: Option<drain::Drain>,
    /// When the next user that knocks has to be refused, in milliseconds.
    knocks_end: Option<u64>,
    /// Bytes of tables, as memory was shared by them last.
    counted_tables: usize,
    /// The page with details that was made last.
    details: details::Details,
}

/// Stops or wakes a [`Relay`] from anywhere.
#[derive(Clone, Debug)]
pub struct Handle {
    waker: Arc<Waker>,
    stop: Arc<AtomicBool>,
}

impl Handle {
    /// Makes the current [`turn`](Relay::turn), or the next one, return at once.
    pub fn wake(&self) {
        // fails only if the system is out of memory; what was wanted is then seen at the next
        // wake-up
        let _ = self.waker.wake();
    }

    /// Makes [`run`](Relay::run) return after a [`shutdown`](Relay::shutdown).
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.wake();
    }

    /// Returns true if [`stop`](Self::stop) has been called.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

impl Relay {
    /// Tokens from this one on are free for event sources of the embedding program, registered with
    /// [`registry`](Self::registry).
    pub const FIRST_TOKEN: Token = Token(usize::MAX / 2);

    /// The addresses that are listened on, with the real port where port 0 was asked for; in the
    /// order of the configuration, those with TLS behind the others.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(|listener| listener.address).collect()
    }

    /// Something to stop or wake the relay with, from another thread for example.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Where to register event sources of the embedding program, with tokens from
    /// [`FIRST_TOKEN`](Self::FIRST_TOKEN) on. Their events make [`turn`](Self::turn) return; the
    /// program looks itself what has happened.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// Figures.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            connections: self.core.connections() - self.stand_ins(),
            websockets: self.websockets,
            tls: self.tls,
            secure_websockets: self.secure_websockets,
            channels: self.core.channels() - self.connections.proxies(),
            users: self.core.memberships(),
            paused: self.connections.paused,
            queued_bytes: self.connections.pool.used(),
            accepted: self.accepted,
            turned_away: self.turned_away,
            closed: self.closings,
            refused: self.connections.refusals,
            pauses: self.connections.pauses,
            dropped: self.dropped,
            http_requests: self.http_requests,
            received_bytes: self.received_bytes,
            sent_bytes: self.connections.sent_bytes,
            received_units: self.connections.units,
            received_broadcasts: self.connections.broadcasts,
            removed_users: self.connections.removed,
            blocked_users: self.connections.blocked,
            queued_units: self.connections.pushed,
            longest_queue: self.connections.longest_queue,
            paused_time: Duration::from_millis(self.connections.paused_millis),
            open_sockets: self.open_sockets(),
            table_bytes: self.table_bytes(),
            memory_bytes: self.connections.config.memory_bytes,
        }
    }

    fn open_sockets(&self) -> usize {
        self.core.connections() - self.stand_ins()
            + self.lingering.len()
            + self.anteroom.len()
            + self.listeners.len()
    }

    /// Runs until [`Handle::stop`] is called, then shuts down.
    ///
    /// # Errors
    /// As for [`turn`](Self::turn).
    pub fn run(&mut self) -> io::Result<()> {
        while !self.handle.is_stopping() {
            self.turn(None)?;
        }
        self.shutdown()
    }

    /// Waits until there is something to do, for `timeout` at most, and does it: accepts, reads,
    /// routes, writes.
    ///
    /// Does a bounded amount of work. What is left to do makes the next turn return without
    /// waiting. Without a timeout it may wait for ever, but for the times in the configuration it
    /// wakes up by itself.
    ///
    /// Has to be called again within a second: of a longer pause between calls only 0.25 s count
    /// for the times in the configuration.
    ///
    /// # Errors
    /// Only if waiting for events fails, which does not happen while the process lives. A failure
    /// of a connection, or of accepting one, is dealt with and logged. Or if this relay cannot be
    /// one of its cluster, because that speaks another version. Or if it is one, and this is called
    /// inside a task of tokio.
    pub fn turn(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        #[cfg(simulated)]
        self.check_asleep();
        let noted = if self.may_go_on() { None } else { self.wait(timeout, Self::note)? };
        self.begin_cluster()?;
        self.accept();
        self.serve_ready();
        self.drain_some();
        self.end_cluster();
        self.go_on_with_windows();
        if let Some(noted) = noted {
            self.judge(noted);
        }
        self.share_memory();
        Ok(())
    }

    /// Whether there is something to do, and events were asked for a moment ago.
    ///
    /// While networks share the relay they are asked for in each turn: what has come from another
    /// one is to be served next.
    fn may_go_on(&mut self) -> bool {
        if !self.has_work() || self.is_shared() {
            return false;
        }
        self.set_now(Some(Duration::ZERO));
        self.connections.now_micros - self.turns.asked_at < ASKED
    }

    /// Waits for events and hands each to `note`.
    ///
    /// Returns the time up to which everything that was ready has been noted; `None` if that is not
    /// known.
    fn wait(
        &mut self,
        timeout: Option<Duration>,
        note: impl Fn(&mut Self, &Event),
    ) -> io::Result<Option<u64>> {
        self.set_now(Some(Duration::ZERO));
        let before = self.connections.now;
        let timeout = self.may_wait(timeout);
        let Some(mut events) = self.events.take() else { return Ok(None) };
        let mut result = self.poll(&mut events, timeout);
        self.set_now(timeout);
        self.turns.asked_at = self.connections.now_micros;
        if result.is_ok() {
            events.iter().for_each(|event| note(self, event));
            if events.iter().count() == EVENTS {
                result = self.ask(&mut events, |relay| &mut relay.poll, &note).map(|_| ());
            }
        }
        let noted = result.and_then(|()| self.ask_unhurried(&mut events, before, &note));
        self.events = Some(events);
        match noted {
            Ok(noted) => Ok(Some(noted)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Notes all events that there are, without waiting. Returns how many.
    fn ask(
        &mut self,
        events: &mut Events,
        of: fn(&mut Self) -> &mut Poll,
        note: &impl Fn(&mut Self, &Event),
    ) -> io::Result<usize> {
        let mut all = 0;
        // each socket is told of once, so after so many rounds those are known that were ready
        // before
        for _ in 0..=self.open_sockets() / EVENTS {
            of(self).poll(events, Some(Duration::ZERO))?;
            events.iter().for_each(|event| note(self, event));
            let count = events.iter().count();
            all += count;
            if count < EVENTS {
                break;
            }
        }
        Ok(all)
    }

    /// How long to wait for events: at most `timeout`, and not beyond what is due.
    fn may_wait(&self, timeout: Option<Duration>) -> Option<Duration> {
        if self.has_work() {
            return Some(Duration::ZERO);
        }
        let is_accepting = self.listeners.iter().any(|listener| listener.pending);
        let accept_at = is_accepting.then_some(self.accept_at);
        let drain = self.drain.as_ref().and_then(drain::Drain::next);
        let timers = self.connections.timers.next();
        let next = [timers, accept_at, self.lingering.next(), self.anteroom.next(), drain, self.knocks_end];
        let next = next.into_iter().flatten().min();
        let until = next.map(|next| Duration::from_millis(next.saturating_sub(self.connections.now)));
        let look = self.unhurried.next();
        let look = look.map(|at| Duration::from_micros(at.saturating_sub(self.connections.now_micros)));
        until.into_iter().chain(look).chain(timeout).chain(self.cluster_may_wait()).min()
    }

    /// Looks at the clock, after waiting for at most `waited`.
    fn set_now(&mut self, waited: Option<Duration>) {
        let lost = self.clock.look(system::now(), waited);
        let counted = self.clock.counted();
        // from 1, because 0 is "none" in some places
        self.connections.now = millis(counted) + 1;
        self.connections.now_micros = u64::try_from(counted.as_micros()).unwrap_or(u64::MAX / 4) + 1;
        if !lost.is_zero() && self.core.connections() > 0 {
            self.note_standstill(lost);
        }
    }

    /// The relay stood still for a while. For endpoints that time has passed, so they are to hear
    /// of it as soon as possible.
    fn note_standstill(&mut self, lost: Duration) {
        let now = self.connections.now;
        info!(seconds = lost.as_secs_f32(), "the relay stood still; this time counts for no timeout");
        for index in 0..self.connections.slots.len() {
            let index = narrow(index);
            if let Some(connection) = self.connections.get(index) {
                connection.keepalive_at = now;
                self.connections.schedule(index);
            }
        }
    }

    /// Notes what an event says. Events are hints: one for a connection that is gone can reach the
    /// one that has its place now.
    fn note(&mut self, event: &Event) {
        let token = event.token().0;
        if token >= WAKER {
            return;
        }
        let Ok(index) = u32::try_from(token) else { return self.note_accept(token) };
        let now = self.connections.now;
        let Some(connection) = self.connections.get(index) else {
            self.note_ended(token);
            self.note_guest(token);
            return self.note_accept(token);
        };
        let mut is_to_write = false;
        if event.is_writable() || event.is_write_closed() || event.is_error() {
            connection.flags.writable = true;
            is_to_write = connection.has_output();
        }
        let read_closed = event.is_read_closed() || event.is_error();
        if event.is_readable() || read_closed {
            connection.flags.readable = true;
            let has_ended = read_closed && !connection.flags.read_closed;
            connection.flags.read_closed |= read_closed;
            if !connection.wait.is_paused() {
                self.connections.list(index);
            } else if has_ended {
                connection.wait.ended = now;
                self.connections.schedule(index);
            }
        }
        if is_to_write {
            self.connections.mark_dirty(index);
        }
    }
}
