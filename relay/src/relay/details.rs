//! Who is busy, who is slow: a page for operators, and the figures that take a look at every
//! connection.

use std::cmp::Reverse;
use std::fmt::{self, Write};

use super::Relay;
use crate::connection::{Connection, Traffic};
use crate::http::Format;
use crate::log::Name;
use crate::metrics::{self, Queues};
use crate::places::narrow;
use crate::system;
use crate::transport::Transport;

/// Connections and channels that are shown, at most.
const BUSIEST: usize = 40;
const SLOWEST: usize = 20;
const CHANNELS: usize = 50;

/// Bytes after which no further ones are shown, whatever their names are.
const ENOUGH: usize = 32 * 1024;

/// Milliseconds for which a page is good: whoever asks more often gets the same one.
const FRESH: u64 = 900;

/// What was shown last, and to what the next page's rates refer.
#[derive(Debug, Default)]
pub(super) struct Details {
    page: String,
    at: u64,
    total: Traffic,
}

impl Relay {
    /// The page with the figures.
    pub(super) fn metrics(&mut self, format: Format) -> String {
        metrics::page(&self.stats(), self.queues(), self.cluster_figures(), self.started_at, format)
    }

    /// The queues of all connections at this moment.
    fn queues(&self) -> Queues {
        let half = self.connections.config.queue_bytes / 2;
        let queues = self.connections.slots.iter().flatten().map(|connection| connection.queue.len());
        queues.fold(Queues::default(), |all, len| Queues {
            longest: all.longest.max(len),
            above_half: all.above_half + usize::from(len > half),
        })
    }

    /// The page with the details. One look at each connection, and a bounded number of bytes, about
    /// once a second at most.
    pub(super) fn details(&mut self) -> String {
        let now = self.connections.now;
        if self.details.page.is_empty() || now - self.details.at >= FRESH {
            let interval = now - self.details.at;
            let mut page = String::new();
            // a string takes everything
            let _ = self.write_details(&mut page, interval);
            let total = Traffic { received: self.received_bytes, sent: self.connections.sent_bytes };
            for connection in self.connections.slots.iter_mut().flatten() {
                connection.looked_at = connection.traffic;
            }
            self.details = Details { page, at: now, total };
        }
        self.details.page.clone()
    }

    fn write_details(&mut self, page: &mut String, interval: u64) -> fmt::Result {
        let now = self.connections.now;
        let (stats, queues) = (self.stats(), self.queues());
        let total = Traffic { received: stats.received_bytes, sent: stats.sent_bytes };
        let totals = rate(total, self.details.total, interval);
        write!(
            page,
            "{{\"version\":\"{}\",\"uptime_ms\":{},\"interval_ms\":{interval},\"connections\":{},\
             \"websockets\":{},\"channel_count\":{},\"users\":{},\"paused\":{},\"queued_bytes\":{},\
             \"longest_queue\":{},\"queues_above_half\":{},\"queue_limit\":{},\"received_bytes\":{},\
             \"sent_bytes\":{},\"received_per_second\":{},\"sent_per_second\":{},\"dropped\":{}",
            env!("CARGO_PKG_VERSION"),
            system::now().saturating_duration_since(self.started).as_millis(),
            stats.connections,
            stats.websockets,
            stats.channels,
            stats.users,
            stats.paused,
            stats.queued_bytes,
            queues.longest,
            queues.above_half,
            self.connections.config.queue_bytes,
            stats.received_bytes,
            stats.sent_bytes,
            totals.received,
            totals.sent,
            stats.dropped,
        )?;
        let busy = self.first(BUSIEST, |connection| {
            // whoever asks for a page is gone before anybody could look at it
            if matches!(connection.transport, Transport::Http(_)) {
                return None;
            }
            let rate = rate(connection.traffic, connection.looked_at, interval.min(now - connection.since));
            Some(rate.received + rate.sent)
        });
        let slow = self.first(SLOWEST, |connection| {
            connection.wait.is_awaited().then(|| u64::try_from(connection.queue.len()).unwrap_or(u64::MAX))
        });
        for (name, list) in [("busiest", &busy), ("slowest", &slow)] {
            write!(page, ",\n\"{name}\":[")?;
            for (place, index) in list.iter().enumerate() {
                page.push_str(if place == 0 { "\n" } else { ",\n" });
                self.write_connection(page, *index, interval)?;
            }
            page.push(']');
        }
        self.write_channels(page, busy);
        page.push_str("]}\n");
        Ok(())
    }

