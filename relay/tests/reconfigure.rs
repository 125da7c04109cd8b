//! Another configuration for a relay that runs.

mod common;

use std::io::Write;
use std::time::Duration;

use common::{config, start, talk, to_server};
use peote_relay::{Config, Paused};

const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(100);

#[test]
fn limits_hold_for_those_to_come() {
    let relay = start(config());
    let (mut server, mut user) = relay.pair(b"a");
    let kept = relay.with(|relay| {
        let config = Config { max_connections: 3, max_channels: 1, max_users_per_channel: 1, ..config() };
        relay.reconfigure(config).unwrap()
    });
    assert!(kept.is_empty());
    server.send(b"\0\0\x01\x01b");
    assert_eq!(server.control()[..2], [1, 1]);
    let mut third = relay.connect();
    third.send(b"\0\x01\x01\x01a");
    assert_eq!(third.control()[..2], [1, 1]);
    relay.connect().is_closed();
    talk(&mut server, &mut user);
    relay.with(|relay| relay.reconfigure(config()).unwrap());
    assert_eq!(third.enter(b"a"), 0);
    assert_eq!(relay.connect().create(b"c"), 0);
}

#[test]
fn shorter_times_hold_for_those_who_are_there() {
    let long = Config { first_byte_timeout: HOUR, keepalive_interval: Duration::from_secs(60), ..config() };
    let relay = start(long.clone());
    let mut endpoint = relay.connect();
    endpoint.create(b"a");
    let mut silent = relay.connect();
    relay.until(|stats| stats.connections == 2);
    relay.with(move |relay| {
        relay.reconfigure(Config { first_byte_timeout: SHORT, keepalive_interval: SHORT, ..long }).unwrap()
    });
    silent.is_closed();
    assert_eq!(endpoint.control(), [0, 255, 0, 0]);
    assert_eq!(endpoint.control(), [0, 255, 0, 0]);
}

#[test]
fn a_higher_rate_forgets_what_was_owed_at_the_lower_one() {
    let slow = Config { messages_per_second: 1, ..config() };
    let relay = start(slow.clone());
    let (mut server, mut user) = relay.pair(b"a");
    // many units in one read, which it would take minutes to pay for
    user.send(&[&[0x80, 0].repeat(400)[..], &to_server(0, b"before")].concat());
    assert_eq!(server.data(true, 0, 0, 6), b"before");
    let pauses = relay.until(|stats| stats.pauses.of(Paused::Messages) > 0).pauses.of(Paused::Messages);
    relay.with(move |relay| relay.reconfigure(Config { messages_per_second: 1000, ..slow }).unwrap());
    user.send(&to_server(0, b"one"));
    assert_eq!(server.data(true, 0, 0, 3), b"one");
    assert_eq!(relay.stats().pauses.of(Paused::Messages), pauses);
    user.send(&to_server(0, b"two"));
    assert_eq!(server.data(true, 0, 0, 3), b"two");
}

#[test]
fn a_longer_queue_lets_those_go_on_that_wait() {
    let small = Config { queue_bytes: 64 << 10, stall_timeout: HOUR, ..config() };
    let relay = start(small.clone());
    let mut server = relay.connect_small();
    server.create(b"a");
    let mut user = relay.connect();
    user.enter(b"a");
    let all = 8 << 20;
    let bytes = common::pattern(all, 3);
    let writer = std::thread::spawn({
        let framed = to_server(0, &bytes);
        move || user.socket.write_all(&framed).map(|()| user).unwrap()
    });
    relay.until(|stats| stats.paused == 1);
    relay.with(move |relay| relay.reconfigure(Config { queue_bytes: 32 << 20, ..small }).unwrap());
    // everything is taken although nobody reads it
    relay.until(|stats| stats.paused == 0 && stats.received_bytes > all as u64);
    let _user = writer.join().unwrap();
    server.control();
    assert!(server.data(true, 0, 0, all) == bytes);
}

