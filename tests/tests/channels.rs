//! Channels behave the same on every stage: offline, on one link with a relay, on several links
//! with a relay in memory or over TCP.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;

use embedded_io::ReadReady as _;
use peote_net::link::Link;
use peote_net::offline::Offline;
use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::time::{Duration, Instant};
use peote_net_simulation::{Conditions, Cut, LineConfig, Network, RelayConfig, Sleep, Step, Transport};
use peote_net_std::{Clock, Interest, TcpTransport, Waiter, Watch};
use peote_net_testkit::heap::Heap;
use peote_net_tests::channels::Stage;
use peote_relay::{Config, Handle, Relay};

/// No network, no relay, and time that jumps.
#[derive(Default)]
struct OfflineStage {
    now: Instant,
}

impl Stage for OfflineStage {
    type Transport = Offline;

    const ONE_LINK: bool = true;

    fn connect(&mut self) -> Offline {
        Offline::new()
    }

    fn now(&mut self) -> Instant {
        self.now
    }

    fn rest(&mut self, links: &mut [(Link<Heap>, Offline)], nags: bool) -> bool {
        let [(link, transport)] = links else { panic!("there is one link") };
        if link.wants_write() || (link.wants_read() && transport.read_ready().unwrap()) {
            return true;
        }
        let moment = nags.then_some(self.now + Duration::from_millis(1));
        let next = link.next_deadline().into_iter().chain(moment).min();
        self.now = next.unwrap_or(self.now).max(self.now);
        next.is_some()
    }
}

/// The relay's forwarding core in memory, with lines of any kind, on a virtual clock.
struct Simulated<const ONE_LINK: bool> {
    network: Network,
    conditions: Conditions,
}

impl<const ONE_LINK: bool> Simulated<ONE_LINK> {
    fn new(conditions: Conditions) -> Self {
        let all = Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER).with(Capabilities::HELLO);
        let relay = RelayConfig { capabilities: all, ..RelayConfig::default() };
        Self { network: Network::with_relay(1, relay), conditions }
    }
}

impl<const ONE_LINK: bool> Stage for Simulated<ONE_LINK> {
    type Transport = Transport;

    const ONE_LINK: bool = ONE_LINK;

    fn connect(&mut self) -> Transport {
        self.network.connect(LineConfig::both(self.conditions.clone()))
    }

    fn now(&mut self) -> Instant {
        self.network.now()
    }

    fn rest(&mut self, links: &mut [(Link<Heap>, Transport)], nags: bool) -> bool {
        let sleeps: Vec<Sleep> = links.iter().map(|(link, transport)| transport.sleep(link)).collect();
        // a relay says something every five seconds, so in four there has to be more than that
        let patience = if nags { Duration::from_millis(1) } else { Duration::from_secs(4) };
        let until = self.network.now() + patience;
        self.network.step(&sleeps, until).unwrap() == Step::Awake
    }
}

/// The relay program in a thread, over the loopback interface.
struct Tcp<const ONE_LINK: bool> {
    address: SocketAddr,
    clock: Clock,
    waiter: Waiter,
    handle: Handle,
    relay: Option<JoinHandle<()>>,
}

impl<const ONE_LINK: bool> Tcp<ONE_LINK> {
    fn new() -> Self {
        let listen = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        let mut relay = Relay::bind(Config { listen, ..Config::default() }).unwrap();
        let (address, handle) = (relay.local_addrs()[0], relay.handle());
        let relay = Some(std::thread::spawn(move || relay.run().unwrap()));
        let clock = Clock::new();
        Self { address, clock, waiter: Waiter::new(clock).unwrap(), handle, relay }
    }
}

impl<const ONE_LINK: bool> Drop for Tcp<ONE_LINK> {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(relay) = self.relay.take() {
            let ended = relay.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the relay has panicked");
        }
    }
}

impl<const ONE_LINK: bool> Stage for Tcp<ONE_LINK> {
    type Transport = TcpTransport;

    const ONE_LINK: bool = ONE_LINK;

    fn connect(&mut self) -> TcpTransport {
        TcpTransport::connect_blocking(&self.address.to_string(), std::time::Duration::from_secs(10)).unwrap()
    }

    fn now(&mut self) -> Instant {
        self.clock.now()
    }

    fn rest(&mut self, links: &mut [(Link<Heap>, TcpTransport)], nags: bool) -> bool {
        let deadlines = links.iter().filter_map(|(link, _)| link.next_deadline());
        let patience = if nags { Duration::from_millis(1) } else { Duration::from_secs(60) };
        let until = deadlines.chain([self.clock.now() + patience]).min();
        let mut watches: Vec<Watch<'_>> = links
            .iter_mut()
            .map(|(link, transport)| {
                let interest = Interest { read: link.wants_read(), write: link.wants_write() };
                Watch::transport(transport, interest)
            })
            .collect();
        let start = std::time::Instant::now();
        self.waiter.wait(&mut watches, until).unwrap();
        start.elapsed() < std::time::Duration::from_secs(60)
    }
}

/// Lines that cut wherever they like and hold little.
fn narrow() -> Conditions {
    Conditions {
        jitter: Duration::from_millis(3),
        capacity: 3_000,
        reads: Cut::Random(700),
        writes: Cut::Random(900),
        ..Conditions::default()
    }
}

mod offline {
    peote_net_tests::channels!(super::OfflineStage::default());
}

mod relay_in_memory_one_link {
    peote_net_tests::channels!(super::Simulated::<true>::new(super::Conditions::default()));
}

mod relay_in_memory_one_link_on_a_narrow_line {
    peote_net_tests::channels!(super::Simulated::<true>::new(super::narrow()));
}

mod relay_in_memory_several_links {
    peote_net_tests::channels!(super::Simulated::<false>::new(super::Conditions::default()));
}

mod relay_in_memory_several_links_on_narrow_lines {
    peote_net_tests::channels!(super::Simulated::<false>::new(super::narrow()));
}

mod relay_over_tcp_one_link {
    peote_net_tests::channels!(super::Tcp::<true>::new());
}

mod relay_over_tcp_several_links {
    peote_net_tests::channels!(super::Tcp::<false>::new());
}
