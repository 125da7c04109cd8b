//! SIGHUP: the program reads its configuration file again.
#![cfg(unix)]

mod common;
mod program;

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use common::{Endpoint, open, talk};
use program::{Running, file};
use rustix::process::Signal;

fn connect(address: SocketAddr) -> Endpoint {
    Endpoint::new(TcpStream::connect(address).unwrap())
}

fn pair(address: SocketAddr) -> (Endpoint, Endpoint) {
    let (mut server, mut user) = (connect(address), connect(address));
    open(b"a", &mut server, &mut user);
    (server, user)
}

/// Writes the file, sends the signal, and waits for the line that ends what is said about it.
#[track_caller]
fn reload(relay: &mut Running, path: &Path, text: &str, end: &str) -> String {
    fs::write(path, text).unwrap();
    relay.signal(Signal::HUP);
    relay.log_until(end).join("\n")
}

const GOOD: &str = "configuration read again";
const WRONG: &str = "settings stay as they were";

#[test]
fn new_limits_hold_and_nobody_is_disconnected() {
    let path = file("reload.toml", "listen = [\"127.0.0.1:0\"]\n");
    let mut relay = Running::start(&["--config", path.to_str().unwrap(), "--commands-per-second", "0"]);
    let address = relay.address();
    let (mut server, mut user) = pair(address);
    talk(&mut server, &mut user);

    let lowered = "listen = [\"127.0.0.1:0\"]\nmax-connections = 1\n";
    let log = reload(&mut relay, &path, lowered, GOOD);
    assert!(log.contains("max-connections = 1, before 10000"), "{log}");
    assert!(log.contains("changes=1"), "{log}");
    connect(address).is_closed();
    talk(&mut server, &mut user);

    // a wrong file changes nothing, and everything that is wrong with it is said
    let wrong = "max-connections = \"many\"\n\nqueue-bytes = 1\nmax-channels = 1\n";
    let log = reload(&mut relay, &path, wrong, WRONG);
    for place in ["reload.toml:1: max-connections", "reload.toml:3: queue-bytes"] {
        assert!(log.contains(place), "{log}");
    }
    connect(address).is_closed();
    assert_eq!(server.create(b"another"), 1);

    fs::remove_file(&path).unwrap();
    relay.signal(Signal::HUP);
    relay.log_until("cannot be read");
    relay.log_until(WRONG);

    // what cannot change is named each time; options still have precedence
    for _ in 0..2 {
        let moved = "listen = [\"127.0.0.2:0\"]\nmax-connections = 3\ncommands-per-second = 1\n";
        let log = reload(&mut relay, &path, moved, GOOD);
        assert!(log.contains("listen = [\"127.0.0.2:0\"] takes effect at the next start"), "{log}");
        assert!(!log.contains("commands-per-second"), "{log}");
    }
    let mut third = connect(address);
    assert_eq!(third.create(b"third"), 0);
    connect(address).is_closed();
    talk(&mut server, &mut user);

    relay.signal(Signal::TERM);
    assert_eq!(relay.end().0, Some(0));
}

#[test]
fn the_log_level_changes() {
    let path = file("reload-level.toml", "listen = [\"127.0.0.1:0\"]\nlog-level = \"warn\"\n");
    let mut relay = Running::start(&["--config", path.to_str().unwrap()]);
    let address = relay.address();
    drop(connect(address));
    let log = reload(&mut relay, &path, "listen = [\"127.0.0.1:0\"]\nlog-level = \"debug\"\n", "read again");
    assert!(log.contains("log-level = \"debug\", before \"warn\""), "{log}");
    assert!(!log.contains("connection accepted"), "{log}");
    let (_server, _user) = pair(address);
    relay.log_until("channel entered");
}

#[test]
fn a_log_level_that_cannot_change_is_said_so() {
    let path = file("reload-fixed.toml", "listen = [\"127.0.0.1:0\"]\nlog-level = \"warn\"\n");
    let mut command = program::program(&["--config", path.to_str().unwrap()]);
    let mut relay = Running::spawn(command.env("RUST_LOG", "info").stderr(std::process::Stdio::piped()));
    relay.address();
    let log = reload(&mut relay, &path, "listen = [\"127.0.0.1:0\"]\nlog-level = \"debug\"\n", GOOD);
    assert!(log.contains("log-level = \"debug\" has no effect: RUST_LOG says what is logged"), "{log}");
    assert!(!log.contains("before \"warn\""), "{log}");
}

#[test]
fn many_signals_are_no_harm() {
    let path = file("reload-many.toml", "listen = [\"127.0.0.1:0\"]\n");
    let mut relay = Running::start(&["--config", path.to_str().unwrap(), "--commands-per-second", "0"]);
    let (mut server, mut user) = pair(relay.address());
    for _ in 0..200 {
        relay.signal(Signal::HUP);
    }
    talk(&mut server, &mut user);
    // the last one is not lost in the crowd
    fs::write(&path, "listen = [\"127.0.0.1:0\"]\nmax-channels = 77\n").unwrap();
    relay.signal(Signal::HUP);
    relay.log_until("max-channels = 77, before 16384");
    relay.signal(Signal::TERM);
    assert_eq!(relay.end().0, Some(0));
}
