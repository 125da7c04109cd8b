//! Coming back after a lost connection: when to try again, and which channels to create and to
//! enter again.
//!
//! A [`Link`](crate::link::Link) that has lost its connection tells every channel, and is then as
//! new. [`Reconnect`] is a list of channels that stands *beside* the link. It says when to open
//! another transport, and has the channels of the list created and entered in order, under the
//! handles that they have had. It holds no transport, reads no clock and allocates nothing.
//! [`Backoff`], the rule of delays, is of use without it.
//!
//! # The loop
//!
//! ```
//! # #[cfg(feature = "server")] mod server {
//! use peote_net::link::{Error, Event, Link, Mode, link_buffers};
//! use peote_net::reconnect::{Backoff, Reconnect, Status};
//! use peote_net::time::Instant;
//! # use embedded_io::{Read, ReadReady, Write, WriteReady};
//!
//! type Memory =
//!     link_buffers!(chunk: 1024, parties: 8, own_channels: 1, transmit: 4096, receive: 1024);
//!
//! /// An echo server that comes back, until it has been tried in vain for long enough, or its
//! /// channel is given up.
//! fn echo<T: Read + ReadReady + Write + WriteReady>(
//!     open: impl Fn() -> Option<T>, now: impl Fn() -> Instant, seed: u64,
//! ) {
//!     let mut link = Link::<Memory>::new();
//!     let rules = Backoff::new().with_seed(seed).with_most_attempts(10);
//!     let mut reconnect = Reconnect::<&str, 1>::new(rules);
//!     let Ok(_echo) = reconnect.create(&mut link.out(), "echo", Mode::chunks(1024)) else { return };
//!     let mut transport: Option<T> = None;
//!     while !matches!(reconnect.status(), Status::GivenUp(_)) {
//!         if reconnect.start_attempt(now()) {
//!             transport = open();
//!             if transport.is_some() { reconnect.connected() } else { reconnect.failed(now()) }
//!         }
//!         if let Some(connection) = &mut transport {
//!             while let Some(_notice) = reconnect.restore(&mut link.out(), now()) {}
//!             let polled = link.poll(connection, now(), |event, out| {
//!                 // first of all, and with every event
//!                 let Some(event) = reconnect.follow(event, now()) else { return Ok(()) };
//!                 match event {
//!                     Event::Chunk { from, bytes } => out.send(from, bytes),
//!                     other => other.ok(), // it was given up: says why
//!                 }
//!             });
//!             match polled {
//!                 Ok(()) => {}
//!                 Err(Error::Handler(_)) => return,
//!                 Err(_) => {
//!                     transport = None;
//!                     reconnect.failed(now());
//!                 }
//!             }
//!         }
//!         // sleep here until the transport is ready, `link.next_deadline()` or
//!         // `reconnect.next_deadline()`
//!     }
//! }
//! # }
//! ```
//!
//! With [`Link::next_event_if`](crate::link::Link::next_event_if) the middle of it is as follows.
//! After the error it has to be called on, with the same transport, until it returns `None`: that
//! is when the channels are told.
//!
//! ```
//! # use peote_net::{link::{Buffers, Error, Event, Link}, reconnect::Reconnect, time::Instant};
//! # use embedded_io::{Read, ReadReady, Write, WriteReady};
//! # fn turn<B: Buffers, T: Read + ReadReady + Write + WriteReady>(
//! #     link: &mut Link<B>, reconnect: &mut Reconnect<&str, 1>, transport: &mut Option<T>,
//! #     now: Instant,
//! # ) {
//! let Some(connection) = transport else { return };
//! while let Some(_notice) = reconnect.restore(&mut link.out(), now) {}
//! let mut lost = false;
//! loop {
//!     match link.next_event_if(connection, now, |event| reconnect.follow(event, now)) {
//!         Ok(Some((event, mut out))) => {
//!             if let Event::Chunk { from, bytes } = event && out.send(from, bytes).is_err() {
//!                 out.again();
//!             }
//!         }
//!         Ok(None) => break,
//!         Err(_) => lost = true,
//!     }
//! }
//! if lost {
//!     *transport = None;
//!     reconnect.failed(now);
//! }
//! # }
//! ```
//!
//! # What is told, and what cannot be known
//!
//! - **Every channel of the list is, at every time, open, being restored, or given up**
//!   ([`ChannelList::state`]), and each change is told once. A program sees [`Event::Opened`]
//!   whenever a channel is open, the first time or again; [`Event::Away`] when it was open and is
//!   asked for again; [`Event::Refused`] or [`Event::Closed`] when it is given up.
//!   [`ChannelList::restore`] and [`ChannelList::observe`] return details.
//! - An event that the handler keeps ([`Flow::Again`](crate::link::Flow::Again)) means the same
//!   when it comes again. Its channel is not asked for before the handler has dealt with it.
//! - **Handles stay the same**, from `create` and `enter` of a list to
//!   [`ChannelList::remove`]. While a channel is not open, sending says
//!   [`SendError::NotOpen`]. Each channel of the list has a slot of the link all the time.
//! - **Nothing is sent again.** What was queued and not handed to the transport was not delivered.
//!   What *was* handed to it may have been delivered or not: only an answer tells. Programs for
//!   which that matters number their messages and let the other end say which it has.
//! - **Users are new.** The users of an own channel that were there at the loss are gone without
//!   further events, and come again, if at all, with [`Event::UserEntered`] and perhaps other
//!   numbers. The server of an entered channel sees a former user go (when the relay has noticed)
//!   and a new one come. Who they are has to be said anew.
//! - **Words and admission** (feature `admission`) come back, too: what is said at a door is said each
//!   time, and a channel that asks asks again. A refusal of the channel's server
//!   ([`Reason::RefusedByServer`]) is not asked for again by itself.
//! - **A relay that drains** says when to come back (`Event::ComeBack`); no attempt is made before,
//!   for an hour at most.
//! - What was said in an entered channel while the connection was lost has not been heard.
//!
//! - **A relay that does not answer** is told with [`Cause::NoAnswer`]: it says keepalives, but has
//!   not answered for a channel within 15 s ([`ChannelList::set_answer_timeout`]). It obeys
//!   commands in their order, so it obeys nothing that was sent since, and the channel is not asked
//!   for again on this connection. A program with a loop of its own ends the transport then
//!   ([`Notice::is_unanswered`]), and treats it as lost.
//!
//! # Which refusals are final
//!
//! A relay notices late that a connection is lost. Until then it holds on to the name of a channel
//! whose server is coming back already, and to the places of users. So these may pass, and the
//! channel is asked for again under the rules of delays, unless [`Retry`] says otherwise: name in
//! use, no such channel, channel full, the channel is gone because its server's connection was
//! lost, no free slot for a local user, no answer from the relay within 15 s
//! ([`ChannelList::set_answer_timeout`]). Everything else is final: the channel was deleted on
//! purpose, this program was removed or blocked, it has too many channels.
//!
//! [`Event::Opened`]: crate::link::Event::Opened
//! [`Event::Away`]: crate::link::Event::Away
//! [`Event::Refused`]: crate::link::Event::Refused
//! [`Event::Closed`]: crate::link::Event::Closed
//! [`Event::UserEntered`]: crate::link::Event::UserEntered
//! [`Reason::RefusedByServer`]: crate::Reason::RefusedByServer

