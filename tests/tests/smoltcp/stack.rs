//! The ready-made stack: static addresses, names, DHCP, the network going away.

use peote_net::link::{Error, Mode};
use peote_net::time::{Duration, Instant};
use peote_net_smoltcp::{
    Addressing, Config, ConfigError, Failure, Progress, RelayAddress, Stack, StackMemory,
};
use smoltcp::phy::Medium;
use smoltcp::wire::{DhcpMessageType, EthernetAddress, HardwareAddress, IpAddress, IpCidr, Ipv4Address};

use crate::device::{Device, fixed};
use crate::hub::{Faults, Hub};
use crate::machine::{Machine, PORT, address, endpoint, hardware};
use crate::relay::RelayMachine;
use crate::servers::{DhcpServer, DnsServer};

const NAME: &str = "relay.example";

/// A device (number 1), a relay (2), and a machine (3) with a DHCP and a DNS server.
struct Network {
    hub: Hub,
    device: Device,
    relay: RelayMachine,
    servers: Machine,
    dhcp: DhcpServer,
    dns: DnsServer,
}

impl Network {
    fn new(addressing: Addressing, relay: RelayAddress) -> Self {
        Self::with_config(Config::new(hardware(1), addressing, relay, 1))
    }

    fn with_config(config: Config<'_>) -> Self {
        let hub = Hub::new(Faults::NONE, 1);
        let device = Device::with_config(&hub, config);
        let mut servers = Machine::new(&hub, 3);
        let dhcp = DhcpServer::new(&mut servers, 100);
        let dns = DnsServer::new(&mut servers, NAME, Ipv4Address::new(10, 0, 0, 2));
        let relay = RelayMachine::new(Machine::new(&hub, 2));
        Self { hub, device, relay, servers, dhcp, dns }
    }

    fn step(&mut self) {
        self.servers.poll();
        self.dhcp.poll(&mut self.servers);
        self.dns.poll(&mut self.servers);
        self.servers.poll();
        self.relay.poll();
        let deadlines = [self.device.idle(), self.relay.deadline(), self.servers.deadline()];
        self.hub.advance(deadlines);
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        for _ in 0..100_000 {
            if done(self) {
                return;
            }
            self.step();
        }
        panic!("in vain: {what}; {:?}", self.device.history);
    }

    fn until_connected(&mut self) {
        self.until("connected", |network| network.device.progress() == Progress::Connected);
    }

    fn pass(&mut self, time: Duration) {
        let end = self.hub.now() + time;
        self.until("time", |network| network.hub.now() >= end);
    }

    fn address(&mut self) -> Option<IpAddress> {
        self.device.stack.parts().0.ip_addrs().first().map(IpCidr::address)
    }

    /// The device has something to say, so that the relay has to go on answering.
    fn enter(&mut self) {
        self.device.link.out().enter("nowhere", Mode::Data).unwrap();
    }
}

#[test]
fn a_static_address() {
    let mut network = Network::new(fixed(1), RelayAddress::Endpoint(endpoint(2)));
    network.until_connected();
    assert_eq!(network.device.course(), ["connecting", "connected"]);
    network.enter();
    network.pass(Duration::from_secs(60));
    assert_eq!(network.device.progress(), Progress::Connected);
    assert_eq!(network.device.errors, []);
    assert_eq!(network.relay.connections(), 1);
}

#[test]
fn an_idle_device_sleeps() {
    let mut network = Network::new(fixed(1), RelayAddress::Endpoint(endpoint(2)));
    network.until_connected();
    network.enter();
    network.pass(Duration::from_secs(10));
    // between two keepalives nothing is due but the end of the relay's silence
    let mut turns = 0;
    let start = network.hub.now();
    while network.hub.now().saturating_since(start) < Duration::from_secs(50) {
        let deadline = network.device.idle();
        network.relay.poll();
        network.servers.poll(); // it hears all frames
        turns += 1;
        network.hub.advance([deadline, network.relay.deadline()]);
    }
    assert!(turns < 120, "{turns} turns for 10 keepalives");
}

