//! What all share, and the part of it that a connection, an address and a network can take: each is
//! filled by somebody, and somebody else still gets something. `docs/OPERATING.md` has the table.
//!
//! 127.0.0.0/8 is all this machine's on Linux, so there are as many addresses and networks as
//! needed.
#![cfg(target_os = "linux")]

mod common;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};

use common::{Endpoint, Running, start};
use peote_relay::{Config, Paused, Refused, TurnedAway};

/// The defaults, on a free port.
fn defaults() -> Config {
    Config { listen: vec!["127.0.0.1:0".parse().unwrap()], ..Config::default() }
}

/// A connection that comes from 127.0.`network`.`host`.
fn from(relay: &Running, network: u8, host: u8) -> Endpoint {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let address = SocketAddrV4::new(Ipv4Addr::new(127, 0, network, host), 0);
    socket.bind(&SocketAddr::V4(address).into()).unwrap();
    socket.connect(&relay.address.into()).unwrap();
    Endpoint::new(TcpStream::from(socket))
}

/// Whether a connection is let in: it is announced to, or closed.
fn is_let_in(endpoint: &mut Endpoint) -> bool {
    use std::io::Write;
    // a name that is not there
    endpoint.socket.write_all(b"\0\x01\x07\x01?").is_ok() && endpoint.next().is_some()
}

/// Gives a command with a name, and returns the answer behind the tag.
fn ask(endpoint: &mut Endpoint, command: u8, name: &[u8]) -> Vec<u8> {
    endpoint.send(&[&[0, command, 9, u8::try_from(name.len()).unwrap()], name].concat());
    loop {
        let control = endpoint.control();
        if control[0] == 9 {
            return control[1..].to_vec();
        }
    }
}

/// Creates channels until that is refused. Returns how many there are.
fn create_all(endpoint: &mut Endpoint, seed: &str) -> usize {
    (0..).find(|number| ask(endpoint, 0, format!("{seed}-{number}").as_bytes())[0] != 0).unwrap()
}

#[test]
fn connections() {
    let relay = start(Config { max_connections: 300, max_connections_per_network: 200, ..defaults() });
    let mut all = Vec::new();
    // an address has 64 of them, a network what it may
    for host in 1..=4 {
        let mut of_address = 0;
        while of_address < 64 && all.len() < 200 {
            all.push(from(&relay, 1, host));
            assert!(is_let_in(all.last_mut().unwrap()));
            of_address += 1;
        }
        assert!(!is_let_in(&mut from(&relay, 1, host)));
    }
    assert!(!is_let_in(&mut from(&relay, 1, 99)), "a new address of that network");
    assert!(is_let_in(&mut from(&relay, 2, 1)));
    let turned_away = relay.stats().turned_away;
    assert_eq!(turned_away.of(TurnedAway::Address), 3);
    assert_eq!(turned_away.of(TurnedAway::Network), 2);
}

#[test]
fn connections_that_come_and_go() {
    let relay = start(Config {
        connections_per_second_per_address: 20,
        burst: std::time::Duration::from_secs(1),
        ..defaults()
    });
    while is_let_in(&mut from(&relay, 1, 1)) {}
    assert!(is_let_in(&mut from(&relay, 1, 2)));
    assert!(relay.stats().turned_away.of(TurnedAway::Rate) > 0);
}

/// A channel that the operator closes counts off once, however its connection ends later.
#[test]
fn channels_that_an_operator_closes() {
    let relay = start(Config { max_channels_per_address: 2, ..defaults() });
    let (mut one, mut two) = (relay.connect(), relay.connect());
    one.create(b"one");
    two.create(b"two");
    assert!(relay.with(|relay| relay.close_channel(b"one")));
    drop(one);
    relay.until(|stats| stats.connections == 1);
    two.create(b"three");
    two.send(b"\0\0\x09\x04four");
    loop {
        match two.control()[..] {
            [9, 1, _] => break,
            [9, 0, _] => panic!("a third channel of the address"),
            _ => {}
        }
    }
}

