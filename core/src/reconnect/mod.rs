//! Coming back after a lost connection: when to try again, and which channels to create and to
//! enter again.
//!
//! A [`Link`](crate::link::Link) that has lost its connection tells every channel, and is then as
//! new. [`Reconnect`] is a list of channels that stands *beside* the link. It says when to open
//! another transport, has the channels of the list created and entered in order, and keeps track of
//! the handles, which are new after every connection. It holds no transport, reads no clock and
//! allocates nothing. [`Backoff`], the rule of delays, is of use without it.
//!
//! # The loop
//!
//! ```
//! # #[cfg(feature = "server")] mod server {
//! use peote_net::link::{Error, Event, Link, Mode, link_buffers};
//! use peote_net::reconnect::{Backoff, Notice, Reconnect, Status};
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
//!     let Ok(_echo) = reconnect.create("echo", Mode::chunks(1024)) else { return };
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
//!                 let notice = reconnect.observe(&event, now());
//!                 match (event, notice) {
//!                     (Event::Chunk { from, bytes }, _) => out.send(from, bytes),
//!                     (other, Some(Notice::GivenUp { .. })) => other.ok(), // says why
//!                     _ => Ok(()),
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
//! Refusals that the list tries again are no errors. So the handler asks [`Event::ok`] only where
//! the list has given up.
//!
//! With [`Link::next_event`](crate::link::Link::next_event) the middle of it is as follows. After
//! the error it has to be called on, with the same transport, until it returns `None`: that is when
//! the channels are told.
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
//!     match link.next_event(connection, now) {
//!         Ok(Some((event, mut out))) => {
//!             let _notice = reconnect.observe(&event, now);
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
//! - **Every channel of the list is, at every time, open, being restored, or given up**, and each
//!   change is told once, by the [`Notice`] that [`Reconnect::observe`] or [`Reconnect::restore`]
//!   returns. An event that the handler keeps ([`Flow::Again`](crate::link::Flow::Again)) has its
//!   notice again when it comes again, as things are by then: the same one, unless the channel is
//!   to be asked for anew meanwhile; none, if something newer has been told of the channel.
//! - **Handles are new** after every connection. [`Reconnect::own`] and [`Reconnect::entered`] tell
//!   the present one of a [`Place`], which stays the same; [`Reconnect::place_of`] is the way back.
//! - **Nothing is sent again.** What was queued and not handed to the transport was not delivered.
//!   Of what *was* handed to it nobody can say, short of an answer, whether it was: the connection
//!   may have been lost before or behind it. Programs for which that matters number their messages
//!   and let the other end say which it has.
//! - **Users are new**, too. The users of an own channel that were there at the loss are gone
//!   without further events, and come again, if at all, with [`Event::UserEntered`] and perhaps
//!   other numbers. The server of an entered channel sees a former user go (when the relay has
//!   noticed) and a new one come. Who they are has to be said anew.
//! - What was said in an entered channel while the connection was lost has not been heard.
//!
//! - **A relay that does not answer** is told with [`Cause::NoAnswer`]: it says keepalives, but has
//!   not answered for a channel within 15 s ([`Reconnect::set_answer_timeout`]). It obeys commands
//!   in their order, so it obeys nothing that was sent since. A program with a loop of its own had
//!   better end the transport then, and treat it as lost.
//!
//! # Which refusals are final
//!
//! A relay notices late that a connection is lost. Until then it holds on to the name of a channel
//! whose server is coming back already, and to the places of users. So these may pass, and the
//! channel is asked for again under the rules of delays, unless [`Retry`] says otherwise: name in
//! use, no such channel, channel full, the channel is gone because its server's connection was
//! lost, no free place in the link, no answer from the relay within 15 s
//! ([`Reconnect::set_answer_timeout`]). Everything else is final: the channel was deleted on
//! purpose, this program was removed or blocked, it has too many channels, the name is too long for
//! the transmit ring.

mod backoff;
mod random;
mod report;
mod slot;

pub use backoff::{Backoff, Exhausted};
pub use report::{AddError, Cause, ChannelState, Notice, Place, Retry, Status};

use crate::Reason;
use crate::link::{Channel, EnteredChannel, Event, Mode, Out, OwnChannel, SendError};
use crate::protocol::MAX_NAME;
use crate::time::{Duration, Instant};
use slot::{NEVER, NoRoom, Slot};

