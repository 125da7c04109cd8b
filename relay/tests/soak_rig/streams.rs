//! Endpoints without the library and without hello: raw data over TCP, TLS and WebSocket, and a
//! user of a library's channel.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use peote_net::chunk::ChunkLimit;
use peote_net_testkit::random::Random;

use super::{Arena, Progress};
use crate::common::websocket::{Browser, PING, byte_by_byte, frame};
use crate::common::{Endpoint, PATIENCE, pattern, talk, to_all, to_server, to_user};

/// A server and a user, both plain, in one channel after the other.
pub fn plain(arena: &Arena, place: u8) {
    let mut random = arena.random(place);
    while !arena.is_over() {
        let (mut server, mut user) = (arena.endpoint(), arena.endpoint());
        converse(arena, Progress::Streams, &mut random, &mut server, &mut user);
    }
}

/// The same, where the user's connection is TLS.
pub fn sealed(arena: &Arena, place: u8) {
    let mut random = arena.random(place);
    while !arena.is_over() {
        let mut server = arena.endpoint();
        let mut user = Endpoint::over(arena.files.over(arena.socket(arena.tls)));
        converse(arena, Progress::Tls, &mut random, &mut server, &mut user);
    }
}

fn converse<S: Read + Write, U: Read + Write>(
    arena: &Arena,
    what: Progress,
    random: &mut Random,
    server: &mut Endpoint<S>,
    user: &mut Endpoint<U>,
) {
    let name = random.next().to_le_bytes();
    ask(server, 0, &name);
    ask(user, 1, &name);
    assert_eq!(answer(server), [0, 0, 0, 0]);
    let end = end(random);
    while !arena.is_over() && Instant::now() < end {
        talk(server, user);
        arena.count(what);
        arena.sleep(random.below(60));
    }
    match random.below(3) {
        0 => {
            user.send(b"\0\x02\0\x01\0");
            assert_eq!(answer(server), [0, 1, 0, 0, 0], "the user has left");
        }
        1 => {
            server.send(b"\0\x03\0\x01\0");
            assert_eq!(answer(user), [0, 2, 0, 0], "the channel was deleted");
        }
        _ => {}
    }
}

/// When a connection has been there for long enough.
pub fn end(random: &mut Random) -> Instant {
    Instant::now() + Duration::from_millis(300 + random.below(1700) as u64)
}

/// A command with the name of a channel, which is carried out.
fn ask<S: Read + Write>(endpoint: &mut Endpoint<S>, command: u8, name: &[u8]) {
    endpoint.send(&[&[0, command, 1, u8::try_from(name.len()).unwrap()], name].concat());
    assert_eq!(answer(endpoint), [1, 0, 0]);
}

/// The next answer or event that is no keepalive.
fn answer<S: Read + Write>(endpoint: &mut Endpoint<S>) -> Vec<u8> {
    loop {
        let control = endpoint.control();
        if !control.starts_with(&[0, 255]) {
            return control;
        }
    }
}

/// A plain server, and a user behind a WebSocket.
pub fn websocket(arena: &Arena, place: u8) {
    let mut random = arena.random(place);
    while !arena.is_over() {
        let (mut server, mut user) = (arena.endpoint(), Browser::over(arena.socket(arena.plain)));
        let name = random.next().to_le_bytes();
        ask(&mut server, 0, &name);
        user.send(&[b"\0\x01\x01\x08", &name[..]].concat());
        assert_eq!(user.control(), [1, 0, 0]);
        assert_eq!(answer(&mut server), [0, 0, 0, 0]);
        let end = end(&mut random);
        while !arena.is_over() && Instant::now() < end {
            let bytes = pattern(1 + random.below(30_000), 3);
            if random.chance(100) {
                user.raw(&byte_by_byte(&to_server(0, &bytes[..1])));
                assert!(server.data(true, 0, 0, 1) == bytes[..1]);
            }
            if random.chance(100) {
                user.raw(&frame(PING, b"there?"));
            }
            user.send(&to_server(0, &bytes));
            assert!(server.data(true, 0, 0, bytes.len()) == bytes);
            server.send(&[to_user(0, 0, &bytes), to_all(0, &bytes)].concat());
            assert!(user.data(0, 2 * bytes.len()) == [&bytes[..], &bytes].concat());
            arena.count(Progress::WebSocket);
            arena.sleep(random.below(60));
        }
    }
}

/// A user without hello in the channel of a library's server: its chunks come back.
pub fn visitor(arena: &Arena, place: u8) {
    let mut random = arena.random(place);
    let _visit = arena.visit();
    while arena.wait_for_channels(2) {
        let mut user = arena.endpoint();
        user.socket.set_read_timeout(Some(PATIENCE)).unwrap();
        ask(&mut user, 1, b"room");
        let end = end(&mut random);
        while !arena.is_over() && Instant::now() < end {
            let chunk = pattern(1 + random.below(3000), 5);
            let length = ChunkLimit::DEFAULT.encode_length(chunk.len()).unwrap();
            let bytes = [length.as_bytes(), &chunk].concat();
            user.send(&to_server(0, &bytes));
            assert!(user.data(false, 0, 0, bytes.len()) == bytes);
            arena.count(Progress::Existing);
            arena.sleep(random.below(60));
        }
    }
}
