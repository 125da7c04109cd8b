//! Endpoints that vanish, stall, trickle, lie, and come in floods. Each has an address and a
//! network of its own, and cares for nothing that the relay says.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use peote_net::protocol::items;
use peote_net::protocol::to_relay::{self, Command};
use peote_net_testkit::random::Random;

use super::Arena;
use crate::common::websocket::{BINARY, PING, REQUEST, frame};
use crate::common::{pattern, to_all, to_server};

/// A fault of a kind, again and again until the round is over.
pub const ALL: [fn(&Arena, u8); 8] =
    [vanish, stall, trickle, lie, lie_sealed, flood, command_storm, silent_visitor];

const CREATE: u8 = 0;
const ENTER: u8 = 1;

fn named(command: u8, name: &[u8]) -> Vec<u8> {
    [&[0, command, 1, u8::try_from(name.len()).unwrap()], name].concat()
}

/// A hello of one that takes part, with so large a window.
fn hello(window: u32) -> Vec<u8> {
    let list = [&items::capabilities(1)[..], &items::number(items::WINDOW, window)].concat();
    [&to_relay::command_head(Command::Hello, list.len()).unwrap()[..], &list].concat()
}

/// Bytes, some of which are random and most of which mean something.
fn nonsense(random: &mut Random) -> Vec<u8> {
    let mut bytes = vec![0; 1 + random.below(3000)];
    random.fill(&mut bytes);
    // small numbers are commands and short units
    let mask = *random.choose(&[0xff, 15, 7]);
    bytes.iter_mut().for_each(|byte| *byte &= mask);
    bytes
}

/// What an endpoint may say: the start is in order, and what follows not always.
fn speech(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..1 + random.below(8) {
        let name = *random.choose(&[&b"room"[..], b"news", b"adder", b"", b"nowhere", b"vanishing"]);
        let (channel, user) = (random.below(3) as u8, random.below(256) as u8);
        bytes.extend(match random.below(12) {
            0..3 => named(ENTER, name),
            3 => named(CREATE, b"vanishing"),
            4 => hello(random.next() as u32),
            5 => hello(65_536),
            6 => to_relay::grant_server(channel, random.next() as u32).to_vec(),
            7 => to_relay::grant_user(channel, user, random.next() as u32).to_vec(),
            8 => to_relay::admit(channel, user, random.below(256) as u8).to_vec(),
            9 => to_all(channel, &pattern(random.below(2000), 1)),
            10 => nonsense(random),
            _ => to_server(channel, &nonsense(random)),
        });
    }
    bytes
}

/// Ends with a reset in place of an end in order.
fn reset(socket: TcpStream) {
    let _ = socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO));
    drop(socket);
}

fn end(random: &mut Random, socket: TcpStream) {
    match random.below(3) {
        0 => reset(socket),
        1 => drop(socket.shutdown(Shutdown::Write)),
        _ => {}
    }
}

/// Takes what is there, for so many milliseconds.
fn read_for(socket: &mut TcpStream, millis: usize) {
    let _ = socket.set_read_timeout(Some(Duration::from_millis(millis.max(1) as u64)));
    let _ = socket.read(&mut [0; 4096]);
}

/// Speaks, is cut off anywhere, and is gone.
fn vanish(arena: &Arena, place: u8) {
    let mut random = arena.random(100 + place);
    while !arena.is_over() {
        let Some(mut socket) = arena.fault(place, arena.plain, false) else { continue };
        let bytes = speech(&mut random);
        let bytes = match random.below(3) {
            // as a WebSocket
            0 => [REQUEST.as_bytes(), &frame(BINARY, &bytes)].concat(),
            _ => bytes,
        };
        let _ = socket.write_all(&bytes[..random.below(bytes.len() + 1)]);
        read_for(&mut socket, random.below(30));
        end(&mut random, socket);
        arena.sleep(random.below(50));
    }
}

/// Users that are sent more than anybody keeps for them, and read nothing. With all of them the
/// relay has no memory left for queues.
fn stall(arena: &Arena, place: u8) {
    let mut random = arena.random(100 + place);
    while !arena.is_over() {
        let Some(mut server) = arena.fault(place, arena.plain, false) else { continue };
        let _ = server.write_all(&named(CREATE, b"stalling"));
        read_for(&mut server, 1000);
        // with a window they hold up their server before anything is queued
        let takes_part = random.chance(300);
        let mut users = Vec::new();
        for _ in 0..1 + random.below(50) {
            let Some(mut user) = arena.fault(place, arena.plain, true) else { break };
            let start = if takes_part { hello(random.below(100_000) as u32) } else { Vec::new() };
            let _ = user.write_all(&[start, named(ENTER, b"stalling")].concat());
            users.push(user);
        }
        arena.sleep(20);
        // longer than a busy relay takes to go on, so that the queues are full at the end
        let _ = server.set_write_timeout(Some(Duration::from_secs(1)));
        let broadcast = to_all(0, &pattern(30_000, 1));
        // the system takes some megabytes for each of them first
        for _ in 0..400 {
            if arena.is_over() || server.write_all(&broadcast).is_err() {
                break;
            }
        }
        arena.sleep(random.below(15_000));
        users.into_iter().for_each(|user| end(&mut random, user));
        end(&mut random, server);
    }
}

