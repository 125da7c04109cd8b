//! Windows of every size that matters against chunks of every length that matters, through a relay
//! on a virtual clock and on one link: whatever is sent arrives, and no sender waits for ever.

mod coming_back;

use std::collections::VecDeque;

use peote_net::link::{Channel, Destination, Event, Link, Mode, Out, SendError, Source};
use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::time::{Duration, Instant};
use peote_net_simulation::{Conditions, LineConfig, Network, Random, RelayConfig, Sleep, Step, Transport};
use peote_net_std::{HeapBuffers, Sizes};

/// Chunks of each of the three streams.
const CHUNKS: usize = 60;
/// A chunk takes no longer than that, in milliseconds: a few ways over the line.
const PATIENCE: u64 = 1_000;

fn link(window: usize, chunk: usize, local: bool) -> Link<HeapBuffers> {
    let buffers = HeapBuffers::new(Sizes {
        chunk_size: chunk,
        window,
        parties: 4,
        own_channels: 1,
        transmit: 200_000,
        receive: 4_096,
        local_users: usize::from(local) * 2,
        // a record has a head
        local_line: window + 64,
    });
    Link::with_buffers(buffers.unwrap())
}

/// Lengths around all borders, in an order of their own.
fn lengths(random: &mut Random, window: usize, chunk: usize) -> VecDeque<usize> {
    let borders = [1, window / 2 - 1, window / 2, window / 2 + 1, window - 4, window - 3, window - 2];
    let borders = [&borders[..], &[window - 1, window, chunk, chunk - 1]].concat();
    (0..CHUNKS).map(|_| (*random.choose(&borders)).clamp(1, chunk)).collect()
}

/// A stream of chunks: what is still to be sent, what is under way, and since when it waits.
struct Stream {
    left: VecDeque<usize>,
    under_way: VecDeque<usize>,
    since: u64,
    by: u8,
}

impl Stream {
    fn new(random: &mut Random, window: usize, chunk: usize, by: u8) -> Self {
        Self { left: lengths(random, window, chunk), under_way: VecDeque::new(), since: 0, by }
    }

    fn send(&mut self, out: &mut Out<'_>, to: impl Into<Destination>, now: Instant) {
        let to = to.into();
        while let Some(&len) = self.left.front() {
            match out.send(to, &vec![self.by; len]) {
                Ok(()) => {
                    self.under_way.extend(self.left.pop_front());
                    self.since = now.as_millis();
                }
                Err(SendError::WouldBlock) => break,
                Err(error) => panic!("{len}: {error}"),
            }
        }
        let waits = now.as_millis() - self.since;
        assert!(self.left.is_empty() || waits < PATIENCE, "{:?} waits for ever: {to:?}", self.left);
    }

    fn came(&mut self, bytes: &[u8]) {
        assert_eq!(self.under_way.pop_front(), Some(bytes.len()), "lost, doubled or torn");
        assert!(bytes.iter().all(|byte| *byte == self.by));
    }

    fn is_over(&self) -> bool {
        self.left.is_empty() && self.under_way.is_empty()
    }
}

/// To one user, to the server, and to all.
struct Streams {
    down: Stream,
    up: Stream,
    all: Stream,
}

impl Streams {
    fn new(random: &mut Random, server: usize, user: usize, chunk: usize) -> Self {
        let mut stream = |window, by| Stream::new(random, window, chunk, by);
        Self { down: stream(user, 1), up: stream(server, 2), all: stream(user, 3) }
    }

    fn is_over(&self) -> bool {
        self.down.is_over() && self.up.is_over() && self.all.is_over()
    }

    fn came(&mut self, from: Source, bytes: &[u8]) {
        match (from, bytes[0]) {
            (Source::User { .. }, _) => self.up.came(bytes),
            (_, 3) => self.all.came(bytes),
            _ => self.down.came(bytes),
        }
    }
}

const WINDOWS: [usize; 7] = [300, 999, 1024, 1025, 2048, 32_768, 65_536];

fn conditions() -> Conditions {
    Conditions { delay: Duration::from_millis(7), capacity: 3_000, ..Conditions::default() }
}

fn network_without_lines(seed: u64) -> Network {
    let capabilities = Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER).with(Capabilities::HELLO);
    Network::with_relay(seed, RelayConfig { queue_bytes: 1 << 18, capabilities, ..RelayConfig::default() })
}

