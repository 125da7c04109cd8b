//! Listening sockets.

use std::io;
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use crate::config::Config;

/// Connections the system may hold until they are accepted.
const BACKLOG: i32 = 1024;

/// Opens a listening socket. The error names the address.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let open = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            // so that an IPv4 address with the same port can be listened on as well
            socket.set_only_v6(true)?;
        }
        // a restart must not have to wait for the connections of the last run; elsewhere this would steal the port
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(TcpListener::from_std(socket.into()))
    };
    open().map_err(|error: io::Error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
    })
}

/// Takes over a socket that is listened on already.
pub(crate) fn take_over(socket: std::net::TcpListener) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket))
}

/// Bytes that the system holds for a connection on top of those that are under way. What is above waits in our own queue, which is counted.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 64 * 1024;

/// Makes the system take at once what is to be said last. It mostly does anyway.
pub(crate) fn make_room(stream: &TcpStream, bytes: usize) {
    const ENOUGH: usize = 16 * 1024;
    if bytes > ENOUGH {
        let _ = SockRef::from(stream).set_send_buffer_size(2 * bytes);
    }
}

/// Sets the options of an accepted connection.
///
/// One that is gone already makes this fail, which shows soon enough.
pub(crate) fn set_options(stream: &TcpStream, config: &Config) {
    // when to find out whether a quiet endpoint is still there, and how long one may take to acknowledge what was sent to it
    let (keepalive, patience) = (config.tcp_keepalive, config.tcp_keepalive + config.stall_timeout);
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(keepalive));
    #[cfg(target_os = "linux")]
    {
        // our own keepalives are unacknowledged data, in the presence of which TCP does not probe: it would take a quarter of an hour
        let _ = socket.set_tcp_user_timeout(Some(patience));
        let _ = socket.set_tcp_notsent_lowat(UNSENT);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = patience;
}