#[test]
fn through_a_gateway() {
    let relay = IpAddress::v4(192, 168, 7, 7);
    let addressing = Addressing::Static { address: IpCidr::new(address(1), 24), gateway: Some(address(2)) };
    let mut network = Network::new(addressing, RelayAddress::Endpoint((relay, PORT).into()));
    // the gateway is the relay
    network.relay.machine.interface.update_ip_addrs(|all| all.push(IpCidr::new(relay, 24)).unwrap());
    network
        .relay
        .machine
        .interface
        .routes_mut()
        .add_default_ipv4_route(Ipv4Address::new(10, 0, 0, 1))
        .unwrap();
    network.until_connected();
}

#[test]
fn bare_ip_as_the_medium() {
    let hub = Hub::new(Faults::NONE, 1);
    let relay = RelayAddress::Endpoint(endpoint(2));
    let mut device = Device::with_config(&hub, Config::new(HardwareAddress::Ip, fixed(1), relay, 1));
    device.idle();
    assert_eq!(device.progress(), Progress::Connecting);
    assert_eq!(hub.frames(), 0, "there is no other port to deliver to");
    let mut other = hub.port(Medium::Ip);
    hub.advance([Some(hub.now() + Duration::from_secs(1))]);
    device.idle();
    hub.advance([]);
    let (frame, _) = smoltcp::phy::Device::receive(&mut other, smoltcp::time::Instant::ZERO).unwrap();
    let first = smoltcp::phy::RxToken::consume(frame, |bytes| bytes[0]);
    assert_eq!(first >> 4, 4, "an IPv4 packet without a frame around it");
}

#[test]
fn the_relay_goes_and_comes_back() {
    let mut network = Network::new(fixed(1), RelayAddress::Endpoint(endpoint(2)));
    network.until_connected();
    network.relay.set_down(true);
    network.until("lost", |network| !network.device.errors.is_empty());
    assert!(matches!(network.device.errors[..], [Error::Transport(_)]));
    network.pass(Duration::from_secs(30));
    let refused = network.device.history.iter().filter(|(_, progress)| {
        matches!(progress, Progress::Waiting { failure: Some(Failure::Refused), .. })
    });
    assert!((3..12).contains(&refused.count()), "{:?}", network.device.history);
    network.relay.set_down(false);
    network.until_connected();
    assert_eq!(network.device.errors.len(), 1);
}

#[test]
fn a_short_interruption_is_survived() {
    let mut network = Network::new(fixed(1), RelayAddress::Endpoint(endpoint(2)));
    network.until_connected();
    network.enter();
    network.pass(Duration::from_secs(3));
    network.device.port.plug(false);
    network.device.stack.set_network_up(false, network.hub.now());
    network.pass(Duration::from_secs(10));
    network.device.port.plug(true);
    network.device.stack.set_network_up(true, network.hub.now());
    network.pass(Duration::from_secs(60));
    assert_eq!(network.device.errors, []);
    assert_eq!(network.device.progress(), Progress::Connected);
}

#[test]
fn a_long_interruption_ends_the_connection_and_the_next_attempt_waits_for_the_network() {
    let mut network = Network::new(fixed(1), RelayAddress::Endpoint(endpoint(2)));
    network.until_connected();
    network.enter();
    network.pass(Duration::from_secs(3));
    network.device.port.plug(false);
    network.device.stack.set_network_up(false, network.hub.now());
    network.pass(Duration::from_secs(120));
    assert!(matches!(network.device.errors[..], [Error::Silent { .. }]), "{:?}", network.device.errors);
    assert_eq!(network.device.course(), ["connecting", "connected", "down"]);
    network.device.port.plug(true);
    network.device.stack.set_network_up(true, network.hub.now());
    network.step();
    assert_eq!(network.device.progress(), Progress::Connecting, "at once");
    network.until_connected();
}

