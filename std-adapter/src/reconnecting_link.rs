//! A link that comes back.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::task::Poll;
use std::time::Duration;

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};
use peote_net::link::{Buffers, Error, Event, IntoFlow, Link, Mode, Out, SendError};
use peote_net::reconnect::{AddError, Backoff, Cause, Exhausted, Notice, Place, Reconnect, Retry, Status};
use peote_net::time::{self, Instant};

#[cfg(feature = "tls")]
use crate::TlsOptions;
use crate::{
    Clock, ConnectError, Connecting, HeapBuffers, Interest, TcpError, TcpTransport, Waiter, Waker, Watch,
    Woken,
};

/// How long one attempt to connect may take, unless [`ReconnectingLink::set_connect_timeout`] says
/// otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A link over TCP that connects by itself, without blocking, and whose channels come back when the
/// connection was lost: a [`Link`] with a [`Reconnect`], a transport, a clock and a waiter.
/// `CHANNELS` is how many channels can be on its list at a time.
///
/// The module [`peote_net::reconnect`] says which channels come back, what is told of them, and
/// what cannot be known after a loss. Channels that are created and entered through
/// [`out`](Self::out) work as well, and do not come back by themselves.
///
/// An echo server that survives a restart of the relay, and ends when its channel is given up:
///
/// ```no_run
/// use peote_net::link::{Event, Mode};
/// use peote_net::reconnect::{Backoff, Notice};
/// use peote_net_std::ReconnectingLink;
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let mut link: ReconnectingLink = ReconnectingLink::new("localhost:7680", Backoff::new())?;
///     link.create("echo", Mode::default())?;
///     loop {
///         let change = link.poll(|event, context| match (event, context.notice) {
///             (Event::Chunk { from, bytes }, _) => context.out.send(from, bytes),
///             (other, Some(Notice::GivenUp { .. })) => other.ok(), // an error that says why
///             _ => Ok(()), // refusals among them that are tried again
///         })?;
///         if let Some(change) = change {
///             eprintln!("{change}");
///         }
///         link.wait(&mut [], None)?;
///     }
/// }
/// ```
///
/// A game calls `poll` in each frame and never `wait`.
#[derive(Debug)]
pub struct ReconnectingLink<const CHANNELS: usize = 8, B: Buffers = HeapBuffers> {
    link: Link<B>,
    channels: Reconnect<String, CHANNELS>,
    relay: String,
    stage: Stage,
    changes: VecDeque<Change>,
    clock: Clock,
    waiter: Waiter,
    connect_timeout: Duration,
    #[cfg(feature = "tls")]
    tls: Option<TlsOptions>,
    /// The last poll ended before it had gone through all that was received.
    unfinished: bool,
}

#[derive(Debug)]
enum Stage {
    Nothing,
    Connecting(Connecting),
    Connected(TcpTransport),
}

/// What a handler of [`ReconnectingLink::poll`] is given with an event.
#[derive(Debug)]
pub struct Context<'a, 'out, const CHANNELS: usize> {
    /// The sending half.
    pub out: &'a mut Out<'out>,
    /// What the event means for a channel of the list, if it means something.
    pub notice: Option<Notice>,
    /// The list: which channel has which handle now.
    pub channels: &'a Reconnect<String, CHANNELS>,
}

/// What happened that no event tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum Change {
    /// There is a connection. The channels of the list are being asked for.
    Connected,
    /// An attempt to connect has failed. [`ReconnectingLink::status`] says when the next one is
    /// made.
    ConnectFailed(ConnectError),
    /// The connection is lost. [`ReconnectingLink::status`] says when the next attempt is made.
    Lost(Error<TcpError>),
    /// A channel of the list cannot be asked for at all, or not now. Or the relay has not answered
    /// for it in time; then the connection is lost, as the next change says.
    Channel(Notice),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("connected to the relay"),
            Self::ConnectFailed(error) => write!(f, "{error}"),
            Self::Lost(error) => write!(f, "{error}"),
            Self::Channel(
                Notice::Waiting { cause: Cause::NoAnswer, .. }
                | Notice::GivenUp { cause: Cause::NoAnswer, .. },
            ) => write!(f, "a channel is not there: {}", Cause::NoAnswer),
            Self::Channel(Notice::Waiting { cause, .. }) => {
                write!(f, "a channel cannot be asked for now: {cause}")
            }
            Self::Channel(Notice::GivenUp { cause, .. }) => {
                write!(f, "a channel cannot be asked for: {cause}")
            }
            Self::Channel(notice) => write!(f, "{notice:?}"),
        }
    }
}

