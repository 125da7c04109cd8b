//! Many connections: idle ones, floods, storms, limits.

mod common;

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{Endpoint, config, open, start, talk, to_server};
use peote_relay::{Config, Relay, TurnedAway};

#[test]
fn two_thousand_idle_connections_and_two_that_talk() {
    let relay = start(config());
    let mut idle: Vec<Endpoint> = (0..2000).map(|_| relay.connect()).collect();
    for endpoint in &mut idle {
        endpoint.send(b"\0\x01\x01\x01z");
    }
    for endpoint in &mut idle {
        assert_eq!(endpoint.control(), [1, 1, 1]);
    }
    let (mut server, mut user) = relay.pair(b"a");
    talk(&mut server, &mut user);
    let stats = relay.stats();
    assert_eq!((stats.connections, stats.queued_bytes), (2002, 0), "idle connections hold no queue");
    drop(idle);
    relay.until(|stats| stats.connections == 2);
    talk(&mut server, &mut user);
}

#[test]
fn storms_of_connections_that_come_and_go() {
    let relay = start(config());
    let (mut server, mut user) = relay.pair(b"a");
    std::thread::scope(|scope| {
        for number in 0..6u8 {
            let address = relay.address;
            scope.spawn(move || {
                // fewer come in than the channel has numbers, since those of who has left rest
                for round in 0..55u8 {
                    let mut endpoint = Endpoint::new(TcpStream::connect(address).unwrap());
                    match (number + round) % 6 {
                        0 => {} // at once
                        1 => drop(endpoint.create(&[number, round])),
                        2 => drop(endpoint.enter(b"a")),
                        3 => endpoint.send(b"\0\x01\x01\x01a\xff\xff\0half"),
                        4 => {
                            endpoint.enter(b"a");
                            endpoint.send(&to_server(0, &[7; 1000]));
                            endpoint.send(&[0, 2, 0, 1, 0]);
                        }
                        _ => {
                            endpoint.enter(b"a");
                            let linger = Some(std::time::Duration::ZERO);
                            socket2::SockRef::from(&endpoint.socket).set_linger(linger).unwrap();
                        }
                    }
                }
            });
        }
    });
    relay.until(|stats| (stats.connections, stats.channels, stats.users) == (2, 1, 1));
    // what they said is in the server's queue, in front of this
    user.send(&to_server(0, b"end"));
    let mut here = std::collections::BTreeSet::from([0]);
    loop {
        match server.next() {
            Some(common::Got::Data(true, 0, 0, bytes)) => {
                assert_eq!(bytes, b"end");
                break;
            }
            Some(common::Got::Data(true, 0, other, bytes)) => {
                assert!(here.contains(&other), "data of somebody who is not there");
                assert!(
                    bytes.iter().all(|byte| *byte == 7)
                        || b"half".ends_with(&bytes)
                        || b"half".starts_with(&bytes)
                );
            }
            Some(common::Got::Control(event)) => match event[..] {
                [0, 0, 0, other] => assert!(here.insert(other), "a number was given twice"),
                [0, 1, 0, other, 0 | 1] => assert!(here.remove(&other), "gone without having come"),
                ref other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(here.len(), 1);
    talk(&mut server, &mut user);
}

#[test]
fn floods_leave_room_for_others() {
    let relay = start(config());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 0..4u8 {
            let (server, mut user) = relay.pair(&[b'f', number]);
            let unit = to_server(0, &[number; 16]).repeat(3000);
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    user.send(&unit);
                }
                user.socket.shutdown(std::net::Shutdown::Write).unwrap();
            });
            scope.spawn(move || {
                let mut socket = server.socket;
                let _ = std::io::copy(&mut socket, &mut std::io::sink());
            });
        }
        let (mut server, mut user) = relay.pair(b"a");
        let before = relay.stats().received_bytes;
        for _ in 0..30 {
            talk(&mut server, &mut user);
        }
        assert!(relay.stats().received_bytes > before, "the floods go on as well");
        stop.store(true, Ordering::Relaxed);
        // their servers' connections end with the test
        relay.until(|stats| stats.users == 1);
        assert_eq!(relay.stats().dropped, 0);
        drop((server, user));
        relay.ask_to_stop();
    });
}