mod backoff;
mod entries;
mod entry;
mod random;
mod report;
mod restoring;

pub use backoff::{Backoff, Exhausted};
pub use entries::Entries;
pub use entry::Entry;
pub use report::{Cause, ChannelState, Notice, Retry, Status};

#[cfg(feature = "server")]
use crate::link::OwnChannel;
use crate::link::{Channel, EnteredChannel, Mode, Out, SendError};
use crate::protocol::MAX_NAME;
use crate::time::{Duration, Instant};
use entry::NEVER;

/// A list of at most `CHANNELS` channels that come back after a lost connection.
///
/// `N` is what names are kept in: `&'static str`, `heapless::String`, `String`.
///
/// It takes `CHANNELS × (88 + 2 × size of N) + 184` bytes, rounded up to a multiple of 8, if
/// `Option<N>` is as large as `N`; without feature `admission`, `CHANNELS × (88 + size of N) + 184`,
/// and without `flow` 8 less. On 32-bit targets it takes less. Moving and copying it is harmless.
pub type Reconnect<N, const CHANNELS: usize> = ChannelList<[Entry<N>; CHANNELS]>;

/// A list of channels that come back after a lost connection, and when to connect. The
/// [module](self) shows the loop around it. It belongs to one link.
///
/// `E` is what it lies in: see [`Reconnect`], or a `Vec` of [`Entry`] with feature `alloc`.
#[derive(Clone, Debug)]
pub struct ChannelList<E> {
    entries: E,
    connection: Connection,
    attempts: Backoff,
    retries: Backoff,
    retry: Retry,
    next_order: u32,
    answer_timeout: Duration,
    /// The relay drains: no attempt is made before.
    #[cfg(feature = "flow")]
    come_back: Instant,
    /// When channels were due that could not be asked for.
    stuck_at: Option<Instant>,
    /// No channel waits for anything, as far as the last look has shown.
    is_settled: bool,
    /// A channel was dropped on this connection before the relay had answered for it.
    has_dropped_asked: bool,
}

