//! Sockets of connections that have ended, kept until their endpoints know.
//!
//! Closing a socket with unread bytes resets the connection, and that can overtake what was said
//! last: the code of a WebSocket's close, the response to an HTTP request. So its sending direction
//! is closed, and what still comes is read and thrown away for a short time.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::Shutdown;

use super::Relay;
use crate::system::{Interest, TcpStream, Token};

/// Sockets that are kept at the same time. When there is one more, the oldest goes.
const MOST: u32 = 64;

/// Milliseconds for which one is kept.
const TIME: u64 = 2000;

/// Bytes that are thrown away before one goes, whatever still comes.
const BYTES: usize = 1 << 20;

/// The tokens of these sockets: above those of connections, below those of listening sockets.
const FIRST_TOKEN: usize = 1 << 30;

/// Sockets that are kept, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Lingering {
    sockets: VecDeque<Ended>,
    next: u32,
}

#[derive(Debug)]
struct Ended {
    socket: TcpStream,
    token: usize,
    until: u64,
    left: usize,
}

impl Lingering {
    pub(super) fn len(&self) -> usize {
        self.sockets.len()
    }

    /// When the next one goes, in milliseconds.
    pub(super) fn next(&self) -> Option<u64> {
        self.sockets.front().map(|ended| ended.until)
    }

    /// Lets those go whose time is over.
    pub(super) fn expire(&mut self, now: u64) {
        while self.next().is_some_and(|until| until <= now) {
            self.sockets.pop_front();
        }
    }
}

impl Relay {
    /// Keeps the socket of an ended connection for a while.
    pub(super) fn linger(&mut self, mut socket: TcpStream) {
        let lingering = &mut self.lingering;
        if lingering.sockets.len() >= MOST as usize {
            lingering.sockets.pop_front();
        }
        // more numbers than sockets, so that none is in use twice
        let token = FIRST_TOKEN + lingering.next as usize;
        lingering.next = (lingering.next + 1) % (2 * MOST);
        let registered = self.poll.registry().register(&mut socket, Token(token), Interest::READABLE);
        if registered.is_ok() && socket.shutdown(Shutdown::Write).is_ok() {
            let until = self.connections.now + TIME;
            lingering.sockets.push_back(Ended { socket, token, until, left: BYTES });
        }
    }

    /// Something has come for one of these sockets, if the token is one of theirs.
    pub(super) fn note_ended(&mut self, token: usize) {
        let sockets = &mut self.lingering.sockets;
        let Some(place) = sockets.iter().position(|ended| ended.token == token) else { return };
        let ended = &mut sockets[place];
        let mut waste = [0; 4096];
        loop {
            match ended.socket.read(&mut waste) {
                Ok(len @ 1..) if len <= ended.left => ended.left -= len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => break,
            }
        }
        sockets.remove(place);
    }
}