#[test]
fn above_the_limit_of_connections_the_next_is_closed_and_the_others_go_on() {
    let relay = start(Config { max_connections: 3, ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    let third = relay.connect();
    relay.until(|stats| stats.connections == 3);
    let others: Vec<_> = (0..50).map(|_| relay.connect()).collect();
    for mut other in others {
        other.is_closed();
    }
    talk(&mut server, &mut user);
    assert_eq!(relay.stats().turned_away.of(TurnedAway::Connections), 50);
    drop(third);
    relay.until(|stats| stats.connections == 2);
    relay.connect().create(b"b");
}

#[test]
fn addresses_are_limited_each_for_itself() {
    let relay = start(Config { max_connections_per_address: 2, ..config() });
    let from = |address: [u8; 4]| {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&std::net::SocketAddr::from((address, 0)).into()).unwrap();
        socket.connect(&relay.address.into()).unwrap();
        Endpoint::new(socket.into())
    };
    let (mut a, mut b) = (from([127, 0, 0, 2]), from([127, 0, 0, 2]));
    a.create(b"a");
    b.enter(b"a");
    a.control();
    from([127, 0, 0, 2]).is_closed();
    let mut c = from([127, 0, 0, 3]);
    c.create(b"c");
    talk(&mut a, &mut b);
    drop(c);
    drop(b);
    relay.until(|stats| stats.connections == 1);
    from([127, 0, 0, 2]).create(b"d");
}

#[test]
fn channels_and_users_are_limited() {
    let relay = start(Config {
        max_channels: 3,
        max_channels_per_connection: 2,
        max_users_per_channel: 1,
        ..config()
    });
    let (mut a, mut b) = (relay.connect(), relay.connect());
    a.create(b"1");
    a.create(b"2");
    a.send(b"\0\0\x05\x013");
    assert_eq!(a.control(), [5, 1, 1]);
    b.create(b"3");
    b.send(b"\0\0\x05\x014");
    assert_eq!(b.control(), [5, 1, 1]);
    b.enter(b"1");
    assert_eq!(a.control(), [0, 0, 0, 0]);
    let mut c = relay.connect();
    c.send(b"\0\x01\x09\x011");
    assert_eq!(c.control(), [9, 1, 4]);
    b.enter(b"2");
    assert_eq!(a.control(), [0, 0, 1, 0]);
    a.enter(b"3");
    b.send(b"\0\x01\x05\x01x");
    assert_eq!(b.control(), [0, 0, 0, 0], "a has entered");
    assert_eq!(b.control(), [5, 1, 1]);
}

#[test]
fn several_addresses_of_both_families() {
    let listen = vec!["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
    let mut relay = match Relay::bind(Config { listen, ..config() }) {
        Ok(relay) => relay,
        // a machine without IPv6
        Err(error) if error.to_string().contains("[::1]") => return,
        Err(error) => panic!("{error}"),
    };
    let (addresses, handle) = (relay.local_addrs(), relay.handle());
    let thread = std::thread::spawn(move || relay.run());
    let mut server = Endpoint::new(TcpStream::connect(addresses[0]).unwrap());
    let mut user = Endpoint::new(TcpStream::connect(addresses[1]).unwrap());
    open(b"a", &mut server, &mut user);
    talk(&mut server, &mut user);
    handle.stop();
    thread.join().unwrap().unwrap();
}

#[test]
fn an_address_in_use_is_named() {
    let relay = start(config());
    let error = Relay::bind(Config { listen: vec![relay.address], ..config() }).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&relay.address.to_string()), "{error}");
    let error = Relay::bind(Config { listen: Vec::new(), ..config() }).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[test]
fn what_is_queued_is_written_before_the_end() {
    let relay = start(Config { shutdown_timeout: std::time::Duration::from_secs(30), ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    let before = relay.stats().received_bytes;
    let bytes = to_server(0, &common::pattern(500_000, 9));
    user.socket.write_all(&bytes).unwrap();
    relay.until(|stats| stats.received_bytes == before + bytes.len() as u64);
    let reader = std::thread::spawn(move || {
        assert!(server.data(true, 0, 0, 500_000) == common::pattern(500_000, 9));
        assert_eq!(server.next(), None);
    });
    relay.stop().unwrap();
    assert_eq!(user.next(), None);
    reader.join().unwrap();
}
