//! What several of these tests need.

use peote_relay::{Config, Handle, Relay};

/// A relay in a thread, until it is dropped.
pub(crate) struct RunningRelay {
    pub(crate) address: String,
    handle: Handle,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl RunningRelay {
    pub(crate) fn new() -> Self {
        let config = Config { listen: vec!["127.0.0.1:0".parse().unwrap()], ..Config::default() };
        let mut relay = Relay::bind(config).unwrap();
        let (address, handle) = (relay.local_addrs()[0].to_string(), relay.handle());
        let thread = Some(std::thread::spawn(move || relay.run().unwrap()));
        Self { address, handle, thread }
    }
}

impl Drop for RunningRelay {
    fn drop(&mut self) {
        self.handle.stop();
        self.thread.take().unwrap().join().unwrap();
    }
}
