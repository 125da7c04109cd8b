//! Clients of TLS that ask for something particular, or for too much.
#![cfg(feature = "tls")]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;

use common::sealed::{ALERT, DATA, HANDSHAKE, Sealed};
use common::tls::{Files, Stream, hello};
use common::{ANNOUNCEMENT, Endpoint, PATIENCE, Running, start, talk};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConnection, SupportedProtocolVersion};

const CREATE: [u8; 5] = [0, 0, 7, 1, b'a'];

fn relay(files: &Files) -> Running {
    start(files.config())
}

fn socket(relay: &Running) -> TcpStream {
    let socket = TcpStream::connect(relay.addresses[1]).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// A connection with a handshake behind it.
fn connect(relay: &Running, mut client: ClientConnection) -> std::io::Result<Stream> {
    let mut socket = socket(relay);
    while client.is_handshaking() {
        client.complete_io(&mut socket)?;
    }
    Ok(Stream::new(client, socket))
}

/// A connection with a handshake behind it, whose records are sealed by hand from now on.
fn by_hand(relay: &Running, files: &Files, version: &'static SupportedProtocolVersion) -> Sealed<TcpStream> {
    let client = files.client_changed(&[version], |config| config.enable_secret_extraction = true);
    let Stream { mut conn, mut sock } = connect(relay, client).unwrap();
    // what the relay says first, and with TLS 1.3 the tickets before it, are nothing that secrets
    // could be taken out behind
    conn.writer().write_all(&CREATE).unwrap();
    let mut said = [0; ANNOUNCEMENT.len() + 5];
    let mut len = 0;
    while len < said.len() {
        conn.complete_io(&mut sock).unwrap();
        len += conn.reader().read(&mut said[len..]).unwrap_or(0);
    }
    assert_eq!(said[..ANNOUNCEMENT.len()], ANNOUNCEMENT);
    Sealed::new(sock, conn.dangerous_extract_secrets().unwrap(), version.version == TLS13.version)
}

/// What comes until the end.
fn until_the_end(sealed: &mut Sealed<TcpStream>) -> Vec<(u8, Vec<u8>)> {
    std::iter::from_fn(|| sealed.receive()).collect()
}

#[test]
fn the_one_protocol_that_can_be_asked_for_is_that_of_web_sockets() {
    let files = Files::new();
    let relay = relay(&files);
    let client = |protocols: &[&[u8]]| {
        let protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        files.client_changed(&[], |config| config.alpn_protocols = protocols)
    };
    type Case = (&'static [&'static [u8]], Option<&'static [u8]>);
    let cases: [Case; 3] =
        [(&[], None), (&[b"http/1.1"], Some(b"http/1.1")), (&[b"h2", b"http/1.1"], Some(b"http/1.1"))];
    for (asked, expected) in cases {
        let mut stream = connect(&relay, client(asked)).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), expected);
        // whatever was asked for, the first byte decides
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let mut endpoint = Endpoint::over(connect(&relay, client(asked)).unwrap());
        assert_eq!(endpoint.create(b"a"), 0);
        drop(endpoint);
        relay.until(|stats| stats.channels == 0);
    }
    for asked in [&[&b"h2"[..]][..], &[b"peote"], &[b"h3", b"spdy/3"]] {
        let error = connect(&relay, client(asked)).unwrap_err();
        assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
    }
    relay.until(|stats| stats.tls == 0);
}

/// TLS 1.2 has it that a client may begin another handshake on a connection. Each costs a relay a
/// hundred times what it costs the client.
#[test]
fn another_handshake_is_refused_once_and_then_ends_the_connection() {
    let files = Files::new();
    let relay = relay(&files);
    let (mut server, mut user) = relay.pair(b"other");
    let mut client = by_hand(&relay, &files, &TLS12);
    let record = hello(&mut files.client_with(&[&TLS12]));
    client.send(HANDSHAKE, &record[5..]);
    // a warning: no_renegotiation
    assert_eq!(client.receive(), Some((ALERT, vec![1, 100])));
    // and everything goes on
    client.send(DATA, &[0, 0, 8, 1, b'b']);
    let (kind, answer) = client.receive().unwrap();
    assert_eq!((kind, &answer[..4]), (DATA, &[0, 3, 8, 0][..]), "{answer:?}");
    client.send(HANDSHAKE, &record[5..]);
    let said = until_the_end(&mut client);
    assert!(said.iter().all(|(kind, content)| *kind == ALERT && content[0] == 2), "{said:?}");
    relay.until(|stats| stats.tls == 0);
    talk(&mut server, &mut user);
}

/// The same with TLS 1.3, which does not have it at all.
#[test]
fn another_handshake_in_the_new_version_ends_the_connection() {
    let files = Files::new();
    let relay = relay(&files);
    let mut client = by_hand(&relay, &files, &TLS13);
    let record = hello(&mut files.client_with(&[&TLS13]));
    client.send(HANDSHAKE, &record[5..]);
    let said = until_the_end(&mut client);
    assert!(said.iter().all(|(kind, content)| *kind == ALERT && content[0] == 2), "{said:?}");
    relay.until(|stats| stats.tls == 0);
}

#[test]
fn records_may_be_small_and_empty_but_not_empty_without_end() {
    let files = Files::new();
    let relay = relay(&files);
    let (mut server, mut user) = relay.pair(b"other");
    for version in [&TLS12, &TLS13] {
        let mut client = by_hand(&relay, &files, version);
        // a command, a byte in each record, and some without any between them; at once and one by
        // one
        for at_once in [true, false] {
            let mut records = Vec::new();
            for byte in [0, 0, 9, 1, b'c'] {
                (0..20).for_each(|_| records.push(client.seal(DATA, &[])));
                records.push(client.seal(DATA, &[byte]));
            }
            if at_once {
                client.socket.write_all(&records.concat()).unwrap();
            } else {
                records.iter().for_each(|record| client.socket.write_all(record).unwrap());
            }
            let (kind, answer) = client.receive().unwrap();
            assert_eq!((kind, &answer[..3]), (DATA, &[0, 3, 9][..]), "{answer:?}");
        }
        let flood: Vec<u8> = (0..20_000).flat_map(|_| client.seal(DATA, &[])).collect();
        common::tls::try_write(&mut client.socket, &flood);
        let _ = client.socket.read_to_end(&mut Vec::new());
        relay.until(|stats| stats.tls == 0);
        talk(&mut server, &mut user);
    }
}

#[test]
fn keys_are_updated_but_not_without_end() {
    let files = Files::new();
    let relay = relay(&files);
    let mut endpoint = Endpoint::over(connect(&relay, files.client_with(&[&TLS13])).unwrap());
    assert_eq!(endpoint.create(b"a"), 0);
    let mut user = relay.connect();
    user.enter(b"a");
    endpoint.control();
    for _ in 0..100 {
        endpoint.socket.conn.refresh_traffic_keys().unwrap();
        talk(&mut endpoint, &mut user);
    }
    // asking for new keys again and again and saying nothing
    let mut greedy = connect(&relay, files.client_with(&[&TLS13])).unwrap();
    for _ in 0..100 {
        greedy.conn.refresh_traffic_keys().unwrap();
        let _ = greedy.flush();
    }
    let mut rest = Vec::new();
    let _ = greedy.read_to_end(&mut rest);
    relay.until(|stats| stats.tls == 1);
    talk(&mut endpoint, &mut user);
}
