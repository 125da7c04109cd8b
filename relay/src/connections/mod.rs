//! All connections, as the forwarding core sees them: queues, limits, log.

mod host;
mod queues;

use peote_net::Reason;
use peote_net::relay::{ConnectionId, Home};
use tracing::warn;

use crate::access::{Denied, Rights};
use crate::addresses::Addresses;
use crate::allowance::Allowance;
use crate::bans::Bans;
use crate::causes::{Cause, Counts, Paused, Refused};
#[cfg(feature = "cluster")]
use crate::cluster::Cluster;
use crate::config::Config;
use crate::connection::{Connection, SHORT_IS_ALL};
use crate::fair::Fair;
use crate::log::Lines;
use crate::places::{index, narrow};
use crate::queue::{BLOCK, Pool};
use crate::rest::Rest;
use crate::subjects::Subjects;
use crate::system::RandomState;
use crate::timers::Timers;
use crate::times::Times;

/// A unit's payload may be cut once a queue has room for this many bytes.
const CUT: usize = 1024;
const _: () = assert!(CUT <= BLOCK, "an empty queue must have room for a piece");

/// Bytes that are written rather than copied to be written with what comes of others. Copying them
/// costs as much as a write.
const WORTH_A_WRITE: usize = 32 * 1024;

/// Payload bytes that may be under way in one membership to an endpoint that does not take part in
/// flow control.
const WINDOW: u32 = 64 * 1024;

/// Milliseconds after which a connection that waits for the directory tries again, whatever has
/// come.
#[cfg(feature = "cluster")]
const DIRECTORY: u64 = 15_000;

/// Milliseconds until what was left in a socket is looked at again where no event tells of more.
const LOOK_AGAIN: u64 = 10;

/// What the relay says that it is.
const PROGRAM: &str = concat!("peote-relay ", env!("CARGO_PKG_VERSION"));

/// What a command waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Later {
    /// So many microseconds: its connection gives too many.
    Commands(u64),
    /// The next turn of its connection: a token is to be checked first, or this turn's work is
    /// done.
    Turn,
    /// What the directory of the cluster says.
    #[cfg(feature = "cluster")]
    Directory,
}

/// All connections, by the place the core gave them.
#[derive(Debug)]
pub(crate) struct Connections {
    pub(crate) slots: Vec<Option<Connection>>,
    pub(crate) pool: Pool,
    pub(crate) timers: Timers,
    pub(crate) addresses: Addresses,
    /// Those with something to read or to route. May hold some that have nothing (any more).
    pub(crate) ready: Fair,
    /// Those whose queues got something.
    pub(crate) dirty: Fair,
    /// The connection that is being served, or was last, and whether it has said something to one
    /// that is written so often that it may wait, and to one that is not.
    pub(crate) served: u32,
    pub(crate) is_calm: bool,
    pub(crate) is_urgent: bool,
    /// Work that the connection that is being served may still cause.
    pub(crate) work: usize,
    /// Now, in milliseconds and in microseconds since the start.
    pub(crate) now: u64,
    pub(crate) now_micros: u64,
    /// Why the connection that is being served has to wait with a command.
    pub(crate) later: Later,
    /// Tokens that were checked since the start.
    pub(crate) checks: u64,
    /// What may be logged.
    pub(crate) lines: Lines,
    /// The connection that is gone and whose channels are being deleted, and what stands for its
    /// address.
    pub(crate) leaving: Option<(ConnectionId, Home)>,
    pub(crate) paused: usize,
    /// Milliseconds of all pauses that are over.
    pub(crate) paused_millis: u64,
    /// Bytes that sockets took since the start.
    pub(crate) sent_bytes: u64,
    /// Bytes of the longest queue there was since the start.
    pub(crate) longest_queue: usize,
    /// Units that were queued since the start.
    pub(crate) pushed: u64,
    /// Units of data that were routed since the start.
    pub(crate) units: u64,
    /// How many of them were broadcasts.
    pub(crate) broadcasts: u64,
    /// Users that were removed, and that were blocked, by the servers of their channels since the
    /// start.
    pub(crate) removed: u64,
    pub(crate) blocked: u64,
    pub(crate) refusals: Counts<Refused>,
    pub(crate) pauses: Counts<Paused>,
    /// Why the command is refused that is being asked about, where its reason on the wire does not
    /// say that.
    pub(crate) refusal: Option<(Refused, Reason)>,
    /// More about that for the log, where it was for want of a right.
    pub(crate) why_denied: Option<Denied>,
    /// Those whose queues have drained while the core waited for that.
    pub(crate) drained: Vec<u32>,
    /// Those that were given up because there was no memory left for queues. They are closed as
    /// soon as may be.
    pub(crate) given_up: Vec<u32>,
    /// What tokens and signed names are checked with.
    pub(crate) rights: Rights,
    /// Who may not come.
    pub(crate) bans: Bans,
    /// Nothing is created any more.
    pub(crate) is_draining: bool,
    /// Connections of each subject of tokens.
    pub(crate) subjects: Subjects,
    hasher: RandomState,
    /// Payload bytes that may be under way in one membership to an endpoint that does not take
    /// part. Endpoints were told, so another configuration does not change it.
    window: u32,
    /// The other relays, if this one is one of many.
    #[cfg(feature = "cluster")]
    pub(crate) cluster: Option<Box<Cluster>>,
    /// What the relay was told. Nothing here has a copy of any of it but for the times.
    pub(crate) config: Config,
    /// The times in it.
    pub(crate) times: Times,
}

