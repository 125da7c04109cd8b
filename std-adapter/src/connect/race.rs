//! Several addresses, one connection: the first that answers.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::task::Poll;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use super::error::Attempt;
use crate::TcpTransport;
use crate::readiness::{self, AsFd, Query, WRITE};

/// How long one address is tried alone before the next one is tried beside it. RFC 8305 recommends
/// this value.
const HEAD_START: Duration = Duration::from_millis(250);

/// The addresses that are left, being tried, and dead.
#[derive(Debug)]
pub(super) struct Race {
    waiting: VecDeque<SocketAddr>,
    running: Vec<(SocketAddr, TcpStream)>,
    failed: Vec<Attempt>,
    /// When the next address has its turn, whatever becomes of those being tried.
    next_start: Instant,
}

impl Race {
    /// A race between these, preferred ones first. Nothing is sent before
    /// [`advance`](Self::advance).
    pub(super) fn new(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self {
            waiting: interleave(addresses),
            running: Vec::new(),
            failed: Vec::new(),
            next_start: Instant::now(),
        }
    }

    /// Goes on. `Ready` is the winner, or `None` when every address has failed.
    pub(super) fn advance(&mut self) -> Poll<Option<TcpTransport>> {
        let mut turn = false;
        let mut index = 0;
        while let Some((address, socket)) = self.running.get(index) {
            match outcome(socket) {
                Poll::Pending => index += 1,
                Poll::Ready(result) => {
                    let address = *address;
                    let (_, socket) = self.running.remove(index);
                    match result.and_then(|()| transport(socket)) {
                        Ok(transport) => return Poll::Ready(Some(transport)),
                        Err(error) => self.failed.push(Attempt::new(address, error)),
                    }
                    turn = true;
                }
            }
        }
        while turn || self.running.is_empty() || self.next_start <= Instant::now() {
            let Some(address) = self.waiting.pop_front() else { break };
            match start(address) {
                Ok(socket) => {
                    self.running.push((address, socket));
                    self.next_start = Instant::now() + HEAD_START;
                    turn = false;
                }
                Err(error) => self.failed.push(Attempt::new(address, error)),
            }
        }
        if self.running.is_empty() { Poll::Ready(None) } else { Poll::Pending }
    }

    /// Ends the race: what became of each address that was tried.
    pub(super) fn give_up(&mut self) -> Vec<Attempt> {
        let unanswered = self.running.drain(..).map(|(address, _)| Attempt::new(address, no_answer()));
        self.failed.extend(unanswered);
        std::mem::take(&mut self.failed)
    }

    /// What has to be ready for `advance` to get further.
    pub(super) fn queries(&self) -> Vec<Query<'_>> {
        self.running.iter().map(|(_, socket)| (socket.as_fd(), WRITE)).collect()
    }

    /// How long it is until `advance` gets further by itself.
    pub(super) fn time_left(&self) -> Option<Duration> {
        if self.running.is_empty() {
            Some(Duration::ZERO)
        } else if self.waiting.is_empty() {
            None
        } else {
            Some(self.next_start.saturating_duration_since(Instant::now()))
        }
    }
}

/// The families in turn, beginning with the first address's, each in its order: when one family
/// does not work at all, the other one is not behind the whole of it.
fn interleave(addresses: impl IntoIterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let mut addresses = addresses.into_iter().peekable();
    let Some(first) = addresses.peek().copied() else { return VecDeque::new() };
    let (preferred, others): (VecDeque<_>, VecDeque<_>) =
        addresses.partition(|address| address.is_ipv6() == first.is_ipv6());
    let mut families = [preferred, others];
    let mut all = VecDeque::new();
    while families.iter().any(|family| !family.is_empty()) {
        for family in &mut families {
            all.extend(family.pop_front());
        }
    }
    all
}

/// Sends a connection off.
fn start(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Err(error) if !is_in_progress(&error) => Err(error),
        _ => Ok(socket.into()),
    }
}

fn is_in_progress(error: &io::Error) -> bool {
    if cfg!(windows) {
        error.kind() == io::ErrorKind::WouldBlock
    } else {
        error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error())
    }
}

/// What became of a connection that was sent off.
fn outcome(socket: &TcpStream) -> Poll<io::Result<()>> {
    match readiness::poll_one(socket.as_fd(), WRITE, Some(Duration::ZERO)) {
        Ok(answer) if answer.is_empty() => return Poll::Pending,
        Ok(_) => {}
        Err(error) => return Poll::Ready(Err(error)),
    }
    if let Err(error) | Ok(Some(error)) = socket.take_error() {
        return Poll::Ready(Err(error));
    }
    match (socket.local_addr(), socket.peer_addr()) {
        // Connecting to a free port of one's own machine can, once in a while, choose that very
        // port as the near end, and TCP then connects the socket with itself.
        (Ok(local), Ok(peer)) if local == peer => Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into())),
        (_, peer) => Poll::Ready(peer.map(drop)),
    }
}

fn transport(socket: TcpStream) -> io::Result<TcpTransport> {
    TcpTransport::new(socket).map_err(io::Error::from)
}

fn no_answer() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let addresses: Vec<SocketAddr> = ["[::1]:1", "[::1]:2", "[::1]:3", "127.0.0.1:4", "127.0.0.1:5"]
            .map(|a| a.parse().unwrap())
            .into();
        let ports: Vec<u16> = interleave(addresses).iter().map(SocketAddr::port).collect();
        assert_eq!(ports, [1, 4, 2, 5, 3]);
        assert!(interleave([]).is_empty());
    }

    #[test]
    fn a_socket_connected_with_itself_is_no_connection() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.connect(&socket.local_addr().unwrap()).unwrap();
        let Poll::Ready(Err(error)) = outcome(&socket.into()) else { panic!("taken for a connection") };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
