//! All connections, as the forwarding core sees them: queues, limits, log.

use std::hash::BuildHasher;
use std::net::IpAddr;

use peote_net::Reason;
use peote_net::protocol::MAX_CHANNELS;
use peote_net::protocol::items::{Item, KEEPALIVE_RANGE, MAX_PROGRAM};
use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::relay::{ConnectionId, Decision, Greeting, Hello, Home, Host, Note, Request};
use peote_net::time::Instant;
use tracing::{debug, info, warn};

use crate::access::{self, Denied, Rights};
use crate::addresses::Addresses;
use crate::allowance::Allowance;
use crate::bans::Bans;
use crate::causes::{Cause, Counts, Paused, Refused};
#[cfg(feature = "cluster")]
use crate::cluster::Cluster;
use crate::config::{Access, Config};
use crate::connection::Connection;
use crate::deadlines::Times;
use crate::fair::Fair;
use crate::listen;
use crate::loans::LONG;
use crate::log::{Lines, Name};
use crate::patience::Patience;
use crate::queue::{BLOCK, Pool};
use crate::rest::Rest;
use crate::subjects::Subjects;
use crate::system::RandomState;
use crate::timers::Timers;

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

/// What the relay says that it is.
const PROGRAM: &str = concat!("peote-relay ", env!("CARGO_PKG_VERSION"));

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
    /// For how many microseconds the connection that is being served must give no more commands.
    pub(crate) later: u64,
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
    /// The other relays, if this one is one of many, and whether the connection that is being
    /// served waits for the directory.
    #[cfg(feature = "cluster")]
    pub(crate) cluster: Option<Box<Cluster>>,
    #[cfg(feature = "cluster")]
    pub(crate) asks_cluster: bool,
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
            later: 0,
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
            #[cfg(feature = "cluster")]
            cluster: None,
            #[cfg(feature = "cluster")]
            asks_cluster: false,
            times: Times::new(&config),
            config,
        }
    }

    /// Goes on with another configuration. Those who wait for room, or for what they may send, try
    /// again: there may be more now.
    pub(crate) fn reconfigure(&mut self, config: Config) {
        self.pool.set_budget(config.memory_bytes);
        self.times = Times::new(&config);
        let rates = |config: &Config| (config.messages_per_second, config.bytes_per_second, config.burst);
        let has_new_rates = rates(&config) != rates(&self.config);
        self.config = config;
        let now = self.now;
        for index in 0..self.slots.len() {
            let index = narrow(index);
            let (terms, keepalive) = (self.times.terms, now + self.times.keepalive);
            if let Some(connection) = self.get(index) {
                if connection.wait.until != 0 {
                    connection.wait.until = now;
                }
                connection.wait.patience = Patience::new(now, terms);
                connection.wait.window_patience = Patience::new(now, terms);
                let keepalive = connection.keepalive_every.map_or(keepalive, |every| now + every);
                connection.keepalive_at = connection.keepalive_at.min(keepalive);
            }
            if let Some(Some(connection)) = self.slots.get_mut(index as usize) {
                connection.allowance = Allowance::new(&self.config, connection.granted.as_deref());
            }
            if has_new_rates && let Some(connection) = self.get(index) {
                // what is owed is kept as a time, which would be too long with a higher rate
                (connection.messages, connection.bytes) = Default::default();
            }
            self.wake(index);
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

    /// Writes what is queued for a connection, and lets those go on that waited for it to take
    /// that.
    ///
    /// Says whether the socket took anything.
    pub(crate) fn write(&mut self, index: u32) -> bool {
        self.write_some(index, usize::MAX) > 0
    }

    /// [`write`](Self::write), as far as about so many bytes. What is left then is written another
    /// time. Returns how many bytes the socket took.
    pub(crate) fn write_some(&mut self, index: u32, most: usize) -> usize {
        let Some(connection) = self.slots.get_mut(index as usize).and_then(Option::as_mut) else {
            return 0;
        };
        if std::mem::take(&mut connection.flags.dirty) {
            self.dirty.remove(index);
        }
        // queues grow between writes, so this is the longest that each becomes
        let before = connection.queue.len();
        self.longest_queue = self.longest_queue.max(before);
        let taken = connection.write(&mut self.pool, most);
        let is_left = connection.flags.writable && connection.has_output();
        let drained = before.saturating_sub(connection.queue.len());
        let enough = connection.queue.is_empty()
            || connection.queue.len() <= self.config.queue_bytes.min(self.pool.share()) / 2;
        if taken > 0 {
            connection.pace.note_written(self.now_micros, connection.traffic.sent);
            connection.keepalive_at = self.now + connection.keepalive(&self.times);
        }
        self.sent_bytes += taken as u64;
        let (is_awaited, takes_part) = (connection.flags.awaited, connection.flags.takes_part);
        if connection.flags.mute {
            self.list(index);
        }
        if drained > 0 {
            self.note_taken(index, drained);
            if is_awaited && (enough || takes_part) {
                self.drained.push(index);
            }
        }
        if enough {
            self.wake(index);
        }
        if is_left {
            self.mark_dirty(index);
        }
        taken
    }

    /// Writes to those that got something, to so many and so many bytes at most, about.
    pub(crate) fn write_dirty(&mut self, most: usize, bytes: usize) {
        let mut left = bytes;
        for _ in 0..most {
            if left == 0 {
                break;
            }
            let Some(index) = self.dirty.pop() else { break };
            left = left.saturating_sub(self.write_some(index, left));
        }
    }

    /// Ends all loans of the input: writes what is worth a write of its own, and copies what is not
    /// and what sockets do not take.
    ///
    /// Returns how many were written, and how many bytes sockets took.
    pub(crate) fn hand_out(&mut self, most: usize) -> (usize, usize) {
        let (mut writes, mut all) = (0, 0);
        while let Some(index) = self.pool.next_borrower() {
            let Some(Some(connection)) = self.slots.get_mut(index as usize) else { continue };
            // where it is next to be written anyway, or copying would cost more than another write
            let on_loan = connection.queue.on_loan(&self.pool);
            if on_loan > 0 && (on_loan >= WORTH_A_WRITE || self.ready.is_empty()) {
                all += self.write_some(index, most);
                writes += 1;
            }
            let Some(Some(connection)) = self.slots.get_mut(index as usize) else { continue };
            connection.queue.settle(&mut self.pool);
            if connection.flags.writable && connection.has_output() {
                self.mark_dirty(index);
            }
        }
        (writes, all)
    }

    /// A connection owns one channel more, or is in one more.
    fn join(&mut self, id: ConnectionId) {
        if let Some(connection) = self.get(index(id)) {
            connection.channels += 1;
        }
    }

    /// Counts a channel that a connection owns, or owns no more, for its address. Those of one that
    /// is being closed are counted there.
    fn count_own(&mut self, id: ConnectionId, count: fn(&mut Addresses, IpAddr, usize)) {
        if let Some(address) = self.get(index(id)).map(|connection| connection.address.ip()) {
            count(&mut self.addresses, address, 1);
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

    /// Logs that a command was refused: a warning, but for what endpoints wait out, of which the
    /// first of each connection is worth a line.
    fn log_refusal(
        &mut self,
        id: ConnectionId,
        request: &Request<'_>,
        cause: Refused,
        denied: Option<Denied>,
    ) {
        let (what, name) = match *request {
            Request::Create { name, .. } => ("create", name),
            Request::Enter { name, .. } => ("enter", name),
            _ => ("command", &[][..]),
        };
        let (name, why) = (Name(name), cause.text());
        let address = self.get(index(id)).map(|connection| tracing::field::display(connection.address));
        let bit = 1 << cause.index();
        let was_said = self.get(index(id)).is_some_and(|connection| {
            let said = connection.refusals_said & bit != 0;
            connection.refusals_said |= bit;
            said
        });
        if cause.is_waited_out() && was_said {
            debug!(connection = %id, %name, %cause, "{what} refused: {why}");
        } else if cause == Refused::NoSuchChannel {
            if self.may_tell("refusals", id) {
                info!(connection = %id, address, %name, %cause, "{what} refused: {why}");
            }
        } else if self.may_warn(cause.name(), id) {
            let denied = denied.map(tracing::field::display);
            warn!(connection = %id, address, %name, %cause, denied, "{what} refused: {why}");
        }
    }

    /// Puts bytes into a connection's queue.
    #[inline]
    pub(crate) fn queue(&mut self, index: u32, header: &[u8], payload: &[u8]) {
        self.queue_within(index, 0, header, payload);
    }

    /// [`queue_within`](Self::queue_within) of what most messages are, to one that is to be written
    /// anyway. Returns false for all else, which is still to be queued then.
    ///
    /// A function of its own: in the loop that calls it the registers would not suffice. It calls
    /// no other, so that it has few to save.
    #[inline(never)]
    fn queue_short(&mut self, index: u32, room: usize, header: &[u8], payload: &[u8]) -> bool {
        let bound = self.config.queue_bytes.min(self.pool.share());
        if let Some(Some(connection)) = self.slots.get_mut(index as usize)
            && connection.flags.dirty
            && !connection.flags.mute
            && connection.queue.len() + room <= bound
            && connection.queue.push_short(header, payload)
        {
            self.pushed += 1;
            return true;
        }
        false
    }

    /// Puts bytes into a connection's queue if it has so much room. Returns whether it has.
    #[inline(never)]
    fn queue_within(&mut self, index: u32, room: usize, header: &[u8], payload: &[u8]) -> bool {
        let bound = self.config.queue_bytes.min(self.pool.share());
        let Some(Some(connection)) = self.slots.get_mut(index as usize) else {
            #[cfg(feature = "cluster")]
            self.say_to_stand_in(index, header, payload);
            return true;
        };
        if connection.flags.mute {
            return true;
        }
        if room > 0 && bound.saturating_sub(connection.queue.len()) < room {
            return false;
        }
        if connection.queue.push(header, payload) {
            self.pushed += 1;
            if !connection.flags.dirty {
                self.mark_queued(index);
            }
        } else {
            self.queue_elsewhere(index, header, payload);
        }
        true
    }

    /// [`queue`](Self::queue) where there is no room in the last block: in a new one, or as a loan,
    /// which `hand_out` writes.
    #[cold]
    fn queue_elsewhere(&mut self, index: u32, header: &[u8], payload: &[u8]) {
        self.queue_longer(index, header, payload);
        let most = self.pool.most(self.config.queue_bytes);
        if self.pool.is_exhausted() {
            self.give_up_longest();
        } else if self.get(index).is_some_and(|connection| connection.queue.len() > most) {
            self.give_up(index);
        }
    }

    /// There is no memory left: gives up the connection whose queue holds the most, if it holds
    /// more than each always may.
    fn give_up_longest(&mut self) {
        let queues = self.slots.iter().enumerate();
        let queues = queues.filter_map(|(place, slot)| Some((slot.as_ref()?.queue.len(), place)));
        if let Some((len, place)) = queues.max()
            && len > 2 * BLOCK
        {
            self.give_up(narrow(place));
        }
    }

    /// Frees what is queued for a connection at once, and has it closed.
    fn give_up(&mut self, index: u32) {
        let Some(Some(connection)) = self.slots.get_mut(index as usize) else { return };
        connection.queue.clear(&mut self.pool);
        (connection.flags.mute, connection.flags.given_up) = (true, true);
        self.given_up.push(index);
    }

    /// That a membership was ended because its window stayed used up.
    pub(crate) fn note_too_slow(&mut self, index: u32) {
        let Some(id) = self.get(index).map(|connection| connection.id) else { return };
        if self.may_warn("too-slow", id) {
            warn!(
                connection = %id,
                "membership ended: the connection waited for its window for too long (stall-timeout)"
            );
        }
    }

    fn queue_longer(&mut self, index: u32, header: &[u8], payload: &[u8]) {
        let Some(Some(connection)) = self.slots.get_mut(index as usize) else { return };
        self.pushed += 1;
        let may_lend = connection.flags.writable && payload.len() >= LONG;
        if may_lend && connection.queue.lend(index, header, payload, &mut self.pool) {
            return;
        }
        connection.queue.push_elsewhere(header, payload, &mut self.pool);
        self.mark_queued(index);
    }
}

#[cfg(feature = "cluster")]
impl Connections {
    /// Says something to a stand-in for an endpoint of another relay.
    #[cold]
    fn say_to_stand_in(&mut self, index: u32, header: &[u8], payload: &[u8]) {
        if let Some(cluster) = self.cluster.as_mut() {
            self.pushed += 1;
            cluster.afar.hear(index, header, payload);
        }
    }

    /// Does not read a connection until the directory has answered, for as long as that may take at
    /// most.
    pub(crate) fn hold(&mut self, index: u32) {
        let until = self.now.saturating_add(DIRECTORY);
        let Some(connection) = self.get(index) else { return };
        connection.wait.until = connection.wait.until.max(until);
        self.schedule(index);
    }
}

/// What a refusal on the wire means, where no limit of the relay's was the reason.
fn cause_of(request: &Request<'_>, reason: Reason) -> Refused {
    let is_at_limit = match *request {
        Request::Create { own, .. } => own >= MAX_CHANNELS,
        Request::Enter { entered, .. } => entered >= MAX_CHANNELS,
        _ => true,
    };
    match reason {
        // there is room for more of them in the protocol, so it is the tables that have none
        Reason::TooManyChannels if !is_at_limit => Refused::Memory,
        Reason::NameInUse => Refused::NameInUse,
        Reason::NoSuchChannel => Refused::NoSuchChannel,
        Reason::OwnChannel => Refused::OwnChannel,
        Reason::AlreadyEntered => Refused::AlreadyEntered,
        Reason::ChannelFull => Refused::ChannelFull,
        Reason::TooManyChannels => Refused::ConnectionChannels,
        Reason::Blocked => Refused::Blocked,
        Reason::RefusedByServer => Refused::RefusedByServer,
        Reason::NoAnswer => Refused::NoAnswer,
        _ => Refused::Other,
    }
}

/// An id's place.
#[inline]
pub(crate) const fn index(id: ConnectionId) -> u32 {
    narrow(id.index())
}

/// A place of a connection, which fits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the core counts connections with 32 bits")]
pub(crate) const fn narrow(index: usize) -> u32 {
    index as u32
}

impl Connections {
    /// Answers a hello.
    fn greet(&mut self, index: u32, hello: &Hello<'_>) -> Greeting {
        let (least, most) = (self.times.keepalive, self.times.max_keepalive);
        let mut every = None;
        let Some(connection) = self.get(index) else {
            return Greeting { keepalive: seconds(least), name: PROGRAM };
        };
        connection.flags.takes_part = hello.takes_part;
        let had_name = connection.program.is_some();
        for item in hello.items {
            match item {
                Item::Keepalive(wanted) => {
                    let (from, to) = KEEPALIVE_RANGE.into_inner();
                    every = Some((u64::from(wanted.clamp(from, to)) * 1000).min(most));
                }
                Item::Name(name) => {
                    connection.program = Some(name.get(..MAX_PROGRAM).unwrap_or(name).into());
                }
                _ => {}
            }
        }
        connection.keepalive_every = every.or(connection.keepalive_every);
        let every = connection.keepalive_every.unwrap_or(least);
        let (id, program) = (connection.id, connection.program.clone());
        let is_news = !had_name && program.is_some();
        let now = self.now;
        if let Some(Some(connection)) = self.slots.get_mut(index as usize) {
            connection.keepalive_at = now + every;
            let asked = connection.keepalive_every;
            listen::set_probes(connection.socket(), &self.config, asked);
        }
        self.schedule(index);
        if is_news && self.may_tell("programs", id) {
            let name = program.unwrap_or_default();
            info!(connection = %id, program = %Name(&name), part = hello.takes_part, "hello");
        }
        Greeting { keepalive: seconds(every), name: PROGRAM }
    }
}

/// Whole seconds of so many milliseconds, one at least.
fn seconds(millis: u64) -> u32 {
    u32::try_from(millis.div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

impl Host for Connections {
    #[inline]
    fn free(&self, id: ConnectionId) -> usize {
        match self.slots.get(id.index()) {
            Some(Some(connection)) if !connection.flags.mute => {
                self.config.queue_bytes.min(self.pool.share()).saturating_sub(connection.queue.len())
            }
            _ => usize::MAX,
        }
    }

    #[inline]
    fn push(&mut self, id: ConnectionId, header: &[u8], payload: &[u8]) {
        self.queue(index(id), header, payload);
    }

    #[inline]
    fn push_within(&mut self, id: ConnectionId, room: usize, header: &[u8], payload: &[u8]) -> bool {
        let index = index(id);
        self.queue_short(index, room, header, payload) || self.queue_within(index, room, header, payload)
    }

    fn cut(&self) -> usize {
        CUT
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER).with(Capabilities::HELLO)
    }

    fn window(&self) -> u32 {
        u32::try_from(self.config.queue_bytes / 2).unwrap_or(u32::MAX).min(WINDOW)
    }

    fn hello(&mut self, id: ConnectionId, hello: &Hello<'_>) -> Greeting {
        self.hear_token(index(id), hello.items);
        self.greet(index(id), hello)
    }

    fn resume(&mut self, id: ConnectionId) {
        if self.stop_waiting_for_window(index(id), false).is_some() {
            self.list(index(id));
        }
    }

    fn is_drained(&self, id: ConnectionId) -> bool {
        let most = self.config.queue_bytes.min(self.pool.share()) / 2;
        self.slots
            .get(id.index())
            .and_then(Option::as_ref)
            .is_none_or(|connection| connection.flags.mute || connection.queue.len() <= most)
    }

    fn waits(&mut self, id: ConnectionId, waits: bool) {
        let Some(connection) = self.get(index(id)) else { return };
        connection.flags.awaited = waits;
        if !connection.flags.takes_part {
            self.owes(index(id), waits);
        }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    fn work(&self, _: ConnectionId) -> usize {
        self.work
    }

    fn count(&mut self, _: ConnectionId, units: usize, broadcasts: usize, work: usize) {
        self.work = self.work.saturating_sub(work);
        self.units += units as u64;
        self.broadcasts += broadcasts as u64;
    }

    fn channel_name<'a>(&self, _: ConnectionId, name: &'a [u8]) -> &'a [u8] {
        match access::split(name) {
            Some((name, _, _)) if self.config.access != Access::Open => name,
            _ => name,
        }
    }

    fn allow(&mut self, id: ConnectionId, request: &Request<'_>) -> Decision {
        self.decide(id, request)
    }

    fn notify(&mut self, note: &Note<'_>) {
        match *note {
            Note::Created { server, channel, name } => {
                self.join(server);
                self.count_own(server, Addresses::own);
                #[cfg(feature = "cluster")]
                if let Some(cluster) = self.cluster.as_mut() {
                    cluster.created(name, server);
                }
                if self.may_tell("channels", server) {
                    info!(connection = %server, number = channel, name = %Name(name), "channel created");
                }
            }
            Note::Deleted { server, channel, name, reason } => {
                self.part(server);
                self.count_own(server, Addresses::disown);
                #[cfg(feature = "cluster")]
                if let Some(cluster) = self.cluster.as_mut() {
                    cluster.deleted(name);
                }
                if self.may_tell("channels", server) {
                    info!(connection = %server, number = channel, name = %Name(name), %reason, "channel deleted");
                }
            }
            Note::Entered { user, number, server, name } => {
                self.join(user);
                debug!(connection = %user, %server, user = number, name = %Name(name), "channel entered");
            }
            Note::Left { user, number, server, name, reason } => {
                self.part(user);
                self.removed += u64::from(reason == Reason::Kicked);
                debug!(connection = %user, %server, user = number, name = %Name(name), %reason, "channel left");
            }
            Note::Blocked { user, number, server, name, is_kept: true } => {
                self.blocked += 1;
                if self.may_tell("blocks", server) {
                    info!(connection = %user, %server, user = number, name = %Name(name), "user blocked");
                }
            }
            Note::Blocked { user, number, server, name, is_kept: false }
                if self.may_warn("not-blocked", server) =>
            {
                warn!(
                    connection = %user, %server, user = number, name = %Name(name),
                    "user removed but not blocked: the channel has blocked as many as it can"
                );
            }
            Note::Refused { connection, request, reason } => {
                // the core asks also where it has a reason of its own
                let of_host = self.refusal.take().filter(|(_, of_host)| *of_host == reason);
                let cause = of_host.map_or_else(|| cause_of(&request, reason), |(cause, _)| cause);
                let denied = self.why_denied.take().filter(|denied| denied.refused() == cause);
                self.refusals.add(cause);
                self.log_refusal(connection, &request, cause, denied);
            }
            // a connection that has to be closed, which is logged when it is
            _ => {}
        }
    }

    fn hash(&self, name: &[u8]) -> u64 {
        self.hasher.hash_one(name)
    }
}
