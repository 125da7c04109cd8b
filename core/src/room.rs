//! Rooms without a dedicated server: the first program that comes serves the room, others enter it.
//! When the server goes, one of the users takes over.
//!
//! Which program serves is the relay's decision: a channel's name belongs to one connection. A
//! [`Room`] enters the channel, creates it where there is none, and enters it after all where
//! another program was faster. It sends nothing in the channel; what server and users say to each
//! other is the program's.
//!
//! ```no_run
//! # use embedded_io::{Read, ReadReady, Write, WriteReady};
//! use peote_net::link::{Error, Event, Link, Mode, link_buffers};
//! use peote_net::room::{Change, Room};
//! use peote_net::time::Instant;
//!
//! # fn play<T: Read + ReadReady + Write + WriteReady>(
//! #     transport: &mut T, now: impl Fn() -> Instant,
//! # ) -> Result<(), Error<T::Error>> {
//! type Memory = link_buffers!(chunk: 1024, parties: 16, own_channels: 1, transmit: 4096);
//! let mut link = Link::<Memory>::new();
//! let mut room = Room::new("tea", Mode::chunks(1024));
//! loop {
//!     room.drive(&mut link.out(), now()).map_err(Error::Handler)?;
//!     link.poll(transport, now(), |event, out| {
//!         match room.observe(&event, now()) {
//!             Some(Change::Serving(_)) => println!("this program serves the room"),
//!             Some(Change::Entered(server)) => return out.send(server, b"hello"),
//!             Some(Change::Out(reason)) => println!("out of the room: {reason}"),
//!             Some(Change::Refused(_)) => return event.ok(),
//!             None => {}
//!         }
//!         match event {
//!             Event::Chunk { from, bytes } => println!("{from}: {bytes:?}"),
//!             _ => {} // refusals among them that the room deals with
//!         }
//!         Ok(())
//!     })?;
//!     // sleep until the transport is ready, link.next_deadline(), or room.next_deadline()
//! }
//! # }
//! ```
//!
//! # What there is to know
//!
//! - All programs of a room use the same name and mode.
//! - What the server knew is gone with it. A server that takes over asks the users, or the users
//!   tell it: each of them has a [`Change::Entered`] again.
//! - A relay notices a connection that was cut off some time later. Until then such a room has a
//!   server that says nothing, and no program can take over. A program that hears nothing from the
//!   server for too long calls [`Room::leave`] and says so.
//! - After a lost connection the room begins anew with the next one. A link without a list of
//!   channels that come back is enough. A room must not be on such a list, nor be entered by other
//!   means.

use crate::Reason;
#[cfg(feature = "admission")]
use crate::link::Admission;
use crate::link::{Channel, EnteredChannel, Event, Mode, Out, OwnChannel, SendError};
use crate::reconnect::Backoff;
use crate::time::{Duration, Instant};

/// One program's part in a room; the [module](self) has an example.
///
/// `N` is the room's name.
#[derive(Clone, Debug)]
pub struct Room<N> {
    name: N,
    mode: Mode,
    #[cfg(feature = "admission")]
    words: Option<N>,
    #[cfg(feature = "admission")]
    admission: Admission,
    /// Of attempts that failed because others were faster, or for a reason that may pass.
    backoff: Backoff,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The next attempt is due then: to enter, or to create.
    Waiting {
        until: Instant,
        create: bool,
    },
    /// The relay is asked.
    Asked(Channel),
    In(Channel),
    /// The program has left, or was sent away.
    Left,
}

/// What has become of a program's part in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Change {
    /// This program is the room's server.
    Serving(OwnChannel),
    /// This program is a user of the room, which another one serves.
    Entered(EnteredChannel),
    /// The program is no longer in the room. It goes in again by itself, as server or user.
    Out(Reason),
    /// The program cannot be in the room: it was refused for a reason that does not pass by itself,
    /// its [backoff](Room::with_backoff) has ended, or the server has removed it. [`Room::join`]
    /// tries again.
    Refused(Reason),
}