impl Connections {
    pub(crate) fn new(config: Config, rights: Rights) -> Self {
        Self {
            slots: Vec::new(),
            pool: Pool::new(config.memory_bytes),
            timers: Timers::default(),
            addresses: Addresses::default(),
            ready: Fair::default(),
            dirty: Fair::default(),
            served: 0,
            is_calm: false,
            is_urgent: false,
            work: 0,
            now: 0,
            now_micros: 0,
            later: Later::Turn,
            checks: 0,
            lines: Lines::default(),
            leaving: None,
            paused: 0,
            paused_millis: 0,
            sent_bytes: 0,
            longest_queue: 0,
            pushed: 0,
            units: 0,
            broadcasts: 0,
            removed: 0,
            blocked: 0,
            refusals: Counts::default(),
            pauses: Counts::default(),
            refusal: None,
            why_denied: None,
            drained: Vec::new(),
            given_up: Vec::new(),
            rights,
            bans: Bans::default(),
            is_draining: false,
            subjects: Subjects::default(),
            hasher: RandomState::new(),
            window: u32::try_from(config.queue_bytes / 2).unwrap_or(u32::MAX).min(WINDOW),
            #[cfg(feature = "cluster")]
            cluster: None,
            times: Times::new(&config),
            config,
        }
    }

    /// Goes on with another configuration. Those who wait for room, or for what they may send, try
    /// again: there may be more now.
    pub(crate) fn reconfigure(&mut self, config: Config) {
        self.pool.set_budget(config.memory_bytes);
        let before = std::mem::replace(&mut self.times, Times::new(&config)).terms;
        let has_more_room =
            config.queue_bytes > self.config.queue_bytes || config.memory_bytes > self.config.memory_bytes;
        let rates = |config: &Config| (config.messages_per_second, config.bytes_per_second, config.burst);
        let has_new_rates = rates(&config) != rates(&self.config);
        self.config = config;
        let now = self.now;
        for index in 0..self.slots.len() {
            let index = narrow(index);
            let (terms, keepalive) = (self.times.terms, self.times.keepalive);
            if let Some(connection) = self.get(index) {
                if connection.wait.until != 0 {
                    connection.wait.until = now;
                }
                connection.wait.patience.change(before, terms);
                connection.wait.window_patience.change(before, terms);
                let keepalive = now + connection.keepalive(keepalive);
                connection.keepalive_at = connection.keepalive_at.min(keepalive);
            }
            if let Some(Some(connection)) = self.slots.get_mut(index as usize) {
                connection.allowance = Allowance::new(&self.config, connection.granted.as_deref());
            }
            if has_new_rates && let Some(connection) = self.get(index) {
                // what is owed is kept as a time, which would be too long with a higher rate
                (connection.messages, connection.bytes) = Default::default();
            }
            if has_more_room {
                self.wake(index);
            }
            self.schedule(index);
        }
    }

    #[inline]
    pub(crate) fn get(&mut self, index: u32) -> Option<&mut Connection> {
        self.slots.get_mut(index as usize)?.as_mut()
    }

    /// Bytes of the tables in it, about: connections, their places in lists and timers, addresses,
    /// subjects.
    pub(crate) fn table_bytes(&self) -> usize {
        // both lists of whose turn it is, and the timers, have a place for each connection
        const PLACES: usize = 64;
        self.slots.capacity() * (size_of::<Option<Connection>>() + PLACES)
            + self.addresses.memory()
            + self.subjects.memory()
    }

    /// Puts a connection on the list of those to be served.
    pub(crate) fn list(&mut self, index: u32) {
        if let Some(home) = self.get(index).map(|connection| connection.home) {
            self.ready.push(index, home);
        }
    }

    /// Puts a connection on the list of those to be written, unless it is there already.
    #[cold]
    pub(crate) fn mark_dirty(&mut self, index: u32) {
        let Some(connection) = self.get(index).filter(|connection| !connection.flags.dirty) else { return };
        connection.flags.dirty = true;
        let home = connection.home;
        self.dirty.push(index, home);
    }

