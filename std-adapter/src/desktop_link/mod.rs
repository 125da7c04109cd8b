//! A link with everything it needs in a desktop program.

mod builder;
mod change;
mod error;
mod refusals;
mod turns;
mod waiting;

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use peote_net::link::{
    Channel, Destination, EnteredChannel, Error, Event, Flow, Hello, IntoFlow, Link, Mode, Out, OwnChannel,
    SendError, SimulatedLine,
};
use peote_net::reconnect::{ChannelList, ChannelState, Entry, Retry, Status};
use peote_net::time::Instant;

pub use builder::LinkBuilder;
pub use change::Change;
pub use error::{LinkError, Lost};
use refusals::Refusals;
use turns::{follow, name_of_ended, told};

#[cfg(feature = "tls")]
use crate::TlsOptions;
use crate::link_transport::LinkTransport;
use crate::{Clock, Connecting, HeapBuffers, TcpTransport, Waiter, Waker};

/// A link to a relay, or offline, with all that it needs in a desktop program: transport, memory,
/// clock and waiting.
///
/// [`connect`](Self::connect), [`offline`](Self::offline) and [`builder`](Self::builder) make one.
/// A program that polls several links in one loop, or wants other parts, uses those parts
/// themselves: a [`Link`] with a [`TcpTransport`], a [`Clock`] and a [`Waiter`].
///
/// An echo server:
///
/// ```no_run
/// use peote_net::link::{Event, Mode};
/// use peote_net_std::DesktopLink;
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let mut link = DesktopLink::connect("localhost:7680")?;
///     link.create("echo", Mode::default())?;
///     link.run(|event, out| match event {
///         Event::Chunk { from, bytes } => out.send(from, bytes),
///         other => other.ok(), // a channel that is refused, or ends, is an error
///     })?;
///     Ok(())
/// }
/// ```
///
/// # Loops
///
/// | call | for |
/// |---|---|
/// | [`run`](Self::run) | programs that do nothing else |
/// | [`poll`](Self::poll) and [`wait`](Self::wait) in turn | programs that wait for other things, too |
/// | [`poll`](Self::poll) once a frame | games; it never blocks, and hands over all that has come |
/// | [`next`](Self::next) until it is `None` | the same without a closure |
///
/// # Channels
///
/// [`create`](Self::create) and [`enter`](Self::enter) return a handle at once, with or without a
/// connection. It is valid until [`delete`](Self::delete) or [`leave`](Self::leave), however often
/// the connection is lost. [`Event::Opened`] says when the channel is open, for the first time or
/// again; sending before that is [`SendError::NotOpen`].
///
/// # When the connection is lost
///
/// The open channels are told by [`Event::Away`]. Then the link either is at an end
/// ([`LinkError::Lost`]), or, if it was made with [`LinkBuilder::reconnect`], it connects again and
/// asks for its channels again. [`peote_net::reconnect`] says which refusals are tried again then,
/// and what cannot be known after a loss. A channel that is given up is told by [`Event::Refused`]
/// or [`Event::Closed`], as one that is refused without all that. So the same handler does for
/// both.
pub struct DesktopLink {
    link: Link<HeapBuffers>,
    channels: Channels,
    relay: Relay,
    stage: Stage,
    /// The connection comes back by itself.
    is_reconnecting: bool,
    /// Why there is no connection, if that is to be told by the next error.
    missing: Option<error::Missing>,
    /// What is to be told to the program before what comes.
    refused: Refusals,
    /// The name of the channel that the last event of [`next`](DesktopLink::next) has ended.
    ended: Option<String>,
    poll_limit: usize,
    /// What the lines of local users are like.
    line: Option<SimulatedLine>,
    on_change: Option<OnChange>,
    clock: Clock,
    waiter: Waiter,
    /// The last call of `next` returned an event, so the turn goes on.
    is_in_turn: bool,
    /// The connection was lost in this turn, and the channels are being told.
    is_losing: Option<Error<crate::TcpError>>,
    /// The last poll ended before it had gone through all that was received.
    is_unfinished: bool,
}

type Channels = ChannelList<Vec<Entry<String>>>;
type OnChange = Box<dyn FnMut(Change) + Send>;

/// Where the relay is.
enum Relay {
    At {
        address: String,
        timeout: Duration,
        #[cfg(feature = "tls")]
        tls: Option<TlsOptions>,
    },
    /// None is needed.
    Offline,
    /// The program has made the connection.
    Given(Option<Box<TcpTransport>>),
}

enum Stage {
    Nothing,
    Connecting(Box<Connecting>),
    Connected(Box<LinkTransport>),
}

/// What has become of an event.
enum Followed<R> {
    PassedOver,
    Handled(R),
}

