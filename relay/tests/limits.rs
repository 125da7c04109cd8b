//! Each limit: what happens when it is reached, what is counted, and that nothing is lost.

mod common;

use std::io::Write;
use std::time::{Duration, Instant};

use common::websocket::{BINARY, Browser, PING, REQUEST, frame, response};
use common::{Endpoint, config, pattern, start, talk, to_all, to_server};
use peote_relay::{Closed, Config, Paused, Refused, Stats, TurnedAway};

/// How many pauses there were for a cause.
fn pauses(stats: &Stats, cause: Paused) -> u64 {
    stats.pauses.of(cause)
}

/// A create or enter command that is refused with this code; the connection goes on.
#[track_caller]
fn is_refused(endpoint: &mut Endpoint, command: u8, name: &[u8], code: u8) {
    endpoint.send(&[&[0, command, 9, u8::try_from(name.len()).unwrap()], name].concat());
    assert_eq!(endpoint.control(), [9, 1, code]);
}

#[test]
fn bytes_a_second_slow_a_sender_down_and_nothing_is_lost() {
    let burst = Duration::from_millis(100);
    let relay = start(Config { bytes_per_second: 1 << 20, burst, ..config() });
    let (mut server, user) = relay.pair(b"a");
    let (mut other_server, mut other_user) = relay.pair(b"b");
    let len = 1 << 20;
    let bytes = pattern(len, 1);
    let mut socket = user.socket.try_clone().unwrap();
    let begin = Instant::now();
    let framed = to_server(0, &bytes);
    let writer = std::thread::spawn(move || socket.write_all(&framed).unwrap());
    // somebody else is slowed down by what he sends himself only
    talk(&mut other_server, &mut other_user);
    assert!(server.data(true, 0, 0, len) == bytes);
    // what the burst does not hold takes at least as long as was configured
    assert!(begin.elapsed() > Duration::from_millis(800), "{:?}", begin.elapsed());
    writer.join().unwrap();
    let stats = relay.stats();
    assert!(pauses(&stats, Paused::Bytes) > 0, "{stats:?}");
    assert_eq!(pauses(&stats, Paused::Messages), 0, "{stats:?}");
    assert_eq!(stats.connections, 4);
    drop(user);
}

