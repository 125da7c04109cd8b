//! What is counted, and who may see it.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use common::websocket::{Browser, response};
use common::{PATIENCE, Running, config, start, to_all, to_server, to_user};
use peote_relay::{Cause, Closed, Config, Paused, Refused, TurnedAway};

fn get(relay: &Running, page: &str) -> String {
    response(relay, format!("GET {page} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
}

/// Asks for a page from another address of this machine; only Linux has several without further
/// ado.
fn get_from(source: &str, relay: SocketAddr, page: &str) -> String {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&format!("{source}:0").parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.connect(&relay.into()).unwrap();
    let mut socket = TcpStream::from(socket);
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(format!("GET {page} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).unwrap();
    response
}

/// The value of a figure.
#[track_caller]
fn figure(page: &str, name: &str) -> u64 {
    let line = page.lines().find_map(|line| line.strip_prefix(&format!("peote_relay_{name} ")));
    line.unwrap_or_else(|| panic!("{name} is not in {page}")).parse().unwrap()
}

#[test]
fn units_and_those_of_them_that_are_broadcasts() {
    let relay = start(Config { metrics: true, ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    // one of size 0, one for nobody, a broadcast of size 0, one for all but the only one
    user.send(&[to_server(0, b"x").repeat(3), vec![0x80, 0], b"\x02\x05x".to_vec()].concat());
    server.send(&[to_all(0, b"y").repeat(4), vec![1, 1, 0x80, 0], b"\x01\x00\x03\x80\0z".to_vec()].concat());
    server.send(&to_user(0, 0, b"w"));
    assert_eq!(server.data(true, 0, 0, 3), b"xxx");
    assert_eq!(user.data(false, 0, 0, 5), b"yyyyw");
    let stats = relay.until(|stats| stats.received_units == 12);
    assert_eq!(stats.received_broadcasts, 6);
    let page = get(&relay, "/metrics");
    assert_eq!(figure(&page, "received_units_total"), 12);
    assert_eq!(figure(&page, "received_broadcasts_total"), 6);
}

#[test]
fn users_that_were_removed_and_blocked() {
    let relay = start(Config { metrics: true, ..config() });
    let mut server = relay.connect();
    server.create(b"a");
    let mut users: Vec<_> = (0..3).map(|_| relay.connect()).collect();
    for user in &mut users {
        user.enter(b"a");
        server.control();
    }
    // one leaves, one is removed, one is removed and blocked
    users[0].send(b"\0\x02\0\x01\0");
    server.send(b"\0\x04\0\x02\0\x01\0\x05\0\x02\0\x02");
    let stats = relay.until(|stats| stats.users == 0);
    assert_eq!((stats.removed_users, stats.blocked_users), (2, 1));
    let page = get(&relay, "/metrics");
    assert_eq!((figure(&page, "removed_users_total"), figure(&page, "blocked_users_total")), (2, 1));
}

#[test]
fn connections_by_transport() {
    let relay = start(Config { metrics: true, ..config() });
    let _plain = relay.pair(b"a");
    let browser = Browser::new(&relay);
    // the one that asks comes on top, as a plain one
    let page = get(&relay, "/metrics");
    let by_transport =
        |page: &str, name: &str| figure(page, &format!("connections_by_transport{{transport=\"{name}\"}}"));
    let all = ["plain", "websocket", "tls", "wss"];
    assert_eq!(all.map(|name| by_transport(&page, name)), [3, 1, 0, 0]);
    drop(browser);
    relay.until(|stats| stats.websockets == 0 && stats.connections == 2);
    let page = get(&relay, "/metrics");
    assert_eq!(all.map(|name| by_transport(&page, name)), [3, 0, 0, 0]);
}

#[cfg(feature = "tls")]
#[test]
fn connections_by_transport_over_tls() {
    let files = common::tls::Files::new();
    let relay = start(Config { metrics: true, ..files.config() });
    let secure = || files.connect(relay.addresses[1]);
    let mut endpoint = common::Endpoint::over(secure());
    endpoint.create(b"a");
    let mut browser = secure();
    browser.write_all(common::websocket::REQUEST.as_bytes()).unwrap();
    assert!(common::websocket::head(&mut browser).starts_with("HTTP/1.1 101 "));
    let stats = relay.stats();
    assert_eq!((stats.connections, stats.websockets, stats.tls, stats.secure_websockets), (2, 1, 2, 1));
    let page = get(&relay, "/metrics");
    for (name, count) in [("plain", 1), ("websocket", 0), ("tls", 1), ("wss", 1)] {
        assert_eq!(figure(&page, &format!("connections_by_transport{{transport=\"{name}\"}}")), count);
    }
    drop((endpoint, browser));
    relay.until(|stats| (stats.connections, stats.tls, stats.secure_websockets) == (0, 0, 0));
}

#[test]
fn pages_are_shown_only_where_they_may_be() {
    const REASON: &str = "\r\n\r\nthis page is not shown to your address\n";
    let watch_from = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    let relay = start(Config { metrics: true, details: true, watch_from, ..config() });
    for page in ["/metrics", "/details", "/metrics?x"] {
        let refused = get(&relay, page);
        assert!(refused.starts_with("HTTP/1.1 403 Forbidden\r\n") && refused.ends_with(REASON), "{refused}");
    }
    assert!(get(&relay, "/health").starts_with("HTTP/1.1 200 "), "health is for everybody");
    assert_eq!(relay.until(|stats| stats.connections == 0).closed.of(Closed::WatchFrom), 3);
    // it changes with the configuration, at once; a page that there is not is refused to nobody
    let config = Config { details: true, watch_from: Vec::new(), ..config() };
    relay.with(|relay| relay.reconfigure(config).unwrap());
    assert!(get(&relay, "/details").starts_with("HTTP/1.1 200 "));
    assert!(get(&relay, "/metrics").starts_with("HTTP/1.1 404 "));
}

#[cfg(target_os = "linux")]
#[test]
fn by_default_they_are_shown_on_this_machine() {
    let relay = start(Config { metrics: true, ..config() });
    for source in ["127.0.0.1", "127.0.0.2"] {
        assert!(get_from(source, relay.address, "/metrics").starts_with("HTTP/1.1 200 "), "{source}");
    }
    let watch_from = vec!["127.0.0.2/32".parse().unwrap()];
    let relay = start(Config { metrics: true, watch_from, ..config() });
    for (source, status) in [("127.0.0.1", 403), ("127.0.0.2", 200)] {
        let page = get_from(source, relay.address, "/metrics");
        assert!(page.starts_with(&format!("HTTP/1.1 {status} ")), "{source}: {page}");
    }
}

/// What an operator sees in figures and in the log is explained.
#[test]
fn every_cause_is_in_the_documentation() {
    fn check<C: Cause + std::fmt::Debug>(figure: &str) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATING.md");
        let text = std::fs::read_to_string(path).unwrap();
        let row = text.lines().find(|line| line.starts_with(&format!("| `peote_relay_{figure}`")));
        let row = row.unwrap_or_else(|| panic!("{figure} is not in docs/OPERATING.md"));
        for cause in C::ALL {
            assert!(row.contains(&format!("`{}`", cause.name())), "{cause:?} is missing in {row}");
        }
    }
    check::<TurnedAway>("turned_away_total");
    check::<Closed>("closed_total");
    check::<Refused>("refused_total");
    check::<Paused>("pauses_total");
}
