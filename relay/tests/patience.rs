//! How long others wait for a receiver, and which one is to blame.

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use common::websocket::Browser;
use common::{Endpoint, Got, Running, config, open, pattern, start, talk, to_all, to_server, to_user};
use peote_relay::{Closed, Config, SlowReceiver};

const SHORT: Duration = Duration::from_millis(300);

/// A queue that is full soon.
const QUEUE: usize = 64 << 10;

fn small(stall_timeout: Duration) -> Config {
    Config { stall_timeout, queue_bytes: QUEUE, ..config() }
}

/// Writes this again and again, until the connection ends.
fn flood(endpoint: &Endpoint, bytes: Vec<u8>) -> JoinHandle<()> {
    let mut socket = endpoint.socket.try_clone().unwrap();
    socket.set_write_timeout(None).unwrap();
    std::thread::spawn(move || while socket.write_all(&bytes).is_ok() {})
}

/// Reads so many bytes now and then, until it is dropped.
struct Reader {
    socket: TcpStream,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    fn new(socket: &TcpStream, bytes: usize, every: Duration) -> Self {
        let socket = socket.try_clone().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let mut from = socket.try_clone().unwrap();
        let is_over = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; bytes];
            while !is_over.load(Ordering::Relaxed) && matches!(from.read(&mut buffer), Ok(1..)) {
                std::thread::sleep(every);
            }
        });
        Self { socket, stop, thread: Some(thread) }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.socket.shutdown(Shutdown::Both);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Waits until a receiver was given up, and nobody else was closed.
#[track_caller]
fn gives_up_one(relay: &Running, connections: usize) {
    let stats = relay.until(|stats| stats.dropped == 1 && stats.connections == connections);
    assert_eq!(stats.closed.of(Closed::StallTimeout), 1, "{stats:?}");
}

fn end(endpoint: &Endpoint) {
    let _ = endpoint.socket.shutdown(Shutdown::Both);
}

#[test]
fn a_trickle_is_not_enough() {
    for (bytes, millis) in [(1, 50), (1000, 250), (15_000, 1450)] {
        let relay = start(small(Duration::from_millis(1500)));
        let (server, mut user) = relay.pair(b"a");
        let mut other = relay.connect();
        other.enter(b"a");
        let writer = flood(&server, to_all(0, &[7; 900]));
        let _other = Reader::new(&other.socket, 1 << 20, Duration::ZERO);
        // what is taken at first is no credit
        user.socket.read_exact(&mut vec![0; 20 << 20]).unwrap();
        let _slow = Reader::new(&user.socket, bytes, Duration::from_millis(millis));
        gives_up_one(&relay, 2);
        end(&server);
        writer.join().unwrap();
    }
}

#[test]
fn a_slow_network_is_enough() {
    for slow_receiver in [SlowReceiver::Pause, SlowReceiver::Drop] {
        let relay = start(Config { slow_receiver, ..small(Duration::from_secs(2)) });
        let (server, user) = relay.pair(b"a");
        let writer = flood(&server, to_all(0, &[7; 900]));
        // about 200 KB a second
        let _slow = Reader::new(&user.socket, 20_000, Duration::from_millis(100));
        let stats = relay.until(|stats| stats.paused_time > Duration::from_secs(6));
        assert_eq!((stats.dropped, stats.connections), (0, 2), "{slow_receiver:?}");
        end(&server);
        writer.join().unwrap();
    }
}

/// What is taken is seen, and is too little.
#[test]
fn it_is_the_rate_that_counts() {
    let stall_timeout = Duration::from_secs(1);
    for (slow_receiver_bytes_per_second, is_enough) in [(32 << 20, false), (0, true), (100_000, true)] {
        let relay = start(Config { slow_receiver_bytes_per_second, ..small(stall_timeout) });
        let (server, user) = relay.pair(b"a");
        let writer = flood(&server, to_all(0, &[7; 900]));
        // about 1 MB a second
        let _slow = Reader::new(&user.socket, 50_000, Duration::from_millis(50));
        if is_enough {
            let stats = relay.until(|stats| stats.paused_time > 3 * stall_timeout);
            assert_eq!((stats.dropped, stats.connections), (0, 2), "{slow_receiver_bytes_per_second}");
        } else {
            gives_up_one(&relay, 1);
        }
        end(&server);
        writer.join().unwrap();
    }
}

