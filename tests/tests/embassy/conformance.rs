//! A socket of embassy-net against what every transport has to do.

use embassy_net::tcp::TcpSocket;
use embassy_net::{IpEndpoint, Ipv4Address};
use peote_net_embassy::TcpTransport;
use peote_net_testkit::conformance::{FarRead, Testbed};
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{RecvError, State};

use crate::executor::Task;
use crate::hub::Faults;
use crate::machine::{Machine, PORT};
use crate::world::World;

struct Bed {
    // dropped before the stack
    transport: TcpTransport<'static>,
    far: Machine,
    far_socket: SocketHandle,
    world: World,
}

impl Bed {
    fn new(room: usize, faults: Faults, seed: u64) -> Self {
        let mut world = World::new(Faults::NONE, seed);
        let mut far = Machine::new(&world.hub, 2);
        let far_socket = far.listen(room, room);
        // tests may leak
        let buffer = || Box::leak(vec![0; room].into_boxed_slice());
        let mut socket = TcpSocket::new(world.stack, buffer(), buffer());
        let mut calling = Task::new(async {
            let relay = (Ipv4Address::new(10, 0, 0, 2), PORT);
            socket.connect(IpEndpoint::from(relay)).await.unwrap();
        });
        for _ in 0..1000 {
            far.poll();
            world.step(&mut [&mut calling], 1);
        }
        assert!(calling.is_done);
        drop(calling);
        assert_eq!(far.tcp(far_socket).state(), State::Established);
        world.hub.set_faults(faults);
        Self { transport: TcpTransport::new(socket), far, far_socket, world }
    }
}

impl Testbed for Bed {
    type Transport<'a> = &'a mut TcpTransport<'static>;

    const BULK: usize = 100_000;

    fn transport(&mut self) -> &mut TcpTransport<'static> {
        &mut self.transport
    }

    fn close(&mut self) {
        self.transport.close();
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
        self.far.poll();
        self.world.step(&mut [], 1);
        self.far.poll();
    }
}

mod with_room {
    use super::*;
    peote_net_testkit::conformance!(Bed::new(4096, Faults::NONE, 1));
}

mod with_little_room_over_a_bad_line {
    use super::*;
    peote_net_testkit::conformance!(Bed::new(512, Faults::BAD, 2));
}
