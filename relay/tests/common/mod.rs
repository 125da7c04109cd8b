//! A relay in a thread, and endpoints that talk to it.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test uses a part of it")]

#[cfg(feature = "tls")]
pub mod sealed;
#[cfg(feature = "tls")]
pub mod tls;
pub mod websocket;

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use peote_net::protocol::to_endpoint::{Decoder, Unit};
use peote_net::protocol::to_relay;
use peote_relay::{Config, Handle, Relay, Stats};

/// After this long a test has failed. Nothing waits for it otherwise, so it is long enough for a
/// machine that is busy with something else.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// What the relay says first: it can remove and block users.
pub const ANNOUNCEMENT: [u8; 6] = [0, 4, 0, 255, 0x50, 7];

/// The default configuration on a free port, without the limits that tests would run into, also on
/// busy machines: receivers are given up late, and there are few keepalives among what a test waits
/// for, unless it is about those.
pub fn config() -> Config {
    Config {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        max_connections_per_address: 0,
        max_connections_per_network: 0,
        connections_per_second_per_address: 0,
        max_channels_per_address: 0,
        max_channels_per_network: 0,
        max_users_per_channel_per_address: 0,
        max_users_per_channel_per_network: 0,
        tls_handshakes_per_second_per_network: 0,
        tokens_per_second_per_network: 0,
        commands_per_second: 0,
        messages_per_second: 0,
        bytes_per_second: 0,
        stall_timeout: 2 * PATIENCE,
        keepalive_interval: Duration::from_secs(60),
        ..Config::default()
    }
}

/// Something to be done by the relay's thread.
type Task = Box<dyn FnOnce(&mut Relay) + Send>;

/// A relay that runs in a thread of its own until it is dropped.
pub struct Running {
    pub address: SocketAddr,
    /// All addresses, in the order of the configuration.
    pub addresses: Vec<SocketAddr>,
    handle: Handle,
    /// How often the relay has woken up.
    pub turns: Arc<AtomicU64>,
    ask: mpsc::Sender<Task>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

pub fn start(config: Config) -> Running {
    let mut relay = Relay::bind(config).unwrap();
    let (addresses, handle) = (relay.local_addrs(), relay.handle());
    let address = addresses[0];
    let (ask, asked) = mpsc::channel::<Task>();
    let turns = Arc::new(AtomicU64::new(0));
    let thread = std::thread::spawn({
        let turns = Arc::clone(&turns);
        let handle = handle.clone();
        move || {
            while !handle.is_stopping() {
                relay.turn(None)?;
                turns.fetch_add(1, Ordering::Relaxed);
                asked.try_iter().for_each(|task| task(&mut relay));
            }
            relay.shutdown()?;
            // after the storm everything is as at the start
            match relay.leftovers() {
                left if left.is_empty() => Ok(()),
                left => Err(io::Error::other(format!("left over from those who are gone: {left:?}"))),
            }
        }
    });
    Running { address, addresses, handle, turns, ask, thread: Some(thread) }
}

/// While it is there, a relay stands still.
pub struct Standstill(#[expect(dead_code, reason = "it is dropped")] mpsc::Sender<()>);

impl Running {
    /// Has the relay's thread do something, between two turns.
    pub fn with<T: Send + 'static>(&self, task: impl FnOnce(&mut Relay) -> T + Send + 'static) -> T {
        let (answer, answered) = mpsc::channel();
        let task = move |relay: &mut Relay| {
            let _ = answer.send(task(relay));
        };
        self.ask.send(Box::new(task)).unwrap();
        self.handle.wake();
        answered.recv_timeout(PATIENCE).expect("the relay is dead")
    }

    /// Has the relay stand still, as a process that is stopped, until what is returned is dropped.
    pub fn stand_still(&self) -> Standstill {
        let (go_on, goes_on) = mpsc::channel::<()>();
        let (stand, stands) = mpsc::channel();
        self.ask
            .send(Box::new(move |_| {
                stand.send(()).unwrap();
                let _ = goes_on.recv();
            }))
            .unwrap();
        self.handle.wake();
        stands.recv_timeout(PATIENCE).expect("the relay is dead");
        Standstill(go_on)
    }

    pub fn stats(&self) -> Stats {
        self.with(|relay| relay.stats())
    }

    /// Waits until the relay's figures are as they should be.
    #[track_caller]
    pub fn until(&self, what: impl Fn(&Stats) -> bool) -> Stats {
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            let stats = self.stats();
            if what(&stats) {
                return stats;
            }
            assert!(std::time::Instant::now() < end, "it does not come about: {stats:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn connect(&self) -> Endpoint {
        Endpoint::new(TcpStream::connect(self.address).unwrap())
    }

    /// A connection whose system buffers little, so that it shows soon when it is not read.
    pub fn connect_small(&self) -> Endpoint {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        socket.connect(&self.address.into()).unwrap();
        Endpoint::new(socket.into())
    }

    /// A server of a channel of that name, and a user of it.
    pub fn pair(&self, name: &[u8]) -> (Endpoint, Endpoint) {
        let (mut server, mut user) = (self.connect(), self.connect());
        open(name, &mut server, &mut user);
        (server, user)
    }

    pub fn ask_to_stop(&self) {
        self.handle.stop();
    }

    pub fn stop(mut self) -> io::Result<()> {
        self.handle.stop();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            let result = thread.join();
            if !std::thread::panicking() {
                result.unwrap().unwrap();
            }
        }
    }
}

/// What an endpoint receives.
#[derive(PartialEq, Eq)]
pub enum Got {
    /// A whole answer or event, without its two bytes of head.
    Control(Vec<u8>),
    /// Data: own channel or entered one, channel, user, bytes.
    Data(bool, u8, u8, Vec<u8>),
}

impl fmt::Debug for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control(bytes) => write!(f, "answer or event {bytes:?}"),
            Self::Data(own, channel, user, bytes) => {
                write!(f, "{} bytes of data, own {own}, channel {channel}, user {user}", bytes.len())
            }
        }
    }
}

