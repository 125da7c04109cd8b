//! What hostile endpoints do to a relay that runs as a program: others go on talking, every byte of
//! theirs arrives, and memory keeps to its bound.
#![cfg(target_os = "linux")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use common::websocket::{BINARY, PING, REQUEST, frame};
use common::{Endpoint, PATIENCE, open, pattern, talk, to_all, to_server};

/// `--memory-bytes`.
const MEMORY: usize = 16 << 20;

/// Memory of the process that is not counted: tables, what the system's allocator keeps, the
/// program itself as far as it is loaded later.
const SLACK: usize = 32 << 20;

/// Bytes that each connection may always have, whatever others take.
const RESERVED: usize = 20 << 10;

/// Memory of a connection beside its queue, generously.
const PER_CONNECTION: usize = 8 << 10;

/// A relay, and a server and a user that talk all the time.
struct Attacked {
    child: Child,
    address: SocketAddr,
    before: usize,
    rounds: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    bystanders: Option<JoinHandle<()>>,
}

impl Attacked {
    /// Limits of addresses are off, because all attackers have the same one; everything else is as
    /// by default, but for the memory.
    fn start(options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_peote-relay"))
            .args(["--listen", "127.0.0.1:0", "--memory-bytes", "16MiB", "--log-level", "error"])
            .args(["--metrics", "true"])
            .args(["--max-connections-per-address", "0", "--max-connections-per-network", "0"])
            .args(["--connections-per-second-per-address", "0"])
            .args(["--max-channels-per-address", "0", "--max-channels-per-network", "0"])
            .args(["--max-users-per-channel-per-address", "0", "--max-users-per-channel-per-network", "0"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().parse().unwrap();
        let (rounds, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let mut relay = Self { child, address, before: 0, rounds, stop, bystanders: None };
        let (mut server, mut user) = (relay.endpoint(), relay.endpoint());
        open(b"bystanders", &mut server, &mut user);
        let (rounds, stop) = (Arc::clone(&relay.rounds), Arc::clone(&relay.stop));
        relay.bystanders = Some(std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                talk(&mut server, &mut user);
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        }));
        relay.goes_on();
        relay.before = relay.memory();
        relay
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::new(TcpStream::connect(self.address).unwrap())
    }

    /// A socket of an attacker, who does not wait for ever.
    fn socket(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
        socket
    }

    /// One for which the system keeps little of what is not read.
    fn small_socket(&self) -> TcpStream {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&self.address.into()).unwrap();
        socket.into()
    }

    /// The bystanders have said a few things more, all of which arrived.
    #[track_caller]
    fn goes_on(&self) {
        let (before, end) = (self.rounds.load(Ordering::Relaxed), Instant::now() + PATIENCE);
        while self.rounds.load(Ordering::Relaxed) < before + 3 {
            assert!(Instant::now() < end, "the bystanders are kept from talking");
            let is_over = self.bystanders.as_ref().is_some_and(JoinHandle::is_finished);
            assert!(!is_over, "a bystander was disturbed");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Resident bytes of the process.
    fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    /// One of the relay's own figures.
    #[track_caller]
    fn figure(&self, name: &str) -> usize {
        let mut socket = self.endpoint().socket;
        socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut page = String::new();
        socket.read_to_string(&mut page).unwrap();
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("peote_relay_{name} ")));
        line.unwrap_or_else(|| panic!("{name} is not in {page}")).parse().unwrap()
    }

