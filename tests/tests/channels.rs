//! Channels behave the same on every stage: offline, on one link with a relay, on several links
//! with a relay in memory or over TCP. Relays that are one are the stage of the same stories in
//! `relay/tests/cluster_stories.rs`.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;

use embedded_io::ReadReady as _;
use peote_net::link::Link;
use peote_net::offline::Offline;
use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::time::{Duration, Instant};
use peote_net_simulation::{Conditions, Cut, LineConfig, Network, RelayConfig, Sleep, Step, Transport};
use peote_net_testkit::heap::Heap;
use peote_net_tests::channels::{Sockets, Stage};
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

/// A relay in a thread, which ends with it.
struct Running {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the relay has panicked");
        }
    }
}

/// A relay of its own, over the loopback interface.
fn tcp<const ONE_LINK: bool>() -> Sockets<Running, ONE_LINK> {
    let listen = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
    let mut relay = Relay::bind(Config { listen, ..Config::default() }).unwrap();
    let (place, handle) = (relay.local_addrs()[0], relay.handle());
    let thread = Some(std::thread::spawn(move || relay.run().unwrap()));
    Sockets::new(vec![place], Running { handle, thread })
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
    peote_net_tests::channels!(super::tcp::<true>());
}

mod relay_over_tcp_several_links {
    peote_net_tests::channels!(super::tcp::<false>());
}
