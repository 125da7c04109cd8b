//! What is shown, as lines of text.

use std::collections::HashMap;
use std::fmt::Display;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::page::{Connection, Details};

/// Columns of an address where there is room for no more; the tables are then 78 columns wide.
const ADDRESS: usize = 21;
const NARROW: usize = 78;

/// Columns of the longest address.
const LONGEST_ADDRESS: usize = 47;

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// The first one, and those above a table.
    pub(super) is_heading: bool,
}

/// The whole, each line at most `width` columns.
pub(super) fn lines(details: &Details, place: impl Display, width: usize) -> Vec<Line> {
    let mut lines = totals(details, place, width);
    for table in tables(details, width) {
        lines.push(Line::default());
        lines.extend(table);
    }
    all_cut(lines, width)
}

/// As much of it as fits on a screen: each table has its share of the lines, and what one leaves
/// the next ones have.
pub(super) fn screen(details: &Details, place: impl Display, width: usize, height: usize) -> Vec<Line> {
    let mut lines = totals(details, place, width);
    let tables = tables(details, width);
    let count = tables.len();
    for (number, table) in tables.into_iter().enumerate() {
        let share = height.saturating_sub(lines.len()) / (count - number);
        if share >= 3 {
            lines.push(Line::default());
            lines.extend(table.into_iter().take(share - 1));
        }
    }
    lines.truncate(height);
    all_cut(lines, width)
}

fn all_cut(lines: Vec<Line>, width: usize) -> Vec<Line> {
    lines.into_iter().map(|line| Line { text: cut(&line.text, width), ..line }).collect()
}

fn heading(text: impl Into<String>) -> Line {
    Line { text: text.into(), is_heading: true }
}

fn row(text: impl AsRef<str>) -> Line {
    Line { text: text.as_ref().trim_end().into(), is_heading: false }
}

fn totals(details: &Details, place: impl Display, width: usize) -> Vec<Line> {
    let version = plain(&details.version);
    let mut lines =
        vec![heading(format!("peote-relay {version} at {place}, up {}", time(details.uptime_ms)))];
    let connections = [
        format!("connections {} (WebSockets {})", details.connections, details.websockets),
        format!("channels {}", details.channel_count),
        format!("users {}", details.users),
        format!("paused {}", details.paused),
        format!("dropped {}", details.dropped),
    ];
    let traffic = [
        format!("in {}/s", bytes(details.received_per_second)),
        format!("out {}/s", bytes(details.sent_per_second)),
        format!("queues {}", bytes(details.queued_bytes)),
        format!("longest {} of {}", bytes(details.longest_queue), bytes(details.queue_limit)),
        format!("above half {}", details.queues_above_half),
    ];
    for items in [connections, traffic] {
        lines.extend(flow(&items, width).into_iter().map(row));
    }
    lines
}

/// Items one behind the other, on as few lines as they fit on.
fn flow(items: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if line.len() + 3 + item.len() <= width => {
                line.push_str("   ");
                line.push_str(item);
            }
            _ => lines.push(item.clone()),
        }
    }
    lines
}

fn tables(details: &Details, width: usize) -> Vec<Vec<Line>> {
    // what there is more of is for addresses
    let address = (ADDRESS + width.saturating_sub(NARROW)).min(LONGEST_ADDRESS);
    let mut tables = Vec::new();
    if !details.slowest.is_empty() {
        tables.push(slowest(details, address));
    }
    tables.extend([busiest(details, address), channels(details)]);
    tables
}

fn slowest(details: &Details, width: usize) -> Vec<Line> {
    let title = format!(
        "{:<13} {:<width$} {:<5} {:>7} {:>11}",
        "SLOW RECEIVER", "ADDRESS", "VIA", "QUEUE", "OTHERS WAIT"
    );
    let rows = details.slowest.iter().map(|one| {
        let (queue, waited) = (short_bytes(one.queued_bytes), short_time(one.holds_up_ms));
        row(format!("{} {} {} {queue:>7} {waited:>11}", name(one, 13), address(one, width), via(one)))
    });
    std::iter::once(heading(title)).chain(rows).collect()
}

