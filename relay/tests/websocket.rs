//! Endpoints in browsers and endpoints over TCP talk with each other through one relay.

mod common;

use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::websocket::{BINARY, Browser, CLOSE, Frame, PING, REQUEST, byte_by_byte, frame, head};
use common::{ANNOUNCEMENT, Endpoint, Running, config, pattern, start, talk, to_all, to_server, to_user};
use peote_relay::Config;

/// A channel's server over TCP and its user over a WebSocket.
fn server_and_browser(relay: &Running) -> (Endpoint, Browser) {
    let (mut server, mut browser) = (relay.connect(), Browser::new(relay));
    server.create(b"a");
    browser.send(b"\0\x01\x01\x01a");
    assert_eq!(browser.control(), [1, 0, 0]);
    assert_eq!(server.control(), [0, 0, 0, 0]);
    (server, browser)
}

/// Both ways, in many sizes.
fn browser_talks(server: &mut Endpoint, browser: &mut Browser) {
    for (seed, len) in [(1, 1), (2, 125), (3, 300), (4, 70_000), (5, 1_000_000)] {
        let bytes = pattern(len, seed);
        browser.send(&to_server(0, &bytes));
        assert!(server.data(true, 0, 0, len) == bytes);
        server.send(&to_user(0, 0, &bytes));
        assert!(browser.data(0, len) == bytes);
        server.send(&to_all(0, &bytes));
        assert!(browser.data(0, len) == bytes);
    }
}

#[test]
fn a_browser_is_a_user_and_a_server_like_others() {
    let relay = start(config());
    let (mut server, mut browser) = server_and_browser(&relay);
    browser_talks(&mut server, &mut browser);
    // and the other way round
    browser.send(b"\0\0\x02\x01b");
    assert_eq!(browser.control(), [2, 0, 0]);
    assert_eq!(server.enter(b"b"), 0);
    assert_eq!(browser.control(), [0, 0, 0, 0]);
    browser.send(&to_all(0, b"hello"));
    assert_eq!(server.data(false, 0, 0, 5), b"hello");
    assert_eq!(relay.stats().websockets, 1);
    browser.raw(&frame(CLOSE, &1000u16.to_be_bytes()));
    browser.is_closed(Some(1000));
    assert_eq!(server.control(), [0, 1, 0, 0, 1]);
    assert_eq!(server.control(), [0, 2, 0, 1]);
    let stats = relay.until(|stats| stats.connections == 1);
    assert_eq!((stats.websockets, stats.queued_bytes, stats.http_requests), (0, 0, 0));
}

#[test]
fn the_borders_of_messages_mean_nothing() {
    let relay = start(config());
    let (mut server, mut browser) = server_and_browser(&relay);
    let bytes = pattern(5_000, 1);
    let units = to_server(0, &bytes);
    // a byte in each message, and empty ones
    browser.raw(&byte_by_byte(&units));
    assert!(server.data(true, 0, 0, bytes.len()) == bytes);
    // one message in fragments of one byte, with pings in between
    let last = units.len() - 1;
    for (number, byte) in units.iter().enumerate() {
        let first = if number == 0 { BINARY & 0x0f } else { 0 } | if number == last { 0x80 } else { 0 };
        browser.raw(&frame(first, &[*byte]));
        if number % 1000 == 10 {
            browser.raw(&frame(PING, b"still there?"));
            assert_eq!(browser.frame(), Frame::Pong(b"still there?".to_vec()));
        }
    }
    assert!(server.data(true, 0, 0, bytes.len()) == bytes);
    // many units in one message, and the head of the next one
    browser.send(&[&units.repeat(20), &units[..3]].concat());
    assert!(server.data(true, 0, 0, bytes.len() * 20) == bytes.repeat(20));
    browser.send(&units[3..]);
    assert!(server.data(true, 0, 0, bytes.len()) == bytes);
}

#[test]
fn the_handshake_and_what_comes_with_it_may_be_cut_anywhere() {
    let relay = start(config());
    let stream =
        [REQUEST.as_bytes(), &frame(BINARY, b"\0\0\x01\x01"), &byte_by_byte(b"a\0\0\x02\x01b")].concat();
    for cut in (0..stream.len()).step_by(3).chain(REQUEST.len() - 5..REQUEST.len() + 12) {
        let mut socket = relay.connect().socket;
        socket.write_all(&stream[..cut]).unwrap();
        let before = cut as u64;
        let received = relay.stats().received_bytes;
        if received < before {
            relay.until(|stats| stats.received_bytes >= before);
        }
        socket.write_all(&stream[cut..]).unwrap();
        assert!(head(&mut socket).starts_with("HTTP/1.1 101 "));
        let mut rest = Vec::new();
        while rest.len() < 6 + 10 {
            let mut more = [0; 64];
            let len = std::io::Read::read(&mut socket, &mut more).unwrap();
            assert!(len > 0, "cut at {cut}: {rest:?}");
            rest.extend(&more[..len]);
            // the relay makes a frame of what it has to say at that time: one or some
            rest.retain(|byte| *byte != BINARY);
            rest.retain(|byte| ![5, 6, 10, 11, 16].contains(byte));
        }
        let answers = [0, 3, 1, 0, 0, 0, 3, 2, 0, 1];
        assert_eq!(rest, [&ANNOUNCEMENT[..], &answers].concat(), "cut at {cut}");
        drop(socket);
        relay.until(|stats| stats.connections == 0);
    }
}

