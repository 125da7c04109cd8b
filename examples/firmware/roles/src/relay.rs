//! A relay for a handful of connections: the forwarding core of peote-net between smoltcp's
//! sockets.
//!
//! A socket's transmit buffer is the connection's queue, and its receive buffer holds what cannot
//! be routed yet: when that is full, TCP makes the sender wait. So nothing is stored twice, and
//! every buffer is as large as it is said to be below.

use defmt::{info, warn};
use firmware_support::{Clock, Ethernet, Mac};
use peote_net::protocol::to_endpoint;
use peote_net::relay::{ConnectionId, Host, MAX_REST, Note, Outcome, Relay, static_storage};
use peote_net::time::{Duration, Instant};
use peote_net_smoltcp::time::{earlier, to_smoltcp};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::wire::{IpAddress, IpCidr};

use crate::options::{Addresses, Options};

/// Connections at the same time.
const CONNECTIONS: usize = 8;
/// Bytes of a connection that wait for being routed.
const RECEIVE: usize = 4096;
/// Bytes that wait for being sent to a connection.
const TRANSMIT: usize = 16384;
/// Channels at the same time, and users of all channels together.
const CHANNELS: usize = 16;
const USERS: usize = 32;
/// What notices can add to a queue (see `peote_net::relay`), which is never filled with anything
/// else.
const RESERVE: usize = 7 * USERS + 6 * CHANNELS;
/// Bytes that are routed at once.
const TURN: usize = 2048;

/// A connection that has been sent nothing for so long is sent a keepalive.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// The first byte has to come within this time.
const FIRST_BYTE: Duration = Duration::from_secs(5);
/// A peer that acknowledges nothing for so long is gone.
const SILENCE: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(30);

const _: () = assert!(TURN > MAX_REST && RECEIVE > MAX_REST && TRANSMIT >= RESERVE + 2 * 1024);

/// The forwarding core with its tables.
pub type Core = Relay<
    static_storage!(
        connections: CONNECTIONS,
        channels: CHANNELS,
        memberships: USERS,
        pages: 2 * (CONNECTIONS + CHANNELS),
    ),
>;

/// The buffers of all connections.
#[derive(Debug)]
pub struct RelayMemory {
    receive: [[u8; RECEIVE]; CONNECTIONS],
    transmit: [[u8; TRANSMIT]; CONNECTIONS],
    turn: [u8; TURN],
}

impl RelayMemory {
    /// Empty buffers, all zero.
    #[must_use]
    pub const fn new() -> Self {
        Self { receive: [[0; RECEIVE]; CONNECTIONS], transmit: [[0; TRANSMIT]; CONNECTIONS], turn: [0; TURN] }
    }
}

impl Default for RelayMemory {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs the role `relay`, for ever.
///
/// # Errors
/// The options do not say which address the relay has.
pub fn run_relay<M: Mac>(
    options: &Options<'_>,
    ethernet: &mut Ethernet<M>,
    clock: Clock,
    seed: u64,
    memory: &mut RelayMemory,
    core: &mut Core,
) -> Result<core::convert::Infallible, &'static str> {
    let Addresses::Static { address, gateway } = options.addresses else {
        return Err("a relay needs an address that others know: address=10.0.2.15/24");
    };
    let mut config = Config::new(ethernet.address().into());
    config.random_seed = seed;
    let mut interface = Interface::new(config, ethernet, to_smoltcp(clock.now()));
    interface.update_ip_addrs(|addresses| {
        addresses.push(IpCidr::Ipv4(address)).unwrap_or_else(|_| warn!("no room for an address"));
    });
    if let Some(gateway) = gateway
        && interface.routes_mut().add_default_ipv4_route(gateway).is_err()
    {
        warn!("no room for a route");
    }
    let mut storage = [SocketStorage::EMPTY; CONNECTIONS];
    let mut sockets = SocketSet::new(&mut storage[..]);
    let mut buffers = memory.receive.iter_mut().zip(&mut memory.transmit);
    let places: [Place; CONNECTIONS] = core::array::from_fn(|_| {
        // there are as many buffers as places
        let (receive, transmit) =
            buffers.next().map_or((&mut [][..], &mut [][..]), |(r, t)| (&mut r[..], &mut t[..]));
        let mut socket = Socket::new(SocketBuffer::new(receive), SocketBuffer::new(transmit));
        socket.set_nagle_enabled(false);
        socket.set_timeout(Some(SILENCE));
        Place { socket: sockets.add(socket), connection: None, heard: false, last_sent: Instant::ZERO }
    });
    let mut switch = Switchboard { sockets, places, now: clock.now() };
    for place in 0..CONNECTIONS {
        switch.welcome(place, options.port, core);
    }
    info!("relay at {}, port {=u16}", IpAddress::Ipv4(address.address()), options.port);
    loop {
        switch.now = clock.now();
        interface.poll(to_smoltcp(switch.now), ethernet, &mut switch.sockets);
        let mut is_busy = false;
        for place in 0..CONNECTIONS {
            is_busy |= switch.serve(place, options.port, core, &mut memory.turn);
        }
        interface.poll(to_smoltcp(switch.now), ethernet, &mut switch.sockets);
        if !is_busy {
            let smoltcp = interface.poll_at(to_smoltcp(switch.now), &switch.sockets);
            clock.sleep(earlier(switch.next_deadline(), smoltcp), ethernet);
        }
    }
}

/// A socket and the connection it carries.
#[derive(Debug)]
struct Place {
    socket: SocketHandle,
    connection: Option<ConnectionId>,
    /// Its first byte has come.
    heard: bool,
    last_sent: Instant,
}

