//! Links through a relay that knows flow control, on a virtual clock: one party is slow, in every
//! way there is, and all others get all their messages as if it were not there. When it wakes up,
//! it gets what was kept.
//!
//! Programs 0 and 1 serve; 2, 3 and 4 are users, of which 2 is in a channel of either server.
//! Each membership carries numbered messages in both directions.

use std::collections::BTreeMap;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use peote_net::link::{
    Channel, Destination, Event, Flow, Link, Mode, Out, OwnChannel, SendError, Source, link_buffers,
};
use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::time::Duration;
use peote_net_simulation::{Conditions, Direction, LineConfig, Network, RelayConfig, Sleep, Step, Transport};

type Memory = link_buffers!(
    chunk: 120, window: 1000, parties: 8, own_channels: 2, transmit: 2048, receive: 1024
);

const MODE: Mode = Mode::chunks(120);
/// Messages of each stream, in all more than windows, queues, rings and lines hold.
const ALL: usize = 200;
/// Channels, by the place of their server.
const SERVERS: [usize; 3] = [0, 0, 1];
/// Memberships: the place of a channel, and of its user.
const MEMBERS: [(usize, usize); 5] = [(0, 2), (0, 3), (1, 4), (2, 2), (2, 4)];

/// Messages of one membership in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stream {
    channel: usize,
    user: usize,
    to_server: bool,
}

impl Stream {
    fn all() -> impl Iterator<Item = Self> {
        MEMBERS
            .into_iter()
            .flat_map(|(channel, user)| [false, true].map(|to_server| Self { channel, user, to_server }))
    }

    fn sender(self) -> usize {
        if self.to_server { self.user } else { SERVERS[self.channel] }
    }

    fn receiver(self) -> usize {
        if self.to_server { SERVERS[self.channel] } else { self.user }
    }

    fn touches(self, program: usize) -> bool {
        self.sender() == program || self.receiver() == program
    }

    fn message(self, number: usize) -> Vec<u8> {
        let small = |number: usize| u8::try_from(number).unwrap();
        let mut bytes = vec![small(self.channel), small(self.user), self.to_server.into(), small(number)];
        bytes.resize(40 + number % 70, small(number));
        bytes
    }

    /// Which message of which stream it is. Panics if it is not one, or one that is torn.
    fn read(bytes: &[u8]) -> (Self, usize) {
        let stream = Self { channel: bytes[0].into(), user: bytes[1].into(), to_server: bytes[2] == 1 };
        let number = bytes[3].into();
        assert_eq!(bytes, stream.message(number), "torn");
        (stream, number)
    }
}

/// A line. With an existing endpoint at its end it keeps quiet about hello.
struct Line {
    transport: Transport,
    is_existing: bool,
    seen: usize,
}

impl ErrorType for Line {
    type Error = ErrorKind;
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        let count = self.transport.read(buffer)?;
        // the last byte of the announcement, the first that a relay says
        if self.is_existing && (self.seen..self.seen + count).contains(&5) {
            let all = Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER);
            buffer[5 - self.seen] = peote_net::protocol::to_endpoint::announcement(all)[5];
        }
        self.seen += count;
        Ok(count)
    }
}

impl ReadReady for Line {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        self.transport.read_ready()
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.transport.write(bytes)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.transport.flush()
    }
}

impl WriteReady for Line {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        self.transport.write_ready()
    }
}

/// Why a program is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slow {
    /// It does not poll.
    Silent,
    /// Its line takes 400 bytes a second.
    Trickles,
    /// Its handler wants each message of a stream again.
    Keeps(Stream),
}

struct Program {
    link: Link<Memory>,
    line: Line,
    is_silent: bool,
    keeps: Option<Stream>,
    /// Where to send messages of a stream, and how many have been sent.
    streams: BTreeMap<Stream, (Destination, usize)>,
    /// How many have come.
    got: BTreeMap<Stream, usize>,
    /// Users that are gone, and channels.
    ends: usize,
}

struct World {
    network: Network,
    programs: Vec<Program>,
    own: [OwnChannel; 3],
    /// How many messages each stream has by now.
    most: usize,
}

impl World {
    /// Everybody has sent and heard one message, and knows the others by it.
    fn new(existing: Option<usize>) -> Self {
        // half of a queue is the window that the relay promises for who has not said hello
        Self::with_queues(existing, 2000)
    }