#[test]
fn byte_after_byte_from_the_first_one_on() {
    let relay = start(config());
    let mut socket = relay.connect().socket;
    let stream = [REQUEST.as_bytes(), &frame(BINARY, b"\0\0\x01\x01a")].concat();
    let before = relay.stats().received_bytes;
    for (number, byte) in (1..).zip(&stream) {
        socket.write_all(&[*byte]).unwrap();
        relay.until(|stats| stats.received_bytes == before + number);
    }
    assert!(head(&mut socket).starts_with("HTTP/1.1 101 "));
    let mut answer = [0; 8 + 7];
    std::io::Read::read_exact(&mut socket, &mut answer).unwrap();
    assert_eq!(answer, *[&[BINARY, 6][..], &ANNOUNCEMENT, &[BINARY, 5, 0, 3, 1, 0, 0]].concat());
}

#[test]
fn another_implementation_agrees() {
    use futures::executor::block_on;
    use futures::io::AllowStdIo;
    use soketto::handshake::{Client, ServerResponse};

    let relay = start(config());
    let mut server = relay.connect();
    server.create(b"a");
    let socket = AllowStdIo::new(relay.connect().socket);
    let mut client = Client::new(socket, "relay", "/");
    assert!(matches!(block_on(client.handshake()).unwrap(), ServerResponse::Accepted { .. }));
    let (mut sender, mut receiver) = client.into_builder().finish();
    let mut send = |bytes: &[u8]| {
        block_on(sender.send_binary(bytes)).unwrap();
        block_on(sender.flush()).unwrap();
    };
    let mut received = Vec::new();
    let mut receive = |len: usize| {
        while received.len() < len {
            let mut message = Vec::new();
            assert!(block_on(receiver.receive_data(&mut message)).unwrap().is_binary());
            received.extend(message);
        }
        received.drain(..len).collect::<Vec<u8>>()
    };
    send(b"\0\x01\x01\x01a");
    assert_eq!(receive(6), ANNOUNCEMENT);
    assert_eq!(receive(5), [0, 3, 1, 0, 0]);
    server.control();
    for (seed, len) in [(1, 1), (2, 200), (3, 30_000)] {
        let bytes = pattern(len, seed);
        send(&to_server(0, &bytes));
        assert!(server.data(true, 0, 0, len) == bytes);
        server.send(&to_user(0, 0, &bytes));
        let mut got = Vec::<u8>::new();
        while got.len() < len {
            let size = match receive(1)[0] {
                size @ 1..128 => usize::from(size),
                high => usize::from(high & 127) * 256 + usize::from(receive(1)[0]),
            };
            got.extend(&receive(size)[1..]);
        }
        assert!(got == bytes);
    }
    block_on(sender.close()).unwrap();
    assert_eq!(server.control(), [0, 1, 0, 0, 1]);
}

#[test]
fn a_browser_that_does_not_read_pauses_its_sender_and_loses_nothing() {
    let relay = start(config());
    let mut server = relay.connect();
    server.create(b"slow");
    let mut browser = Browser::over(relay.connect_small().socket);
    browser.send(b"\0\x01\x01\x04slow");
    browser.control();
    server.control();
    let (mut other_server, mut other_user) = relay.pair(b"other");
    let len = 16 << 20;
    let bytes = pattern(len, 1);
    let mut socket = server.socket.try_clone().unwrap();
    let units = to_user(0, 0, &bytes);
    let writer = std::thread::spawn(move || socket.write_all(&units).is_ok());
    let stats = relay.until(|stats| stats.paused == 1);
    assert!(stats.queued_bytes < 2 << 20, "{stats:?}");
    talk(&mut other_server, &mut other_user);
    // it is heard all the same, and has its ping answered behind the frame that is under way
    browser.send(&to_server(0, b"hello"));
    assert_eq!(server.data(true, 0, 0, 5), b"hello");
    browser.raw(&frame(PING, b"ping"));
    let turns = || relay.turns.load(Ordering::Relaxed);
    relay.until(|stats| stats.paused == 1);
    let before = turns();
    std::thread::sleep(Duration::from_millis(300));
    assert!(turns() - before < 100, "{} turns while everybody waits", turns() - before);
    assert!(browser.data(0, len) == bytes);
    assert_eq!(browser.pongs, [b"ping"]);
    assert!(writer.join().unwrap());
    relay.until(|stats| stats.paused == 0);
}

