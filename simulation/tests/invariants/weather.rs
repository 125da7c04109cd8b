//! What runs are like.

use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::time::Duration;
use peote_net_simulation::{Conditions, Cut, LineConfig, Random, RelayConfig};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Lines cut and delay.
    Calm,
    /// They stall and change as well.
    Unsteady,
    /// They break as well, in every way there is.
    Breaking,
    /// The relay restarts as well.
    Restarting,
}

pub(crate) fn conditions(random: &mut Random) -> Conditions {
    let cut = |random: &mut Random| match random.below(4) {
        0 => Cut::At(1),
        1 => Cut::Random(8),
        2 => Cut::Random(300),
        _ => Cut::Whole,
    };
    let delay = *random.choose(&[1, 1, 7, 60, 400]);
    // a line that takes one byte at a time and is slow as well would be slow for ever
    let capacity = *random.choose(if delay == 1 { &[1, 40, 500] } else { &[400, 2_000, 8_000] });
    let jitter = if capacity < 400 { 0 } else { *random.choose(&[0, 30]) };
    Conditions {
        delay: Duration::from_millis(delay),
        jitter: Duration::from_millis(jitter),
        bandwidth: *random.choose(&[None, None, Some(3_000), Some(50_000)]),
        capacity,
        writes: cut(random),
        reads: cut(random),
    }
}

pub(crate) fn line(random: &mut Random, node: usize) -> LineConfig {
    let config =
        LineConfig { to_relay: conditions(random), to_link: conditions(random), ..LineConfig::default() };
    config.named(format!("node {node}"))
}

/// With keepalives, or without any, so that they wake nobody who ought to be woken by something
/// else.
pub(crate) fn relay(random: &mut Random, keepalives: bool) -> RelayConfig {
    let without = Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER);
    let capabilities = *random.choose(&[without, without.with(Capabilities::HELLO)]);
    let least = if capabilities == without { 64 } else { 256 };
    let queue_bytes = *random.choose(&[least, 300, 2_000, 65_536]);
    RelayConfig {
        queue_bytes,
        cut: (*random.choose(&[8, 60, 300, 1024])).min(queue_bytes),
        read_bytes: *random.choose(&[512, 4096]),
        keepalive_interval: keepalives.then_some(Duration::from_secs(5)),
        stall_timeout: Duration::from_secs(30),
        capabilities,
        record_events: true,
        ..RelayConfig::default()
    }
}