impl<R: IntoFlow> IntoFlow for Followed<R> {
    type Error = R::Error;

    fn into_flow(self) -> Result<Flow, R::Error> {
        match self {
            Self::PassedOver => Ok(Flow::Continue),
            Self::Handled(result) => result.into_flow(),
        }
    }
}

impl DesktopLink {
    /// Connects to a relay. **Blocks** until the connection is there or has failed, for 10 s at
    /// most.
    ///
    /// `relay` is `"host:port"`, or `"host"` alone for port 7680. The host is a name, an IPv4
    /// address, or an IPv6 address in brackets.
    ///
    /// # Errors
    /// [`LinkError::Connect`]: the relay cannot be reached, or the address cannot be understood;
    /// [`LinkError::System`].
    pub fn connect(relay: &str) -> Result<Self, LinkError> {
        Self::builder().connect(relay)
    }

    /// The same without a network: servers and users of this link find each other in it, and no
    /// others are there. See [`peote_net::offline`]. Does not block.
    ///
    /// ```
    /// use peote_net::link::{Channel, Event, Mode};
    /// use peote_net_std::DesktopLink;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut link = DesktopLink::offline()?; // online: DesktopLink::connect("relay")?
    /// link.create("echo", Mode::default())?;
    /// let echo = link.enter("echo", Mode::default())?;
    /// let mut answers = 0;
    /// while answers == 0 {
    ///     link.wait()?;
    ///     link.poll(|event, out| match event {
    ///         Event::Opened { channel } if channel == echo => out.send(echo, b"hello"),
    ///         Event::Chunk { from, .. } if from.channel() == echo => {
    ///             answers += 1;
    ///             Ok(())
    ///         }
    ///         Event::Chunk { from, bytes } => out.send(from, bytes),
    ///         other => other.ok(),
    ///     })?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`LinkError::System`].
    pub fn offline() -> Result<Self, LinkError> {
        Self::builder().offline()
    }

    /// Returns what a link can be made with: sizes, TLS, reconnecting, lag.
    pub fn builder() -> LinkBuilder {
        LinkBuilder::new()
    }

    // ---- channels

    /// Asks for an own channel. Does not block. [`Event::Opened`] says when it is open.
    ///
    /// `name` is 0 to 255 bytes. The users of the channel have to use the same mode.
    ///
    /// # Errors
    /// [`SendError::NameTooLong`], [`SendError::ChunkLimit`], [`SendError::TooManyOwnChannels`].
    pub fn create(&mut self, name: impl Into<String>, mode: Mode) -> Result<OwnChannel, SendError> {
        let channel = self.channels.create(&mut self.link.out(), name.into(), mode)?;
        if let Some(line) = self.line {
            self.link.out().simulate(channel, line)?;
        }
        Ok(channel)
    }

    /// Asks to enter a channel. Does not block. [`Event::Opened`] says when it is open.
    ///
    /// `name` and `mode` have to be those of the channel's server. The same channel can be entered
    /// several times if it is this link's own.
    ///
    /// # Errors
    /// [`SendError::NameTooLong`], [`SendError::ChunkLimit`], [`SendError::TooManyParties`].
    pub fn enter(&mut self, name: impl Into<String>, mode: Mode) -> Result<EnteredChannel, SendError> {
        self.channels.enter(&mut self.link.out(), name.into(), mode)
    }

    /// Like [`enter`](Self::enter), and says `words` at the door, at most 200 bytes, now and each
    /// time when the channel comes back: see [`Out::enter_with`].
    ///
    /// # Errors
    /// Those of [`enter`](Self::enter), and [`SendError::WordsTooLong`].
    pub fn enter_with(
        &mut self,
        name: impl Into<String>,
        mode: Mode,
        words: impl Into<String>,
    ) -> Result<EnteredChannel, SendError> {
        self.channels.enter_with(&mut self.link.out(), name.into(), mode, words.into())
    }

    /// Deletes an own channel: see [`Out::delete`]. Its handle is not valid any more.
    ///
    /// # Errors
    /// [`SendError::NotOpen`]: the handle is not valid; [`SendError::WouldBlock`]: nothing has
    /// changed.
    pub fn delete(&mut self, channel: OwnChannel) -> Result<(), SendError> {
        match self.channels.remove(&mut self.link.out(), channel)? {
            Some(_) => Ok(()),
            None => self.link.out().delete(channel),
        }
    }

    /// Leaves an entered channel: see [`Out::leave`]. Its handle is not valid any more.
    ///
    /// # Errors
    /// [`SendError::NotOpen`]: the handle is not valid; [`SendError::WouldBlock`]: nothing has
    /// changed.
    pub fn leave(&mut self, channel: EnteredChannel) -> Result<(), SendError> {
        match self.channels.remove(&mut self.link.out(), channel)? {
            Some(_) => Ok(()),
            None => self.link.out().leave(channel),
        }
    }

