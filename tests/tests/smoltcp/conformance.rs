//! The transport against what every transport has to do.

use peote_net_smoltcp::TcpTransport;
use peote_net_testkit::conformance::{FarRead, Testbed};
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{RecvError, State};

use crate::hub::{Faults, Hub};
use crate::machine::{Machine, endpoint, step, until};

/// Two machines, and a connection from the one to the other.
struct Bed {
    near: Machine,
    near_socket: SocketHandle,
    far: Machine,
    far_socket: SocketHandle,
}

impl Bed {
    fn new(receive: usize, transmit: usize, faults: Faults, seed: u64) -> Self {
        let hub = Hub::new(Faults::NONE, seed);
        let (mut near, mut far) = (Machine::new(&hub, 1), Machine::new(&hub, 2));
        let (near_socket, far_socket) = (near.socket(receive, transmit), far.listen(receive, transmit));
        near.sockets
            .get_mut::<smoltcp::socket::tcp::Socket<'_>>(near_socket)
            .connect(near.interface.context(), endpoint(2), 50_000)
            .unwrap();
        until(&mut near, &mut far, "connected", |near, far| {
            near.tcp(near_socket).state() == State::Established
                && far.tcp(far_socket).state() == State::Established
        });
        hub.set_faults(faults);
        Self { near, near_socket, far, far_socket }
    }
}

impl Testbed for Bed {
    type Transport<'a> = TcpTransport<'a, 'static>;

    const BULK: usize = 200_000;

    fn transport(&mut self) -> TcpTransport<'_, 'static> {
        TcpTransport::new(self.near.tcp(self.near_socket))
    }

    fn close(&mut self) {
        self.transport().close();
    }

    fn far_write(&mut self, bytes: &[u8]) -> usize {
        self.far.tcp(self.far_socket).send_slice(bytes).unwrap()
    }

    fn far_read(&mut self, buffer: &mut [u8]) -> FarRead {
        match self.far.tcp(self.far_socket).recv_slice(buffer) {
            Ok(0) => FarRead::Nothing,
            Ok(count) => FarRead::Bytes(count),
            Err(RecvError::Finished) => FarRead::Closed,
            Err(error) => panic!("{error}"),
        }
    }

    fn far_close(&mut self) {
        self.far.tcp(self.far_socket).close();
    }

    fn far_reset(&mut self) {
        self.far.tcp(self.far_socket).abort();
    }

    fn step(&mut self) {
        step(&mut self.near, &mut self.far);
    }
}

mod with_room {
    use super::*;
    peote_net_testkit::conformance!(Bed::new(8192, 8192, Faults::NONE, 1));
}

mod with_little_room {
    use super::*;
    peote_net_testkit::conformance!(Bed::new(256, 256, Faults::NONE, 2));
}

mod over_a_bad_line {
    use super::*;
    peote_net_testkit::conformance!(Bed::new(4096, 4096, Faults::BAD, 3));
}
