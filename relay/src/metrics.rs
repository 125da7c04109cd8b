//! The relay's figures in Prometheus' text format.

use std::fmt::{self, Write};
use std::time::SystemTime;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::causes::{Cause, Counts};
use crate::http::Format;
use crate::stats::Stats;

/// The queues of all connections at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Queues {
    /// Bytes of the longest one.
    pub(crate) longest: usize,
    /// How many are more than half full.
    pub(crate) above_half: usize,
}

/// Figures of the cluster, where the relay is one of a cluster.
pub(crate) type OfCluster = Option<Box<dyn Collector>>;

/// All figures as a page. `started` is when the relay was opened.
pub(crate) fn page(
    stats: &Stats,
    queues: Queues,
    cluster: OfCluster,
    started: SystemTime,
    format: Format,
) -> String {
    let mut registry = Registry::with_prefix("peote_relay");
    let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "The program", build);
    registry.register_collector(Box::new(Figures(*stats, queues, started)));
    if let Some(cluster) = cluster {
        registry.register_collector(cluster);
    }
    let mut text = String::new();
    // a string takes everything
    let _ = encode(&mut text, &registry);
    match format {
        Format::OpenMetrics => text,
        Format::Text => in_text_format(&text),
    }
}

/// The same figures in Prometheus' text format 0.0.4. It names a counter with `_total`, and has
/// neither units, nor types for information, nor an end.
fn in_text_format(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = "";
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        match [words.next(), words.next(), words.next(), words.next()] {
            // its name depends on the type, which comes behind it
            [Some("#"), Some("HELP"), _, Some(words)] => help = words,
            [Some("#"), Some("TYPE"), Some(name), Some(kind)] => {
                let (end, kind) = match kind {
                    "counter" => ("_total", kind),
                    "info" => ("_info", "gauge"),
                    _ => ("", kind),
                };
                // a string takes everything
                let _ = writeln!(text, "# HELP {name}{end} {help}\n# TYPE {name}{end} {kind}");
            }
            [Some("#"), ..] => {}
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

#[derive(Debug)]
struct Figures(Stats, Queues, SystemTime);

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(stats, queues, started) = self;
        let now = [
            ("connections", "Connections", stats.connections),
            ("websockets", "Connections that are WebSockets", stats.websockets),
            ("tls", "Connections that use TLS", stats.tls),
            ("channels", "Channels", stats.channels),
            ("users", "Users, counted once in each channel they are in", stats.users),
            ("paused", "Connections that wait for the full queue of a receiver", stats.paused),
            (
                "queued_bytes",
                "Memory of queues and of bytes that could not be routed yet",
                stats.queued_bytes,
            ),
            ("table_bytes", "Memory of tables: connections, channels, users, addresses", stats.table_bytes),
            ("memory_limit_bytes", "Memory that queues and tables may take together", stats.memory_bytes),
            ("longest_queue_bytes", "Longest queue of a connection", queues.longest),
            (
                "longest_queue_ever_bytes",
                "Longest queue of a connection since the start",
                stats.longest_queue,
            ),
            ("queues_above_half", "Queues that are more than half full", queues.above_half),
            (
                "open_sockets",
                "Sockets, those included that are listened on or about to go",
                stats.open_sockets,
            ),
        ];
        gauges(&mut encoder, "", now.map(|(name, help, value)| (name, help, number(value))))?;
        by_transport(&mut encoder, stats)?;
        let since_start = [
            ("accepted", "Connections that were accepted", stats.accepted),
            ("dropped", "Connections that were closed because they took nothing", stats.dropped),
            ("http_requests", "HTTP requests that were answered with a page or refused", stats.http_requests),
            ("received_bytes", "Bytes read from all connections", stats.received_bytes),
            ("sent_bytes", "Bytes that the sockets of all connections took", stats.sent_bytes),
            ("received_units", "Units of data that came", stats.received_units),
            ("received_broadcasts", "Units of data that came and were broadcasts", stats.received_broadcasts),
            ("queued_units", "Units that were queued, one for each receiver", stats.queued_units),
            ("removed_users", "Users that the servers of their channels removed", stats.removed_users),
            ("blocked_users", "Users that were removed and blocked", stats.blocked_users),
        ];
        counters(&mut encoder, "", since_start)?;
        let seconds = Some(&Unit::Seconds);
        let paused = ConstCounter::new(stats.paused_time.as_secs_f64());
        let help = "Time for which connections were paused, all together, as far as the pauses are over";
        paused.encode(encoder.encode_descriptor("paused_time", help, seconds, paused.metric_type())?)?;
        let started = started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let started = ConstGauge::new(started.as_secs_f64());
        let help = "When the relay was opened, since 1970";
        started.encode(encoder.encode_descriptor("start_time", help, seconds, started.metric_type())?)?;
        let encoder = &mut encoder;
        by_cause(encoder, "turned_away", "Connections that were closed at once", &stats.turned_away)?;
        by_cause(encoder, "closed", "Connections that have ended", &stats.closed)?;
        by_cause(encoder, "refused", "Commands that were refused", &stats.refused)?;
        by_cause(encoder, "pauses", "Times that a connection was not read for a while", &stats.pauses)
    }
}