#[test]
fn a_sender_over_a_websocket_waits_for_its_receiver() {
    let relay = start(config());
    let mut server = relay.connect_small();
    server.create(b"slow");
    let mut browser = Browser::new(&relay);
    browser.send(b"\0\x01\x01\x04slow");
    browser.control();
    server.control();
    let len = 16 << 20;
    let bytes = pattern(len, 2);
    let units = to_server(0, &bytes);
    let mut socket = browser.socket.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        units.chunks(100_000).all(|part| socket.write_all(&frame(BINARY, part)).is_ok())
    });
    let stats = relay.until(|stats| stats.paused == 1);
    assert!(stats.queued_bytes < 2 << 20, "{stats:?}");
    assert!(server.data(true, 0, 0, len) == bytes);
    assert!(writer.join().unwrap());
}

#[test]
fn who_has_closed_is_not_waited_for_though_its_last_words_wait_themselves() {
    let relay = start(Config { queue_bytes: 65_536, ..config() });
    let mut server = relay.connect_small();
    server.create(b"slow");
    let mut other = relay.connect();
    other.enter(b"slow");
    server.control();
    let mut browser = Browser::over(relay.connect_small().socket);
    browser.send(b"\0\x01\x01\x04slow\0\0\x02\x01b");
    assert_eq!((browser.control(), browser.control()), (vec![1, 0, 0], vec![2, 0, 0]));
    server.control();
    let mut user = relay.connect();
    user.enter(b"b");
    assert_eq!(browser.control(), [0, 0, 0, 0]);
    let write = |endpoint: &Endpoint, bytes: Vec<u8>| {
        let mut socket = endpoint.socket.try_clone().unwrap();
        std::thread::spawn(move || socket.write_all(&bytes).unwrap())
    };
    // the slow server's queue is full, and then that of the browser
    let first = write(&other, to_server(0, &[7; 1000]).repeat(16 << 10));
    relay.until(|stats| stats.paused == 1);
    let second = write(&user, to_server(0, &[7; 1000]).repeat(16 << 10));
    relay.until(|stats| stats.paused == 2);
    let last = [frame(BINARY, &to_server(0, &[9; 2000])), frame(CLOSE, &1000u16.to_be_bytes())].concat();
    browser.raw(&last);
    // all that is meant for the browser is thrown away now, while what it said last waits
    second.join().unwrap();
    relay.until(|stats| stats.paused == 2 && stats.connections == 4);
    drop(server);
    first.join().unwrap();
    assert_eq!(user.control(), [0, 2, 0, 1]);
    relay.until(|stats| (stats.connections, stats.websockets, stats.queued_bytes) == (2, 0, 0));
}

#[test]
fn memory_has_a_bound_for_websockets_too() {
    let memory_bytes = 4 << 20;
    let relay = start(Config { memory_bytes, ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    let mut stalled = Vec::new();
    for number in 0..12u8 {
        let mut sender = relay.connect();
        sender.create(&[b's', number]);
        let mut browser = Browser::over(relay.connect_small().socket);
        browser.send(&[0, 1, 1, 2, b's', number]);
        browser.control();
        sender.control();
        stalled.push((sender, browser));
    }
    let units = to_user(0, 0, &[7; 1000]).repeat(16 << 10);
    let writers: Vec<_> = stalled
        .iter()
        .map(|(sender, browser)| {
            let (mut socket, units) = (sender.socket.try_clone().unwrap(), units.clone());
            let mut pings = browser.socket.try_clone().unwrap();
            std::thread::spawn(move || {
                let _ = pings.write_all(&frame(PING, &[1; 125]).repeat(1000));
                let _ = socket.write_all(&units);
            })
        })
        .collect();
    relay.until(|stats| {
        assert!(stats.queued_bytes <= memory_bytes, "{stats:?}");
        stats.paused == 12
    });
    talk(&mut server, &mut user);
    for (sender, browser) in &stalled {
        sender.socket.shutdown(std::net::Shutdown::Both).unwrap();
        browser.socket.shutdown(std::net::Shutdown::Both).unwrap();
    }
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    relay.until(|stats| stats.queued_bytes == 0 && stats.connections == 2);
}

#[test]
fn an_idle_websocket_is_small_and_is_kept_alive() {
    let relay = start(Config { keepalive_interval: Duration::from_millis(100), ..config() });
    let before = relay.stats().queued_bytes;
    let mut browsers: Vec<_> = (0..100).map(|_| Browser::new(&relay)).collect();
    let stats = relay.until(|stats| stats.websockets == 100);
    assert!(stats.queued_bytes - before < 100 * 512, "{stats:?}");
    for browser in &mut browsers {
        assert_eq!(browser.frame(), Frame::Binary(vec![0, 4, 0, 255, 0, 0]));
    }
    relay.stop().unwrap();
    for browser in &mut browsers {
        browser.is_closed(Some(1001));
    }
}
