//! A relay on a machine of the network: the forwarding core over listening sockets, as on a
//! microcontroller.

use peote_net::protocol::items::Item;
use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::relay::{ConnectionId, Greeting, GrowingStorage, Hello, Host, Outcome, Relay};
use peote_net::time::Instant;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::State;
use smoltcp::wire::IpAddress;

use crate::machine::{Machine, PORT};

const KEEPALIVE: [u8; 6] = [0, 4, 0, 255, 0, 0];

pub(crate) struct RelayMachine {
    pub(crate) machine: Machine,
    relay: Relay<GrowingStorage>,
    seats: Vec<Seat>,
    queues: Queues,
    /// Nobody is let in, and everybody is reset.
    down: bool,
    /// What comes from this address is read, and nothing follows from it.
    deaf_to: Option<IpAddress>,
}

struct Seat {
    socket: SocketHandle,
    connection: Option<ConnectionId>,
    /// What has been read and not been routed.
    unused: Vec<u8>,
    /// When something was said to it last.
    said_at: u64,
}

/// Queues of 8 KiB, and the present moment.
struct Queues {
    bytes: [Vec<u8>; 4],
    /// Milliseconds of silence after which each connection is sent a keepalive.
    every: [u64; 4],
    now: Instant,
    knows_hello: bool,
}

const INTERVAL: u64 = 5000;

impl Host for Queues {
    fn free(&self, connection: ConnectionId) -> usize {
        8192_usize.saturating_sub(self.bytes[connection.index()].len())
    }

    fn push(&mut self, connection: ConnectionId, header: &[u8], payload: &[u8]) {
        self.bytes[connection.index()].extend(header.iter().chain(payload));
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn capabilities(&self) -> Capabilities {
        let all = Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER);
        if self.knows_hello { all.with(Capabilities::HELLO) } else { all }
    }

    fn window(&self) -> u32 {
        4096
    }

    fn hello(&mut self, connection: ConnectionId, hello: &Hello<'_>) -> Greeting {
        for item in hello.items {
            if let Item::Keepalive(seconds) = item {
                self.every[connection.index()] = u64::from(seconds) * 1000;
            }
        }
        let seconds = self.every[connection.index()] / 1000;
        Greeting { keepalive: u32::try_from(seconds).unwrap(), name: "test" }
    }
}

impl RelayMachine {
    pub(crate) fn new(mut machine: Machine) -> Self {
        let mut seat =
            || Seat { socket: machine.listen(4096, 4096), connection: None, unused: Vec::new(), said_at: 0 };
        let seats = (0..4).map(|_| seat()).collect();
        Self {
            machine,
            relay: Relay::default(),
            seats,
            queues: Queues {
                bytes: Default::default(),
                every: [INTERVAL; 4],
                now: Instant::ZERO,
                knows_hello: false,
            },
            down: false,
            deaf_to: None,
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.relay.connections()
    }

    /// From now on it knows hello, and sends keepalives as seldom as it is asked to.
    pub(crate) fn know_hello(&mut self) {
        self.queues.knows_hello = true;
    }

    /// Stops or starts the relay.
    pub(crate) fn set_down(&mut self, down: bool) {
        self.down = down;
    }

    /// Hears nothing of what this address says, or hears everybody again. Keepalives go on.
    pub(crate) fn set_deaf_to(&mut self, address: Option<IpAddress>) {
        self.deaf_to = address;
    }

    pub(crate) fn poll(&mut self) {
        self.machine.poll();
        self.queues.now = self.machine.hub.now();
        let now = self.queues.now.as_millis();
        let _ = self.relay.tick(&mut self.queues);
        for seat in &mut self.seats {
            let socket = self.machine.sockets.get_mut::<smoltcp::socket::tcp::Socket<'_>>(seat.socket);
            if self.down {
                socket.abort();
            } else if socket.state() == State::Closed && socket.remote_endpoint().is_none() {
                socket.listen(PORT).unwrap();
            }
            if socket.state() == State::Established && seat.connection.is_none() {
                seat.connection = self.relay.connect().ok();
                seat.said_at = now;
            }
            let Some(connection) = seat.connection else { continue };
            let mut buffer = [0; 1024];
            let count = if seat.unused.len() < 1024 { socket.recv_slice(&mut buffer) } else { Ok(0) };
            seat.unused.extend(&buffer[..count.unwrap_or(0)]);
            if self.deaf_to.is_some() && socket.remote_endpoint().map(|end| end.addr) == self.deaf_to {
                seat.unused.clear();
            }
            let received = self.relay.receive(connection, &seat.unused, &mut self.queues);
            seat.unused.drain(..received.used);
            assert!(!matches!(received.outcome, Outcome::Close(_)), "{received:?}");
            if count.is_err() {
                self.relay.disconnect(connection, &mut self.queues);
                self.queues.bytes[connection.index()].clear();
                self.queues.every[connection.index()] = INTERVAL;
                seat.unused.clear();
                seat.connection = None;
                socket.close();
                continue;
            }
            let queue = &mut self.queues.bytes[connection.index()];
            if now >= seat.said_at + self.queues.every[connection.index()] {
                queue.extend(KEEPALIVE);
            }
            if !queue.is_empty() {
                seat.said_at = now;
            }
            let sent = socket.send_slice(queue).unwrap_or(0);
            queue.drain(..sent);
        }
        self.machine.poll();
    }

    pub(crate) fn deadline(&mut self) -> Option<Instant> {
        let busy = self.seats.iter().any(|seat| !seat.unused.is_empty())
            || self.queues.bytes.iter().any(|queue| !queue.is_empty());
        if busy {
            return Some(Instant::ZERO);
        }
        let every = &self.queues.every;
        let keepalives = self
            .seats
            .iter()
            .filter_map(|seat| Some(Instant::from_millis(seat.said_at + every[seat.connection?.index()])));
        keepalives.chain(self.machine.deadline()).min()
    }
}