/// A list of channels that come back after a lost connection, and when to connect. The
/// [module](self) shows the loop around it.
///
/// `N` is what names are kept in: `&'static str`, `heapless::String`, `String`. `CHANNELS` is how
/// many channels there can be at a time, at most 65,535.
///
/// It takes `CHANNELS × (80 + size of N) + 176` bytes, rounded up to a multiple of 8, if
/// `Option<N>` is as large as `N`. On 32-bit targets a channel takes 72 bytes instead of 80. Moving
/// and copying it is harmless.
#[derive(Clone, Debug)]
pub struct Reconnect<N, const CHANNELS: usize> {
    slots: [Slot<N>; CHANNELS],
    connection: Connection,
    attempts: Backoff,
    retries: Backoff,
    next_order: u32,
    answer_timeout: Duration,
    /// The last time the link had no room for all commands that were due.
    blocked: bool,
}

#[derive(Clone, Copy, Debug)]
enum Connection {
    Lost { until: Instant },
    Connecting,
    Up,
    GivenUp(Exhausted),
}

impl<N, const CHANNELS: usize> Reconnect<N, CHANNELS> {
    const FITS: () = assert!(
        CHANNELS <= u16::MAX as usize,
        "CHANNELS, the number of channels of a `Reconnect`, is 65,535 at most"
    );

    /// How long the relay may take to answer for a channel: 15 s, unless
    /// [`set_answer_timeout`](Self::set_answer_timeout) says otherwise.
    pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

    /// An empty list, and no connection yet: the first attempt is due at once. `rules` are those of
    /// attempts to connect, and of asking for a channel again that has been refused for a reason
    /// that may pass.
    #[must_use]
    pub const fn new(rules: Backoff) -> Self {
        const { Self::FITS };
        Self {
            slots: [const { Slot::FREE }; CHANNELS],
            connection: Connection::Lost { until: Instant::ZERO },
            attempts: rules,
            retries: rules,
            next_order: 0,
            answer_timeout: Self::ANSWER_TIMEOUT,
            blocked: false,
        }
    }

