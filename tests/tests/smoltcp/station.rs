//! Stack, link and list of channels in one thing.

use peote_net::Reason;
use peote_net::link::{EnteredChannel, Event, Mode, SendError};
use peote_net::reconnect::{Backoff, ChannelState, Reconnect, Retry};
use peote_net::time::{Duration, Instant};
use peote_net_smoltcp::{Config, Failure, Progress, RelayAddress, Stack, StackMemory, Station};
use smoltcp::phy::Medium;
use smoltcp::wire::IpAddress;

use crate::device::{Device, SmallLink, fixed};
use crate::hub::{Faults, Hub, Port};
use crate::machine::{Machine, endpoint, hardware};
use crate::relay::RelayMachine;

type Memory = peote_net::link::LinkBuffers<2048, 4, 1, 4096, 512>;
const MODE: Mode = Mode::chunks(64);

/// A station (number 1) that enters `echo`, a relay (2), and the channel's server (3).
struct Network {
    hub: Hub,
    port: Port,
    station: Station<'static, 'static, Memory, &'static str, 1>,
    echo: EnteredChannel,
    relay: RelayMachine,
    server: Device,
    /// Chunks that came back.
    heard: Vec<Vec<u8>>,
    /// Why the channel was refused.
    refused: Vec<Reason>,
    turns: u32,
    /// What the progress has become, and when.
    history: Vec<(Instant, Progress)>,
}

impl Network {
    fn new(rules: Backoff) -> Self {
        Self::with_tcp_buffers::<2048>(rules)
    }

    /// With so many bytes in each direction.
    fn with_tcp_buffers<const SIZE: usize>(rules: Backoff) -> Self {
        let hub = Hub::new(Faults::NONE, 1);
        let mut port = hub.port(Medium::Ethernet);
        let relay_address = RelayAddress::Endpoint(endpoint(2));
        let config = Config::new(hardware(1), fixed(1), relay_address, 1);
        // tests may leak
        let memory = Box::leak(Box::new(StackMemory::<SIZE, SIZE>::new()));
        let stack = Stack::new(memory, config, &mut port, hub.now()).unwrap();
        let link = Box::leak(Box::new(SmallLink::new()));
        let mut station = Station::new(stack, link, Reconnect::new(rules).with_retry(Retry::Always));
        let echo = station.enter("echo", MODE).unwrap();
        let relay = RelayMachine::new(Machine::new(&hub, 2));
        let server = Device::new(&hub, 3, fixed(3), relay_address);
        let (heard, refused, history) = (Vec::new(), Vec::new(), Vec::new());
        Self { hub, port, station, echo, relay, server, heard, refused, turns: 0, history }
    }

    fn step(&mut self) {
        let now = self.hub.now();
        self.relay.poll();
        let mut is_closed = self.server.progress() != Progress::Connected;
        let of_server = self.server.turn(|event, out| match event {
            Event::Chunk { from, bytes } => out.send(from, bytes),
            Event::Closed { .. } | Event::Refused { .. } => {
                is_closed = true;
                Ok(())
            }
            _ => Ok(()),
        });
        if is_closed && self.server.progress() == Progress::Connected {
            self.server.link.out().create("echo", MODE).unwrap();
        }
        self.turns += 1;
        while let Some((event, _)) = self.station.next(&mut self.port, now) {
            match event {
                Event::Chunk { bytes, .. } => self.heard.push(bytes.to_vec()),
                Event::Refused { reason, .. } => self.refused.push(reason),
                _ => {}
            }
        }
        let progress = self.station.progress();
        if self.history.last().is_none_or(|(_, last)| *last != progress) {
            self.history.push((now, progress));
        }
        let deadline = self.station.next_deadline(now);
        self.hub.advance([deadline, of_server, self.relay.deadline()]);
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        for _ in 0..100_000 {
            if done(self) {
                return;
            }
            self.step();
        }
        panic!("in vain: {what}; {:?}", self.history);
    }

    fn pass(&mut self, time: Duration) {
        let end = self.hub.now() + time;
        self.until("time", |network| network.hub.now() >= end);
    }

    /// Sends a chunk and waits for it to come back.
    fn echo(&mut self, chunk: &[u8]) {
        self.until("sent", |network| network.station.send(network.echo, chunk).is_ok());
        self.until("heard", |network| network.heard.last().is_some_and(|last| last == chunk));
    }

    fn is_open(&mut self) -> bool {
        let echo = self.echo;
        self.station.channels().state(echo) == Some(ChannelState::Open)
    }
}

#[test]
fn connects_enters_and_sends() {
    let mut network = Network::new(Backoff::new());
    let echo = network.echo;
    assert_eq!(network.station.send(echo, b"x"), Err(SendError::NotOpen));
    network.echo(b"hello");
    let kinds: Vec<Progress> = network.history.iter().map(|(_, progress)| *progress).collect();
    assert_eq!(kinds, [Progress::Connecting, Progress::Connected]);
    assert_eq!(network.station.lost(), None);
}