/// All sockets: the core's host.
struct Switchboard<'a> {
    sockets: SocketSet<'a>,
    places: [Place; CONNECTIONS],
    now: Instant,
}

impl<'a> Switchboard<'a> {
    fn place_of(&self, connection: ConnectionId) -> Option<&Place> {
        self.places.iter().find(|place| place.connection == Some(connection))
    }

    fn socket(&mut self, place: usize) -> &mut Socket<'a> {
        self.sockets.get_mut(self.places[place].socket)
    }

    /// Does what one place needs. Says whether there is more to do.
    fn serve(&mut self, place: usize, port: u16, core: &mut Core, buffer: &mut [u8; TURN]) -> bool {
        match self.places[place].connection {
            None => self.welcome(place, port, core),
            Some(connection) => {
                self.keep_alive(place);
                self.forward(place, connection, core, buffer)
            }
        }
    }

    fn welcome(&mut self, place: usize, port: u16, core: &mut Core) -> bool {
        let socket = self.socket(place);
        if !socket.is_open() && socket.listen(port).is_err() {
            warn!("port {=u16} cannot be listened on", port);
        }
        if !socket.may_send() {
            return false;
        }
        match core.connect() {
            Ok(connection) => {
                info!("connection {=usize} has come", connection.index());
                let socket = self.places[place].socket;
                self.places[place] =
                    Place { socket, connection: Some(connection), heard: false, last_sent: self.now };
                true
            }
            Err(full) => {
                warn!("{}", full);
                self.socket(place).abort();
                false
            }
        }
    }

    /// Routes what has come from a connection.
    fn forward(
        &mut self,
        place: usize,
        connection: ConnectionId,
        core: &mut Core,
        buffer: &mut [u8; TURN],
    ) -> bool {
        let count = self.socket(place).peek_slice(buffer).unwrap_or(0);
        self.places[place].heard |= count > 0;
        let received = core.receive(connection, &buffer[..count], self);
        // it is the bytes just seen that are taken out
        let taken = self.socket(place).recv_slice(&mut buffer[..received.used]);
        match received.outcome {
            Outcome::Close(cause) => {
                warn!("connection {=usize} is closed: {}", connection.index(), cause);
                self.end(place, connection, core);
                self.socket(place).abort();
            }
            Outcome::NeedMore if !self.socket(place).may_recv() => {
                let is_over = count == received.used || taken == Ok(0);
                if is_over {
                    info!("connection {=usize} has ended", connection.index());
                    self.end(place, connection, core);
                    self.socket(place).close();
                }
            }
            _ if !self.places[place].heard && self.now >= self.places[place].last_sent + FIRST_BYTE => {
                warn!("connection {=usize} says nothing", connection.index());
                self.end(place, connection, core);
                self.socket(place).abort();
            }
            _ => {}
        }
        received.used > 0
    }

    fn end(&mut self, place: usize, connection: ConnectionId, core: &mut Core) {
        core.disconnect(connection, self);
        self.places[place].connection = None;
    }

    fn keep_alive(&mut self, place: usize) {
        let now = self.now;
        if !self.places[place].heard || now < self.places[place].last_sent + KEEPALIVE {
            return;
        }
        let unit = to_endpoint::keepalive();
        let socket = self.socket(place);
        if socket.send_capacity() - socket.send_queue() >= unit.len() && socket.send_slice(&unit).is_err() {
            // the connection is over, which `forward` sees
            return;
        }
        self.places[place].last_sent = now;
    }

    /// When something is to be done although no frame comes.
    fn next_deadline(&self) -> Option<Instant> {
        let connected = self.places.iter().filter(|place| place.connection.is_some());
        connected.map(|place| place.last_sent + if place.heard { KEEPALIVE } else { FIRST_BYTE }).min()
    }
}

impl Host for Switchboard<'_> {
    fn free(&self, connection: ConnectionId) -> usize {
        let Some(place) = self.place_of(connection) else { return usize::MAX };
        let socket = self.sockets.get::<Socket<'_>>(place.socket);
        if !socket.may_send() {
            // given up; what is sent to it is dropped
            return usize::MAX;
        }
        (socket.send_capacity() - socket.send_queue()).saturating_sub(RESERVE)
    }

    fn push(&mut self, connection: ConnectionId, header: &[u8], payload: &[u8]) {
        let now = self.now;
        let Some(place) = self.places.iter_mut().find(|place| place.connection == Some(connection)) else {
            return;
        };
        place.last_sent = now;
        let socket = self.sockets.get_mut::<Socket<'_>>(place.socket);
        for bytes in [header, payload] {
            // An error: the connection is over, which `forward` sees.
            if socket.send_slice(bytes).is_ok_and(|sent| sent < bytes.len()) {
                warn!("connection {=usize} has no room for what has to be said", connection.index());
                socket.abort();
            }
        }
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn notify(&mut self, note: &Note<'_>) {
        match note {
            Note::Created { server, name, .. } => {
                info!("channel {=[u8]:a} of connection {=usize}", name, server.index());
            }
            Note::Entered { user, number, name, .. } => {
                info!("connection {=usize} is user {=u8} in {=[u8]:a}", user.index(), number, name);
            }
            Note::Left { number, name, reason, .. } => {
                info!("user {=u8} out of {=[u8]:a}: {}", number, name, reason);
            }
            Note::Deleted { name, reason, .. } => info!("channel {=[u8]:a} is gone: {}", name, reason),
            Note::Refused { connection, reason, .. } => {
                warn!("connection {=usize} was refused: {}", connection.index(), reason);
            }
            _ => {}
        }
    }
}
