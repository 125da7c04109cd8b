//! Keeping a socket connected.

use peote_net::link::{Buffers, Error, Event, IntoFlow, Link, Out};
use peote_net::reconnect::Backoff;
use peote_net::time::{Duration, Instant};
use smoltcp::iface::Context;
use smoltcp::socket::tcp::{Socket, State};
use smoltcp::wire::IpEndpoint;

use crate::random::Random;
use crate::{Failure, Progress, TcpTransport, TransportError};

/// How long the relay may take to answer a call, unless [`Connector::set_connect_timeout`] says
/// otherwise.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that lasts for so long was a success: the delays start anew.
const STABLE: Duration = Duration::from_secs(30);

/// The first of the ports for outgoing connections, and a mask for how many there are: the dynamic
/// ports of RFC 6335.
const FIRST_PORT: u16 = 49_152;
const PORT_MASK: u16 = 0x3FFF;
/// The next port is at most so many, plus one, behind the last one.
const STEP_MASK: u16 = 0x0FFF;

/// Keeps a TCP socket of smoltcp connected to a relay: connects, notices how it is, waits,
/// connects again from another local port.
///
/// For firmware that has an `Interface` and a `SocketSet` of its own; `Stack` (feature `stack`) is
/// ready-made. The socket is handed to each call. It turns the socket's Nagle algorithm off.
///
/// The first attempt is made at once, the others after the delays of a [`Backoff`], which starts
/// anew after a connection that has lasted for 30 s.
///
/// ```
/// # use peote_net::{link::{Link, LinkBuffers, Event}, time::Instant};
/// # use smoltcp::iface::{Interface, SocketHandle, SocketSet};
/// # use smoltcp::{phy::Device, socket::tcp, wire::IpEndpoint};
/// use peote_net_smoltcp::{Connector, time::to_smoltcp};
///
/// # struct Firmware<'a> {
/// #     interface: Interface, sockets: SocketSet<'a>, relay_socket: SocketHandle,
/// #     connector: Connector, link: Link<LinkBuffers<256, 4, 1, 512, 256>>, relay: IpEndpoint,
/// # }
/// # impl Firmware<'_> { fn turn(&mut self, device: &mut impl Device, now: Instant) -> Option<Instant> {
/// # let Self { interface, sockets, relay_socket, connector, link, relay } = self;
/// // one turn of the firmware's loop
/// interface.poll(to_smoltcp(now), device, sockets);
/// let socket = sockets.get_mut::<tcp::Socket>(*relay_socket);
/// connector.poll(socket, interface.context(), *relay, now);
/// let result = connector.drive(socket, link, now, |event, out| match event {
///     Event::Chunk { from, bytes } => out.send(from, bytes),
///     other => other.ok(), // a channel that is refused, or ends, is an error
/// });
/// if let Err(error) = result {
///     // The connection is lost and the channels have been told, or a channel is not there: create
///     // and enter anew here.
/// }
/// let deadline = connector.next_deadline(socket, link);
/// interface.poll(to_smoltcp(now), device, sockets); // so that what was written goes out
/// let of_smoltcp = interface.poll_at(to_smoltcp(now), sockets);
/// let deadline = peote_net_smoltcp::time::earlier(deadline, of_smoltcp);
/// // sleep until then, or until a frame comes
/// # deadline }}
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Connector {
    phase: Phase,
    backoff: Backoff,
    random: Random,
    port: u16,
    connect_timeout: Duration,
    /// The last poll of the link was broken off by the handler, so there may be more to do.
    unfinished: bool,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Connect when the time has come and the socket is free.
    Waiting { until: Instant, failure: Option<Failure> },
    /// There are to be no more attempts.
    Ended { failure: Failure },
    /// SYN-SENT.
    Connecting { deadline: Instant },
    /// Established, or was and the link has not been told of the loss.
    Connected { since: Instant, is_given_up: bool },
}

