//! A cluster's figures for the page of metrics.
//!
//! Relays have no labels: each start makes another number, and the number of lines would grow.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::ClusterInfo;
use crate::metrics::{counters, gauges};

impl ClusterInfo {
    /// The sum of a figure of all other relays.
    fn of_all(&self, figure: impl Fn(&super::ClusterRelay) -> usize) -> u64 {
        self.relays.iter().map(|relay| u64::try_from(figure(relay)).unwrap_or(u64::MAX)).sum()
    }
}

impl Collector for ClusterInfo {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let own = u64::try_from(self.names).unwrap_or(u64::MAX);
        let now = [
            ("connected", "1 while there is a connection to NATS", u64::from(self.is_connected)),
            ("ready", "1 while channels can be created", u64::from(self.is_ready)),
            ("relays", "Other relays of the cluster", self.of_all(|_| 1)),
            ("channels", "Names of channels that this relay holds", own),
            ("channels_elsewhere", "Names of channels that other relays hold", self.of_all(|of| of.names)),
            ("users_elsewhere", "Users here in channels of other relays", self.of_all(|of| of.users_there)),
            (
                "users_from_elsewhere",
                "Users of other relays in channels here",
                self.of_all(|of| of.users_here),
            ),
            ("backlog_bytes", "Bytes that wait to go to other relays", self.of_all(|of| of.backlog_bytes)),
        ];
        gauges(&mut encoder, "cluster_", now)?;
        let since_start = [
            ("received_messages", "Messages of other relays", self.received_messages),
            ("sent_messages", "Messages to other relays", self.sent_messages),
            ("received_bytes", "Bytes of messages of other relays", self.received_bytes),
            ("sent_bytes", "Bytes of messages to other relays", self.sent_bytes),
            ("broken_lines", "Lines to other relays that were lost", self.broken_lines),
            ("lapses", "Leases that were over", self.lapses),
        ];
        counters(&mut encoder, "cluster_", since_start)
    }
}
