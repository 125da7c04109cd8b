//! The transport in every state that a socket can be in.

use embedded_io::{Error as _, ErrorKind, Read as _, ReadReady as _, Write as _, WriteReady as _};
use peote_net_smoltcp::{TcpTransport, TransportError};
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{RecvError, SendError, State};
use smoltcp::time::Duration;

use crate::hub::{Faults, Hub};
use crate::machine::{Machine, endpoint, step, until};

const BROKEN_READ: TransportError = TransportError::Receive(RecvError::InvalidState);
const BROKEN_WRITE: TransportError = TransportError::Send(SendError::InvalidState);

struct Pair {
    near: Machine,
    near_socket: SocketHandle,
    far: Machine,
    far_socket: SocketHandle,
}

impl Pair {
    /// The near machine has called the far one.
    fn calling(listening: bool) -> Self {
        let hub = Hub::new(Faults::NONE, 1);
        let (mut near, mut far) = (Machine::new(&hub, 1), Machine::new(&hub, 2));
        let near_socket = near.socket(2000, 2000);
        let far_socket = if listening { far.listen(2000, 2000) } else { far.socket(2000, 2000) };
        let socket = near.sockets.get_mut::<smoltcp::socket::tcp::Socket<'_>>(near_socket);
        socket.connect(near.interface.context(), endpoint(2), 50_000).unwrap();
        Self { near, near_socket, far, far_socket }
    }

    fn connected() -> Self {
        let mut pair = Self::calling(true);
        pair.until("connected", |pair| {
            pair.state() == State::Established && pair.far_state() == State::Established
        });
        pair
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        for _ in 0..10_000 {
            if done(self) {
                return;
            }
            step(&mut self.near, &mut self.far);
        }
        panic!("in vain: {what}");
    }

    fn transport(&mut self) -> TcpTransport<'_, 'static> {
        TcpTransport::new(self.near.tcp(self.near_socket))
    }

    fn state(&mut self) -> State {
        self.near.tcp(self.near_socket).state()
    }

    fn far_state(&mut self) -> State {
        self.far.tcp(self.far_socket).state()
    }

    fn assert_ready(&mut self, read: bool, write: bool) {
        assert_eq!(self.transport().read_ready(), Ok(read));
        assert_eq!(self.transport().write_ready(), Ok(write));
    }

    /// Ready, so that it is noticed, and an error each time.
    fn assert_broken(&mut self) {
        for _ in 0..2 {
            self.assert_ready(true, true);
            assert_eq!(self.transport().read(&mut [0; 8]), Err(BROKEN_READ));
            assert_eq!(self.transport().write(b"x"), Err(BROKEN_WRITE));
        }
    }
}

#[test]
fn a_socket_that_was_never_used_is_broken() {
    let hub = Hub::new(Faults::NONE, 1);
    let mut near = Machine::new(&hub, 1);
    let near_socket = near.socket(100, 100);
    let far_socket = near.socket(100, 100);
    let far = Machine::new(&hub, 2);
    Pair { near, near_socket, far, far_socket }.assert_broken();
}

#[test]
fn while_connecting_it_is_neither_ready_nor_broken() {
    let mut pair = Pair::calling(true);
    let mut seen = 0;
    while pair.state() != State::Established {
        assert_eq!(pair.state(), State::SynSent);
        pair.assert_ready(false, false);
        assert_eq!(pair.transport().read(&mut [0; 8]), Err(TransportError::NotReady));
        assert_eq!(pair.transport().write(b"x"), Err(TransportError::NotReady));
        step(&mut pair.near, &mut pair.far);
        seen += 1;
    }
    assert!(seen >= 2, "ARP and the handshake take some frames");
    pair.assert_ready(false, true);
}

#[test]
fn while_listening_and_being_called_it_is_neither_ready_nor_broken() {
    let mut pair = Pair::calling(true);
    let mut states = Vec::new();
    while pair.far_state() != State::Established {
        let state = pair.far_state();
        states.push(state);
        let mut transport = TcpTransport::new(pair.far.tcp(pair.far_socket));
        assert_eq!(transport.read_ready(), Ok(false), "{state}");
        assert_eq!(transport.write_ready(), Ok(false), "{state}");
        step(&mut pair.near, &mut pair.far);
    }
    assert!(states.contains(&State::Listen) && states.contains(&State::SynReceived), "{states:?}");
}

#[test]
fn refused() {
    let mut pair = Pair::calling(false);
    pair.until("refused", |pair| pair.state() == State::Closed);
    pair.assert_broken();
}

