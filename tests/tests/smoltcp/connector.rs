//! Keeping a socket connected, with interface and sockets of one's own.

use std::collections::HashSet;

use peote_net::link::{Error, Event, Flow, Link, LinkBuffers, Mode};
use peote_net::reconnect::Backoff;
use peote_net::time::{Duration, Instant};
use peote_net_smoltcp::{CONNECT_TIMEOUT, Connector, Failure, Progress, TransportError};
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{Socket, State};
use smoltcp::wire::IpEndpoint;

use crate::hub::{Faults, Hub};
use crate::machine::{Machine, address, endpoint};

type SmallLink = Link<LinkBuffers<256, 4, 1, 512, 256>>;

/// A device that keeps connected to the far machine, and a link on it.
struct Device {
    machine: Machine,
    socket: SocketHandle,
    connector: Connector,
    link: SmallLink,
    relay: IpEndpoint,
    far: Machine,
    far_socket: SocketHandle,
    /// How polls of the link failed.
    errors: Vec<Error<TransportError>>,
    /// How many events are kept for the next poll, and when each event was seen.
    keep: usize,
    seen: Vec<(Instant, Event<'static>)>,
    /// Local ports of the connections, one after the other.
    ports: Vec<u16>,
    /// What the progress has become, and when.
    history: Vec<(Instant, Progress)>,
}

impl Device {
    fn new(listening: bool) -> Self {
        let hub = Hub::new(Faults::NONE, 1);
        let (mut machine, mut far) = (Machine::new(&hub, 1), Machine::new(&hub, 2));
        let socket = machine.socket(1000, 1000);
        let far_socket = if listening { far.listen(1000, 1000) } else { far.socket(1000, 1000) };
        Self {
            machine,
            socket,
            connector: Connector::new(7),
            link: SmallLink::new(),
            relay: endpoint(2),
            far,
            far_socket,
            errors: Vec::new(),
            keep: 0,
            seen: Vec::new(),
            ports: Vec::new(),
            history: Vec::new(),
        }
    }

    fn now(&self) -> Instant {
        self.machine.hub.now()
    }

    /// One turn of the firmware's loop, as the documentation has it, and its sleep.
    fn turn(&mut self) {
        self.machine.poll();
        let now = self.now();
        let socket = self.machine.sockets.get_mut::<Socket<'_>>(self.socket);
        self.connector.poll(socket, self.machine.interface.context(), self.relay, now);
        if let Some(local) = socket.local_endpoint()
            && self.ports.last() != Some(&local.port)
        {
            self.ports.push(local.port);
        }
        let (keep, seen) = (&mut self.keep, &mut self.seen);
        let driven = self.connector.drive(socket, &mut self.link, now, |event, _| {
            if let Event::LinkLost { unsent } = event {
                seen.push((now, Event::LinkLost { unsent }));
                if *keep > 0 {
                    *keep -= 1;
                    return Flow::Again;
                }
            }
            Flow::Continue
        });
        if let Err(error) = driven {
            self.errors.push(error);
        }
        let deadline = self.connector.next_deadline(socket, &self.link);
        if self.history.last().is_none_or(|(_, progress)| *progress != self.connector.progress()) {
            self.history.push((now, self.connector.progress()));
        }
        self.machine.poll();
        self.far.poll();
        let deadlines = [deadline, self.machine.deadline(), self.far.deadline()];
        self.machine.hub.clone().advance(deadlines);
        self.far.poll();
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        for _ in 0..100_000 {
            if done(self) {
                return;
            }
            self.turn();
        }
        panic!("in vain: {what}; {:?}", self.connector.progress());
    }

    fn connected() -> Self {
        let mut device = Self::new(true);
        device.until("connected", |device| device.progress() == Progress::Connected);
        device
    }

    fn progress(&self) -> Progress {
        self.connector.progress()
    }

    /// How long each attempt took, and each pause, in milliseconds.
    fn lasted(&self, which: fn(&Progress) -> bool) -> Vec<u64> {
        let pairs = self.history.windows(2).filter(|pair| which(&pair[0].1));
        pairs.map(|pair| pair[1].0.saturating_since(pair[0].0).as_millis()).collect()
    }

    fn pauses(&self) -> Vec<u64> {
        self.lasted(|progress| matches!(progress, Progress::Waiting { .. }))
    }

    fn attempts(&self) -> Vec<u64> {
        self.lasted(|progress| *progress == Progress::Connecting)
    }

    fn failure(&self) -> Option<Failure> {
        match self.progress() {
            Progress::Waiting { failure, .. } => failure,
            _ => None,
        }
    }

    fn state(&mut self) -> State {
        self.machine.tcp(self.socket).state()
    }

    fn far(&mut self) -> &mut Socket<'static> {
        self.far.tcp(self.far_socket)
    }

    fn listen(&mut self) {
        self.far().listen(crate::machine::PORT).unwrap();
    }
}

