//! What relays of a cluster keep for endpoints and relays that are slow counts as memory.
#![cfg(all(unix, feature = "cluster", feature = "program"))]

mod cluster_rig;
mod common;
mod program;

use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

use cluster_rig::{CREATE, ENTER, LONG, Nats, OK, Raw, figure_of, signal, taking_part, until};
use program::PATIENCE;
use rustix::process::Signal;

/// Memory of the relay that has to keep much: a fraction of what is said.
const MEMORY: &str = "8MiB";

/// Users whose data has to wait, and what each is sent: less than the window between relays.
const USERS: usize = 100;
const EACH: usize = 200_000;

/// Says so much of data, in units of a thousand bytes behind `head`.
fn say_much(from: &mut Raw, head: &[u8]) {
    let len = u16::try_from(1000 + head.len()).unwrap();
    let unit = [&[0x80 | len.to_be_bytes()[0], len.to_be_bytes()[1]][..], head, &[7; 1000]].concat();
    let all = unit.repeat(EACH / 1000);
    let (mut said, begin) = (0, Instant::now());
    while said < all.len() {
        match from.0.write(&all[said..]) {
            Ok(len) => said += len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                assert!(begin.elapsed() < PATIENCE, "nothing is taken any more");
                std::thread::sleep(Duration::from_millis(1));
            }
            // the relay has closed it
            Err(_) => return,
        }
    }
}

#[test]
fn a_relay_for_which_too_much_waits_is_given_up() {
    let Some(nats) = Nats::start("backlog") else { return };
    let more = ["--metrics", "true", "--memory-bytes", MEMORY, "--stall-timeout", "60"];
    let (mut a, at_a) = nats.relay_with(&nats.url(), "backlog", LONG, &more);
    let (b, at_b) = nats.relay("backlog", LONG);
    let (_c, at_c) = nats.relay("backlog", LONG);
    let mut server = Raw::server(at_a, b"room");
    let mut users: Vec<Raw> = (0..USERS).map(|_| Raw::connect(at_b)).collect();
    for user in &mut users {
        user.command(ENTER, 1, b"room");
        user.expect(OK);
        assert_eq!(server.next().unwrap()[..5], [0, 4, 0, 0, 0]);
    }
    let mut near = Raw::user(at_c, b"room");
    assert_eq!(server.next().unwrap(), [0, 4, 0, 0, 0, 100]);
    signal(&b, Signal::STOP);
    for number in 0..u8::try_from(USERS).unwrap() {
        say_much(&mut server, &[128, number]);
    }
    // all users there are lost, and the one elsewhere is not
    for _ in 0..USERS {
        let gone = server.next().unwrap();
        assert!(gone[..5] == [0, 5, 0, 1, 0] && gone[5] < 100 && gone[6] == 1, "{gone:?}");
    }
    let log = a.log_until("the line to another relay is given up").pop().unwrap();
    assert!(log.contains("memory-bytes"), "{log}");
    for number in 0..100 {
        server.say(&[4, 128, 100, 1, number]);
        near.expect(&[3, 0, 1, number]);
    }
    // what it has kept is free again, and the relay comes back
    until("memory to be free", || figure_of(at_a, "queued_bytes") < 4 << 20);
    signal(&b, Signal::CONT);
    for user in &mut users {
        while user.next().unwrap()[..4] != [0, 4, 0, 2] {}
    }
    let answer = users[0].command_until(ENTER, b"room", &[0, 3, 1, 1, 1]);
    assert_eq!(answer[..4], OK[..4]);
}

#[test]
fn a_server_for_which_too_much_waits_is_given_up() {
    let Some(nats) = Nats::start("keeps") else { return };
    let more = ["--metrics", "true", "--memory-bytes", MEMORY, "--stall-timeout", "60"];
    let (mut a, at_a) = nats.relay_with(&nats.url(), "keeps", LONG, &more);
    let (_b, at_b) = nats.relay("keeps", LONG);
    let mut other = Raw::server(at_a, b"other");
    // it takes part, and takes nothing
    let mut server = taking_part(at_a, 1000);
    server.command(CREATE, 1, b"room");
    server.expect(OK);
    let mut users: Vec<Raw> = (0..USERS).map(|_| Raw::connect(at_b)).collect();
    for user in &mut users {
        user.command(ENTER, 1, b"room");
        let knock = loop {
            let unit = server.next().unwrap();
            if unit[..4] == [0, 10, 0, 4] {
                break unit;
            }
        };
        server.say(&[0, 9, 0, 3, 0, knock[5], knock[6]]);
        user.expect(OK);
    }
    for user in &mut users {
        say_much(user, &[0]);
    }
    let log = a.log_until("connection closed").pop().unwrap();
    assert!(log.contains("memory-bytes"), "{log}");
    for user in &mut users {
        user.expect(&[0, 4, 0, 2, 0, 1]);
    }
    until("memory to be free", || figure_of(at_a, "queued_bytes") < 1 << 20);
    // nobody else notices
    users[0].command(ENTER, 1, b"other");
    let answer = users[0].next().unwrap();
    assert_eq!(answer[..4], OK[..4]);
    other.expect(&[0, 4, 0, 0, 0, 0]);
    users[0].say(&[2, answer[4], 5]);
    other.expect(&[3, 128, 0, 5]);
}