/// A blocking socket.
pub struct Endpoint<S = TcpStream> {
    pub socket: S,
    received: Vec<u8>,
    /// What of it is dealt with.
    used: usize,
    decoder: Decoder,
    /// It has been told what the relay can do, which comes before anything else.
    announced: bool,
}

impl Endpoint {
    pub fn new(socket: TcpStream) -> Self {
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self::over(socket)
    }
}

impl<S: Read + Write> Endpoint<S> {
    /// One over a stream that is connected.
    pub fn over(socket: S) -> Self {
        Self { socket, received: Vec::new(), used: 0, decoder: Decoder::new(), announced: false }
    }

    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    /// A command with tag 1, and the answer's number.
    #[track_caller]
    pub fn create(&mut self, name: &[u8]) -> u8 {
        self.command(0, name)
    }

    #[track_caller]
    pub fn enter(&mut self, name: &[u8]) -> u8 {
        self.command(1, name)
    }

    #[track_caller]
    fn command(&mut self, command: u8, name: &[u8]) -> u8 {
        self.send(&[&[0, command, 1, u8::try_from(name.len()).unwrap()], name].concat());
        match *self.control() {
            [1, 0, number] => number,
            ref other => panic!("not the answer: {other:?}"),
        }
    }

    /// The next answer or event.
    #[track_caller]
    pub fn control(&mut self) -> Vec<u8> {
        match self.next() {
            Some(Got::Control(bytes)) => bytes,
            other => panic!("neither answer nor event: {other:?}"),
        }
    }

    /// Exactly so many bytes of data in that channel, in however many pieces.
    #[track_caller]
    pub fn data(&mut self, own: bool, channel: u8, user: u8, len: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < len {
            match self.next() {
                Some(Got::Data(o, c, u, bytes)) if (o, c, u) == (own, channel, user) => all.extend(bytes),
                Some(Got::Control(bytes)) if bytes.starts_with(&[0, 255]) => {}
                other => panic!("not the data that was expected: {other:?}"),
            }
        }
        assert_eq!(all.len(), len);
        all
    }

