//! What the relay is measured against where only bytes count: reads from one connection, writes to
//! the other, one thread, nothing else.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::processor::Thread;

const BUFFER: usize = 64 * 1024;

struct Side {
    socket: TcpStream,
    readable: bool,
    writable: bool,
    /// Read from this side and not yet written to the other.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

/// Accepts two connections and forwards between them until one ends. Returns the address and the
/// thread.
pub(crate) fn spawn() -> io::Result<(SocketAddr, Thread)> {
    let mut listener = TcpListener::bind("127.0.0.1:0".parse().map_err(io::Error::other)?)?;
    let address = listener.local_addr()?;
    let thread = Thread::spawn("forwarder", move || {
        let mut poll = Poll::new()?;
        let mut events = Events::with_capacity(8);
        poll.registry().register(&mut listener, Token(9), Interest::READABLE)?;
        let mut sides: Vec<Side> = Vec::new();
        while sides.len() < 2 {
            poll.poll(&mut events, None)?;
            while let Ok((mut socket, _)) = listener.accept() {
                socket.set_nodelay(true)?;
                let interest = Interest::READABLE | Interest::WRITABLE;
                poll.registry().register(&mut socket, Token(sides.len()), interest)?;
                let buffer = vec![0; BUFFER];
                sides.push(Side { socket, readable: true, writable: true, buffer, start: 0, end: 0 });
            }
        }
        loop {
            let [a, b] = &mut sides[..] else { return Ok::<(), io::Error>(()) };
            if !forward(a, b)? || !forward(b, a)? {
                return Ok(());
            }
            poll.poll(&mut events, None)?;
            for event in &events {
                if let Some(side) = sides.get_mut(event.token().0) {
                    side.readable |= event.is_readable();
                    side.writable |= event.is_writable();
                }
            }
        }
    })?;
    Ok((address, thread))
}

/// Forwards what there is. `false` at the end.
fn forward(from: &mut Side, to: &mut Side) -> io::Result<bool> {
    loop {
        while from.start < from.end {
            if !to.writable {
                return Ok(true);
            }
            match to.socket.write(&from.buffer[from.start..from.end]) {
                Ok(len) => {
                    from.start += len;
                    to.writable = from.start == from.end;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => to.writable = false,
                Err(error) => return Err(error),
            }
        }
        if !from.readable {
            return Ok(true);
        }
        match from.socket.read(&mut from.buffer) {
            Ok(0) => return Ok(false),
            Ok(len) => {
                (from.start, from.end) = (0, len);
                from.readable = len == from.buffer.len();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => from.readable = false,
            Err(error) => return Err(error),
        }
    }
}