#[test]
fn connects_at_once() {
    let mut device = Device::new(true);
    assert_eq!(device.progress(), Progress::Waiting { until: Instant::ZERO, failure: None });
    device.turn();
    assert_eq!(device.progress(), Progress::Connecting);
    let start = device.now();
    device.until("connected", |device| device.progress() == Progress::Connected);
    assert!(device.now().saturating_since(start).as_millis() < 100);
    assert!(!device.machine.tcp(device.socket).nagle_enabled());
}

#[test]
fn refused_and_then_not() {
    let mut device = Device::new(false);
    device.until("refused", |device| device.failure() == Some(Failure::Refused));
    device.until("refused often", |device| device.pauses().len() == 7);
    for (pause, full) in device.pauses().into_iter().zip([250, 500, 1000, 2000, 4000, 8000, 16_000]) {
        assert!((full / 2..=full + 1).contains(&pause), "{:?}", device.pauses());
    }
    device.listen();
    device.until("connected", |device| device.progress() == Progress::Connected);
    assert_eq!(device.errors, [], "the link has nothing to do with it");
}

#[test]
fn nobody_answers() {
    let mut device = Device::new(true);
    device.far.port.plug(false);
    device.until("given up", |device| device.failure() == Some(Failure::NoAnswer));
    assert_eq!(device.attempts(), [CONNECT_TIMEOUT.as_millis()]);
    device.far.port.plug(true);
    device.until("connected", |device| device.progress() == Progress::Connected);
}

#[test]
fn the_timeout_for_connecting_can_be_set() {
    let mut device = Device::new(true);
    device.connector.set_connect_timeout(Duration::from_millis(300));
    device.far.port.plug(false);
    device.until("given up", |device| device.failure() == Some(Failure::NoAnswer));
    assert_eq!(device.attempts(), [300]);
}

#[test]
fn unaddressable() {
    let mut device = Device::new(true);
    device.relay = IpEndpoint::new(address(2), 0);
    device.turn();
    assert_eq!(device.failure(), Some(Failure::Unaddressable));
    device.relay = endpoint(2);
    device.until("connected", |device| device.progress() == Progress::Connected);

    let mut device = Device::new(true);
    device.machine.interface.update_ip_addrs(|addresses| addresses.truncate(0));
    device.turn();
    assert_eq!(device.failure(), Some(Failure::Unaddressable));
}

#[test]
fn reset() {
    let mut device = Device::connected();
    device.far().abort();
    device.until("noticed", |device| device.failure() == Some(Failure::Broken));
    assert!(
        matches!(device.errors[..], [Error::Transport(TransportError::Receive(_))]),
        "{:?}",
        device.errors
    );
    device.listen();
    device.until("connected", |device| device.progress() == Progress::Connected);
}

#[test]
fn the_relay_closes_and_the_socket_does_not_hang() {
    let mut device = Device::connected();
    device.far().close();
    device.until("noticed", |device| device.failure() == Some(Failure::Closed));
    assert_eq!(device.errors, [Error::Closed]);
    device.until("closed", |device| device.state() == State::Closed);
    // its TIME-WAIT means that our half was closed in order, not reset
    assert_eq!(device.far().state(), State::TimeWait);
    assert_eq!(device.failure(), Some(Failure::Closed), "and all that during the first pause");
}

#[test]
fn a_close_that_nobody_acknowledges_does_not_keep_from_connecting() {
    let mut device = Device::connected();
    device.far().close();
    device.until("half closed", |device| {
        device.machine.poll();
        device.state() == State::CloseWait
    });
    device.far.port.plug(false);
    device.until("noticed", |device| device.failure() == Some(Failure::Closed));
    assert_eq!(device.state(), State::LastAck);
    device.until("connecting", |device| device.progress() == Progress::Connecting);
    assert_eq!(device.state(), State::SynSent);
    assert_ne!(device.ports[0], device.ports[1]);
}

#[test]
fn events_kept_at_the_loss_come_again_without_a_connection() {
    let mut device = Device::connected();
    device.keep = 2;
    device.far().abort();
    device.until("told", |device| device.seen.len() == 3);
    assert_ne!(device.progress(), Progress::Connected);
    assert_eq!(device.history.iter().filter(|(_, progress)| *progress == Progress::Connected).count(), 1);
    device.listen();
    device.until("connected", |device| device.progress() == Progress::Connected);
    assert_eq!((device.seen.len(), device.errors.len()), (3, 1));
}

#[test]
fn a_silent_relay_is_given_up_and_told_so() {
    let mut device = Device::connected();
    device.link.out().enter("a", Mode::Data).unwrap();
    device.until("silent", |device| device.failure() == Some(Failure::GivenUp));
    assert!(matches!(device.errors[..], [Error::Silent { .. }]), "{:?}", device.errors);
    device.turn();
    device.turn();
    assert_eq!(device.far().state(), State::Closed, "a reset has come");
}

