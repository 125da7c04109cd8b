//! The relay's address by its name.

use smoltcp::iface::{Context, SocketHandle, SocketSet};
use smoltcp::socket::dns::{GetQueryResultError, QueryHandle, Socket};
use smoltcp::wire::{DnsQueryType, IpAddress, IpEndpoint};

use super::memory::Queries;
use crate::Failure;

/// What is asked for: addresses of the only kind there is, or IPv4's.
#[cfg(feature = "ipv4")]
const KIND: DnsQueryType = DnsQueryType::A;
#[cfg(not(feature = "ipv4"))]
const KIND: DnsQueryType = DnsQueryType::Aaaa;

/// The resolver's socket, and the query under way.
pub(super) struct Resolver {
    socket: SocketHandle,
    query: Option<QueryHandle>,
    /// Which of several addresses is next.
    turn: u8,
}

impl Resolver {
    pub(super) fn new<'a>(sockets: &mut SocketSet<'a>, queries: Queries<'a>, servers: &[IpAddress]) -> Self {
        Self { socket: sockets.add(Socket::new(servers, queries)), query: None, turn: 0 }
    }

    /// Takes the first three; DHCP tells no more.
    #[cfg(feature = "dhcpv4")]
    pub(super) fn set_servers(
        &self,
        sockets: &mut SocketSet<'_>,
        servers: impl ExactSizeIterator<Item = IpAddress>,
    ) {
        let mut array = [IpAddress::v4(0, 0, 0, 0); 3];
        let count = servers.len();
        for (place, server) in array.iter_mut().zip(servers) {
            *place = server;
        }
        if let Some(socket) = super::socket::<Socket<'_>>(sockets, self.socket) {
            socket.update_servers(array.get(..count).unwrap_or(&array));
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.query.is_some()
    }

    /// Starts a query or looks how it is doing. `Ok(None)`: not known yet.
    pub(super) fn poll(
        &mut self,
        sockets: &mut SocketSet<'_>,
        context: &mut Context,
        name: &str,
        port: u16,
    ) -> Result<Option<IpEndpoint>, Failure> {
        let Some(socket) = super::socket::<Socket<'_>>(sockets, self.socket) else {
            return Err(Failure::NameNotFound);
        };
        let Some(query) = self.query else {
            info!("looking up {}", name);
            self.query = Some(socket.start_query(context, name, KIND).map_err(|_| Failure::NameNotFound)?);
            return Ok(None);
        };
        let addresses = match socket.get_query_result(query) {
            Err(GetQueryResultError::Pending) => return Ok(None),
            Err(GetQueryResultError::Failed) => None,
            Ok(addresses) => Some(addresses),
        };
        self.query = None;
        // the next attempt goes to the next of them
        let turn = usize::from(self.turn);
        self.turn = self.turn.wrapping_add(1);
        let address = addresses.and_then(|all| all.get(turn.checked_rem(all.len())?).copied());
        address.map(|address| Some(IpEndpoint::new(address, port))).ok_or(Failure::NameNotFound)
    }
}
