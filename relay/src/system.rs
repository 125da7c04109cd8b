//! All that the relay asks the system for: sockets, events, the time, chance.
//!
//! In the simulation (`simulation/relay`, which sets `cfg(simulated)`) look-alikes stand here: a
//! virtual network on a virtual clock. So the rest of the relay uses what is named here, and
//! neither mio, nor socket2, nor the clocks of the standard library.

#[cfg(not(simulated))]
mod real {
    use std::io;
    use std::net::SocketAddr;
    use std::time::{Instant, SystemTime};

    use socket2::{Domain, Protocol, Socket, Type};

    pub(crate) use mio::event::Event;
    pub(crate) use mio::net::{TcpListener, TcpStream};
    pub(crate) use mio::{Events, Interest, Poll, Registry, Token, Waker};
    pub(crate) use socket2::SockRef;
    pub(crate) use std::hash::RandomState;

    /// The time that passes evenly.
    #[inline]
    pub(crate) fn now() -> Instant {
        Instant::now()
    }

    /// The time of the calendar, which may be set.
    pub(crate) fn date() -> SystemTime {
        SystemTime::now()
    }

    /// Opens a listening socket, for which the system holds up to `backlog` connections until they
    /// are accepted.
    pub(crate) fn listen(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            // so that an IPv4 address with the same port can be listened on as well
            socket.set_only_v6(true)?;
        }
        // a restart must not have to wait for the connections of the last run; elsewhere this would
        // steal the port
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(backlog)?;
        Ok(TcpListener::from_std(socket.into()))
    }
}

#[cfg(not(simulated))]
pub(crate) use real::*;
#[cfg(simulated)]
pub(crate) use simulated_system::*;