    /// [`mark_dirty`](Self::mark_dirty) for what comes of the connection that is being served.
    #[cold]
    fn mark_queued(&mut self, index: u32) {
        let source = self.served;
        let Some(connection) = self.get(index).filter(|connection| !connection.flags.dirty) else { return };
        connection.pace.note_source(source);
        let may_wait = connection.pace.may_wait();
        self.is_calm |= may_wait;
        self.is_urgent |= !may_wait;
        self.mark_dirty(index);
    }

    /// Takes a connection off both lists, because it goes.
    pub(crate) fn take_off(&mut self, index: u32) {
        self.ready.remove(index);
        self.dirty.remove(index);
    }

    /// Takes a connection's unrouted rest. It does not count as memory until it is kept again.
    pub(crate) fn take_rest(&mut self, index: u32) -> Rest {
        let Some(connection) = self.get(index) else { return Rest::default() };
        let rest = std::mem::take(&mut connection.rest);
        self.pool.remove(rest.memory());
        rest
    }

    /// Keeps a connection's unrouted rest. Drops it if the connection is gone.
    pub(crate) fn keep_rest(&mut self, index: u32, rest: Rest) {
        let memory = rest.memory();
        let Some(connection) = self.get(index) else { return };
        connection.rest = rest;
        self.pool.add(memory);
    }

    /// A connection owns one channel more, or is in one more.
    fn join(&mut self, id: ConnectionId) {
        if let Some(connection) = self.get(index(id)) {
            connection.channels += 1;
        }
    }

    /// Counts a channel that a connection owns, or owns no more, for its address. Those of one that
    /// is being closed are counted there.
    fn count_own(&mut self, id: ConnectionId, is_more: bool) {
        let Some(connection) = self.get(index(id)).filter(|connection| connection.id == id) else { return };
        let address = connection.address.ip();
        if is_more {
            connection.own += 1;
            self.addresses.own(address, 1);
        } else {
            connection.own = connection.own.saturating_sub(1);
            self.addresses.disown(address, 1);
        }
    }

    /// A connection owns one channel less, or is in one less.
    fn part(&mut self, id: ConnectionId) {
        let now = self.now;
        // not found while it is being closed
        let Some(connection) = self.get(index(id)).filter(|connection| connection.id == id) else { return };
        connection.channels = connection.channels.saturating_sub(1);
        if connection.channels == 0 {
            connection.unused_since = now;
            self.schedule(index(id));
        }
    }

    /// Leaves what has come from a connection in its socket until more has come. Where the system
    /// tells of that only after "would block", it is looked at again a little later.
    pub(crate) fn leave_unread(&mut self, index: u32) {
        self.leave_unread_where(SHORT_IS_ALL, index);
    }

    /// The same where the system tells of more, or does not.
    pub(crate) fn leave_unread_where(&mut self, is_told: bool, index: u32) {
        let until = self.now.saturating_add(LOOK_AGAIN);
        let Some(connection) = self.get(index) else { return };
        if is_told {
            connection.flags.readable = false;
            return;
        }
        connection.wait.until = connection.wait.until.max(until);
        self.schedule(index);
    }

    /// Does not read a connection for so many microseconds, because it has sent as much as it may.
    pub(crate) fn pause(&mut self, index: u32, cause: Paused, micros: u64) {
        let until = self.now.saturating_add(micros.div_ceil(1000));
        self.pauses.add(cause);
        let now = self.now;
        let Some(connection) = self.get(index) else { return };
        connection.wait.until = connection.wait.until.max(until);
        let is_news = !std::mem::replace(&mut connection.flags.limited, true);
        let (id, address, home) = (connection.id, connection.address, connection.home);
        self.schedule(index);
        if is_news && self.lines.may_warn(now, cause.name(), home) {
            warn!(connection = %id, %address, %cause, "connection slowed down: it sends more than it may");
        }
    }

    /// Whether a warning of this kind about a connection may be logged.
    fn may_warn(&mut self, kind: &'static str, id: ConnectionId) -> bool {
        let home = self.home(id);
        self.lines.may_warn(self.now, kind, home)
    }

    /// Whether a line about something ordinary that a connection has done may be logged.
    fn may_tell(&mut self, kind: &'static str, id: ConnectionId) -> bool {
        let home = self.home(id);
        self.lines.may_tell(self.now, kind, home)
    }

    /// What stands for the address of a connection, also of one that is gone.
    fn home(&mut self, id: ConnectionId) -> Home {
        let leaving = self.leaving.filter(|(leaving, _)| *leaving == id).map(|(_, home)| home);
        leaving.or_else(|| self.get(index(id)).map(|connection| connection.home)).unwrap_or_default()
    }
}

#[cfg(feature = "cluster")]
impl Connections {
    /// Does not read a connection until the directory has answered, for as long as that may take at
    /// most.
    pub(crate) fn hold(&mut self, index: u32) {
        let until = self.now.saturating_add(DIRECTORY);
        let Some(connection) = self.get(index) else { return };
        connection.wait.directory = until;
        self.schedule(index);
    }
}
