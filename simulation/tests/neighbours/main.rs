//! Programs with bad neighbours: each seed is run twice, with and without them.
//!
//! Bad ones are users and servers that are silent, trickle, keep events, vanish, send all that they
//! may, or whose hello comes too late; and liars, which speak bytes of their own: they send beyond
//! their windows, grant what they have not taken, knock twice, admit with stale tickets. What holds
//! for all others:
//!
//! - Every message of theirs arrives, whole, once and in order.
//! - It arrives as soon as it does without the bad ones, but for what their own server's queue and
//!   line hold (virtual time, message by message).
//! - None of them loses its connection, its channel or a user.
//! - The relay's queues for them stay within their bounds.
//! - When the bad ones have gone and all is quiet, their windows are whole.
//!
//! Existing endpoints are among them, in all roles. What is said in a channel of an existing server
//! that bad users are in is late, by the existing server's own fault, and not lost.
//!
//! `PEOTE_NET_RUNS` is the number of seeds, `PEOTE_NET_SEED` the first one.

mod bad;
mod liar;
mod plan;
mod program;
mod stream;
mod world;

use plan::Plan;
use world::World;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

#[test]
fn bad_neighbours_are_not_noticed() {
    let seed = number("PEOTE_NET_SEED");
    let first = seed.unwrap_or_default();
    let runs = number("PEOTE_NET_RUNS").unwrap_or(if seed.is_some() { 1 } else { 150 });
    let (mut compared, mut worst) = (0, 0);
    for seed in first..first + runs {
        let compare = || {
            let plan = Plan::new(seed);
            let without = World::run(&plan, false);
            let with = World::run(&plan, true);
            plan.compare(&without, &with)
        };
        let Ok((count, later)) = std::panic::catch_unwind(compare) else {
            panic!("PEOTE_NET_SEED={seed} cargo test -p peote-net-simulation --test neighbours");
        };
        compared += count;
        worst = worst.max(later);
    }
    println!("{runs} runs, {compared} delays compared, the greatest difference is {worst} ms");
    assert!(compared as u64 > runs * 50, "hardly anything to check");
}
