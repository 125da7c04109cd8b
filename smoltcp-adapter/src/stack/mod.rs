//! The ready-made stack: interface, sockets, address, name, connection.

mod config;
#[cfg(feature = "dhcpv4")]
mod dhcp;
#[cfg(feature = "dns")]
mod dns;
mod memory;

use core::fmt;

use peote_net::link::{Buffers, Error, Event, IntoFlow, Link, Out};
use peote_net::time::Instant;
use smoltcp::iface::{Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet};
use smoltcp::phy::Device;
use smoltcp::socket::AnySocket;
use smoltcp::wire::IpEndpoint;

use crate::time::{earlier, to_smoltcp};
use crate::{Connector, Failure, Progress, TcpTransport, TransportError};
pub use config::{Addressing, Config, ConfigError, RelayAddress};
pub use memory::{OWN_SOCKETS, StackMemory};

/// How many frames a poll takes from the device at most, and how many rounds of sending it makes.
const FRAMES_PER_POLL: usize = 16;

/// Everything between a network device and a link, for firmware that does not want to see to it
/// itself.
///
/// It owns smoltcp's `Interface` and `SocketSet`, whose memory is a [`StackMemory`]. It gets an
/// address (static, or by DHCP with the feature `dhcpv4`), looks the relay's name up (feature
/// `dns`), and keeps connected as [`Connector`] does.
///
/// ```
/// use peote_net::{link::{Event, Link, Mode, link_buffers}, time::Instant};
/// use peote_net_smoltcp::{Addressing, Config, RelayAddress, Stack, StackMemory};
/// use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};
/// # use smoltcp::phy::Device;
/// # fn now() -> Instant { Instant::ZERO }
/// # fn sleep_until(deadline: Option<Instant>) {}
///
/// type Memory =
///     link_buffers!(chunk: 256, parties: 1, own_channels: 0, transmit: 512, receive: 256);
///
/// # fn run(mut device: impl Device) -> Result<(), peote_net_smoltcp::ConfigError> {
/// // in firmware: in a `static`, by way of static_cell
/// let mut memory = StackMemory::<2048, 2048>::new();
/// let config = Config::new(
///     EthernetAddress([2, 0, 0, 0, 0, 1]).into(),
///     Addressing::Static { address: IpCidr::new(IpAddress::v4(10, 0, 0, 5), 24), gateway: None },
///     RelayAddress::Endpoint((IpAddress::v4(10, 0, 0, 2), 7680).into()),
///     0x5eed, // from a noisy converter, a serial number
/// );
/// let mut stack = Stack::new(&mut memory, config, &mut device, now())?;
/// let mut link = Link::<Memory>::new();
/// // goes out once there is a connection
/// let mut orders = link.out().enter("orders", Mode::chunks(256));
/// loop {
///     let result = stack.drive(&mut device, &mut link, now(), |event, out| match event {
///         Event::Chunk { from, bytes } => out.send(from, bytes),
///         other => other.ok(), // a channel that is refused, or ends, is an error
///     });
///     if result.is_err() {
///         // for the next connection, or because the channel is not there
///         orders = link.out().enter("orders", Mode::chunks(256));
///     }
///     sleep_until(stack.next_deadline(&link, now())); // or until a frame comes
/// }
/// # }
/// ```
pub struct Stack<'a> {
    interface: Interface,
    sockets: SocketSet<'a>,
    socket: SocketHandle,
    connector: Connector,
    relay: RelayAddress,
    network_is_up: bool,
    /// The last poll has left frames in the device.
    unfinished: bool,
    #[cfg(feature = "dhcpv4")]
    dhcp: Option<dhcp::Dhcp>,
    #[cfg(feature = "dns")]
    resolver: Option<dns::Resolver>,
}

