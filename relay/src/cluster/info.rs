//! What an operator sees of a cluster.

use std::time::Duration;

/// A cluster, as one of its relays sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterInfo {
    /// The name of the cluster.
    pub name: String,
    /// The number of this relay. It is another one after a restart, and after a lease that was
    /// over.
    pub relay: String,
    /// There is a connection to NATS.
    pub is_connected: bool,
    /// The lease holds and the directory is known: channels can be created.
    pub is_ready: bool,
    /// How long names are kept for a relay that nothing is heard of.
    pub lease: Duration,
    /// Names that this relay holds.
    pub names: usize,
    /// The other relays.
    pub relays: Vec<ClusterRelay>,
    /// Messages of other relays, and to them.
    pub received_messages: u64,
    /// Messages to other relays.
    pub sent_messages: u64,
    /// Bytes of messages of other relays.
    pub received_bytes: u64,
    /// Bytes of messages to other relays.
    pub sent_bytes: u64,
    /// Lines that were lost, with the memberships across them.
    pub broken_lines: u64,
    /// Leases that were over.
    pub lapses: u64,
}

/// Another relay of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterRelay {
    /// Its number.
    pub relay: String,
    /// Names that it holds.
    pub names: usize,
    /// Memberships of users of this relay in channels there.
    pub users_there: usize,
    /// Memberships of users of that relay in channels here.
    pub users_here: usize,
    /// Bytes that wait to be sent there.
    pub backlog_bytes: usize,
}
