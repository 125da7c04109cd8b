//! A relay in this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;

use peote_relay::{Config, Handle, Relay};

/// A relay in a thread. Ended when dropped: its connections and its port are gone then.
pub(crate) struct RelayThread {
    addresses: Vec<SocketAddr>,
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl RelayThread {
    /// A relay on a port of the system's choice.
    pub(crate) fn start() -> Self {
        Self::on(0)
    }

    /// A relay on this port, which one before it has used.
    pub(crate) fn on(port: u16) -> Self {
        Self::with(Config {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))],
            ..Config::default()
        })
    }

    /// A relay with this configuration.
    pub(crate) fn with(config: Config) -> Self {
        let mut relay = Relay::bind(config).expect("the relay can listen");
        let (addresses, handle) = (relay.local_addrs().to_vec(), relay.handle());
        let thread = Some(std::thread::spawn(move || relay.run().expect("the relay runs")));
        Self { addresses, handle, thread }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// All addresses, in the order of the configuration: without TLS, then with it.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The firmware's argument: this machine, as QEMU's own network shows it.
    pub(crate) fn argument(&self) -> String {
        format!("relay=10.0.2.2:{}", self.address().port())
    }
}

impl Drop for RelayThread {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
