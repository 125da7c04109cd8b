//! The pages that show what a relay is doing, and the program's own ways to look at them.

mod common;
mod program;

use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::websocket::{Browser, response};
use common::{Running, config, start, to_server};
use peote_relay::Config;
use program::{PROGRAM, text};
use serde_json::Value;

fn details(relay: &Running) -> Value {
    let page = response(relay, b"GET /details HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"), "{head}");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// Looks until it is as it should be: the relay makes the page once a second at most.
#[track_caller]
fn details_until(relay: &Running, what: impl Fn(&Value) -> bool) -> Value {
    let end = std::time::Instant::now() + common::PATIENCE;
    loop {
        let page = details(relay);
        if what(&page) {
            return page;
        }
        assert!(std::time::Instant::now() < end, "{page:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn there_is_no_such_page_unless_it_is_switched_on() {
    let relay = start(config());
    let page = response(&relay, b"GET /details HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert!(page.starts_with("HTTP/1.1 404 "), "{page}");
}

#[test]
fn who_is_there_and_who_holds_up_others() {
    let relay = start(Config { details: true, queue_bytes: 64 << 10, ..config() });
    let mut slow = relay.connect_small();
    slow.create("böse \u{1b}[2J\\\"".as_bytes());
    let mut user = relay.connect();
    user.enter("böse \u{1b}[2J\\\"".as_bytes());
    let _browser = Browser::new(&relay);
    let mut socket = user.socket.try_clone().unwrap();
    let writer = std::thread::spawn(move || socket.write_all(&to_server(0, &[7; 1000]).repeat(8 << 10)));
    relay.until(|stats| stats.paused == 1);

    let page = details_until(&relay, |page| !page["slowest"].as_array().unwrap().is_empty());
    assert_eq!(page["channel_count"], 1);
    assert_eq!(page["users"], 1);
    assert_eq!(page["paused"], 1);
    assert_eq!(page["websockets"], 1);
    assert_eq!(page["channels"][0]["name"], "böse \\u{1b}[2J\\\\\\\"");
    assert_eq!(page["channels"][0]["users"], 1);
    let slowest = &page["slowest"][0];
    assert_eq!((slowest["own"].as_u64(), slowest["entered"].as_u64()), (Some(1), Some(0)));
    assert!(slowest["queued_bytes"].as_u64().unwrap() > 1000, "{page:#}");
    assert_eq!(slowest["connection"], page["channels"][0]["connection"]);
    let busiest = page["busiest"].as_array().unwrap();
    assert_eq!(busiest.len(), 3, "{page:#}");
    assert_eq!(busiest.iter().filter(|one| one["transport"] == "websocket").count(), 1);
    assert!(busiest.iter().any(|one| one["paused"] == true));

    // pauses are counted in whole milliseconds
    std::thread::sleep(Duration::from_millis(5));
    drop(slow);
    let _ = writer.join().unwrap();
    let stats = relay.until(|stats| stats.paused == 0);
    assert!(stats.longest_queue > 1000 && stats.paused_time > Duration::ZERO && stats.queued_units > 2);
}

#[test]
fn the_page_is_bounded_whatever_there_is() {
    let relay = start(Config { details: true, ..config() });
    // names that take the most room when they are made fit to be shown
    let servers: Vec<_> = (0..60u8)
        .map(|number| {
            let mut server = relay.connect();
            for channel in 0..4 {
                server.create(&[&[number, channel][..], &[0x1b; 200]].concat());
            }
            server
        })
        .collect();
    let page = details_until(&relay, |page| page["channel_count"] == 240);
    assert_eq!(page["busiest"].as_array().unwrap().len(), 40);
    let channels = page["channels"].as_array().unwrap().len();
    assert!((1..=50).contains(&channels), "{channels}");
    assert!(page.to_string().len() < 64 << 10);
    drop(servers);
}

/// Runs the program beside a relay.
fn beside(relay: &Running, arguments: &[&str]) -> (Option<i32>, String, String) {
    let address = relay.address.to_string();
    let mut command = Command::new(PROGRAM);
    command.arg(arguments[0]).arg(&address).args(&arguments[1..]).stdin(Stdio::null());
    let output = command.output().unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn top_as_text() {
    let relay = start(Config { details: true, ..config() });
    let (_server, _user) = relay.pair(b"lobby");
    let (code, output, errors) = beside(&relay, &["top", "--once"]);
    assert_eq!((code, &*errors), (Some(0), ""));
    let first = output.lines().next().unwrap();
    let here = format!("peote-relay {} at {}, up ", env!("CARGO_PKG_VERSION"), relay.address);
    assert!(first.starts_with(&here), "{first}");
    assert!(output.contains("channels 1   users 1   paused 0"), "{output}");
    let channel = output.lines().last().unwrap();
    assert!(channel.starts_with("    1  ") && channel.ends_with("  lobby"), "{output}");

    // again and again where nobody can press a key, until nobody reads it any more
    let mut command = Command::new(PROGRAM);
    command.args(["top", &relay.address.to_string(), "--interval", "100ms"]).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert_eq!(lines.map(Result::unwrap).filter(|line| line.starts_with("peote-relay ")).take(3).count(), 3);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn relays_are_found_by_name() {
    let relay = start(Config { details: true, ..config() });
    let place = format!("localhost:{}", relay.address.port());
    assert_eq!(program::output(&["health", &place]).status.code(), Some(0));
    let top = program::output(&["top", "--once", &place]);
    assert_eq!((top.status.code(), text(&top.stderr)), (Some(0), String::new()));
    let top = text(&top.stdout);
    assert!(top.starts_with(&format!("peote-relay {} at {place}, up ", env!("CARGO_PKG_VERSION"))), "{top}");
    assert!(top.lines().all(|line| line.chars().count() <= 80), "{top}");
    for command in ["health", "top"] {
        let output = program::output(&[command, "relay.invalid:7680"]);
        let line = text(&output.stderr);
        assert!(line.starts_with("peote-relay: relay.invalid:7680: the name "), "{line}");
        assert_eq!((output.status.code(), line.lines().count()), (Some(1), 1), "{line}");
        let output = program::output(&[command, "ws://localhost:7680"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("write HOST:PORT without what stands in front"), "{output:?}");
    }
}

#[test]
fn health_and_what_can_be_wrong() {
    let relay = start(config());
    assert_eq!(beside(&relay, &["health"]), (Some(0), "ok\n".into(), String::new()));
    let (code, output, errors) = beside(&relay, &["top", "--once"]);
    assert_eq!((code, &*output), (Some(1), ""));
    assert!(errors.contains("404 Not Found; start the relay with --details true"), "{errors}");
    assert_eq!(errors.lines().count(), 1);

    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let output = program::output(&["health", &nobody]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.starts_with(&format!("peote-relay: {nobody}: ")), "{said}");
    assert!(said.ends_with("; no program listens there: start the relay, or mind the port\n"), "{said}");

    for arguments in
        [&["health", "nowhere"][..], &["top", "--interval", "0"], &["top", "127.0.0.1:1", "more"]]
    {
        let output = program::output(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stderr).lines().count(), 1, "{arguments:?}");
    }
    for arguments in [["top", "--help"], ["health", "--help"]] {
        assert_eq!(program::output(&arguments).status.code(), Some(0));
    }
}

#[test]
fn a_relay_that_is_none_does_not_do_harm() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answers =
        ["", "\u{1b}[2J\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n{\"version\":1}", "HTTP/1.1 \u{1b}[2J 500\r\n\r\n"];
    let server = std::thread::spawn(move || {
        for answer in answers {
            let (mut socket, _) = listener.accept().unwrap();
            let _ = std::io::Read::read(&mut socket, &mut [0; 1000]).unwrap();
            socket.write_all(answer.as_bytes()).unwrap();
        }
    });
    for _ in answers {
        let output = program::output(&["top", "--once", &address]);
        assert_eq!(output.status.code(), Some(1));
        let errors = text(&output.stderr);
        assert!(errors.lines().count() == 1 && !errors.contains('\u{1b}'), "{errors:?}");
    }
    server.join().unwrap();
}
