//! One connection to a relay, with all the channels that run over it.
//!
//! # The run-loop contract
//!
//! - Call [`Link::poll`] when the transport may have become readable or writable, after sending,
//!   and at [`Link::next_deadline`]. More calls do no harm. Nothing happens between calls.
//!   [`Link::next_event`], called until it returns `None`, does the same without a closure.
//! - One poll reads the transport at most once. So it handles at most as many bytes as the receive
//!   scratch has, and writes at most what the transmit ring holds. [`Link::set_event_limit`] bounds
//!   it further.
//! - A poll never blocks, if the transport's `read` and `write` do not block once the transport has
//!   said that it is ready.
//! - A loop sleeps until the transport is readable (if [`Link::wants_read`]), writable (if
//!   [`Link::wants_write`]), or [`Link::next_deadline`] has come. A deadline of the program's own
//!   by which it wants to *send* is left out while [`Link::wants_write`] is true and there was no
//!   room: it has passed, and would keep the loop awake. Writability wakes the loop.
//! - Events come in the order of what happened. The bytes in an event live as long as the handler's
//!   call. What a handler sends through its `out` is written before the poll ends, as far as the
//!   transport takes it.
//! - Nothing is dropped silently. Sending queues everything or returns an error. An event that a
//!   handler cannot deal with is delivered again ([`Flow::Again`]), and its party waits meanwhile.
//! - After an error other than [`Error::Handler`] the connection is lost. Every channel has been
//!   told, and the link is as new: the next poll can be given a fresh transport. If a handler keeps
//!   an event that tells a channel, that event and those of the other channels come from the next
//!   poll on.
//! - After [`Error::Handler`] poll again before sleeping: there may be more in what has been read
//!   ([`Link::has_more`]).
//!
//! # An echo server
//!
//! ```
//! # #[cfg(feature = "server")] mod server {
//! use peote_net::link::{Error, Event, Link, Mode, link_buffers};
//! use peote_net::time::Instant;
//! # use embedded_io::{Read, ReadReady, Write, WriteReady};
//!
//! type Memory =
//!     link_buffers!(chunk: 1024, parties: 8, own_channels: 1, transmit: 4096, receive: 1024);
//!
//! /// Serves a channel that sends every chunk back, until the connection is lost or the channel is
//! /// refused.
//! fn echo<T>(transport: &mut T, now: impl Fn() -> Instant) -> Result<(), Error<T::Error>>
//! where
//!     T: Read + ReadReady + Write + WriteReady,
//! {
//!     let mut link = Link::<Memory>::new();
//!     link.out().create("echo", Mode::chunks(1024)).map_err(Error::Handler)?;
//!     loop {
//!         link.poll(transport, now(), |event, out| match event {
//!             Event::Chunk { from, bytes } => out.send(from, bytes),
//!             other => other.ok(), // a refusal is an error
//!         })?;
//!         // sleep here until the transport is ready
//!     }
//! }
//! # }
//! ```
//!
//! A handler's last arm says what happens to events that it does not look at. [`Event::ok`] makes
//! an error of each event that ends a channel. An arm `_ => Ok(())` ignores them; programs whose
//! channels [come back](crate::reconnect) end with it.
//!
//! A handler returns [`SendError`], or an error of the program's own: see [`HandlerError`].

mod channel;
mod connection;
mod error;
mod event;
#[cfg_attr(not(feature = "flow"), path = "flow/none/mod.rs")]
mod flow;
mod front;
mod handing;
mod into_flow;
#[cfg_attr(not(feature = "flow"), path = "kept/none/mod.rs")]
mod kept;
#[cfg_attr(not(feature = "local"), path = "local/none.rs")]
mod local;
pub mod memory;
#[cfg(feature = "large-chunks")]
mod partial;
mod receive;
mod ring;
mod send;
mod send_error;
mod session;
mod silence;
mod slots;
mod state;
mod tables;
mod take_in;

