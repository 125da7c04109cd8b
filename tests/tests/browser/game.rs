//! The game of the examples in a page: Rust for wasm32, in a real browser.

use crate::chromium::{Chromium, Page};
use crate::files::Files;
use crate::running::{Running, relay};
use crate::tools;

/// Waits until the game is over, and returns how many moves the server has seen, and states the
/// players.
#[track_caller]
fn play(chromium: &mut Chromium, page: &Page) -> (u64, u64) {
    chromium.wait_for(page, "document.querySelector('#game').dataset.state != 'playing'");
    let state = chromium.evaluate(page, "document.querySelector('#game').dataset.state");
    let shown = chromium.evaluate(page, "document.querySelector('#game').textContent");
    assert_eq!(state, "over", "{shown}");
    let text = shown.as_str().unwrap();
    let before = |unit: &str| {
        let (count, _) = text.split_once(unit).unwrap_or_else(|| panic!("{text}"));
        count.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(before(" players"), 3, "{text}");
    (before(" moves"), before(" states"))
}

#[test]
fn a_game_in_a_page_offline_and_over_a_relay() {
    let files = Files::of(tools::game_page());
    let (relay, address) = relay();
    let mut chromium = Chromium::start();
    let online = format!("&relay=ws://{address}/");
    for relay in ["", online.as_str()] {
        let page = format!("http://{}/index.html?seconds=2{relay}", files.address);
        let page = chromium.open(&page);
        let (moves, states) = play(&mut chromium, &page);
        // each move and each state was checked in the page; how many there are is the machine's
        assert!(moves > 0 && states > 0, "{relay}: {moves} moves, {states} states");
    }
    drop(relay);
    assert!(chromium.complaints.is_empty(), "{:#?}", chromium.complaints);
}

#[test]
fn a_page_says_what_is_wrong() {
    let files = Files::of(tools::game_page());
    let mut chromium = Chromium::start();
    // a port that no program listens at
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unreachable = format!("relay=ws://{closed}/");
    for (options, says) in [
        (unreachable.as_str(), "no WebSocket relay was reached"),
        ("relay=ftp://nowhere/", "is no address of a WebSocket"),
        ("players=many", "players=many is no number"),
    ] {
        let page = chromium.open(&format!("http://{}/index.html?{options}", files.address));
        chromium.wait_for(&page, "document.querySelector('#game').dataset.state == 'failed'");
        let shown = chromium.evaluate(&page, "document.querySelector('#game').textContent");
        assert!(shown.as_str().unwrap().contains(says), "{options}: {shown}");
    }
}

#[test]
fn a_page_whose_relay_goes_says_so() {
    let files = Files::of(tools::game_page());
    let (mut relay, address) = relay();
    let mut chromium = Chromium::start();
    let page = format!("http://{}/index.html?seconds=600&relay=ws://{address}/", files.address);
    let page = chromium.open(&page);
    chromium.wait_for(&page, "document.querySelector('#game').textContent.includes('3 players')");
    end(&mut relay);
    chromium.wait_for(&page, "document.querySelector('#game').dataset.state == 'failed'");
    let shown = chromium.evaluate(&page, "document.querySelector('#game').textContent");
    assert!(shown.as_str().unwrap().contains("the WebSocket has ended"), "{shown}");
}

fn end(relay: &mut Running) {
    relay.process.kill().unwrap();
    relay.process.wait().unwrap();
}
