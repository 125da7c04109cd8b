//! What can be asked for.

use std::time::Duration;

use clap::Subcommand;
use peote_relay::IpNet;
use serde::{Deserialize, Serialize};

use crate::cli::value;

/// The longest time that a ban or draining may take: 100 years.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subcommand)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub(super) enum Request {
    /// Figures in short: connections, channels, users, whether the relay drains
    Status,
    /// What the cluster is like: the other relays, their channels, traffic
    #[cfg(feature = "cluster")]
    Cluster,
    /// List connections
    List {
        /// Those from this range of addresses only
        #[arg(long, value_name = "ADDRESS/LENGTH", value_parser = value::range)]
        #[serde(default)]
        address: Option<IpNet>,
        /// Those with a token of this subject only
        #[arg(long, value_name = "NAME")]
        #[serde(default)]
        subject: Option<String>,
        /// So many at most
        #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
        #[serde(default = "most")]
        most: usize,
    },
    /// List channels
    Channels {
        /// So many at most
        #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
        #[serde(default = "most")]
        most: usize,
    },
    /// Show one connection with its channels
    Show {
        /// The connection, as log lines and lists have it: 7.2
        id: String,
    },
    /// Close a connection
    Kick {
        /// The connection
        id: String,
        /// Why; logged, and told where a WebSocket is closed
        #[arg(long, value_name = "TEXT", default_value = "")]
        #[serde(default)]
        reason: String,
    },
    /// Ban a range of addresses or a subject, and close its connections
    Ban {
        #[command(flatten)]
        #[serde(flatten)]
        who: Who,
        /// For how long: seconds, or with min or h; without it for good
        #[arg(long = "for", value_name = "TIME", value_parser = time)]
        #[serde(default)]
        seconds: Option<u64>,
        /// Why; logged, and told where a WebSocket is closed
        #[arg(long, value_name = "TEXT", default_value = "")]
        #[serde(default)]
        reason: String,
    },
    /// Lift a ban
    Unban {
        #[command(flatten)]
        #[serde(flatten)]
        who: Who,
    },
    /// List the bans
    Bans,
    /// Close a channel: its users are told that they were removed
    Close {
        /// Its name
        name: String,
        /// Why; logged
        #[arg(long, value_name = "TEXT", default_value = "")]
        #[serde(default)]
        reason: String,
    },
    /// Give one connection limits of its own; without any, take them back
    Limit {
        /// The connection
        id: String,
        /// Channels that it may own, and that it may be in
        #[arg(long, value_name = "NUMBER")]
        #[serde(default)]
        max_channels: Option<u32>,
        /// Commands a second; 0: no limit
        #[arg(long, value_name = "NUMBER")]
        #[serde(default)]
        commands_per_second: Option<u32>,
        /// Units of data a second; 0: no limit
        #[arg(long, value_name = "NUMBER")]
        #[serde(default)]
        messages_per_second: Option<u32>,
        /// Bytes a second; 0: no limit
        #[arg(long, value_name = "SIZE", value_parser = size)]
        #[serde(default)]
        bytes_per_second: Option<u64>,
    },
    /// Have all endpoints go elsewhere, one after the other: nothing more is created, and /health
    /// says 503
    Drain {
        /// Over how long: seconds, or with min or h; without it drain-time
        #[arg(long, value_name = "TIME", value_parser = time)]
        #[serde(default)]
        seconds: Option<u64>,
        /// End the relay when all have gone
        #[arg(long)]
        #[serde(default)]
        stop: bool,
        /// Why; logged
        #[arg(long, value_name = "TEXT", default_value = "")]
        #[serde(default)]
        reason: String,
    },
}

/// Who is meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Who {
    /// A range of addresses, or one address
    #[arg(value_name = "ADDRESS", value_parser = value::range)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<IpNet>,
    /// The subject of tokens
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
}

fn most() -> usize {
    1000
}

fn time(text: &str) -> Result<u64, String> {
    value::seconds(text, &(Duration::ZERO..=LONGEST)).map(|time| time.as_secs())
}

fn size(text: &str) -> Result<u64, String> {
    value::size(text, &peote_relay::Config::BYTES_PER_SECOND).map(|size| size as u64)
}

impl Request {
    /// Whether it changes something.
    pub(super) fn is_action(&self) -> bool {
        #[cfg(feature = "cluster")]
        if matches!(self, Self::Cluster) {
            return false;
        }
        !matches!(
            self,
            Self::Status | Self::List { .. } | Self::Channels { .. } | Self::Show { .. } | Self::Bans
        )
    }
}
