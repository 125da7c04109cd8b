//! `peote-relay --try`: a page beside the relay, for a first look.
//!
//! It has a port of its own, so that the relay's own pages stay what operators know.

mod files;
mod server;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use peote_relay::Config;

/// The page's port, open and not served yet.
#[derive(Debug)]
pub(crate) struct Page {
    listener: TcpListener,
    port: u16,
}

impl Page {
    /// Opens a free port of this machine.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// The names that a browser may have for it.
    fn hosts(&self) -> [String; 2] {
        ["127.0.0.1", "localhost"].map(|host| format!("{host}:{}", self.port))
    }

    /// Has the relay take connections of this page, and of no other that is not allowed already.
    pub(crate) fn allow(&self, config: &mut Config) {
        config.allowed_origins.extend(self.hosts().map(|host| format!("http://{host}")));
    }

    /// Serves the page on a thread, to the end of the program, and returns what is to be said.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(crate) fn serve(self, relay: SocketAddr) -> io::Result<String> {
        let said = format!("try it: http://127.0.0.1:{}/\n", self.port);
        let hosts = self.hosts();
        server::start(self.listener, server::Served { hosts, relay })?;
        Ok(said)
    }
}

/// Whether all addresses of a relay are of this machine alone.
pub(crate) fn is_local(config: &Config) -> bool {
    config.listen.iter().chain(&config.listen_tls).all(|address| address.ip().is_loopback())
}