/// Why [`ReconnectingLink::poll`] does not go on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReconnectError<H = SendError> {
    /// The handler returned an error. The link goes on.
    Handler(H),
    /// There is no connection, and no attempt is made any more, unless
    /// [`ReconnectingLink::try_now`] is called. The last [`Change`] said what was wrong.
    GivenUp(Exhausted),
}

impl<H: fmt::Display> fmt::Display for ReconnectError<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handler(error) => write!(f, "{error}"),
            Self::GivenUp(exhausted) => write!(f, "no connection to the relay, given up: {exhausted}"),
        }
    }
}

impl<H: std::error::Error + 'static> std::error::Error for ReconnectError<H> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Handler(error) => Some(error),
            Self::GivenUp(exhausted) => Some(exhausted),
        }
    }
}

/// Whether the relay has not answered for a channel in time.
const fn is_unanswered(notice: &Notice) -> bool {
    matches!(
        notice,
        Notice::Waiting { cause: Cause::NoAnswer, .. } | Notice::GivenUp { cause: Cause::NoAnswer, .. }
    )
}

/// In place of a transport whose relay does not answer: the link loses it, and tells the channels.
#[derive(Debug)]
struct Unanswered;

impl Unanswered {
    fn error() -> TcpError {
        io::Error::new(io::ErrorKind::TimedOut, "the relay does not answer").into()
    }
}

impl ErrorType for Unanswered {
    type Error = TcpError;
}

impl ReadReady for Unanswered {
    fn read_ready(&mut self) -> Result<bool, TcpError> {
        Err(Self::error())
    }
}

impl Read for Unanswered {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, TcpError> {
        Err(Self::error())
    }
}

impl WriteReady for Unanswered {
    fn write_ready(&mut self) -> Result<bool, TcpError> {
        Err(Self::error())
    }
}

impl Write for Unanswered {
    fn write(&mut self, _: &[u8]) -> Result<usize, TcpError> {
        Err(Self::error())
    }

    fn flush(&mut self) -> Result<(), TcpError> {
        Err(Self::error())
    }
}

/// A seed for [`Backoff::with_seed`] that is another one at each call. A [`ReconnectingLink`] takes
/// one by itself.
#[must_use]
pub fn random_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

impl<const CHANNELS: usize> ReconnectingLink<CHANNELS> {
    /// A link to the relay at `"host:port"`, with memory of the [default sizes](crate::Sizes). Does
    /// not block; the first attempt to connect is made by the first [`poll`](Self::poll). `rules`
    /// are those of [`Reconnect::new`]; their jitter is random unless they have a seed
    /// ([`Backoff::with_seed`]).
    ///
    /// # Errors
    ///
    /// The process has too many files open.
    pub fn new(relay: &str, rules: Backoff) -> io::Result<Self> {
        Self::with_link(Link::with_buffers(HeapBuffers::default()), relay, rules)
    }
}

impl<const CHANNELS: usize, B: Buffers> ReconnectingLink<CHANNELS, B> {
    /// The same for a link that has not been connected yet, with whatever memory.
    ///
    /// # Errors
    ///
    /// The process has too many files open.
    pub fn with_link(link: Link<B>, relay: &str, rules: Backoff) -> io::Result<Self> {
        let clock = Clock::new();
        Ok(Self {
            link,
            channels: Reconnect::new(rules.or_seed(random_seed())),
            relay: relay.to_owned(),
            stage: Stage::Nothing,
            changes: VecDeque::new(),
            clock,
            waiter: Waiter::new(clock)?,
            connect_timeout: CONNECT_TIMEOUT,
            #[cfg(feature = "tls")]
            tls: None,
            unfinished: false,
        })
    }

    /// How long one attempt to connect may take. Without this call: 10 s.
    pub const fn set_connect_timeout(&mut self, timeout: Duration) {
        self.connect_timeout = timeout;
    }

