//! TLS: endpoints over it, and those that do not speak it as they should.
#![cfg(feature = "tls")]

mod common;
mod program;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use common::tls::{Files, Stream, hello, rest, spoil, try_write};
use common::websocket::{Browser, head};
use common::{
    ANNOUNCEMENT, Endpoint, PATIENCE, Running, open, pattern, start, talk, to_all, to_server, to_user,
};
use peote_relay::{Config, Relay};
use rustls::StreamOwned;

fn relay(files: &Files) -> Running {
    start(files.config())
}

fn plain(relay: &Running) -> TcpStream {
    let socket = TcpStream::connect(relay.addresses[1]).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn secure(relay: &Running, files: &Files) -> Endpoint<Stream> {
    Endpoint::over(files.connect(relay.addresses[1]))
}

#[test]
fn endpoints_with_and_without_tls_talk_with_each_other() {
    let files = Files::new();
    let relay = relay(&files);
    let (mut server, mut user) = (secure(&relay, &files), relay.connect());
    open(b"a", &mut server, &mut user);
    talk(&mut server, &mut user);
    let mut second = secure(&relay, &files);
    second.enter(b"a");
    server.control();
    second.send(&to_server(0, b"over TLS to TLS"));
    assert_eq!(server.data(true, 0, 1, 15), b"over TLS to TLS");
    assert_eq!(relay.until(|stats| stats.connections == 3).tls, 2);
    drop((server, second));
    let stats = relay.until(|stats| stats.tls == 0 && stats.connections == 1);
    assert_eq!(stats.queued_bytes, 0, "{stats:?}");
}

#[test]
fn old_and_new_versions_of_tls_are_spoken() {
    let files = Files::new();
    let relay = relay(&files);
    // each with a name of its own: the relay may not have seen yet that the other connection has ended
    for (version, name) in [(&rustls::version::TLS12, b"a"), (&rustls::version::TLS13, b"b")] {
        let socket = plain(&relay);
        let mut server = Endpoint::over(StreamOwned::new(files.client_with(&[version]), socket));
        let mut user = relay.connect();
        open(name, &mut server, &mut user);
        talk(&mut server, &mut user);
        assert_eq!(server.socket.conn.protocol_version(), Some(version.version));
    }
}

#[test]
fn much_data_goes_both_ways_at_once() {
    const LEN: usize = 6 << 20;
    let files = Files::new();
    let relay = relay(&files);
    let (mut server, mut user) = (secure(&relay, &files), relay.connect());
    open(b"a", &mut server, &mut user);
    let (up, down) = (pattern(LEN, 1), pattern(LEN, 2));
    let mut socket = user.socket.try_clone().unwrap();
    let bytes = to_server(0, &up);
    let writer = std::thread::spawn(move || socket.write_all(&bytes).unwrap());
    let expected = down.clone();
    let reader = std::thread::spawn(move || assert!(user.data(false, 0, 0, LEN) == expected));
    // the user takes what it gets in its own thread, so this cannot stand still
    server.send(&to_user(0, 0, &down));
    assert!(server.data(true, 0, 0, LEN) == up);
    writer.join().unwrap();
    reader.join().unwrap();
}

#[test]
fn web_sockets_come_over_tls() {
    let files = Files::new();
    let relay = relay(&files);
    let mut server = relay.connect();
    server.create(b"a");
    let mut browser = Browser::over_any(files.connect(relay.addresses[1]));
    browser.send(&[0, 1, 1, 1, b'a']);
    server.control();
    let bytes = pattern(300_000, 3);
    browser.send(&to_server(0, &bytes));
    assert!(server.data(true, 0, 0, bytes.len()) == bytes);
    // what the relay can do, its answer to enter, and then the data
    assert_eq!(browser.bytes(6), ANNOUNCEMENT);
    assert_eq!(browser.bytes(5), [0, 3, 1, 0, 0]);
    server.send(&to_user(0, 0, &bytes));
    assert!(browser.data(0, bytes.len()) == bytes);
    let stats = relay.stats();
    assert_eq!((stats.websockets, stats.tls), (1, 1));
    let mut page = files.connect(relay.addresses[1]);
    page.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert!(head(&mut page).starts_with("HTTP/1.1 200 "));
    let mut body = String::new();
    page.read_to_string(&mut body).unwrap(); // an end without close_notify would be an error
    assert_eq!(body, "ok\n");
}

#[test]
fn a_slow_receiver_over_tls_is_bounded_and_gets_everything() {
    const LEN: usize = 24 << 20;
    let files = Files::new();
    let relay = relay(&files);
    let mut server = relay.connect();
    server.create(b"a");
    let mut user = secure(&relay, &files);
    user.enter(b"a");
    server.control();
    let idle = relay.until(|stats| stats.connections == 2).queued_bytes;
    let bytes = pattern(LEN, 4);
    let mut socket = server.socket.try_clone().unwrap();
    let sent = to_all(0, &bytes);
    let writer = std::thread::spawn(move || socket.write_all(&sent).unwrap());
    let stats = relay.until(|stats| stats.paused == 1);
    assert!(stats.queued_bytes < 3 << 20, "{stats:?}");
    let (mut other_server, mut other_user) = relay.pair(b"other");
    talk(&mut other_server, &mut other_user);
    assert!(user.data(false, 0, 0, LEN) == bytes);
    writer.join().unwrap();
    drop((other_server, other_user));
    relay.until(|stats| stats.paused == 0 && stats.queued_bytes <= idle);
}

#[test]
fn handshakes_that_stall_end_and_nobody_else_notices() {
    let files = Files::new();
    let config = Config {
        first_byte_timeout: Duration::from_millis(300),
        handshake_timeout: Duration::from_millis(300),
        ..files.config()
    };
    let relay = start(config);
    let (mut server, mut user) = relay.pair(b"a");
    let mut stalled = Vec::new();
    for number in 0..60 {
        let mut socket = plain(&relay);
        let mut client = files.client();
        let bytes = hello(&mut client);
        match number % 4 {
            0 => {}                                                    // says nothing
            1 => socket.write_all(&bytes[..bytes.len() / 2]).unwrap(), // half a hello
            2 => socket.write_all(&bytes).unwrap(),                    // does not answer
            _ => {
                // a whole handshake, and then nothing
                client = files.client();
                while client.is_handshaking() {
                    client.complete_io(&mut socket).unwrap();
                }
            }
        }
        stalled.push(socket);
    }
    talk(&mut server, &mut user);
    for socket in &mut stalled {
        rest(socket);
    }
    relay.until(|stats| stats.tls == 0 && stats.connections == 2);
    talk(&mut server, &mut user);
}

#[test]
fn a_handshake_byte_by_byte_is_one() {
    let files = Files::new();
    let relay = relay(&files);
    let mut socket = plain(&relay);
    socket.set_nodelay(true).unwrap();
    let mut client = files.client();
    for byte in hello(&mut client) {
        socket.write_all(&[byte]).unwrap();
    }
    while client.is_handshaking() {
        client.complete_io(&mut socket).unwrap();
    }
    let mut server = Endpoint::over(StreamOwned::new(client, socket));
    assert_eq!(server.create(b"a"), 0);
}

#[test]
fn what_is_not_tls_is_told_so_and_ends() {
    let files = Files::new();
    let relay = relay(&files);
    let (mut server, mut user) = relay.pair(b"a");
    let record = |kind: u8, len: u16, body: &[u8]| [&[kind, 3, 3], &len.to_be_bytes()[..], body].concat();
    let mut long_hello = vec![1, 0, 0xff, 0xff];
    long_hello.resize(16_384, 0);
    let next = record(22, 16_384, &vec![0; 16_384]);
    let endless = [record(22, 16_384, &long_hello), next.clone(), next].concat();
    let mut kinds = vec![
        vec![0, 0, 1, 1, b'a'],         // the joint protocol without TLS
        vec![0xff; 4096],               // anything
        record(22, 0xffff, &[0; 9000]), // a record that is too long
        record(23, 100, &[0; 100]),     // data before the handshake
        record(22, 4, &[1, 0, 0, 0]),   // a hello without content
        record(22, 0, &[]),             // an empty one
        record(21, 2, &[2, 40]),        // gives up at once
        endless,                        // a message of the handshake that is too long
    ];
    let mut bytes = hello(&mut files.client());
    for byte in &mut bytes[40..] {
        *byte ^= 0x55;
    }
    kinds.push(bytes);
    for bytes in kinds {
        let mut socket = plain(&relay);
        try_write(&mut socket, &bytes);
        let said = rest(&mut socket);
        assert!(said.is_empty() || said[0] == 21, "not an alert: {said:?}");
    }
    let mut socket = plain(&relay);
    socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let said = String::from_utf8(rest(&mut socket)).unwrap();
    assert!(said.starts_with("HTTP/1.1 400 ") && said.contains("TLS"), "{said}");
    talk(&mut server, &mut user);
    relay.until(|stats| stats.tls == 0);
}

#[test]
fn rubbish_after_the_handshake_ends_only_that_connection() {
    let files = Files::new();
    let relay = relay(&files);
    let (mut server, mut user) = relay.pair(b"a");
    let mut broken = secure(&relay, &files);
    broken.create(b"b");
    let mut guest = relay.connect();
    guest.enter(b"b");
    broken.control();
    broken.send(&to_user(0, 0, b"before"));
    broken.socket.sock.write_all(&[23, 3, 3, 0, 40]).unwrap();
    broken.socket.sock.write_all(&[7; 40]).unwrap();
    // what came before still arrives
    assert_eq!(guest.data(false, 0, 0, 6), b"before");
    assert_eq!(guest.control().first(), Some(&0));
    relay.until(|stats| stats.tls == 0);
    talk(&mut server, &mut user);
}

#[test]
fn a_connection_that_is_cut_off_is_lost_and_one_that_is_closed_has_ended() {
    let files = Files::new();
    let relay = relay(&files);
    for is_closed in [false, true] {
        let mut endpoint = secure(&relay, &files);
        assert_eq!(endpoint.create(b"a"), 0);
        if is_closed {
            endpoint.socket.conn.send_close_notify();
            endpoint.socket.flush().unwrap();
            // it is closed in return
            let mut rest = Vec::new();
            endpoint.socket.read_to_end(&mut rest).unwrap();
        } else {
            endpoint.socket.sock.shutdown(Shutdown::Write).unwrap();
            let error = endpoint.socket.read_to_end(&mut Vec::new()).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{error}");
        }
        relay.until(|stats| stats.tls == 0 && stats.channels == 0);
    }
}

#[test]
fn a_relay_that_stops_closes_tls() {
    let files = Files::new();
    let relay = relay(&files);
    let mut endpoint = secure(&relay, &files);
    assert_eq!(endpoint.create(b"a"), 0);
    relay.ask_to_stop();
    let mut rest = Vec::new();
    endpoint.socket.read_to_end(&mut rest).unwrap();
    drop(endpoint);
    relay.stop().unwrap();
}

#[test]
fn new_certificates_are_for_new_connections_and_wrong_ones_for_none() {
    let mut files = Files::new();
    let relay = relay(&files);
    let mut server = secure(&relay, &files);
    server.create(b"a");
    files.renew();
    // the relay has not read them yet
    let error = files.connect(relay.addresses[1]).write(b"x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    relay.with(|relay| relay.reload_tls().unwrap());
    let mut user = secure(&relay, &files);
    user.enter(b"a");
    server.control();
    talk(&mut server, &mut user);
    spoil(&files.key);
    let key = files.key.display().to_string();
    let error = relay.with(|relay| relay.reload_tls().unwrap_err()).to_string();
    assert!(error.contains("tls-key") && error.contains(&key), "{error}");
    let mut another = secure(&relay, &files);
    assert_eq!(another.enter(b"a"), 0);
    let other = Files::new();
    std::fs::copy(&other.key, &files.key).unwrap();
    let error = relay.with(|relay| relay.reload_tls().unwrap_err()).to_string();
    assert!(error.contains("not the key of the certificate"), "{error}");
    std::fs::remove_file(&files.certificate).unwrap();
    let error = relay.with(|relay| relay.reload_tls().unwrap_err()).to_string();
    assert!(error.contains("tls-certificate") && error.contains("cannot be read"), "{error}");
    assert!(Relay::bind(files.config()).is_err());
}

#[cfg(unix)]
#[test]
fn the_program_reads_them_again_on_sighup() {
    use rustix::process::Signal;

    let mut files = Files::new();
    let (certificate, key) = (files.certificate.clone(), files.key.clone());
    let arguments = ["--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0", "--tls-certificate"];
    let arguments =
        [&arguments[..], &[certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()]].concat();
    let mut relay = program::Running::start(&arguments);
    let _without = relay.address();
    let address = relay.address();
    let mut old = Endpoint::over(files.connect(address));
    assert_eq!(old.create(b"a"), 0);
    files.renew();
    relay.signal(Signal::HUP);
    relay.log_until("configuration read again");
    let mut new = Endpoint::over(files.connect(address));
    assert_eq!(new.create(b"b"), 0);
    // it is said once, whatever else has changed, and as often as it is tried
    spoil(&certificate);
    for _ in 0..2 {
        relay.signal(Signal::HUP);
        let log = relay.log_until("certificate and key stay as they were").join("\n");
        assert!(log.contains(&format!("tls-certificate {}: ", certificate.display())), "{log}");
        assert!(!log.contains("read again"), "{log}");
        assert_eq!(log.matches(" ERROR ").count(), 1, "{log}");
    }
    assert_eq!(Endpoint::over(files.connect(address)).create(b"c"), 0);
    assert_eq!(old.create(b"d"), 1);
    relay.signal(Signal::TERM);
    assert_eq!(relay.end().0, Some(0));
    program::refused(
        &["--listen-tls", "127.0.0.1:0"],
        &["--listen-tls: listen-tls needs tls-certificate; set it, or remove listen-tls"],
    );
}

/// Whatever is wrong with a file is wrong at the next start, too: exit code 2, and a line that
/// names the file and what it is.
#[test]
fn the_program_names_files_that_cannot_be_used() {
    let files = Files::new();
    let other = Files::new();
    let [certificate, key, wrong] =
        [&files.certificate, &files.key, &files.certificate.with_file_name("wrong.pem")].map(Clone::clone);
    let read = |path: &std::path::Path| std::fs::read(path).unwrap();
    let refused = |certificate: &std::path::Path, key: &std::path::Path, start: &str, part: &str| {
        let [certificate, key] = [certificate, key].map(|path| path.to_str().unwrap().to_string());
        let arguments = ["--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0"];
        let files = ["--tls-certificate", &certificate, "--tls-key", &key];
        let output = program::output(&[&arguments[..], &files].concat());
        let line = program::text(&output.stderr);
        let line = line.lines().last().unwrap();
        assert!(line.starts_with(&format!("peote-relay: {start} ")) && line.contains(part), "{line}");
        assert_eq!((output.status.code(), program::text(&output.stdout)), (Some(2), String::new()), "{line}");
    };
    let wrong_key = |content: &[u8], part: &str| {
        std::fs::write(&wrong, content).unwrap();
        refused(&certificate, &wrong, "tls-key", part);
    };
    wrong_key(
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "passphrase",
    );
    wrong_key(b"", "empty");
    wrong_key(
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "of no kind that is known here",
    );
    wrong_key(&read(&certificate), "the wrong way round?");
    wrong_key(&read(&other.key), "not the key of the certificate in");
    refused(&certificate, certificate.parent().unwrap(), "tls-key", "cannot be read");
    refused(&certificate, &certificate.with_file_name("nothing.pem"), "tls-key", "cannot be read");
    refused(&key, &key, "tls-certificate", "the wrong way round?");
    std::fs::write(&wrong, [read(&other.certificate), read(&certificate)].concat()).unwrap();
    refused(&wrong, &key, "tls-key", "the key of certificate number 2 in");
    std::fs::write(&wrong, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    refused(&wrong, &key, "tls-certificate", "not a certificate: ");
}

/// All or nothing: with a file that cannot be used nothing of a new configuration holds.
#[cfg(unix)]
#[test]
fn a_reload_that_cannot_take_a_file_takes_nothing() {
    let files = Files::new();
    let wrong = files.key.with_file_name("wrong.pem");
    std::fs::write(&wrong, "").unwrap();
    let config = |key: &std::path::Path, channels: u32| {
        let certificate = &files.certificate;
        let tls =
            format!("listen-tls = [\"127.0.0.1:0\"]\ntls-certificate = {certificate:?}\ntls-key = {key:?}\n");
        format!("listen = []\nmax-channels = {channels}\n{tls}")
    };
    let path = program::file("tls-reload.toml", &config(&files.key, 10));
    let mut relay = program::Running::start(&["--config", path.to_str().unwrap()]);
    let address = relay.address();
    for key in [&wrong, &wrong, &files.key] {
        std::fs::write(&path, config(key, 1)).unwrap();
        relay.signal(rustix::process::Signal::HUP);
        let is_taken = key == &files.key;
        let log = relay.log_until(if is_taken { "read again" } else { "stay as they were" }).join("\n");
        assert_eq!(log.contains("max-channels = 1, before 10"), is_taken, "{log}");
        assert!(!log.contains("tls-key = "), "{log}");
        assert_eq!(Endpoint::over(files.connect(address)).create(b"a"), 0);
    }
}