#[test]
fn browsers_and_tls_are_no_different() {
    let relay = start(small(Duration::from_secs(1)));
    let mut server = relay.connect();
    server.create(b"a");
    let mut browser = Browser::new(&relay);
    browser.send(b"\0\x01\x01\x01a");
    assert_eq!(browser.control(), [1, 0, 0]);
    let writer = flood(&server, to_all(0, &[7; 900]));
    // it makes the relay say something else, too
    let mut pings = browser.socket.try_clone().unwrap();
    let pinger = std::thread::spawn(move || {
        while pings.write_all(&common::websocket::frame(common::websocket::PING, b"still there")).is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    let slow = Reader::new(&browser.socket, 100, Duration::from_millis(50));
    gives_up_one(&relay, 1);
    drop(slow);
    end(&server);
    pinger.join().unwrap();
    writer.join().unwrap();
}

#[cfg(feature = "tls")]
#[test]
fn tls_is_no_different() {
    let files = common::tls::Files::new();
    let relay = start(Config { stall_timeout: Duration::from_secs(1), queue_bytes: QUEUE, ..files.config() });
    let mut server = relay.connect();
    server.create(b"a");
    let mut user = Endpoint::over(files.connect(relay.addresses[1]));
    user.enter(b"a");
    let writer = flood(&server, to_all(0, &[7; 900]));
    let _slow = Reader::new(&user.socket.sock, 100, Duration::from_millis(50));
    gives_up_one(&relay, 1);
    end(&server);
    writer.join().unwrap();
}

#[test]
fn a_removal_behind_what_is_held_up_is_obeyed() {
    for command in [4, 5] {
        let relay = start(small(Duration::from_secs(1)));
        let (mut server, user) = relay.pair(b"a");
        let mut other = relay.connect();
        other.enter(b"a");
        server.control();
        let all = 8 << 20;
        let bytes = [to_all(0, &pattern(all, 1)), vec![0, command, 0, 2, 0, 0], to_all(0, b"!")].concat();
        let mut socket = server.socket.try_clone().unwrap();
        let writer = std::thread::spawn(move || socket.write_all(&bytes).unwrap());
        let _slow = Reader::new(&user.socket, 100, Duration::from_millis(100));
        let got = other.data(false, 0, 0, all + 1);
        assert!(got[..all] == pattern(all, 1) && got[all] == b'!');
        // it is gone, whether removed or given up
        assert_eq!(server.control()[..4], [0, 1, 0, 0]);
        writer.join().unwrap();
        gives_up_one(&relay, 2);
    }
}

/// A chain: the first is held up by the second, which is held up by the third, which takes nothing.
/// None of them reads, since its program waits for what it writes.
struct Chain {
    first: Endpoint,
    second: Endpoint,
    third: Endpoint,
    writers: Vec<JoinHandle<()>>,
}

impl Chain {
    fn new(relay: &Running) -> Self {
        let (mut first, mut second) = (relay.connect(), relay.connect_small());
        open(b"a", &mut second, &mut first);
        let mut third = relay.connect_small();
        open(b"b", &mut third, &mut second);
        let to_second = to_server(0, &[7; 900]);
        let writers = vec![flood(&second, to_server(0, &[7; 900])), flood(&first, to_second)];
        relay.until(|stats| stats.paused == 2);
        Self { first, second, third, writers }
    }

    fn end(self) {
        for endpoint in [&self.first, &self.second, &self.third] {
            end(endpoint);
        }
        self.writers.into_iter().for_each(|writer| writer.join().unwrap());
    }
}

#[test]
fn who_is_held_up_is_not_to_blame() {
    for (slow_receiver, slow_receiver_grace, cause) in [
        (SlowReceiver::Pause, SHORT, Closed::StallTimeout),
        (SlowReceiver::Drop, SHORT, Closed::SlowReceiver),
        (SlowReceiver::Drop, Duration::from_secs(5), Closed::StallTimeout),
    ] {
        let stall_timeout = Duration::from_secs(1);
        let relay = start(Config { slow_receiver, slow_receiver_grace, ..small(stall_timeout) });
        let mut chain = Chain::new(&relay);
        let stats = relay.until(|stats| stats.connections == 2);
        assert_eq!((stats.dropped, stats.closed.of(cause)), (1, 1), "{slow_receiver:?} {stats:?}");
        // it is the third: the second is told of its end once it reads
        loop {
            match chain.second.next().unwrap() {
                Got::Control(event) if event[..2] == [0, 2] => break,
                _ => {}
            }
        }
        chain.end();
    }
}

/// Those further up wait for as long as it takes the last one, which is slow and not too slow.
#[test]
fn who_is_held_up_by_a_slow_network_stays() {
    let stall_timeout = Duration::from_secs(1);
    let relay = start(small(stall_timeout));
    let chain = Chain::new(&relay);
    let begin = Instant::now();
    let _slow = Reader::new(&chain.third.socket, 20_000, Duration::from_millis(20));
    while begin.elapsed() < 4 * stall_timeout {
        assert_eq!(relay.stats().connections, 3);
        std::thread::sleep(Duration::from_millis(20));
    }
    chain.end();
}

/// A user sends to a server without end, and reads slowly or not at all. Neither of them reads, as
/// its program waits for what it writes; nothing that can be seen tells who began. The server has
/// other users.
#[test]
fn a_server_and_a_user_that_wait_for_each_other() {
    let stall_timeout = Duration::from_secs(1);
    for reads in [true, false] {
        let relay = start(small(stall_timeout));
        let (mut server, mut user) = (relay.connect_small(), relay.connect_small());
        open(b"a", &mut server, &mut user);
        let mut other = relay.connect();
        other.enter(b"a");
        let writers = [flood(&server, to_user(0, 0, &[7; 900])), flood(&user, to_server(0, &[7; 900]))];
        relay.until(|stats| stats.paused == 2);
        if reads {
            let begin = Instant::now();
            let _slow = Reader::new(&user.socket, 20_000, Duration::from_millis(20));
            while begin.elapsed() < 4 * stall_timeout {
                assert_eq!(relay.stats().connections, 3);
                std::thread::sleep(Duration::from_millis(20));
            }
        } else {
            gives_up_one(&relay, 2);
            assert_eq!(relay.stats().channels, 1);
        }
        end(&server);
        end(&user);
        writers.into_iter().for_each(|writer| writer.join().unwrap());
    }
}

/// Each waits for the next one, and the last one for the first.
#[test]
fn in_a_circle_somebody_is_given_up() {
    let relay = start(small(SHORT));
    let (mut server, mut user) = relay.pair(b"bystanders");
    let mut all: Vec<_> = (0..5).map(|_| relay.connect_small()).collect();
    for number in 0..5u8 {
        all[usize::from(number)].create(&[number]);
        let next = usize::from(number + 1) % 5;
        all[next].enter(&[number]);
        // an answer of the next one may come between
        while all[usize::from(number)].control()[..2] != [0, 0] {}
    }
    let writers: Vec<_> = all.iter().map(|endpoint| flood(endpoint, to_user(0, 0, &[7; 900]))).collect();
    talk(&mut server, &mut user);
    relay.until(|stats| stats.dropped > 0);
    talk(&mut server, &mut user);
    all.iter().for_each(end);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    relay.until(|stats| stats.connections == 2 && stats.paused == 0);
}
