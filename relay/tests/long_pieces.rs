//! Long pieces reach their receivers as they were sent, whatever of them a socket takes at once.

mod common;

use std::io::{self, Read, Write};
use std::thread;

use common::websocket::{Browser, Frame};
use common::{Endpoint, Running, config, pattern, start, to_all, to_server, to_user};

/// Lengths around all borders: of what is copied, of blocks, of units, and of a read.
const LENGTHS: [usize; 14] =
    [1, 16_384, 4095, 4096, 10, 8192, 8193, 32_765, 32_766, 100, 65_536, 5000, 40_000, 16_381];

/// What is sent, all in one.
fn pieces(rounds: usize) -> Vec<Vec<u8>> {
    (0..rounds)
        .flat_map(|round| LENGTHS.map(|len| pattern(len, u32::try_from(round + len).unwrap())))
        .collect()
}

/// A server with two users, the second of which has small buffers.
fn room(relay: &Running) -> (Endpoint, [Endpoint; 2]) {
    let mut server = relay.connect();
    server.create(b"room");
    let users = [relay.connect(), relay.connect_small()].map(|mut user| {
        user.enter(b"room");
        server.control();
        user
    });
    (server, users)
}

#[test]
fn broadcasts_and_messages_arrive_in_order() {
    let relay = start(config());
    let (mut server, users) = room(&relay);
    let all = pieces(8);
    let expected: Vec<u8> = all.iter().flat_map(|piece| [&piece[..], piece].concat()).collect();
    let readers = users.map(|mut user| {
        let len = expected.len();
        thread::spawn(move || user.data(false, 0, 0, len))
    });
    for piece in &all {
        server.send(&to_all(0, piece));
        server.send(&[to_user(0, 0, piece), to_user(0, 1, piece)].concat());
    }
    for reader in readers {
        assert!(reader.join().unwrap() == expected);
    }
}

#[test]
fn what_one_write_does_not_take_comes_before_what_follows() {
    let relay = start(config());
    let (mut server, [mut user, _other]) = room(&relay);
    let all = pieces(8);
    let expected = all.concat();
    let writer = thread::spawn(move || {
        // in one go, so that a read has many of them
        user.send(&all.iter().flat_map(|piece| to_server(0, piece)).collect::<Vec<_>>());
        user
    });
    assert!(server.data(true, 0, 0, expected.len()) == expected);
    writer.join().unwrap();
}

#[test]
fn receivers_that_go_in_the_middle_leave_nothing() {
    let relay = start(config());
    let (mut server, [mut first, second]) = room(&relay);
    let all = pieces(8);
    let expected = all.concat();
    let writer = thread::spawn(move || {
        all.iter().for_each(|piece| server.send(&to_all(0, piece)));
        server
    });
    drop(second);
    assert!(first.data(false, 0, 0, expected.len()) == expected);
    writer.join().unwrap();
}

/// The bytes that are in the frames of a WebSocket.
struct Framed {
    browser: Browser,
    payload: Vec<u8>,
}

impl Read for Framed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.payload.is_empty()
            && let Frame::Binary(payload) = self.browser.frame()
        {
            self.payload = payload;
        }
        let len = buffer.len().min(self.payload.len());
        buffer[..len].copy_from_slice(&self.payload[..len]);
        self.payload.drain(..len);
        Ok(len)
    }
}

impl Write for Framed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.browser.send(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn over_websockets_as_well() {
    let relay = start(config());
    let framed = |socket| Framed { browser: Browser::over(socket), payload: Vec::new() };
    let mut server = Endpoint::over(framed(relay.connect().socket));
    server.create(b"room");
    let mut user = Endpoint::over(framed(relay.connect_small().socket));
    user.enter(b"room");
    server.control();
    let all = pieces(4);
    let expected = all.concat();
    let writer = thread::spawn(move || {
        server.send(&all.iter().flat_map(|piece| to_user(0, 0, piece)).collect::<Vec<_>>());
        server
    });
    assert!(user.data(false, 0, 0, expected.len()) == expected);
    writer.join().unwrap();
}