pub use channel::{
    Channel, Destination, EnteredChannel, MAX_WHOLE_BROADCAST, Mode, OwnChannel, Source, User,
};
pub use error::Error;
pub use event::Event;
#[cfg(all(feature = "admission", feature = "server"))]
pub use flow::Admission;
#[cfg(feature = "flow")]
pub use flow::Hello;
pub use into_flow::{Flow, HandlerError, IntoFlow};
#[cfg(feature = "local")]
pub use local::SimulatedLine;
#[cfg(feature = "local")]
pub use memory::LocalBuffers;
pub use memory::{Buffers, LinkBuffers, link_buffers};
pub use send::{Out, Payload};
pub use send_error::SendError;
pub use silence::SILENCE_LIMIT;

use embedded_io::{Read, ReadReady, Write, WriteReady};

use crate::time::{Duration, Instant};
#[cfg(feature = "speed")]
use handing::Handler;
use handing::Verdict;
use send::OutParts;
use session::Session;
use silence::SilenceLimit;
use state::{Connection, Round, State};

/// One connection to a relay, with all the channels that run over it. The [module](self) says how
/// to drive it.
///
/// The transport is handed to each poll. `B` is the link's memory: [`link_buffers!`] names its
/// sizes, [`memory`] says what each of them means.
///
/// Beside its buffers a link takes 344 bytes on 64-bit targets with all features, and 160 without
/// any. [Sizes](crate#sizes) has a table, with 32-bit targets.
///
/// ```
/// use std::sync::Mutex;
///
/// use peote_net::link::{Link, link_buffers};
///
/// type Memory = link_buffers!(
///     chunk: 256, parties: 8, own_channels: 1, transmit: 1024, receive: 512
/// );
/// // all zero: it takes no flash, and lies in .bss
/// static LINK: Mutex<Link<Memory>> = Mutex::new(Link::new());
/// # drop(LINK.lock());
/// ```
#[derive(Debug)]
pub struct Link<B: Buffers = LinkBuffers> {
    state: State,
    buffers: B,
}

impl<
    const CHUNK: usize,
    const PARTIES: usize,
    const OWN_CHANNELS: usize,
    const TRANSMIT: usize,
    const RECEIVE: usize,
    const WINDOW: usize,
> Link<LinkBuffers<CHUNK, PARTIES, OWN_CHANNELS, TRANSMIT, RECEIVE, WINDOW>>
{
    /// A link without channels.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_buffers(LinkBuffers::new())
    }
}

impl<
    const CHUNK: usize,
    const PARTIES: usize,
    const OWN_CHANNELS: usize,
    const TRANSMIT: usize,
    const RECEIVE: usize,
    const WINDOW: usize,
> Default for Link<LinkBuffers<CHUNK, PARTIES, OWN_CHANNELS, TRANSMIT, RECEIVE, WINDOW>>
{
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "local")]
impl<
    const CHUNK: usize,
    const PARTIES: usize,
    const OWN_CHANNELS: usize,
    const TRANSMIT: usize,
    const RECEIVE: usize,
    const WINDOW: usize,
    const NAMES: usize,
    const USERS: usize,
    const LINE: usize,
>
    Link<
        LocalBuffers<
            LinkBuffers<CHUNK, PARTIES, OWN_CHANNELS, TRANSMIT, RECEIVE, WINDOW>,
            NAMES,
            USERS,
            LINE,
        >,
    >
{
    /// A link without channels, with memory for local users.
    #[must_use]
    pub const fn with_local_users() -> Self {
        Self::with_buffers(LocalBuffers::new(LinkBuffers::new()))
    }
}

impl<B: Buffers> Link<B> {
    /// A link without channels, with memory of the caller's choice.
    #[must_use]
    pub const fn with_buffers(buffers: B) -> Self {
        Self { state: State::new(), buffers }
    }

