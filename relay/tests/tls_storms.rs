//! Many TLS handshakes: how many are answered, and when.
#![cfg(feature = "tls")]

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::tls::{Files, hello, rest};
use common::{PATIENCE, Running, start, talk};
use peote_relay::{Closed, Config, Paused};

fn connect(relay: &Running) -> TcpStream {
    let socket = TcpStream::connect(relay.addresses[1]).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Whether the relay answers a hello; it closes the connection otherwise.
fn is_answered(socket: &mut TcpStream) -> bool {
    socket.read(&mut [0; 16]).is_ok_and(|len| len > 0)
}

#[test]
fn a_copy_of_a_hello_is_not_answered() {
    let files = Files::new();
    let relay = start(files.config());
    let hello = hello(&mut files.client());
    let mut first = connect(&relay);
    first.write_all(&hello).unwrap();
    assert!(is_answered(&mut first));
    for _ in 0..5 {
        let mut copy = connect(&relay);
        copy.write_all(&hello).unwrap();
        assert!(rest(&mut copy).is_empty(), "nothing is said to it");
    }
    relay.until(|stats| stats.closed.of(Closed::TlsFailed) == 5);
    // a hello of its own is answered as ever
    let mut socket = files.connect(relay.addresses[1]);
    socket.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn a_hello_that_waits_for_its_network_is_no_copy_of_itself() {
    let files = Files::new();
    let burst = Duration::from_secs(1);
    let relay = start(Config { tls_handshakes_per_second_per_network: 4, burst, ..files.config() });
    let mut sockets: Vec<_> = (0..8)
        .map(|_| {
            let mut socket = connect(&relay);
            socket.write_all(&hello(&mut files.client())).unwrap();
            socket
        })
        .collect();
    for socket in &mut sockets {
        assert!(is_answered(socket));
    }
    let stats = relay.stats();
    assert!(stats.pauses.of(Paused::Handshakes) > 0, "{stats:?}");
    assert_eq!(stats.closed.of(Closed::TlsFailed), 0);
}

#[test]
fn handshakes_that_come_too_fast_end_with_the_time_for_a_first_byte() {
    let files = Files::new();
    let relay = start(Config {
        tls_handshakes_per_second_per_network: 1,
        burst: Duration::from_secs(1),
        first_byte_timeout: Duration::from_millis(400),
        ..files.config()
    });
    let sockets: Vec<_> = (0..10)
        .map(|_| {
            let mut socket = connect(&relay);
            socket.write_all(&hello(&mut files.client())).unwrap();
            socket
        })
        .collect();
    relay.until(|stats| stats.closed.of(Closed::FirstByteTimeout) >= 7);
    // who speaks without TLS does not notice
    let (mut server, mut user) = relay.pair(b"a");
    talk(&mut server, &mut user);
    drop(sockets);
}

#[test]
fn an_end_behind_a_hello_leaves_it_unanswered() {
    let files = Files::new();
    let relay = start(files.config());
    let mut socket = connect(&relay);
    // both are there before the relay looks
    relay.with({
        let hello = hello(&mut files.client());
        let mut socket = socket.try_clone().unwrap();
        move |_| {
            socket.write_all(&hello).unwrap();
            socket.shutdown(Shutdown::Write).unwrap();
        }
    });
    assert!(rest(&mut socket).is_empty());
    relay.until(|stats| stats.closed.of(Closed::Endpoint) == 1);
}

#[test]
fn each_turn_answers_one_hello() {
    let files = Files::new();
    let relay = start(files.config());
    let count = 30;
    let mut sockets: Vec<_> = (0..count).map(|_| connect(&relay)).collect();
    relay.until(|stats| stats.tls == count);
    let before = relay.turns.load(Ordering::Relaxed);
    for socket in &mut sockets {
        socket.write_all(&hello(&mut files.client())).unwrap();
    }
    for socket in &mut sockets {
        assert!(is_answered(socket));
    }
    let turns = relay.turns.load(Ordering::Relaxed) - before;
    assert!(turns >= count as u64 - 1, "{count} hellos in {turns} turns");
}
