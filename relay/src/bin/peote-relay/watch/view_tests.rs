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

fn texts(lines: Vec<Line>) -> Vec<String> {
    lines.into_iter().map(|line| line.text).collect()
}

#[test]
fn everything_is_shown() {
    let lines = lines(&sample(2), "relay.example:7680", 80);
    let headings: Vec<_> =
        lines.iter().enumerate().filter(|(_, line)| line.is_heading).map(|(at, _)| at).collect();
    assert_eq!(headings, [0, 5, 8, 12]);
    let expected = "\
peote-relay 1.2.3 at relay.example:7680, up 1 d 2 h
connections 12 (WebSockets 3)   channels 4   users 9   paused 1   dropped 0
in 0 B/s   out 4.6 GiB/s   queues 8.0 KiB   longest 1.5 MiB of 2.0 MiB
above half 1

SLOW RECEIVER ADDRESS                 VIA     QUEUE OTHERS WAIT
7.1           [2001:db8::1]:4711      ws       1.5M        1.5s

CONNECTION ADDRESS                 VIA      IN/S   OUT/S   QUEUE  OWN+IN     AGE
0.1        [2001:db8::1]:4711      ws       2.0K      10    1.5M     1+2   1m01s
1.1        [2001:db8::1]:4711      ws     paused      10    1.5M     1+2   1m01s

USERS  SERVER     ITS IN/S ITS OUT/S  CHANNEL
    7  0.1            2.0K        10  lobby [2J";
    assert_eq!(texts(lines).join("\n"), expected);
}

#[test]
fn the_subject_of_a_token_stands_in_front_of_the_address() {
    let mut details = sample(1);
    details.busiest[0].subject = Some("ann\u{1b}".into());
    let lines = texts(lines(&details, "x", 80));
    assert!(lines.iter().any(|line| line.contains("ann [2001")), "{lines:#?}");
}

/// The greatest that there can be: addresses, identifiers, rates, times, names.
#[test]
fn everything_fits_80_columns() {
    let mut details = sample(2);
    for one in details.busiest.iter_mut().chain(&mut details.slowest) {
        one.connection = "4294967295.4294967295".into();
        one.address = "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535".into();
        one.transport = "something new".into();
        (one.received_per_second, one.sent_per_second) = (1023 << 40, 1023 << 30);
        (one.queued_bytes, one.holds_up_ms, one.age_ms) = (1023 << 20, 99 * 86_400_000, 999 * 86_400_000);
        (one.own, one.entered) = (128, 128);
        one.paused = false;
    }
    details.channels[0].users = 65_536;
    // wide characters, and such that have no width
    details.channels[0].name = "漢字e\u{301}".repeat(20);
    (details.connections, details.users, details.dropped) = (1_000_000, 100_000_000, u64::MAX);
    for width in [80, 120, 200] {
        let lines = texts(lines(&details, "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535", width));
        assert!(lines.iter().all(|line| line.width() <= width), "{lines:#?}");
        let row = lines.iter().rfind(|line| line.starts_with("429")).unwrap();
        assert!(row.ends_with("1023.0M 128+128 999d00h"), "{row}");
        // the port is seen in any case, and the whole address where there is room
        assert!(row.contains(":65535 "), "{row}");
        assert_eq!(row.contains("[2001:db8:1234:5678:9abc:def0:1234:5678]:65535"), width > 110, "{row}");
    }
}

#[test]
fn what_is_cut_shows_it() {
    assert_eq!(cut("lobby", 5), "lobby");
    assert_eq!(cut("lobby", 4), "lob…");
    assert_eq!(cut("lobby", 1), "…");
    assert_eq!(cut("lobby", 0), "");
    assert_eq!(cut("漢字漢字", 5), "漢字…");
    assert_eq!(cut("漢字漢字", 4), "漢…");
}

#[test]
fn a_screen_is_never_exceeded() {
    for height in 0..60 {
        for width in [0, 1, 7, 80, 200] {
            let lines = texts(screen(&sample(40), "127.0.0.1:7680", width, height));
            assert!(lines.len() <= height && lines.iter().all(|line| line.width() <= width));
        }
    }
    let lines = texts(screen(&sample(40), "127.0.0.1:7680", 80, 24));
    for part in ["SLOW RECEIVER", "CONNECTION", "CHANNEL", "lobby"] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part} is not in {lines:#?}");
    }
}

#[test]
fn amounts_have_the_unit_that_fits() {
    for (count, text, short) in [
        (0, "0 B", "0"),
        (1023, "1023 B", "1023"),
        (1024, "1.0 KiB", "1.0K"),
        (1023 << 10, "1023.0 KiB", "1023.0K"),
        (u64::MAX, "16777215.9 TiB", "16777215.9T"),
    ] {
        assert_eq!((&*bytes(count), &*short_bytes(count)), (text, short));
    }
    assert_eq!((&*time(3_600_000), &*short_time(3_660_000)), ("1 h 0 min", "1h01m"));
    assert_eq!(
        (&*short_time(900), &*short_time(61_000), &*short_time(93_784_000)),
        ("0.9s", "1m01s", "1d02h")
    );
}