fn network(seed: u64) -> (Network, [Transport; 2]) {
    let mut network = network_without_lines(seed);
    let lines = [0, 1].map(|_| network.connect(LineConfig::both(conditions())));
    (network, lines)
}

fn through_a_relay(server_window: usize, user_window: usize) {
    let chunk = server_window.min(user_window);
    let mut random = Random::new((server_window + user_window) as u64);
    let (mut network, [mut server_line, mut user_line]) = network(random.next());
    let (mut server, mut user) = (link(server_window, chunk, false), link(user_window, chunk, false));
    let mode = Mode::chunks(u32::try_from(chunk).unwrap());
    let channel = server.out().create("c", mode).unwrap();
    let mut streams = Streams::new(&mut random, server_window, user_window, chunk);
    let (mut entered, mut member) = (None, None);
    while !streams.is_over() {
        let now = network.now();
        if now.as_millis() == 100 {
            user.out().enter("c", mode).unwrap();
        }
        let mut came = Vec::new();
        server
            .poll(&mut server_line, now, |event, _| match event {
                Event::UserEntered { user, .. } => member = Some(user),
                Event::Chunk { from, bytes } => came.push((from, bytes.to_vec())),
                Event::Opened { .. } => {}
                other => panic!("{other:?}"),
            })
            .unwrap();
        user.poll(&mut user_line, now, |event, _| match event {
            Event::Opened { channel: Channel::Entered(channel) } => entered = Some(channel),
            Event::Chunk { from, bytes } => came.push((from, bytes.to_vec())),
            other => panic!("{other:?}"),
        })
        .unwrap();
        came.iter().for_each(|(from, bytes)| streams.came(*from, bytes));
        let both = [&mut streams.down, &mut streams.up, &mut streams.all];
        if entered.is_none() || member.is_none() {
            both.into_iter().for_each(|stream| stream.since = now.as_millis());
        } else if let (Some(entered), Some(member)) = (entered, member) {
            streams.down.send(&mut server.out(), (channel, member), now);
            streams.up.send(&mut user.out(), entered, now);
            // behind what is for the one, which it would keep from ever having room
            if streams.down.left.is_empty() {
                streams.all.send(&mut server.out(), Destination::All(channel), now);
            } else {
                streams.all.since = now.as_millis();
            }
        }
        let next = now + Duration::from_millis(1);
        let _: Step = network.step(&[Sleep::until(next)], next).unwrap();
    }
}

/// A link whose windows are smaller than what the relay promises for who has not said hello, and
/// chunks that need nearly all of it.
// §11.6-asked, §11.5-awaited
#[test]
fn chunks_of_nearly_a_window_go_through_a_relay() {
    for server in WINDOWS {
        for user in WINDOWS {
            through_a_relay(server, user);
        }
    }
}

#[test]
fn chunks_of_nearly_a_window_go_to_users_on_the_same_link() {
    for window in WINDOWS {
        let mut random = Random::new(window as u64);
        let mut link = link(window, window - 16, true);
        let mode = Mode::chunks(u32::try_from(window - 16).unwrap());
        let mut offline = peote_net::offline::Offline::new();
        let channel = link.out().create("c", mode).unwrap();
        link.out().enter("c", mode).unwrap();
        let mut streams = Streams::new(&mut random, window, window, window - 16);
        let (mut entered, mut member) = (None, None);
        for millis in 0..100_000 {
            let now = Instant::from_millis(millis);
            link.poll(&mut offline, now, |event, _| match event {
                Event::UserEntered { user, .. } => member = Some(user),
                Event::Opened { channel: Channel::Entered(channel) } => entered = Some(channel),
                Event::Opened { .. } => {}
                Event::Chunk { from, bytes } => streams.came(from, bytes),
                other => panic!("{other:?}"),
            })
            .unwrap();
            if let (Some(entered), Some(member)) = (entered, member) {
                streams.down.send(&mut link.out(), (channel, member), now);
                streams.up.send(&mut link.out(), entered, now);
                streams.all.since = millis;
                if streams.down.left.is_empty() {
                    streams.all.send(&mut link.out(), Destination::All(channel), now);
                }
            }
            if streams.is_over() {
                break;
            }
        }
        assert!(streams.is_over(), "{window}");
    }
}