#[test]
fn reset_after_what_had_come_was_read() {
    let mut pair = Pair::connected();
    pair.far.tcp(pair.far_socket).send_slice(b"last words").unwrap();
    pair.until("something to read", |pair| pair.transport().read_ready().unwrap());
    pair.far.tcp(pair.far_socket).abort();
    pair.until("reset", |pair| pair.state() == State::Closed);
    let mut buffer = [0; 4];
    let mut heard = Vec::new();
    while heard.len() < 10 {
        pair.assert_ready(true, true);
        let count = pair.transport().read(&mut buffer).unwrap();
        heard.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(heard, b"last words");
    pair.assert_broken();
}

#[test]
fn half_closed_data_first_and_then_the_end() {
    let mut pair = Pair::connected();
    pair.far.tcp(pair.far_socket).send_slice(b"last words").unwrap();
    pair.far.tcp(pair.far_socket).close();
    pair.until("half closed", |pair| pair.state() == State::CloseWait);
    pair.assert_ready(true, true);
    assert_eq!(pair.transport().read(&mut [0; 6]), Ok(6));
    assert_eq!(pair.transport().read(&mut [0; 6]), Ok(4));
    for _ in 0..3 {
        pair.assert_ready(true, true);
        assert_eq!(pair.transport().read(&mut [0; 6]), Ok(0));
    }
    // our half is still open
    assert_eq!(pair.transport().write(b"bye"), Ok(3));
    pair.transport().close();
    pair.until("closed", |pair| pair.state() == State::Closed);
    assert_eq!(pair.far.tcp(pair.far_socket).recv_queue(), 3);
    assert_eq!(pair.transport().read(&mut [0; 6]), Ok(0), "the end stays the end");
    assert_eq!(pair.transport().write(b"x"), Err(BROKEN_WRITE));
}

#[test]
fn our_half_closed() {
    let mut pair = Pair::connected();
    pair.transport().close();
    pair.assert_ready(false, true);
    assert_eq!(pair.transport().read(&mut [0; 6]), Err(TransportError::NotReady));
    assert_eq!(pair.transport().write(b"x"), Err(BROKEN_WRITE));
    pair.until("the far end has it", |pair| pair.far_state() == State::CloseWait);
    pair.far.tcp(pair.far_socket).send_slice(b"ok").unwrap();
    pair.far.tcp(pair.far_socket).close();
    pair.until("both closed", |pair| pair.state() == State::TimeWait);
    assert_eq!(pair.transport().read(&mut [0; 6]), Ok(2));
    assert_eq!(pair.transport().read(&mut [0; 6]), Ok(0));
}

#[test]
fn aborted() {
    let mut pair = Pair::connected();
    pair.near.tcp(pair.near_socket).abort();
    pair.assert_broken();
    pair.until("the far end has noticed", |pair| pair.far_state() == State::Closed);
}

#[test]
fn timed_out() {
    let mut pair = Pair::connected();
    pair.near.tcp(pair.near_socket).set_timeout(Some(Duration::from_secs(8)));
    pair.far.port.plug(false);
    assert_eq!(pair.transport().write(b"hello?"), Ok(6));
    let start = pair.near.hub.now();
    pair.until("timed out", |pair| pair.state() == State::Closed);
    assert!(pair.near.hub.now().saturating_since(start).as_millis() >= 8000);
    pair.assert_broken();
}

#[test]
fn the_address_is_taken_away() {
    let mut pair = Pair::connected();
    pair.near.interface.update_ip_addrs(|addresses| addresses.truncate(0));
    pair.until("closed", |pair| pair.state() == State::Closed);
    pair.assert_broken();
}

#[test]
fn between_two_connections() {
    let mut transport = TcpTransport::unconnected();
    assert_eq!(transport.read_ready(), Ok(false));
    assert_eq!(transport.write_ready(), Ok(false));
    assert_eq!(transport.read(&mut [0; 8]), Err(TransportError::NotReady));
    assert_eq!(transport.write(b"x"), Err(TransportError::NotReady));
    assert_eq!(transport.read(&mut []), Ok(0));
    assert!(transport.socket().is_none());
    transport.close();
}

#[test]
fn errors_say_what_they_are() {
    assert_eq!(TransportError::NotReady.kind(), ErrorKind::Other);
    assert_eq!(BROKEN_READ.kind(), ErrorKind::NotConnected);
    assert_eq!(BROKEN_WRITE.kind(), ErrorKind::BrokenPipe);
    for error in [TransportError::NotReady, BROKEN_READ, BROKEN_WRITE] {
        assert!(error.to_string().starts_with("the socket "), "{error}");
    }
    // what smoltcp says is in the text, and so not said a second time as its source
    assert!(BROKEN_READ.to_string().ends_with(&RecvError::InvalidState.to_string()));
    assert!(BROKEN_WRITE.to_string().ends_with(&SendError::InvalidState.to_string()));
    assert!(std::error::Error::source(&BROKEN_READ).is_none());
    assert!(std::error::Error::source(&BROKEN_WRITE).is_none());
}

#[test]
fn a_window_that_was_full_opens_again() {
    let mut pair = Pair::connected();
    // as much as the far end's buffer and ours hold
    let mut written = 0;
    for _ in 0..200 {
        if pair.transport().write_ready().unwrap() {
            written += pair.transport().write(&[7; 500]).unwrap();
        }
        step(&mut pair.near, &mut pair.far);
    }
    assert_eq!(written, 4000);
    pair.assert_ready(false, false);
    assert_eq!(pair.transport().write(b"x"), Err(TransportError::NotReady));
    let mut drained = 0;
    let (near, far) = (&mut pair.near, &mut pair.far);
    until(near, far, "everything", |_, far| {
        drained += far.tcp(pair.far_socket).recv_slice(&mut [0; 4000]).unwrap();
        drained == 4000
    });
    pair.until("room", |pair| pair.transport().write_ready().unwrap());
}