    /// Other rules for asking for a channel again than for attempts to connect. They hold for each
    /// channel by itself, counted from its first refusal.
    #[must_use]
    pub const fn with_channel_rules(mut self, rules: Backoff) -> Self {
        self.retries = rules;
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

    // ---- the list

    /// Adds a channel that this program is to be the server of. It is created at the next
    /// [`restore`](Self::restore) with a connection.
    ///
    /// # Errors
    /// All places are taken, or the name is too long.
    #[cfg(feature = "server")]
    pub fn create(&mut self, name: N, mode: Mode) -> Result<Place, AddError>
    where
        N: AsRef<[u8]>,
    {
        self.add(name, mode, true)
    }

    /// Adds a channel that this program is to be a user of. It is entered at the next
    /// [`restore`](Self::restore) with a connection.
    ///
    /// # Errors
    /// All places are taken, or the name is too long.
    pub fn enter(&mut self, name: N, mode: Mode) -> Result<Place, AddError>
    where
        N: AsRef<[u8]>,
    {
        self.add(name, mode, false)
    }

    fn add(&mut self, name: N, mode: Mode, is_own: bool) -> Result<Place, AddError>
    where
        N: AsRef<[u8]>,
    {
        let len = name.as_ref().len();
        if len > MAX_NAME {
            return Err(AddError::NameTooLong { len });
        }
        let mut free = (0u16..).zip(&mut self.slots).filter(|(_, slot)| slot.name.is_none());
        let (slot, free) = free.next().ok_or(AddError::Full { capacity: CHANNELS })?;
        let order = self.next_order;
        self.next_order = order.wrapping_add(1);
        *free = Slot::new(name, mode, is_own, order);
        Ok(Place { slot, order })
    }

    /// What to do about refusals of this channel that may pass; [`Retry::IfOpenedBefore`] without
    /// this call. Whether there is such a channel.
    pub fn set_retry(&mut self, place: Place, retry: Retry) -> bool {
        self.slot_mut(place).map(|slot| slot.retry = retry).is_some()
    }

    /// Takes a channel off the list: deletes it if it is an own channel, leaves it if it is an
    /// entered one. Returns its name; `None` if there is no such channel.
    ///
    /// # Errors
    /// [`SendError::WouldBlock`]: nothing has changed.
    pub fn remove(&mut self, place: Place, out: &mut Out<'_>) -> Result<Option<N>, SendError> {
        let Some(slot) = self.slot_mut(place) else { return Ok(None) };
        let dropped = match slot.handle() {
            #[cfg(feature = "server")]
            Some(Channel::Own(channel)) => out.delete(channel),
            #[cfg(not(feature = "server"))]
            Some(Channel::Own(_)) => Ok(()),
            Some(Channel::Entered(channel)) => out.leave(channel),
            None => Ok(()),
        };
        if let Err(error @ SendError::WouldBlock) = dropped {
            return Err(error);
        }
        // any other error: it is lost, or the program has dropped it already
        Ok(core::mem::replace(slot, Slot::FREE).name)
    }

    /// Asks at once for a channel that waits or has been given up, as if it were for the first
    /// time. Does nothing to one that is open or being asked for. Whether there is such a channel.
    pub fn retry(&mut self, place: Place) -> bool {
        let slot = self.slot_mut(place);
        let found = slot.is_some();
        if let Some(slot) = slot.filter(|slot| slot.handle().is_none()) {
            slot.ask_anew();
        }
        found
    }

    /// The present handle of an own channel, if it is open.
    #[must_use]
    pub fn own(&self, place: Place) -> Option<OwnChannel> {
        match self.state(place)? {
            ChannelState::Open(Channel::Own(channel)) => Some(channel),
            _ => None,
        }
    }

    /// The present handle of an entered channel, if it is open.
    #[must_use]
    pub fn entered(&self, place: Place) -> Option<EnteredChannel> {
        match self.state(place)? {
            ChannelState::Open(Channel::Entered(channel)) => Some(channel),
            _ => None,
        }
    }

    /// The place of the channel that is open with this handle: of an event's `channel` or `from`.
    /// `None`: it is not of this list, or was lost.
    pub fn place_of(&self, handle: impl Into<Channel>) -> Option<Place> {
        let handle = handle.into();
        self.places().find(|&place| self.state(place) == Some(ChannelState::Open(handle)))
    }

    /// How a channel is; `None` if there is no such channel.
    #[must_use]
    pub fn state(&self, place: Place) -> Option<ChannelState> {
        self.slot(place).map(Slot::state)
    }

    /// The name of a channel; `None` if there is no such channel.
    #[must_use]
    pub fn name(&self, place: Place) -> Option<&N> {
        self.slot(place)?.name.as_ref()
    }

    /// All channels of the list, by index.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        let taken = (0u16..).zip(&self.slots).filter(|(_, slot)| slot.name.is_some());
        taken.map(|(slot, of)| Place { slot, order: of.order })
    }

    fn slot(&self, place: Place) -> Option<&Slot<N>> {
        let slot = self.slots.get(place.index())?;
        (slot.name.is_some() && slot.order == place.order).then_some(slot)
    }

    fn slot_mut(&mut self, place: Place) -> Option<&mut Slot<N>> {
        let slot = self.slots.get_mut(place.index())?;
        (slot.name.is_some() && slot.order == place.order).then_some(slot)
    }

    // ---- the connection

    /// Whether an attempt to connect is due. If so it counts as started:
    /// [`connected`](Self::connected) or [`failed`](Self::failed) has to follow, now or, when
    /// connecting does not block, later.
    pub fn start_attempt(&mut self, now: Instant) -> bool {
        let due = matches!(self.connection, Connection::Lost { until } if until <= now);
        if due {
            self.connection = Connection::Connecting;
        }
        due
    }

    /// The attempt was successful: there is a transport. All channels that are not given up are due
    /// at once, those that were waiting, too.
    ///
    /// Delays are short again only when the relay has been heard of, so that one that accepts
    /// connections and closes them at once is not asked too often.
    pub fn connected(&mut self) {
        if !matches!(self.connection, Connection::Up) {
            self.connection = Connection::Up;
            self.slots.iter_mut().filter(|slot| slot.due().is_some()).for_each(Slot::ask_anew);
        }
    }