#[test]
fn more_memory_makes_queues_longer() {
    let little = Config { queue_bytes: 1 << 20, memory_bytes: 1 << 20, stall_timeout: HOUR, ..config() };
    let relay = start(little.clone());
    let mut server = relay.connect_small();
    server.create(b"a");
    let mut user = relay.connect();
    user.enter(b"a");
    let writer = std::thread::spawn(move || {
        let _ = user.socket.write_all(&to_server(0, &common::pattern(32 << 20, 3)));
        user
    });
    // a queue may take an eighth of what is left
    let stats = relay.until(|stats| stats.paused == 1);
    assert!(stats.longest_queue < 256 << 10, "{stats:?}");
    relay.with(move |relay| relay.reconfigure(Config { memory_bytes: 64 << 20, ..little }).unwrap());
    let stats = relay.until(|stats| stats.longest_queue > 512 << 10 && stats.paused == 1);
    assert!(stats.queued_bytes < 2 << 20, "{stats:?}");
    server.socket.shutdown(std::net::Shutdown::Both).unwrap();
    writer.join().unwrap();
}

#[test]
fn a_shorter_queue_drains_first() {
    let large = Config { queue_bytes: 32 << 20, ..config() };
    let relay = start(large.clone());
    let mut server = relay.connect_small();
    server.create(b"a");
    let mut user = relay.connect();
    user.enter(b"a");
    let bytes = common::pattern(8 << 20, 4);
    user.send(&to_server(0, &bytes));
    relay.with(move |relay| {
        let small = Config { queue_bytes: 64 << 10, memory_bytes: 1 << 20, ..large };
        relay.reconfigure(small).unwrap()
    });
    let more = common::pattern(1 << 20, 5);
    let writer = std::thread::spawn({
        let framed = to_server(0, &more);
        move || user.socket.write_all(&framed).map(|()| user).unwrap()
    });
    server.control();
    assert!(server.data(true, 0, 0, bytes.len() + more.len()) == [bytes, more].concat());
    let mut user = writer.join().unwrap();
    talk(&mut server, &mut user);
}

#[test]
fn what_cannot_change_is_named_and_what_is_wrong_changes_nothing() {
    let relay = start(config());
    let (mut server, mut user) = relay.pair(b"a");
    relay.with(|relay| {
        let before = relay.local_addrs();
        let elsewhere = Config { listen: vec!["127.0.0.1:9".parse().unwrap()], ..config() };
        assert_eq!(relay.reconfigure(elsewhere).unwrap(), ["listen"]);
        assert_eq!(relay.local_addrs(), before);
        let wrong = Config { queue_bytes: 1, max_channels: 1, ..config() };
        assert_eq!(relay.reconfigure(wrong).unwrap_err().field(), "queue_bytes");
    });
    assert_eq!(server.create(b"b"), 1);
    talk(&mut server, &mut user);
}

#[test]
fn what_takes_effect_at_the_next_start_is_named_and_the_rest_holds() {
    let relay = start(config());
    let new = Config {
        listen: vec!["127.0.0.2:0".parse().unwrap()],
        cluster_name: "other".into(),
        cluster_lease: Duration::from_secs(20),
        max_channels: 1,
        ..config()
    };
    let kept = relay.with(|relay| relay.reconfigure(new).unwrap());
    assert_eq!(kept, ["listen", "cluster_name", "cluster_lease"]);
    let now = relay.with(|relay| relay.config().clone());
    assert_eq!((now.listen, now.cluster_name, now.max_channels), (config().listen, config().cluster_name, 1));
}

/// A certificate without a port, or a port without one, would be nothing to go on with.
#[cfg(feature = "tls")]
#[test]
fn a_certificate_for_other_ports_waits_for_the_next_start() {
    let (files, others) = (common::tls::Files::new(), common::tls::Files::new());
    let relay = start(files.config());
    let new = Config { listen_tls: vec!["127.0.0.2:0".parse().unwrap()], ..others.config() };
    let kept = relay.with(|relay| relay.reconfigure(new).unwrap());
    assert_eq!(kept, ["listen_tls", "tls_certificate", "tls_key"]);
    let none = Config { listen_tls: Vec::new(), ..config() };
    let kept = relay.with(|relay| relay.reconfigure(none).unwrap());
    assert_eq!(kept, ["listen_tls", "tls_certificate", "tls_key"]);
    assert_eq!(common::Endpoint::over(files.connect(relay.addresses[1])).create(b"a"), 0);
}
