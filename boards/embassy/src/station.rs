//! Connecting again and again, with channels that come back.

use core::convert::Infallible;
use core::fmt;

use embassy_futures::select::{Either, select};
use embassy_net::tcp::TcpSocket;
use embassy_net::{IpEndpoint, Stack};
use embassy_time::Timer;
use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};
#[cfg(feature = "flow")]
use peote_net::link::Hello;
#[cfg(feature = "server")]
use peote_net::link::OwnChannel;
use peote_net::link::{
    Buffers, EnteredChannel, Error, Event, Flow, HandlerError, IntoFlow, Link, Mode, Out, SendError,
};
use peote_net::reconnect::{Exhausted, Notice, Reconnect, Status};
use peote_net::time::{Duration, Instant};

use crate::run::sleep;
use crate::time::{now, to_embassy};
use crate::{TcpTransport, run};

/// How long the relay may take to answer a call.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A link and its list of channels, connected again and again over embassy-net.
///
/// ```
/// use embassy_net::{IpEndpoint, Stack};
/// use peote_net::link::{Buffers, Event, Link, Mode, Out};
/// use peote_net::reconnect::{Backoff, Reconnect};
/// use peote_net::time::Duration;
/// use peote_net_embassy::{Station, StationError, time::now};
///
/// /// Sends a reading each second.
/// async fn sensor(
///     stack: Stack<'_>,
///     relay: IpEndpoint,
///     link: &mut Link<impl Buffers>,
///     seed: u64,
///     measure: impl Fn() -> [u8; 6],
/// ) -> StationError {
///     let mut station = Station::new(link, Reconnect::<_, 1>::new(Backoff::new().with_seed(seed)));
///     let Ok(readings) = station.enter("readings", Mode::chunks(64)) else {
///         unreachable!("it has a place");
///     };
///     let (mut receive, mut transmit) = ([0; 256], [0; 256]);
///     let mut next = now();
///     let work = |_: &mut Reconnect<_, 1>, out: &mut Out<'_>| {
///         if now() >= next {
///             let _left_out = out.send(readings, &measure());
///             next = now() + Duration::from_secs(1);
///         }
///         Some(next)
///     };
///     let orders = |event: Event<'_>, _: &mut Out<'_>| {
///         if let Event::Chunk { bytes, .. } = event { /* an order */ }
///     };
///     match station.run(stack, relay, &mut receive, &mut transmit, orders, work).await {
///         Err(error) => error,
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Station<'a, B: Buffers, N, const CHANNELS: usize> {
    link: &'a mut Link<B>,
    channels: Reconnect<N, CHANNELS>,
}

/// Why a [`Station`] does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum StationError<H = SendError> {
    /// There are to be no further attempts to connect: the rules of the list of channels.
    GivenUp(Exhausted),
    /// The handler's own error. The connection has been ended.
    Handler(H),
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

/// A connection that has ended.
struct Ended;

impl ErrorType for Ended {
    type Error = Infallible;
}

impl ReadReady for Ended {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(true)
    }
}

impl WriteReady for Ended {
    fn write_ready(&mut self) -> Result<bool, Infallible> {
        Ok(false)
    }
}

impl Read for Ended {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, Infallible> {
        Ok(0)
    }
}

impl Write for Ended {
    fn write(&mut self, _: &[u8]) -> Result<usize, Infallible> {
        Ok(0)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl<H: fmt::Display> fmt::Display for StationError<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GivenUp(exhausted) => write!(f, "no further attempt to connect: {exhausted}"),
            Self::Handler(error) => error.fmt(f),
        }
    }
}

impl<H: fmt::Debug + fmt::Display> core::error::Error for StationError<H> {}

impl<'a, B: Buffers, N: AsRef<[u8]>, const CHANNELS: usize> Station<'a, B, N, CHANNELS> {
    /// A station that is not connected yet.
    pub const fn new(link: &'a mut Link<B>, channels: Reconnect<N, CHANNELS>) -> Self {
        Self { link, channels }
    }

