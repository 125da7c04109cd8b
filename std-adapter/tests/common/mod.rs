//! Connections on the loopback interface, for the tests of this package.
#![allow(dead_code, reason = "no test needs all of it")]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use peote_net_std::TcpTransport;
use socket2::{Domain, SockRef, Socket, Type};

/// Longer than anything here takes; for what must not happen in vain.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A transport and its far end, a plain blocking socket.
pub(crate) fn pair() -> (TcpTransport, TcpStream) {
    let (listener, address) = listener();
    let near = TcpStream::connect(address).unwrap();
    (TcpTransport::new(near).unwrap(), listener.accept().unwrap().0)
}

/// Ends a connection the rude way.
pub(crate) fn reset(socket: TcpStream) {
    SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
    drop(socket);
}

/// An address where nobody listens.
pub(crate) fn refusing() -> SocketAddr {
    listener().1
}

/// An address that does not answer, as long as the value is kept: its queue of connections to
/// accept is full.
pub(crate) struct Unanswering {
    pub(crate) address: SocketAddr,
    _listener: Socket,
    _queue: Vec<Socket>,
}

pub(crate) fn unanswering() -> Unanswering {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    loop {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let taken = socket.connect_timeout(&address, Duration::from_millis(200)).is_ok();
        queue.push(socket);
        if !taken {
            break;
        }
        assert!(queue.len() < 1000, "the queue does not fill");
    }
    Unanswering { address: address.as_socket().unwrap(), _listener: listener, _queue: queue }
}