    fn with_queues(existing: Option<usize>, queue_bytes: usize) -> Self {
        let known = Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER).with(Capabilities::HELLO);
        let config = RelayConfig {
            queue_bytes,
            stall_timeout: Duration::from_secs(20),
            capabilities: known,
            ..RelayConfig::default()
        };
        let mut network = Network::with_relay(7, config);
        let conditions = Conditions { capacity: 2000, ..Conditions::default() };
        let mut programs: Vec<Program> = (0..5)
            .map(|place| {
                let transport = network.connect(LineConfig::both(conditions.clone()));
                let line = Line { transport, is_existing: existing == Some(place), seen: 0 };
                Program {
                    link: Link::new(),
                    line,
                    is_silent: false,
                    keeps: None,
                    streams: BTreeMap::new(),
                    got: BTreeMap::new(),
                    ends: 0,
                }
            })
            .collect();
        let own = [0, 1, 2]
            .map(|channel| programs[SERVERS[channel]].link.out().create(format!("{channel}"), MODE).unwrap());
        let mut world = Self { network, programs, own, most: 1 };
        world.run(Duration::from_millis(50));
        for (channel, user) in MEMBERS {
            let entered = world.programs[user].link.out().enter(format!("{channel}"), MODE).unwrap();
            let stream = Stream { channel, user, to_server: true };
            world.programs[user].streams.insert(stream, (entered.into(), 0));
        }
        world.run(Duration::from_millis(200));
        for stream in Stream::all() {
            assert_eq!(world.got(stream), 1, "{stream:?}");
        }
        world.most = ALL;
        world
    }

    fn got(&self, stream: Stream) -> usize {
        self.programs[stream.receiver()].got.get(&stream).copied().unwrap_or(0)
    }

    /// Lets all programs run for so long. They look around every 5 ms.
    fn run(&mut self, duration: Duration) {
        let end = self.network.now() + duration;
        while self.network.now() < end {
            let now = self.network.now();
            for program in self.programs.iter_mut().filter(|program| !program.is_silent) {
                program.run(now, self.most);
            }
            let next = now + Duration::from_millis(5);
            let _: Step = self.network.step(&[Sleep::until(next)], next).unwrap();
        }
    }

    fn slow(&mut self, place: usize, slow: Slow) {
        match slow {
            Slow::Silent => self.programs[place].is_silent = true,
            Slow::Keeps(stream) => self.programs[place].keeps = Some(stream),
            Slow::Trickles => self.trickle(place, Some(400)),
        }
    }

    fn wake(&mut self, place: usize) {
        self.programs[place].is_silent = false;
        self.programs[place].keeps = None;
        self.trickle(place, None);
    }

    fn trickle(&mut self, place: usize, bandwidth: Option<u64>) {
        let line = self.programs[place].line.transport.line();
        for direction in [Direction::ToLink, Direction::ToRelay] {
            self.network.change(line, direction, |conditions| conditions.bandwidth = bandwidth);
        }
    }

    /// Whether a message of a stream could be sent now.
    fn send(&mut self, stream: Stream) -> Result<(), SendError> {
        let program = &mut self.programs[stream.sender()];
        let (to, sent) = program.streams[&stream];
        program.link.out().send(to, &stream.message(sent % ALL))
    }

    /// Asserts that all streams but the affected ones have arrived, and can go on.
    fn others_are_done(&mut self, is_affected: impl Fn(Stream) -> bool) {
        for stream in Stream::all() {
            let got = self.got(stream);
            if is_affected(stream) {
                assert!(got < ALL, "{stream:?} is not affected at all");
                continue;
            }
            assert_eq!(got, ALL, "{stream:?}");
            let program = &mut self.programs[stream.sender()];
            let to = program.streams[&stream].0;
            assert!(program.link.out().can_send(to, 100), "{stream:?} has to wait");
        }
    }

    fn all_are_done(&self) {
        for stream in Stream::all() {
            assert_eq!(self.got(stream), ALL, "{stream:?}");
        }
        assert!(self.programs.iter().all(|program| program.ends == 0));
    }
}