#[test]
fn channels() {
    let config = Config { commands_per_second: 0, connections_per_second_per_address: 0, ..defaults() };
    let relay = start(config);
    let mut all = Vec::new();
    let mut fill = |network, host, connections| {
        let mut channels = 0;
        for _ in 0..connections {
            let mut endpoint = from(&relay, network, host);
            channels += create_all(&mut endpoint, &all.len().to_string());
            all.push(endpoint);
        }
        channels
    };
    // 128 for a connection, 512 for an address, 1024 for a network, whatever the number of
    // connections and addresses
    assert_eq!(fill(1, 1, 1), 128);
    assert_eq!(fill(1, 1, 7), 512 - 128);
    assert_eq!(fill(1, 2, 8), 512);
    assert_eq!(fill(1, 3, 8), 0);
    assert_eq!(fill(2, 1, 1), 128);
    let refused = relay.stats().refused;
    assert_eq!(refused.of(Refused::ConnectionChannels), 1 + 3 + 4 + 1);
    assert_eq!(refused.of(Refused::AddressChannels), 4 + 4, "{refused:?}");
    assert_eq!(refused.of(Refused::NetworkChannels), 8, "{refused:?}");
    assert_eq!(refused.of(Refused::RelayChannels), 0);
    // what is deleted, and what goes with its connection, can be had again
    all[0].send(&[0, 3, 0, 1, 0]);
    assert_eq!(ask(&mut all[0], 0, b"again"), [0, 0]);
    all.drain(..16);
    relay.until(|stats| stats.channels == 128);
    let mut again = from(&relay, 1, 3);
    assert_eq!(create_all(&mut again, "1.3"), 128);
}

#[test]
fn numbers_of_a_channel() {
    let relay = start(Config {
        connections_per_second_per_address: 0,
        max_users_per_channel_per_network: 192,
        ..defaults()
    });
    let mut server = from(&relay, 1, 1);
    server.create(b"a");
    let mut all = Vec::new();
    // a connection has one number, an address 64, a network what it may
    for (host, expected) in [(1, 64), (2, 64), (3, 64), (4, 0)] {
        for place in 0..64 {
            let mut user = from(&relay, 2, host);
            let answer = ask(&mut user, 1, b"a");
            assert_eq!(answer[..1] == [0], place < expected, "{answer:?} for number {place} of {host}");
            all.push(user);
            if answer[0] != 0 {
                break;
            }
        }
    }
    assert_eq!(ask(&mut all[0], 1, b"a"), [1, 3]);
    assert_eq!(ask(&mut from(&relay, 3, 1), 1, b"a"), [0, 0]);
    let refused = relay.stats().refused;
    assert_eq!((refused.of(Refused::AddressUsers), refused.of(Refused::NetworkUsers)), (0, 1));
    // one that leaves and comes back would be the 65th of its address, as its number rests
    all[0].send(&[0, 2, 0, 1, 0]);
    assert_eq!(ask(&mut all[0], 1, b"a"), [1, 4]);
    assert_eq!(relay.stats().refused.of(Refused::AddressUsers), 1);
}

#[test]
fn numbers_that_rest() {
    let relay = start(Config { commands_per_second: 0, connections_per_second_per_address: 0, ..defaults() });
    let mut server = from(&relay, 1, 1);
    server.create(b"a");
    // one that comes and goes, on one connection and on many
    let mut user = from(&relay, 2, 1);
    let mut times = 0;
    for round in 0..40u8 {
        times += usize::from(ask(&mut user, 1, b"a")[0] == 0);
        user.send(&[0, 2, 0, 1, round]);
    }
    for _ in 0..40 {
        times += usize::from(ask(&mut from(&relay, 2, 1), 1, b"a")[0] == 0);
    }
    // those of the last ones may not be over
    assert!((63..=64).contains(&times), "{times} numbers");
    assert_eq!(ask(&mut from(&relay, 3, 1), 1, b"a"), [0, 0], "there is room for others");
    assert!(relay.stats().refused.of(Refused::AddressUsers) > 0);
}

#[test]
fn commands() {
    let relay = start(Config { commands_per_second: 50, ..defaults() });
    let mut busy = from(&relay, 1, 1);
    busy.send(&b"\0\x01\x01\x01?".repeat(200));
    relay.until(|stats| stats.pauses.of(Paused::Commands) > 0);
    assert_eq!(ask(&mut from(&relay, 1, 1), 1, b"?"), [1, 1], "another connection is answered at once");
    // and nothing is lost
    for _ in 0..200 {
        assert_eq!(busy.control(), [1, 1, 1]);
    }
}
