//! The relay: its event loop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use peote_net::protocol::to_endpoint;
use peote_net::relay::{MAX_REST, Outcome, Relay as Core};
use tracing::{debug, info, warn};

use crate::close::Why;
use crate::config::{Config, SlowReceiver};
use crate::connection::{Connection, Input};
use crate::connections::{Connections, index};
use crate::listen;
use crate::stats::Stats;
use crate::storage::HeapStorage;

/// Bytes that one read returns at most.
const READ: usize = 64 * 1024;

/// Bytes that are read from connections before what came of them is written.
const READ_BEFORE_WRITE: usize = 128 * 1024;

/// Connections that one turn accepts at most from one listening socket.
const ACCEPTS: usize = 64;

/// Milliseconds after which accepting is tried again when the system has refused it.
const ACCEPT_AGAIN: u64 = 100;

/// Events taken from the system at once.
const EVENTS: usize = 1024;

/// The token of the waker, and above those of the embedding program; listening sockets are below, connections from 0.
const WAKER: usize = Relay::FIRST_TOKEN.0 - 1;

/// A relay: all its connections, on one thread.
///
/// It does something only while [`turn`](Self::turn) or [`run`](Self::run) is called, so another program can have one in its own loop or
/// in a thread of its own.
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
    events: Option<Events>,
    handle: Handle,
    listeners: Vec<Listener>,
    /// When to try to accept again, in milliseconds.
    accept_at: u64,
    core: Core<HeapStorage>,
    connections: Connections,
    /// What was read last, behind up to [`MAX_REST`] bytes of what was read before. Lent out while it is in use.
    buffer: Vec<u8>,
    started: Instant,
    times: Times,
    config: Config,
    accepted: u64,
    turned_away: u64,
    dropped: u64,
    received_bytes: u64,
}

#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    /// Somebody may be there to be accepted.
    pending: bool,
}

/// The configuration's times, in milliseconds.
#[derive(Debug)]
struct Times {
    first_byte: u64,
    keepalive: u64,
    stall: u64,
    /// How long a queue may stay full; `None` means for ever.
    grace: Option<u64>,
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
        // fails only if the system is out of memory; what was wanted is then seen at the next wake-up
        let _ = self.waker.wake();
    }

    /// Makes [`run`](Relay::run) return after a [`shutdown`](Relay::shutdown).
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.wake();
    }

    /// Whether somebody has called [`stop`](Self::stop).
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}

impl Relay {
    /// Tokens from this one on are free for event sources of the embedding program, registered with [`registry`](Self::registry).
    pub const FIRST_TOKEN: Token = Token(usize::MAX / 2);