/// The relay says that it is there, and does not answer. It is given up, and tried again.
#[test]
fn a_relay_that_does_not_answer_is_given_up() {
    let mut network = Network::new(Backoff::new());
    network.relay.set_deaf_to(Some(IpAddress::v4(10, 0, 0, 1)));
    network.until("it is given up", |network| network.station.lost().is_some());
    // 15 s for the answer, and one more in which what has come would be read
    let now = network.hub.now();
    assert!((Instant::from_millis(16_000)..Instant::from_millis(18_000)).contains(&now), "{now:?}");
    let given_up = |progress| {
        matches!(progress, Progress::Waiting { failure: Some(Failure::GivenUp), .. } | Progress::Connecting)
    };
    assert!(given_up(network.station.progress()), "{:?}", network.history);
    network.relay.set_deaf_to(None);
    network.echo(b"hello");
    assert_eq!(network.refused, []);
}

/// What the list gives up by itself is told as what the relay refuses.
#[test]
fn a_channel_that_is_not_answered_for_and_given_up_is_refused() {
    let mut network = Network::new(Backoff::new());
    let echo = network.echo;
    network.station.channels().set_retry(echo, Retry::IfOpenedBefore);
    network.relay.set_deaf_to(Some(IpAddress::v4(10, 0, 0, 1)));
    network.until("it is refused", |network| !network.refused.is_empty());
    network.pass(Duration::from_secs(20));
    assert_eq!(network.refused, [Reason::NoAnswer]);
    network.relay.set_deaf_to(None);
    assert!(network.station.channels().retry(echo));
    network.echo(b"hello");
}

/// The progress says when the next attempt is made, and it is made then; it never says that there
/// will be none.
#[test]
fn comes_back_when_it_said() {
    let mut network = Network::new(Backoff::new().with_seed(3));
    network.echo(b"before");
    network.relay.set_down(true);
    network.history.clear();
    network.pass(Duration::from_secs(20));
    let mut announced = 0;
    for pair in network.history.windows(2) {
        let [(_, progress), (when, next)] = pair else { unreachable!() };
        assert!(!matches!(progress, Progress::Ended { .. }), "{progress}");
        if let Progress::Waiting { until, failure } = progress {
            assert!(failure.is_some());
            assert_eq!((*next, *when), (Progress::Connecting, *until), "{:?}", network.history);
            announced += 1;
        }
    }
    assert!(announced >= 4, "{:?}", network.history);
    assert!(network.station.lost().is_some());
    assert!(!network.is_open());

    network.relay.set_down(false);
    network.echo(b"after");
    assert!(network.is_open());
}

#[test]
fn ends_when_the_rules_say_so_and_begins_anew() {
    let mut network = Network::new(Backoff::new().with_most_attempts(2));
    network.relay.set_down(true);
    network.until("ended", |network| matches!(network.station.progress(), Progress::Ended { .. }));
    assert_eq!(network.station.progress(), Progress::Ended { failure: Failure::Refused });
    network.relay.set_down(false);
    network.pass(Duration::from_secs(60));
    assert_eq!(network.station.progress(), Progress::Ended { failure: Failure::Refused });
    network.station.channels().try_now();
    network.echo(b"again");
}

#[test]
fn the_network_goes_and_comes() {
    let mut network =
        Network::new(Backoff::new().with_delays(Duration::from_secs(100), Duration::from_secs(100)));
    network.echo(b"before");
    let now = network.hub.now();
    network.station.set_network_up(false, now);
    network.port.plug(false);
    network.until("lost", |network| network.station.lost().is_some());
    network.port.plug(true);
    network.until("due", |network| network.station.progress() == Progress::NetworkDown);
    network.pass(Duration::from_secs(10));
    assert_eq!(network.station.progress(), Progress::NetworkDown);
    let now = network.hub.now();
    network.station.set_network_up(true, now);
    network.echo(b"after");
    assert!(network.hub.now().saturating_since(now) < Duration::from_secs(3), "without waiting 100 s");
}

#[test]
fn an_idle_station_sleeps() {
    let mut network = Network::new(Backoff::new());
    network.echo(b"hello");
    network.turns = 0;
    network.pass(Duration::from_secs(60));
    assert!(network.turns < 150, "{} turns of all machines for 12 keepalives", network.turns);
}

/// What the guide says about sizes: TCP buffers of 32 bytes carry 50 readings a second, with 1 ms
/// on the way.
#[test]
fn tiny_tcp_buffers_carry_fifty_readings_a_second() {
    let mut network = Network::with_tcp_buffers::<32>(Backoff::new());
    network.echo(b"hello");
    network.heard.clear();
    let echo = network.echo;
    let start = network.hub.now();
    for number in 0..500_u64 {
        let due = start + Duration::from_millis(number * 20);
        network.until("due", |network| {
            network.hub.advance([Some(due.min(network.hub.now() + Duration::from_millis(1)))]);
            network.hub.now() >= due
        });
        let reading = [u8::try_from(number % 256).unwrap(); 6];
        assert_eq!(network.station.send(echo, &reading), Ok(()), "reading {number}");
        network.step();
    }
    network.until("all of them", |network| network.heard.len() == 500);
    let took = network.hub.now().saturating_since(start);
    assert!(took <= Duration::from_millis(10_100), "{took:?}");
}
