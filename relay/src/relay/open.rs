//! Opening a relay.

use std::error::Error;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use peote_net::relay::{GrowingStorage, MAX_REST, Relay as Core};
use tracing::info;

use super::accept::Listener;
use super::anteroom::Anteroom;
use super::linger::Lingering;
use super::serve::READ;
use super::{EVENTS, Handle, Relay, WAKER, details};
use crate::access::Rights;
use crate::causes::Counts;
use crate::clock::Clock;
use crate::config::{Config, InvalidConfig};
use crate::connections::Connections;
use crate::hellos::Hellos;
use crate::listen;
use crate::system::{self, Events, Interest, Poll, Token, Waker};
use crate::tls::{self, Credentials};

impl Relay {
    /// Opens the listening sockets. Connections are accepted once [`turn`](Self::turn) is called.
    ///
    /// # Errors
    /// - An address cannot be listened on (in use, not allowed, not this machine's); the error says
    ///   which one.
    /// - The configuration is out of its ranges ([`Config::check`]), or the certificate or the key
    ///   for TLS cannot be used, and the error says which file is wrong and why:
    ///   [`io::ErrorKind::InvalidInput`].
    /// - The system has no more of what it takes to wait for events.
    /// - [`Config::cluster`] is set, and this is called inside a task of tokio:
    ///   [`io::ErrorKind::Unsupported`].
    pub fn bind(config: Config) -> io::Result<Self> {
        Self::bind_with(config, Vec::new())
    }

    /// As [`bind`](Self::bind), with sockets that are listened on already, such as sockets that a
    /// service manager hands over.
    ///
    /// Each is used for the address that it has, which must be in [`Config::listen`], or in
    /// [`Config::listen_tls`] where its connections are to begin with TLS; the addresses for which
    /// there is none are opened as usual. Who connected before is served as well: connections wait
    /// in the socket until they are accepted.
    ///
    /// # Errors
    /// Those of [`bind`](Self::bind), and one that names the address of a socket that the
    /// configuration does not have: [`io::ErrorKind::InvalidInput`].
    ///
    /// ```
    /// use peote_relay::{Config, Relay};
    /// use std::net::TcpListener;
    ///
    /// let socket = TcpListener::bind("127.0.0.1:0")?;
    /// let config = Config { listen: vec![socket.local_addr()?], ..Config::default() };
    /// let relay = Relay::bind_with(config.clone(), vec![socket])?;
    /// assert_eq!(relay.local_addrs(), config.listen);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn bind_with(config: Config, sockets: Vec<TcpListener>) -> io::Result<Self> {
        config.check().map_err(wrong)?;
        let credentials = credentials(&config).map_err(wrong)?;
        let rights = Rights::load(&config).map_err(wrong)?;
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), Token(WAKER))?);
        let mut given = sockets
            .into_iter()
            .map(|socket| Ok((socket.local_addr()?, socket)))
            .collect::<io::Result<Vec<_>>>()?;
        let mut listeners = Vec::new();
        for (number, (address, is_tls)) in addresses(&config).enumerate() {
            let of_address = given.iter().position(|(its, _)| *its == address);
            let is_given = of_address.is_some();
            let mut socket = match of_address {
                Some(place) => listen::take_over(given.swap_remove(place).1)?,
                None => listen::listen(address)?,
            };
            poll.registry().register(&mut socket, Token(WAKER - 1 - number), Interest::READABLE)?;
            let address = socket.local_addr()?;
            info!(%address, tls = is_tls, handed_over = is_given, "listening");
            listeners.push(Listener { socket, address, is_tls, pending: true });
        }
        if let Some((address, _)) = given.first() {
            let what = "in neither listen nor listen_tls, or there are several of it";
            return Err(wrong(format!(
                "a socket that was handed over is listened on at {address}, which is {what}"
            )));
        }
        let mut relay = Self {
            poll,
            unhurried: super::unhurried::Unhurried::new()?,
            events: Some(Events::with_capacity(EVENTS)),
            handle: Handle { waker, stop: Arc::default() },
            listeners,
            accept_at: 0,
            lingering: Lingering::default(),
            anteroom: Anteroom::default(),
            core: Core::new(GrowingStorage::new()),
            buffer: vec![0; MAX_REST + READ + if credentials.is_some() { tls::MAX_KEPT } else { 0 }].into(),
            raw: vec![0; if credentials.is_some() { READ + tls::MAX_KEPT } else { 0 }],
            credentials,
            clock: Clock::new(),
            started: system::now(),
            started_at: system::date(),
            connections: Connections::new(config, rights),
            accepted: 0,
            turned_away: Counts::default(),
            closings: Counts::default(),
            dropped: 0,
            websockets: 0,
            tls: 0,
            secure_websockets: 0,
            http_requests: 0,
            received_bytes: 0,
            turns: super::turns::Turns::default(),
            hellos: Hellos::default(),
            drain: None,
            knocks_end: None,
            counted_tables: usize::MAX,
            details: details::Details::default(),
        };
        relay.share_memory();
        relay.join_cluster()?;
        Ok(relay)
    }

    /// Reads certificate and key again, from the files in the configuration. Connections that come
    /// from now on are accepted with them, the others stay as they are. Does nothing where no TLS
    /// is configured.
    ///
    /// # Errors
    /// One of the files cannot be used; the error says which one and why. The files that were read
    /// before stay in use.
    pub fn reload_tls(&mut self) -> io::Result<()> {
        self.credentials = credentials(&self.connections.config).map_err(wrong)?;
        Ok(())
    }
}

fn wrong(what: impl Into<Box<dyn Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

/// The addresses to listen on, and whether their connections begin with TLS.
fn addresses(config: &Config) -> impl Iterator<Item = (SocketAddr, bool)> {
    let plain = config.listen.iter().map(|address| (*address, false));
    plain.chain(config.listen_tls.iter().map(|address| (*address, true)))
}

/// What connections with TLS are to be accepted with, if there are to be any.
pub(super) fn credentials(config: &Config) -> Result<Option<Credentials>, InvalidConfig> {
    match (&config.tls_certificate, &config.tls_key) {
        (Some(certificate), Some(key)) if !config.listen_tls.is_empty() => {
            tls::load(certificate, key).map(Some)
        }
        _ => Ok(None),
    }
}
