//! A station with a battery: how often it wakes up when it has nothing to say. Counted on the
//! virtual clock, with a capture of the frames that its network controller passes.

use std::collections::BTreeMap;

use peote_net::link::{Destination, EnteredChannel, Event, Hello, Mode};
use peote_net::reconnect::{Backoff, ChannelState, Reconnect};
use peote_net::time::{Duration, Instant};
use peote_net_smoltcp::{Addressing, Config, Progress, RelayAddress, Stack, StackMemory, Station};
use smoltcp::phy::Medium;

use crate::capture::kind_of;
use crate::device::{Device, SmallLink, fixed};
use crate::hub::{Faults, Hub, Port};
use crate::machine::{Machine, endpoint, hardware};
use crate::relay::RelayMachine;
use crate::servers::DhcpServer;

type Memory = peote_net::link::LinkBuffers<2048, 4, 1, 4096, 512>;
const MODE: Mode = Mode::chunks(64);
const TEN_MINUTES: Duration = Duration::from_secs(600);
const FOUR_INTERVALS: Duration = Duration::from_secs(2400);
const SIX_HOURS: Duration = Duration::from_secs(6 * 3600);

/// A station (number 1) that enters `orders`, a relay (2), the channel's server (3), and a machine
/// that gives the station its address for an hour (4).
struct Network {
    hub: Hub,
    port: Port,
    station: Station<'static, 'static, Memory, &'static str, 1>,
    orders: EnteredChannel,
    relay: RelayMachine,
    server: Device,
    addresses: Machine,
    dhcp: DhcpServer,
    /// Until when the station sleeps if no frame comes.
    sleeps_until: Option<Instant>,
    /// The station, for the channel's server.
    user: Option<Destination>,
    /// Chunks that came.
    heard: usize,
    /// How often the station woke up, by what it was for.
    wakes: BTreeMap<&'static str, u32>,
}

impl Network {
    /// The station asks for keepalives at this interval, if for any.
    fn new(keepalive: Option<Duration>) -> Self {
        let hub = Hub::new(Faults::NONE, 1);
        let mut port = hub.port(Medium::Ethernet);
        hub.filter(port.index(), [2, 0, 0, 0, 0, 1]);
        let relay_address = RelayAddress::Endpoint(endpoint(2));
        let config = Config::new(hardware(1), Addressing::Dhcp, relay_address, 1);
        // tests may leak
        let memory = Box::leak(Box::new(StackMemory::<512, 512>::new()));
        let stack = Stack::new(memory, config, &mut port, hub.now()).unwrap();
        let link = Box::leak(Box::new(SmallLink::new()));
        let mut station = Station::new(stack, link, Reconnect::new(Backoff::new()));
        station.set_hello(Hello { keepalive, name: Some("sensor"), ..Hello::default() });
        let orders = station.enter("orders", MODE).unwrap();
        let mut relay = RelayMachine::new(Machine::new(&hub, 2));
        relay.know_hello();
        let mut server = Device::new(&hub, 3, fixed(3), relay_address);
        server.link.out().create("orders", MODE).unwrap();
        let mut addresses = Machine::new(&hub, 4);
        let mut dhcp = DhcpServer::new(&mut addresses, 1);
        dhcp.lease_seconds = 3600;
        let sleeps_until = Some(hub.now());
        let (user, heard, wakes) = (None, 0, BTreeMap::new());
        Self { hub, port, station, orders, relay, server, addresses, dhcp, sleeps_until, user, heard, wakes }
    }

    /// The others do what is due, and the station if that wakes it up.
    fn step(&mut self) {
        self.addresses.poll();
        self.dhcp.poll(&mut self.addresses);
        self.addresses.poll();
        self.relay.poll();
        let of_server = self.server.turn(|event, _| {
            if let Event::UserEntered { channel, user, .. } = event {
                self.user = Some(Destination::User(channel, user));
            }
        });
        self.wake_up_if_due();
        let others = [of_server, self.relay.deadline(), self.addresses.deadline()];
        self.hub.advance(others.into_iter().chain([self.sleeps_until]));
    }

