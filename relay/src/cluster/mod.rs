//! Many relays as one, on NATS: see `docs/CLUSTER.md`.
//!
//! [`directory`], [`line`] and [`afar`] are state machines without I/O; [`nats`] speaks to NATS.
//! `relay/cluster.rs` brings them together with the relay's loop.

mod afar;
mod bus;
mod clock;
mod directory;
mod figures;
mod info;
mod key;
mod line;
mod member;
mod nats;
#[cfg(unix)]
mod numbers;
#[cfg(not(unix))]
#[path = "numbers_none.rs"]
mod numbers;
mod record;
mod state;

#[cfg(test)]
mod directory_tests;
#[cfg(test)]
mod line_tests;

pub(crate) use afar::Todo;
#[cfg(test)]
pub(crate) use bus::NoBus;
#[cfg(test)]
pub(crate) use directory::{Fact, Outcome};
pub use info::{ClusterInfo, ClusterRelay};
pub(crate) use nats::{Options as NatsOptions, Others};
pub(crate) use state::{Cluster, Duty, Options, Verdict};

/// What relays of a cluster say to each other. Two that differ in it do not work together.
const VERSION: u8 = 1;

/// A relay of the cluster, from its start, or from the end of its last lease, to the next.
pub(crate) type RelayId = u64;

/// A channel's name.
pub(crate) type Name = Box<[u8]>;

/// A stand-in, by its place.
pub(crate) type Key = usize;

/// Who waits for the directory: the place and the generation of a connection.
pub(crate) type Waiter = (u32, u32);

/// What the directory asks of the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Make an entry, unless there is one.
    Create { ticket: u64, key: String, value: Vec<u8> },
    /// Change an entry, if that is its revision.
    Update { ticket: u64, key: String, value: Vec<u8>, revision: u64 },
    /// Take an entry out, if that is its revision.
    Delete { ticket: u64, key: String, revision: u64 },
    /// Look at an entry.
    Get { ticket: u64, key: String },
    /// Forget that there was an entry, which was taken out with that revision.
    Purge { ticket: u64, key: String, revision: u64 },
}

/// Why a request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The entry is not as it was thought to be.
    Conflict,
    /// No answer has come. It may have been carried out, or still be.
    Unknown,
}
