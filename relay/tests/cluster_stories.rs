//! The stories of channels, which hold offline, in memory and over TCP, on relays that are one.
//!
//! `tests/src/channels` has the stories. All of them hold here; none is left out. Those on one link
//! are not told: a link has one connection, so both ends of its channels are at one relay.
#![cfg(all(unix, feature = "cluster", feature = "program"))]

mod cluster_rig;
mod common;
mod program;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};

use cluster_rig::Nats;
use peote_net_tests::channels::Sockets;
use program::Running;

/// One server for all stories that run at the same time.
fn nats() -> Option<Arc<Nats>> {
    static RUNNING: Mutex<Weak<Nats>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap();
    let nats = running.upgrade().or_else(|| Nats::start("stories").map(Arc::new))?;
    *running = Arc::downgrade(&nats);
    Some(nats)
}

/// Relays, and behind them what they need: it goes last.
#[derive(Debug)]
struct Relays {
    _relays: Vec<Running>,
    _nats: Arc<Nats>,
}

/// A cluster of its own for a story: at which relay each role is. Later roles are where the last
/// one is. `None` where there is no nats-server.
fn cluster(roles: &[usize]) -> Option<Sockets<Relays, false>> {
    static CLUSTERS: AtomicU32 = AtomicU32::new(0);
    let nats = nats()?;
    let name = format!("stories-{}", CLUSTERS.fetch_add(1, Ordering::Relaxed));
    let relays = (0..=*roles.iter().max()?).map(|_| nats.relay(&name, "30"));
    let (relays, addresses): (Vec<_>, Vec<_>) = relays.unzip();
    let places = roles.iter().map(|relay| addresses[*relay]).collect();
    Some(Sockets::new(places, Relays { _relays: relays, _nats: nats }))
}

mod server_here_and_users_there {
    peote_net_tests::channels!(if super::cluster(&[0, 1]));
}

mod users_at_three_relays {
    peote_net_tests::channels!(if super::cluster(&[0, 1, 0, 2, 1]));
}
