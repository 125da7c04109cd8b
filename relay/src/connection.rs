//! One connection: its socket, what waits in both directions, and what it waits for.

use std::io::{self, Read};
use std::net::SocketAddr;

use mio::net::TcpStream;
use peote_net::relay::ConnectionId;

use crate::queue::{Pool, Queue};
use crate::rate::Rate;

/// Whether a read or write that handled less than it was asked for has emptied (or filled) the socket, so that readiness will be reported again.
/// Elsewhere only "would block" says that.
const SHORT_IS_ALL: bool = cfg!(unix);

/// Everything about one connection but who is in which channel.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    pub(crate) address: SocketAddr,
    socket: TcpStream,
    pub(crate) queue: Queue,
    /// Bytes that were read but could not be routed yet.
    pub(crate) rest: Vec<u8>,
    /// Where in `rest` they begin.
    pub(crate) rest_start: usize,
    pub(crate) flags: Flags,
    pub(crate) wait: Wait,
    pub(crate) rate: Rate,
    /// When it came, and then when something was last written to it, in milliseconds.
    pub(crate) last_sent: u64,
}

/// What is known about a connection's socket, and on which lists it is.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    /// There may be something to read.
    pub(crate) readable: bool,
    /// Its endpoint has sent all it will ever send, so a short read does not mean that a read would block.
    pub(crate) read_closed: bool,
    /// The socket may take something.
    pub(crate) writable: bool,
    /// Nothing can be written any more: what is queued is thrown away. What has come is still routed.
    pub(crate) mute: bool,
    /// Its first byte has come.
    pub(crate) started: bool,
    /// What is left of earlier reads could not be routed when it was tried.
    pub(crate) blocked: bool,
    /// It is on the list of those to be served.
    pub(crate) listed: bool,
    /// It is on the list of those to be written.
    pub(crate) dirty: bool,
}

/// Who waits for whom. Indices are kept plus one, 0 is none.
#[derive(Debug, Default)]
pub(crate) struct Wait {
    /// The connection whose queue lacked room.
    pub(crate) for_whom: u32,
    /// Neighbours in the list of all that wait for the same one.
    pub(crate) previous: u32,
    pub(crate) next: u32,
    /// Ends of the list of those that wait for this one.
    pub(crate) first: u32,
    pub(crate) last: u32,
    /// When somebody began to wait for this one, in milliseconds.
    pub(crate) since: u64,
    /// When this one took a byte since then.
    pub(crate) taken: u64,
    /// When this one may give commands again, in milliseconds; 0: it may.
    pub(crate) until: u64,
}

/// What came of a read.
#[derive(Debug)]
pub(crate) enum Input {
    /// That many bytes.
    Bytes(usize),
    /// Nothing now.
    None,
    /// The endpoint sends nothing any more.
    End,
    /// The connection is broken.
    Broken(io::Error),
}

impl Connection {
    pub(crate) fn new(id: ConnectionId, socket: TcpStream, address: SocketAddr, now: u64) -> Self {
        let flags = Flags { writable: true, ..Flags::default() };
        Self {
            id,
            address,
            socket,
            queue: Queue::default(),
            rest: Vec::new(),
            rest_start: 0,
            flags,
            wait: Wait::default(),
            rate: Rate::default(),
            last_sent: now,
        }
    }

    /// Whether it is paused: it waits for somebody's queue or for its next command.
    pub(crate) fn is_paused(&self) -> bool {
        self.wait.for_whom != 0 || self.wait.until != 0
    }

    /// Reads once.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Input {
        match self.socket.read(buffer) {
            Ok(0) => Input::End,
            Ok(len) => {
                if SHORT_IS_ALL && len < buffer.len() && !self.flags.read_closed {
                    self.flags.readable = false;
                }
                Input::Bytes(len)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.flags.readable = false;
                Input::None
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Input::None,
            Err(error) => Input::Broken(error),
        }
    }

    /// Writes what is queued, as far as the socket takes it. Says how many bytes it took.
    pub(crate) fn write(&mut self, pool: &mut Pool, now: u64) -> usize {
        let mut all = 0;
        while self.flags.writable && !self.queue.is_empty() {
            match self.queue.write_to(&self.socket, pool) {
                Ok((taken, offered)) => {
                    all += taken;
                    if SHORT_IS_ALL && taken < offered {
                        self.flags.writable = false;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.flags.writable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.silence(pool),
            }
        }
        if all > 0 {
            (self.last_sent, self.wait.taken) = (now, now);
        }
        all
    }

    /// Nothing can be written any more. That it is broken shows when it is read, after what has come before.
    fn silence(&mut self, pool: &mut Pool) {
        self.queue.clear(pool);
        (self.flags.mute, self.flags.readable, self.flags.read_closed) = (true, true, true);
    }

    pub(crate) fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }
}
