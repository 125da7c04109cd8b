//! The relay as a program under mixed load with faults: some seconds as a test, an hour with
//! `scripts/soak 3600`. After each round of load all endpoints go, and the relay has to be as it
//! was at the start.
#![cfg(all(target_os = "linux", feature = "tls"))]

mod common;
mod program;
mod soak_rig;

use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use soak_rig::watch::Watch;
use soak_rig::{Arena, faults, links, streams};

/// What talks as it should. Its connections stay, its bytes arrive, its calls are answered.
const STORIES: [fn(&Arena, u8); 9] = [
    streams::plain,
    streams::sealed,
    streams::websocket,
    links::room,
    links::visitor,
    links::visitor,
    streams::visitor,
    links::adder,
    links::caller,
];

/// Round after round of load, until the time is over. The last line says what was measured.
#[test]
fn the_relay_is_as_before_after_each_round_of_load_with_faults() {
    let number = |name, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (seconds, seed): (u64, u64) = (number("PEOTE_SOAK_SECONDS", 3), number("PEOTE_SOAK_SEED", 1));
    let round = Duration::from_secs((seconds / 2).clamp(1, 30));
    let (begin, mut watch) = (Instant::now(), Watch::start());
    let mut rounds = 0;
    while rounds < 2 || begin.elapsed().as_secs() < seconds {
        let arena = Arena::new(&watch, seed.wrapping_add(rounds << 16));
        run(&arena, &mut watch, round);
        watch.is_as_before(&arena);
        rounds += 1;
        println!("{:>6} s, round {rounds}: {}", begin.elapsed().as_secs(), watch.summary());
    }
    let summary = watch.end();
    println!("soak: {} s, {rounds} rounds from seed {seed}: {summary}", begin.elapsed().as_secs());
}

/// One round. It is over when its time is, and each story has got on.
fn run(arena: &Arena, watch: &mut Watch, round: Duration) {
    std::thread::scope(|scope| {
        // also when something is wrong
        let _stop = arena.stop_at_the_end();
        let stories: Vec<_> =
            (0u8..).zip(STORIES).map(|(place, story)| scope.spawn(move || story(arena, place))).collect();
        for (place, fault) in (0u8..).zip(faults::ALL) {
            scope.spawn(move || fault(arena, place));
        }
        let begin = Instant::now();
        while begin.elapsed() < round || !arena.all_got_on() {
            watch.look(arena);
            assert!(!stories.iter().any(ScopedJoinHandle::is_finished), "a story was cut short");
            assert!(begin.elapsed() < round + common::PATIENCE, "some get on no more: {arena:?}");
        }
    });
}
