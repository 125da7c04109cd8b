//! The relay that is tried.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::Peer;
use super::partner::Joined;
use crate::conn::{Conn, Side};
use crate::log::Log;

/// Names of channels differ from run to run, so that a relay that is in use can be tried.
static COUNT: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
pub(crate) struct Target {
    address: SocketAddr,
    prefix: String,
    patience: Duration,
    log: Log,
}

impl Target {
    pub(crate) fn new(address: SocketAddr, case: &str, patience: Duration, log: Log) -> Self {
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self { address, prefix: format!("conformance-{process}-{count}/{case}/"), patience, log }
    }

    /// The name of a channel of this case.
    pub(crate) fn name(&self, name: &str) -> Vec<u8> {
        format!("{}{name}", self.prefix).into_bytes()
    }

    pub(crate) fn tcp(&self) -> Result<Conn, String> {
        let socket = TcpStream::connect_timeout(&self.address, self.patience);
        let socket = socket.map_err(|error| format!("no connection to {}: {error}", self.address))?;
        Conn::new(socket, Side::Endpoint, self.log.clone(), self.patience)
    }

    pub(crate) fn connect(&self) -> Result<Peer, String> {
        Ok(Peer::new(self.tcp()?, self.name("there is none")))
    }

    /// An endpoint that takes part, with this window for each party.
    pub(crate) fn partner(&self, window: u32) -> Result<Peer, String> {
        let mut peer = self.connect()?;
        peer.takes_part(window)?;
        Ok(peer)
    }

    /// A server and a user of a channel.
    pub(crate) fn pair(&self, name: &str) -> Result<Pair, String> {
        let (server, user) = (self.connect()?, self.connect()?);
        Pair::new(server, user, &self.name(name))
    }

    /// What the relay announces (section 11.1), if it does.
    pub(crate) fn capabilities(&self) -> Result<Option<u8>, String> {
        let mut peer = self.connect()?;
        peer.quiet()?;
        peer.quiet()?;
        Ok(peer.capabilities)
    }
}

/// A channel with one user.
pub(crate) struct Pair {
    pub(crate) server: Peer,
    pub(crate) user: Peer,
    /// The channel's number at the server, and at the user; the user's number.
    pub(crate) own: u8,
    pub(crate) entered: u8,
    pub(crate) number: u8,
}

impl Pair {
    pub(crate) fn new(mut server: Peer, mut user: Peer, name: &[u8]) -> Result<Self, String> {
        let own = server.create(name)?;
        let Joined { entered, number, .. } = server.joined_by(own, &mut user, name)?;
        Ok(Self { server, user, own, entered, number })
    }

    /// Both say something and hear it.
    pub(crate) fn talk(&mut self) -> Result<(), String> {
        self.user.say(self.entered, b"up");
        self.server.hear_user(self.own, self.number, b"up")?;
        self.server.say_to(self.own, self.number, b"down");
        self.user.hear(self.entered, b"down")
    }
}
