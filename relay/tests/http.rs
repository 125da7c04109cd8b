//! What comes over the relay's port and begins like HTTP: pages, handshakes that are wrong, frames
//! against the rules.

mod common;

use std::io::Write;
use std::time::Duration;

use common::websocket::{BINARY, Browser, CLOSE, Frame, PING, REQUEST, frame, response};
use common::{config, start, talk, to_server};
use peote_relay::{Closed, Config};

#[test]
fn the_pages() {
    let relay = start(config());
    let health = response(&relay, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(health.starts_with("HTTP/1.1 200 OK\r\n") && health.ends_with("\r\n\r\nok\n"), "{health}");
    for path in ["/", "/metrics", "/index.html"] {
        let other = response(&relay, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        assert!(other.starts_with("HTTP/1.1 404 "), "{other}");
    }
    let stats = relay.until(|stats| stats.connections == 0);
    assert_eq!((stats.http_requests, stats.queued_bytes, stats.dropped), (4, 0, 0));
}

/// What browsers and proxies send and a request of the shortest kind has not.
#[test]
fn requests_of_browsers_and_proxies() {
    let relay = start(config());
    // all cookies of a host, whatever the port
    let cookies = (0..3).map(|number| format!("session{number}={}", "v".repeat(5000))).collect::<Vec<_>>();
    let cookies = format!("Cookie: {}\r\nHost:", cookies.join("; "));
    let lines = format!("{}Host:", "X-Forwarded-For: 192.0.2.1\r\n".repeat(95));
    let requests = [
        REQUEST.replace("Host:", &cookies),
        REQUEST.replace("Host:", &lines),
        REQUEST.replace("GET /", "GET ws://relay:7680/path"),
        REQUEST.replace("HTTP/1.1", "HTTP/1.2"),
        format!("\r\n\r\n{REQUEST}"),
        format!("\n{REQUEST}"),
        REQUEST.replace("dGhlIHNhbXBsZSBub25jZQ==", "AQIDBAUGBwgJCgsMDQ4PEC=="),
        REQUEST.replace("Host:", "Sec-WebSocket-Protocol: base64, binary\r\nHost:"),
    ];
    for request in requests {
        let mut socket = relay.connect().socket;
        socket.write_all(request.as_bytes()).unwrap();
        let head = common::websocket::head(&mut socket);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let is_asked = request.contains("Protocol");
        assert_eq!(head.contains("\r\nSec-WebSocket-Protocol: binary\r\n"), is_asked, "{head}");
        // what comes behind is frames
        let mut browser = Browser::behind(socket);
        browser.send(b"\0\0\x01\x01b");
        assert_eq!(browser.control(), [1, 0, 0]);
    }
    for request in [
        "HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n",
        "\r\nHEAD /health HTTP/1.0\r\n\r\n",
        "HEAD http://relay/health HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let response = response(&relay, request.as_bytes());
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n") && response.ends_with("\r\n\r\n"), "{response}");
        assert!(response.contains("\r\nContent-Length: 3\r\n"), "{response}");
    }
}

#[test]
fn the_figures_where_they_are_switched_on() {
    let relay = start(Config { metrics: true, ..config() });
    let (_server, _user) = relay.pair(b"a");
    let page = response(&relay, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("200 OK") && head.contains(&format!("Content-Length: {}", body.len())), "{page}");
    for line in ["peote_relay_channels 1", "peote_relay_users 1", "peote_relay_connections 3"] {
        assert!(body.lines().any(|other| other == line), "{line} is not in {body}");
    }
}

#[test]
fn handshakes_that_are_wrong_are_answered_and_closed() {
    let relay = start(config());
    let (mut server, mut user) = relay.pair(b"a");
    let cases = [
        (REQUEST.replace("Version: 13", "Version: 8"), "426"),
        (REQUEST.replace("Sec-WebSocket-Key", "X-Key"), "400"),
        (REQUEST.replace("HTTP/1.1", "HTTP/1.0"), "505"),
        (REQUEST.replace("Host: relay\r\n", ""), "400"),
        (REQUEST.replace("Connection: Upgrade", "Connection: close"), "400"),
        (REQUEST.replace("GET", "GOT"), "405"),
        (REQUEST.replace("GET", "POST"), "405"),
        (REQUEST.replace("GET", "HEAD"), "405"),
        ("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n".into(), "404"),
        ("GET / HTTP/1.1\r\n\r\n".into(), "400"),
        (REQUEST.replace("Host", &"h".repeat(17_000)), "431"),
        (REQUEST.replace("Host: relay", &["A: b"; 101].join("\r\n")), "431"),
        ("G\n\n".into(), "400"),
        // what comes behind a request that is refused does not keep the endpoint from reading why
        (format!("GET / HTTP/1.1\r\nHost: x\r\n\r\n{}", "x".repeat(400_000)), "404"),
    ];
    for (request, status) in cases {
        let response = response(&relay, request.as_bytes());
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
    }
    talk(&mut server, &mut user);
    let stats = relay.until(|stats| stats.connections == 2);
    assert_eq!((stats.http_requests, stats.websockets, stats.queued_bytes), (14, 0, 0));
}

/// A page can make a browser send any bytes to any port, behind the head of a request.
#[test]
fn what_a_page_of_another_origin_makes_a_browser_send_is_no_command() {
    let relay = start(Config { allowed_origins: vec!["https://good.example".into()], ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    for (method, status) in [
        ("POST", 405),
        ("PUT", 405),
        ("OPTIONS", 405),
        ("HEAD", 404),
        ("DELETE", 405),
        ("X", 405),
        ("\r\nPOST", 405),
    ] {
        let head = format!("{method} / HTTP/1.1\r\nHost: relay\r\nOrigin: https://evil.example\r\n\r\n");
        // as data for nobody the head would end with one of them
        for skipped in 0..128 {
            let commands = [&b"\0\x01\x01\x01a"[..], &to_server(0, b"evil")].concat();
            let bytes = [head.as_bytes(), &[b'x'; 128][..skipped], &commands].concat();
            assert!(response(&relay, &bytes).starts_with(&format!("HTTP/1.1 {status} ")));
        }
    }
    talk(&mut server, &mut user);
    let stats = relay.until(|stats| stats.connections == 2);
    assert_eq!(stats.users, 1);
}

#[test]
fn tls_is_closed_where_it_is_not_spoken() {
    let relay = start(config());
    let (mut server, mut user) = relay.pair(b"a");
    let mut client = relay.connect();
    // the start of a record, which as data for nobody would end in front of a command
    client.send(&[&[22, 3, 1, 2, 0][..], &[0; 18], b"\0\x01\x01\x01a"].concat());
    client.is_closed();
    talk(&mut server, &mut user);
    assert_eq!(relay.until(|stats| stats.connections == 2).closed.of(Closed::TlsFailed), 1);
}

#[test]
fn a_request_that_takes_too_long_is_given_up() {
    let relay = start(Config { handshake_timeout: Duration::from_millis(200), ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    let response = response(&relay, &REQUEST.as_bytes()[..REQUEST.len() - 1]);
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    // a byte now and then does not help
    let mut slow = relay.connect();
    for byte in REQUEST.bytes().cycle() {
        if slow.socket.write_all(&[byte]).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
        if relay.stats().connections == 2 {
            break;
        }
    }
    relay.until(|stats| stats.connections == 2);
    talk(&mut server, &mut user);
    // one that has come in time stays
    let mut browser = Browser::new(&relay);
    std::thread::sleep(Duration::from_millis(500));
    browser.send(b"\0\0\x01\x01b");
    assert_eq!(browser.control(), [1, 0, 0]);
}

#[test]
fn what_is_against_the_rules_ends_the_websocket_with_its_code() {
    let relay = start(config());
    let (mut server, mut user) = relay.pair(b"a");
    let unmasked = [BINARY, 3, 0, 0, 0].to_vec();
    let huge = [&[BINARY, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
    let cases = [
        (unmasked, 1002),
        (frame(0x81, b"text"), 1003),
        (frame(0xc2, b"x"), 1002),
        (frame(0x83, b"x"), 1002),
        (frame(0x09, b"x"), 1002),
        (frame(PING, &[0; 126]), 1002),
        (frame(0x80, b"x"), 1002),
        ([frame(0x02, b""), frame(BINARY, b"")].concat(), 1002),
        (huge, 1009),
        (frame(CLOSE, &[3]), 1002),
        (frame(CLOSE, &[3, 232, 0xff]), 1007),
        // the joint protocol's own rules: an unknown command
        (frame(BINARY, &[0, 99, 0, 0]), 1008),
    ];
    for (bytes, code) in cases {
        let mut browser = Browser::new(&relay);
        // there is more, which nobody reads and which must not be in the way of the code
        browser.raw(&[bytes, frame(BINARY, &[0; 400_000])].concat());
        browser.is_closed(Some(code));
        talk(&mut server, &mut user);
    }
    let stats = relay.until(|stats| stats.connections == 2);
    assert_eq!((stats.websockets, stats.queued_bytes), (0, 0));
}

#[test]
fn what_came_before_the_end_is_still_routed() {
    let relay = start(config());
    let mut server = relay.connect();
    server.create(b"a");
    for (number, end) in [frame(CLOSE, &[]), frame(0x81, b"text")].iter().enumerate() {
        let mut browser = Browser::new(&relay);
        let words = [b"\0\x01\x01\x01a", &to_server(0, b"last words")[..]].concat();
        browser.raw(&[&frame(BINARY, &words)[..], end, &frame(BINARY, &to_server(0, b"nothing"))].concat());
        let user = u8::try_from(number).unwrap();
        assert_eq!(server.control(), [0, 0, 0, user]);
        assert_eq!(server.data(true, 0, user, 10), b"last words");
        assert_eq!(server.control(), [0, 1, 0, user, 1]);
    }
}

#[test]
fn a_close_is_answered_while_the_receiver_of_its_endpoint_is_slow() {
    let relay = start(config());
    let mut server = relay.connect_small();
    server.create(b"slow");
    let mut browser = Browser::new(&relay);
    browser.send(b"\0\x01\x01\x04slow");
    browser.control();
    let bytes = to_server(0, &[7; 1000]).repeat(8 << 10);
    let mut socket = browser.socket.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        socket.write_all(&frame(BINARY, &bytes)).unwrap();
        socket.write_all(&frame(CLOSE, &4000u16.to_be_bytes())).unwrap();
    });
    relay.until(|stats| stats.paused == 1);
    server.control();
    assert_eq!(server.data(true, 0, 0, 8_192_000).len(), 8_192_000);
    assert_eq!(server.control(), [0, 1, 0, 0, 1]);
    browser.is_closed(Some(4000));
    writer.join().unwrap();
}

#[test]
fn closes_of_many_do_not_take_files_for_ever() {
    let relay = start(config());
    // more than are kept at a time; none of them ever closes its side
    let browsers: Vec<_> = (0..200)
        .map(|_| {
            let mut browser = Browser::new(&relay);
            browser.raw(&frame(CLOSE, &[]));
            browser
        })
        .collect();
    relay.until(|stats| stats.connections == 0);
    for mut browser in browsers {
        assert_eq!(browser.frame(), Frame::Close(None));
    }
}