    /// The next unit; `None` at the end of the connection.
    #[track_caller]
    pub fn next(&mut self) -> Option<Got> {
        loop {
            let before = self.decoder;
            if let Some((used, unit)) = self.decoder.decode(&self.received[self.used..]) {
                let got = match unit {
                    Unit::FromServer { channel, payload } if payload.is_whole() => {
                        Got::Data(false, channel, 0, payload.bytes().to_vec())
                    }
                    Unit::FromUser { channel, user, payload } if payload.is_whole() => {
                        Got::Data(true, channel, user, payload.bytes().to_vec())
                    }
                    // in pieces so far
                    Unit::FromServer { payload, .. }
                    | Unit::FromUser { payload, .. }
                    | Unit::Hello { items: payload }
                    | Unit::Refused { words: payload, .. }
                    | Unit::Knock { words: payload, .. }
                        if !payload.is_whole() =>
                    {
                        self.decoder = before;
                        if self.read() { continue } else { return None }
                    }
                    _ => Got::Control(self.received[self.used + 2..self.used + used].to_vec()),
                };
                self.used += used;
                if !std::mem::replace(&mut self.announced, true) {
                    assert_eq!(got, Got::Control(ANNOUNCEMENT[2..].to_vec()), "before anything else");
                    continue;
                }
                return Some(got);
            }
            self.decoder = before;
            if !self.read() {
                return None;
            }
        }
    }

    fn read(&mut self) -> bool {
        let mut buffer = [0; 65536];
        match self.socket.read(&mut buffer) {
            Ok(0) => false,
            Ok(len) => {
                self.received.drain(..std::mem::take(&mut self.used));
                self.received.extend(&buffer[..len]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing came: {error}"),
        }
    }

    /// The relay has closed this connection.
    #[track_caller]
    pub fn is_closed(&mut self) {
        while let Some(got) = self.next() {
            assert!(matches!(got, Got::Control(_)), "{got:?}");
        }
    }
}

/// `bytes` as data for the server of an entered channel.
pub fn to_server(channel: u8, bytes: &[u8]) -> Vec<u8> {
    framed(bytes, |len| to_relay::data_from_user(channel, len))
}

/// `bytes` as data for a user of an own channel.
pub fn to_user(channel: u8, user: u8, bytes: &[u8]) -> Vec<u8> {
    framed(bytes, |len| to_relay::data_from_server(channel, user, len))
}

/// `bytes` as data for all users of an own channel.
pub fn to_all(channel: u8, bytes: &[u8]) -> Vec<u8> {
    framed(bytes, |len| to_relay::broadcast(channel, None, len))
}

fn framed(bytes: &[u8], header: impl Fn(usize) -> peote_net::protocol::Header) -> Vec<u8> {
    let mut framed = Vec::new();
    for piece in bytes.chunks(peote_net::protocol::MAX_UNIT_PAYLOAD) {
        framed.extend(header(piece.len()).as_bytes());
        framed.extend(piece);
    }
    framed
}

/// Bytes that show when one is missing or in the wrong place.
pub fn pattern(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// A channel of that name for both.
#[track_caller]
pub fn open<S: Read + Write, U: Read + Write>(name: &[u8], server: &mut Endpoint<S>, user: &mut Endpoint<U>) {
    server.create(name);
    user.enter(name);
    server.control();
}

/// Server and user of a channel talk, one after the other; both sides are as they should be.
#[track_caller]
pub fn talk<S: Read + Write, U: Read + Write>(server: &mut Endpoint<S>, user: &mut Endpoint<U>) {
    for len in [1, 16, 300, 40_000] {
        let bytes = pattern(len, 7);
        user.send(&to_server(0, &bytes));
        assert!(server.data(true, 0, 0, len) == bytes);
        server.send(&to_user(0, 0, &bytes));
        assert!(user.data(false, 0, 0, len) == bytes);
        server.send(&to_all(0, &bytes));
        assert!(user.data(false, 0, 0, len) == bytes);
    }
}
