//! Receivers that read slowly or not at all, and those that send to them.

mod common;

use std::io::{Read, Write};
use std::time::Duration;

use common::{Endpoint, Got, config, open, pattern, start, talk, to_all, to_server, to_user};
use peote_relay::{Closed, Config, SlowReceiver};

/// Far more than the queue and all socket buffers between two endpoints hold.
const MUCH: usize = 32 << 20;

/// Writes all in the background, as far as it is taken. The result is whether it was.
fn write_in_background(endpoint: &Endpoint, bytes: Vec<u8>) -> std::thread::JoinHandle<bool> {
    let mut socket = endpoint.socket.try_clone().unwrap();
    std::thread::spawn(move || socket.write_all(&bytes).is_ok())
}

#[test]
fn a_slow_receiver_pauses_its_sender_and_nothing_is_lost() {
    let relay = start(config());
    let (mut server, mut user) = relay.pair(b"slow");
    let (mut other_server, mut other_user) = relay.pair(b"a");
    let bytes = pattern(MUCH, 1);
    let writer = write_in_background(&user, to_server(0, &bytes));
    let stats = relay.until(|stats| stats.paused == 1);
    assert!(stats.queued_bytes < 3 << 20, "{stats:?}");
    // the others do not notice, and neither does the other direction
    talk(&mut other_server, &mut other_user);
    server.send(&to_user(0, 0, b"still there?"));
    assert_eq!(user.data(false, 0, 0, 12), b"still there?");
    // once it is read everything arrives
    assert!(server.data(true, 0, 0, MUCH) == bytes);
    assert!(writer.join().unwrap());
    relay.until(|stats| stats.paused == 0 && stats.queued_bytes == 0);
    talk(&mut other_server, &mut other_user);
}

