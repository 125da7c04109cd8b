//! What is shown, as lines of text.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::page::{Connection, Details};

/// Lines that say how the relay as a whole is; the tables come behind them.
const TOTALS: usize = 3;

/// The whole, each line at most `width` characters.
pub(super) fn lines(details: &Details, address: SocketAddr, width: usize) -> Vec<String> {
    let mut lines = totals(details, address);
    for table in tables(details) {
        lines.push(String::new());
        lines.extend(table);
    }
    lines.iter().map(|line| cut(line, width)).collect()
}

/// As much of it as fits on a screen: each table has its share of the lines, and what one leaves the next ones have.
pub(super) fn screen(details: &Details, address: SocketAddr, width: usize, height: usize) -> Vec<String> {
    let mut lines = totals(details, address);
    let tables = tables(details);
    let count = tables.len();
    for (number, table) in tables.into_iter().enumerate() {
        let share = height.saturating_sub(lines.len()) / (count - number);
        if share >= 3 {
            lines.push(String::new());
            lines.extend(table.into_iter().take(share - 1));
        }
    }
    lines.truncate(height);
    lines.iter().map(|line| cut(line, width)).collect()
}

/// Whether a line is the heading of a table.
pub(super) fn is_heading(number: usize, lines: &[String]) -> bool {
    number > TOTALS && lines.get(number - 1).is_some_and(String::is_empty)
}

fn totals(details: &Details, address: SocketAddr) -> Vec<String> {
    let version = plain(&details.version);
    let lines: [String; TOTALS] = [
        format!("peote-relay {version} at {address}, up {}", time(details.uptime_ms)),
        format!(
            "connections {} (WebSockets {})   channels {}   users {}   paused {}   dropped {}",
            details.connections,
            details.websockets,
            details.channel_count,
            details.users,
            details.paused,
            details.dropped,
        ),
        format!(
            "in {}/s   out {}/s   queues {}, longest {} of {}, above half {}",
            bytes(details.received_per_second),
            bytes(details.sent_per_second),
            bytes(details.queued_bytes),
            bytes(details.longest_queue),
            bytes(details.queue_limit),
            details.queues_above_half,
        ),
    ];
    lines.into()
}

fn tables(details: &Details) -> Vec<Vec<String>> {
    let mut tables = Vec::new();
    if !details.slowest.is_empty() {
        let mut table =
            vec![row(["SLOW RECEIVER", "ADDRESS", "TRANSPORT", "QUEUE", "OTHERS WAIT", "", "", ""])];
        table.extend(details.slowest.iter().map(|connection| {
            row([
                &plain(&connection.connection),
                &plain(&connection.address),
                &plain(&connection.transport),
                &bytes(connection.queued_bytes),
                &time(connection.holds_up_ms),
                "",
                "",
                "",
            ])
        }));
        tables.push(table);
    }
    let mut table =
        vec![row(["CONNECTION", "ADDRESS", "TRANSPORT", "IN/S", "OUT/S", "QUEUE", "OWN+IN", "AGE"])];
    table.extend(details.busiest.iter().map(|connection| {
        row([
            &format!("{}{}", plain(&connection.connection), if connection.paused { " paused" } else { "" }),
            &plain(&connection.address),
            &plain(&connection.transport),
            &bytes(connection.received_per_second),
            &bytes(connection.sent_per_second),
            &bytes(connection.queued_bytes),
            &format!("{}+{}", connection.own, connection.entered),
            &time(connection.age_ms),
        ])
    }));
    tables.push(table);
    let servers: HashMap<&str, &Connection> =
        details.busiest.iter().map(|connection| (&*connection.connection, connection)).collect();
    let mut table = vec![channel(["USERS", "SERVER", "ITS IN/S", "ITS OUT/S", "CHANNEL"])];
    table.extend(details.channels.iter().map(|one| {
        let server = servers.get(&*one.connection);
        let rate = |get: fn(&Connection) -> u64| server.map(|server| bytes(get(server))).unwrap_or_default();
        channel([
            &one.users.to_string(),
            &plain(&one.connection),
            &rate(|server| server.received_per_second),
            &rate(|server| server.sent_per_second),
            &plain(&one.name),
        ])
    }));
    tables.push(table);
    tables
}

