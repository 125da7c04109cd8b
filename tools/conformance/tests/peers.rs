//! The programs of this repository do as the tables of docs/CONFORMANCE.md say.

#[path = "../endpoints/rust_link.rs"]
mod rust_link;
mod table;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use peote_conformance::{Options, Peer, Report, Select, Subject, run};
use peote_relay::{Config, Relay};

fn options() -> Options {
    Options { patience: Duration::from_secs(60), jobs: 8 }
}

fn try_all(subject: Subject, peer: &Peer) -> Report {
    run(peer, &Select::default().of(subject), options(), &|_| {}).unwrap()
}

#[test]
fn the_relay() {
    let mut relay = Relay::bind(Config {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        max_connections_per_address: 0,
        max_connections_per_network: 0,
        connections_per_second_per_address: 0,
        max_channels_per_address: 0,
        max_channels_per_network: 0,
        max_users_per_channel_per_address: 0,
        max_users_per_channel_per_network: 0,
        commands_per_second: 0,
        messages_per_second: 0,
        bytes_per_second: 0,
        ..Config::default()
    })
    .unwrap();
    let (address, handle) = (relay.local_addrs()[0], relay.handle());
    let thread = std::thread::spawn(move || relay.run());
    let report = try_all(Subject::Relay, &Peer::Relay(address));
    handle.stop();
    thread.join().unwrap().unwrap();
    table::compare(Subject::Relay, "this relay", &report);
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

#[test]
fn the_rust_link() {
    let (listener, address) = listener();
    let thread = std::thread::spawn(move || rust_link::run(&address));
    let report = try_all(Subject::Endpoint, &Peer::Endpoint(listener));
    table::compare(Subject::Endpoint, "Rust link", &report);
    // it has been told that there is nothing more
    thread.join().unwrap();
}

#[test]
fn the_javascript_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (listener, address) = listener();
    let mut program = Command::new(node(root))
        .arg(root.join("endpoints/javascript.mjs"))
        .arg(format!("ws://{address}"))
        .spawn()
        .unwrap();
    let report = try_all(Subject::Endpoint, &Peer::Endpoint(listener));
    if !matches!(program.try_wait(), Ok(Some(_))) {
        let _ = program.kill();
    }
    program.wait().unwrap();
    table::compare(Subject::Endpoint, "JavaScript module", &report);
}

/// Node.js, as `scripts/browser` finds it, or installs it where it may.
fn node(root: &Path) -> PathBuf {
    let ran =
        Command::new(root.join("../../scripts/browser")).arg("node").stdin(Stdio::null()).output().unwrap();
    let output = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{output}{}", String::from_utf8_lossy(&ran.stderr));
    output.lines().last().expect("scripts/browser says where the program is").into()
}
