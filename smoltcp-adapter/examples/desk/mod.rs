//! A board that is a program: the other end of its cable is a second stack in the same program,
//! which passes one TCP connection on to a relay.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::LazyLock;

use peote_net::time::Instant;
use smoltcp::iface::{self, Interface, SocketSet, SocketStorage};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint};

/// The relay, as the board sees it.
pub(crate) const RELAY: IpEndpoint = IpEndpoint { addr: IpAddress::v4(192, 168, 1, 2), port: 7680 };

static START: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);

/// The time since the first call.
pub(crate) fn now() -> Instant {
    Instant::from_millis(u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// Sleeps for a millisecond at most: the other end of the cable has no interrupt.
pub(crate) fn sleep_until(deadline: Option<Instant>, desk: &mut Desk) {
    desk.pass_on();
    if deadline.is_none_or(|deadline| now() < deadline) {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// The board's end of the cable.
pub(crate) struct Desk {
    near: Queues,
    far: Interface,
    sockets: SocketSet<'static>,
    socket: iface::SocketHandle,
    address: String,
    relay: Option<TcpStream>,
    /// Bytes of the relay that the socket had no room for.
    rest: Vec<u8>,
}

/// Frames to an end of the cable and from it.
#[derive(Default)]
struct Queues {
    come: VecDeque<Vec<u8>>,
    go: VecDeque<Vec<u8>>,
}

impl Desk {
    pub(crate) fn new(relay: &str) -> Self {
        let mut queues = Queues::default();
        let config = iface::Config::new(EthernetAddress([2, 0, 0, 0, 0, 2]).into());
        let mut far = Interface::new(config, &mut queues, smoltcp::time::Instant::ZERO);
        far.update_ip_addrs(|addresses| addresses.push(IpCidr::new(RELAY.addr, 24)).expect("a place"));
        let buffer = || tcp::SocketBuffer::new(Vec::leak(vec![0; 4096]));
        let mut sockets = SocketSet::new(Vec::leak(vec![SocketStorage::EMPTY]));
        let socket = sockets.add(tcp::Socket::new(buffer(), buffer()));
        Self { near: queues, far, sockets, socket, address: relay.into(), relay: None, rest: Vec::new() }
    }

    fn pass_on(&mut self) {
        let now = peote_net_smoltcp::time::to_smoltcp(now());
        // the other end of the cable sees the queues from the other side
        std::mem::swap(&mut self.near.come, &mut self.near.go);
        self.far.poll(now, &mut self.near, &mut self.sockets);
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.socket);
        if socket.state() == tcp::State::Closed {
            (self.relay, self.rest) = (None, Vec::new());
            socket.listen(RELAY.port).expect("a port");
        } else if socket.is_active() && self.relay.is_none() {
            self.relay = TcpStream::connect(&self.address).ok();
            if self.relay.as_ref().is_none_or(|relay| relay.set_nonblocking(true).is_err()) {
                socket.abort();
            }
        }
        if let Some(relay) = &mut self.relay
            && pass(relay, socket, &mut self.rest).is_err()
        {
            socket.close();
        }
        self.far.poll(now, &mut self.near, &mut self.sockets);
        std::mem::swap(&mut self.near.come, &mut self.near.go);
    }
}

/// Passes on what has come in both directions. Its error is the end of the connection.
fn pass(relay: &mut TcpStream, socket: &mut tcp::Socket<'_>, rest: &mut Vec<u8>) -> Result<(), ()> {
    let blocks = |error: std::io::Error| if error.kind() == ErrorKind::WouldBlock { Ok(0) } else { Err(()) };
    while socket.can_recv() {
        let sent = socket.recv(|bytes| match relay.write(bytes).or_else(blocks) {
            Ok(count) => (count, Ok(count)),
            Err(()) => (0, Err(())),
        });
        if sent.map_err(drop)?? == 0 {
            break;
        }
    }
    if rest.is_empty() {
        let mut bytes = [0; 1024];
        match relay.read(&mut bytes) {
            Ok(0) => return Err(()),
            other => rest.extend(bytes.iter().take(other.or_else(blocks)?)),
        }
    }
    if socket.can_send() {
        let count = socket.send_slice(rest).map_err(drop)?;
        rest.drain(..count);
    }
    Ok(())
}

pub(crate) struct Received(Vec<u8>);

pub(crate) struct Sending<'a>(&'a mut VecDeque<Vec<u8>>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let mut frame = vec![0; len];
        let filled = fill(&mut frame);
        self.0.push_back(frame);
        filled
    }
}

impl Device for Queues {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Received, Sending<'_>)> {
        Some((Received(self.come.pop_front()?), Sending(&mut self.go)))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Sending<'_>> {
        Some(Sending(&mut self.go))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        (capabilities.medium, capabilities.max_transmission_unit) = (Medium::Ethernet, 1514);
        capabilities
    }
}

impl Device for Desk {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, now: smoltcp::time::Instant) -> Option<(Received, Sending<'_>)> {
        self.near.receive(now)
    }

    fn transmit(&mut self, now: smoltcp::time::Instant) -> Option<Sending<'_>> {
        self.near.transmit(now)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.near.capabilities()
    }
}