#[test]
fn the_network_s_return_ends_the_pause() {
    let mut network = Network::new(fixed(1), RelayAddress::Endpoint(endpoint(2)));
    network.relay.set_down(true);
    network.until("a long pause", |network| match network.device.progress() {
        Progress::Waiting { until, .. } => until.saturating_since(network.hub.now()).as_millis() > 5000,
        _ => false,
    });
    network.relay.set_down(false);
    network.device.stack.set_network_up(false, network.hub.now());
    network.device.idle();
    assert_eq!(network.device.progress(), Progress::NetworkDown);
    network.device.stack.set_network_up(true, network.hub.now());
    network.device.idle();
    assert_eq!(network.device.progress(), Progress::Connecting, "at once");
    network.until_connected();
}

#[test]
fn an_address_by_dhcp() {
    let mut network = Network::new(Addressing::Dhcp, RelayAddress::Endpoint(endpoint(2)));
    network.step();
    assert_eq!(network.device.progress(), Progress::NoAddress);
    network.until_connected();
    assert_eq!(network.device.course(), ["no address", "connecting", "connected"]);
    assert_eq!(network.address(), Some(address(100)));
    assert_eq!(network.dhcp.asked, [DhcpMessageType::Discover, DhcpMessageType::Request]);
    // the lease of 600 s is renewed in time and in silence
    network.pass(Duration::from_secs(3000));
    assert!(network.dhcp.asked.len() >= 10, "{:?}", network.dhcp.asked);
    assert_eq!(network.device.course(), ["no address", "connecting", "connected"]);
    assert_eq!(network.device.errors, []);
}

#[test]
fn dhcp_tells_the_gateway() {
    let relay = IpAddress::v4(192, 168, 7, 7);
    let mut network = Network::new(Addressing::Dhcp, RelayAddress::Endpoint((relay, PORT).into()));
    network.dhcp.router = Some(2);
    network.relay.machine.interface.update_ip_addrs(|all| all.push(IpCidr::new(relay, 24)).unwrap());
    network.until_connected();
}

#[test]
fn dhcp_answers_late() {
    let mut network = Network::new(Addressing::Dhcp, RelayAddress::Endpoint(endpoint(2)));
    network.dhcp.mute = true;
    network.pass(Duration::from_secs(60));
    assert_eq!(network.device.course(), ["no address"]);
    assert!(network.dhcp.asked.len() >= 5, "{:?}", network.dhcp.asked);
    network.dhcp.mute = false;
    network.until_connected();
}

#[test]
fn the_lease_ends_without_an_answer() {
    let mut network = Network::new(Addressing::Dhcp, RelayAddress::Endpoint(endpoint(2)));
    network.until_connected();
    network.dhcp.mute = true;
    network.until("no address", |network| network.device.progress() == Progress::NoAddress);
    assert_eq!(network.address(), None);
    assert!(matches!(network.device.errors[..], [Error::Transport(_)]), "{:?}", network.device.errors);
    network.dhcp.mute = false;
    network.until_connected();
}

#[test]
fn dhcp_refuses_to_renew_and_gives_another_address() {
    let mut network = Network::new(Addressing::Dhcp, RelayAddress::Endpoint(endpoint(2)));
    network.until_connected();
    network.dhcp.refuses = true;
    network.until("no address", |network| network.device.progress() == Progress::NoAddress);
    network.dhcp.refuses = false;
    network.dhcp.gives = 101;
    network.until_connected();
    assert_eq!(network.address(), Some(address(101)));
    assert_eq!(network.device.errors.len(), 1);
}

#[test]
fn back_in_the_same_network_the_connection_is_kept() {
    let mut network = Network::new(Addressing::Dhcp, RelayAddress::Endpoint(endpoint(2)));
    network.until_connected();
    network.device.stack.set_network_up(false, network.hub.now());
    network.pass(Duration::from_secs(2));
    network.device.stack.set_network_up(true, network.hub.now());
    network.pass(Duration::from_secs(60));
    assert_eq!(network.dhcp.asked.len(), 4, "asked anew");
    assert_eq!(network.device.errors, []);
    assert_eq!(network.device.course(), ["no address", "connecting", "connected"]);
}

#[test]
fn in_another_network_the_address_is_another_one() {
    let mut network = Network::new(Addressing::Dhcp, RelayAddress::Endpoint(endpoint(2)));
    network.until_connected();
    network.device.stack.set_network_up(false, network.hub.now());
    network.dhcp.gives = 102;
    network.device.stack.set_network_up(true, network.hub.now());
    network.until("lost", |network| !network.device.errors.is_empty());
    network.until_connected();
    assert_eq!(network.address(), Some(address(102)));
}

