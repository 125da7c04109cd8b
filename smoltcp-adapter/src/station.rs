//! Stack, link, list of channels and one backoff in one thing.

use core::fmt;

#[cfg(feature = "flow")]
use peote_net::link::Hello;
#[cfg(feature = "server")]
use peote_net::link::OwnChannel;
use peote_net::link::{Buffers, Destination, EnteredChannel, Error, Event, Link, Mode, Out, SendError};
use peote_net::reconnect::{self, Backoff, Notice, Reconnect};
use peote_net::time::Instant;
use smoltcp::phy::Device;

use crate::{Progress, Stack, TransportError};

/// A stack, a link, and the list of channels that come back, with one call for each event.
///
/// It connects, creates and enters the channels of its list, and does both again after a loss. The
/// rules of the list ([`Backoff`]) are those for attempts to connect as well; the stack's own are
/// not used. [`progress`](Self::progress) says what will happen.
///
/// ```
/// use peote_net::link::{Event, Link, Mode, link_buffers};
/// use peote_net::reconnect::{Backoff, Reconnect};
/// use peote_net::time::{Duration, Instant};
/// use peote_net_smoltcp::{Stack, Station};
/// # use smoltcp::phy::Device;
/// # fn now() -> Instant { Instant::ZERO }
/// # fn sleep_until(deadline: Option<Instant>) {}
/// # fn measure() -> [u8; 6] { [0; 6] }
///
/// type Memory = link_buffers!(chunk: 64, parties: 1, own_channels: 0, transmit: 320, receive: 128);
///
/// fn sensor(stack: Stack<'_>, link: &mut Link<Memory>, device: &mut impl Device) -> ! {
///     let channels = Reconnect::<_, 1>::new(Backoff::new().with_seed(4)); // of this board
///     let mut station = Station::new(stack, link, channels);
///     let readings = station.enter("readings", Mode::chunks(64)).expect("a place");
///     let mut next = now();
///     loop {
///         while let Some((event, _)) = station.next(device, now()) {
///             if let Event::Chunk { bytes, .. } = event { /* an order */ }
///         }
///         if now() >= next {
///             let _left_out = station.send(readings, &measure()); // not open, or no room
///             next = now() + Duration::from_secs(1);
///         }
///         sleep_until(station.next_deadline(now()).into_iter().chain([next]).min());
///     }
/// }
/// ```
pub struct Station<'a, 'l, B: Buffers, N, const CHANNELS: usize> {
    stack: Stack<'a>,
    link: &'l mut Link<B>,
    channels: Reconnect<N, CHANNELS>,
    /// The last call of `next` returned an event, so the round goes on.
    is_in_round: bool,
    /// The channels that are due have not all been asked for in this turn.
    is_asking: bool,
    lost: Option<Error<TransportError>>,
}

impl<'a, 'l, B: Buffers, N: AsRef<[u8]>, const CHANNELS: usize> Station<'a, 'l, B, N, CHANNELS> {
    /// A station that is not connected yet. It calls the relay in its first turn.
    #[must_use]
    pub const fn new(mut stack: Stack<'a>, link: &'l mut Link<B>, channels: Reconnect<N, CHANNELS>) -> Self {
        // no attempts but those of the list
        stack.connector().set_backoff(Backoff::new().with_most_attempts(0));
        Self { stack, link, channels, is_in_round: false, is_asking: false, lost: None }
    }

