//! Connections through proxies: whom they are from turns out later than that they are there.

use std::io::{self, Read};
use std::net::SocketAddr;

use tracing::info;

use super::Relay;
use super::close::Why;
use crate::causes::TurnedAway;
use crate::connection::{Ending, begins_http};
use crate::proxy::{Arrival, MAX_HEADER, Told, header};

impl Relay {
    /// Takes the header of the PROXY protocol that a connection has to begin with, if it has to.
    /// Returns whether it goes on now.
    pub(super) fn arrive(&mut self, index: u32) -> bool {
        let Some(connection) = self.connections.get(index) else { return false };
        if connection.arrival != Arrival::Header {
            return true;
        }
        let mut bytes = [0; MAX_HEADER];
        let len = match connection.socket().peek(&mut bytes) {
            Ok(0) => return self.leave(index, &Ending::Ended.into()),
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                connection.flags.readable = false;
                return false;
            }
            Err(error) => return self.leave(index, &Ending::Broken(error).into()),
        };
        match header(&bytes[..len]) {
            Told::Header(len, client) => {
                // it was there a moment ago
                if !connection.socket().read(&mut bytes[..len]).is_ok_and(|read| read == len) {
                    return self.leave(index, &Why::NoProxyHeader);
                }
                let address = client.unwrap_or(connection.address);
                self.settle(index, address)
            }
            Told::Incomplete if connection.flags.read_closed => self.leave(index, &Ending::Ended.into()),
            Told::Incomplete => {
                self.connections.leave_unread(index);
                false
            }
            // a page for whoever watches the relay from the proxy's machine
            Told::Nothing if begins_http(bytes[0]) => {
                connection.arrival = Arrival::Request;
                true
            }
            Told::Nothing | Told::Malformed => self.leave(index, &Why::NoProxyHeader),
        }
    }

    fn leave(&mut self, index: u32, why: &Why) -> bool {
        self.close(index, why);
        false
    }

    /// What a connection through a proxy has sent tells nothing more about where it comes from, or
    /// this address. Returns whether it may stay.
    pub(super) fn settle(&mut self, index: u32, address: SocketAddr) -> bool {
        let Some(connection) = self.connections.get(index) else { return false };
        if connection.arrival == Arrival::Settled {
            return true;
        }
        let proxy = connection.address;
        if let Err(why) = self.count(address) {
            return self.leave(index, &Why::TurnedAway(why));
        }
        let home = self.connections.addresses.home(address.ip());
        let was_ready = self.connections.ready.contains(index);
        let was_dirty = self.connections.dirty.contains(index);
        self.connections.take_off(index);
        let Some(connection) = self.connections.get(index) else { return false };
        connection.arrival = Arrival::Settled;
        (connection.address, connection.home) = (address, home);
        let id = connection.id;
        if was_ready {
            self.connections.ready.push(index, home);
        }
        if was_dirty {
            self.connections.dirty.push(index, home);
        }
        self.core.set_home(id, home);
        if self.connections.lines.may_tell(self.connections.now, "connections", home) {
            info!(connection = %id, %address, %proxy, "connection comes through a proxy");
        }
        true
    }

    /// Counts a connection for an address, unless that may not connect or has too many.
    pub(super) fn count(&mut self, address: SocketAddr) -> Result<(), TurnedAway> {
        let (ip, now) = (address.ip(), self.connections.now_micros);
        if !self.connections.config.allows_connecting_from(ip) {
            return Err(TurnedAway::AddressNotAllowed);
        }
        if self.connections.bans.has_address(ip) {
            return Err(TurnedAway::Banned);
        }
        self.connections.addresses.add(ip, now, &self.connections.config)
    }
}
