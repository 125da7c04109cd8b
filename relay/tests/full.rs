//! A relay that is as full as it may be: those who watch it see that it is well, others are told
//! that it is full.

mod common;
mod program;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use common::websocket::REQUEST;
use common::{Endpoint, PATIENCE, Running, config, start, talk};
use peote_relay::{Closed, Config, TurnedAway};

/// Addresses of this machine for endpoints, and for whoever else asks.
const ENDPOINTS: [u8; 4] = [127, 0, 0, 2];
const STRANGER: [u8; 4] = [127, 0, 0, 3];

fn from(address: [u8; 4], relay: &Running) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
    socket.connect(&relay.address.into()).unwrap();
    let socket = TcpStream::from(socket);
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Everything that comes for a request.
fn ask(address: [u8; 4], relay: &Running, request: &str) -> String {
    let mut socket = from(address, relay);
    socket.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    let _ = socket.read_to_string(&mut response);
    response
}

fn get(address: [u8; 4], relay: &Running, path: &str) -> String {
    ask(address, relay, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
}

/// A relay of which two endpoints use up this limit.
fn full(change: impl FnOnce(&mut Config)) -> (Running, Endpoint, Endpoint) {
    let mut config = Config { metrics: true, details: true, ..config() };
    config.watch_from = vec!["127.0.0.2/32".parse().unwrap()];
    change(&mut config);
    let relay = start(config);
    let [mut server, mut user] = [(); 2].map(|()| Endpoint::new(from(ENDPOINTS, &relay)));
    common::open(b"a", &mut server, &mut user);
    (relay, server, user)
}

#[test]
fn those_who_watch_see_all_pages_at_every_limit() {
    type Change = fn(&mut Config);
    let limits: [(TurnedAway, Change); 4] = [
        (TurnedAway::Connections, |config| config.max_connections = 2),
        (TurnedAway::Address, |config| config.max_connections_per_address = 2),
        (TurnedAway::Network, |config| config.max_connections_per_network = 2),
        (TurnedAway::Rate, |config| {
            (config.connections_per_second_per_address, config.burst) = (1, Duration::from_secs(2));
        }),
    ];
    for (cause, change) in limits {
        let (relay, mut server, mut user) = full(change);
        // more than are kept at a time
        for _ in 0..20 {
            let health = get(ENDPOINTS, &relay, "/health");
            assert!(
                health.starts_with("HTTP/1.1 200 OK\r\n") && health.ends_with("\r\n\r\nok\n"),
                "{cause}: {health}"
            );
        }
        assert!(ask(ENDPOINTS, &relay, "HEAD /health HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
        let metrics = get(ENDPOINTS, &relay, "/metrics");
        assert!(metrics.contains("\npeote_relay_connections 2\n"), "{cause}: {metrics}");
        let details = get(ENDPOINTS, &relay, "/details");
        assert!(details.contains("\"connections\":2,"), "{cause}: {details}");
        assert!(get(ENDPOINTS, &relay, "/nothing").starts_with("HTTP/1.1 404 "));
        if cause != TurnedAway::Rate {
            let stats = relay.stats();
            assert_eq!((stats.turned_away.total(), stats.closed.of(Closed::Page)), (0, 23), "{cause}");
            assert_eq!((stats.accepted, stats.http_requests, stats.connections), (26, 24, 2), "{cause}");
            // a page is all that they get
            let socket = ask(ENDPOINTS, &relay, REQUEST);
            assert!(
                socket.starts_with("HTTP/1.1 503 ") && socket.contains("\r\n\r\nfull: "),
                "{cause}: {socket}"
            );
            let mut endpoint = from(ENDPOINTS, &relay);
            endpoint.write_all(b"\0\0\x01\x01b").unwrap();
            assert!(matches!(endpoint.read(&mut [0; 10]), Ok(0) | Err(_)));
            let stats = relay.stats();
            assert_eq!((stats.turned_away.of(cause), stats.turned_away.total()), (2, 2), "{cause}");
        }
        talk(&mut server, &mut user);
    }
}

#[test]
fn others_are_told_that_it_is_full() {
    let (relay, mut server, mut user) = full(|config| config.max_connections = 2);
    for request in ["GET /health", "HEAD /health", "GET /metrics", "GET /", "\r\nGET /health"] {
        let response = ask(STRANGER, &relay, &format!("{request} HTTP/1.1\r\nHost: relay\r\n\r\n"));
        assert!(response.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{request}: {response}");
        let is_head = request.starts_with("HEAD");
        assert_eq!(
            response
                .ends_with("\r\n\r\nfull: there are as many connections as there may be (max-connections)\n"),
            !is_head
        );
    }
    assert!(ask(STRANGER, &relay, REQUEST).starts_with("HTTP/1.1 503 "));
    assert_eq!(relay.stats().turned_away.of(TurnedAway::Connections), 6);
    talk(&mut server, &mut user);
    // once there is room they are as all others
    drop(user);
    relay.until(|stats| stats.connections == 1);
    assert!(get(STRANGER, &relay, "/health").starts_with("HTTP/1.1 200 "));
}

/// However many hold out and say nothing, or half a request, those who watch find a place.
#[test]
fn strangers_take_no_place_of_those_who_watch() {
    let (relay, mut server, mut user) = full(|config| config.max_connections = 2);
    let strangers: Vec<_> = (0..100).map(|_| from(STRANGER, &relay)).collect();
    for mut stranger in &strangers {
        let _ = stranger.write_all(b"GET /health HTTP/1.1\r\n");
    }
    assert!(get(ENDPOINTS, &relay, "/health").starts_with("HTTP/1.1 200 "));
    assert!(relay.stats().open_sockets < 30);
    // and they go by themselves
    relay.until(|stats| stats.turned_away.of(TurnedAway::Connections) == 100);
    for mut stranger in strangers {
        assert!(matches!(stranger.read(&mut [0; 10]), Ok(0) | Err(_)));
    }
    talk(&mut server, &mut user);
}

/// Who may not connect at all gets no answer, unless it may watch.
#[test]
fn those_who_may_not_connect_are_told_nothing() {
    let (relay, ..) = full(|config| config.connect_from = vec!["127.0.0.2/32".parse().unwrap()]);
    assert_eq!(get(STRANGER, &relay, "/health"), "");
    let (watched, ..) = full(|config| {
        config.connect_from = vec!["127.0.0.2/32".parse().unwrap()];
        config.watch_from = vec!["127.0.0.3/32".parse().unwrap()];
    });
    assert!(get(STRANGER, &watched, "/health").starts_with("HTTP/1.1 200 "));
    assert_eq!(relay.stats().turned_away.of(TurnedAway::AddressNotAllowed), 1);
}

#[test]
fn the_program_says_that_a_relay_is_full() {
    let limits = ["--listen", "127.0.0.1:0", "--max-connections", "1"];
    for (watch_from, code, text) in
        [("127.0.0.0/8", 0, ""), ("127.9.9.9", 1, "503 Service Unavailable: full: ")]
    {
        let mut relay = program::Running::start(&[&limits[..], &["--watch-from", watch_from]].concat());
        let address = relay.address();
        let mut server = Endpoint::new(TcpStream::connect(address).unwrap());
        server.create(b"a");
        let output = program::output(&["health", &address.to_string()]);
        let errors = program::text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{errors}");
        assert!(errors.contains(text) && errors.lines().count() == usize::from(code != 0), "{errors}");
    }
}
