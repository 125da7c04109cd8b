//! What a turn of the loop does at most, and who has it first, whatever somebody sends.
//!
//! 127.0.0.0/8 is all this machine's on Linux, so there are as many addresses and networks as
//! needed.
#![cfg(target_os = "linux")]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use common::websocket::{BINARY, PING, REQUEST, frame};
use common::{Endpoint, PATIENCE, Running, config, start, to_server};

/// Work that one connection may cause in a turn, as `docs/ARCHITECTURE.md` has it.
const WORK: u64 = 4096;

/// A connection that comes from 127.0.`network`.`host`.
fn from(relay: &Running, network: u8, host: u8) -> Endpoint {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let address = SocketAddrV4::new(Ipv4Addr::new(127, 0, network, host), 0);
    socket.bind(&SocketAddr::V4(address).into()).unwrap();
    socket.connect(&relay.address.into()).unwrap();
    Endpoint::new(TcpStream::from(socket))
}

/// Threads that write or read until they are told to stop.
struct Storm {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Storm {
    fn new() -> Self {
        Self { stop: Arc::default(), threads: Vec::new() }
    }

    /// Does this for each socket again and again.
    fn spawn(&mut self, sockets: Vec<TcpStream>, each: impl Fn(&mut TcpStream) + Send + 'static) {
        let stop = Arc::clone(&self.stop);
        let mut sockets = sockets;
        sockets.iter().for_each(|socket| socket.set_nonblocking(true).unwrap());
        self.threads.push(std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                sockets.iter_mut().for_each(&each);
                std::thread::sleep(Duration::from_millis(1));
            }
        }));
    }

    /// Writes the same to each as fast as it is taken, from its beginning each time that it was
    /// taken whole.
    fn send(&mut self, sockets: Vec<TcpStream>, unit: &[u8]) {
        // a unit that is written in part would make nonsense of the next one
        let units = unit.to_vec();
        let stop = Arc::clone(&self.stop);
        let mut sockets: Vec<_> = sockets.into_iter().map(|socket| (socket, 0)).collect();
        sockets.iter().for_each(|(socket, _)| socket.set_nonblocking(true).unwrap());
        self.threads.push(std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let mut is_idle = true;
                for (socket, at) in &mut sockets {
                    if let Ok(len) = socket.write(&units[*at..]) {
                        *at = (*at + len) % units.len();
                        is_idle = false;
                    }
                }
                if is_idle {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }));
    }

    /// Reads all that comes.
    fn drain(&mut self, sockets: Vec<TcpStream>) {
        self.spawn(sockets, |socket| {
            let mut buffer = [0; 64 * 1024];
            while matches!(socket.read(&mut buffer), Ok(1..)) {}
        });
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

/// Servers of channels that broadcast to the same users all the time; `units` is what each sends.
fn broadcasters(relay: &Running, servers: u8, users: u8, units: &[u8]) -> Storm {
    let servers: Vec<_> = (0..servers)
        .map(|number| {
            let mut server = from(relay, 1, 1);
            server.create(&[b'a', number]);
            server
        })
        .collect();
    let users: Vec<_> = (0..users)
        .map(|user| {
            let mut user = from(relay, 2, user / 60 + 1);
            for number in 0..servers.len() {
                user.enter(&[b'a', u8::try_from(number).unwrap()]);
            }
            user.socket
        })
        .collect();
    let mut storm = Storm::new();
    let servers: Vec<_> = servers.into_iter().map(|server| server.socket).collect();
    storm.drain(users.iter().chain(&servers).map(|socket| socket.try_clone().unwrap()).collect());
    storm.send(servers, units);
    storm
}

/// The most units that were queued in one of many turns.
fn most_queued(relay: &Running) -> u64 {
    relay.until(|stats| stats.queued_units > 10_000);
    relay.with(|relay| {
        let (mut most, mut all, end) = (0, 0, Instant::now() + PATIENCE);
        while all < 200_000 && Instant::now() < end {
            let before = relay.stats().queued_units;
            relay.turn(Some(Duration::from_millis(10))).unwrap();
            let queued = relay.stats().queued_units - before;
            (most, all) = (most.max(queued), all + queued);
        }
        assert!(all >= 200_000, "only {all} units");
        most
    })
}

/// Broadcasts to all and to all but one in turns, so that none goes with the next one.
fn changing() -> Vec<u8> {
    [&[1, 1, 2, 128, b'x'][..], &[1, 0, 3, 128, 255, b'y']].concat().repeat(3000)
}

#[test]
fn a_broadcaster_queues_no_more_in_a_turn_than_anybody() {
    for units in [changing(), [1, 1, 2, 128, b'x'].repeat(6000)] {
        let relay = start(config());
        let _storm = broadcasters(&relay, 1, 200, &units);
        let most = most_queued(&relay);
        assert!(most <= WORK, "{most} units in a turn");
    }
}

#[test]
fn many_broadcasters_queue_no_more_in_a_turn_than_two() {
    let relay = start(config());
    let _storm = broadcasters(&relay, 8, 200, &changing());
    let most = most_queued(&relay);
    assert!(most <= 2 * WORK, "{most} units in a turn");
}

/// How many turns it takes at most until what a bystander says is there.
fn turns_of_a_bystander(relay: &Running) -> usize {
    let (mut server, mut user) = (from(relay, 9, 1), from(relay, 9, 2));
    common::open(b"bystander", &mut server, &mut user);
    server.socket.set_nonblocking(true).unwrap();
    let (mut server, mut user) = (server.socket, user.socket);
    relay.with(move |relay| {
        let mut most = 0;
        for _ in 0..300 {
            user.write_all(&to_server(0, b"x")).unwrap();
            let mut buffer = [0; 64];
            let turns = (1..1000).find(|_| {
                relay.turn(Some(Duration::ZERO)).unwrap();
                match server.read(&mut buffer) {
                    Ok(len) => buffer[..len].contains(&b'x'),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => false,
                    Err(error) => panic!("{error}"),
                }
            });
            most = most.max(turns.expect("it does not come"));
        }
        most
    })
}

#[test]
fn a_bystander_has_its_turn_beside_many_broadcasters_of_one_address() {
    let relay = start(config());
    let _storm = broadcasters(&relay, 60, 100, &changing());
    relay.until(|stats| stats.queued_units > 100_000);
    let turns = turns_of_a_bystander(&relay);
    // one in which its network waits behind the two others, and one in which its server is written;
    // with some to spare
    assert!(turns <= 6, "{turns} turns");
}

#[test]
fn a_bystander_has_its_turn_beside_many_that_send_nothing_in_particular() {
    let relay = start(config());
    let mut storm = Storm::new();
    let handshaken: Vec<_> = (0..40)
        .map(|_| {
            let mut endpoint = from(&relay, 1, 1);
            endpoint.send(REQUEST.as_bytes());
            endpoint.socket
        })
        .collect();
    let plain: Vec<_> = (0..22).map(|_| from(&relay, 1, 1).socket).collect();
    let mut frames = handshaken;
    let pings = frames.split_off(20);
    storm.drain(frames.iter().chain(&pings).map(|socket| socket.try_clone().unwrap()).collect());
    storm.send(frames, &[frame(0x02, b""), frame(0x00, b"").repeat(10_000), frame(0x80, b"")].concat());
    storm.send(pings, &[frame(PING, b"ping").repeat(500), frame(BINARY, &[0x80, 0]).repeat(500)].concat());
    storm.send(plain, &[b"\x02\x7fx".repeat(5000), [0x80, 0].repeat(5000)].concat());
    relay.until(|stats| stats.received_units > 100_000);
    let turns = turns_of_a_bystander(&relay);
    assert!(turns <= 6, "{turns} turns");
}

#[test]
fn a_server_that_goes_is_told_to_its_users_in_parts() {
    let relay = start(config());
    let mut server = from(&relay, 1, 1);
    let mut users: Vec<_> = (0..200).map(|user| from(&relay, 2, user % 4 + 1)).collect();
    for number in 0..50 {
        server.create(&[b'a', number]);
    }
    for user in &mut users {
        for number in 0..50 {
            user.enter(&[b'a', number]);
        }
    }
    let mut storm = Storm::new();
    let server = server.socket;
    storm.drain(vec![server.try_clone().unwrap()]);
    storm.drain(users.iter().map(|user| user.socket.try_clone().unwrap()).collect());
    let most = relay.with(move |relay| {
        drop(storm);
        server.shutdown(std::net::Shutdown::Both).unwrap();
        let (mut most, end) = (0, Instant::now() + PATIENCE);
        while relay.stats().users > 0 && Instant::now() < end {
            let before = relay.stats().queued_units;
            relay.turn(Some(Duration::from_millis(10))).unwrap();
            most = most.max(relay.stats().queued_units - before);
        }
        most
    });
    assert!(most <= 2 * WORK, "{most} units in a turn");
    let stats = relay.until(|stats| stats.users == 0);
    assert_eq!((stats.channels, stats.connections), (0, 200));
    drop(users);
}
