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

/// A hello in records of so many bytes.
fn in_records_of(most: usize, hello: &[u8]) -> Vec<u8> {
    let (head, message) = hello.split_at(5);
    let record = |part: &[u8]| [&head[..3], &u16::try_from(part.len()).unwrap().to_be_bytes(), part].concat();
    message.chunks(most).flat_map(record).collect()
}

/// Of a hello: the pieces that it is sent in.
type Way = fn(&[u8]) -> Vec<Vec<u8>>;

#[test]
fn a_copy_is_one_however_it_comes() {
    let files = Files::new();
    let relay = start(Config { first_byte_timeout: Duration::from_secs(60), ..files.config() });
    // each of these is how a hello may come, but for the last one, with an alert in front
    let ways: [Way; 6] = [
        |hello| hello.chunks(1).take(44).map(<[u8]>::to_vec).chain([hello[44..].to_vec()]).collect(),
        |hello| vec![hello[..1].to_vec(), hello[1..].to_vec()],
        |hello| vec![in_records_of(1, hello)],
        |hello| vec![in_records_of(37, hello)],
        |hello| in_records_of(20, hello).chunks(30).map(<[u8]>::to_vec).collect(),
        |hello| vec![vec![21, 3, 3, 0, 2, 1, 90], hello.to_vec()],
    ];
    let say = |pieces: Vec<Vec<u8>>| {
        let mut socket = connect(&relay);
        for piece in pieces {
            // it may have had enough
            if socket.write_all(&piece).is_err() {
                break;
            }
            relay.stats();
        }
        socket
    };
    for way in &ways[..5] {
        assert!(is_answered(&mut say(way(&hello(&mut files.client())))), "it is no copy");
    }
    let hello = hello(&mut files.client());
    assert!(is_answered(&mut say(vec![hello.clone()])));
    let before = relay.stats().closed.of(Closed::TlsFailed);
    for way in ways {
        assert!(!is_answered(&mut say(way(&hello))));
    }
    relay.until(|stats| stats.closed.of(Closed::TlsFailed) == before + 6);
}

#[test]
fn the_start_of_a_hello_waits_for_the_rest_of_it() {
    let files = Files::new();
    let relay = start(Config { first_byte_timeout: Duration::from_millis(400), ..files.config() });
    let whole = hello(&mut files.client());
    let before = relay.turns.load(Ordering::Relaxed);
    let mut socket = connect(&relay);
    socket.write_all(&whole[..42]).unwrap();
    relay.until(|stats| stats.closed.of(Closed::FirstByteTimeout) == 1);
    let turns = relay.turns.load(Ordering::Relaxed) - before;
    assert!(turns < 2000, "it does not turn all the time: {turns}");
    assert!(rest(&mut socket).is_empty());
    // one that ends there is not waited for
    let relay = start(files.config());
    let mut socket = connect(&relay);
    socket.write_all(&whole[..42]).unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    relay.until(|stats| stats.closed.of(Closed::Endpoint) == 1);
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