impl Program {
    fn run(&mut self, now: peote_net::time::Instant, most: usize) {
        let Self { link, line, keeps, streams, got, ends, .. } = self;
        for (stream, (to, sent)) in &mut *streams {
            while *sent < most && link.out().send(*to, &stream.message(*sent)).is_ok() {
                *sent += 1;
            }
        }
        link.poll(line, now, |event, _: &mut Out<'_>| match event {
            Event::Chunk { from, bytes } => {
                let (stream, number) = Stream::read(bytes);
                if *keeps == Some(stream) {
                    return Flow::Again;
                }
                let got = got.entry(stream).or_default();
                assert_eq!(*got, number, "lost or doubled: {stream:?}");
                *got += 1;
                if stream.to_server {
                    streams.entry(Stream { to_server: false, ..stream }).or_insert((from.into(), 0));
                }
                Flow::Continue
            }
            Event::Opened { .. } | Event::UserEntered { .. } => Flow::Continue,
            Event::UserGone { .. } | Event::Closed { channel: Channel::Entered(_), .. } => {
                *ends += 1;
                Flow::Continue
            }
            other => panic!("{other:?}"),
        })
        .unwrap();
    }
}

/// A slow program, which may be an existing endpoint: others are done in 3 s, and it is when it has
/// woken up.
fn story(slow: (usize, Slow), existing: Option<usize>, is_affected: impl Fn(Stream) -> bool) {
    story_in(World::new(existing), slow, is_affected);
}

fn story_in(mut world: World, slow: (usize, Slow), is_affected: impl Fn(Stream) -> bool) {
    world.slow(slow.0, slow.1);
    world.run(Duration::from_secs(3));
    world.others_are_done(&is_affected);
    let is_polled = |stream: &Stream| slow.1 != Slow::Silent || stream.sender() != slow.0;
    for stream in Stream::all().filter(|stream| is_affected(*stream)).filter(is_polled) {
        assert_eq!(world.send(stream), Err(SendError::WouldBlock), "{stream:?}");
    }
    if is_affected(DOWN) && slow.0 != 0 {
        // a broadcast waits for all that it is for
        let (server, channel) = (&mut world.programs[0], world.own[0]);
        let Destination::User(_, user) = server.streams[&DOWN].0 else { panic!("a server sends to users") };
        assert!(!server.link.out().can_send(Destination::All(channel), 100));
        assert!(server.link.out().can_send(Destination::AllBut(channel, user), 100));
    }
    world.wake(slow.0);
    // what is under way on a line that trickles arrives no sooner
    world.run(Duration::from_secs(15));
    world.all_are_done();
}

const UP: Stream = Stream { channel: 0, user: 2, to_server: true };
const DOWN: Stream = Stream { channel: 0, user: 2, to_server: false };

#[test]
fn nobody_is_slow() {
    let mut world = World::new(None);
    world.run(Duration::from_secs(3));
    world.others_are_done(|_| false);
    world.all_are_done();
}

#[test]
fn a_silent_user() {
    story((2, Slow::Silent), None, |stream| stream.touches(2));
}

#[test]
fn a_silent_server() {
    story((0, Slow::Silent), None, |stream| stream.touches(0));
}

#[test]
fn a_user_that_trickles() {
    story((2, Slow::Trickles), None, |stream| stream.touches(2));
}

#[test]
fn a_user_whose_server_keeps_its_event() {
    story((0, Slow::Keeps(UP)), None, |stream| stream == UP);
}

#[test]
fn a_user_that_keeps_an_event() {
    story((2, Slow::Keeps(DOWN)), None, |stream| stream == DOWN);
}

/// It entered before it could say hello, and the relay's window is larger than its slots. Its first
/// command has said so, so what is kept fits, and its other channel goes on.
// §11.5-awaited
#[test]
fn a_user_that_keeps_an_event_before_its_hello() {
    let world = World::with_queues(None, 1 << 17);
    story_in(world, (2, Slow::Keeps(DOWN)), |stream| stream == DOWN);
    // of an existing server, which is read no further
    let down = Stream { channel: 2, user: 2, to_server: false };
    let world = World::with_queues(Some(1), 1 << 17);
    story_in(world, (2, Slow::Keeps(down)), |stream| stream.sender() == 1);
}

#[test]
fn a_silent_existing_user() {
    story((2, Slow::Silent), Some(2), |stream| stream.touches(2));
}

#[test]
fn a_silent_existing_server() {
    story((0, Slow::Silent), Some(0), |stream| stream.touches(0));
}