#[test]
fn messages_a_second_slow_a_sender_down_and_nothing_is_lost() {
    let burst = Duration::from_millis(100);
    let relay = start(Config { messages_per_second: 20_000, burst, ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    let begin = Instant::now();
    let units: Vec<u8> = (0..20_000u32).flat_map(|i| to_server(0, &i.to_le_bytes())).collect();
    user.send(&units);
    let bytes = server.data(true, 0, 0, 80_000);
    assert!(bytes.chunks(4).enumerate().all(|(i, bytes)| bytes == u32::try_from(i).unwrap().to_le_bytes()));
    assert!(begin.elapsed() > Duration::from_millis(800), "{:?}", begin.elapsed());
    assert!(pauses(&relay.stats(), Paused::Messages) > 0);
    // broadcasts, units of size 0 and such for nobody count as well
    for flood in [to_all(0, b"x").repeat(4000), [0x80, 0].repeat(4000), b"\x02\x7fx".repeat(4000)] {
        let before = pauses(&relay.stats(), Paused::Messages);
        server.send(&flood);
        relay.until(|stats| pauses(stats, Paused::Messages) > before);
    }
    assert_eq!(user.data(false, 0, 0, 4000), [b'x'; 4000]);
    assert_eq!(relay.stats().connections, 2);
}

#[test]
fn a_sender_within_its_limits_is_never_slowed_down() {
    let relay = start(Config { messages_per_second: 1_000_000, bytes_per_second: 128 << 20, ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    for _ in 0..20 {
        talk(&mut server, &mut user);
    }
    assert_eq!(relay.stats().pauses.total(), 0);
}

#[test]
fn pings_and_empty_messages_are_messages() {
    let burst = Duration::from_millis(100);
    let relay = start(Config { messages_per_second: 10_000, burst, ..config() });
    for flood in [frame(PING, b""), frame(BINARY, b""), frame(common::websocket::PONG, b"abc")] {
        let before = pauses(&relay.stats(), Paused::Messages);
        let mut browser = Browser::new(&relay);
        browser.raw(&flood.repeat(4000));
        relay.until(|stats| pauses(stats, Paused::Messages) > before);
        // it is not closed, and is heard when its time has come
        browser.raw(&frame(BINARY, b"\0\x00\x01\x01a"));
        assert_eq!(browser.control(), [1, 0, 0]);
    }
}

#[test]
fn too_many_commands_are_counted_as_a_pause() {
    let relay = start(Config { commands_per_second: 50, ..config() });
    let mut endpoint = relay.connect();
    endpoint.send(&b"\0\x02\0\x01\x05".repeat(60));
    endpoint.create(b"a");
    assert!(pauses(&relay.stats(), Paused::Commands) > 0);
}

#[test]
fn a_network_has_as_many_connections_as_it_may() {
    let relay = start(Config { max_connections_per_network: 2, ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    let mut third = relay.connect();
    third.is_closed();
    let stats = relay.stats();
    assert_eq!(stats.turned_away.of(TurnedAway::Network), 1, "{stats:?}");
    assert_eq!(stats.turned_away.total(), 1);
    talk(&mut server, &mut user);
    drop(user);
    relay.until(|stats| stats.connections == 1);
    relay.connect().create(b"b");
}

/// Those that are turned away because the relay is full are not counted for their address.
#[test]
fn a_full_relay_locks_nobody_out() {
    let relay = start(Config { max_connections: 1, max_connections_per_address: 3, ..config() });
    let mut first = relay.connect();
    first.create(b"a");
    for count in 1..10 {
        let _turned_away = relay.connect();
        relay.until(|stats| stats.turned_away.of(TurnedAway::Connections) == count);
    }
    drop(first);
    relay.until(|stats| stats.connections == 0);
    relay.connect().create(b"a");
    assert_eq!(relay.stats().turned_away.of(TurnedAway::Address), 0);
}

#[test]
fn who_connects_again_and_again_is_turned_away() {
    let burst = Duration::from_secs(1);
    let relay = start(Config { connections_per_second_per_address: 5, burst, ..config() });
    let mut kept = relay.connect();
    kept.create(b"a");
    for _ in 0..20 {
        relay.connect();
    }
    let stats = relay.until(|stats| stats.accepted + stats.turned_away.total() == 21);
    assert!(stats.turned_away.of(TurnedAway::Rate) > 0, "{stats:?}");
    // those that are there are not concerned, and some time later it may come again
    kept.create(b"b");
    let before = stats.accepted;
    relay.until(|stats| {
        drop(relay.connect());
        stats.accepted > before
    });
}

#[test]
fn names_that_are_too_long_or_not_allowed_are_refused_as_if_in_use() {
    let allowed_names = vec!["lobby".into(), "game-*".into()];
    let relay = start(Config { max_name_bytes: 10, allowed_names, ..config() });
    let mut endpoint = relay.connect();
    assert_eq!(endpoint.create(b"lobby"), 0);
    assert_eq!(endpoint.create(b"game-67890"), 1);
    is_refused(&mut endpoint, 0, b"game-678901", 2);
    is_refused(&mut endpoint, 0, &[b'x'; 255], 2);
    is_refused(&mut endpoint, 0, b"Lobby", 2);
    is_refused(&mut endpoint, 0, b"", 2);
    let mut user = relay.connect();
    user.enter(b"lobby");
    is_refused(&mut user, 1, &[b'x'; 255], 1);
    let refused = relay.stats().refused;
    assert_eq!(refused.of(Refused::NameTooLong), 2);
    assert_eq!(refused.of(Refused::NameNotAllowed), 2);
    assert_eq!(refused.of(Refused::NoSuchChannel), 1);
    assert_eq!(refused.total(), 5);
}

#[test]
fn channels_are_created_from_where_they_may_be() {
    let create_from = vec!["10.0.0.0/8".parse().unwrap(), "127.0.0.2/32".parse().unwrap()];
    let relay = start(Config { create_from, ..config() });
    let mut endpoint = relay.connect();
    is_refused(&mut endpoint, 0, b"a", 1);
    assert_eq!(relay.stats().refused.of(Refused::AddressNotAllowed), 1);
    let relay = start(Config { create_from: vec!["127.0.0.0/8".parse().unwrap()], ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    talk(&mut server, &mut user);
}

#[test]
fn every_refusal_has_its_cause() {
    let relay = start(Config {
        max_channels: 3,
        max_channels_per_connection: 2,
        max_users_per_channel: 1,
        ..config()
    });
    let (mut server, mut user) = relay.pair(b"a");
    is_refused(&mut server, 0, b"a", 2);
    is_refused(&mut server, 1, b"a", 2);
    is_refused(&mut user, 1, b"a", 3);
    is_refused(&mut relay.connect(), 1, b"a", 4);
    server.create(b"b");
    is_refused(&mut server, 0, b"c", 1);
    user.create(b"c");
    is_refused(&mut user, 0, b"d", 1);
    let refused = relay.stats().refused;
    for cause in [
        Refused::NameInUse,
        Refused::OwnChannel,
        Refused::AlreadyEntered,
        Refused::ChannelFull,
        Refused::ConnectionChannels,
        Refused::RelayChannels,
    ] {
        assert_eq!(refused.of(cause), 1, "{cause}");
    }
    assert_eq!(refused.total(), 6);
}

#[test]
fn browsers_come_from_allowed_origins_and_other_programs_from_everywhere() {
    let allowed_origins = vec!["https://example.com".into(), "https://*.example.org".into()];
    let relay = start(Config { allowed_origins, ..config() });
    let with = |origin: &str| REQUEST.replace("\r\n\r\n", &format!("\r\nOrigin: {origin}\r\n\r\n"));
    for origin in ["https://evil.example", "null", "http://example.com", ""] {
        let response = response(&relay, with(origin).as_bytes());
        assert!(response.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{origin}: {response}");
    }
    // one of several is not enough
    let twice = with("https://example.com\r\nOrigin: https://evil.example");
    assert!(response(&relay, twice.as_bytes()).starts_with("HTTP/1.1 403 "));
    assert_eq!(relay.until(|stats| stats.connections == 0).closed.of(Closed::Origin), 5);
    for good in [with("https://example.com"), with("https://a.example.org"), REQUEST.into()] {
        let mut socket = relay.connect().socket;
        socket.write_all(good.as_bytes()).unwrap();
        assert!(common::websocket::head(&mut socket).starts_with("HTTP/1.1 101 "));
    }
    // nor is it asked of pages for operators, or of endpoints that are no WebSocket
    let health = response(&relay, b"GET /health HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n\r\n");
    assert!(health.starts_with("HTTP/1.1 200 "), "{health}");
    relay.connect().create(b"a");
}

#[test]
fn a_connection_in_no_channel_is_closed_after_a_while() {
    let unused_timeout = Duration::from_millis(200);
    let relay = start(Config { unused_timeout, ..config() });
    // one that sends, but nothing of use; one whose only channel was refused; one that has left; a
    // browser
    let mut chatty = relay.connect();
    chatty.send(b"\x02\0x");
    let mut refused = relay.connect();
    is_refused(&mut refused, 1, b"nothing", 1);
    let (mut server, mut user) = relay.pair(b"a");
    let (mut owner, mut leaver) = relay.pair(b"b");
    leaver.send(b"\0\x02\0\x01\0");
    let mut browser = Browser::new(&relay);
    for endpoint in [&mut chatty, &mut refused, &mut leaver] {
        endpoint.is_closed();
    }
    browser.is_closed(Some(1008));
    owner.send(b"\0\x03\0\x01\0");
    while owner.next().is_some() {}
    let stats = relay.until(|stats| stats.connections == 2);
    assert_eq!(stats.closed.of(Closed::UnusedTimeout), 5, "{stats:?}");
    talk(&mut server, &mut user);
}

#[test]
fn a_connection_that_says_nothing_is_closed_only_where_configured() {
    let relay = start(Config { idle_timeout: Duration::from_millis(300), ..config() });
    let (mut server, mut silent) = relay.pair(b"a");
    // the server says something all the time, so it stays
    while relay.stats().connections == 2 {
        server.send(&to_all(0, b"x"));
        std::thread::sleep(Duration::from_millis(10));
    }
    while silent.next().is_some() {}
    assert_eq!(relay.stats().closed.of(Closed::IdleTimeout), 1);
    while server.control() != [0, 1, 0, 0, 1] {} // keepalives are in between
}

#[test]
fn a_connection_that_waits_is_not_idle() {
    let len = 24 << 20;
    let bytes = pattern(len, 3);
    let framed = to_server(0, &bytes);
    let relay = start(Config { idle_timeout: Duration::from_millis(300), ..config() });
    let (mut server, user) = relay.pair(b"a");
    let mut socket = user.socket.try_clone().unwrap();
    let writer = std::thread::spawn(move || socket.write_all(&framed).unwrap());
    relay.until(|stats| stats.paused == 1);
    // longer than it may be idle; its server says something in the meantime
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(1500) {
        server.send(&[0x80, 0]);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(relay.stats().connections, 2);
    // its server says something for as long as it reads, however long that takes
    let mut saying = server.socket.try_clone().unwrap();
    let reader = std::thread::spawn(move || server.data(true, 0, 0, len));
    while !reader.is_finished() {
        let _ = saying.write_all(&[0x80, 0]);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(reader.join().unwrap() == bytes);
    writer.join().unwrap();
}

#[test]
fn every_end_has_its_cause() {
    let relay = start(Config {
        first_byte_timeout: Duration::from_millis(100),
        handshake_timeout: Duration::from_millis(100),
        ..config()
    });
    relay.connect().is_closed(); // silent
    let mut slow = relay.connect();
    slow.send(b"GET / HTTP/1.1\r\n");
    let mut unknown = relay.connect();
    unknown.send(b"\0\x63\x01\x00");
    unknown.is_closed();
    let mut malformed = relay.connect();
    malformed.send(b"\x01\x01\x02\0x");
    malformed.is_closed();
    let mut browser = Browser::new(&relay);
    browser.raw(b"\x82\x01x"); // not masked
    browser.is_closed(Some(1002));
    response(&relay, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    response(&relay, b"GET /nothing HTTP/1.1\r\n\r\n");
    relay.connect().create(b"a");
    let closed = relay.until(|stats| stats.closed.total() == 8).closed;
    for cause in [
        Closed::FirstByteTimeout,
        Closed::HandshakeTimeout,
        Closed::UnknownCommand,
        Closed::Malformed,
        Closed::WebSocketFailed,
        Closed::Page,
        Closed::BadRequest,
        Closed::Endpoint,
    ] {
        assert_eq!(closed.of(cause), 1, "{cause}: {closed:?}");
    }
}
