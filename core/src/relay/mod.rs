//! The forwarding core of a relay: who is in which channel, and which bytes go where.
//!
//! Input and output, queues, clock and policy are the caller's ([`Host`]), so that a
//! microcontroller and a server program share this part. Nothing here blocks or can panic, or
//! allocates (but for `GrowingStorage`, with the feature `alloc`); a call does work in proportion
//! to the bytes it is given (and, where a channel or a connection ends, to the number of those it
//! ends for).
//!
//! ```
//! use peote_net::relay::{ConnectionId, Host, Outcome, Relay, StaticStorage};
//!
//! use peote_net::time::Instant;
//!
//! /// Queues that have room for ever. Yours are bounded.
//! struct Queues(Vec<Vec<u8>>);
//!
//! impl Host for Queues {
//!     fn free(&self, _: ConnectionId) -> usize {
//!         usize::MAX
//!     }
//!     fn push(&mut self, connection: ConnectionId, header: &[u8], payload: &[u8]) {
//!         self.0[connection.index()].extend(header.iter().chain(payload));
//!     }
//!     fn now(&self) -> Instant {
//!         Instant::ZERO // yours goes on
//!     }
//! }
//!
//! let mut relay = Relay::new(StaticStorage::<2, 1, 1, 4>::new());
//! let (server, user) = (relay.connect().unwrap(), relay.connect().unwrap());
//! let mut queues = Queues(vec![Vec::new(), Vec::new()]);
//!
//! // the server creates the channel "a", the user enters it and says "hi", cut in two
//! assert_eq!(relay.receive(server, b"\x00\x00\x01\x01a", &mut queues).outcome, Outcome::NeedMore);
//! assert_eq!(relay.receive(user, b"\x00\x01\x01\x01a\x03\x00h", &mut queues).used, 8);
//! assert_eq!(relay.receive(user, b"i", &mut queues).used, 1);
//!
//! let announcement = [0, 4, 0, 255, 0x50, 3]; // the first that each connection hears: what this relay can do
//! assert_eq!(queues.0[1], [&announcement[..], &[0, 3, 1, 0, 0]].concat()); // the answer to enter
//! // the answer to create, "user 0 entered", and each piece as a unit of its own
//! let told = [0, 3, 1, 0, 0, 0, 4, 0, 0, 0, 0, 3, 128, 0, b'h', 3, 128, 0, b'i'];
//! assert_eq!(queues.0[0], [&announcement[..], &told].concat());
//! ```
//!
//! # Queues
//!
//! Data goes only where [`Host::free`] says that there is room; an answer, an announcement, and the
//! notice that a user has entered, too. Two notices are queued even without room: a user is gone (7
//! bytes), a channel is gone (6 bytes). Each is said once for a membership, and a membership begins
//! only while there is room, so a queue is at most `7 * users of the connection's channels + 6 *
//! channels entered` bytes above its bound.
//!
//! A user that takes part in flow control waits for no queue but its own. So its membership begins
//! without room at a server that does not, which is told so (6 bytes), or is asked about it if it
//! does and few knock there (212 bytes). Numbers that rest bound how often that can be.
//!
//! What endpoints that take part in flow control were promised goes beyond the bound: for each
//! membership the receiver's window, or [`Host::window`] if that is more, and 5 bytes, with a head
//! of 4 bytes for each piece. So does what is said once for each membership that a hello raises (14
//! bytes), and the answer to each of at most 128 commands to enter that a channel's server decides
//! about (205 bytes). A host that announces
//! [`Capabilities::HELLO`](crate::protocol::to_endpoint::Capabilities::HELLO) gives up who holds
//! too much, and calls [`Relay::drained`] and [`Relay::tick`].
//!
//! # Numbers
//!
//! A number is given out again as late as possible: first all that were never used, then the one
//! that has been free for the longest time. What was sent to a user before its server knew that the
//! user is gone is still under way, and so is what a user sent before it knew that the channel is
//! gone. Such numbers rest for at least 5 s ([`Host::now`]): they are not given out meanwhile, and
//! where all others are in use the channel is full, or the connection in too many channels. So data
//! for them within that time is dropped. Numbers that an endpoint gave up itself (a channel that it
//! left or deleted) need not rest.
//!
//! # Removing and blocking
//!
//! A channel's server can remove a user, and block the connection it came by (`docs/PROTOCOL.md`,
//! section 11). Before anything else, a connection whose first byte has come is told that this
//! relay can do so, unless [`Host::capabilities`] says otherwise. Who is blocked stands in a list
//! of the channel, by connection, until the channel is deleted: at most [`MAX_BLOCKED`] connections
//! that are there at the same time. A user that the list has no room for is removed and not
//! blocked, which [`Note::Blocked`] says; the protocol has no word for it.
//!
//! # Pieces
//!
//! A unit that arrives in pieces is forwarded in pieces, each as a unit of its own, never merged.
//! The receivers are fixed when its first byte is routed. A user that enters later gets nothing of
//! it, even if it is given the number of a receiver that has left.

