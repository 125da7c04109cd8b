//! The page `/details` as it is read.

use serde::Deserialize;

/// The whole page. What it has besides is not shown.
#[derive(Debug, Deserialize)]
pub(super) struct Details {
    pub(super) version: String,
    pub(super) uptime_ms: u64,
    pub(super) connections: u64,
    pub(super) websockets: u64,
    pub(super) channels: Vec<Channel>,
    pub(super) channel_count: u64,
    pub(super) users: u64,
    pub(super) paused: u64,
    pub(super) dropped: u64,
    pub(super) queued_bytes: u64,
    pub(super) longest_queue: u64,
    pub(super) queue_limit: u64,
    pub(super) queues_above_half: u64,
    pub(super) received_per_second: u64,
    pub(super) sent_per_second: u64,
    pub(super) busiest: Vec<Connection>,
    pub(super) slowest: Vec<Connection>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Connection {
    pub(super) connection: String,
    pub(super) address: String,
    /// Whom its token was made for.
    #[serde(default)]
    pub(super) subject: Option<String>,
    /// What it says that its program is.
    #[serde(default)]
    pub(super) program: Option<String>,
    pub(super) transport: String,
    pub(super) age_ms: u64,
    pub(super) received_per_second: u64,
    pub(super) sent_per_second: u64,
    pub(super) queued_bytes: u64,
    pub(super) paused: bool,
    pub(super) holds_up_ms: u64,
    pub(super) own: u64,
    pub(super) entered: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Channel {
    pub(super) name: String,
    pub(super) connection: String,
    pub(super) users: u64,
}
