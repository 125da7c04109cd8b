//! A password at a door, and the newest state for those who keep up, over a relay.

mod common;

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use common::RunningRelay;
use peote_net::link::{Event, Mode};
use peote_net_std::DesktopLink;

/// A program, until it is dropped.
struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line it prints; its end is a failure.
    fn line(&mut self) -> String {
        self.lines.next().expect("the program has ended").unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn who_knows_the_password_is_in() {
    let relay = RunningRelay::new();
    let door = env!("CARGO_BIN_EXE_door");
    let mut club = Program::start(door, &[&relay.address, "swordfish"]);
    assert_eq!(club.line(), "the club is open");
    let mut wrong = Program::start(door, &[&relay.address, "sole", "mallory"]);
    assert_eq!(wrong.line(), "refused: wrong password");
    let _right = Program::start(door, &[&relay.address, "swordfish", "alice"]);
    assert_eq!(club.line(), "hello from alice");
}

#[test]
fn who_keeps_up_sees_each_state_and_who_is_late_does_not_hold_it_up() {
    let relay = RunningRelay::new();
    let newest = env!("CARGO_BIN_EXE_newest");
    let mut server = Program::start(newest, &[&relay.address]);
    let _ = server.line();
    let mut quick = Program::start(newest, &[&relay.address, "0"]);
    let mut slow = Program::start(newest, &[&relay.address, "1000"]);
    let next = |who: &mut Program| who.line().parse::<u64>().unwrap();
    // what they see is whole and in order
    let mut last = next(&mut quick);
    for _ in 0..60 {
        let tick = next(&mut quick);
        assert!(last < tick, "{last} {tick}");
        last = tick;
    }
    let (one, other) = (next(&mut slow), next(&mut slow));
    assert!(one < other, "{one} {other}");
}

/// What a server says need not be what it should be, and may be meant for a terminal.
#[test]
fn a_state_that_is_none_is_shown_as_far_as_it_goes() {
    let relay = RunningRelay::new();
    let mut server = DesktopLink::connect(&relay.address).unwrap();
    server.create("state", Mode::default()).unwrap();
    let is_open = |event: &Event<'_>| matches!(event, Event::Opened { .. });
    let mut opened = false;
    while !opened {
        server.wait().unwrap();
        server.poll(|event, _| opened |= is_open(&event)).unwrap();
    }
    let mut player = Program::start(env!("CARGO_BIN_EXE_newest"), &[&relay.address, "0"]);
    let mut said = false;
    while !said {
        server.wait().unwrap();
        let polled = server.poll(|event, out| match event {
            Event::UserEntered { channel, user, .. } => {
                said = true;
                out.send((channel, user), b"\x1b[2J")
            }
            other => other.ok(),
        });
        polled.unwrap();
    }
    while server.link().wants_write() {
        server.poll(|event, _| event.ok()).unwrap();
    }
    assert_eq!(player.line(), "\\x1b[2J");
}