#[test]
fn in_a_network_without_dhcp_the_address_is_given_up() {
    let mut network = Network::new(Addressing::Dhcp, RelayAddress::Endpoint(endpoint(2)));
    network.until_connected();
    network.device.stack.set_network_up(false, network.hub.now());
    network.dhcp.mute = true;
    network.device.stack.set_network_up(true, network.hub.now());
    let start = network.hub.now();
    network.until("given up", |network| network.device.progress() == Progress::NoAddress);
    let took = network.hub.now().saturating_since(start).as_millis();
    assert!((29_000..32_000).contains(&took), "{took}");
    assert_eq!(network.address(), None);
}

fn by_name(name: &'static str) -> RelayAddress {
    RelayAddress::Name { name, port: PORT }
}

#[test]
fn a_name_through_known_servers() {
    let mut config = Config::new(hardware(1), fixed(1), by_name(NAME), 1);
    let servers = [address(3)];
    config.dns_servers = &servers;
    let mut network = Network::with_config(config);
    network.until_connected();
    assert_eq!(network.device.course(), ["resolving", "connecting", "connected"]);
    // a relay that has moved is found
    network.enter();
    network.pass(Duration::from_secs(1));
    network.dns.names.insert(NAME, vec![Ipv4Address::new(10, 0, 0, 9)]);
    network.relay.machine.interface.update_ip_addrs(|all| all[0] = IpCidr::new(address(9), 24));
    network.until("lost", |network| !network.device.errors.is_empty());
    network.until_connected();
    assert_eq!(network.dns.asked, 2);
}

#[test]
fn a_name_through_the_server_that_dhcp_tells() {
    let mut network = Network::new(Addressing::Dhcp, by_name(NAME));
    network.dhcp.dns_server = Some(3);
    network.until_connected();
    assert_eq!(network.device.course(), ["no address", "resolving", "connecting", "connected"]);
}

/// A settings page asks for a name, and an address is written there.
#[test]
fn a_name_that_is_an_address_is_not_looked_up() {
    for name in ["10.0.0.2", "[10.0.0.2]"] {
        let servers = [address(3)];
        let mut config = Config::new(hardware(1), fixed(1), by_name(name), 1);
        config.dns_servers = &servers;
        let mut network = Network::with_config(config);
        network.until_connected();
        assert_eq!(network.device.course(), ["connecting", "connected"]);
        assert_eq!(network.dns.asked, 0);
    }
    // by DHCP as well, and without any name server
    let mut network = Network::new(Addressing::Dhcp, by_name("10.0.0.2"));
    network.until_connected();
    assert_eq!(network.device.course(), ["no address", "connecting", "connected"]);
}

/// What only looks like an address is a name.
#[test]
fn names_that_are_nearly_addresses_are_looked_up() {
    for name in ["10.0.0", "10.0.0.256", "10.0.0.2.example"] {
        let servers = [address(3)];
        let mut config = Config::new(hardware(1), fixed(1), by_name(name), 1);
        config.dns_servers = &servers;
        let mut network = Network::with_config(config);
        network.dns.names.insert(name, vec![Ipv4Address::new(10, 0, 0, 2)]);
        network.until_connected();
        assert_eq!(network.dns.asked, 1, "{name}");
    }
}

#[test]
fn no_such_name() {
    let mut config = Config::new(hardware(1), fixed(1), by_name("nowhere.example"), 1);
    let servers = [address(3)];
    config.dns_servers = &servers;
    let mut network = Network::with_config(config);
    let not_found = |progress: &Progress| {
        matches!(progress, Progress::Waiting { failure: Some(Failure::NameNotFound), .. })
    };
    network.until("not found", |network| not_found(&network.device.progress()));
    network.pass(Duration::from_secs(20));
    assert!((4..10).contains(&network.dns.asked), "{}", network.dns.asked);
    network.dns.names.insert("nowhere.example", vec![Ipv4Address::new(10, 0, 0, 2)]);
    network.until_connected();
}