    /// Creates a channel that comes back: see
    /// [`ChannelList::create`](peote_net::reconnect::ChannelList::create).
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "server")]
    pub fn create(&mut self, name: N, mode: Mode) -> Result<OwnChannel, SendError> {
        self.channels.create(&mut self.link.out(), name, mode)
    }

    /// Enters a channel that comes back: see
    /// [`ChannelList::enter`](peote_net::reconnect::ChannelList::enter).
    ///
    /// # Errors
    /// As there.
    pub fn enter(&mut self, name: N, mode: Mode) -> Result<EnteredChannel, SendError> {
        self.channels.enter(&mut self.link.out(), name, mode)
    }

    /// The list of channels.
    pub const fn channels(&mut self) -> &mut Reconnect<N, CHANNELS> {
        &mut self.channels
    }

    /// Sets what the program tells the relay about itself: see [`Link::set_hello`]. Counts from the
    /// next connection on. A device with a battery asks for keepalives that come seldom.
    #[cfg(feature = "flow")]
    pub fn set_hello(&mut self, hello: Hello) {
        self.link.set_hello(hello);
    }

    /// Connects, polls the link, sleeps, and connects again when the connection is lost.
    ///
    /// `receive` and `transmit` are the buffers of the TCP socket. `handler` gets every event.
    /// `work` is called in each turn before the task sleeps, while there is a connection: for what
    /// the program sends unasked. It returns when it is to be called next at the latest; `None` for
    /// never.
    ///
    /// The connection is given up when the relay has not answered for a channel within 15 s
    /// ([`ChannelList::set_answer_timeout`](peote_net::reconnect::ChannelList::set_answer_timeout)).
    ///
    /// A channel that the list itself gives up ([`Cause`](peote_net::reconnect::Cause)) is told as
    /// [`Event::Refused`], once.
    ///
    /// When this future is dropped, the connection is reset. The next call then begins with the
    /// events that tell of it.
    ///
    /// # Errors
    /// No further attempts, or an error of the handler. The station can be run again.
    pub async fn run<R: IntoFlow>(
        &mut self,
        stack: Stack<'_>,
        relay: IpEndpoint,
        receive: &mut [u8],
        transmit: &mut [u8],
        mut handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
        mut work: impl FnMut(&mut Reconnect<N, CHANNELS>, &mut Out<'_>) -> Option<Instant>,
    ) -> Result<Infallible, StationError<R::Error>>
    where
        R::Error: HandlerError,
    {
        if matches!(self.channels.status(), Status::Connecting | Status::Restoring | Status::Connected) {
            self.tell_of_the_loss(&mut handler);
        }
        loop {
            self.attempt_is_due().await?;
            stack.wait_config_up().await;
            let mut socket = TcpSocket::new(stack, receive, transmit);
            let timeout = Timer::at(to_embassy(now().saturating_add(CONNECT_TIMEOUT)));
            let Either::First(Ok(())) = select(socket.connect(relay), timeout).await else {
                self.channels.failed(now());
                continue;
            };
            self.channels.connected();
            let mut transport = TcpTransport::new(socket);
            let result = self.talk(&mut transport, &mut handler, &mut work).await;
            if let Err(Error::Handler(error)) = result {
                // the connection is still there: end it, and hear of that
                transport.close();
                let channels = &mut self.channels;
                let _closed =
                    run(self.link, &mut transport, |event, _| _ = channels.observe(&event, now())).await;
                self.channels.failed(now());
                return Err(StationError::Handler(error));
            }
            self.channels.failed(now());
        }
    }

    /// Sleeps until an attempt is due, and counts it as started.
    async fn attempt_is_due<H>(&mut self) -> Result<(), StationError<H>> {
        while !self.channels.start_attempt(now()) {
            match self.channels.status() {
                Status::GivenUp(exhausted) => return Err(StationError::GivenUp(exhausted)),
                Status::Lost { until } => Timer::at(to_embassy(until)).await,
                // not left over, as `run` has seen to
                _ => self.channels.failed(now()),
            }
        }
        Ok(())
    }

    /// A run before this one was dropped, and its connection with it. The link does not know of
    /// that, and would go on in the middle of a unit. So it hears the end.
    fn tell_of_the_loss<R: IntoFlow>(&mut self, handler: &mut impl FnMut(Event<'_>, &mut Out<'_>) -> R) {
        let now = now();
        self.channels.failed(now);
        let channels = &mut self.channels;
        // more than one poll if events are limited, or the handler wants one again
        for _ in 0..100 {
            let polled = self.link.poll(&mut Ended, now, |event, out| {
                let Some(event) = channels.follow(event, now) else { return };
                // an answer would reach no one, so its errors do not matter
                let _flow = handler(event, out).into_flow();
            });
            if polled.is_err() {
                return;
            }
        }
        // the handler wants it again without an end
        while self.link.poll(&mut Ended, now, |event, _| _ = channels.observe(&event, now)).is_ok() {}
    }

    /// One connection.
    async fn talk<R: IntoFlow>(
        &mut self,
        transport: &mut TcpTransport<'_>,
        handler: &mut impl FnMut(Event<'_>, &mut Out<'_>) -> R,
        work: &mut impl FnMut(&mut Reconnect<N, CHANNELS>, &mut Out<'_>) -> Option<Instant>,
    ) -> Result<Infallible, Error<crate::TcpError, R::Error>> {
        loop {
            let (now, channels) = (now(), &mut self.channels);
            self.link.poll(transport, now, |event, out| match channels.follow(event, now) {
                Some(event) => Followed::Handled(handler(event, out)),
                None => Followed::PassedOver,
            })?;
            while let Some(notice) = self.channels.restore(&mut self.link.out(), now) {
                if notice.is_unanswered() {
                    // the link's next poll finds it lost
                    transport.socket().abort();
                }
                if let Notice::GivenUp { channel, cause, .. } = notice {
                    let event = Event::Refused { channel, reason: cause.reason(), words: &[] };
                    handler(event, &mut self.link.out()).into_flow().map_err(Error::Handler)?;
                }
            }
            let next = work(&mut self.channels, &mut self.link.out());
            let next = next.into_iter().chain(self.channels.next_deadline()).min();
            sleep(self.link, transport, next).await;
        }
    }
}