fn busiest(details: &Details, width: usize) -> Vec<Line> {
    let title = format!(
        "{:<10} {:<width$} {:<5} {:>7} {:>7} {:>7} {:>7} {:>7}",
        "CONNECTION", "ADDRESS", "VIA", "IN/S", "OUT/S", "QUEUE", "OWN+IN", "AGE"
    );
    let rows = details.busiest.iter().map(|one| {
        // one that is not read has no rate
        let received = if one.paused { "paused".into() } else { short_bytes(one.received_per_second) };
        let (sent, queue) = (short_bytes(one.sent_per_second), short_bytes(one.queued_bytes));
        let (channels, age) = (format!("{}+{}", one.own, one.entered), short_time(one.age_ms));
        row(format!(
            "{} {} {} {received:>7} {sent:>7} {queue:>7} {channels:>7} {age:>7}",
            name(one, 10),
            address(one, width),
            via(one)
        ))
    });
    std::iter::once(heading(title)).chain(rows).collect()
}

fn channels(details: &Details) -> Vec<Line> {
    let servers: HashMap<&str, &Connection> =
        details.busiest.iter().map(|connection| (&*connection.connection, connection)).collect();
    let rows = details.channels.iter().map(|one| {
        let server = servers.get(&*one.connection);
        let rate =
            |get: fn(&Connection) -> u64| server.map(|server| short_bytes(get(server))).unwrap_or_default();
        let (received, sent) =
            (rate(|server| server.received_per_second), rate(|server| server.sent_per_second));
        let (server, name) = (fit(&plain(&one.connection), 10), plain(&one.name));
        row(format!("{:>5}  {server} {received:>8} {sent:>9}  {name}", one.users))
    });
    let title =
        format!("{:>5}  {:<10} {:>8} {:>9}  {}", "USERS", "SERVER", "ITS IN/S", "ITS OUT/S", "CHANNEL");
    std::iter::once(heading(title)).chain(rows).collect()
}

fn name(one: &Connection, width: usize) -> String {
    fit(&plain(&one.connection), width)
}

/// An address, behind the subject of the token if there is one; where there is no room for all of
/// it, its end with the port is shown.
fn address(one: &Connection, width: usize) -> String {
    let address = match &one.subject {
        Some(subject) => format!("{} {}", plain(subject), plain(&one.address)),
        None => plain(&one.address),
    };
    let len = address.chars().count();
    if len <= width {
        return fit(&address, width);
    }
    let end: String = address.chars().skip(len + 1 - width / 2).collect();
    format!("{}{end}", cut(&address, width + 1 - width / 2))
}

/// How a connection comes in, shortened, and its program if it has said what that is.
fn via(one: &Connection) -> String {
    let transport = if one.transport == "websocket" { "ws" } else { &one.transport };
    let via = fit(&plain(transport), 5);
    match &one.program {
        Some(program) => format!("{via} {}", plain(program)),
        None => via,
    }
}

/// A text in exactly so many columns.
fn fit(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let missing = width - text.width();
    text + &" ".repeat(missing)
}

/// Bytes in the largest unit that leaves a digit before the point, with the unit's name.
fn bytes(count: u64) -> String {
    amount(count, ["B", "KiB", "MiB", "GiB", "TiB"], " ")
}

/// The same, short.
fn short_bytes(count: u64) -> String {
    amount(count, ["", "K", "M", "G", "T"], "")
}

fn amount(count: u64, units: [&str; 5], space: &str) -> String {
    let unit = (count.max(1).ilog2() as usize / 10).min(units.len() - 1);
    match unit {
        0 => format!("{count}{}{}", if units[0].is_empty() { "" } else { space }, units[0]),
        _ => {
            let tenths = u128::from(count) * 10 / (1 << (10 * unit));
            format!("{}.{}{space}{}", tenths / 10, tenths % 10, units[unit])
        }
    }
}

fn time(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..60 => format!("{seconds}.{} s", millis % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// The same, short.
fn short_time(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..60 => format!("{seconds}.{}s", millis % 1000 / 100),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// A relay that is not ours could send anything; a terminal must not be made to obey it.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

/// As much of a line as fits into so many columns. That there is more is shown.
pub(super) fn cut(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.into();
    }
    let mut taken = 0;
    let mut text = String::new();
    for character in line.chars() {
        taken += character.width().unwrap_or_default();
        if taken >= width {
            break;
        }
        text.push(character);
    }
    if width > 0 {
        text.push('…');
    }
    text
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
