//! The whiteboard, as its users start it: in one process, and in several over a relay.

mod common;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::RunningRelay;

fn rpc(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rpc"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Ended when dropped, should the test fail.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_demonstration_verifies_all_pictures() {
    let output = rpc(&["demo", "--users", "4", "--strokes", "50"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("4 of 4 pictures are the server's; 0 wrong calls"), "{text}");
}

#[test]
fn server_and_users_in_processes_of_their_own() {
    let relay = RunningRelay::new();

    let mut server = Running(rpc(&["serve", "--relay", &relay.address, "--users", "2"]).spawn().unwrap());
    let mut first = String::new();
    BufReader::new(server.0.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(first, "serving \"whiteboard\" for 2 users\n");
    let join = |name: &str, colour: &str| {
        Running(
            rpc(&["join", "--relay", &relay.address, "--name", name, "--colour", colour]).spawn().unwrap(),
        )
    };
    let users = [join("anna", "1"), join("ben", "2")];
    let end = Instant::now() + Duration::from_secs(60);
    for mut process in users.into_iter().chain([server]) {
        let status = loop {
            if let Some(status) = process.0.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "it does not come to an end");
            std::thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(status.code(), Some(0));
    }
}

#[test]
fn a_channel_that_nobody_serves_is_an_error() {
    let relay = RunningRelay::new();
    let output = rpc(&["join", "--relay", &relay.address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}