/// How long a channel waits that is due and could not be asked for: its end has not been dealt
/// with, or the link has no room. What changes that need not be an event.
const STUCK: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug)]
enum Connection {
    Lost { until: Instant },
    Connecting,
    Up,
    GivenUp(Exhausted),
}

impl<N, const CHANNELS: usize> ChannelList<[Entry<N>; CHANNELS]> {
    /// An empty list, and no connection yet: the first attempt is due at once. `rules` are those of
    /// attempts to connect, and of asking for a channel again that has been refused for a reason
    /// that may pass.
    #[must_use]
    pub const fn new(rules: Backoff) -> Self {
        Self::with_entries([const { Entry::FREE }; CHANNELS], rules)
    }
}

#[cfg(feature = "alloc")]
impl<N> ChannelList<alloc::vec::Vec<Entry<N>>> {
    /// The same as a list that grows.
    #[must_use]
    pub const fn growing(rules: Backoff) -> Self {
        Self::with_entries(alloc::vec::Vec::new(), rules)
    }
}

impl<E> ChannelList<E> {
    /// How long the relay may take to answer for a channel: 15 s, unless
    /// [`set_answer_timeout`](Self::set_answer_timeout) says otherwise.
    pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

    const fn with_entries(entries: E, rules: Backoff) -> Self {
        Self {
            entries,
            connection: Connection::Lost { until: Instant::ZERO },
            attempts: rules,
            retries: rules,
            retry: Retry::IfOpenedBefore,
            next_order: 0,
            answer_timeout: Self::ANSWER_TIMEOUT,
            #[cfg(feature = "flow")]
            come_back: Instant::ZERO,
            stuck_at: None,
            is_settled: true,
            has_dropped_asked: false,
        }
    }

    /// Other rules for asking for a channel again than for attempts to connect. They hold for each
    /// channel by itself, counted from its first refusal.
    #[must_use]
    pub const fn with_channel_rules(mut self, rules: Backoff) -> Self {
        self.retries = rules;
        self
    }

    /// What to do about refusals that may pass, for channels that are added from now on.
    /// [`Retry::IfOpenedBefore`] without this call.
    #[must_use]
    pub const fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sets how long the relay may take to answer for a channel; `None`: for ever.
    ///
    /// The time begins with the [`restore`](Self::restore) that asks for the channel. Time in which
    /// the link sends what was queued before counts, so a slow line needs a longer one. When it is
    /// over, a `restore` tells so with [`Cause::NoAnswer`], at most a second later. Holds for
    /// channels that are asked for after the call.
    pub const fn set_answer_timeout(&mut self, timeout: Option<Duration>) {
        self.answer_timeout = match timeout {
            Some(timeout) => timeout,
            None => Duration::from_millis(NEVER),
        };
    }

    /// Makes an attempt due at once, also after giving up, with short delays behind it: the user
    /// has asked for it, or the network is there again. Does nothing while connecting or connected.
    pub const fn try_now(&mut self) {
        if matches!(self.connection, Connection::Lost { .. } | Connection::GivenUp(_)) {
            self.attempts.reset();
            self.connection = Connection::Lost { until: Instant::ZERO };
        }
    }

    /// Returns true if an attempt to connect is due. If so it counts as started:
    /// [`connected`](Self::connected) or [`failed`](Self::failed) has to follow, now or, when
    /// connecting does not block, later.
    pub fn start_attempt(&mut self, now: Instant) -> bool {
        let due = matches!(self.connection, Connection::Lost { until } if until <= now);
        if due {
            self.connection = Connection::Connecting;
        }
        due
    }

    /// The attempt has failed, or the connection is lost: a poll has ended with an error other than
    /// [`Error::Handler`](crate::link::Error::Handler). The next attempt is put off or, if there is
    /// none any more, everything is given up; see [`status`](Self::status). Does nothing if neither
    /// is the case.
    pub fn failed(&mut self, now: Instant) {
        if matches!(self.connection, Connection::Connecting | Connection::Up) {
            self.connection = match self.attempts.next(now) {
                #[cfg(feature = "flow")]
                Ok(until) => Connection::Lost { until: until.max(self.come_back) },
                #[cfg(not(feature = "flow"))]
                Ok(until) => Connection::Lost { until },
                Err(exhausted) => Connection::GivenUp(exhausted),
            };
        }
    }
}