#[test]
fn the_socket_s_own_timeout() {
    let mut device = Device::connected();
    device.link.set_silence_limit(None);
    device.machine.tcp(device.socket).set_timeout(Some(smoltcp::time::Duration::from_secs(5)));
    device.link.out().enter("a", Mode::Data).unwrap();
    device.far.port.plug(false);
    device.until("noticed", |device| device.failure() == Some(Failure::Broken));
}

#[test]
fn ports_are_dynamic_ones_and_never_the_last_one() {
    let mut device = Device::new(false);
    device
        .connector
        .set_backoff(Backoff::new().with_delays(Duration::from_millis(1), Duration::from_millis(1)));
    device.until("many", |device| device.ports.len() == 300);
    assert!(device.ports.iter().all(|port| *port >= 49_152));
    assert!(device.ports.windows(2).all(|pair| pair[0] != pair[1]));
    let different: HashSet<u16> = device.ports.iter().copied().collect();
    assert!(different.len() > 280, "{}", different.len());
    let first_of = |seed| {
        let mut other = Device::new(false);
        other.connector = Connector::new(seed);
        other.turn();
        other.ports[0]
    };
    let firsts: HashSet<u16> = (0..100).map(first_of).collect();
    assert!(firsts.len() > 90, "{}", firsts.len());
}

#[test]
fn attempts_can_be_limited_and_begin_anew() {
    let mut device = Device::new(false);
    device.connector.set_backoff(Backoff::new().with_most_attempts(2));
    device.until("ended", |device| device.progress() == Progress::Ended { failure: Failure::Refused });
    assert_eq!(device.ports.len(), 3, "the first, and two more");
    let socket = device.machine.sockets.get_mut::<Socket<'_>>(device.socket);
    assert_eq!(device.connector.next_deadline(socket, &device.link), None);
    for _ in 0..100 {
        device.turn();
    }
    assert_eq!(device.ports.len(), 3);
    device.listen();
    device.connector.retry_now();
    device.until("connected", |device| device.progress() == Progress::Connected);
}

#[test]
fn a_relay_that_hangs_up_at_once_is_not_called_more_and_more() {
    let mut device = Device::new(true);
    let start = device.now();
    device.until("a while", |device| {
        let far = device.far();
        if far.state() == State::Established {
            far.abort();
        } else if far.state() == State::Closed && far.remote_endpoint().is_none() {
            device.listen();
        }
        device.now().saturating_since(start).as_millis() > 60_000
    });
    assert!((5..15).contains(&device.errors.len()), "{} connections in a minute", device.errors.len());
}

#[test]
fn a_long_connection_starts_the_delays_anew() {
    let mut device = Device::new(false);
    let start = device.now();
    device.until("long", |device| device.now().saturating_since(start).as_millis() > 60_000);
    device.listen();
    device.until("connected", |device| device.progress() == Progress::Connected);
    let start = device.now();
    device.until("a minute", |device| device.now().saturating_since(start).as_millis() > 60_000);
    device.far().abort();
    device.until("noticed", |device| device.failure() == Some(Failure::Broken));
    device.until("tried again", |device| device.progress() == Progress::Connecting);
    let (long, short) = (device.pauses()[6], *device.pauses().last().unwrap());
    assert!(long >= 8000 && short <= 251, "{:?}", device.pauses());
}

#[test]
fn a_device_that_was_restarted_gets_its_connection_though_the_relay_still_has_the_old_one() {
    let mut device = Device::connected();
    let port = device.ports[0];
    // the same seed, the same port, and the far end's socket is still established
    device.connector = Connector::new(7);
    let fresh = device.machine.socket(1000, 1000);
    device.machine.sockets.remove(device.socket);
    device.socket = fresh;
    device.ports.clear();
    device.far.listen(1000, 1000);
    device.until("connected", |device| device.progress() == Progress::Connected);
    // smoltcp as a server says nothing to a call from a port that it takes to be connected
    assert_eq!(device.ports[0], port);
    assert_eq!(device.ports.len(), 2);
}

#[test]
fn bytes_left_in_the_socket_keep_from_sleeping() {
    let mut device = Device::connected();
    // more than the link reads at once: keepalives
    let keepalives = [0, 4, 0, 255, 0, 0].repeat(100);
    assert_eq!(device.far().send_slice(&keepalives), Ok(600));
    device.until("there", |device| {
        device.machine.poll();
        device.machine.tcp(device.socket).recv_queue() == 600
    });
    let mut turns = 0;
    while device.machine.tcp(device.socket).recv_queue() > 0 {
        let now = device.now();
        let socket = device.machine.sockets.get_mut::<Socket<'_>>(device.socket);
        assert_eq!(device.connector.next_deadline(socket, &device.link), Some(Instant::ZERO));
        device.connector.drive(socket, &mut device.link, now, |_, _| ()).unwrap();
        turns += 1;
    }
    assert_eq!(turns, 3);
    let socket = device.machine.sockets.get_mut::<Socket<'_>>(device.socket);
    assert_eq!(device.connector.next_deadline(socket, &device.link), device.link.next_deadline());
}