    fn wake_up_if_due(&mut self) {
        let now = self.hub.now();
        let is_due = self.sleeps_until.is_some_and(|until| until <= now);
        let frame = self.hub.first_frame(self.port.index());
        if frame.is_none() && !is_due {
            return;
        }
        *self.wakes.entry(frame.map_or("timer", |frame| kind_of(&frame))).or_default() += 1;
        while let Some((event, _)) = self.station.next(&mut self.port, now) {
            self.heard += usize::from(matches!(event, Event::Chunk { .. }));
        }
        self.sleeps_until = self.station.next_deadline(now);
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        for _ in 0..200_000 {
            if done(self) {
                return;
            }
            self.step();
        }
        panic!("in vain: {what}");
    }

    fn pass(&mut self, time: Duration) {
        let end = self.hub.now() + time;
        self.until("time", |network| network.hub.now() >= end);
    }

    /// Connects and enters; the network is idle then.
    fn settle(&mut self) {
        self.until("open", |network| {
            let orders = network.orders;
            network.station.channels().state(orders) == Some(ChannelState::Open)
        });
        self.pass(Duration::from_secs(60));
        self.wakes.clear();
        self.hub.take_captured();
    }

    /// Returns how often the station woke up in all.
    fn wake_ups(&self) -> u32 {
        self.wakes.values().sum()
    }
}

/// Once a minute at most, with everything: the relay's keepalives, acknowledgements, ARP, DHCP.
#[test]
fn with_keepalives_each_10_minutes_it_wakes_up_less_than_once_a_minute() {
    let mut network = Network::new(Some(TEN_MINUTES));
    network.settle();
    network.pass(SIX_HOURS);
    let captured = network.hub.take_captured();
    let mut kinds = BTreeMap::<&str, u32>::new();
    captured.iter().for_each(|(_, _, frame)| *kinds.entry(kind_of(frame)).or_default() += 1);
    println!("wake-ups in 6 hours: {:?}; frames that came: {kinds:?}", network.wakes);

    assert!((35..=37).contains(&kinds["data"]), "keepalives of the relay: {kinds:?}");
    assert!(kinds["DHCP"] >= 6, "an address for an hour is renewed: {kinds:?}");
    assert!(network.wake_ups() <= 6 * 60, "{:?}", network.wakes);
    // what one keepalive costs: the frame, the delayed acknowledgement, ARP
    assert!(network.wake_ups() <= 36 * 5 + 12 * 4, "{:?}", network.wakes);
    assert_eq!(network.station.progress(), Progress::Connected);
    assert_eq!(network.station.lost(), None);
}

/// What it is without: the relay's own interval, of 5 s, is what counts.
#[test]
fn without_a_hello_of_its_own_it_wakes_up_with_each_keepalive() {
    let mut network = Network::new(None);
    network.settle();
    network.pass(SIX_HOURS);
    println!("wake-ups in 6 hours: {:?}", network.wakes);
    assert!(network.wake_ups() >= 6 * 720, "{:?}", network.wakes);
}

/// An order does not wait for a keepalive.
#[test]
fn an_order_wakes_it_up_at_once() {
    let mut network = Network::new(Some(TEN_MINUTES));
    network.settle();
    network.pass(Duration::from_secs(300));
    assert_eq!(network.heard, 0);
    let before = network.hub.now();
    let user = network.user.unwrap();
    network.server.link.out().send(user, b"order").unwrap();
    network.until("the order", |network| network.heard == 1);
    assert!(network.hub.now().saturating_since(before) < Duration::from_secs(2));
}

/// A relay that is gone without a word is found out after four intervals, and the station sleeps
/// until then.
#[test]
fn a_relay_that_is_gone_costs_no_wake_ups_until_four_intervals_are_over() {
    let mut network = Network::new(Some(TEN_MINUTES));
    network.settle();
    network.relay.machine.port.plug(false);
    // or it would look for the relay by broadcasts, which wake up everybody
    network.server.port.plug(false);
    let before = network.hub.now();
    network.until("the loss", |network| network.station.lost().is_some());
    let took = network.hub.now().saturating_since(before);
    // the last word was said within the minute before
    assert!((Duration::from_secs(2310)..=FOUR_INTERVALS).contains(&took), "{took:?}");
    assert!(network.wake_ups() <= 10, "{:?}", network.wakes);
}