fn row([name, address, transport, a, b, c, d, e]: [&str; 8]) -> String {
    let line = format!("{name:<15} {address:<22} {transport:<9} {a:>10} {b:>11} {c:>9} {d:>8} {e:>9}");
    line.trim_end().into()
}

fn channel([users, server, a, b, name]: [&str; 5]) -> String {
    format!("{users:>5}  {server:<15} {a:>10} {b:>10}  {name}")
}

/// Bytes in the largest unit that leaves a digit before the point.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = (count.max(1).ilog2() as usize / 10).min(UNITS.len() - 1);
    match unit {
        0 => format!("{count} B"),
        _ => {
            let tenths = u128::from(count) * 10 / (1 << (10 * unit));
            format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
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

/// A relay that is not ours could send anything; a terminal must not be made to obey it.
fn plain(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

fn cut(line: &str, width: usize) -> String {
    line.chars().take(width).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(connections: usize) -> Details {
        let one = |number: usize| {
            format!(
                r#"{{"connection":"{number}.1","address":"[2001:db8::1]:4711","transport":"websocket","age_ms":61000,
                "received_per_second":2048,"sent_per_second":10,"received_bytes":1,"sent_bytes":2,
                "queued_bytes":1572864,"paused":{},"holds_up_ms":1500,"own":1,"entered":2}}"#,
                number == 1
            )
        };
        let list = (0..connections).map(one).collect::<Vec<_>>().join(",");
        serde_json::from_str(&format!(
            r#"{{"version":"1.2.3","uptime_ms":93784000,"interval_ms":2000,"connections":12,"websockets":3,
            "channel_count":4,"users":9,"paused":1,"dropped":0,"queued_bytes":8192,"longest_queue":1572864,
            "queue_limit":2097152,"queues_above_half":1,"received_per_second":0,"sent_per_second":5000000000,
            "busiest":[{list}],"slowest":[{}],
            "channels":[{{"name":"lobby \u001b[2J","connection":"0.1","number":0,"users":7}}]}}"#,
            one(7)
        ))
        .unwrap()
    }

    #[test]
    fn everything_is_shown() {
        let text = lines(&sample(2), "127.0.0.1:7680".parse().unwrap(), 100);
        let expected = "\
peote-relay 1.2.3 at 127.0.0.1:7680, up 1 d 2 h
connections 12 (WebSockets 3)   channels 4   users 9   paused 1   dropped 0
in 0 B/s   out 4.6 GiB/s   queues 8.0 KiB, longest 1.5 MiB of 2.0 MiB, above half 1

SLOW RECEIVER   ADDRESS                TRANSPORT      QUEUE OTHERS WAIT
7.1             [2001:db8::1]:4711     websocket    1.5 MiB       1.5 s

CONNECTION      ADDRESS                TRANSPORT       IN/S       OUT/S     QUEUE   OWN+IN       AGE
0.1             [2001:db8::1]:4711     websocket    2.0 KiB        10 B   1.5 MiB      1+2 1 min 1 s
1.1 paused      [2001:db8::1]:4711     websocket    2.0 KiB        10 B   1.5 MiB      1+2 1 min 1 s

USERS  SERVER            ITS IN/S  ITS OUT/S  CHANNEL
    7  0.1                2.0 KiB       10 B  lobby [2J";
        assert_eq!(text.join("\n"), expected);
        assert!(is_heading(4, &text) && !is_heading(5, &text) && !is_heading(0, &text));
    }

    #[test]
    fn a_screen_is_never_exceeded() {
        let address = "127.0.0.1:7680".parse().unwrap();
        for height in 0..60 {
            for width in [0, 1, 7, 80, 200] {
                let lines = screen(&sample(40), address, width, height);
                assert!(lines.len() <= height && lines.iter().all(|line| line.chars().count() <= width));
            }
        }
        let lines = screen(&sample(40), address, 80, 24);
        for part in ["SLOW RECEIVER", "CONNECTION", "CHANNEL", "lobby"] {
            assert!(lines.iter().any(|line| line.contains(part)), "{part} is not in {lines:#?}");
        }
    }

    #[test]
    fn amounts_have_the_unit_that_fits() {
        for (count, text) in [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (u64::MAX, "16777215.9 TiB")] {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(time(3_600_000), "1 h 0 min");
    }
}