/// The list.
impl<E: Entries> ChannelList<E> {
    /// Adds a channel that this program is to be the server of. It is created at the next
    /// [`restore`](Self::restore) with a connection. Its handle is valid at once, and until it is
    /// [removed](Self::remove), however often it is lost and comes back.
    ///
    /// # Errors
    /// [`SendError::ListFull`], [`SendError::NameTooLong`], [`SendError::QueueTooSmall`] for the
    /// command, [`SendError::ChunkLimit`], [`SendError::TooManyOwnChannels`].
    #[cfg(feature = "server")]
    pub fn create(&mut self, out: &mut Out<'_>, name: E::Name, mode: Mode) -> Result<OwnChannel, SendError>
    where
        E::Name: AsRef<[u8]>,
    {
        let at = self.free_entry(out, name.as_ref())?;
        let channel = out.reserve_own(mode)?;
        self.add(at, channel.into(), name, mode);
        Ok(channel)
    }

    /// Adds a channel that this program is to be a user of. It is entered at the next
    /// [`restore`](Self::restore) with a connection. Its handle is valid at once, and until it is
    /// [removed](Self::remove), however often it is lost and comes back.
    ///
    /// # Errors
    /// [`SendError::ListFull`], [`SendError::NameTooLong`], [`SendError::QueueTooSmall`] for the
    /// command, [`SendError::ChunkLimit`], [`SendError::TooManyParties`].
    pub fn enter(&mut self, out: &mut Out<'_>, name: E::Name, mode: Mode) -> Result<EnteredChannel, SendError>
    where
        E::Name: AsRef<[u8]>,
    {
        let at = self.free_entry(out, name.as_ref())?;
        let channel = out.reserve_entered(mode)?;
        self.add(at, channel.into(), name, mode);
        Ok(channel)
    }

    /// Like [`enter`](Self::enter), and says `words` at the door each time: see
    /// [`Out::enter_with`].
    ///
    /// # Errors
    /// Those of [`enter`](Self::enter), and [`SendError::WordsTooLong`].
    #[cfg(feature = "admission")]
    pub fn enter_with(
        &mut self,
        out: &mut Out<'_>,
        name: E::Name,
        mode: Mode,
        words: E::Name,
    ) -> Result<EnteredChannel, SendError>
    where
        E::Name: AsRef<[u8]>,
    {
        let len = words.as_ref().len();
        if len > crate::protocol::MAX_WORDS {
            return Err(SendError::WordsTooLong { len });
        }
        let channel = self.enter(out, name, mode)?;
        if let Some(entry) = self.entry_mut(channel.into()) {
            entry.words = Some(words);
        }
        Ok(channel)
    }

    /// Returns the index of a free entry, for a channel of this name.
    fn free_entry(&mut self, out: &mut Out<'_>, name: &[u8]) -> Result<usize, SendError> {
        if name.len() > MAX_NAME {
            return Err(SendError::NameTooLong { len: name.len() });
        }
        out.check_command(name.len())?;
        self.sweep(out);
        let is_free = |entry: &Entry<E::Name>| entry.channel.is_none();
        if let Some(at) = self.entries.entries().iter().position(is_free) {
            return Ok(at);
        }
        if !self.entries.grow() {
            return Err(SendError::ListFull { capacity: E::CAPACITY });
        }
        Ok(self.entries.entries().len().saturating_sub(1))
    }

    fn add(&mut self, at: usize, channel: Channel, name: E::Name, mode: Mode) {
        let order = self.next_order;
        self.next_order = order.wrapping_add(1);
        self.is_settled = false;
        if let Some(entry) = self.entries.entries_mut().get_mut(at) {
            *entry = Entry::new(channel, name, mode, self.retry, order);
        }
    }

    /// Forgets channels that the program has left or deleted by other means.
    fn sweep(&mut self, out: &mut Out<'_>) {
        for entry in self.entries.entries_mut() {
            if entry.channel.is_some_and(|channel| !out.is_valid(channel)) {
                self.has_dropped_asked |= entry.awaits_answer();
                *entry = Entry::FREE;
            }
        }
    }

    /// Sets what to do about refusals of this channel that may pass. Returns false if there is no
    /// such channel.
    pub fn set_retry(&mut self, channel: impl Into<Channel>, retry: Retry) -> bool {
        self.entry_mut(channel.into()).map(|entry| entry.retry = retry).is_some()
    }

    /// Takes a channel off the list: deletes it if it is an own channel, leaves it if it is an
    /// entered one. Returns its name; `None` if there is no such channel.
    ///
    /// # Errors
    /// [`SendError::WouldBlock`]: nothing has changed.
    pub fn remove(
        &mut self,
        out: &mut Out<'_>,
        channel: impl Into<Channel>,
    ) -> Result<Option<E::Name>, SendError> {
        let channel = channel.into();
        let Some(entry) = self.entry_mut(channel) else { return Ok(None) };
        let dropped = match channel {
            #[cfg(feature = "server")]
            Channel::Own(channel) => out.delete(channel),
            #[cfg(not(feature = "server"))]
            Channel::Own(_) => Ok(()),
            Channel::Entered(channel) => out.leave(channel),
        };
        if let Err(error @ SendError::WouldBlock) = dropped {
            return Err(error);
        }
        // any other error: the program has dropped it already
        let dropped = core::mem::replace(entry, Entry::FREE);
        self.has_dropped_asked |= dropped.awaits_answer();
        Ok(dropped.name)
    }

    /// Asks at once for a channel that waits or has been given up, as if it were for the first
    /// time. Does nothing to one that is open or being asked for. Returns false if there is no such
    /// channel.
    pub fn retry(&mut self, channel: impl Into<Channel>) -> bool {
        self.is_settled = false;
        self.entry_mut(channel.into()).map(Entry::retry).is_some()
    }

    /// Returns how a channel is; `None` if it is not of this list.
    #[must_use]
    pub fn state(&self, channel: impl Into<Channel>) -> Option<ChannelState> {
        self.entry(channel.into()).map(Entry::state)
    }

    /// Returns the name of a channel; `None` if it is not of this list.
    #[must_use]
    pub fn name(&self, channel: impl Into<Channel>) -> Option<&E::Name> {
        self.entry(channel.into())?.name.as_ref()
    }

    /// Returns all channels of the list.
    pub fn channels(&self) -> impl Iterator<Item = Channel> {
        self.entries.entries().iter().filter_map(|entry| entry.channel)
    }

    fn entry(&self, channel: Channel) -> Option<&Entry<E::Name>> {
        self.entries.entries().iter().find(|entry| entry.channel == Some(channel))
    }

    fn entry_mut(&mut self, channel: Channel) -> Option<&mut Entry<E::Name>> {
        self.entries.entries_mut().iter_mut().find(|entry| entry.channel == Some(channel))
    }
}

/// The connection.
impl<E: Entries> ChannelList<E> {
    /// The attempt was successful: there is a transport. All channels that are not given up are due
    /// at once, even if their delay has not passed.
    ///
    /// Delays are short again only when the relay has been heard of, so that one that accepts
    /// connections and closes them at once is not asked too often.
    pub fn connected(&mut self) {
        if !matches!(self.connection, Connection::Up) {
            self.connection = Connection::Up;
            self.is_settled = false;
            self.has_dropped_asked = false;
            let entries = self.entries.entries_mut().iter_mut();
            entries.filter(|entry| entry.is_waiting()).for_each(Entry::ask_anew);
        }
    }

    /// Returns how it is with the connection and the channels as a whole.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.connection {
            Connection::Lost { until } => Status::Lost { until },
            Connection::Connecting => Status::Connecting,
            Connection::Up if !self.is_settled && self.is_restoring() => Status::Restoring,
            Connection::Up => Status::Connected,
            Connection::GivenUp(exhausted) => Status::GivenUp(exhausted),
        }
    }

    fn is_restoring(&self) -> bool {
        self.entries.entries().iter().any(Entry::is_being_restored)
    }

    /// Returns when [`start_attempt`](Self::start_attempt) or [`restore`](Self::restore) has
    /// something to do that does not follow from an event; `None`: never. A channel that is due and
    /// cannot be asked for now is tried again 100 ms later.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.connection {
            Connection::Lost { until } => Some(until),
            Connection::Up if !self.is_settled => {
                let entries = self.entries.entries();
                let due = entries.iter().filter_map(Entry::due).map(|due| match self.stuck_at {
                    Some(at) if due <= at => at.saturating_add(STUCK),
                    _ => due,
                });
                due.chain(entries.iter().filter_map(Entry::answer_due)).min()
            }
            _ => None,
        }
    }
}
