//! A relay on a machine of the network: the forwarding core over listening sockets, as on a microcontroller.

use peote_net::relay::{ConnectionId, Host, Outcome, Relay, StaticStorage};
use peote_net::time::Instant;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::State;

use crate::machine::{Machine, PORT};

const KEEPALIVE: [u8; 6] = [0, 4, 0, 255, 0, 0];

pub(crate) struct RelayMachine {
    pub(crate) machine: Machine,
    relay: Relay<StaticStorage<4, 4, 8, 20>>,
    seats: Vec<Seat>,
    queues: Queues,
    keepalive_at: u64,
    /// Nobody is let in, and everybody is reset.
    down: bool,
}

struct Seat {
    socket: SocketHandle,
    connection: Option<ConnectionId>,
    /// What has been read and not been routed.
    unused: Vec<u8>,
}

/// Queues of 8 KiB, and the present moment.
struct Queues([Vec<u8>; 4], Instant);

impl Host for Queues {
    fn free(&self, connection: ConnectionId) -> usize {
        8192_usize.saturating_sub(self.0[connection.index()].len())
    }

    fn push(&mut self, connection: ConnectionId, header: &[u8], payload: &[u8]) {
        self.0[connection.index()].extend(header.iter().chain(payload));
    }

    fn now(&self) -> Instant {
        self.1
    }
}

impl RelayMachine {
    pub(crate) fn new(mut machine: Machine) -> Self {
        let mut seat = || Seat { socket: machine.listen(4096, 4096), connection: None, unused: Vec::new() };
        let seats = (0..4).map(|_| seat()).collect();
        Self {
            machine,
            relay: Relay::new(StaticStorage::new()),
            seats,
            queues: Queues(Default::default(), Instant::ZERO),
            keepalive_at: 0,
            down: false,
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.relay.connections()
    }

    /// Stops or starts the relay.
    pub(crate) fn set_down(&mut self, down: bool) {
        self.down = down;
    }

    pub(crate) fn poll(&mut self) {
        self.machine.poll();
        self.queues.1 = self.machine.hub.now();
        let now = self.queues.1.as_millis();
        let keepalive = now >= self.keepalive_at;
        if keepalive {
            self.keepalive_at = now + 5000;
        }
        for seat in &mut self.seats {
            let socket = self.machine.sockets.get_mut::<smoltcp::socket::tcp::Socket<'_>>(seat.socket);
            if self.down {
                socket.abort();
            } else if socket.state() == State::Closed && socket.remote_endpoint().is_none() {
                socket.listen(PORT).unwrap();
            }
            if socket.state() == State::Established && seat.connection.is_none() {
                seat.connection = self.relay.connect().ok();
            }
            let Some(connection) = seat.connection else { continue };
            let mut buffer = [0; 1024];
            let count = if seat.unused.len() < 1024 { socket.recv_slice(&mut buffer) } else { Ok(0) };
            seat.unused.extend(&buffer[..count.unwrap_or(0)]);
            let received = self.relay.receive(connection, &seat.unused, &mut self.queues);
            seat.unused.drain(..received.used);
            assert!(!matches!(received.outcome, Outcome::Close(_)), "{received:?}");
            if count.is_err() {
                self.relay.disconnect(connection, &mut self.queues);
                self.queues.0[connection.index()].clear();
                seat.unused.clear();
                seat.connection = None;
                socket.close();
                continue;
            }
            let queue = &mut self.queues.0[connection.index()];
            if keepalive {
                queue.extend(KEEPALIVE);
            }
            let sent = socket.send_slice(queue).unwrap_or(0);
            queue.drain(..sent);
        }
        self.machine.poll();
    }

    pub(crate) fn deadline(&mut self) -> Option<Instant> {
        let busy = self.seats.iter().any(|seat| !seat.unused.is_empty())
            || self.queues.0.iter().any(|queue| !queue.is_empty());
        if busy {
            return Some(Instant::ZERO);
        }
        self.machine.deadline().into_iter().chain([Instant::from_millis(self.keepalive_at)]).min()
    }
}
