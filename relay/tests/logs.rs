//! What the program logs of all that it refuses, closes and slows down: a line for each cause, and
//! the figure beside it.
#![cfg(target_os = "linux")]

mod common;
mod program;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use common::websocket::REQUEST;
use common::{ANNOUNCEMENT, Endpoint, PATIENCE, pattern, to_all, to_server};
use program::Running;
use serde_json::Value;

/// From where the figures are asked for: another address and network than the rest.
const OBSERVER: &str = "127.9.9.9";

/// A relay that logs JSON.
struct Logged {
    relay: Running,
    address: SocketAddr,
}

/// A connection from another address of this machine.
fn connect_from(source: &str, relay: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&format!("{source}:0").parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.connect(&relay.into()).unwrap();
    let socket = TcpStream::from(socket);
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

impl Logged {
    fn start(options: &[&str]) -> Self {
        let arguments = ["--listen", "127.0.0.1:0", "--log-format", "json", "--metrics", "true"];
        let mut relay = Running::start(&[&arguments, options].concat());
        let address = relay.address();
        Self { relay, address }
    }

    fn connect(&self) -> Endpoint {
        Endpoint::new(TcpStream::connect(self.address).unwrap())
    }

    fn pair(&self, name: &[u8]) -> (Endpoint, Endpoint) {
        let (mut server, mut user) = (self.connect(), self.connect());
        server.create(name);
        user.enter(name);
        server.control();
        (server, user)
    }

    /// Sends this on a connection of its own, which is kept.
    fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.write_all(bytes).unwrap();
        socket
    }

    /// A figure at this moment.
    fn figure(&self, name: &str) -> u64 {
        loop {
            let mut socket = connect_from(OBSERVER, self.address);
            let mut page = String::new();
            // where there is no room for one more, there will be
            if socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").is_ok()
                && socket.read_to_string(&mut page).is_ok()
                && page.contains("200 OK")
            {
                let line = page.lines().find_map(|line| line.strip_prefix(&format!("peote_relay_{name} ")));
                return line.unwrap_or_else(|| panic!("{name} is not in {page}")).parse().unwrap();
            }
        }
    }

    /// The next line with this text, taken apart.
    #[track_caller]
    fn line(&mut self, part: &str) -> Value {
        serde_json::from_str(self.relay.log_until(part).last().unwrap()).unwrap()
    }

    /// The next line of this cause is as it should be, and has been counted.
    #[track_caller]
    fn logs(&mut self, kind: &str, cause: &str, level: &str, message: &str) -> Value {
        let line = self.line(&format!("\"cause\":\"{cause}\""));
        assert_eq!(line["level"], level, "{line}");
        assert!(line["message"].as_str().unwrap().starts_with(message), "{line}");
        assert!(self.figure(&format!("{kind}_total{{cause=\"{cause}\"}}")) >= 1, "{cause}");
        line
    }

    /// A connection was closed for this cause, and the line says why.
    #[track_caller]
    fn closes(&mut self, cause: &str, level: &str, why: &str) {
        let line = self.logs("closed", cause, level, "connection closed");
        assert!(line["why"].as_str().unwrap().contains(why), "{line}");
        assert!(line["address"].as_str().unwrap().starts_with("127."), "{line}");
        assert!(line["connection"].is_string(), "{line}");
    }

    #[track_caller]
    fn refuses(&mut self, cause: &str, message: &str, name: &str) {
        let level = if cause == "no-such-channel" { "INFO" } else { "WARN" };
        let line = self.logs("refused", cause, level, message);
        assert_eq!(line["name"], format!("\"{name}\""), "{line}");
        assert!(line["connection"].is_string(), "{line}");
    }

    #[track_caller]
    fn turns_away(&mut self, cause: &str) {
        let line = self.logs("turned_away", cause, "WARN", "connection turned away");
        assert!(line["address"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    }
}

/// A command to create or enter a channel, of which the answer is not waited for.
fn command(code: u8, name: &[u8]) -> Vec<u8> {
    [&[0, code, 9, u8::try_from(name.len()).unwrap()], name].concat()
}

#[test]
fn connections_that_are_turned_away() {
    for (cause, options) in [
        ("connections", ["--max-connections", "1"]),
        ("address", ["--max-connections-per-address", "1"]),
        ("network", ["--max-connections-per-network", "1"]),
    ] {
        let mut relay = Logged::start(&options);
        let mut kept = relay.connect();
        kept.create(b"a");
        let _second = relay.connect();
        relay.relay.log_until("channel created");
        if cause == "connections" {
            // the figures need the only place there is
            drop(kept);
        }
        relay.turns_away(cause);
    }
    let mut relay =
        Logged::start(&["--connections-per-second-per-address", "1", "--burst", "1", "--log-level", "warn"]);
    let _connections: Vec<_> = (0..3).map(|_| relay.connect()).collect();
    relay.turns_away("rate");
}

#[test]
fn commands_that_are_refused() {
    let mut relay = Logged::start(&[
        "--max-users-per-channel",
        "1",
        "--max-channels",
        "2",
        "--max-channels-per-connection",
        "1",
        "--max-name-bytes",
        "9",
        "--allowed-names",
        "my-*",
    ]);
    let (mut server, mut user) = relay.pair(b"my-a");
    server.send(&command(0, b"my-a-name-"));
    relay.refuses(
        "name-too-long",
        "create refused: the name is longer than it may be (max-name-bytes)",
        "my-a-name-",
    );
    server.send(&command(0, b"yours\n"));
    relay.refuses(
        "name-not-allowed",
        "create refused: the name is not one of those that are allowed (allowed-names)",
        "yours\\n",
    );
    server.send(&command(1, b"my-none"));
    relay.refuses("no-such-channel", "enter refused: there is no channel of this name", "my-none");
    server.send(&command(1, b"my-a"));
    relay.refuses("own-channel", "enter refused: the channel is the connection's own", "my-a");
    server.send(&command(0, b"my-b"));
    relay.refuses(
        "connection-channels",
        "create refused: the connection has as many channels as it may (max-channels-per-connection)",
        "my-b",
    );
    let mut third = relay.connect();
    third.send(&command(1, b"my-a"));
    relay.refuses(
        "channel-full",
        "enter refused: the channel has as many users as it may (max-users-per-channel)",
        "my-a",
    );
    third.send(&command(0, b"my-a"));
    relay.refuses("name-in-use", "create refused: there is a channel of this name", "my-a");
    assert_eq!((third.control(), third.control()), (vec![9, 1, 4], vec![9, 1, 2]));
    third.create(b"my-b");
    user.send(&command(0, b"my-c"));
    relay.refuses(
        "relay-channels",
        "create refused: there are as many channels as there may be (max-channels)",
        "my-c",
    );
    // user 0 is removed and blocked
    server.send(b"\0\x05\0\x02\0\0");
    relay.line("\"message\":\"user blocked\"");
    user.send(&command(1, b"my-a"));
    relay.refuses("blocked", "enter refused: the channel's server has blocked the connection", "my-a");

    let mut relay = Logged::start(&["--create-from", "10.0.0.0/8"]);
    relay.connect().send(&command(0, b"a"));
    relay.refuses(
        "address-not-allowed",
        "create refused: channels may not be created from this address (create-from)",
        "a",
    );
    let mut relay = Logged::start(&[]);
    let (_server, mut user) = relay.pair(b"a");
    user.send(&command(1, b"a"));
    relay.refuses("already-entered", "enter refused: the connection is in the channel already", "a");
}

#[test]
fn connections_that_end_by_themselves_or_for_what_they_send() {
    let mut relay = Logged::start(&["--allowed-origins", "https://a.example", "--watch-from", "127.9.9.9"]);
    drop(relay.send(b""));
    relay.closes("endpoint", "INFO", "closed by the endpoint");
    let socket = relay.send(b"\x02\0x");
    (&socket).read_exact(&mut [0; ANNOUNCEMENT.len()]).unwrap();
    socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
    drop(socket);
    relay.closes("broken", "INFO", "lost: ");
    let _sockets = [
        relay.send(b"\x01\x01\x02\0x"),
        relay.send(b"\0\x63\x01\0"),
        relay.send(&[REQUEST.as_bytes(), b"\x82\x01x"].concat()),
        relay.send(REQUEST.replace("Host", "Origin: https://b.example\r\nHost").as_bytes()),
        relay.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        relay.send(b"GET /\x1b HTTP/1.1\r\nHost: x\r\n\r\n"),
        relay.send(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"),
    ];
    // in the order in which they were sent, or in any other
    let mut lines = Vec::new();
    let causes =
        ["malformed", "unknown-command", "websocket-failed", "origin", "watch-from", "bad-request", "page"];
    while !causes.iter().all(|cause| lines.iter().any(|line: &Value| line["cause"] == *cause)) {
        lines.push(relay.line("\"cause\":"));
    }
    for (cause, level, why) in [
        ("malformed", "WARN", "malformed: "),
        ("unknown-command", "WARN", "unknown command 99"),
        ("websocket-failed", "INFO", "its WebSocket failed with code 1002: "),
        (
            "origin",
            "WARN",
            "its HTTP request was answered with HTTP/1.1 403 Forbidden: pages of this origin may not",
        ),
        (
            "watch-from",
            "WARN",
            "its HTTP request was answered with HTTP/1.1 403 Forbidden: this page is not shown",
        ),
        ("bad-request", "INFO", "its HTTP request was answered with HTTP/1.1 400 Bad Request"),
        ("page", "INFO", "its HTTP request was answered with HTTP/1.1 200 OK"),
    ] {
        let line = lines.iter().find(|line| line["cause"] == cause).unwrap();
        assert_eq!((&line["level"], &line["message"]), (&level.into(), &"connection closed".into()));
        assert!(line["why"].as_str().unwrap().starts_with(why), "{line}");
        assert!(relay.figure(&format!("closed_total{{cause=\"{cause}\"}}")) >= 1, "{cause}");
    }
    // not counted where anybody could ask, because nobody can any more
    let _kept = relay.pair(b"a");
    relay.relay.signal(rustix::process::Signal::TERM);
    let line = relay.line("\"cause\":\"stopping\"");
    assert_eq!((&line["level"], &line["why"]), (&"INFO".into(), &"the relay is stopping".into()));
}

#[cfg(feature = "tls")]
#[test]
fn connections_that_do_not_speak_tls() {
    let files = common::tls::Files::new();
    let (certificate, key) = (files.certificate.to_str().unwrap(), files.key.to_str().unwrap());
    let mut relay =
        Logged::start(&["--listen-tls", "127.0.0.1:0", "--tls-certificate", certificate, "--tls-key", key]);
    let address = relay.relay.address();
    TcpStream::connect(address).unwrap().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    relay.closes("tls-failed", "WARN", "its TLS failed: ");
}

#[test]
fn connections_whose_time_is_over() {
    for (cause, why, options, bytes) in [
        ("first-byte-timeout", "nothing was sent in time", ["--first-byte-timeout", "0.1"], &b""[..]),
        (
            "handshake-timeout",
            "its HTTP request did not come in time",
            ["--handshake-timeout", "0.1"],
            b"GET /",
        ),
        ("idle-timeout", "idle: it has sent nothing for too long", ["--idle-timeout", "0.1"], b"\x02\0x"),
        (
            "unused-timeout",
            "unused: it was in no channel for too long",
            ["--unused-timeout", "0.1"],
            b"\x02\0x",
        ),
    ] {
        let mut relay = Logged::start(&options);
        let _socket = relay.send(bytes);
        relay.closes(cause, "INFO", why);
    }
}

#[test]
fn receivers_that_are_too_slow() {
    for (cause, why, options) in [
        (
            "stall-timeout",
            "stalled: it took too little while others waited",
            ["--stall-timeout", "1"].as_slice(),
        ),
        (
            "slow-receiver",
            "too slow: its queue was full",
            &["--slow-receiver", "drop", "--slow-receiver-grace", "0.1"],
        ),
    ] {
        let mut relay = Logged::start(&[options, &["--queue-bytes", "64KiB"]].concat());
        let (_server, user) = relay.pair(b"a");
        // more than the system holds for both
        let mut socket = user.socket.try_clone().unwrap();
        let sender = std::thread::spawn(move || {
            let bytes = to_server(0, &pattern(1 << 20, 1));
            while socket.write_all(&bytes).is_ok() {}
        });
        relay.closes(cause, "WARN", why);
        assert!(relay.figure("pauses_total{cause=\"full-queue\"}") >= 1);
        assert_eq!(relay.figure("dropped_total"), 1);
        let _ = user.socket.shutdown(std::net::Shutdown::Both);
        sender.join().unwrap();
    }
}

#[test]
fn senders_that_are_slowed_down() {
    for (cause, option, flood) in [
        ("commands", ["--commands-per-second", "5"], command(1, b"x").repeat(20)),
        ("bytes", ["--bytes-per-second", "1KiB"], to_all(0, &[7; 20_000])),
        ("messages", ["--messages-per-second", "10"], to_all(0, b"x").repeat(200)),
    ] {
        let mut relay = Logged::start(&[&option[..], &["--burst", "1", "--log-level", "warn"]].concat());
        let _socket = relay.send(&[command(0, b"a"), flood].concat());
        let line = relay.logs("pauses", cause, "WARN", "connection slowed down: it sends more than it may");
        assert!(line["address"].is_string() && line["connection"].is_string(), "{line}");
    }
}

/// Has `count` things logged at once and some time later one more, and looks that those which were
/// left out for their number are accounted for.
fn is_limited(relay: &mut Logged, flood: &[u8], part: &str, per_second: usize, count: usize) {
    // from now on it is read: a relay waits for whoever does not read its log
    relay.relay.log_until("listening");
    let mut endpoint = relay.connect();
    let begin = Instant::now();
    endpoint.send(flood);
    // the answers of all
    endpoint.send(b"\0\0\x07\x04done");
    while endpoint.control()[0] != 7 {}
    // the next second has begun
    std::thread::sleep(Duration::from_millis(1100));
    let seconds = usize::try_from(begin.elapsed().as_secs()).unwrap();
    endpoint.send(&command(0, b"last"));
    let mut lines: Vec<Value> = Vec::new();
    let log = relay.relay.log_until("\\\"last\\\"");
    lines.extend(log.iter().map(|line| serde_json::from_str(line).unwrap()));
    let said = lines.iter().filter(|line| line["message"].as_str().unwrap().starts_with(part)).count();
    let unsaid: u64 = lines.iter().filter_map(|line| line["unsaid"].as_u64()).sum();
    assert!(unsaid > 0, "{said} {:#?}", lines.iter().rev().take(8).collect::<Vec<_>>());
    assert_eq!(said + usize::try_from(unsaid).unwrap(), count, "{lines:#?}");
    // so many in each second that has begun, however slow the machine is
    assert!(said <= per_second * (seconds + 2), "{said} in {seconds} s");
}

/// A user that waits for its server, a server that waits for its name, a user that waits for a
/// place: one line each, and no warning for the first.
#[test]
fn who_tries_again_and_again_is_logged_once() {
    let mut relay = Logged::start(&["--max-users-per-channel", "1"]);
    let (_server, _user) = relay.pair(b"taken");
    let mut waiting = relay.connect();
    for _ in 0..5 {
        for (kind, name, code) in [(1, &b"none"[..], 1), (0, b"taken", 2), (1, b"taken", 4)] {
            waiting.send(&command(kind, name));
            assert_eq!(waiting.control(), [9, 1, code]);
        }
    }
    waiting.create(b"last");
    let log = relay.relay.log_until("\\\"last\\\"");
    let lines: Vec<Value> = log.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let levels = |cause: &str| -> Vec<_> {
        lines.iter().filter(|line| line["cause"] == cause).map(|line| line["level"].clone()).collect()
    };
    assert_eq!(levels("no-such-channel"), ["INFO"]);
    assert_eq!(levels("name-in-use"), ["WARN"]);
    assert_eq!(levels("channel-full"), ["WARN"]);
    for (cause, count) in [("no-such-channel", 5), ("name-in-use", 5), ("channel-full", 5)] {
        assert_eq!(relay.figure(&format!("refused_total{{cause=\"{cause}\"}}")), count);
    }
    // what nobody waits out is said each time, and another connection is another matter
    let mut other = relay.connect();
    other.send(&command(1, b"none"));
    relay.refuses("no-such-channel", "enter refused", "none");
}

#[test]
fn what_endpoints_can_cause_to_be_logged_is_limited() {
    let mut relay = Logged::start(&["--commands-per-second", "0", "--allowed-names", "a"]);
    // each refused, and so are the two behind them
    is_limited(&mut relay, &command(0, b"x").repeat(3000), "create refused", 20, 3002);
    let mut relay = Logged::start(&["--commands-per-second", "0"]);
    // created and deleted again and again, with every number in turn
    let create_delete = |number: u8| [command(0, b"a"), vec![0, 3, 0, 1, number]].concat();
    let flood: Vec<u8> = (0..128).cycle().take(20_000).flat_map(create_delete).collect();
    is_limited(&mut relay, &flood, "channel ", 1000, 40_002);
}

/// One connection has as many warnings written as it can; those about others are written all the
/// same.
#[test]
fn warnings_about_one_address_hide_none_about_another() {
    let mut relay = Logged::start(&["--commands-per-second", "0", "--allowed-names", "a"]);
    relay.relay.log_until("listening");
    let mut noisy = relay.connect();
    // a connection that is closed for what it says
    let address = relay.address;
    let nonsense = |source: &str| {
        let mut socket = connect_from(source, address);
        socket.write_all(b"\0\xc8\0\0").unwrap();
        while matches!(socket.read(&mut [0; 64]), Ok(1..)) {}
    };
    for _ in 0..20 {
        noisy.send(&command(0, b"x").repeat(50));
        // of the same kind as those below, too
        (0..10).for_each(|_| nonsense("127.0.0.1"));
    }
    (0..20).for_each(|_| nonsense("127.0.77.1"));
    noisy.send(&command(0, b"x").repeat(50));
    nonsense("127.0.78.1");
    let log = relay.relay.log_until("127.0.78.1:");
    // accepted lines are about the same addresses
    let log = [log, relay.relay.log_until("unknown-command")].concat();
    let about = |address: &str| {
        log.iter().filter(|line| line.contains("unknown-command") && line.contains(address)).count()
    };
    assert_eq!(about("\"127.0.77.1:"), 20);
    assert!(about("\"127.0.0.1:") < 200);
}

#[test]
fn a_log_has_no_more_bytes_than_allowed() {
    for format in ["text", "json"] {
        let path = program::file(&format!("bounded-{format}.log"), "");
        let options = ["--listen", "127.0.0.1:0", "--commands-per-second", "0"];
        let bound = ["--log-bytes-per-day", "64KiB", "--log-format", format];
        let mut relay = Running::spawn(
            program::program(&[&options[..], &bound].concat()).stderr(std::fs::File::create(&path).unwrap()),
        );
        let address = relay.address();
        // names that are long when they are escaped
        let name = "\u{e0041}".repeat(63);
        let mut lines = 0;
        for source in 1..=9 {
            let mut endpoint = Endpoint::new(connect_from(&format!("127.0.{source}.1"), address));
            for number in 0..100 {
                endpoint.send(&[command(0, name.as_bytes()), vec![0, 3, 0, 1, number]].concat());
                endpoint.control();
                lines += 2;
            }
        }
        relay.child.kill().unwrap();
        relay.child.wait().unwrap();
        let log = std::fs::read_to_string(&path).unwrap();
        assert!(log.len() <= 32 << 10, "{} bytes of {lines} lines", log.len());
        assert!(log.len() >= 16 << 10, "{} bytes are fewer than there may be", log.len());
        assert!(log.lines().all(|line| line.len() < 400), "{log}");
    }
}