#[test]
fn no_name_server() {
    let mut network = Network::new(fixed(1), by_name(NAME));
    network.until("not found", |network| {
        matches!(network.device.progress(), Progress::Waiting { failure: Some(Failure::NameNotFound), .. })
    });
    let (mut config, servers) = (Config::new(hardware(1), fixed(1), by_name(NAME), 1), [address(3)]);
    config.dns_servers = &servers;
    let mut network = Network::with_config(config);
    network.dns.mute = true;
    network.until("not found", |network| {
        matches!(network.device.progress(), Progress::Waiting { failure: Some(Failure::NameNotFound), .. })
    });
    network.dns.mute = false;
    network.until_connected();
}

#[test]
fn a_name_that_cannot_be_one() {
    let mut network = Network::new(fixed(1), by_name(""));
    network.step();
    assert!(matches!(
        network.device.progress(),
        Progress::Waiting { failure: Some(Failure::NameNotFound), .. }
    ));
}

#[test]
fn a_flood_of_frames_does_not_keep_the_stack_from_its_work() {
    let mut network = Network::new(fixed(1), RelayAddress::Endpoint(endpoint(2)));
    network.until_connected();
    let mut noise = network.hub.port(Medium::Ethernet);
    let now = network.hub.now();
    for _ in 0..100 {
        let token = smoltcp::phy::Device::transmit(&mut noise, smoltcp::time::Instant::ZERO).unwrap();
        smoltcp::phy::TxToken::consume(token, 60, |frame| frame.fill(0xFF));
    }
    network.hub.advance([]);
    let now = now + Duration::from_millis(1);
    assert_eq!(network.hub.now(), now);
    let mut turns = 0;
    while network.device.idle() == Some(now) {
        turns += 1;
    }
    assert_eq!(turns, 6, "16 frames a turn");
    assert_eq!(network.device.progress(), Progress::Connected);
}

#[test]
fn configurations_that_cannot_work() {
    let hub = Hub::new(Faults::NONE, 1);
    let relay = RelayAddress::Endpoint(endpoint(2));
    let outcome = |config: Config<'_>, medium| {
        let mut memory = StackMemory::<64, 64>::new();
        Stack::new(&mut memory, config, &mut hub.port(medium), Instant::ZERO).map(|_| ())
    };
    let ethernet = |first| HardwareAddress::Ethernet(EthernetAddress([first, 0, 0, 0, 0, 1]));
    let good = Config::new(ethernet(2), fixed(1), relay, 0);
    assert_eq!(outcome(good, Medium::Ethernet), Ok(()));
    assert_eq!(outcome(good, Medium::Ip), Err(ConfigError::WrongMedium));
    let config = Config::new(HardwareAddress::Ip, Addressing::Dhcp, relay, 0);
    assert_eq!(outcome(config, Medium::Ip), Err(ConfigError::WrongMedium));
    assert_eq!(outcome(config, Medium::Ethernet), Err(ConfigError::WrongMedium));
    let config = Config::new(ethernet(3), fixed(1), relay, 0);
    assert_eq!(outcome(config, Medium::Ethernet), Err(ConfigError::HardwareAddressNotUnicast));
    let nobody = Addressing::Static { address: IpCidr::new(IpAddress::v4(224, 0, 0, 1), 4), gateway: None };
    let config = Config::new(ethernet(2), nobody, relay, 0);
    assert_eq!(outcome(config, Medium::Ethernet), Err(ConfigError::AddressNotUnicast));
    for error in [ConfigError::WrongMedium, ConfigError::AddressNotUnicast, ConfigError::NoRoom] {
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn statuses_say_what_they_are() {
    let until = Instant::from_millis(7);
    let waiting = Progress::Waiting { until, failure: Some(Failure::Refused) };
    assert_eq!(waiting.to_string(), "waiting until 7 ms: no program listens at the relay's address");
    assert_eq!(Progress::Waiting { until, failure: None }.to_string(), "waiting until 7 ms");
    assert_eq!(Progress::NoAddress.to_string(), "no address yet");
}
