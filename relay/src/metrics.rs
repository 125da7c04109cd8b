//! The relay's figures in Prometheus' text format.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::stats::Stats;

/// All figures as a page.
pub(crate) fn page(stats: Stats) -> String {
    let mut registry = Registry::with_prefix("peote_relay");
    registry.register_collector(Box::new(Figures(stats)));
    let mut text = String::new();
    // a string takes everything
    let _ = encode(&mut text, &registry);
    text
}

#[derive(Debug)]
struct Figures(Stats);

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let stats = &self.0;
        let now = [
            ("connections", "Connections", stats.connections),
            ("websockets", "Connections that are WebSockets", stats.websockets),
            ("channels", "Channels", stats.channels),
            ("users", "Users, counted once in each channel they are in", stats.users),
            ("paused", "Connections that wait for the full queue of a receiver", stats.paused),
            (
                "queued_bytes",
                "Memory of queues and of bytes that could not be routed yet",
                stats.queued_bytes,
            ),
        ];
        for (name, help, value) in now {
            let gauge = ConstGauge::new(u64::try_from(value).unwrap_or(u64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let since_start = [
            ("accepted", "Connections that were accepted", stats.accepted),
            ("turned_away", "Connections that were closed at once because of a limit", stats.turned_away),
            ("dropped", "Connections that were closed because they took nothing", stats.dropped),
            ("http_requests", "HTTP requests that were answered with a page or refused", stats.http_requests),
            ("received_bytes", "Bytes read from all connections", stats.received_bytes),
        ];
        for (name, help, value) in since_start {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_on_the_page_with_its_type() {
        let stats = Stats { connections: 3, received_bytes: 1 << 40, ..Stats::default() };
        let page = page(stats);
        let lines: Vec<_> = page.lines().collect();
        for line in [
            "# TYPE peote_relay_connections gauge",
            "peote_relay_connections 3",
            "# TYPE peote_relay_received_bytes counter",
            "peote_relay_received_bytes_total 1099511627776",
            "# EOF",
        ] {
            assert!(lines.contains(&line), "{line} is not in\n{page}");
        }
        assert_eq!(lines.iter().filter(|line| !line.starts_with('#')).count(), 11);
    }
}
