//! The targets for fuzzing, with the stable toolchain: every committed seed, and random changes of
//! them.
//!
//! The changes are the same each time, and none of them knows what it reaches; for that there is
//! `scripts/fuzz`. `PEOTE_NET_FUZZ_RUNS` is the number of changed inputs of each target.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use peote_net_models::{TARGETS, Target};
use peote_net_simulation::Random;

/// Inputs get no longer than that by being changed.
const LONGEST: usize = 4096;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = fuzz().join("seeds").join(target);
    let entries = directory.read_dir().unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .collect()
}

/// Tries one input; what it finds is left where cargo-fuzz leaves it, too.
fn try_one((name, check): Target, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(input))) {
        let directory = fuzz().join("artifacts").join(name);
        let path = directory.join("found-by-cargo-test");
        let written = std::fs::create_dir_all(&directory).and_then(|()| std::fs::write(&path, input));
        eprintln!("the target {name} finds something in {}; to repeat it:", path.display());
        eprintln!("PEOTE_NET_FUZZ_INPUT={} cargo test -p peote-net-tests --test fuzz {name}", path.display());
        written.expect("the input can be kept");
        resume_unwind(panic);
    }
}

/// A few random changes.
fn change(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = random.choose(seeds).clone();
    for _ in 0..1 + random.below(6) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(20)).min(bytes.len());
        let noise = random.next().to_le_bytes();
        let noise = &noise[..1 + random.below(noise.len())];
        match random.below(6) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, noise.iter().copied())),
            2 => drop(bytes.splice(at..end, noise.iter().copied())),
            3 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => {
                let other = random.choose(seeds);
                let from = random.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = byte.wrapping_add(noise[0]);
                }
            }
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

/// Runs a target on its seeds and, unless it is said otherwise, on so many changes of them.
fn run(name: &str, runs: u64) {
    let target = *TARGETS.iter().find(|(known, _)| *known == name).expect("a target of that name");
    if let Some(path) = std::env::var_os("PEOTE_NET_FUZZ_INPUT") {
        return (target.1)(&std::fs::read(path).expect("an input that can be read"));
    }
    let wanted = std::env::var("PEOTE_NET_FUZZ_RUNS").ok();
    let runs = wanted.map_or(runs, |runs| runs.parse().expect("PEOTE_NET_FUZZ_RUNS is a number of runs"));
    let seeds = seeds(name);
    assert!(!seeds.is_empty(), "there are no seeds for {name}");
    seeds.iter().for_each(|seed| try_one(target, seed));
    let mut random = Random::new(0);
    for _ in 0..runs {
        try_one(target, &change(&mut random, &seeds));
    }
    println!("{} seeds and {runs} changes of them", seeds.len());
}

#[test]
fn protocol() {
    run("protocol", 3_000);
}

#[test]
fn chunk() {
    run("chunk", 5_000);
}

#[test]
fn rpc() {
    run("rpc", 5_000);
}

#[test]
fn calls() {
    run("calls", 3_000);
}

#[test]
fn relay() {
    run("relay", 500);
}

#[test]
fn link() {
    run("link", 1_000);
}

#[test]
fn offline() {
    run("offline", 3_000);
}

#[test]
fn serial() {
    run("serial", 3_000);
}

#[test]
fn every_target_has_a_test() {
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["protocol", "chunk", "rpc", "calls", "relay", "link", "offline", "serial"]);
}