    /// Opens the listening sockets. Connections are accepted once [`turn`](Self::turn) is called.
    ///
    /// # Errors
    /// - An address cannot be listened on (in use, not allowed, not this machine's); the error says which one.
    /// - The configuration is out of its ranges ([`Config::check`]): [`io::ErrorKind::InvalidInput`].
    /// - The system has no more of what it takes to wait for events.
    pub fn bind(config: Config) -> io::Result<Self> {
        config.check().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?;
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), Token(WAKER))?);
        let mut listeners = Vec::new();
        for (number, address) in config.listen.iter().enumerate() {
            let mut socket = listen::listen(*address)?;
            poll.registry().register(&mut socket, Token(WAKER - 1 - number), Interest::READABLE)?;
            let address = socket.local_addr()?;
            info!(%address, "listening");
            listeners.push(Listener { socket, address, pending: true });
        }
        Ok(Self {
            poll,
            events: Some(Events::with_capacity(EVENTS)),
            handle: Handle { waker, stop: Arc::default() },
            listeners,
            accept_at: 0,
            core: Core::new(HeapStorage::new(config.max_connections as usize, config.max_channels as usize)),
            connections: Connections::new(&config),
            buffer: vec![0; MAX_REST + READ],
            started: Instant::now(),
            times: Times {
                first_byte: millis(config.first_byte_timeout),
                keepalive: millis(config.keepalive_interval),
                stall: millis(config.stall_timeout),
                grace: (config.slow_receiver == SlowReceiver::Drop)
                    .then(|| millis(config.slow_receiver_grace)),
            },
            config,
            accepted: 0,
            turned_away: 0,
            dropped: 0,
            received_bytes: 0,
        })
    }

    /// The addresses that are listened on, with the real port where port 0 was asked for; in the order of the
    /// configuration.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(|listener| listener.address).collect()
    }

    /// Something to stop or wake the relay with, from another thread for example.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Where to register event sources of the embedding program, with tokens from [`FIRST_TOKEN`](Self::FIRST_TOKEN) on. Their events make
    /// [`turn`](Self::turn) return; the program looks itself what has happened.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// Figures.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            connections: self.core.connections(),
            channels: self.core.channels(),
            users: self.core.memberships(),
            paused: self.connections.paused,
            queued_bytes: self.connections.pool.used(),
            accepted: self.accepted,
            turned_away: self.turned_away,
            dropped: self.dropped,
            received_bytes: self.received_bytes,
        }
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

    /// Waits until there is something to do, for `timeout` at most, and does it: accepts, reads, routes, writes.
    ///
    /// Does a bounded amount of work: each connection is read once at most. What is left to do makes the next turn return without
    /// waiting. Without a timeout it may wait for ever, but for the times in the configuration it wakes up by itself.
    ///
    /// # Errors
    /// Only if waiting for events fails, which does not happen while the process lives. Whatever goes wrong with a connection or with accepting one
    /// is dealt with, and logged.
    pub fn turn(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.wait(timeout, |relay, event| relay.note(event))?;
        self.accept();
        while let Some(index) = self.connections.timers.pop(self.connections.now) {
            self.check_times(index);
        }
        let before = self.received_bytes;
        let mut written = before;
        for _ in 0..self.connections.ready.len() {
            let Some(index) = self.connections.ready.pop_front() else { break };
            self.serve(index);
            if self.received_bytes - written >= READ_BEFORE_WRITE as u64 {
                written = self.received_bytes;
                self.connections.write_dirty();
            }
        }
        self.connections.write_dirty();
        Ok(())
    }

    /// Waits for events and hands each to `note`.
    fn wait(&mut self, timeout: Option<Duration>, note: impl Fn(&mut Self, &Event)) -> io::Result<()> {
        let mut timeout = timeout;
        self.set_now();
        let is_accepting = self.listeners.iter().any(|listener| listener.pending);
        let next = [self.connections.timers.next(), is_accepting.then_some(self.accept_at)];
        if !self.connections.ready.is_empty() {
            timeout = Some(Duration::ZERO);
        } else if let Some(next) = next.into_iter().flatten().min() {
            let until = Duration::from_millis(next.saturating_sub(self.connections.now));
            timeout = Some(timeout.map_or(until, |timeout| timeout.min(until)));
        }
        let Some(mut events) = self.events.take() else { return Ok(()) };
        let result = self.poll.poll(&mut events, timeout);
        self.set_now();
        match &result {
            Ok(()) => events.iter().for_each(|event| note(self, event)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => {
                self.events = Some(events);
                return result;
            }
        }
        self.events = Some(events);
        Ok(())
    }

    fn set_now(&mut self) {
        let since = self.started.elapsed();
        // from 1, because 0 is "none" in some places
        self.connections.now = millis(since) + 1;
        self.connections.now_micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX / 4) + 1;
    }

    /// Notes what an event says. Events are hints: one for a connection that is gone can reach the one that has its place now.
    fn note(&mut self, event: &Event) {
        let token = event.token().0;
        if token >= WAKER {
            return;
        }
        let Ok(index) = u32::try_from(token) else { return self.note_accept(token) };
        let Some(connection) = self.connections.get(index) else { return self.note_accept(token) };
        let mut is_to_write = false;
        if event.is_writable() || event.is_write_closed() || event.is_error() {
            connection.flags.writable = true;
            is_to_write = !connection.queue.is_empty() && !connection.flags.dirty;
            connection.flags.dirty |= is_to_write;
        }
        let read_closed = event.is_read_closed() || event.is_error();
        if event.is_readable() || read_closed {
            connection.flags.readable = true;
            connection.flags.read_closed |= read_closed;
            if !connection.is_paused() {
                self.connections.list(index);
            }
        }
        if is_to_write {
            self.connections.dirty.push(index);
        }
    }

    fn note_accept(&mut self, token: usize) {
        if let Some(listener) =
            (WAKER - 1).checked_sub(token).and_then(|number| self.listeners.get_mut(number))
        {
            listener.pending = true;
        }
    }

    fn accept(&mut self) {
        if self.accept_at > self.connections.now {
            return;
        }
        for number in 0..self.listeners.len() {
            for _ in 0..ACCEPTS {
                let Some(listener) = self.listeners.get_mut(number).filter(|listener| listener.pending)
                else {
                    break;
                };
                match listener.socket.accept() {
                    Ok((socket, address)) => self.admit(socket, address),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => listener.pending = false,
                    // it was gone before it could be accepted
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) => {
                        // no file descriptor or memory left, most likely: the others go on, and some day one of them goes
                        self.accept_at = self.connections.now + ACCEPT_AGAIN;
                        if self.connections.flood.may_say(self.connections.now) {
                            warn!(%error, "cannot accept connections at the moment");
                        }
                        return;
                    }
                }
            }
        }
    }

    /// Takes a new connection in, unless there are too many.
    fn admit(&mut self, mut socket: TcpStream, address: SocketAddr) {
        let ip = address.ip();
        if !self.connections.addresses.add(ip, self.config.max_connections_per_address) {
            return self.turn_away(address, "too many from this address");
        }
        let Ok(id) = self.core.connect() else {
            self.connections.addresses.remove(ip);
            return self.turn_away(address, "too many connections");
        };
        let index = index(id);
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut socket, Token(index as usize), interest) {
            self.core.disconnect(id, &mut self.connections);
            self.connections.addresses.remove(ip);
            return self.turn_away(address, &error.to_string());
        }
        listen::set_options(&socket, self.config.tcp_keepalive);
        self.accepted += 1;
        info!(connection = %id, %address, "connection accepted");
        let now = self.connections.now;
        if self.connections.slots.len() <= index as usize {
            self.connections.slots.resize_with(index as usize + 1, || None);
        }
        self.connections.slots[index as usize] = Some(Connection::new(id, socket, address, now));
        self.connections.pool.reserve();
        self.connections.timers.arm(index, now + self.times.first_byte);
    }

    fn turn_away(&mut self, address: SocketAddr, why: &str) {
        self.turned_away += 1;
        if self.connections.flood.may_say(self.connections.now) {
            warn!(%address, why, "connection turned away");
        }
    }

    /// Routes what a connection has sent: first what is left of earlier reads, then what one read brings.
    fn serve(&mut self, index: u32) {
        let Some(connection) = self.connections.get(index) else { return };
        connection.flags.listed = false;
        if connection.is_paused() {
            return;
        }
        let mut rest = std::mem::take(&mut connection.rest);
        let mut start = std::mem::take(&mut connection.rest_start);
        if std::mem::take(&mut connection.flags.blocked) {
            let done = self.route(index, &rest[start..]);
            let Some(used) = done else {
                self.connections.pool.remove(rest.capacity());
                return;
            };
            start += used;
        }
        let Some(connection) = self.connections.get(index) else { return };
        if connection.is_paused() {
            connection.flags.blocked = true;
            (connection.rest, connection.rest_start) = (rest, start);
            return;
        }
        let kept = rest.len() - start; // at most MAX_REST, or it would be paused
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer[..kept].copy_from_slice(&rest[start..]);
        if !rest.is_empty() {
            self.connections.pool.remove(rest.capacity());
            rest = Vec::new();
        }
        let end = kept + READ.min(self.connections.pool.read_share());
        let input = self
            .connections
            .get(index)
            .map_or(Input::None, |connection| connection.read(&mut buffer[kept..end]));
        drop(rest);
        let unused = match input {
            Input::Bytes(len) => {
                self.received_bytes += len as u64;
                if self.is_first_byte_fine(index, &buffer) {
                    let all = &buffer[..kept + len];
                    self.route(index, all).map(|used| &all[used..])
                } else {
                    None
                }
            }
            Input::None => Some(&buffer[..kept]),
            Input::End => {
                self.close(index, &Why::Ended);
                None
            }
            Input::Broken(error) => {
                self.close(index, &Why::Broken(error));
                None
            }
        };
        if let (Some(unused), Some(connection)) = (unused, self.connections.slots[index as usize].as_mut()) {
            if !unused.is_empty() {
                connection.rest = unused.to_vec();
                self.connections.pool.add(connection.rest.capacity());
            }
            connection.flags.blocked = connection.is_paused();
            if connection.flags.readable && !connection.is_paused() {
                self.connections.list(index);
            }
        }
        self.buffer = buffer;
    }

    /// Looks at the first byte that a connection ever sends.
    fn is_first_byte_fine(&mut self, index: u32, bytes: &[u8]) -> bool {
        let now = self.connections.now;
        match self.connections.get(index) {
            Some(connection) if !connection.flags.started => {
                connection.flags.started = true;
                connection.last_sent = now;
                let keepalive = now + self.times.keepalive;
                self.connections.timers.arm(index, keepalive);
            }
            _ => return true,
        }
        if bytes.first() == Some(&b'G') {
            self.close(index, &Why::WebSocket);
            return false;
        }
        true
    }

    /// Routes bytes, and makes their sender wait if it has to. Says how many were used, or that the connection is closed.
    fn route(&mut self, sender: u32, bytes: &[u8]) -> Option<usize> {
        let id = self.connections.get(sender)?.id;
        let mut used = 0;
        loop {
            let received = self.core.receive(id, &bytes[used..], &mut self.connections);
            used += received.used;
            match received.outcome {
                Outcome::NeedMore => return Some(used),
                Outcome::WaitFor(receiver) => {
                    let receiver = index(receiver);
                    if self.connections.write(receiver) {
                        continue; // perhaps there is room now
                    }
                    if self.times.grace == Some(0) {
                        self.dropped += 1;
                        self.close(receiver, &Why::Slow);
                        if receiver == sender {
                            return None;
                        }
                        continue;
                    }
                    self.connections.wait(sender, receiver);
                    let patience =
                        self.times.grace.map_or(self.times.stall, |grace| grace.min(self.times.stall));
                    self.connections.timers.arm(receiver, self.connections.now + patience);
                    return Some(used);
                }
                Outcome::Later => {
                    let until = self.connections.later;
                    self.connections.get(sender)?.wait.until = until;
                    self.connections.timers.arm(sender, until);
                    return Some(used);
                }
                Outcome::Close(cause) => {
                    self.close(sender, &Why::Cause(cause));
                    return None;
                }
                _ => return Some(used),
            }
        }
    }

    /// Looks at everything that happens to a connection because of time, and sets its next deadline.
    fn check_times(&mut self, index: u32) {
        let (now, times) = (self.connections.now, &self.times);
        let Some(connection) = self.connections.get(index) else { return };
        let mut next = if connection.flags.started {
            connection.last_sent + times.keepalive
        } else {
            connection.last_sent + times.first_byte
        };
        let mut why = None;
        let mut says_alive = false;
        if next <= now {
            if connection.flags.started {
                says_alive = connection.queue.is_empty();
                next = now + times.keepalive;
            } else {
                why = Some(Why::Silent);
            }
        }
        if connection.wait.first != 0 {
            let stalled = connection.wait.taken + times.stall;
            let slow = times.grace.map_or(u64::MAX, |grace| connection.wait.since + grace);
            if stalled <= now {
                why = Some(Why::Stalled);
            } else if slow <= now {
                why = Some(Why::Slow);
            }
            next = next.min(stalled).min(slow);
        }
        if connection.wait.until != 0 {
            if connection.wait.until <= now {
                connection.wait.until = 0;
                self.connections.list(index);
            } else {
                next = next.min(connection.wait.until);
            }
        }
        if let Some(why) = why {
            self.dropped += u64::from(!matches!(why, Why::Silent));
            return self.close(index, &why);
        }
        if says_alive {
            self.connections.queue(index, &to_endpoint::keepalive(), &[]);
        }
        self.connections.timers.arm(index, next);
    }

    /// Ends a connection and all that it is in. Does nothing if it is gone.
    fn close(&mut self, index: u32, why: &Why) {
        let Some(connection) = self.connections.get(index) else { return };
        let (id, address) = (connection.id, connection.address);
        if why.may_write() {
            self.connections.write(index);
        }
        self.connections.stop_waiting(index);
        self.connections.wake(index);
        let Some(mut connection) = self.connections.slots[index as usize].take() else { return };
        self.core.disconnect(id, &mut self.connections);
        self.connections.timers.clear(index);
        self.connections.addresses.remove(address.ip());
        self.connections.pool.remove(connection.rest.capacity());
        self.connections.pool.unreserve();
        connection.queue.clear(&mut self.connections.pool);
        // fails only for a socket that is gone already
        let _ = self.poll.registry().deregister(connection.socket());
        self.accept_at = self.accept_at.min(self.connections.now);
        if why.is_suspicious() {
            if self.connections.flood.may_say(self.connections.now) {
                warn!(connection = %id, %address, %why, "connection closed");
            } else {
                debug!(connection = %id, %address, %why, "connection closed");
            }
        } else {
            info!(connection = %id, %address, %why, "connection closed");
        }
    }

    /// Stops accepting, writes what is queued as far as that can be done within the configured time, and closes all connections.
    ///
    /// Blocks for [`Config::shutdown_timeout`] at most. After it the relay is of no further use.
    ///
    /// # Errors
    /// As for [`turn`](Self::turn).
    pub fn shutdown(&mut self) -> io::Result<()> {
        self.listeners.clear();
        let end = Instant::now() + self.config.shutdown_timeout;
        loop {
            self.connections.ready.clear();
            let mut is_waiting = false;
            for index in 0..self.connections.slots.len() {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the core counts connections with 32 bits"
                )]
                let index = index as u32;
                self.connections.write(index);
                is_waiting |=
                    self.connections.get(index).is_some_and(|connection| !connection.queue.is_empty());
            }
            let left = end.saturating_duration_since(Instant::now());
            if !is_waiting || left.is_zero() {
                break;
            }
            self.connections.ready.clear();
            self.connections.timers = Default::default();
            self.wait(Some(left), |relay, event| relay.note(event))?;
        }
        for index in 0..self.connections.slots.len() {
            #[expect(clippy::cast_possible_truncation, reason = "the core counts connections with 32 bits")]
            self.close(index as u32, &Why::Stopping);
        }
        Ok(())
    }
}