impl<N: AsRef<[u8]>> Room<N> {
    /// The delay after the first attempt that failed because another program was faster. It doubles
    /// up to 4 s, less up to 100 % of jitter, unless [`with_backoff`](Self::with_backoff) says
    /// otherwise.
    pub const FIRST_DELAY: Duration = Duration::from_millis(50);

    /// A room that this program goes into as soon as [`drive`](Self::drive) is called.
    #[must_use]
    pub const fn new(name: N, mode: Mode) -> Self {
        let backoff = Backoff::new().with_delays(Self::FIRST_DELAY, Duration::from_secs(4));
        Self {
            name,
            mode,
            #[cfg(feature = "admission")]
            words: None,
            #[cfg(feature = "admission")]
            admission: Admission::Open,
            backoff: backoff.with_jitter_percent(100),
            state: State::ENTER,
        }
    }

    /// Says `words` when the program goes in as a user, to whichever program serves the room: see
    /// [`Out::enter_with`].
    #[cfg(feature = "admission")]
    #[must_use]
    pub fn with_words(mut self, words: N) -> Self {
        self.words = Some(words);
        self
    }

    /// Who may enter while this program serves the room: see [`Out::set_admission`], which changes
    /// it later. A room that [asks](Admission::Ask) has the server's program answer each
    /// [`Event::Knock`].
    #[cfg(feature = "admission")]
    #[must_use]
    pub fn with_admission(mut self, admission: Admission) -> Self {
        self.admission = admission;
        self
    }

    /// Other delays. A backoff that ends, see [`Backoff::with_most_attempts`], ends the attempts
    /// with [`Change::Refused`].
    ///
    /// Programs with equal seeds get in each other's way for longer: see [`Backoff::with_seed`].
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Returns the room's name.
    #[must_use]
    pub const fn name(&self) -> &N {
        &self.name
    }

    /// Returns the channel, if the program is in the room: its own if it is the server.
    #[must_use]
    pub const fn channel(&self) -> Option<Channel> {
        match self.state {
            State::In(channel) => Some(channel),
            _ => None,
        }
    }

    /// Returns true if this program is the room's server.
    #[must_use]
    pub const fn is_server(&self) -> bool {
        matches!(self.state, State::In(Channel::Own(_)))
    }