    /// The sending half. What is queued through it is written by the next poll.
    pub fn out(&mut self) -> Out<'_> {
        Out::new(&mut self.state, OutParts::of(self.buffers.parts()))
    }

    /// Sets how long the relay may say nothing before the connection counts as lost; `None`: for
    /// ever.
    ///
    /// Relays send a keepalive after 5 s of silence. The default is [`SILENCE_LIMIT`].
    pub const fn set_silence_limit(&mut self, limit: Option<Duration>) {
        self.state.silence_limit = SilenceLimit::new(limit);
    }

    /// Sets what the program tells the relay about itself. Counts from the next connection on, so
    /// call it before the first poll.
    #[cfg(feature = "flow")]
    pub fn set_hello(&mut self, hello: Hello) {
        self.state.flow.set(hello);
    }

    /// Sets how many events one [`poll`](Self::poll) hands over at most; `None`: as many as one
    /// reading brings.
    ///
    /// For loops that have something else to do in time, such as feeding a watchdog or stepping a
    /// motor. What is left comes with the next poll. Until then [`has_more`](Self::has_more) is
    /// true and [`next_deadline`](Self::next_deadline) is in the past, so the loop does not sleep.
    /// Events that are delivered again do not count. The events that tell of a lost connection come
    /// all at once. [`next_event`](Self::next_event) has no limit: its caller counts.
    ///
    /// ```
    /// use core::num::NonZeroU16;
    ///
    /// use peote_net::link::Link;
    ///
    /// let mut link: Link = Link::new();
    /// link.set_event_limit(NonZeroU16::new(4));
    /// ```
    pub const fn set_event_limit(&mut self, limit: Option<core::num::NonZeroU16>) {
        self.state.event_limit = match limit {
            Some(limit) => limit.get(),
            None => 0,
        };
    }

    /// Returns true if events wait that need no reading, because the last poll was broken off by
    /// the [limit of events](Self::set_event_limit) or by an error of the handler.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.state.has_more()
    }

    /// Returns true if something has gone over the transport, in either direction, and the
    /// connection is not lost, as far as this link has found out. A transport that is still
    /// connecting says only that it is not ready.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(self.state.connection, Connection::Heard | Connection::Open)
    }

    /// Returns when the link has to be polled although nothing has come; `None` for never.
    ///
    /// The moment is in the past while events wait that need no reading
    /// ([`has_more`](Self::has_more)). While an event waits for being delivered again, the relay's
    /// silence sets no deadline.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.state.next_deadline()
    }

    /// Returns true if an event waits for being delivered again.
    #[must_use]
    pub const fn has_kept(&self) -> bool {
        self.state.has_kept()
    }

    /// Returns true if polling makes sense when the transport becomes readable. It does not while
    /// what an event keeps waiting has no room left: see [`Flow::Again`].
    #[must_use]
    pub const fn wants_read(&self) -> bool {
        self.state.wants_read()
    }

    /// Returns true if polling makes sense when the transport becomes writable: something is
    /// queued, or an event waits for being delivered again and there is more room than when it
    /// came.
    #[must_use]
    pub const fn wants_write(&self) -> bool {
        self.state.wants_write()
    }

    /// Writes what is queued, reads what has come (once), and hands every event to `handler`
    /// together with the sending half.
    ///
    /// `now` must not run backwards. Does not block. The handler returns `()`, a [`Flow`], or a
    /// `Result` of one of them; see [`IntoFlow`]. The error of that `Result` is [`SendError`], or
    /// one of the program's own that implements [`HandlerError`].
    ///
    /// # Errors
    /// [`Error::Handler`] with the handler's own error, if it returned one that does not stand for
    /// `WouldBlock`; the link goes on. All others mean that the connection is lost. What a handler
    /// returns for the events that tell of that is not an error of the poll.
    pub fn poll<T, R: IntoFlow>(
        &mut self,
        transport: &mut T,
        now: Instant,
        mut handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
    ) -> Result<(), Error<T::Error, R::Error>>
    where
        T: Read + ReadReady + Write + WriteReady + ?Sized,
    {
        self.state.round = Round::Over;
        let mut failed = None;
        let mut left = u32::from(self.state.event_limit);
        let mut session = self.session();
        let mut events = |event: Event<'_>, out: &mut Out<'_>| {
            let flow = handler(event, out).into_flow();
            let is_again = core::mem::take(&mut out.state.again);
            match flow {
                Ok(Flow::Continue) if !is_again => {
                    // a limit of 0 is none, and a loss is told at once
                    left = left.wrapping_sub(1);
                    let is_last = left == 0 && out.state.connection != Connection::Lost;
                    if is_last { Verdict::Last } else { Verdict::Done }
                }
                Ok(_) => Verdict::Again,
                Err(error) => {
                    failed = Some(error);
                    Verdict::Stop
                }
            }
        };
        // with one `dyn` type all of a link exists once, however many handlers a program has
        #[cfg(feature = "speed")]
        let mut events: &mut dyn Handler = &mut events;
        match session.run(transport, now, &mut events) {
            Ok(true) => session.end_round(),
            Ok(false) => {}
            Err(lost) => {
                // the channels are told before the caller is, whatever the handler says to it
                while let Ok(true) | Err(_) = session.run(transport, now, &mut events) {}
                return Err(lost.into());
            }
        }
        failed.map_or(Ok(()), |error| Err(Error::Handler(error)))
    }

    /// Like [`Link::poll`] for callers that cannot use a closure: call until it returns `None`,
    /// then sleep.
    ///
    /// The event counts as dealt with at the next call, unless [`Out::again`] was called.
    ///
    /// ```
    /// # use embedded_io::{Read, ReadReady, Write, WriteReady};
    /// # use peote_net::{link::{Error, Event, Link}, time::Instant};
    /// # fn serve<T: Read + ReadReady + Write + WriteReady>(
    /// #     link: &mut Link, transport: &mut T, now: Instant,
    /// # ) -> Result<(), Error<T::Error>> {
    /// while let Some((event, mut out)) = link.next_event(transport, now)? {
    ///     if let Event::Chunk { from, bytes } = event {
    ///         if out.send(from, bytes).is_err() {
    ///             out.again();
    ///         }
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The connection is lost. The events that tell the channels come from the calls after that, up
    /// to the next `None`.
    pub fn next_event<T>(
        &mut self,
        transport: &mut T,
        now: Instant,
    ) -> Result<Option<(Event<'_>, Out<'_>)>, Error<T::Error>>
    where
        T: Read + ReadReady + Write + WriteReady + ?Sized,
    {
        let mut session = self.session();
        if !session.run(transport, now, &mut |_, _| Verdict::Hold)? {
            return Ok(None);
        }
        Ok(session.held())
    }

    /// Like [`next_event`](Self::next_event), with a look at each event before it is returned.
    ///
    /// `follow` returns the event that the program is to see, or `None` for one that counts as
    /// dealt with: [`ChannelList::follow`](crate::reconnect::ChannelList::follow) is made for it.
    /// It is called once for each delivery.
    ///
    /// # Errors
    /// As [`next_event`](Self::next_event).
    pub fn next_event_if<T>(
        &mut self,
        transport: &mut T,
        now: Instant,
        mut follow: impl FnMut(Event<'_>) -> Option<Event<'_>>,
    ) -> Result<Option<(Event<'_>, Out<'_>)>, Error<T::Error>>
    where
        T: Read + ReadReady + Write + WriteReady + ?Sized,
    {
        let mut is_away = false;
        let found = self.find_event(transport, now, |event| match follow(event) {
            Some(seen) => {
                is_away = matches!(seen, Event::Away { .. });
                true
            }
            None => false,
        })?;
        let event = if found { self.found() } else { None };
        Ok(event.map(|(event, out)| (if is_away { event.away() } else { event }, out)))
    }

    /// Like [`next_event`](Self::next_event) for callers that cannot return what they have found:
    /// returns true if there is an event, which [`found`](Self::found) returns.
    ///
    /// Events for which `wanted` returns false count as dealt with.
    ///
    /// # Errors
    /// As [`next_event`](Self::next_event).
    pub fn find_event<T>(
        &mut self,
        transport: &mut T,
        now: Instant,
        mut wanted: impl FnMut(Event<'_>) -> bool,
    ) -> Result<bool, Error<T::Error>>
    where
        T: Read + ReadReady + Write + WriteReady + ?Sized,
    {
        let mut look = |event: Event<'_>, _: &mut Out<'_>| match wanted(event) {
            true => Verdict::Hold,
            false => Verdict::Done,
        };
        Ok(self.session().run(transport, now, &mut look)?)
    }

    /// Returns the event that [`find_event`](Self::find_event) has found; `None` if it has found
    /// none.
    pub fn found(&mut self) -> Option<(Event<'_>, Out<'_>)> {
        self.session().held()
    }

    fn session(&mut self) -> Session<'_> {
        Session::new(&mut self.state, self.buffers.parts())
    }
}