mod afar;
mod awaited;
mod blocks;
mod command;
mod counted;
mod end;
mod fitting;
mod hello;
mod host;
mod knocks;
pub mod memory;
mod names;
mod numbers;
mod operator;
mod places;
mod route;
mod run;
mod short;
mod slots;
mod tables;
mod turn;
mod waiting;
mod windows;

#[cfg(test)]
mod tests;

pub use blocks::MAX_BLOCKED;
pub use host::{
    CloseReason, ConnectionId, Decision, Full, Greeting, Hello, Home, Host, Membership, Note, Outcome,
    Received, Request,
};
pub use knocks::{KNOCK_MILLIS, MAX_KNOCKS};
#[cfg(feature = "alloc")]
pub use memory::GrowingStorage;
pub use memory::{StaticStorage, Storage, static_storage};

use crate::Reason;
use crate::protocol::to_endpoint;
use crate::protocol::{MAX_COMMAND, MAX_USERS, MAX_WORDS};
use crate::time::Instant;
use memory::Pool;
use route::Stop;
use slots::{Kind, MembershipSlot, NAME_PAGES, Stage};
use tables::{Counters, Tables};
use turn::Turn;

/// Bytes that [`Relay::receive`] leaves unused at most when it needs more: the longest words, and
/// the longest command behind them but for one byte.
pub const MAX_REST: usize = 4 + MAX_WORDS + MAX_COMMAND - 1;

/// Connections, channels and who is in them; see [the module's documentation](self).
///
/// All bits of a new one are zero if those of its storage are.
#[derive(Debug)]
pub struct Relay<S> {
    storage: S,
    counters: Counters,
}

impl<S: Storage> Relay<S> {
    /// A relay without connections. `storage` must be new.
    #[must_use]
    pub const fn new(storage: S) -> Self {
        Self { storage, counters: Counters::ZERO }
    }

    /// A connection has come, from wherever it may be.
    ///
    /// # Errors
    /// [`Full`] if the storage has no place for it.
    pub fn connect(&mut self) -> Result<ConnectionId, Full> {
        self.connect_from(Home::default())
    }

    /// A connection has come from somewhere that matters to limits.
    ///
    /// # Errors
    /// [`Full`] if the storage has no place for it.
    pub fn connect_from(&mut self, home: Home) -> Result<ConnectionId, Full> {
        if self.counters.connections.now() >= self.storage.parts().connections.len() {
            self.storage.grow(Pool::Connections);
        }
        self.tables().connect(home).ok_or(Full)
    }

