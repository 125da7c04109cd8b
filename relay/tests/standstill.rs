//! The relay stands still for a while: its process is stopped, its machine is moved. Every timer
//! judges by what has come meanwhile.
//!
//! What is up to a second is not noticed by the relay's clock, so deadlines are over when it goes
//! on; what is longer does not count.

mod common;
#[cfg(unix)]
mod program;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use common::websocket::{BINARY, Browser, Frame, REQUEST, frame, head};
use common::{Endpoint, Running, config, open, pattern, start, talk, to_all, to_server, to_user};
use peote_relay::{Closed, Config, SlowReceiver};

/// What is configured.
const SHORT: Duration = Duration::from_millis(300);

/// For how long the relay stands still: longer than that, and too short for its clock to notice.
const STILL: Duration = Duration::from_millis(700);

/// Long enough for its clock to notice.
const LONG: Duration = Duration::from_millis(2500);

/// Does something while the relay stands still.
fn meanwhile<T>(relay: &Running, time: Duration, act: impl FnOnce() -> T) -> T {
    let _still = relay.stand_still();
    let result = act();
    std::thread::sleep(time);
    result
}

/// Reads all that the system holds, and nothing more.
fn drain(endpoint: &mut Endpoint) -> usize {
    let mut buffer = vec![0; 1 << 20];
    let mut all = 0;
    endpoint.socket.set_nonblocking(true).unwrap();
    // what is read makes room for what the other system holds, which comes at once
    for _ in 0..20 {
        while let Ok(len @ 1..) = endpoint.socket.read(&mut buffer) {
            all += len;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    endpoint.socket.set_nonblocking(false).unwrap();
    all
}

/// A channel whose server takes little, and a user of it that waits for the server.
fn held_up(relay: &Running) -> (Endpoint, Endpoint, std::thread::JoinHandle<bool>) {
    let (mut server, mut user) = (relay.connect_small(), relay.connect());
    open(b"a", &mut server, &mut user);
    let mut socket = user.socket.try_clone().unwrap();
    let bytes = to_server(0, &pattern(8 << 20, 1));
    let writer = std::thread::spawn(move || socket.write_all(&bytes).is_ok());
    relay.until(|stats| stats.paused == 1);
    (server, user, writer)
}

#[test]
fn first_bytes_that_have_come_are_in_time() {
    let relay = start(Config { first_byte_timeout: SHORT, ..config() });
    let mut endpoint = relay.connect();
    relay.until(|stats| stats.connections == 1);
    meanwhile(&relay, STILL, || endpoint.send(b"\0\0\x01\x01a"));
    assert_eq!(endpoint.control(), [1, 0, 0]);
    let mut silent = relay.connect();
    relay.until(|stats| stats.connections == 2);
    meanwhile(&relay, STILL, || ());
    silent.is_closed();
}

/// More of them than the system tells of at once.
#[test]
fn so_are_those_of_very_many() {
    let relay = start(Config { first_byte_timeout: Duration::from_secs(2), ..config() });
    let many = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let count = many.map_or(1500, |many| (many / 2).saturating_sub(100).min(1500));
    let still = relay.stand_still();
    let mut endpoints: Vec<_> = (0..count / 2).map(|_| relay.connect()).collect();
    drop(still);
    relay.until(|stats| stats.connections as u64 == count / 2);
    endpoints.extend((0..count - count / 2).map(|_| relay.connect()));
    relay.until(|stats| stats.connections as u64 == count);
    meanwhile(&relay, Duration::from_millis(2700), || {
        endpoints.iter_mut().for_each(|endpoint| endpoint.send(b"\0\x01\x01\x01a"));
    });
    for endpoint in &mut endpoints {
        assert_eq!(endpoint.control(), [1, 1, 1]);
    }
}

#[test]
fn the_rest_of_a_request_that_has_come_is_in_time() {
    let relay = start(Config { handshake_timeout: SHORT, ..config() });
    let request = "GET /health HTTP/1.1\r\nHost: relay\r\n\r\n";
    for (request, answer) in [(request, "HTTP/1.1 200 "), (REQUEST, "HTTP/1.1 101 ")] {
        let (first, second) = request.split_at(20);
        let before = relay.stats().received_bytes;
        let mut socket = relay.connect().socket;
        socket.write_all(first.as_bytes()).unwrap();
        relay.until(|stats| stats.received_bytes == before + 20);
        meanwhile(&relay, STILL, || socket.write_all(second.as_bytes()).unwrap());
        let response = head(&mut socket);
        assert!(response.starts_with(answer), "{response}");
    }
}

#[cfg(feature = "tls")]
#[test]
fn a_tls_handshake_goes_on() {
    use common::tls::{Files, hello};

    let files = Files::new();
    let relay = start(Config { handshake_timeout: SHORT, first_byte_timeout: SHORT, ..files.config() });
    let mut socket = TcpStream::connect(relay.addresses[1]).unwrap();
    let mut client = files.client();
    let bytes = hello(&mut client);
    socket.write_all(&bytes[..100]).unwrap();
    relay.until(|stats| stats.received_bytes == 100);
    // the relay's answer to it has to be answered in turn
    meanwhile(&relay, STILL, || socket.write_all(&bytes[100..]).unwrap());
    while client.is_handshaking() {
        client.complete_io(&mut socket).unwrap();
    }
    // the first byte inside, too
    relay.until(|stats| stats.closed.total() == 0 && stats.tls == 1);
    let mut stream = rustls::StreamOwned::new(client, socket);
    meanwhile(&relay, STILL, || stream.write_all(b"\0\0\x01\x01a").unwrap());
    assert_eq!(Endpoint::over(stream).control(), [1, 0, 0]);
}

#[test]
fn who_has_sent_something_is_not_idle() {
    let relay = start(Config { idle_timeout: SHORT, ..config() });
    let mut endpoint = relay.connect();
    endpoint.create(b"a");
    meanwhile(&relay, STILL, || endpoint.send(b"\0\0\x01\x01b"));
    assert_eq!(endpoint.control(), [1, 0, 1]);
    while endpoint.next().is_some() {}
    assert_eq!(relay.stats().closed.of(Closed::IdleTimeout), 1);
}

/// The command lies behind more than is read at once.
#[test]
fn who_has_created_a_channel_uses_it() {
    let relay = start(Config { unused_timeout: SHORT, ..config() });
    let mut endpoint = relay.connect();
    let mut socket = endpoint.socket.try_clone().unwrap();
    meanwhile(&relay, STILL, || {
        std::thread::spawn(move || {
            socket.write_all(&[&to_all(0, &[7; 1 << 20])[..], b"\0\0\x01\x01a"].concat()).unwrap();
        });
    });
    assert_eq!(endpoint.control(), [1, 0, 0]);
    endpoint.create(b"b");
    let mut unused = relay.connect();
    unused.send(b"\x02\0x");
    unused.is_closed();
    // one that sends without end is judged all the same
    let mut flooder = relay.connect().socket;
    while flooder.write_all(&[0x80, 0].repeat(100_000)).is_ok() {}
    assert_eq!(relay.stats().closed.of(Closed::UnusedTimeout), 2);
}

#[test]
fn a_receiver_that_takes_what_there_is_has_not_stalled() {
    for slow_receiver in [SlowReceiver::Pause, SlowReceiver::Drop] {
        for still in [STILL, LONG] {
            let relay = start(Config {
                stall_timeout: SHORT,
                slow_receiver,
                slow_receiver_grace: SHORT,
                queue_bytes: 64 << 10,
                ..config()
            });
            let (mut server, user, writer) = held_up(&relay);
            assert!(meanwhile(&relay, still, || drain(&mut server)) > 0);
            while drain(&mut server) > 0 {}
            assert!(writer.join().unwrap());
            assert_eq!(relay.stats().connections, 2);
            drop(user);
        }
    }
}

#[test]
fn last_words_wait_for_who_takes_what_there_is() {
    // shorter than the relay stands still, and long enough for a test that has to wait for its turn
    let relay = start(Config { stall_timeout: Duration::from_secs(2), queue_bytes: 8 << 20, ..config() });
    let (mut server, mut user) = (relay.connect_small(), relay.connect());
    open(b"a", &mut server, &mut user);
    // the end lies behind it, and is seen before the relay stands still
    user.send(&to_server(0, &pattern(10 << 20, 1)));
    user.socket.shutdown(Shutdown::Write).unwrap();
    relay.until(|stats| stats.paused == 1);
    meanwhile(&relay, LONG, || ());
    assert!(server.data(true, 0, 0, 10 << 20) == pattern(10 << 20, 1));
    assert_eq!(server.control(), [0, 1, 0, 0, 1]);
}

#[test]
fn the_code_of_a_close_arrives() {
    let relay = start(config());
    let mut browser = Browser::new(&relay);
    browser.raw(b"\x82\x01x"); // not masked
    relay.until(|stats| stats.connections == 0);
    meanwhile(&relay, LONG, || browser.raw(&frame(BINARY, &[0; 10_000])));
    relay.until(|stats| stats.connections == 0);
    assert_eq!(browser.frame(), Frame::Close(Some(1002)));
    assert_eq!(browser.frame(), Frame::End);
    drop(browser);
    relay.until(|stats| stats.open_sockets == 1);
}

#[test]
fn endpoints_hear_of_the_relay_at_once() {
    let relay = start(Config { keepalive_interval: Duration::from_secs(60), ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    meanwhile(&relay, LONG, || ());
    for endpoint in [&mut server, &mut user] {
        assert_eq!(endpoint.control(), [0, 255, 0, 0]);
    }
    talk(&mut server, &mut user);
    // nothing of it counts for a timeout
    let relay = start(Config { first_byte_timeout: LONG, ..config() });
    let mut slow = relay.connect();
    relay.until(|stats| stats.connections == 1);
    meanwhile(&relay, 2 * LONG, || ());
    relay.until(|stats| stats.connections == 1);
    slow.create(b"a");
}

/// A sender that had sent too much goes on first.
#[test]
fn who_was_slowed_down_is_not_idle() {
    let relay = start(Config {
        idle_timeout: SHORT,
        messages_per_second: 1000,
        burst: Duration::from_millis(100),
        ..config()
    });
    let (mut server, mut user) = relay.pair(b"a");
    server.send(&to_user(0, 0, b"x").repeat(150));
    relay.until(|stats| stats.pauses.total() > 0);
    meanwhile(&relay, STILL, || {
        server.send(&to_user(0, 0, b"y"));
        user.send(&[0x80, 0]);
    });
    assert_eq!(user.data(false, 0, 0, 151)[150], b'y');
    assert_eq!(relay.stats().closed.total(), 0);
}

/// The program, stopped by a signal while it waits for events.
#[cfg(unix)]
mod stopped {
    use rustix::process::Signal;

    use super::{Duration, Endpoint, TcpStream, Write, open, pattern, to_server};
    use crate::program::Running;

    fn stopped(relay: &Running, time: Duration, act: impl FnOnce()) {
        relay.signal(Signal::STOP);
        act();
        std::thread::sleep(time);
        relay.signal(Signal::CONT);
    }

    #[test]
    fn what_has_come_is_in_time() {
        let options = ["--first-byte-timeout", "1", "--handshake-timeout", "1", "--idle-timeout", "1"];
        let mut relay = Running::start(&[&["--listen", "127.0.0.1:0"], &options[..]].concat());
        let address = relay.address();
        let connect = || Endpoint::new(TcpStream::connect(address).unwrap());
        let (mut silent, mut half, mut idle) = (connect(), connect(), connect());
        half.send(b"GET /health HTTP/1.1\r\n");
        idle.create(b"a");
        stopped(&relay, Duration::from_millis(1800), || {
            silent.send(b"\0\0\x01\x01b");
            half.send(b"Host: relay\r\n\r\n");
            idle.send(b"\0\0\x01\x01c");
        });
        assert_eq!(silent.control(), [1, 0, 0]);
        assert_eq!(idle.control(), [1, 0, 1]);
        let response = crate::common::websocket::head(&mut half.socket);
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    }

    #[test]
    fn what_is_queued_when_it_ends_arrives() {
        let mut relay =
            Running::start(&["--listen", "127.0.0.1:0", "--queue-bytes", "32MiB", "--shutdown-timeout", "3"]);
        let address = relay.address();
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        socket.connect(&address.into()).unwrap();
        let mut server = Endpoint::new(socket.into());
        let mut user = Endpoint::new(TcpStream::connect(address).unwrap());
        open(b"a", &mut server, &mut user);
        let bytes = pattern(4 << 20, 1);
        user.socket.write_all(&to_server(0, &bytes)).unwrap();
        // answered behind it, so all of it is in the queue
        user.create(b"b");
        relay.signal(Signal::TERM);
        assert_eq!(user.next(), None);
        stopped(&relay, Duration::from_secs(5), || ());
        assert!(server.data(true, 0, 0, bytes.len()) == bytes);
        drop((server, user));
        assert_eq!(relay.end().0, Some(0));
    }
}
