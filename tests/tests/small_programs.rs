//! The small programs in `examples/` of the library crates, and one outside of the workspace, as
//! processes.
#![cfg(unix)]

#[path = "common/running.rs"]
#[expect(dead_code, reason = "other tests need the rest")]
mod running;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use peote_net::link::{Event, Mode};
use peote_net_std::DesktopLink;
use running::{PATIENCE, Running, relay};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn start(name: &str, relay: &str) -> Running {
    Running::start(&format!("examples/{name}"), &[relay])
}

/// Runs a program to its end; its exit code, output and errors.
fn run(name: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let ended = Running::start(&format!("examples/{name}"), arguments).end();
    (ended.code, ended.output, ended.errors)
}

#[test]
fn they_are_small() {
    for (folder, most) in
        [("core/examples", 40), ("smoltcp-adapter/examples", 40), ("std-adapter/examples", 45)]
    {
        let programs = std::fs::read_dir(root().join(folder)).unwrap();
        for program in programs.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
            let lines = std::fs::read_to_string(&program).unwrap().lines().count();
            assert!(lines <= most, "{}: {lines} lines", program.display());
        }
    }
}

#[test]
fn the_readme_has_the_echo_server() {
    let program = std::fs::read_to_string(root().join("std-adapter/examples/echo.rs")).unwrap();
    let program = program.split_once("\n\n").unwrap().1;
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(program), "README.md does not have std-adapter/examples/echo.rs in it");
}

#[test]
fn an_echo_server_and_its_client() {
    let (_relay, address) = relay();
    // there is no server
    let (code, _, errors) = run("client", &[&address]);
    assert_eq!(code, Some(1));
    let text = "Error: channel \"echo\": the relay did not let this link enter the channel: there is no channel of this name\n";
    assert_eq!(errors, text);
    let mut returning = start("reconnect", &address);
    let _echo = start("echo", &address);
    returning.expect("hello");
    // started twice: the second one says what is wrong
    let (code, _, errors) = run("echo", &[&address]);
    assert_eq!(code, Some(1));
    let text = "Error: channel \"echo\": the relay did not create the channel: a channel of this name exists already\n";
    assert!(errors.ends_with(text), "{errors}");
    let (code, output, errors) = run("client", &[&address]);
    assert_eq!((code, output.as_str(), errors.as_str()), (Some(0), "hello", ""));
}

/// Started before the relay it says that it waits.
#[test]
fn an_echo_server_without_a_relay() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut echo =
        Command::new(running::program("examples/echo")).arg(&address).stderr(Stdio::piped()).spawn().unwrap();
    let errors = echo.stderr.take().unwrap();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        use std::io::BufRead as _;
        let _ = tell.send(std::io::BufReader::new(errors).lines().next());
    });
    let line = told.recv_timeout(PATIENCE).unwrap().unwrap().unwrap();
    let text = format!("cannot connect to {address}: {address}: Connection refused");
    assert!(line.starts_with(&text) && line.ends_with("; trying again"), "{line}");
    echo.kill().unwrap();
    echo.wait().unwrap();
    // one that does not wait ends, and says why; so does one with an address that is none
    let (code, _, errors) = run("client", &[&address]);
    assert!(code == Some(1) && errors.starts_with(&format!("Error: {text}")), "{errors}");
    let (code, _, errors) = run("client", &["ws://localhost:7680"]);
    assert_eq!(code, Some(1));
    let text = "Error: cannot connect to ws://localhost:7680: \
                \"ws://\" is for browsers, this is TCP: write \"localhost:7680\"\n";
    assert_eq!(errors, text);
}

#[test]
fn programs_without_a_relay() {
    let (code, output, errors) = run("offline", &[]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(output.starts_with("the server says: your move\nafter "), "{output}");
    let (code, output, errors) = run("rpc", &[]);
    assert_eq!((code, output.as_str(), errors.as_str()), (Some(0), "the lamp is on at 80 %", ""));
    let (code, output, errors) = run("offline_rpc", &[]);
    assert_eq!((code, output.as_str(), errors.as_str()), (Some(0), "the lamp is on at 80 %", ""));
    let (code, output, errors) = run("offline_echo", &[]);
    assert_eq!((code, output.as_str(), errors.as_str()), (Some(0), "the server says: hello", ""));
}

/// The sensor's stack talks to a relay, through the other end of its cable.
#[test]
fn a_sensor_on_a_desk() {
    let (_relay, address) = relay();
    let mut link = DesktopLink::connect(&address).unwrap();
    link.create("readings", Mode::chunks(64)).unwrap();
    let mut sensor = start("sensor", &address);
    let end = Instant::now() + PATIENCE;
    let mut readings = 0;
    while readings < 3 {
        assert!(Instant::now() < end, "{:#?}", sensor.seen);
        link.wait_for(&mut [], Some(link.now() + Duration::from_millis(100).into())).unwrap();
        link.poll(|event, out| match event {
            Event::Chunk { from, bytes } => {
                assert_eq!(bytes, b"21.5");
                readings += 1;
                out.send(from, b"faster")
            }
            other => other.ok(),
        })
        .unwrap();
    }
    sensor.expect("Chunk");
}

/// What a board that has only just been programmed can talk to.
#[test]
fn a_server_that_listens() {
    let (_relay, address) = relay();
    let mut server = Running::start("examples/listen", &["readings", "64", &address]);
    server.expect("channel \"readings\", chunks up to 64 bytes");
    let _sensor = start("sensor", &address);
    server.expect("user 0 is here");
    server.expect("21.5");
    let (code, _, errors) = run("listen", &["readings"]);
    assert!(code == Some(1) && errors.contains("usage: listen CHANNEL MAXIMUM [RELAY]"), "{errors}");
}

/// A crate that knows the libraries by their interface only.
#[test]
fn a_lobby_from_outside() {
    let target = root().join("target/outside");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline", "--locked", "--manifest-path", "tests/outside/Cargo.toml"])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let lobby = target.join("debug/lobby");
    let lobby = lobby.to_str().unwrap();
    let mut offline = Running::start(lobby, &[]);
    offline.expect("Serving");
    let (_relay, address) = relay();
    let mut first = Running::start(lobby, &[&address]);
    first.expect("Serving");
    let mut others = [Running::start(lobby, &[&address]), Running::start(lobby, &[&address])];
    for other in &mut others {
        other.expect("Entered");
        other.expect("user 1 is at");
    }
    // the server goes, and one of the others takes over, which the other one enters
    drop(first);
    let end = Instant::now() + PATIENCE;
    for other in &mut others {
        other.expect("Out(ConnectionLost)");
    }
    let is_in =
        |other: &mut Running, what: &str| other.seen.iter().rev().take(50).any(|line| line.contains(what));
    loop {
        others.iter_mut().for_each(|other| drop(other.try_line()));
        let [one, other] = &mut others;
        let is_served = is_in(one, "Serving") && is_in(other, "user 0 is at")
            || is_in(other, "Serving") && is_in(one, "user 0 is at");
        if is_served {
            break;
        }
        assert!(Instant::now() < end, "{:#?} {:#?}", one.seen, other.seen);
        std::thread::sleep(Duration::from_millis(1));
    }
}