    /// The channels of these connections.
    fn write_channels(&mut self, page: &mut String, of: Vec<u32>) {
        page.push_str(",\n\"channels\":[");
        let mut shown = 0;
        for index in of {
            let Some(connection) = self.connections.get(index) else { continue };
            let id = connection.id;
            self.core.own_channels(id, |number, name, users| {
                if shown < CHANNELS && page.len() < ENOUGH {
                    page.push_str(if shown == 0 { "\n" } else { ",\n" });
                    shown += 1;
                    let _ = write!(
                        page,
                        "{{\"name\":{},\"connection\":\"{id}\",\"number\":{number},\"users\":{users}}}",
                        Text(Name(name))
                    );
                }
            });
        }
    }

    /// The connections for which `key` is greatest, that one first.
    fn first(&self, most: usize, key: impl Fn(&Connection) -> Option<u64>) -> Vec<u32> {
        let all = self.connections.slots.iter().enumerate();
        let mut all: Vec<_> =
            all.filter_map(|(index, slot)| Some((Reverse(key(slot.as_ref()?)?), narrow(index)))).collect();
        if all.len() > most {
            all.select_nth_unstable(most);
            all.truncate(most);
        }
        all.sort_unstable();
        all.into_iter().map(|(_, index)| index).collect()
    }

    fn write_connection(&mut self, page: &mut String, index: u32, interval: u64) -> fmt::Result {
        let now = self.connections.now;
        let Some(connection) = self.connections.get(index) else { return Ok(()) };
        let age = now - connection.since;
        let rate = rate(connection.traffic, connection.looked_at, interval.min(age));
        let transport = connection.transport_name();
        let held_up = if connection.wait.is_awaited() { now - connection.wait.since } else { 0 };
        let id = connection.id;
        write!(
            page,
            "{{\"connection\":\"{id}\",\"address\":\"{}\",\"transport\":\"{transport}\",\"age_ms\":{age},\
             \"received_per_second\":{},\"sent_per_second\":{},\"received_bytes\":{},\"sent_bytes\":{},\
             \"queued_bytes\":{},\"paused\":{},\"holds_up_ms\":{held_up}",
            connection.address,
            rate.received,
            rate.sent,
            connection.traffic.received,
            connection.traffic.sent,
            connection.queue.len(),
            connection.wait.is_paused(),
        )?;
        if let Some(program) = &connection.program {
            write!(page, ",\"program\":{}", Text(Name(program)))?;
        }
        if let Some(subject) = connection.subject() {
            write!(page, ",\"subject\":{}", Text(Name(subject.as_bytes())))?;
        }
        let (own, entered) = self.core.channels_of(id);
        write!(page, ",\"own\":{own},\"entered\":{entered}}}")
    }
}

/// Bytes a second over so many milliseconds.
fn rate(now: Traffic, before: Traffic, millis: u64) -> Traffic {
    let rate = |now: u64, before: u64| (now - before).saturating_mul(1000) / millis.max(1);
    Traffic { received: rate(now.received, before.received), sent: rate(now.sent, before.sent) }
}

/// A text that was made fit to be shown, as JSON.
struct Text<T>(T);

impl<T: fmt::Display> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        f.write_char('"')?;
        // one quotation mark on each side is not the text's own
        let text = text.strip_prefix('"').unwrap_or(&text);
        for character in text.strip_suffix('"').unwrap_or(text).chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                // there are none, but this is where it matters
                character if character.is_control() => write!(f, "\\u{:04x}", u32::from(character))?,
                character => f.write_char(character)?,
            }
        }
        f.write_char('"')
    }
}
