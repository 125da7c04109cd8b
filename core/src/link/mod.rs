//! One connection to a relay, with all the channels that run over it.
//!
//! # The run-loop contract
//!
//! - Call [`Link::poll`] (or [`Link::next_event`] until it returns `None`) whenever the transport may have become readable or writable, after
//!   sending, and at [`Link::next_deadline`]. Calling it more often does no harm. Nothing happens between calls.
//! - One poll reads the transport at most once, so it handles at most as many bytes as the receive scratch has, and writes at most what the
//!   transmit ring holds. It never blocks, provided that the transport's `read` and `write` do not when it has said to be ready.
//! - A loop that wants to sleep sleeps until the transport is readable (if [`Link::wants_read`]), writable (if [`Link::wants_write`]),
//!   or [`Link::next_deadline`] has come. Deadlines of its own by which it wants to *send* it leaves out while [`Link::wants_write`] is true and there was no room: they have
//!   passed and would keep it awake, and writability wakes it.
//! - Events come in the order of what happened. The bytes in an event live as long as the handler's call. What a handler sends through its
//!   `out` is written before the poll ends, as far as the transport takes it.
//! - Nothing is dropped silently: sending queues everything or returns an error; an event that a handler cannot deal with is
//!   delivered again ([`Flow::Again`]), and the relay is made to wait meanwhile.
//! - After an error other than [`Error::Handler`] the connection is lost, every channel has been told, and the link is as new: the next poll can be given
//!   a fresh transport. (If a handler keeps an event that tells a channel, that event and those of the other channels come from the next poll on.)
//! - After [`Error::Handler`] poll again before sleeping: there may be more in what has been read.
//!
//! # An echo server
//!
//! ```
//! use peote_net::link::{Error, Event, Link, LinkBuffers, Mode};
//! use peote_net::time::Instant;
//! # use embedded_io::{Read, ReadReady, Write, WriteReady};
//!
//! /// Serves a channel that sends every chunk back, until the connection is lost.
//! fn echo<T: Read + ReadReady + Write + WriteReady>(transport: &mut T, now: impl Fn() -> Instant) -> Error<T::Error> {
//!     let mut link = Link::<LinkBuffers<1024, 8, 1, 4096, 1024>>::new();
//!     if let Err(error) = link.out().create("echo", Mode::chunks(1024)) {
//!         return Error::Handler(error);
//!     }
//!     loop {
//!         let polled = link.poll(transport, now(), |event, out| match event {
//!             Event::Chunk { from, bytes } => out.send(from, bytes),
//!             _ => Ok(()),
//!         });
//!         if let Err(error) = polled {
//!             return error;
//!         }
//!         // sleep here until the transport is ready
//!     }
//! }
//! ```

mod channel;
mod connection;
mod error;
mod event;
mod front;
#[cfg_attr(not(feature = "local"), path = "local/none.rs")]
mod local;
pub mod memory;
#[cfg(feature = "large-chunks")]
mod partial;
mod receive;
mod ring;
mod send;
mod session;
mod slots;
mod state;
mod status;
mod tables;
mod take_in;

pub use channel::{
    Channel, Destination, EnteredChannel, MAX_WHOLE_BROADCAST, Mode, OwnChannel, Source, User,
};
pub use error::{Error, SendError};
pub use event::{Event, Flow, HandlerError, IntoFlow};
#[cfg(feature = "local")]
pub use local::SimulatedLine;
#[cfg(feature = "local")]
pub use memory::LocalBuffers;
pub use memory::{Buffers, LinkBuffers, link_buffers};
pub use send::{Out, Payload};
pub use status::Status;

use embedded_io::{Read, ReadReady, Write, WriteReady};

use crate::time::{Duration, Instant};
#[cfg(feature = "speed")]
use connection::Handler;
use connection::Verdict;
use send::OutParts;
use session::Session;
use state::{Connection, Round, SilenceLimit, State};

/// How long a relay may say nothing, unless [`Link::set_silence_limit`] says otherwise. Relays say something every 5 s.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(20);

/// One connection to a relay, with all the channels that run over it. The [module](self) says how to drive it.
///
/// The transport is handed to each poll. `B` is the link's memory; [`LinkBuffers`] has its sizes as const generics.
///
/// ```
/// use peote_net::link::{Link, LinkBuffers};
/// // 256-byte chunks, 8 parties, 1 own channel, 1 KiB of transmit ring, 512 bytes of receive scratch: no flash, all in .bss
/// static LINK: std::sync::Mutex<Link<LinkBuffers<256, 8, 1, 1024, 512>>> = std::sync::Mutex::new(Link::new());
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
> Link<LinkBuffers<CHUNK, PARTIES, OWN_CHANNELS, TRANSMIT, RECEIVE>>
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
> Default for Link<LinkBuffers<CHUNK, PARTIES, OWN_CHANNELS, TRANSMIT, RECEIVE>>
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
    const NAMES: usize,
    const USERS: usize,
    const LINE: usize,
