//! The relay's sockets.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use crate::pipe::End;
use crate::poll::Source;
use crate::world::{self, Listener};

/// What the system says when a process has all the descriptors it may have: EMFILE.
const TOO_MANY_OPEN: i32 = 24;

/// Listens on an address. With port 0 that is the first one of those that are free.
///
/// # Errors
/// Somebody listens on it.
pub fn listen(address: SocketAddr, _: i32) -> io::Result<TcpListener> {
    world::with(|world| {
        let mut address = address;
        if address.port() == 0 {
            address.set_port(10_000 + u16::try_from(world.listeners.len()).unwrap_or_default());
        }
        if world.listeners.values().any(|listener| listener.address == address) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let number = world.number();
        let listener =
            Listener { address, backlog: std::collections::VecDeque::new(), noted: 0, registered: None };
        world.listeners.insert(number, listener);
        Ok(TcpListener { number, address })
    })
}

/// A socket that is listened on.
#[derive(Debug)]
pub struct TcpListener {
    number: u64,
    address: SocketAddr,
}

impl TcpListener {
    /// Listens on the address of a real socket.
    ///
    /// # Panics
    /// It has none, or it is in use here.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "as mio's")]
    pub fn from_std(socket: std::net::TcpListener) -> Self {
        socket.local_addr().and_then(|address| listen(address, 0)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// As mio's.
    ///
    /// # Errors
    /// None here.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    /// As mio's.
    ///
    /// # Errors
    /// Nobody is there, or there are too many open sockets.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        world::call();
        let (number, address) = world::with(|world| {
            let is_full = world.sockets() >= world.descriptors;
            let now = world.now;
            let Some(listener) = world.listeners.get_mut(&self.number) else {
                return Err(io::ErrorKind::NotConnected.into());
            };
            let Some((_, number)) = listener.backlog.front().copied().filter(|(at, _)| *at <= now) else {
                return Err(io::ErrorKind::WouldBlock.into());
            };
            if is_full {
                world.counts.refused += 1;
                return Err(io::Error::from_raw_os_error(TOO_MANY_OPEN));
            }
            listener.backlog.pop_front();
            let chance = world.random.chance(500);
            let stream = world.stream(number)?;
            if stream.is_broken() && chance {
                stream.of_relay = false;
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Ok((number, stream.address))
        })?;
        Ok((TcpStream { number }, address))
    }
}

impl Source for TcpListener {
    fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        world::at_end(|world| {
            let Some(listener) = world.listeners.remove(&self.number) else { return };
            let now = world.now;
            for (_, number) in listener.backlog {
                if let Ok(stream) = world.stream(number) {
                    stream.of_relay = false;
                    stream.to_endpoint.end(now, End::Reset);
                }
            }
        });
    }
}

/// The relay's socket of a connection.
#[derive(Debug)]
pub struct TcpStream {
    number: u64,
}

impl TcpStream {
    /// As mio's.
    ///
    /// # Errors
    /// None here.
    pub fn set_nodelay(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    /// As mio's.
    ///
    /// # Errors
    /// As for reading.
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer, false)
    }

    /// As mio's.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        world::call();
        world::with(|world| {
            let now = world.now;
            let stream = world.stream(self.number)?;
            if stream.is_broken() {
                return Err(io::ErrorKind::NotConnected.into());
            }
            if how != Shutdown::Read {
                stream.to_endpoint.end(now, End::Closed);
            }
            Ok(())
        })
    }

    fn receive(&self, buffer: &mut [u8], is_read: bool) -> io::Result<usize> {
        world::call();
        world::with(|world| {
            let stream = world.stream(self.number)?;
            if stream.to_relay.arrived > 0 {
                let pipe = &mut stream.to_relay;
                return Ok(if is_read { pipe.read(buffer) } else { pipe.peek(buffer) });
            }
            if stream.is_broken() && !std::mem::replace(&mut stream.told, true) {
                let timed_out = io::ErrorKind::TimedOut;
                let kind = if stream.timed_out { timed_out } else { io::ErrorKind::ConnectionReset };
                return Err(kind.into());
            }
            if stream.is_read_closed() {
                return Ok(0);
            }
            Err(io::ErrorKind::WouldBlock.into())
        })
    }
}

impl Read for &TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer, true)
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer, true)
    }
}

impl Write for &TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        world::call();
        world::with(|world| {
            let (now, chance) = (world.now, world.random.next());
            let stream = world.stream(self.number)?;
            if stream.is_broken() || stream.to_endpoint.is_ending() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let delay = stream.to_endpoint.delay + (chance >> 32) % (stream.jitter + 1);
            let offered: usize = slices.iter().map(|slice| slice.len()).sum();
            let mut taken = 0;
            for slice in slices {
                taken += stream.to_endpoint.write(now, slice, delay);
            }
            stream.no_space |= taken < offered;
            stream.note_waiting(now, false);
            if taken == 0 && offered > 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(taken)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for TcpStream {
    fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        world::at_end(|world| {
            let now = world.now;
            let Ok(stream) = world.stream(self.number) else { return };
            stream.of_relay = false;
            stream.registered = None;
            stream.waits_since = None;
            // what is unread makes the system reset the connection
            let end = if stream.to_relay.arrived > 0 { End::Reset } else { End::Closed };
            stream.to_endpoint.end(now, end);
        });
    }
}

/// Options of a socket, as socket2 has them.
#[derive(Debug)]
pub struct SockRef {
    number: u64,
}

impl From<&TcpStream> for SockRef {
    fn from(stream: &TcpStream) -> Self {
        Self { number: stream.number }
    }
}

macro_rules! options {
    ($($name:ident($kind:ty)),*) => {
        $(
            /// Of no effect.
            ///
            /// # Errors
            /// None here.
            pub fn $name(&self, _: $kind) -> io::Result<()> {
                Ok(())
            }
        )*
    };
}

impl SockRef {
    options!(set_tcp_notsent_lowat(u32), set_send_buffer_size(usize), set_recv_buffer_size(usize));

    /// Of no effect.
    ///
    /// # Errors
    /// None here.
    pub fn set_tcp_keepalive<T>(&self, _: &T) -> io::Result<()> {
        Ok(())
    }

    /// Nothing may be taken of what waits for so long; then the connection is given up.
    ///
    /// # Errors
    /// It is gone.
    pub fn set_tcp_user_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        world::with(|world| {
            let timeout = timeout.map(|timeout| u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX / 4));
            world.stream(self.number)?.user_timeout = timeout;
            Ok(())
        })
    }
}