/// A figure without labels: its name, what it is, and its value.
pub(crate) type Figure = (&'static str, &'static str, u64);

/// Figures of now, each with `prefix` in front of its name.
pub(crate) fn gauges<const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    prefix: &str,
    figures: [Figure; N],
) -> fmt::Result {
    figures.into_iter().try_for_each(|(name, help, value)| {
        let (name, gauge) = (format!("{prefix}{name}"), ConstGauge::new(value));
        gauge.encode(encoder.encode_descriptor(&name, help, None, gauge.metric_type())?)
    })
}

/// Figures that have been added up since the start, each with `prefix` in front of its name.
pub(crate) fn counters<const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    prefix: &str,
    figures: [Figure; N],
) -> fmt::Result {
    figures.into_iter().try_for_each(|(name, help, value)| {
        let (name, counter) = (format!("{prefix}{name}"), ConstCounter::new(value));
        counter.encode(encoder.encode_descriptor(&name, help, None, counter.metric_type())?)
    })
}

/// How the connections there are now come in. Each is one of the four.
fn by_transport(encoder: &mut DescriptorEncoder<'_>, stats: &Stats) -> fmt::Result {
    let Stats { connections, websockets, tls, secure_websockets, .. } = *stats;
    let help = "Connections, by how they come in";
    let mut family = encoder.encode_descriptor("connections_by_transport", help, None, MetricType::Gauge)?;
    for (transport, count) in [
        ("plain", (connections + secure_websockets).saturating_sub(websockets + tls)),
        ("websocket", websockets.saturating_sub(secure_websockets)),
        ("tls", tls.saturating_sub(secure_websockets)),
        ("wss", secure_websockets),
    ] {
        let gauge = ConstGauge::new(number(count));
        gauge.encode(family.encode_family(&[("transport", transport)])?)?;
    }
    Ok(())
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// One counter for each cause. All of them are there from the start, so that their number never
/// changes.
fn by_cause<C: Cause>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    counts: &Counts<C>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (cause, count) in counts.iter() {
        let counter = ConstCounter::new(count);
        counter.encode(family.encode_family(&[("cause", cause.name())])?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causes::{Closed, Refused};

    #[test]
    fn every_figure_is_on_the_page_with_its_type() {
        let stats = Stats { connections: 3, received_bytes: 1 << 40, ..Stats::default() };
        let page = page(
            &stats,
            Queues { longest: 7, above_half: 1 },
            None,
            SystemTime::UNIX_EPOCH,
            Format::OpenMetrics,
        );
        let lines: Vec<_> = page.lines().collect();
        for line in [
            "# TYPE peote_relay_connections gauge",
            "peote_relay_connections 3",
            "# TYPE peote_relay_received_bytes counter",
            "peote_relay_received_bytes_total 1099511627776",
            "peote_relay_longest_queue_bytes 7",
            "peote_relay_start_time_seconds 0.0",
            concat!("peote_relay_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            "# EOF",
        ] {
            assert!(lines.contains(&line), "{line} is not in\n{page}");
        }
    }

    /// What `promtool check metrics` looks at:
    /// <https://prometheus.io/docs/instrumenting/exposition_formats/>, text format 0.0.4.
    #[test]
    fn the_text_format_has_what_it_has_and_nothing_else() {
        let stats = Stats { connections: 3, accepted: 9, ..Stats::default() };
        let text = page(&stats, Queues::default(), None, SystemTime::UNIX_EPOCH, Format::Text);
        let open = page(&stats, Queues::default(), None, SystemTime::UNIX_EPOCH, Format::OpenMetrics);
        let samples = |page: &str| {
            page.lines().filter(|line| !line.starts_with('#')).map(String::from).collect::<Vec<_>>()
        };
        assert_eq!(samples(&text), samples(&open));
        let (mut helped, mut typed) = (String::new(), String::new());
        let mut seen = std::collections::HashSet::new();
        for line in text.lines() {
            let words: Vec<_> = line.splitn(4, ' ').collect();
            match words[..] {
                ["#", "HELP", name, help] => {
                    assert!(seen.insert(name.to_string()) && !help.is_empty(), "{line}");
                    helped = name.into();
                }
                ["#", "TYPE", name, kind] => {
                    assert_eq!(name, helped);
                    assert!(matches!(kind, "counter" | "gauge"), "{line}");
                    assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                    typed = name.into();
                }
                _ => {
                    let end = line.find(['{', ' ']).unwrap();
                    assert_eq!(line[..end], typed, "{line}");
                }
            }
        }
        assert!(text.contains("# TYPE peote_relay_build_info gauge\npeote_relay_build_info{"), "{text}");
        assert!(
            text.contains("# TYPE peote_relay_accepted_total counter\npeote_relay_accepted_total 9\n"),
            "{text}"
        );
        assert!(text.ends_with('\n') && !text.contains("# EOF"));
    }

    #[test]
    fn every_connection_has_one_transport() {
        let stats =
            Stats { connections: 10, websockets: 4, tls: 5, secure_websockets: 3, ..Stats::default() };
        let page = page(&stats, Queues::default(), None, SystemTime::UNIX_EPOCH, Format::OpenMetrics);
        for (transport, count) in [("plain", 4), ("websocket", 1), ("tls", 2), ("wss", 3)] {
            let line =
                format!("\npeote_relay_connections_by_transport{{transport=\"{transport}\"}} {count}\n");
            assert!(page.contains(&line), "{line} is not in\n{page}");
        }
    }

    #[test]
    fn every_cause_is_on_the_page_from_the_start() {
        let page =
            page(&Stats::default(), Queues::default(), None, SystemTime::UNIX_EPOCH, Format::OpenMetrics);
        for cause in Refused::ALL {
            assert!(
                page.contains(&format!("\npeote_relay_refused_total{{cause=\"{cause}\"}} 0\n")),
                "{page}"
            );
        }
        for cause in Closed::ALL {
            assert!(page.contains(&format!("\npeote_relay_closed_total{{cause=\"{cause}\"}} 0\n")), "{page}");
        }
        assert!(page.contains("\npeote_relay_turned_away_total{cause=\"network\"} 0\n"), "{page}");
        assert!(page.contains("\npeote_relay_pauses_total{cause=\"messages\"} 0\n"), "{page}");
        let names = |line: &&str| line.starts_with("# TYPE peote_relay_refused ");
        assert_eq!(page.lines().filter(names).count(), 1);
    }
}
