//! Links over smoltcp: a channel, its server and a user, on a bad line.

use peote_net::link::{Channel, EnteredChannel, Event, Mode, SendError, Source};
use peote_net::reconnect::{Backoff, ChannelState, Reconnect};
use peote_net::time::Instant;
use peote_net_smoltcp::{Progress, RelayAddress};
use peote_net_testkit::random::Random;

use crate::device::{Device, fixed};
use crate::hub::{Faults, Hub};
use crate::machine::{Machine, endpoint};
use crate::relay::RelayMachine;

const CHUNKS: u32 = 1000;
const MODE: Mode = Mode::chunks(2048);

/// The chunk of this number: its length and its bytes follow from it.
fn chunk(number: u32) -> Vec<u8> {
    let mut random = Random::new(u64::from(number));
    let length = 1 + if number.is_multiple_of(50) { 2047 } else { random.below(200) };
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    bytes
}

struct Exchange {
    hub: Hub,
    relay: RelayMachine,
    server: Device,
    user: Device,
    /// What the user has entered, and has still to send.
    channel: Option<EnteredChannel>,
    sent: u32,
    /// Chunks that each side has heard in order.
    server_heard: u32,
    user_heard: u32,
}

impl Exchange {
    fn new(faults: Faults, seed: u64) -> Self {
        let hub = Hub::new(faults, seed);
        let relay = RelayAddress::Endpoint(endpoint(3));
        Self {
            relay: RelayMachine::new(Machine::new(&hub, 3)),
            server: Device::new(&hub, 1, fixed(1), relay),
            user: Device::new(&hub, 2, fixed(2), relay),
            hub,
            channel: None,
            sent: 0,
            server_heard: 0,
            user_heard: 0,
        }
    }

    /// The server sends each chunk back.
    fn turn_of_server(&mut self) -> Option<Instant> {
        let heard = &mut self.server_heard;
        self.server.turn(|event, out| match event {
            Event::Chunk { from, bytes } => {
                out.send(from, bytes)?;
                assert!(bytes == chunk(*heard), "chunk {heard} of the user");
                *heard += 1;
                Ok::<(), SendError>(())
            }
            Event::Malicious { .. } => panic!("{event:?}"),
            _ => Ok(()),
        })
    }

    fn turn_of_user(&mut self) -> Option<Instant> {
        let (heard, channel) = (&mut self.user_heard, &mut self.channel);
        self.user.turn(|event, _| match event {
            Event::Opened { channel: Channel::Entered(entered) } => *channel = Some(entered),
            Event::Chunk { from, bytes } => {
                assert_eq!(Some(from), channel.map(|channel| Source::Server { channel }));
                assert!(bytes == chunk(*heard), "chunk {heard} of the server");
                *heard += 1;
            }
            Event::Malicious { .. } => panic!("{event:?}"),
            _ => {}
        });
        if let Some(channel) = self.channel {
            while self.sent < CHUNKS && self.user.link.out().send(channel, &chunk(self.sent)).is_ok() {
                self.sent += 1;
            }
        }
        self.user.stack.next_deadline(&self.user.link, self.hub.now())
    }

    fn step(&mut self) {
        self.relay.poll();
        let deadlines = [self.turn_of_server(), self.turn_of_user(), self.relay.deadline()];
        self.hub.advance(deadlines);
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        for _ in 0..1_000_000 {
            if done(self) {
                return;
            }
            self.step();
        }
        panic!("in vain: {what}; {} and {} heard", self.server_heard, self.user_heard);
    }

    fn run(&mut self) {
        self.server.link.out().create("c", MODE).unwrap();
        self.until("created", |exchange| {
            exchange.server.link.out().free() == 4096 && exchange.relay.connections() == 2
        });
        self.until("a while", |exchange| exchange.hub.now().as_millis() > 10_000);
        self.user.link.out().enter("c", MODE).unwrap();
        self.until("everything", |exchange| exchange.user_heard == CHUNKS);
        assert_eq!(self.server_heard, CHUNKS);
        assert_eq!((self.server.errors.len(), self.user.errors.len()), (0, 0));
    }
}

#[test]
fn a_thousand_chunks_there_and_back() {
    Exchange::new(Faults::NONE, 1).run();
}

#[test]
fn a_thousand_chunks_there_and_back_with_frames_lost_doubled_and_reordered() {
    for seed in 0..3 {
        let mut exchange = Exchange::new(Faults::BAD, seed);
        exchange.run();
        assert!(exchange.hub.frames() > 2000, "{}", exchange.hub.frames());
    }
}

#[test]
fn the_relay_is_restarted_and_all_channels_come_back() {
    let mut exchange = Exchange::new(Faults::NONE, 1);
    exchange.run();
    exchange.relay.set_down(true);
    exchange
        .until("noticed", |exchange| exchange.server.errors.len() == 1 && exchange.user.errors.len() == 1);
    exchange.relay.set_down(false);
    (exchange.channel, exchange.sent, exchange.server_heard, exchange.user_heard) = (None, 0, 0, 0);
    exchange.server.errors.clear();
    exchange.user.errors.clear();
    // as new, and what is queued before there is a connection waits for it
    exchange.run();
}

/// The firmware's turn with a list of channels, as the README has it.
fn turn_with_channels(
    device: &mut Device,
    channels: &mut Reconnect<&str, 1>,
    now: Instant,
) -> Option<Instant> {
    if channels.start_attempt(now) {
        device.stack.connector().retry_now();
    }
    let _ = device.turn(|event, out| {
        let Some(event) = channels.follow(event, now) else { return Ok(()) };
        match event {
            Event::Chunk { from, bytes } => out.send(from, bytes),
            _ => Ok(()),
        }
    });
    match device.stack.progress() {
        Progress::Connected => channels.connected(),
        Progress::Ended { .. } => channels.failed(now),
        _ => {}
    }
    while let Some(_notice) = channels.restore(&mut device.link.out(), now) {}
    let deadline = device.stack.next_deadline(&device.link, now);
    deadline.into_iter().chain(channels.next_deadline()).min()
}

#[test]
fn a_list_of_channels_decides_when_to_connect_and_brings_them_back() {
    let hub = Hub::new(Faults::NONE, 1);
    let mut relay = RelayMachine::new(Machine::new(&hub, 3));
    let mut device = Device::new(&hub, 1, fixed(1), RelayAddress::Endpoint(endpoint(3)));
    device.stack.connector().set_backoff(Backoff::new().with_most_attempts(0));
    let mut channels = Reconnect::<&str, 1>::new(Backoff::new().with_seed(1));
    let echo = channels.create(&mut device.link.out(), "echo", MODE).unwrap();
    let mut turns = 0;
    for round in 0..3 {
        let start = hub.now();
        // down for 20 s, then up for longer than the longest delay between two attempts
        relay.set_down(true);
        while hub.now().saturating_since(start).as_millis() < 55_000 {
            relay.set_down(hub.now().saturating_since(start).as_millis() < 20_000);
            relay.poll();
            let deadline = turn_with_channels(&mut device, &mut channels, hub.now());
            hub.advance([deadline, relay.deadline()]);
            turns += 1;
        }
        assert_eq!(relay.connections(), 1, "round {round}");
        assert_eq!(channels.state(echo), Some(ChannelState::Open), "round {round}");
    }
    assert_eq!(device.errors.len(), 2);
    assert!(turns < 2000, "{turns} turns in three minutes");
}