#[test]
fn an_existing_user_that_trickles() {
    story((2, Slow::Trickles), Some(2), |stream| stream.touches(2));
}

/// The relay counts for it, and reads it no further; it pays for itself.
#[test]
fn an_existing_user_whose_server_keeps_its_event() {
    story((0, Slow::Keeps(UP)), Some(2), |stream| stream.sender() == 2);
}

/// It has one line for all that comes.
#[test]
fn an_existing_user_that_keeps_an_event() {
    story((2, Slow::Keeps(DOWN)), Some(2), |stream| stream.receiver() == 2);
}

/// The relay counts for the server, and reads it no further; its other users are heard.
#[test]
fn a_silent_user_of_an_existing_server() {
    story((2, Slow::Silent), Some(1), |stream| stream.touches(2) || stream.sender() == 1);
}

/// A membership ends whose window stays used up; an existing endpoint keeps its connection.
#[test]
fn a_server_that_keeps_for_ever_loses_an_existing_user_and_nobody_else() {
    let mut world = World::new(Some(2));
    world.slow(0, Slow::Keeps(UP));
    world.run(Duration::from_secs(30));
    for stream in Stream::all().filter(|stream| (stream.channel, stream.user) != (0, 2)) {
        assert_eq!(world.got(stream), ALL, "{stream:?}");
    }
    assert_eq!(world.programs[2].ends, 1);
    world.wake(0);
    world.run(Duration::from_secs(1));
    assert_eq!(world.programs[0].ends, 1);
}

/// Who is owed an answer and takes nothing is given up.
#[test]
fn an_existing_user_that_is_silent_for_ever_is_given_up() {
    let mut world = World::new(Some(2));
    world.slow(2, Slow::Silent);
    world.run(Duration::from_secs(30));
    for stream in Stream::all().filter(|stream| !stream.touches(2)) {
        assert_eq!(world.got(stream), ALL, "{stream:?}");
    }
    assert_eq!([0, 1, 3, 4].map(|place| world.programs[place].ends), [1, 1, 0, 0]);
}

/// One that takes part owes nothing, however long it is silent.
#[test]
fn a_user_that_takes_part_may_be_silent_for_long() {
    let mut world = World::new(None);
    world.slow(2, Slow::Silent);
    world.run(Duration::from_secs(60));
    world.others_are_done(|stream| stream.touches(2));
    world.wake(2);
    world.run(Duration::from_secs(5));
    world.all_are_done();
}

/// Broadcasts of what is worth little when it is late.
#[test]
fn broadcasts_to_those_that_are_ready_leave_out_who_is_not() {
    let mut world = World::new(None);
    world.run(Duration::from_secs(3));
    world.all_are_done();
    let channel = world.own[0];
    let mut heard: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    let mut left_out = Vec::new();
    for number in 0..100u8 {
        let is_silent = (10..70).contains(&number);
        left_out.push(world.programs[0].link.out().send_to_ready(channel, &[number; 90]).unwrap());
        for _ in 0..4 {
            let now = world.network.now();
            for (place, program) in world.programs.iter_mut().enumerate() {
                if place == 2 && is_silent {
                    continue;
                }
                let handler = |event: Event<'_>, _: &mut Out<'_>| {
                    let Event::Chunk { from: Source::Server { .. }, bytes } = event else {
                        panic!("{event:?}")
                    };
                    assert_eq!(bytes, [bytes[0]; 90], "torn");
                    heard.entry(place).or_default().push(bytes[0]);
                };
                program.link.poll(&mut program.line, now, handler).unwrap();
            }
            let next = now + Duration::from_millis(5);
            let _: Step = world.network.step(&[Sleep::until(next)], next).unwrap();
        }
    }
    assert_eq!(heard[&3], (0..100).collect::<Vec<u8>>());
    let to_slow = &heard[&2];
    assert!(to_slow.is_sorted_by(|earlier, later| earlier < later), "{to_slow:?}");
    assert_eq!(to_slow.len(), left_out.iter().filter(|&&count| count == 0).count());
    assert!(left_out[..10].iter().chain(&left_out[75..]).all(|&count| count == 0), "{left_out:?}");
    assert!(left_out[30..70].iter().all(|&count| count == 1), "{left_out:?}");
    assert!(to_slow.ends_with(&(75..100).collect::<Vec<u8>>()), "{to_slow:?}");
}