    /// Creates a channel that comes back: see
    /// [`ChannelList::create`](reconnect::ChannelList::create).
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "server")]
    pub fn create(&mut self, name: N, mode: Mode) -> Result<OwnChannel, SendError> {
        self.channels.create(&mut self.link.out(), name, mode)
    }

    /// Enters a channel that comes back: see [`ChannelList::enter`](reconnect::ChannelList::enter).
    ///
    /// # Errors
    /// As there.
    pub fn enter(&mut self, name: N, mode: Mode) -> Result<EnteredChannel, SendError> {
        self.channels.enter(&mut self.link.out(), name, mode)
    }

    /// The list of channels: how they are, and when they are tried again.
    pub const fn channels(&mut self) -> &mut Reconnect<N, CHANNELS> {
        &mut self.channels
    }

    /// The stack: for its times and for further sockets of the firmware.
    pub const fn stack(&mut self) -> &mut Stack<'a> {
        &mut self.stack
    }

    /// Sets what the program tells the relay about itself: see [`Link::set_hello`]. Counts from the
    /// next connection on, so call it before the first turn. A device with a battery asks for
    /// keepalives that come seldom:
    ///
    /// ```
    /// use peote_net::link::{Buffers, Hello};
    /// use peote_net::time::Duration;
    /// use peote_net_smoltcp::Station;
    ///
    /// fn sleep_long(station: &mut Station<'_, '_, impl Buffers, &str, 1>) {
    ///     station.set_hello(Hello { keepalive: Some(Duration::from_secs(600)), ..Hello::default() });
    /// }
    /// ```
    #[cfg(feature = "flow")]
    pub fn set_hello(&mut self, hello: Hello) {
        self.link.set_hello(hello);
    }

    /// The link's sending half. What is queued goes out with the next [`next`](Self::next), and
    /// [`next_deadline`](Self::next_deadline) is at once until then.
    pub fn out(&mut self) -> Out<'_> {
        self.link.out()
    }

    /// Sends a chunk: see [`Out::send`].
    ///
    /// # Errors
    /// [`SendError::NotOpen`] while the channel is not open; others as [`Out::send`].
    pub fn send(&mut self, to: impl Into<Destination>, bytes: &[u8]) -> Result<(), SendError> {
        self.link.out().send(to, bytes)
    }

    /// Tells that the network has gone or come back: the cable, the radio. When it is back, an
    /// attempt is made at once. See [`Stack::set_network_up`].
    pub fn set_network_up(&mut self, up: bool, now: Instant) {
        let was_down = !self.stack.is_network_up();
        self.stack.set_network_up(up, now);
        if was_down && up {
            self.channels.try_now();
        }
    }

    /// Returns the next event, until there is none any more in this turn.
    ///
    /// The first call of a turn takes the frames that have come (at most 16), and sees to address,
    /// name, connection and channels. The last one, which returns `None`, sends what was queued.
    /// The event counts as dealt with at the next call, unless [`Out::again`] was called. A refusal
    /// by the list itself ([`reconnect::Cause`]) comes once.
    ///
    /// A lost connection is no error here: the channels' events tell of it ([`Event::Away`]),
    /// [`lost`](Self::lost) says why, and the next attempt is made when it is due. The connection is
    /// given up when the relay has not answered for a channel within 15 s
    /// ([`ChannelList::set_answer_timeout`](reconnect::ChannelList::set_answer_timeout)).
    pub fn next(
        &mut self,
        device: &mut (impl Device + ?Sized),
        now: Instant,
    ) -> Option<(Event<'_>, Out<'_>)> {
        if !self.is_in_round {
            self.begin(device, now);
        }
        if let Some(refused) = self.ask(now) {
            self.is_in_round = true;
            return Some((refused, self.link.out()));
        }
        let channels = &mut self.channels;
        let found =
            self.link.next_event_if(&mut self.stack.transport(), now, |event| channels.follow(event, now));
        match found {
            Ok(Some(next)) => {
                self.is_in_round = true;
                return Some(next);
            }
            Ok(None) => {}
            Err(error) => {
                self.lost = Some(error);
                self.stack.lost(now);
                self.channels.failed(now);
            }
        }
        self.is_in_round = false;
        self.stack.send(device, now);
        None
    }

    /// The part of a turn before the first event.
    fn begin(&mut self, device: &mut (impl Device + ?Sized), now: Instant) {
        if self.channels.start_attempt(now) {
            self.stack.connector().retry_now();
        }
        self.stack.receive(device, now);
        match self.stack.progress() {
            Progress::Connected => self.channels.connected(),
            Progress::Ended { .. } => self.channels.failed(now),
            _ => {}
        }
        self.is_asking = true;
    }

    /// Asks for the channels that are due. Returns the event of one that is given up.
    fn ask(&mut self, now: Instant) -> Option<Event<'static>> {
        while self.is_asking {
            let Some(notice) = self.channels.restore(&mut self.link.out(), now) else {
                self.is_asking = false;
                break;
            };
            if notice.is_unanswered() {
                warning!("the relay is there, and does not answer");
                self.stack.give_up();
            }
            if let Notice::GivenUp { channel, cause, .. } = notice {
                return Some(Event::Refused { channel, reason: cause.reason(), words: &[] });
            }
        }
        None
    }

    /// Returns how the connection is doing, and what will happen. How the channels are is in the
    /// list: [`ChannelList::state`](reconnect::ChannelList::state).
    ///
    /// [`Progress::Waiting`] says when the next attempt is made, and why the last one failed.
    /// [`Progress::Ended`] is said only when the rules of the list allow no more;
    /// [`ChannelList::try_now`](reconnect::ChannelList::try_now) begins anew.
    #[must_use]
    pub fn progress(&self) -> Progress {
        match (self.stack.progress(), self.channels.status()) {
            (Progress::Ended { failure }, reconnect::Status::Lost { until }) => {
                Progress::Waiting { until, failure: Some(failure) }
            }
            // the attempt has been granted, and is made as soon as the socket is free
            (Progress::Waiting { .. } | Progress::Ended { .. }, reconnect::Status::Connecting) => {
                Progress::Connecting
            }
            (progress, _) => progress,
        }
    }

    /// Returns why the last connection was lost; `None` if none was.
    #[must_use]
    pub const fn lost(&self) -> Option<Error<TransportError>> {
        self.lost
    }

    /// Returns when the next turn is due although no frame comes; see [`Stack::next_deadline`].
    #[must_use]
    pub fn next_deadline(&mut self, now: Instant) -> Option<Instant> {
        let of_stack = self.stack.next_deadline(self.link, now);
        of_stack.into_iter().chain(self.channels.next_deadline()).min()
    }
}

impl<B: Buffers, N, const CHANNELS: usize> fmt::Debug for Station<'_, '_, B, N, CHANNELS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Station")
            .field("stack", &self.stack)
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}