    /// Waits until a figure is as it should be.
    #[track_caller]
    fn until(&self, name: &str, what: impl Fn(usize) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let figure = self.figure(name);
            if what(figure) {
                return;
            }
            assert!(Instant::now() < end, "{name} is {figure}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What has to hold while an attack by so many connections is under way.
    #[track_caller]
    fn withstands(&self, connections: usize) {
        self.goes_on();
        let (memory, bound) = (self.memory(), self.before + MEMORY + SLACK + connections * PER_CONNECTION);
        assert!(memory <= bound, "{memory} bytes in memory, more than {bound}");
        let (queued, bound) = (self.figure("queued_bytes"), MEMORY + (connections + 3) * RESERVED);
        assert!(queued <= bound, "{queued} bytes wait, more than {bound}");
        self.goes_on();
    }

    /// The bystanders were never disturbed, and the relay stops when it is asked to.
    fn end(mut self) {
        self.goes_on();
        self.stop.store(true, Ordering::Relaxed);
        self.bystanders.take().unwrap().join().unwrap();
        assert!(self.child.try_wait().unwrap().is_none(), "the relay has died");
    }
}

impl Drop for Attacked {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends the same again and again, until nothing more is taken.
fn flood(socket: &mut TcpStream, bytes: &[u8], times: usize) {
    for _ in 0..times {
        if socket.write_all(bytes).is_err() {
            break;
        }
    }
}

/// As many connections as this process may open, 2000 at most.
fn many() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum.or(limit.current);
    let _ = setrlimit(Resource::Nofile, limit);
    let files = getrlimit(Resource::Nofile).current.unwrap_or(4096);
    usize::try_from(files.saturating_sub(300).min(2000)).unwrap()
}

#[test]
fn silent_and_half_open_connections() {
    let relay = Attacked::start(&["--unused-timeout", "5"]);
    let count = many();
    let sockets: Vec<_> = (0..count)
        .map(|number| {
            let mut socket = relay.socket();
            // nothing, half a command, half an HTTP request, half a unit, all but the end of a
            // WebSocket's request
            let start = [&b""[..], b"\0\0\x01\xffab", b"GET / HT", b"\xff\xff\0", &REQUEST.as_bytes()[..100]];
            socket.write_all(start[number % start.len()]).unwrap();
            socket
        })
        .collect();
    relay.withstands(count);
    // their time is over after 5 s: left are the bystanders and who asks
    relay.until("connections", |connections| connections == 3);
    drop(sockets);
    relay.end();
}

#[test]
fn bytes_that_come_one_by_one() {
    let relay = Attacked::start(&[]);
    let mut sockets: Vec<_> = (0..50).map(|_| relay.socket()).collect();
    let stream = [b"\0\0\x01\x03own".to_vec(), b"\0\x01\x02\x03own".to_vec(), to_all(0, &[7; 300])].concat();
    for byte in &stream {
        for socket in &mut sockets {
            socket.set_nodelay(true).unwrap();
            flood(socket, &[*byte], 1);
        }
    }
    relay.withstands(50);
    // it is what it would have been in one piece: one has created the channel, and all have entered
    // it but the one whose own it is
    relay.until("channels", |channels| channels == 2);
    relay.until("users", |users| users == 1 + 49);
    relay.until("received_broadcasts_total", |units| units >= 1);
    assert!(relay.figure("queued_bytes") <= 50 << 10);
    relay.end();
}

#[test]
fn storms_of_commands() {
    let relay = Attacked::start(&["--commands-per-second", "0", "--queue-bytes", "64KiB"]);
    // who is told of all that come and go, and does not listen
    let mut server = Endpoint::new(relay.small_socket());
    // a channel for each round, since the numbers of those who have left rest
    for round in 0..128u8 {
        server.create(&[b"storm", &[round][..]].concat());
    }
    let mut sockets: Vec<_> = (0..20).map(|_| relay.socket()).collect();
    for round in 0..128u8 {
        for (number, socket) in (0u8..).zip(&mut sockets) {
            // numbers that come and go, names that are long, and nobody reads an answer
            let name = [&[number, round][..], &[b'x'; 250]].concat();
            let create = [&[0, 0, 1, 252][..], &name].concat();
            // a number is given again when all others have had their turn
            let leave = |place: u8| [b"\0\x01\x01\x06storm", &[round, 0, 2, 0, 1, place & 127][..]].concat();
            let first = round.wrapping_mul(40);
            let enter_leave: Vec<u8> = (0..40).flat_map(|more| leave(first.wrapping_add(more))).collect();
            flood(socket, &[&create[..], &enter_leave, &[0, 3, 0, 1, round]].concat(), 1);
        }
    }
    relay.withstands(21);
    // who does not read is given up later on, and is waited for no more then
    relay.until("pauses_total{cause=\"full-queue\"}", |pauses| pauses >= 1);
    let longest = relay.figure("longest_queue_ever_bytes");
    assert!(longest <= (64 << 10) + 1024, "{longest} bytes of events");
    relay.end();
}

#[test]
fn answers_that_nobody_reads() {
    let relay = Attacked::start(&["--commands-per-second", "0", "--queue-bytes", "64KiB"]);
    let mut socket = relay.small_socket();
    socket.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    // entering a channel that there is not, again and again: each of it has an answer
    flood(&mut socket, &b"\0\x01\x09\x01?".repeat(2000), 150);
    // who does not read is given up later on, and is waited for no more then
    relay.until("pauses_total{cause=\"full-queue\"}", |pauses| pauses >= 1);
    let longest = relay.figure("longest_queue_ever_bytes");
    assert!(longest <= (64 << 10) + 1024, "{longest} bytes of answers");
    relay.withstands(1);
    relay.end();
}

#[test]
fn broadcasts_to_256_users_who_do_not_read() {
    let relay = Attacked::start(&[]);
    let mut server = relay.endpoint();
    server.create(b"loud");
    let users: Vec<_> = (0..256)
        .map(|_| {
            let mut user = relay.endpoint();
            user.enter(b"loud");
            user
        })
        .collect();
    server.socket.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    flood(&mut server.socket, &to_all(0, &[7; 1]).repeat(10_000), 50);
    flood(&mut server.socket, &to_all(0, &pattern(30_000, 1)), 500);
    relay.withstands(users.len() + 1);
    drop(server);
    relay.withstands(users.len());
    drop(users);
    relay.end();
}

#[test]
fn receivers_that_never_read() {
    let relay = Attacked::start(&[]);
    let pairs: Vec<_> = (0..60u8)
        .map(|number| {
            let (mut server, mut user) = (relay.endpoint(), relay.endpoint());
            server.create(&[number]);
            user.enter(&[number]);
            user.socket.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
            flood(&mut user.socket, &to_server(0, &pattern(60_000, 1)), 200);
            (server, user)
        })
        .collect();
    relay.withstands(120);
    drop(pairs);
    relay.end();
}

#[test]
fn random_bytes() {
    let relay = Attacked::start(&[]);
    let mut sockets = Vec::new();
    for seed in 0..300 {
        let mut socket = relay.socket();
        // every other one of small numbers, which are commands and short units more often than not
        let mask = if seed % 2 == 0 { 0xff } else { 15 };
        let bytes: Vec<u8> = pattern(20_000, seed).iter().map(|byte| byte & mask).collect();
        flood(&mut socket, &bytes, 1);
        sockets.push(socket);
    }
    relay.withstands(300);
    for cause in ["malformed", "unknown-command"] {
        relay.until(&format!("closed_total{{cause=\"{cause}\"}}"), |closed| closed >= 10);
    }
    // the same behind the handshake of a WebSocket
    for seed in 300..500 {
        let mut socket = relay.socket();
        flood(&mut socket, REQUEST.as_bytes(), 1);
        flood(&mut socket, &frame(BINARY, &pattern(5000, seed)), 1);
        flood(&mut socket, &pattern(5000, seed), 1);
        sockets.push(socket);
    }
    relay.withstands(500);
    relay.until("closed_total{cause=\"websocket-failed\"}", |closed| closed >= 150);
    relay.end();
}

#[test]
fn names_and_sizes_as_large_as_they_can_be() {
    let relay = Attacked::start(&["--commands-per-second", "0"]);
    let mut sockets: Vec<_> = (0..100).map(|_| relay.socket()).collect();
    for (number, socket) in (0u8..).zip(&mut sockets) {
        for channel in 0..=255u8 {
            let name = [&[number, channel][..], &[0xff; 253]].concat();
            flood(socket, &[&[0, 0, 1, 255][..], &name].concat(), 1);
        }
        // the longest unit there is, for nobody, and the start of another
        flood(socket, &[&[0xff, 0xff, 5][..], &[1; 32_766], &[0xff, 0xff, 0x80, 9][..]].concat(), 1);
    }
    relay.withstands(100);
    // each has as many as it may, and none of the others; nothing of the units for nobody is kept
    relay.until("channels", |channels| channels == 1 + 100 * 128);
    relay.until("refused_total{cause=\"connection-channels\"}", |refused| refused == 100 * 128);
    let queued = relay.figure("queued_bytes");
    assert!(queued <= 100 * (16 << 10), "{queued}");
    relay.end();
}

#[test]
fn websockets_that_are_abused() {
    // requests are refused for what is in them, however long it takes to send that
    let relay = Attacked::start(&["--first-byte-timeout", "600", "--handshake-timeout", "600"]);
    let empty_fragments = [frame(0x02, b""), frame(0x00, b"").repeat(10_000)].concat();
    let floods = [
        empty_fragments,
        frame(PING, &[7; 125]).repeat(1000),
        frame(PING, b"").repeat(10_000),
        frame(BINARY, b"").repeat(10_000),
        frame(BINARY, &[0x80, 0]).repeat(10_000),
        // a frame that says it is as long as one may be
        [&[0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4][..], &[0x81; 60_000]].concat(),
    ];
    let mut sockets = Vec::new();
    for bytes in &floods {
        for _ in 0..10 {
            let mut socket = relay.socket();
            flood(&mut socket, REQUEST.as_bytes(), 1);
            flood(&mut socket, bytes, 4);
            sockets.push(socket);
        }
    }
    relay.withstands(60);
    let queued = relay.figure("queued_bytes");
    assert!(
        queued <= 60 * (4 << 10),
        "{queued} bytes for WebSockets to which there is nothing to be said but pongs"
    );
    // requests that never end, at once or bit by bit, and many headers
    let mut slow: Vec<_> = (0..100).map(|_| relay.socket()).collect();
    for round in 0..20 {
        for (number, socket) in slow.iter_mut().enumerate() {
            let line: &[u8] = match number % 3 {
                0 => b"GET /",
                1 if round == 0 => b"GET / HTTP/1.1\r\n",
                1 => b"X: y\r\n",
                _ => &[b'G'; 1000],
            };
            flood(socket, line, 1);
        }
    }
    relay.withstands(160);
    // those that are longer than any request have been refused, without waiting for the rest
    relay.until("closed_total{cause=\"bad-request\"}", |refused| refused >= 33);
    for socket in slow.iter().chain(&sockets) {
        let _ = socket.shutdown(Shutdown::Both);
    }
    relay.end();
}
