//! A stage of relays that are there already, over TCP.

use std::net::SocketAddr;

use peote_net::link::Link;
use peote_net::time::{Duration, Instant};
use peote_net_std::{Clock, Interest, TcpTransport, Waiter, Watch};
use peote_net_testkit::heap::Heap;

use super::Stage;

/// The longest that a program waits without being woken: far above what anything takes here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connections over TCP, by the system's clock. `R` is what keeps the relays running; it goes with
/// the stage.
#[derive(Debug)]
pub struct Sockets<R, const ONE_LINK: bool> {
    places: Vec<SocketAddr>,
    connected: usize,
    clock: Clock,
    waiter: Waiter,
    relays: R,
}

impl<R, const ONE_LINK: bool> Sockets<R, ONE_LINK> {
    /// The first role connects to the first place, and so on. Roles beyond the last place connect
    /// to that one.
    pub fn new(places: Vec<SocketAddr>, relays: R) -> Self {
        assert!(!places.is_empty(), "there is a place to connect to");
        let clock = Clock::new();
        Self { places, connected: 0, clock, waiter: Waiter::new(clock).unwrap(), relays }
    }

    /// What keeps the relays running.
    pub const fn relays(&self) -> &R {
        &self.relays
    }
}

impl<R, const ONE_LINK: bool> Stage for Sockets<R, ONE_LINK> {
    type Transport = TcpTransport;

    const ONE_LINK: bool = ONE_LINK;

    fn connect(&mut self) -> TcpTransport {
        let place = self.places[self.connected.min(self.places.len() - 1)];
        self.connected += 1;
        TcpTransport::connect_blocking(&place.to_string(), std::time::Duration::from_secs(10)).unwrap()
    }

    fn now(&mut self) -> Instant {
        self.clock.now()
    }

    fn rest(&mut self, links: &mut [(Link<Heap>, TcpTransport)], nags: bool) -> bool {
        let deadlines = links.iter().filter_map(|(link, _)| link.next_deadline());
        let patience = if nags { Duration::from_millis(1) } else { PATIENCE };
        let start = self.clock.now();
        let until = deadlines.chain([start + patience]).min();
        let mut watches: Vec<Watch<'_>> = links
            .iter_mut()
            .map(|(link, transport)| {
                let interest = Interest { read: link.wants_read(), write: link.wants_write() };
                Watch::transport(transport, interest)
            })
            .collect();
        self.waiter.wait(&mut watches, until).unwrap();
        self.clock.now() < start + PATIENCE
    }
}