impl<'a> Stack<'a> {
    /// A stack on new memory. Sends nothing yet.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn new<const RECEIVE: usize, const TRANSMIT: usize, const SOCKETS: usize>(
        memory: &'a mut StackMemory<'a, RECEIVE, TRANSMIT, SOCKETS>,
        config: Config<'_>,
        device: &mut (impl Device + ?Sized),
        now: Instant,
    ) -> Result<Self, ConfigError> {
        let (mut sockets, socket, queries) = memory.split();
        config.check(device.capabilities().medium)?;
        let mut interface_config = smoltcp::iface::Config::new(config.hardware_address);
        interface_config.random_seed = config.seed;
        let mut interface = Interface::new(interface_config, device, to_smoltcp(now));
        config.addressing.apply(&mut interface)?;
        let relay = config.relay.known();
        #[cfg(feature = "dns")]
        let resolver = match relay {
            RelayAddress::Name { .. } => Some(dns::Resolver::new(&mut sockets, queries, config.dns_servers)),
            RelayAddress::Endpoint(_) => None,
        };
        #[cfg(not(feature = "dns"))]
        let _ = queries;
        #[cfg(feature = "dhcpv4")]
        let dhcp = match config.addressing {
            Addressing::Dhcp => Some(dhcp::Dhcp::new(&mut sockets)),
            Addressing::Static { .. } => None,
        };
        Ok(Self {
            interface,
            socket: sockets.add(socket),
            sockets,
            connector: Connector::new(config.seed),
            relay,
            network_is_up: true,
            unfinished: false,
            #[cfg(feature = "dhcpv4")]
            dhcp,
            #[cfg(feature = "dns")]
            resolver,
        })
    }

    /// What keeps the connection; for setting its times.
    pub const fn connector(&mut self) -> &mut Connector {
        &mut self.connector
    }

    /// smoltcp's own parts, for other sockets of the firmware.
    pub const fn parts(&mut self) -> (&mut Interface, &mut SocketSet<'a>) {
        (&mut self.interface, &mut self.sockets)
    }

    /// How the connection to the relay is doing.
    #[must_use]
    pub fn progress(&self) -> Progress {
        match self.connector.progress() {
            Progress::Waiting { .. } if !self.network_is_up => Progress::NetworkDown,
            Progress::Waiting { .. } if self.interface.ip_addrs().is_empty() => Progress::NoAddress,
            #[cfg(feature = "dns")]
            Progress::Waiting { .. } if self.resolver.as_ref().is_some_and(dns::Resolver::is_busy) => {
                Progress::Resolving
            }
            progress => progress,
        }
    }

    pub(crate) const fn is_network_up(&self) -> bool {
        self.network_is_up
    }

    /// Tells that the network has gone or come back: the cable, the radio. A new stack takes it to
    /// be up.
    ///
    /// While it is down, nothing is connected anew. A connection is left alone: it survives short
    /// interruptions, and the link's silence limit ends it after long ones. When the network is
    /// back, the next attempt is made at once, and DHCP is asked anew. The address is kept for up
    /// to 30 s meanwhile, and for good if it is still ours.
    pub fn set_network_up(&mut self, up: bool, now: Instant) {
        if core::mem::replace(&mut self.network_is_up, up) == up {
            return;
        }
        if !up {
            info!("the network is down");
            return;
        }
        info!("the network is up");
        self.connector.retry_now();
        #[cfg(feature = "dhcpv4")]
        if let Some(dhcp) = &mut self.dhcp {
            dhcp.restart(&mut self.sockets, now);
        }
        #[cfg(not(feature = "dhcpv4"))]
        let _ = now;
    }

    /// One turn without a link: takes the frames that have come (at most 16), sees to address, name
    /// and connection, and sends the frames that are due. Does not block.
    ///
    /// [`drive`](Self::drive) does this and polls a link as well.
    pub fn poll(&mut self, device: &mut (impl Device + ?Sized), now: Instant) -> Progress {
        self.receive(device, now);
        self.send(device, now);
        self.progress()
    }

    /// One turn with a link: as [`poll`](Self::poll), and polls the link. What the link writes is
    /// sent. If it finds the connection lost, that is given up, and the next one is made after a
    /// while.
    ///
    /// # Errors
    /// Those of [`Link::poll`].
    pub fn drive<B: Buffers, R: IntoFlow>(
        &mut self,
        device: &mut (impl Device + ?Sized),
        link: &mut Link<B>,
        now: Instant,
        handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
    ) -> Result<(), Error<TransportError, R::Error>> {
        self.receive(device, now);
        let result = match socket(&mut self.sockets, self.socket) {
            Some(socket) => self.connector.drive(socket, link, now, handler),
            None => Ok(()),
        };
        self.send(device, now);
        result
    }

    /// The connection's transport, for polling a link by other means than [`drive`](Self::drive);
    /// not ready unless connected. When polling shows that the connection is lost, call
    /// [`lost`](Self::lost), and [`send`](Self::send) in any case.
    pub fn transport(&mut self) -> TcpTransport<'_, 'a> {
        match socket(&mut self.sockets, self.socket) {
            Some(socket) => self.connector.transport(socket),
            None => TcpTransport::unconnected(),
        }
    }

    /// Gives the connection up; see [`Connector::lost`].
    pub fn lost(&mut self, now: Instant) {
        if let Some(socket) = socket(&mut self.sockets, self.socket) {
            self.connector.lost(socket, now);
        }
    }

    /// Resets the connection: see [`Connector::give_up`].
    pub(crate) fn give_up(&mut self) {
        if let Some(socket) = socket(&mut self.sockets, self.socket) {
            self.connector.give_up(socket);
        }
    }

    /// Sends the frames that are due, after something was written to a socket. [`poll`](Self::poll)
    /// and [`drive`](Self::drive) do it.
    pub fn send(&mut self, device: &mut (impl Device + ?Sized), now: Instant) {
        for _ in 0..FRAMES_PER_POLL {
            let sent = self.interface.poll_egress(to_smoltcp(now), device, &mut self.sockets);
            if sent == PollResult::None {
                break;
            }
        }
    }

    /// When the next turn is due although no frame comes; one that is not in the future means at
    /// once, `None` never. Until then, or until the device has a frame, the loop may sleep (`wfi`).
    ///
    /// It joins the deadlines of smoltcp, of the connection and of the link, and thinks of what no
    /// frame will announce: bytes that the link has left in the socket, and room there for what the
    /// link still has to write.
    #[must_use]
    pub fn next_deadline<B: Buffers>(&mut self, link: &Link<B>, now: Instant) -> Option<Instant> {
        if self.unfinished || self.connector.is_unfinished() {
            return Some(now);
        }
        let own = match self.progress() {
            // frames or smoltcp's timers end these
            Progress::NetworkDown | Progress::NoAddress | Progress::Resolving => link.next_deadline(),
            _ => self.connector.next_deadline(socket(&mut self.sockets, self.socket)?, link),
        };
        #[cfg(feature = "dhcpv4")]
        let own = own.into_iter().chain(self.dhcp.as_ref().and_then(dhcp::Dhcp::deadline)).min();
        earlier(own, self.interface.poll_at(to_smoltcp(now), &self.sockets))
    }

    /// The first half of a turn: frames, address, name, connection.
    pub(crate) fn receive(&mut self, device: &mut (impl Device + ?Sized), now: Instant) {
        let timestamp = to_smoltcp(now);
        // smoltcp 0.12 does this with each frame that it takes
        #[cfg(any(feature = "smoltcp-0-13", feature = "smoltcp-0-14"))]
        self.interface.poll_maintenance(timestamp);
        self.unfinished = true;
        for _ in 0..FRAMES_PER_POLL {
            let taken = self.interface.poll_ingress_single(timestamp, device, &mut self.sockets);
            if taken == PollIngressSingleResult::None {
                self.unfinished = false;
                break;
            }
        }
        #[cfg(feature = "dhcpv4")]
        if let Some(dhcp) = &mut self.dhcp {
            dhcp.follow(
                &mut self.sockets,
                &mut self.interface,
                now,
                #[cfg(feature = "dns")]
                self.resolver.as_ref(),
            );
        }
        #[cfg(not(any(feature = "smoltcp-0-13", feature = "smoltcp-0-14")))]
        self.end_without_address();
        self.keep_connected(now);
    }

    /// Breaks the connection off if its address is not the device's any more, as smoltcp does from
    /// version 0.13 on.
    #[cfg(not(any(feature = "smoltcp-0-13", feature = "smoltcp-0-14")))]
    fn end_without_address(&mut self) {
        let Some(tcp) = socket::<smoltcp::socket::tcp::Socket<'_>>(&mut self.sockets, self.socket) else {
            return;
        };
        let Some(local) = tcp.local_endpoint() else { return };
        if tcp.is_open() && !self.interface.has_ip_addr(local.addr) {
            tcp.abort();
        }
    }

    fn keep_connected(&mut self, now: Instant) {
        let Some(tcp) = socket(&mut self.sockets, self.socket) else { return };
        self.connector.look(tcp, now);
        if !self.network_is_up || self.interface.ip_addrs().is_empty() || !self.connector.is_due(tcp, now) {
            return;
        }
        match self.relay_endpoint() {
            Ok(Some(relay)) => {
                if let Some(tcp) = socket(&mut self.sockets, self.socket) {
                    self.connector.connect(tcp, self.interface.context(), relay, now);
                }
            }
            Ok(None) => {}
            Err(failure) => self.connector.failed(failure, now),
        }
    }

    /// Where the relay is; `Ok(None)`: not known yet.
    #[cfg_attr(not(feature = "dns"), expect(clippy::unnecessary_wraps, reason = "names can fail"))]
    fn relay_endpoint(&mut self) -> Result<Option<IpEndpoint>, Failure> {
        match self.relay {
            RelayAddress::Endpoint(relay) => Ok(Some(relay)),
            #[cfg(feature = "dns")]
            RelayAddress::Name { name, port } => match &mut self.resolver {
                Some(resolver) => resolver.poll(&mut self.sockets, self.interface.context(), name, port),
                None => Err(Failure::NameNotFound),
            },
        }
    }
}

/// A socket by its handle, without a way to panic.
fn socket<'s, 'a, T: AnySocket<'a>>(
    sockets: &'s mut SocketSet<'a>,
    handle: SocketHandle,
) -> Option<&'s mut T> {
    sockets.iter_mut().find(|(each, _)| *each == handle).and_then(|(_, socket)| T::downcast_mut(socket))
}

impl fmt::Debug for Stack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("progress", &self.progress()).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Stack<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Stack({})", self.progress());
    }
}
