//! The end of a relay: what was queued arrives, and endpoints are told.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::websocket::{BINARY, Browser, Frame, REQUEST, frame};
use common::{Endpoint, config, pattern, start, to_server};
use peote_relay::Config;

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn what_is_queued_arrives_even_if_the_receiver_goes_on_talking() {
    let relay = start(Config { queue_bytes: 32 << 20, shutdown_timeout: MINUTE, ..config() });
    let mut server = relay.connect_small();
    server.create(b"a");
    let mut user = relay.connect();
    user.enter(b"a");
    let bytes = pattern(8 << 20, 9);
    user.send(&to_server(0, &bytes));
    relay.until(|stats| stats.received_bytes > bytes.len() as u64);
    relay.ask_to_stop();
    // closed for new ones: whoever comes now is not served
    while TcpStream::connect(relay.address).is_ok() {
        std::thread::sleep(Duration::from_millis(2));
    }
    // the relay reads none of this; were it left unread, the connection would be reset and the rest
    // be lost
    server.send(&common::to_all(0, &[1; 100_000]));
    assert_eq!(server.control(), [0, 0, 0, 0]);
    assert!(server.data(true, 0, 0, bytes.len()) == bytes);
    assert_eq!(server.next(), None, "nothing else is said, not even that the user is gone");
    assert_eq!(user.next(), None, "nor that the channel is");
    drop((server, user));
    relay.stop().unwrap();
}

#[test]
fn a_websocket_gets_what_is_queued_and_then_the_code() {
    let relay = start(Config { queue_bytes: 32 << 20, shutdown_timeout: MINUTE, ..config() });
    let mut browser = Browser::new(&relay);
    browser.send(b"\0\0\x01\x01a");
    assert_eq!(browser.control(), [1, 0, 0]);
    let mut user = relay.connect();
    user.enter(b"a");
    let bytes = pattern(8 << 20, 10);
    let framed = to_server(0, &bytes);
    user.send(&framed);
    relay.until(|stats| stats.received_bytes > framed.len() as u64);
    relay.ask_to_stop();
    assert_eq!(user.next(), None);
    browser.raw(&frame(BINARY, &[0; 100_000]));
    let mut all = Vec::new();
    loop {
        match browser.frame() {
            Frame::Binary(payload) => all.extend(payload),
            other => {
                assert_eq!(other, Frame::Close(Some(1001)));
                break;
            }
        }
    }
    let data: usize = bytes.len();
    assert!(all.len() > data, "{} of {data} bytes", all.len());
    assert_eq!(browser.frame(), Frame::End);
    drop((browser, user));
    relay.stop().unwrap();
}

#[test]
fn requests_on_their_way_are_answered() {
    let relay = start(Config { shutdown_timeout: MINUTE, ..config() });
    let half = |request: &str| {
        let mut socket = relay.connect().socket;
        socket.write_all(&request.as_bytes()[..request.len() - 1]).unwrap();
        socket
    };
    let sockets = ["GET /health HTTP/1.1\r\nHost: relay\r\n\r\n", REQUEST].map(half);
    let sent = REQUEST.len() as u64;
    relay.until(|stats| stats.connections == 2 && stats.received_bytes > sent);
    relay.ask_to_stop();
    for mut socket in sockets {
        let mut response = String::new();
        socket.read_to_string(&mut response).unwrap();
        assert!(
            response.starts_with("HTTP/1.1 503 ") && response.ends_with("\r\n\r\nstopping\n"),
            "{response}"
        );
    }
    relay.stop().unwrap();
}

#[test]
fn who_takes_nothing_does_not_keep_it_from_ending() {
    let relay = start(Config { queue_bytes: 32 << 20, shutdown_timeout: Duration::ZERO, ..config() });
    let mut server = relay.connect_small();
    server.create(b"a");
    let mut user = relay.connect();
    user.enter(b"a");
    user.send(&to_server(0, &pattern(8 << 20, 9)));
    let quiet = relay.connect();
    relay.stop().unwrap();
    let ended = |mut endpoint: Endpoint| while endpoint.next().is_some() {};
    ended(server);
    ended(user);
    ended(quiet);
}