/// Whoever reads a trickle could otherwise keep connections that have ended, and the names of their
/// channels, for hours.
#[test]
fn a_sender_that_has_gone_does_not_wait_for_ever() {
    const QUEUE: usize = 32 << 20;
    let relay = start(Config { stall_timeout: Duration::from_secs(2), queue_bytes: QUEUE, ..config() });
    let (mut server, mut slow) = (relay.connect(), relay.connect());
    server.create(b"a");
    slow.enter(b"a");
    server.control();
    let writer = write_in_background(&server, to_all(0, &[7; 32_000]).repeat(2 * QUEUE / 32_000));
    relay.until(|stats| stats.paused == 1);
    // a reset: an end in order would not come through behind what nobody reads
    socket2::SockRef::from(&server.socket).set_linger(Some(Duration::ZERO)).unwrap();
    server.socket.shutdown(std::net::Shutdown::Both).unwrap();
    writer.join().unwrap();
    drop(server);
    // it takes enough not to be dropped itself, and by far too little for the queue to get half
    // empty
    let mut bytes = vec![0; QUEUE / 250];
    for _ in 0..100 {
        slow.socket.read_exact(&mut bytes).unwrap();
        if relay.stats().channels == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let stats = relay.stats();
    assert_eq!((stats.connections, stats.channels, stats.users, stats.paused), (1, 0, 0, 0));
    assert_eq!((stats.closed.of(Closed::StallTimeout), stats.dropped), (1, 0));
    // the name is free again
    let mut server = relay.connect();
    server.create(b"a");
}

#[test]
fn small_units_through_a_slow_receiver_arrive_in_order() {
    let relay = start(Config { queue_bytes: 65_536, ..config() });
    let (mut server, mut user) = (relay.connect_small(), relay.connect());
    open(b"slow", &mut server, &mut user);
    let count = 1_000_000u32;
    let units: Vec<u8> = (0..count).flat_map(|i| to_server(0, &i.to_le_bytes())).collect();
    let writer = write_in_background(&user, units);
    relay.until(|stats| stats.paused == 1);
    let bytes = server.data(true, 0, 0, 4 * count as usize);
    assert!(bytes.chunks(4).enumerate().all(|(i, bytes)| bytes == u32::try_from(i).unwrap().to_le_bytes()));
    assert!(writer.join().unwrap());
}

#[test]
fn a_broadcast_waits_for_the_slowest_user_and_reaches_all() {
    let relay = start(config());
    let (server, mut fast) = relay.pair(b"a");
    let mut slow = relay.connect();
    slow.enter(b"a");
    let bytes = pattern(MUCH / 2, 2);
    let writer = write_in_background(&server, to_all(0, &bytes));
    relay.until(|stats| stats.paused == 1);
    let thread = std::thread::spawn(move || (fast.data(false, 0, 0, MUCH / 2), fast));
    assert!(slow.data(false, 0, 0, MUCH / 2) == bytes);
    assert!(thread.join().unwrap().0 == bytes);
    assert!(writer.join().unwrap());
}

#[test]
fn many_senders_to_one_slow_receiver_all_get_through() {
    let relay = start(Config { queue_bytes: 65_536, ..config() });
    let mut server = relay.connect_small();
    server.create(b"a");
    let len = 4 << 20;
    let mut users = Vec::new();
    for number in 0..8u8 {
        let mut user = relay.connect();
        user.enter(b"a");
        assert_eq!(server.control(), [0, 0, 0, number]);
        users.push(user);
    }
    let bytes = |number| to_server(0, &pattern(len, number));
    let writers: Vec<_> =
        users.iter().zip(0..).map(|(user, number)| write_in_background(user, bytes(number))).collect();
    relay.until(|stats| stats.paused >= 7);
    let mut got = vec![Vec::new(); users.len()];
    while got.iter().any(|bytes| bytes.len() < len) {
        match server.next() {
            Some(Got::Data(true, 0, user, bytes)) => got[usize::from(user)].extend(bytes),
            other => panic!("{other:?}"),
        }
    }
    for (number, bytes) in got.iter().enumerate() {
        assert!(*bytes == pattern(len, u32::try_from(number).unwrap()));
    }
    writers.into_iter().for_each(|writer| assert!(writer.join().unwrap()));
}

#[test]
fn a_sender_that_goes_while_it_waits_has_its_last_words_delivered() {
    let relay = start(config());
    let (mut server, user) = relay.pair(b"slow");
    let bytes = pattern(MUCH / 4, 3);
    let framed = to_server(0, &bytes);
    // the socket is closed as soon as the system has taken the last byte
    let writer = std::thread::spawn(move || {
        let mut socket = user.socket;
        socket.write_all(&framed).unwrap();
    });
    relay.until(|stats| stats.paused == 1);
    assert!(server.data(true, 0, 0, MUCH / 4) == bytes);
    writer.join().unwrap();
    assert_eq!(server.control(), [0, 1, 0, 0, 1]);
}

#[test]
fn a_receiver_that_goes_while_it_is_waited_for_frees_its_senders() {
    let relay = start(config());
    let (server, mut user) = relay.pair(b"slow");
    let writer = write_in_background(&user, to_server(0, &[7; 16]).repeat(MUCH / 16));
    relay.until(|stats| stats.paused == 1);
    drop(server);
    relay.until(|stats| stats.paused == 0 && stats.connections == 1);
    assert_eq!(user.control(), [0, 2, 0, 1]);
    assert!(writer.join().unwrap());
}

#[test]
fn two_that_wait_for_each_other_do_not_do_so_for_ever() {
    let relay = start(Config { stall_timeout: Duration::from_secs(1), ..config() });
    let (mut a, mut b) = relay.pair(b"x");
    b.create(b"y");
    a.enter(b"y");
    b.control();
    let (mut server, mut user) = relay.pair(b"a");
    let unit = [7; 16];
    // a sends to b as the server of x, b to a as the server of y, and neither reads
    let bytes = to_user(0, 0, &unit).repeat(MUCH / 16);
    let writers = [write_in_background(&a, bytes.clone()), write_in_background(&b, bytes)];
    talk(&mut server, &mut user);
    relay.until(|stats| stats.dropped >= 1 && stats.paused == 0);
    talk(&mut server, &mut user);
    for writer in writers {
        writer.join().unwrap();
    }
}

#[test]
fn one_that_sends_commands_and_reads_no_answers_waits_for_itself_and_is_dropped() {
    let relay = start(Config { stall_timeout: Duration::from_secs(1), ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    let attacker = relay.connect_small();
    let writer = write_in_background(&attacker, b"\0\x01\x01\x04nope".repeat(MUCH / 8));
    talk(&mut server, &mut user);
    relay.until(|stats| stats.dropped == 1 && stats.connections == 2);
    talk(&mut server, &mut user);
    assert!(!writer.join().unwrap());
}

#[test]
fn slow_receivers_are_dropped_at_once_where_configured() {
    let config =
        Config { slow_receiver: SlowReceiver::Drop, slow_receiver_grace: Duration::ZERO, ..config() };
    let relay = start(config);
    let (mut server, slow) = relay.pair(b"a");
    let mut fast = relay.connect();
    fast.enter(b"a");
    server.control();
    // never more under way than a queue holds: the fast one is never slow
    for part in pattern(MUCH, 4).chunks(500_000) {
        server.send(&to_all(0, part));
        assert!(fast.data(false, 0, 0, part.len()) == part);
    }
    assert_eq!(server.control(), [0, 1, 0, 0, 1]);
    let stats = relay.stats();
    assert_eq!((stats.paused, stats.dropped), (0, 1));
    drop(slow);
}

#[test]
fn slow_receivers_are_dropped_after_the_grace_where_configured() {
    let grace = Duration::from_millis(300);
    let relay = start(Config { slow_receiver: SlowReceiver::Drop, slow_receiver_grace: grace, ..config() });
    let (mut server, slow) = relay.pair(b"a");
    let bytes = to_user(0, 0, &pattern(MUCH, 5));
    assert!(write_in_background(&server, bytes).join().unwrap());
    assert_eq!(server.control(), [0, 1, 0, 0, 1]);
    assert_eq!(relay.stats().dropped, 1);
    drop(slow);
}

#[test]
fn memory_has_a_bound_however_many_do_not_read() {
    let memory_bytes = 4 << 20;
    let relay = start(Config { memory_bytes, ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    let stalled: Vec<_> = (0..12u8)
        .map(|number| {
            let (mut receiver, mut sender) = (relay.connect_small(), relay.connect());
            receiver.create(&[b's', number]);
            sender.enter(&[b's', number]);
            (receiver, sender)
        })
        .collect();
    let bytes = to_server(0, &[7; 16]).repeat(MUCH / 16);
    let writers: Vec<_> =
        stalled.iter().map(|(_, sender)| write_in_background(sender, bytes.clone())).collect();
    let most = std::cell::Cell::new(0);
    relay.until(|stats| {
        assert!(stats.queued_bytes <= memory_bytes, "{stats:?}");
        most.set(stats.queued_bytes.max(most.get()));
        stats.paused == 12
    });
    assert!(most.get() > memory_bytes / 4, "the test must get near the bound: {most:?}");
    talk(&mut server, &mut user);
    // somebody new can come and talk
    let (mut new_server, mut new_user) = relay.pair(b"new");
    talk(&mut new_server, &mut new_user);
    for (receiver, sender) in stalled {
        drop(receiver);
        sender.socket.shutdown(std::net::Shutdown::Both).unwrap();
    }
    for writer in writers {
        writer.join().unwrap();
    }
    relay.until(|stats| stats.queued_bytes == 0 && stats.connections == 4);
}

#[test]
fn nothing_is_done_while_nothing_can_be_done() {
    let relay = start(config());
    let (server, mut user) = relay.pair(b"slow");
    let writer = write_in_background(&user, to_server(0, &[7; 16]).repeat(MUCH / 16));
    relay.until(|stats| stats.paused == 1);
    let turns = || relay.turns.load(std::sync::atomic::Ordering::Relaxed);
    // the system may still take a bit of the queue now and then; a loop that waits busily turns
    // thousands of times
    let before = turns();
    std::thread::sleep(Duration::from_millis(300));
    assert!(turns() - before < 100, "{} turns while everybody waits", turns() - before);
    drop(server);
    assert!(writer.join().unwrap());
    assert_eq!(user.control(), [0, 2, 0, 1]);
    let before = turns();
    std::thread::sleep(Duration::from_millis(300));
    assert!(turns() - before < 100, "{} turns while nobody does anything", turns() - before);
}
