//! smoltcp with one TCP socket.

use cortex_m::interrupt;
use firmware_support::{Clock, Ethernet};
use lm3s6965evb::{Board, StellarisMac};
use peote_net::time::Instant as Moment;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpCidr, IpEndpoint};
use static_cell::{ConstStaticCell, StaticCell};

/// The other side: a relay, a broker, or whoever wants its bytes back.
pub const PEER: IpEndpoint = IpEndpoint { addr: IpAddress::v4(10, 0, 2, 100), port: 7680 };

/// Bytes of the socket's buffer, in each direction.
const BUFFER: usize = 1024;

static ETHERNET: StaticCell<Ethernet<StellarisMac>> = StaticCell::new();
static SOCKETS: ConstStaticCell<[SocketStorage<'_>; 1]> = ConstStaticCell::new([SocketStorage::EMPTY]);
static RECEIVE: ConstStaticCell<[u8; BUFFER]> = ConstStaticCell::new([0; BUFFER]);
static TRANSMIT: ConstStaticCell<[u8; BUFFER]> = ConstStaticCell::new([0; BUFFER]);

/// The board's clock and network device, started.
pub fn board() -> (Clock, &'static mut Ethernet<StellarisMac>) {
    let Some(board) = Board::take() else { crate::report::failed(c"main was called twice") };
    (board.clock, ETHERNET.init(Ethernet::new(board.mac)))
}

/// Sleeps until a frame comes or `deadline` is there. Interrupts come here, and nowhere else once
/// the work has begun.
pub fn sleep(clock: Clock, deadline: Option<Moment>, ethernet: &mut Ethernet<StellarisMac>) {
    // SAFETY: no critical section is open here; the only one that turns interrupts off for longer
    // is the work between two sleeps, which has ended.
    unsafe { interrupt::enable() };
    clock.sleep(deadline, ethernet);
    interrupt::disable();
}

/// An interface, and one socket that is connected to [`PEER`].
pub struct Network {
    /// The time.
    pub clock: Clock,
    ethernet: &'static mut Ethernet<StellarisMac>,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
}

impl Network {
    /// Sets everything up, and calls the peer.
    #[inline(never)]
    fn connect() -> Self {
        let (clock, ethernet) = board();
        let mut config = Config::new(ethernet.address().into());
        config.random_seed = 0x5eed;
        let mut interface = Interface::new(config, ethernet, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            let _ = addresses.push(IpCidr::new(IpAddress::v4(10, 0, 2, 15), 24));
        });
        let mut sockets = SocketSet::new(&mut SOCKETS.take()[..]);
        let mut socket = Socket::new(
            SocketBuffer::new(&mut RECEIVE.take()[..]),
            SocketBuffer::new(&mut TRANSMIT.take()[..]),
        );
        socket.set_nagle_enabled(false);
        if socket.connect(interface.context(), PEER, 49_152).is_err() {
            crate::report::failed(c"the peer cannot be called");
        }
        let socket = sockets.add(socket);
        Self { clock, ethernet, interface, sockets, socket }
    }

    /// A network that has been set up; from now on the use of the stack is that of the work.
    pub fn start() -> Self {
        let network = Self::connect();
        crate::report::start_work();
        network
    }

    /// Calls the peer, unless the socket is in use.
    pub fn call(&mut self) {
        let context = self.interface.context();
        let socket = self.sockets.get_mut::<Socket<'_>>(self.socket);
        if !socket.is_open() && socket.connect(context, PEER, 49_152).is_err() {
            crate::report::failed(c"the peer cannot be called");
        }
    }

    /// Moves frames in both directions.
    pub fn poll(&mut self) {
        self.interface.poll(self.now(), self.ethernet, &mut self.sockets);
    }

    /// The socket.
    pub fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.socket)
    }

    /// Whether the peer has ended the connection, and all of its bytes have been read.
    pub fn is_over(&mut self) -> bool {
        let socket = self.socket();
        let is_opening = matches!(socket.state(), State::SynSent | State::SynReceived);
        !is_opening && !socket.may_recv() && !socket.can_recv()
    }

    /// Sleeps until a frame comes, smoltcp has something to do, or `deadline` has come.
    pub fn sleep(&mut self, deadline: Option<Moment>) {
        let smoltcp = self.interface.poll_at(self.now(), &self.sockets);
        let smoltcp = smoltcp.map(|at| Moment::from_millis(at.total_millis().unsigned_abs() + 1));
        let earliest = match (deadline, smoltcp) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        sleep(self.clock, earliest, self.ethernet);
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.clock.now().as_millis() as i64)
    }
}
