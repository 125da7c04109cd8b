//! Accepting connections.

use std::io;
use std::net::SocketAddr;

use peote_net::relay::{ConnectionId, Home};
use tracing::{info, warn};

use super::{Relay, WAKER, receive_buffer};
use crate::allowance::Allowance;
use crate::causes::{Cause, TurnedAway};
use crate::config::limit;
use crate::connection::Connection;
use crate::listen;
use crate::places::index;
use crate::proxy::Arrival;
use crate::system::{Interest, TcpListener, TcpStream, Token};

/// Connections that one turn accepts at most from one listening socket.
const ACCEPTS: usize = 16;

/// Milliseconds after which accepting is tried again when the system has refused it.
const ACCEPT_AGAIN: u64 = 100;

/// A listening socket.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) socket: TcpListener,
    pub(super) address: SocketAddr,
    /// Its connections begin with TLS.
    pub(super) is_tls: bool,
    /// Somebody may be there to be accepted.
    pub(super) pending: bool,
}

impl Relay {
    pub(super) fn note_accept(&mut self, token: usize) {
        if let Some(listener) =
            (WAKER - 1).checked_sub(token).and_then(|number| self.listeners.get_mut(number))
        {
            listener.pending = true;
        }
    }

    pub(super) fn accept(&mut self) {
        if self.accept_at > self.connections.now {
            return;
        }
        for number in 0..self.listeners.len() {
            for _ in 0..ACCEPTS {
                let Some(listener) = self.listeners.get_mut(number).filter(|listener| listener.pending)
                else {
                    break;
                };
                match listener.socket.accept() {
                    Ok((socket, address)) => {
                        let is_tls = listener.is_tls;
                        self.admit(socket, address, is_tls);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => listener.pending = false,
                    // it was gone before it could be accepted
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) => {
                        // no file descriptor or memory left, most likely: the others go on, and
                        // some day one of them goes
                        self.accept_at = self.connections.now + ACCEPT_AGAIN;
                        if self.connections.lines.may_warn(self.connections.now, "accept", Home::default()) {
                            warn!(%error, "cannot accept connections at the moment");
                        }
                        return;
                    }
                }
            }
        }
    }

    /// Takes a new connection in, unless there are too many.
    fn admit(&mut self, socket: TcpStream, address: SocketAddr, is_tls: bool) {
        let arrival = Arrival::from(address.ip(), &self.connections.config);
        match self.enter(address, arrival) {
            Ok(id) => self.begin(id, socket, address, arrival, is_tls),
            Err(why) => self.receive_guest(socket, address, is_tls, why),
        }
    }

    /// Counts a new connection and gives it a place in the core, unless there are too many.
    fn enter(&mut self, address: SocketAddr, arrival: Arrival) -> Result<ConnectionId, TurnedAway> {
        if self.is_draining() {
            return Err(TurnedAway::Draining);
        }
        // who comes through a proxy is counted when the proxy has told who it is
        let is_counted = arrival == Arrival::Settled;
        if is_counted {
            self.count(address)?;
        }
        let home = self.connections.addresses.home(address.ip());
        let entered = self.has_table_room().and_then(|()| {
            if self.core.connections() - self.stand_ins() >= limit(self.connections.config.max_connections) {
                return Err(TurnedAway::Connections);
            }
            self.core.connect_from(home).map_err(|_| TurnedAway::Memory)
        });
        if entered.is_err() && is_counted {
            let now = self.connections.now_micros;
            self.connections.addresses.remove(address.ip(), now, &self.connections.config);
        }
        entered
    }

    /// A connection that has a place begins.
    fn begin(
        &mut self,
        id: ConnectionId,
        mut socket: TcpStream,
        address: SocketAddr,
        arrival: Arrival,
        is_tls: bool,
    ) {
        let is_counted = arrival == Arrival::Settled;
        let home = self.connections.addresses.home(address.ip());
        let index = index(id);
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut socket, Token(index as usize), interest) {
            return self.send_back(id, address, is_counted, error);
        }
        listen::set_options(&socket, &self.connections.config);
        receive_buffer::limit(&socket, &self.connections.config);
        self.accepted += 1;
        if self.connections.lines.may_tell(self.connections.now, "connections", home) {
            info!(connection = %id, %address, "connection accepted");
        }
        let now = self.connections.now;
        if self.connections.slots.len() <= index as usize {
            self.connections.slots.resize_with(index as usize + 1, || None);
        }
        let allowance = Allowance::new(&self.connections.config, None);
        let terms = (&self.connections.times, allowance);
        let mut connection = Connection::new(id, socket, address, home, now, terms);
        connection.arrival = arrival;
        if is_tls {
            let begun = match &self.credentials {
                Some(credentials) => connection.begin_tls(credentials),
                None => Err(io::ErrorKind::Unsupported.into()),
            };
            if let Err(error) = begun {
                return self.send_back(id, address, is_counted, error);
            }
            self.tls += 1;
        }
        self.connections.pool.reserve(connection.reserve());
        connection.count_transport(&mut self.connections.pool);
        self.connections.slots[index as usize] = Some(connection);
        self.connections.schedule(index);
    }

    /// Turns a connection away that was counted already.
    fn send_back(&mut self, id: ConnectionId, address: SocketAddr, is_counted: bool, error: io::Error) {
        self.core.disconnect(id, &mut self.connections);
        let now = self.connections.now_micros;
        if is_counted {
            self.connections.addresses.remove(address.ip(), now, &self.connections.config);
        }
        self.turn_away(address, TurnedAway::System, Some(error));
    }

    pub(super) fn turn_away(&mut self, address: SocketAddr, why: TurnedAway, error: Option<io::Error>) {
        self.turned_away.add(why);
        let home = self.connections.addresses.home(address.ip());
        if self.connections.lines.may_warn(self.connections.now, why.name(), home) {
            let error = error.map(tracing::field::display);
            warn!(%address, cause = %why, error, "connection turned away: {}", why.text());
        }
    }
}
