//! A relay, and the server of a channel that sends each chunk back.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use peote_net::link::{Event, Mode};
use peote_net_std::DesktopLink;
use peote_relay::{Config, Handle, Relay};

/// What the server of the channel has heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    Entered,
    Gone,
    Malicious,
    Chunk(Vec<u8>),
}

pub(crate) struct Server {
    address: SocketAddr,
    relay: Handle,
    served: Arc<Mutex<Vec<Served>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listen = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        let mut relay = Relay::bind(Config { listen, ..Config::default() }).unwrap();
        let (address, handle) = (relay.local_addrs()[0], relay.handle());
        let relay = std::thread::spawn(move || relay.run().unwrap());

        let mut link = DesktopLink::connect(&address.to_string()).unwrap();
        link.create("echo", Mode::chunks(64)).unwrap();
        let served = Arc::<Mutex<Vec<Served>>>::default();
        let heard = Arc::clone(&served);
        let echo = std::thread::spawn(move || {
            let turn = |link: &mut DesktopLink| {
                link.poll(|event, out| {
                    let heard = |what| heard.lock().unwrap().push(what);
                    match event {
                        Event::UserEntered { .. } => heard(Served::Entered),
                        Event::UserGone { .. } => heard(Served::Gone),
                        Event::Malicious { .. } => heard(Served::Malicious),
                        Event::Chunk { from, bytes } => {
                            out.send(from, bytes)?;
                            heard(Served::Chunk(bytes.to_vec()));
                        }
                        _ => {}
                    }
                    Ok::<(), peote_net::link::SendError>(())
                })
            };
            while turn(&mut link).is_ok() && link.wait().is_ok() {}
        });
        Self { address, relay: handle, served, threads: vec![relay, echo] }
    }

    pub(crate) fn relay(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn served(&self) -> Vec<Served> {
        self.served.lock().unwrap().clone()
    }

    pub(crate) fn forget(&self) {
        self.served.lock().unwrap().clear();
    }

    /// The relay ends, and with it all connections.
    pub(crate) fn stop(&self) {
        self.relay.stop();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