    /// Sets how long the relay may take to answer for a channel of the list; see
    /// [`Reconnect::set_answer_timeout`]. Without this call: 15 s. A connection on which an answer
    /// is missing is given up, and counts as lost.
    pub fn set_answer_timeout(&mut self, timeout: Option<Duration>) {
        let to_time = |timeout: Duration| {
            time::Duration::from_millis(timeout.as_millis().try_into().unwrap_or(u64::MAX))
        };
        self.channels.set_answer_timeout(timeout.map(to_time));
    }

    /// Connects over TLS from the next attempt on. A handshake that fails is an attempt that has
    /// failed, and the next one is made as after any other: certificates are renewed.
    ///
    /// ```no_run
    /// use peote_net::reconnect::Backoff;
    /// use peote_net_std::{ReconnectingLink, TlsOptions};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let mut link: ReconnectingLink = ReconnectingLink::new("relay.example:7681", Backoff::new())?;
    /// link.set_tls(TlsOptions::with_system_roots()?);
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "tls")]
    pub fn set_tls(&mut self, tls: TlsOptions) {
        self.tls = Some(tls);
    }

    fn connect(&self) -> Connecting {
        let connecting = TcpTransport::connect(&self.relay, self.connect_timeout);
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return connecting.with_tls(tls);
        }
        connecting
    }

    /// See [`Reconnect::create`].
    ///
    /// # Errors
    ///
    /// All places are taken, or the name is too long.
    pub fn create(&mut self, name: impl Into<String>, mode: Mode) -> Result<Place, AddError> {
        self.channels.create(name.into(), mode)
    }

    /// See [`Reconnect::enter`].
    ///
    /// # Errors
    ///
    /// All places are taken, or the name is too long.
    pub fn enter(&mut self, name: impl Into<String>, mode: Mode) -> Result<Place, AddError> {
        self.channels.enter(name.into(), mode)
    }

    /// The former name of [`create`](Self::create).
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create).
    #[doc(hidden)]
    #[deprecated(note = "it is called `create` now")]
    pub fn add_own(&mut self, name: impl Into<String>, mode: Mode) -> Result<Place, AddError> {
        self.create(name, mode)
    }

    /// The former name of [`enter`](Self::enter).
    ///
    /// # Errors
    ///
    /// Those of [`enter`](Self::enter).
    #[doc(hidden)]
    #[deprecated(note = "it is called `enter` now")]
    pub fn add_entered(&mut self, name: impl Into<String>, mode: Mode) -> Result<Place, AddError> {
        self.enter(name, mode)
    }

    /// See [`Reconnect::remove`].
    ///
    /// # Errors
    ///
    /// [`SendError::WouldBlock`]: nothing has changed.
    pub fn remove(&mut self, place: Place) -> Result<Option<String>, SendError> {
        self.channels.remove(place, &mut self.link.out())
    }

    /// See [`Reconnect::set_retry`].
    pub fn set_retry(&mut self, place: Place, retry: Retry) -> bool {
        self.channels.set_retry(place, retry)
    }

    /// See [`Reconnect::retry`].
    pub fn retry(&mut self, place: Place) -> bool {
        self.channels.retry(place)
    }

    /// See [`Reconnect::try_now`].
    pub const fn try_now(&mut self) {
        self.channels.try_now();
    }

    /// The list of channels: which has which handle now, and how they are.
    #[must_use]
    pub const fn channels(&self) -> &Reconnect<String, CHANNELS> {
        &self.channels
    }

    /// How it is with the connection and the channels of the list as a whole.
    #[must_use]
    pub fn status(&self) -> Status {
        self.channels.status()
    }

    /// The sending half. What is queued through it is written by the next [`poll`](Self::poll) with
    /// a connection.
    pub fn out(&mut self) -> Out<'_> {
        self.link.out()
    }

    /// The link, for all that is not repeated here.
    pub const fn link(&mut self) -> &mut Link<B> {
        &mut self.link
    }

    /// The time by this link's clock, for deadlines.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// A handle with which other threads end a [`wait`](Self::wait).
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waiter.waker()
    }

    /// Goes on with connecting, or asks for channels that are due, writes what is queued, reads
    /// what has come (once), and hands every event to `handler`. Does not block. Returns what
    /// happened with the connection, one thing at a time.
    ///
    /// # Errors
    ///
    /// The handler returned an error, or no attempt to connect is made any more.
    pub fn poll<R: IntoFlow>(
        &mut self,
        mut handler: impl FnMut(Event<'_>, &mut Context<'_, '_, CHANNELS>) -> R,
    ) -> Result<Option<Change>, ReconnectError<R::Error>> {
        let now = self.clock.now();
        if self.channels.start_attempt(now) {
            self.stage = Stage::Connecting(self.connect());
        }
        let Self { link, channels, stage, changes, .. } = self;
        if let Stage::Connecting(connecting) = stage
            && let Poll::Ready(connected) = connecting.poll()
        {
            match connected {
                Ok(transport) => {
                    *stage = Stage::Connected(transport);
                    channels.connected();
                    changes.push_back(Change::Connected);
                }
                Err(error) => {
                    *stage = Stage::Nothing;
                    channels.failed(now);
                    changes.push_back(Change::ConnectFailed(error));
                }
            }
        }
        if let Stage::Connected(transport) = stage {
            transport.send();
            let mut is_answering = true;
            while let Some(notice) = channels.restore(&mut link.out(), now) {
                is_answering &= !is_unanswered(&notice);
                changes.push_back(Change::Channel(notice));
            }
            let on_event = |event: Event<'_>, out: &mut Out<'_>| {
                let notice = channels.observe(&event, now);
                handler(event, &mut Context { out, notice, channels })
            };
            let polled = if is_answering {
                link.poll(transport, now, on_event)
            } else {
                link.poll(&mut Unanswered, now, on_event)
            };
            self.unfinished = matches!(polled, Err(Error::Handler(_)));
            match polled.map_err(Error::into_handler) {
                Ok(()) => {}
                Err(Ok(error)) => return Err(ReconnectError::Handler(error)),
                Err(Err(lost)) => {
                    *stage = Stage::Nothing;
                    channels.failed(now);
                    changes.push_back(Change::Lost(lost));
                }
            }
        }
        match (changes.pop_front(), channels.status()) {
            (None, Status::GivenUp(exhausted)) => Err(ReconnectError::GivenUp(exhausted)),
            (change, _) => Ok(change),
        }
    }

    /// **Blocks** until there is something to poll for, one of `others` is ready, `deadline` has
    /// come, or a [`Waker`] is called. Costs no processor time meanwhile.
    ///
    /// # Errors
    ///
    /// Those of [`Waiter::wait`].
    pub fn wait(&mut self, others: &mut [Watch<'_>], deadline: Option<Instant>) -> io::Result<Woken> {
        let at_once = self.unfinished
            || !self.changes.is_empty()
            || matches!(self.channels.status(), Status::GivenUp(_));
        let mut deadlines = vec![at_once.then_some(Instant::ZERO), deadline, self.channels.next_deadline()];
        let mut own = Vec::new();
        match &mut self.stage {
            Stage::Nothing => {}
            Stage::Connecting(connecting) => own.push(Watch::connecting(connecting)),
            Stage::Connected(transport) => {
                let interest = Interest { read: self.link.wants_read(), write: self.link.wants_write() };
                own.push(Watch::transport(transport, interest));
                deadlines.push(self.link.next_deadline());
            }
        }
        self.waiter.wait_for(&mut own, others, deadlines.into_iter().flatten().min())
    }

    /// Sends what is queued, ends the connection in order and waits until the relay has ended it as
    /// well. **Blocks**, for `timeout` at most. Events that come meanwhile are thrown away. Without
    /// a connection there is nothing to do.
    ///
    /// # Errors
    ///
    /// How the connection was lost before that; of the kind `TimedOut` when it took longer than
    /// `timeout`.
    pub fn close(mut self, timeout: Duration) -> Result<(), Error<TcpError>> {
        let start = std::time::Instant::now();
        while let Stage::Connected(transport) = &mut self.stage {
            self.link.poll(transport, self.clock.now(), |_, _| ())?;
            let left = timeout.saturating_sub(start.elapsed());
            if !self.link.wants_write() {
                break;
            }
            if left.is_zero() {
                return Err(Error::Transport(io::Error::from(io::ErrorKind::TimedOut).into()));
            }
            let deadline = self.clock.after(left);
            self.wait(&mut [], Some(deadline)).map_err(|error| Error::Transport(error.into()))?;
        }
        let Stage::Connected(transport) = self.stage else { return Ok(()) };
        transport.finish(timeout.saturating_sub(start.elapsed())).map_err(Error::Transport)
    }
}