> Link<LocalBuffers<LinkBuffers<CHUNK, PARTIES, OWN_CHANNELS, TRANSMIT, RECEIVE>, NAMES, USERS, LINE>>
{
    /// A link without channels, with memory for local users.
    #[must_use]
    pub const fn with_local_users() -> Self {
        Self::with_buffers(LocalBuffers::new(LinkBuffers::new()))
    }
}

impl<B: Buffers> Link<B> {
    /// A link without channels, with memory of its own making.
    #[must_use]
    pub const fn with_buffers(buffers: B) -> Self {
        Self { state: State::new(), buffers }
    }

    /// The sending half. What is queued through it is written by the next poll.
    pub fn out(&mut self) -> Out<'_> {
        Out::new(&mut self.state, OutParts::of(self.buffers.parts()))
    }

    /// How long the relay may say nothing before the connection counts as lost; `None`: for ever.
    ///
    /// Relays send a keepalive after 5 s of silence. The default is [`SILENCE_LIMIT`].
    pub const fn set_silence_limit(&mut self, limit: Option<Duration>) {
        self.state.silence_limit = SilenceLimit::new(limit);
    }

    /// Sets how many events one [`poll`](Self::poll) hands over at most; `None`: as many as one reading brings.
    ///
    /// For loops that have something else to do in time, as feeding a watchdog or stepping a motor. What is left comes
    /// with the next poll, and [`next_deadline`](Self::next_deadline) is in the past until then, so the loop does not
    /// sleep. The events that tell of a lost connection come all at once.
    pub const fn set_event_limit(&mut self, limit: Option<core::num::NonZeroU16>) {
        self.state.event_limit = match limit {
            Some(limit) => limit.get(),
            None => 0,
        };
    }

    /// Returns true if events wait that need no reading, because the last poll was broken off by the
    /// [limit of events](Self::set_event_limit) or by an error of the handler.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.state.has_more()
    }

    /// Whether there is a connection, as far as this link has found out.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self.state.connection {
            Connection::New => Status::Connecting,
            Connection::Heard | Connection::Open => Status::Connected,
            Connection::Lost => Status::Lost,
        }
    }

    /// When the link has to be polled although nothing has come; `None`: never. Never, too, while an event waits for being delivered again.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.state.next_deadline()
    }

    /// Whether polling makes sense when the transport becomes readable. Not so while an event waits for being delivered again.
    #[must_use]
    pub const fn wants_read(&self) -> bool {
        self.state.wants_read()
    }

    /// Whether polling makes sense when the transport becomes writable: something is queued, or an event waits for being delivered again and
    /// there is more room now than when it came.
    #[must_use]
    pub const fn wants_write(&self) -> bool {
        self.state.wants_write()
    }

    /// Writes what is queued, reads what has come (once), and hands every event to `handler` together with the sending half.
    ///
    /// `now` must not run backwards. Does not block. The handler returns `()`, a [`Flow`], or a `Result` of one of them with a
    /// [`SendError`]; see [`IntoFlow`].
    ///
    /// # Errors
    /// [`Error::Handler`] if the handler returned an error other than `WouldBlock`; all others mean that the connection is lost. What a handler
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
        let mut events = |event: Event<'_>, out: &mut Out<'_>| match handler(event, out).into_flow() {
            Ok(Flow::Continue) => {
                // a limit of 0 is none
                left = left.wrapping_sub(1);
                if left == 0 { Verdict::Stop } else { Verdict::Done }
            }
            Ok(Flow::Again) => Verdict::Again,
            Err(error) => {
                failed = Some(error);
                Verdict::Stop
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

    /// Like [`Link::poll`] for callers that cannot use a closure: call until it returns `None`, then sleep.
    ///
    /// The event counts as dealt with at the next call, unless [`Out::again`] was called.
    ///
    /// ```
    /// # use embedded_io::{Read, ReadReady, Write, WriteReady};
    /// # use peote_net::{link::{Error, Event, Link}, time::Instant};
    /// # fn serve<T: Read + ReadReady + Write + WriteReady>(link: &mut Link, transport: &mut T, now: Instant) -> Result<(), Error<T::Error>> {
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
    /// The connection is lost. The events that tell the channels come from the calls after that, up to the next `None`.
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

    fn session(&mut self) -> Session<'_> {
        Session::new(&mut self.state, self.buffers.parts())
    }
}