    /// Bytes have come from a connection: routes them, as far as the queues have room.
    ///
    /// [`Received`] says how many were used and why not more. The rest has to be presented again,
    /// with what comes behind it. Any cut of the stream, down to single bytes, has the same result
    /// apart from the cuts of the data.
    ///
    /// Does not fail: nonsense is [`Outcome::Close`], which disturbs no other connection.
    pub fn receive<H: Host>(&mut self, connection: ConnectionId, input: &[u8], host: &mut H) -> Received {
        let (mut used, mut turn) = (0usize, Turn::new(host.work(connection).max(1)));
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let (more, stop) = self.tables().route(connection, rest, &mut turn, host);
            used = used.saturating_add(more);
            let outcome = match stop {
                Stop::Outcome(outcome) => outcome,
                Stop::Command(code) => {
                    let rest = input.get(used..).unwrap_or_default();
                    self.reserve();
                    match self.tables().command(connection, code, rest, &mut turn, host) {
                        Ok(more) => {
                            used = used.saturating_add(more);
                            continue;
                        }
                        Err(outcome) => outcome,
                    }
                }
            };
            if let Outcome::Close(cause) = outcome {
                host.notify(&Note::Closing { connection, cause });
            }
            host.count(connection, turn.units, turn.broadcasts, turn.done());
            return Received { used, outcome };
        }
    }

    /// A connection is gone, or has to go: deletes its channels, takes it out of those it is in,
    /// and tells those concerned. Does nothing if it is gone already.
    pub fn disconnect<H: Host>(&mut self, connection: ConnectionId, host: &mut H) {
        self.disconnect_partly(connection, usize::MAX, host);
    }

    /// [`disconnect`](Self::disconnect), as far as so much work goes. Returns true when all is
    /// done, else it has to be called again.
    ///
    /// Each notice to another connection and each channel without users is 1. A channel ends at
    /// once, so the work should be 256 at least. Until all is done the connection must not be
    /// served, and those of its channels that are left can be entered; who does is told of their
    /// end later.
    pub fn disconnect_partly<H: Host>(
        &mut self,
        connection: ConnectionId,
        work: usize,
        host: &mut H,
    ) -> bool {
        self.tables().disconnect(connection, &mut Turn::new(work.max(1)), host)
    }

    /// The queue of a connection has got shorter: says what waited for room in it, and grants for
    /// it. Has to be called after each such time, where the host announces
    /// [`Capabilities::HELLO`](crate::protocol::to_endpoint::Capabilities::HELLO); it costs nothing
    /// where nothing waits.
    #[inline]
    pub fn drained<H: Host>(&mut self, connection: ConnectionId, host: &mut H) {
        let mut tables = self.tables();
        if tables.connection(connection).is_some_and(|slot| slot.waiting != 0) {
            tables.drained(connection, host);
        }
    }

    /// Lets time pass: refuses users that have knocked for too long, and awaits hellos no more that
    /// have not come in time. Returns when something of that is due the next time.
    pub fn tick<H: Host>(&mut self, host: &mut H) -> Option<Instant> {
        let mut tables = self.tables();
        tables.end_old_knocks(host);
        tables.end_old_awaits(host);
        let now = host.now();
        let (knock, hello) = (tables.next_knock_ends(now), tables.next_await_ends(now));
        knock.map_or(hello, |knock| Some(hello.map_or(knock, |hello| hello.min(knock))))
    }

    /// Ends a membership because what was sent there was not taken for too long
    /// ([`Outcome::WaitForWindow`]). Returns false if it is gone already.
    pub fn end_membership<H: Host>(&mut self, membership: Membership, host: &mut H) -> bool {
        let mut tables = self.tables();
        let is_there = |slot: &MembershipSlot| slot.sequence == membership.sequence && slot.sequence != 0;
        if !tables.membership(membership.index).is_some_and(is_there) {
            return false;
        }
        tables.end_too_slow(membership.index, host);
        true
    }

    /// Ends all memberships in which a connection that does not take part may send nothing, because
    /// the window of the other side is used up; 256 of them at most. For a sender that has waited
    /// for one of them for so long that the others have granted nothing for too long as well.
    /// Returns how many it ended.
    pub fn end_used_up<H: Host>(&mut self, sender: ConnectionId, host: &mut H) -> usize {
        let mut tables = self.tables();
        if tables.connection(sender).is_none() {
            return 0;
        }
        tables.end_used_up(sender, host)
    }

    /// Tells an endpoint that has said hello after how many milliseconds it shall come back, before
    /// its connection is closed.
    pub fn say_come_back<H: Host>(&mut self, connection: ConnectionId, millis: u32, host: &mut H) {
        if self.takes_part(connection) {
            host.push(connection, &to_endpoint::come_back_in(millis), &[]);
        }
    }

    /// Whether a connection takes part in flow control and admission.
    #[must_use]
    pub fn takes_part(&mut self, connection: ConnectionId) -> bool {
        self.tables().connection(connection).is_some_and(|slot| slot.stage == Stage::Part)
    }

    /// Whether the first command of a connection has said that a hello will come, and it has not
    /// come yet.
    #[must_use]
    pub fn awaits_hello(&mut self, connection: ConnectionId) -> bool {
        self.tables().connection(connection).is_some_and(|slot| slot.stage == Stage::Awaited)
    }

    /// The tables.
    #[must_use]
    pub const fn storage(&self) -> &S {
        &self.storage
    }

    /// The tables, to change how far they may grow. What is in them is the relay's.
    pub const fn storage_mut(&mut self) -> &mut S {
        &mut self.storage
    }

    /// Number of connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.counters.connections.now()
    }

    /// Number of channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.counters.channels.now()
    }

    /// Number of users, counted once in each channel they are in.
    #[must_use]
    pub fn memberships(&self) -> usize {
        self.counters.memberships.now()
    }

    /// Number of pages in use, of all tables together; see [`memory`]. 0 while there is no channel.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.counters.pages.now()
    }

    /// Whether what a connection has to send next is for users of a channel of its own. `rest` is
    /// what [`receive`](Self::receive) has left unused when it said [`Outcome::WaitFor`].
    #[must_use]
    pub fn is_for_users(&mut self, connection: ConnectionId, rest: &[u8]) -> bool {
        match self.tables().connection(connection) {
            Some(slot) if slot.left > 0 => matches!(slot.target.kind, Kind::User | Kind::Users),
            _ => matches!(rest, [1, ..] | [2..=127, 128..=255, ..] | [128..=255, _, 128..=255, ..]),
        }
    }

    /// Numbers of channels that a connection owns and has entered; 0 of both if it is gone.
    #[must_use]
    pub fn channels_of(&mut self, connection: ConnectionId) -> (usize, usize) {
        self.tables().connection(connection).map_or((0, 0), |slot| (slot.own.used(), slot.entered.used()))
    }

    /// Shows each channel that a connection owns to `each`: its number, its name, and how many
    /// users it has.
    pub fn own_channels(&mut self, connection: ConnectionId, mut each: impl FnMut(u8, &[u8], usize)) {
        let mut tables = self.tables();
        if tables.connection(connection).is_none() {
            return;
        }
        for number in 0..=u8::MAX {
            let Some(index) = tables.own(connection, number) else { continue };
            let Some(channel) = tables.channel(index) else { continue };
            each(number, tables.name(channel).as_bytes(), channel.users.used());
        }
    }

    #[inline]
    fn tables(&mut self) -> Tables<'_> {
        Tables { parts: self.storage.parts(), counters: &mut self.counters }
    }

    /// Makes room for what one command can need at most, where the storage can grow.
    fn reserve(&mut self) {
        let parts = self.storage.parts();
        let short =
            |taken: places::Taken, len: usize, needed: usize| len.saturating_sub(taken.now()) < needed;
        let (channels, memberships, pages, buckets) = (
            short(self.counters.channels, parts.channels.len(), 1),
            short(self.counters.memberships, parts.memberships.len(), 1),
            // half of the pages are to stay free, see `Numbers`
            short(self.counters.pages, parts.pages.len() / 2, NAME_PAGES.saturating_add(2)),
            short(self.counters.channels, parts.buckets.len(), 1),
        );
        if channels {
            self.storage.grow(Pool::Channels);
        }
        if memberships {
            self.storage.grow(Pool::Memberships);
        }
        if pages {
            self.storage.grow(Pool::Pages);
        }
        if buckets && self.storage.grow(Pool::Buckets) {
            self.tables().chain_anew();
        }
    }
}

impl<S: Storage + Default> Default for Relay<S> {
    fn default() -> Self {
        Self::new(S::default())
    }
}