    /// The attempt has failed, or the connection is lost: a poll has ended with an error other than
    /// [`Error::Handler`](crate::link::Error::Handler). The next attempt is put off or, if there is
    /// none any more, everything is given up; see [`status`](Self::status). Does nothing if neither
    /// is the case.
    pub fn failed(&mut self, now: Instant) {
        if matches!(self.connection, Connection::Connecting | Connection::Up) {
            self.connection = match self.attempts.next(now) {
                Ok(until) => Connection::Lost { until },
                Err(exhausted) => Connection::GivenUp(exhausted),
            };
        }
    }

    /// Makes an attempt due at once, also after giving up, with short delays behind it: the user
    /// has asked for it, or the network is there again. Does nothing while connecting or connected.
    pub const fn try_now(&mut self) {
        if matches!(self.connection, Connection::Lost { .. } | Connection::GivenUp(_)) {
            self.attempts.reset();
            self.connection = Connection::Lost { until: Instant::ZERO };
        }
    }

    /// How it is with the connection and the channels as a whole.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.connection {
            Connection::Lost { until } => Status::Lost { until },
            Connection::Connecting => Status::Connecting,
            Connection::Up if self.slots.iter().any(Slot::is_being_restored) => Status::Restoring,
            Connection::Up => Status::Connected,
            Connection::GivenUp(exhausted) => Status::GivenUp(exhausted),
        }
    }

    /// When [`start_attempt`](Self::start_attempt) or [`restore`](Self::restore) has something to
    /// do that does not follow from an event; `None`: never. While the link has no room for
    /// commands, its writability ends the sleep.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.connection {
            Connection::Lost { until } => Some(until),
            Connection::Up => {
                let due = self.slots.iter().filter_map(Slot::due).filter(|_| !self.blocked);
                due.chain(self.slots.iter().filter_map(Slot::answer_due)).min()
            }
            _ => None,
        }
    }

    // ---- the channels

    /// Asks for the channels that are due, in the order in which they were added, as far as there
    /// is room for the commands. To be called before every poll, until it returns `None`; does
    /// nothing without a connection. Not to be called by a handler: while the link tells of a loss
    /// its places are not all free.
    ///
    /// A notice says that the link cannot ask for a channel at all, or not now, or that the relay
    /// has not answered for one in time.
    pub fn restore(&mut self, out: &mut Out<'_>, now: Instant) -> Option<Notice>
    where
        N: AsRef<[u8]>,
    {
        self.blocked = false;
        if !matches!(self.connection, Connection::Up) {
            return None;
        }
        let unanswered = (0u16..).zip(&mut self.slots).find_map(|(index, slot)| {
            let place = Place { slot: index, order: slot.order };
            slot.is_unanswered(now).then(|| slot.unanswered(place, out, &mut self.retries, now))
        });
        if unanswered.is_some() {
            return unanswered;
        }
        loop {
            let due =
                (0u16..).zip(&mut self.slots).filter(|(_, slot)| slot.due().is_some_and(|due| due <= now));
            let (slot, next) = due.min_by_key(|(_, slot)| slot.order)?;
            let place = Place { slot, order: next.order };
            match next.ask(place, out, &mut self.retries, now, self.answer_timeout) {
                Ok(None) => {}
                Ok(notice) => return notice,
                Err(NoRoom) => {
                    self.blocked = true;
                    return None;
                }
            }
        }
    }

    /// Takes note of an event, and says what it means for a channel of the list. To be called with
    /// **every** event of the link, before anything else is done with it; events of other channels
    /// are passed over.
    pub fn observe(&mut self, event: &Event<'_>, now: Instant) -> Option<Notice> {
        let (channel, reason) = match *event {
            Event::Opened { channel } => (channel, None),
            Event::Refused { channel, reason, .. } | Event::Closed { channel, reason } => {
                (channel, Some(reason))
            }
            _ => return None,
        };
        if reason != Some(Reason::LinkLost) && matches!(self.connection, Connection::Up) {
            self.attempts.reset();
        }
        // what is there now, or else what has ended and is told again
        let find = |of: fn(&Slot<N>) -> Option<Channel>| {
            self.places().find(|&place| self.slot(place).and_then(of) == Some(channel))
        };
        let place = find(Slot::handle).or_else(|| find(|slot| slot.ended))?;
        let slot = self.slots.get_mut(place.index())?;
        match reason {
            None => slot.opened(place, channel),
            Some(reason) => slot.ended(place, channel, reason, &mut self.retries, now),
        }
    }
}