    /// Returns how a channel is; `None` if it was not asked for by [`create`](Self::create) or
    /// [`enter`](Self::enter), or has been left.
    #[must_use]
    pub fn state(&self, channel: impl Into<Channel>) -> Option<ChannelState> {
        self.channels.state(channel)
    }

    /// Returns the name of a channel; `None` as for [`state`](Self::state).
    #[must_use]
    pub fn name(&self, channel: impl Into<Channel>) -> Option<&str> {
        self.channels.name(channel).map(String::as_str)
    }

    /// Asks at once for a channel that waits or has been given up, as if it were for the first
    /// time. Returns false if there is no such channel.
    pub fn retry(&mut self, channel: impl Into<Channel>) -> bool {
        self.channels.retry(channel)
    }

    /// Sets what to do about refusals of this channel that may pass; see [`LinkBuilder::retry`].
    /// Returns false if there is no such channel.
    pub fn set_retry(&mut self, channel: impl Into<Channel>, retry: Retry) -> bool {
        self.channels.set_retry(channel, retry)
    }

    /// Sets what the program tells the relay about itself, from the next connection on: a token that
    /// is younger, for example. For the first one: [`LinkBuilder::hello`].
    pub fn set_hello(&mut self, hello: Hello) {
        self.link.set_hello(hello);
    }

    // ---- sending