impl Connector {
    /// A connector that connects at its first [`poll`](Self::poll).
    ///
    /// The seed should differ from device to device and from start to start (a serial number
    /// together with something from a noisy converter), so that a device does not begin with the
    /// port that it used before it was restarted, and devices do not come back in the same moment.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self {
            phase: Phase::Waiting { until: Instant::ZERO, failure: None },
            backoff: Backoff::new().with_seed(seed),
            port: random.next(),
            random,
            connect_timeout: CONNECT_TIMEOUT,
            unfinished: false,
        }
    }

    /// Sets the delays between attempts, and how many there may be, instead of those of
    /// [`Backoff::new`].
    pub const fn set_backoff(&mut self, backoff: Backoff) {
        self.backoff = backoff;
    }

    /// How long the relay may take to answer a call; [`CONNECT_TIMEOUT`] at first.
    pub const fn set_connect_timeout(&mut self, timeout: Duration) {
        self.connect_timeout = timeout;
    }

    /// How the connection is doing.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        match self.phase {
            Phase::Waiting { until, failure } => Progress::Waiting { until, failure },
            Phase::Ended { failure } => Progress::Ended { failure },
            Phase::Connecting { .. } => Progress::Connecting,
            Phase::Connected { .. } => Progress::Connected,
        }
    }

    /// Looks at the socket and does what is to be done next: connects when it is time to, notices
    /// that the relay has answered, refused or not answered. Does not block.
    ///
    /// Call it after the interface's poll. A connection that breaks is not noticed here but by
    /// polling the link, which tells its channels; so [`Progress::Connected`] lasts until
    /// [`lost`](Self::lost).
    pub fn poll(
        &mut self,
        socket: &mut Socket<'_>,
        context: &mut Context,
        relay: IpEndpoint,
        now: Instant,
    ) -> Progress {
        self.look(socket, now);
        if self.is_due(socket, now) {
            self.connect(socket, context, relay, now);
        }
        self.progress()
    }

    /// Notices what has become of a call.
    pub(crate) fn look(&mut self, socket: &mut Socket<'_>, now: Instant) {
        let Phase::Connecting { deadline } = self.phase else { return };
        match socket.state() {
            State::SynSent | State::SynReceived if now < deadline => {}
            State::SynSent | State::SynReceived => {
                socket.abort();
                self.failed(Failure::NoAnswer, now);
            }
            State::Closed => self.failed(Failure::Refused, now),
            _ => {
                info!("connected to the relay");
                self.phase = Phase::Connected { since: now, is_given_up: false };
            }
        }
    }

    /// Whether a connection is to be made now. If the socket is still busy with the last one, that
    /// is broken off, which takes another turn.
    pub(crate) fn is_due(&self, socket: &mut Socket<'_>, now: Instant) -> bool {
        let Phase::Waiting { until, .. } = self.phase else { return false };
        if now < until {
            return false;
        }
        let free = !socket.is_open();
        if !free {
            socket.abort();
        }
        free
    }

    pub(crate) fn connect(
        &mut self,
        socket: &mut Socket<'_>,
        context: &mut Context,
        relay: IpEndpoint,
        now: Instant,
    ) {
        // never the one before, and not by a step that somebody could foresee (RFC 6056)
        self.port = self.port.wrapping_add(self.random.next() & STEP_MASK).wrapping_add(1);
        let port = FIRST_PORT | (self.port & PORT_MASK);
        socket.set_nagle_enabled(false);
        info!("connecting to the relay at {} from port {}", relay, port);
        if socket.connect(context, relay, port).is_ok() {
            self.phase = Phase::Connecting { deadline: now.saturating_add(self.connect_timeout) };
        } else {
            self.failed(Failure::Unaddressable, now);
        }
    }

    /// Goes on after a while.
    pub(crate) fn failed(&mut self, failure: Failure, now: Instant) {
        self.phase = match self.backoff.next(now) {
            Ok(until) => {
                warning!("{}; waiting {} ms", failure, until.saturating_since(now).as_millis());
                Phase::Waiting { until, failure: Some(failure) }
            }
            Err(_) if self.backoff.attempts() == 0 => {
                // somebody else says when the next attempt is made
                warning!("{}", failure);
                Phase::Ended { failure }
            }
            Err(exhausted) => {
                warning!("{}; {}", failure, exhausted);
                Phase::Ended { failure }
            }
        };
    }

    /// Gives the connection up, and goes on after a while. To be called when polling the link has
    /// returned an error other than [`Error::Handler`]; [`drive`](Self::drive) does it. Does
    /// nothing unless connected.
    ///
    /// If the relay has closed its half, ours is closed as well; otherwise the connection is reset.
    pub fn lost(&mut self, socket: &mut Socket<'_>, now: Instant) {
        let Phase::Connected { since, is_given_up } = self.phase else { return };
        let failure = match socket.state() {
            State::Closed if is_given_up => Failure::GivenUp,
            State::Closed => Failure::Broken,
            State::CloseWait | State::LastAck | State::Closing | State::TimeWait => {
                socket.close();
                Failure::Closed
            }
            _ => {
                socket.abort();
                Failure::GivenUp
            }
        };
        self.unfinished = false;
        if now.saturating_since(since) >= STABLE {
            self.backoff.reset();
        }
        self.failed(failure, now);
    }

    /// Resets the connection, for something that the link does not know of. Its next poll finds it
    /// lost.
    #[cfg(feature = "stack")]
    pub(crate) fn give_up(&mut self, socket: &mut Socket<'_>) {
        if let Phase::Connected { is_given_up, .. } = &mut self.phase {
            *is_given_up = true;
            socket.abort();
        }
    }

    /// Makes the next attempt at once, and starts the delays anew: the network has come back, or
    /// the program wants it.
    pub const fn retry_now(&mut self) {
        self.backoff.reset();
        if matches!(self.phase, Phase::Waiting { .. } | Phase::Ended { .. }) {
            self.phase = Phase::Waiting { until: Instant::ZERO, failure: None };
        }
    }

    /// The connection's transport. Unless connected it is not ready, even while the socket still
    /// opens or closes.
    pub const fn transport<'a, 'buffers>(
        &mut self,
        socket: &'a mut Socket<'buffers>,
    ) -> TcpTransport<'a, 'buffers> {
        match self.phase {
            Phase::Connected { .. } => TcpTransport::new(socket),
            _ => TcpTransport::unconnected(),
        }
    }

    /// Polls the link; gives the connection up if that shows that it is lost. Without a connection
    /// the link is polled as well: it may have events that a handler has kept.
    ///
    /// # Errors
    /// Those of [`Link::poll`].
    pub fn drive<B: Buffers, R: IntoFlow>(
        &mut self,
        socket: &mut Socket<'_>,
        link: &mut Link<B>,
        now: Instant,
        handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
    ) -> Result<(), Error<TransportError, R::Error>> {
        let result = link.poll(&mut self.transport(socket), now, handler);
        match result {
            Ok(()) => self.unfinished = false,
            Err(Error::Handler(_)) => self.unfinished = true,
            Err(_) => self.lost(socket, now),
        }
        result
    }

    /// Whether the last poll of the link was broken off by the handler.
    #[cfg(feature = "stack")]
    pub(crate) const fn is_unfinished(&self) -> bool {
        self.unfinished
    }

    /// When the next turn is due although no frame comes; one that is not in the future means at
    /// once, `None` never.
    ///
    /// Together with the interface's own (`poll_at`, which also has to be asked) it is how long the
    /// loop may sleep. It thinks of what no frame will announce: bytes that the link has left in
    /// the socket, and room there for what the link still has to write.
    #[must_use]
    pub fn next_deadline<B: Buffers>(&mut self, socket: &mut Socket<'_>, link: &Link<B>) -> Option<Instant> {
        let transport = self.transport(socket);
        let more = self.unfinished
            || (link.wants_read() && transport.is_readable())
            || (link.wants_write() && transport.is_writable());
        let own = match self.phase {
            _ if more => return Some(Instant::ZERO),
            Phase::Waiting { until, .. } => Some(until),
            Phase::Connecting { deadline } => Some(deadline),
            Phase::Ended { .. } | Phase::Connected { .. } => None,
        };
        own.into_iter().chain(link.next_deadline()).min()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Connector {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Connector({})", self.progress());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_are_the_documented_ones() {
        assert_eq!(size_of::<Connector>(), 96);
        assert_eq!(size_of::<TcpTransport<'_, '_>>(), size_of::<usize>());
    }
}
