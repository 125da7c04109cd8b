//! Handshakes and what follows them, changed on the way: a relay ends such connections, and nothing
//! else happens.
#![cfg(feature = "tls")]

mod common;
#[path = "../../std-adapter/tests/common/mutation.rs"]
mod mutation;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use common::tls::{Files, hello, rest};
use common::{PATIENCE, Running, start, talk};
use mutation::{Mutation, changes};
use proptest::prelude::*;
use rustls::ClientConnection;
use rustls::version::{TLS12, TLS13};

fn connect(relay: &Running) -> TcpStream {
    let socket = TcpStream::connect(relay.addresses[1]).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// A client whose bytes are changed, until it has said everything, or one of the two has had
/// enough.
fn play(
    mut client: ClientConnection,
    socket: &mut TcpStream,
    mutation: &mut Mutation,
    said: &[u8],
    piece: usize,
) {
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    client.writer().write_all(said).unwrap();
    let mut has_closed = false;
    loop {
        if !client.is_handshaking() && !std::mem::replace(&mut has_closed, true) {
            client.send_close_notify();
        }
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        for piece in mutation.apply(&bytes).chunks(piece) {
            if socket.write_all(piece).is_err() {
                return;
            }
        }
        if !client.is_handshaking() {
            return;
        }
        match client.read_tls(socket) {
            Ok(1..) if client.process_new_packets().is_ok() => {}
            // what is changed may make the relay wait for more than there is
            Err(error) if error.kind() == ErrorKind::WouldBlock && !mutation.is_changed => {}
            _ => return,
        }
    }
}

#[test]
fn whatever_is_changed_on_the_way_ends_that_connection_only() {
    let files = Files::new();
    let relay = start(files.config());
    let (mut server, mut user) = relay.pair(b"other");
    // commands that make sense, long and short ones, and what follows them
    let said = prop_oneof![
        Just([&[0, 0, 1, 200][..], &[b'n'; 200]].concat()),
        Just(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 1..3000),
    ];
    let strategy = (any::<bool>(), said, changes(3, 4000), 1_usize..2000);
    proptest!(ProptestConfig::with_cases(200), |((is_new, said, changes, piece) in strategy)| {
        let version = if is_new { &TLS13 } else { &TLS12 };
        let mut socket = connect(&relay);
        let mut mutation = Mutation::new(changes);
        play(files.client_with(&[version]), &mut socket, &mut mutation, &said, piece);
        let _ = socket.shutdown(Shutdown::Write);
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        rest(&mut socket);
    });
    talk(&mut server, &mut user);
    let stats = relay.until(|stats| stats.tls == 0 && stats.connections == 2 && stats.channels == 1);
    assert!(stats.queued_bytes < 64 * 1024, "{stats:?}");
}

#[test]
fn anything_instead_of_a_hello_ends_that_connection_only() {
    let files = Files::new();
    let relay = start(files.config());
    let (mut server, mut user) = relay.pair(b"other");
    let header = (20_u8..25, 0_u8..5, any::<u16>());
    let record =
        (header, proptest::collection::vec(any::<u8>(), 0..600)).prop_map(|((kind, version, len), body)| {
            // every second one of the right length
            let len = if len % 2 == 0 { u16::try_from(body.len()).unwrap() } else { len };
            [&[kind, 3, version][..], &len.to_be_bytes(), &body].concat()
        });
    let whole = hello(&mut files.client());
    let bytes = prop_oneof![
        2 => proptest::collection::vec(record.clone(), 0..8).prop_map(|records| records.concat()),
        2 => (proptest::collection::vec(record, 0..4), 0..whole.len()).prop_map(move |(records, len)| {
            [&whole[..len], &records.concat()].concat()
        }),
        1 => proptest::collection::vec(any::<u8>(), 0..3000),
    ];
    proptest!(ProptestConfig::with_cases(200), |(bytes in bytes)| {
        let mut socket = connect(&relay);
        let _ = socket.write_all(&bytes);
        let _ = socket.shutdown(Shutdown::Write);
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        rest(&mut socket);
    });
    // the next one is heard as ever
    let mut socket = files.connect(relay.addresses[1]);
    socket.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    drop(socket);
    talk(&mut server, &mut user);
    relay.until(|stats| stats.tls == 0 && stats.connections == 2);
}
