//! The game in one program, offline and over a relay.

mod common;

use std::process::{Command, Stdio};

use common::RunningRelay;
use peote_net::link::{Event, Mode};
use peote_net::reconnect::{Backoff, Retry};
use peote_net::time::Duration;
use peote_net_game::CHANNEL;
use peote_net_std::DesktopLink;

fn play(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_offline")).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn moves(text: &str) -> u64 {
    let last = text.lines().last().unwrap();
    let (moves, rest) = last.split_once(" moves and ").unwrap();
    assert!(rest.ends_with(" states, all in order"), "{text}");
    moves.parse().unwrap()
}

#[test]
fn without_a_network() {
    let text = play(&["--players", "4", "--duration", "1.5", "--round-trip", "40"]);
    assert!(text.contains("4 players"), "{text}");
    assert!(moves(&text) > 0, "{text}");
}

#[test]
fn a_line_that_is_too_narrow_holds_back() {
    // 5 bytes a move, 20 moves a second: a line of 10 bytes a second lets one through in half a
    // second
    let text = play(&["--players", "1", "--duration", "1.5", "--bandwidth", "10"]);
    assert!(moves(&text) <= 4, "{text}");
}

#[test]
fn over_a_relay() {
    let relay = RunningRelay::new();
    let text = play(&["--relay", &relay.address, "--duration", "1.5"]);
    assert!(moves(&text) > 0, "{text}");
}

/// Over a relay anybody can enter the channel.
#[test]
fn a_stranger_that_talks_nonsense_ends_no_game() {
    let relay = RunningRelay::new();
    let rules = Backoff::new().with_delays(Duration::from_millis(5), Duration::from_millis(20));
    let stranger = DesktopLink::builder().reconnect(rules).retry(Retry::Always);
    let mut stranger = stranger.connect(&relay.address).unwrap();
    stranger.enter(CHANNEL, Mode::chunks(512)).unwrap();

    let mut game = Command::new(env!("CARGO_BIN_EXE_offline"));
    game.args(["--relay", &relay.address, "--duration", "2"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut game = game.spawn().unwrap();
    let (mut has_said, mut states) = (false, 0);
    while game.try_wait().unwrap().is_none() {
        stranger.wait_for(&mut [], Some(stranger.now() + Duration::from_millis(20))).unwrap();
        let polled = stranger.poll(|event, out| match event {
            Event::Opened { channel } => {
                has_said = true;
                out.send(channel, b"nonsense")
            }
            Event::Chunk { .. } => {
                states += 1;
                Ok(())
            }
            _ => Ok(()),
        });
        polled.unwrap();
    }
    let output = game.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(has_said && states > 0);
    assert!(moves(&String::from_utf8(output.stdout).unwrap()) > 0);
}

#[test]
fn a_relay_that_is_not_there() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_offline")).args(["--relay", "127.0.0.1:1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}