/// Everything byte by byte: what it says, and what it hears.
fn trickle(arena: &Arena, place: u8) {
    let mut random = arena.random(100 + place);
    while !arena.is_over() {
        let Some(mut socket) = arena.fault(place, arena.plain, true) else { continue };
        let _ = socket.set_nodelay(true);
        let bytes = match random.below(4) {
            0 => REQUEST.as_bytes().to_vec(),
            1 => b"GET /health HTTP/1.1\r\nHost: relay\r\n\r\n".to_vec(),
            2 => [named(ENTER, b"news"), to_server(0, &pattern(100, 1))].concat(),
            _ => speech(&mut random),
        };
        let pause = random.below(30);
        for byte in bytes.iter().take(500) {
            if arena.is_over() || socket.write_all(&[*byte]).is_err() {
                break;
            }
            let _ = socket.set_read_timeout(Some(Duration::from_millis(1)));
            let _ = socket.read(&mut [0]);
            arena.sleep(pause);
        }
        end(&mut random, socket);
    }
}

/// Says what is not so.
fn lie(arena: &Arena, place: u8) {
    lie_at(arena, place, arena.plain);
}

/// The same where TLS is spoken.
fn lie_sealed(arena: &Arena, place: u8) {
    lie_at(arena, place, arena.tls);
}

fn lie_at(arena: &Arena, place: u8, address: SocketAddr) {
    let mut random = arena.random(100 + place);
    while !arena.is_over() {
        let Some(mut socket) = arena.fault(place, address, false) else { continue };
        for _ in 0..random.below(20) {
            let bytes = match random.below(6) {
                0 => nonsense(&mut random),
                // the head of a TLS record, and anything behind it
                1 => [&[22, 3, 1, 2, 0][..], &nonsense(&mut random)].concat(),
                2 => [REQUEST.as_bytes(), &frame(PING, &nonsense(&mut random))].concat(),
                3 => frame(random.next() as u8, &nonsense(&mut random)),
                _ => speech(&mut random),
            };
            if socket.write_all(&bytes).is_err() {
                break;
            }
            read_for(&mut socket, random.below(5));
        }
        end(&mut random, socket);
        arena.sleep(random.below(50));
    }
}

/// As many connections at once as the system lets one have in a moment, some of them with a word.
fn flood(arena: &Arena, place: u8) {
    let mut random = arena.random(100 + place);
    while !arena.is_over() {
        let mut sockets = Vec::new();
        for _ in 0..20 + random.below(120) {
            let Some(mut socket) = arena.fault(place, arena.plain, false) else { break };
            let words = *random.choose(&[&b""[..], b"\0", b"GET /", b"\0\x01\x01\x04room"]);
            let _ = socket.write_all(words);
            sockets.push(socket);
        }
        arena.sleep(random.below(500));
        sockets.into_iter().for_each(|socket| end(&mut random, socket));
        // ports are used up otherwise
        arena.sleep(600);
    }
}

/// Commands as fast as they are taken, whose answers are read now and then.
fn command_storm(arena: &Arena, place: u8) {
    let mut random = arena.random(100 + place);
    while !arena.is_over() {
        let Some(mut socket) = arena.fault(place, arena.plain, true) else { continue };
        for _ in 0..random.below(60) {
            let name = pattern(1 + random.below(255), random.below(200) as u32);
            let number = random.below(128) as u8;
            let storm =
                [&named(CREATE, &name)[..], &named(ENTER, &name), &[0, 2, 0, 1, number, 0, 3, 0, 1, number]];
            if socket.write_all(&storm.concat().repeat(1 + random.below(20))).is_err() {
                arena.sleep(100);
            }
            read_for(&mut socket, random.below(20));
        }
        end(&mut random, socket);
    }
}

/// A user of the good ones' channels that takes nothing of what it is sent; mostly one that takes
/// part, so that it holds up itself.
fn silent_visitor(arena: &Arena, place: u8) {
    let mut random = arena.random(100 + place);
    while arena.wait_for_channels(2) {
        let Some(mut socket) = arena.fault(place, arena.plain, true) else { continue };
        let start = if random.chance(900) { hello(65_536) } else { Vec::new() };
        let chunks = [0x10; 17].repeat(random.below(400));
        let _ = socket.write_all(&[start, named(ENTER, b"room"), named(ENTER, b"news")].concat());
        read_for(&mut socket, 200);
        let _ = socket.write_all(&to_server(0, &chunks));
        arena.sleep(random.below(3000));
        end(&mut random, socket);
    }
}