    /// Returns the sending half. What is queued through it is written by the next
    /// [`poll`](Self::poll). Channels that are created or entered through it do not come back.
    pub fn out(&mut self) -> Out<'_> {
        self.link.out()
    }

    /// Sends a chunk, or raw data: see [`Out::send`].
    ///
    /// # Errors
    /// [`SendError::NotOpen`] while the channel is not open; others as [`Out::send`].
    pub fn send(&mut self, to: impl Into<Destination>, bytes: &[u8]) -> Result<(), SendError> {
        self.link.out().send(to, bytes)
    }

    // ---- what is behind it

    /// Returns how it is with the connection and the channels as a whole.
    #[must_use]
    pub fn status(&self) -> Status {
        self.channels.status()
    }

    /// Connects at once: after a loss or in a delay, or after all attempts have been made. The user
    /// has asked for it, or the network is there again. Does not block. Does nothing while
    /// connecting or connected, and for a link that was made from a
    /// [transport](LinkBuilder::transport).
    pub fn try_now(&mut self) {
        if !matches!(self.relay, Relay::Given(None)) {
            self.channels.try_now();
            self.missing = None;
        }
    }

    /// Returns the time by this link's clock, for deadlines.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Returns a handle with which other threads end a [`wait`](Self::wait).
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waiter.waker()
    }

    /// Returns the link, for all that is not repeated here.
    pub const fn link(&mut self) -> &mut Link<HeapBuffers> {
        &mut self.link
    }

    /// Returns the address of the relay; `None` offline and without a connection.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        match &self.stage {
            Stage::Connected(transport) => transport.tcp()?.peer_addr().ok(),
            _ => None,
        }
    }

    // ---- turns

    /// Goes on with connecting, or writes what is queued, reads what has come, and hands every
    /// event to `handler` together with the sending half. Does not block. See [`Link::poll`] for
    /// what the handler may return.
    ///
    /// Hands over all that has come, up to [`LinkBuilder::poll_limit`] bytes. Returns true if more
    /// waits: a loop that has time polls again, and [`wait`](Self::wait) does not sleep. An event
    /// that the handler wants again may come again in the same call.
    ///
    /// # Errors
    /// [`LinkError::Handler`] if the handler returned an error; the link goes on. Others mean that
    /// there is no connection, and that no attempt is made any more; see
    /// [`try_now`](Self::try_now).
    pub fn poll<R: IntoFlow>(
        &mut self,
        mut handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
    ) -> Result<bool, LinkError<R::Error>> {
        let now = self.clock.now();
        self.end_turn_of_next(now, &mut handler);
        self.begin_turn(now);
        while let Some(refused) = self.refused.next() {
            let name = self.channels.name(refused.channel).cloned();
            let mut out = self.link.out();
            let flow = handler(refused.event(), &mut out).into_flow();
            let is_again = out.take_again();
            match flow {
                Ok(Flow::Continue) if !is_again => {}
                Ok(_) => self.refused.keep(refused),
                Err(error) => return Err(LinkError::of_handler(error, name)),
            }
        }
        while let Self { link, channels, on_change, stage: Stage::Connected(transport), .. } = self {
            transport.begin_round();
            let mut ended = None;
            let polled = link.poll(&mut **transport, now, |event, out| {
                ended = name_of_ended(channels, &event);
                match follow(channels, on_change, event, now) {
                    Some(event) => Followed::Handled(handler(event, out)),
                    None => Followed::PassedOver,
                }
            });
            match polled.map_err(Error::into_handler) {
                Ok(()) => {}
                Err(Ok(error)) => {
                    self.is_unfinished = true;
                    return Err(LinkError::of_handler(error, ended));
                }
                Err(Err(lost)) => {
                    self.lost(lost, now);
                    break;
                }
            }
            if !self.goes_on() {
                break;
            }
        }
        self.end_turn().map(|()| self.is_unfinished)
    }

    /// Returns the next event, until there is none any more in this turn. Does not block.
    ///
    /// What [`poll`](Self::poll) does, for callers that cannot use a closure: call it until it
    /// returns `None`, then draw a frame or [`wait`](Self::wait). The event counts as dealt with at
    /// the next call, unless [`Out::again`] was called. [`has_more`](Self::has_more) says whether
    /// more waits.
    ///
    /// ```no_run
    /// # use peote_net::link::{Event, SendError};
    /// # fn frame(link: &mut peote_net_std::DesktopLink) -> Result<(), Box<dyn std::error::Error>> {
    /// while let Some((event, mut out)) = link.next()? {
    ///     match event {
    ///         Event::Chunk { from, bytes } => match out.send(from, bytes) {
    ///             Err(SendError::WouldBlock) => out.again(), // no room: the event comes again
    ///             sent => sent?,
    ///         },
    ///         other => {
    ///             let ended = other.ok(); // a channel that is refused, or ends, is an error
    ///             link.named(ended)?;
    ///         }
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// There is no connection, and no attempt is made any more; see [`try_now`](Self::try_now).
    #[expect(clippy::should_implement_trait, reason = "it borrows from the link")]
    pub fn next(&mut self) -> Result<Option<(Event<'_>, Out<'_>)>, LinkError> {
        let now = self.clock.now();
        self.settle_returned();
        if !self.is_in_turn {
            self.begin_turn(now);
            self.is_in_turn = true;
        }
        self.ended = None;
        if let Some(refused) = self.refused.next() {
            self.ended = self.channels.name(refused.channel).cloned();
            self.refused.returned = Some(refused);
            return Ok(Some((refused.event(), self.link.out())));
        }
        match self.find(now) {
            None => {
                self.is_in_turn = false;
                self.end_turn().map(|()| None)
            }
            Some(is_away) => Ok(self.link.found().map(|(event, out)| (told(event, is_away), out))),
        }
    }

    /// Puts the channel's name into the error of an event that [`next`](Self::next) has returned:
    /// what [`Event::ok`] says of a channel that was refused, or has ended.
    /// [`poll`](Self::poll) does it by itself.
    ///
    /// # Errors
    /// That of `result`.
    pub fn named<T>(&self, result: Result<T, SendError>) -> Result<T, LinkError> {
        result.map_err(|error| LinkError::of_handler(error, self.ended.clone()))
    }

    /// Finds the next event of this turn. Returns whether its channel comes back; `None` if there
    /// is no event.
    fn find(&mut self, now: Instant) -> Option<bool> {
        loop {
            let Self { link, channels, on_change, ended, stage: Stage::Connected(transport), .. } = self
            else {
                return None;
            };
            let mut is_away = false;
            let found = link.find_event(&mut **transport, now, |event| {
                *ended = name_of_ended(channels, &event);
                let seen = follow(channels, on_change, event, now);
                is_away = matches!(seen, Some(Event::Away { .. }));
                seen.is_some()
            });
            match found {
                Ok(true) => return Some(is_away),
                // the channels are told by the events that follow
                Err(lost) => self.is_losing = Some(lost),
                Ok(false) => match self.is_losing.take() {
                    Some(lost) => {
                        self.lost(lost, now);
                        return None;
                    }
                    None if !self.goes_on() => return None,
                    None => {}
                },
            }
        }
    }

    /// Returns true if more waits than the last [`poll`](Self::poll), or turn of
    /// [`next`](Self::next), has handed over.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.is_unfinished
    }

    /// Polls and waits for ever. **Blocks** until something is wrong, or the handler returns an
    /// error.
    ///
    /// # Errors
    /// Those of [`poll`](Self::poll) and [`wait`](Self::wait).
    pub fn run<R: IntoFlow>(
        &mut self,
        mut handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
    ) -> Result<Infallible, LinkError<R::Error>> {
        loop {
            self.poll(&mut handler)?;
            self.wait().map_err(LinkError::System)?;
        }
    }
}

impl fmt::Debug for DesktopLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DesktopLink")
            .field("status", &self.status())
            .field("peer", &self.peer_addr())
            .finish_non_exhaustive()
    }
}