    /// Asks the relay if that is due. To be called in front of each poll. Does not block.
    ///
    /// Returns without an error if there is no room in the transmit queue; the attempt stays due.
    ///
    /// # Errors
    /// The link has no slot for the channel, or the name or the mode cannot be.
    pub fn drive(&mut self, out: &mut Out<'_>, now: Instant) -> Result<(), SendError> {
        let State::Waiting { until, create } = self.state else { return Ok(()) };
        if until > now {
            return Ok(());
        }
        let asked =
            if create { self.create(out).map(Channel::Own) } else { self.enter(out).map(Channel::Entered) };
        match asked {
            Ok(channel) => self.state = State::Asked(channel),
            Err(SendError::WouldBlock) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    #[cfg(feature = "admission")]
    fn create(&self, out: &mut Out<'_>) -> Result<OwnChannel, SendError> {
        let channel = out.create(self.name.as_ref(), self.mode)?;
        if self.admission != Admission::Open {
            out.set_admission(channel, self.admission)?;
        }
        Ok(channel)
    }

    #[cfg(feature = "admission")]
    fn enter(&self, out: &mut Out<'_>) -> Result<EnteredChannel, SendError> {
        match &self.words {
            Some(words) => out.enter_with(self.name.as_ref(), self.mode, words.as_ref()),
            None => out.enter(self.name.as_ref(), self.mode),
        }
    }

    #[cfg(not(feature = "admission"))]
    fn create(&self, out: &mut Out<'_>) -> Result<OwnChannel, SendError> {
        out.create(self.name.as_ref(), self.mode)
    }

    #[cfg(not(feature = "admission"))]
    fn enter(&self, out: &mut Out<'_>) -> Result<EnteredChannel, SendError> {
        out.enter(self.name.as_ref(), self.mode)
    }

    /// Takes note of an event. Returns what it means for the room, if it means something.
    ///
    /// To be called with every event. What [`drive`](Self::drive) does because of it is due at
    /// once: see [`next_deadline`](Self::next_deadline). Of an event that is delivered again only
    /// an opening is told again; ends are told once.
    pub fn observe(&mut self, event: &Event<'_>, now: Instant) -> Option<Change> {
        let channel = match self.state {
            State::Asked(channel) | State::In(channel) => channel,
            State::Waiting { .. } | State::Left => return None,
        };
        if event.channel() != Some(channel) {
            return None;
        }
        match *event {
            Event::Opened { .. } => {
                self.backoff.reset();
                self.state = State::In(channel);
                Some(match channel {
                    Channel::Own(channel) => Change::Serving(channel),
                    Channel::Entered(channel) => Change::Entered(channel),
                })
            }
            Event::Refused { reason, .. } => self.refused(reason, now),
            Event::Closed { reason: Reason::Kicked, .. } => {
                self.state = State::Left;
                Some(Change::Refused(Reason::Kicked))
            }
            Event::Closed { reason: reason @ Reason::LinkLost, .. } => {
                self.state = State::ENTER;
                Some(Change::Out(reason))
            }
            // the server is gone: the fastest takes over
            Event::Closed { reason, .. } => {
                self.state = State::Waiting { until: now, create: true };
                Some(Change::Out(reason))
            }
            _ => None,
        }
    }

    fn refused(&mut self, reason: Reason, now: Instant) -> Option<Change> {
        match reason {
            Reason::NoSuchChannel => self.state = State::Waiting { until: now, create: true },
            Reason::LinkLost => self.state = State::ENTER,
            // another program was faster, the server has not answered, or an attempt that was given
            // up is still under way: with time in between
            Reason::NameInUse | Reason::NoAnswer | Reason::AlreadyEntered | Reason::OwnChannel => {
                let is_first = reason == Reason::NameInUse && self.backoff.attempts() == 0;
                let Ok(later) = self.backoff.next(now) else {
                    self.state = State::Left;
                    return Some(Change::Refused(reason));
                };
                let until = if is_first { now } else { later };
                self.state = State::Waiting { until, create: false };
            }
            _ => {
                self.state = State::Left;
                return Some(Change::Refused(reason));
            }
        }
        None
    }

    /// Leaves the room, or gives up going in. A server that leaves lets a user take over.
    ///
    /// # Errors
    /// [`SendError::WouldBlock`]: nothing has happened. Try again after a poll.
    pub fn leave(&mut self, out: &mut Out<'_>) -> Result<(), SendError> {
        if let State::Asked(channel) | State::In(channel) = self.state {
            let left = match channel {
                Channel::Own(channel) => out.delete(channel),
                Channel::Entered(channel) => out.leave(channel),
            };
            // it may have ended already, and the event be under way
            if left == Err(SendError::WouldBlock) {
                return left;
            }
        }
        self.state = State::Left;
        Ok(())
    }

    /// Goes into the room after [`leave`](Self::leave) or [`Change::Refused`]. Does nothing if the
    /// program is in it, or on its way.
    pub const fn join(&mut self) {
        if matches!(self.state, State::Left) {
            self.backoff.reset();
            self.state = State::ENTER;
        }
    }

    /// Returns when [`drive`](Self::drive) has to be called, even if no event comes; `None` for
    /// never.
    #[must_use]
    pub const fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { until, .. } => Some(until),
            _ => None,
        }
    }
}

impl State {
    const ENTER: Self = Self::Waiting { until: Instant::ZERO, create: false };
}
