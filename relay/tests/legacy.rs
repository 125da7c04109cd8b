//! `--legacy-config`: an operator switches with the file that there is already.

mod program;

use std::io::{Read, Write};
use std::net::TcpStream;

use program::{Running, file, output, refused, settings, text};

const FILE: &str = "# relay\nport = 7681\nADDRESS = LocalHost:9 # here\nmax_connections_per_ip = 23\nwebsocket = on\u{1b}[2J\n";

#[test]
fn a_file_is_converted_and_says_what_became_of_each_line() {
    let path = file("peote-server.conf", FILE);
    let path = path.to_str().unwrap();
    let arguments = ["--legacy-config", path, "--max-connections", "7", "--print-config"];
    let output = output(&arguments);
    assert_eq!(output.status.code(), Some(0));
    let report = text(&output.stderr);
    let report: Vec<_> = report.lines().map(|line| line.strip_prefix("peote-relay: ").unwrap()).collect();
    let unknown = format!("{path}:5: websocket = on [2J: there is no such key; passed over, as before");
    assert_eq!(
        report,
        [
            format!("{path}:2: port = 7681 -> listen = [\"127.0.0.1:7681\"]"),
            format!(
                "{path}:3: ADDRESS = LocalHost:9 # here -> listen = [\"127.0.0.1:7681\"], of which only localhost counts, as \
                 before"
            ),
            format!("{path}:4: max_connections_per_ip = 23 -> max-connections-per-address = 23"),
            unknown.clone(),
            format!(
                "{path}: no line names a logfile: the log goes to standard error, and not to peote.log as before; add \
                 2>>peote.log to the command, or leave it to a service manager"
            ),
        ]
    );
    let converted = text(&output.stdout);
    assert!(converted.contains(&format!("#   {unknown}\n")), "{converted}");
    let origin = |name: &str| {
        let line = converted.lines().find(|line| line.starts_with(name)).unwrap();
        line.split(" # ").nth(1).unwrap().trim().to_string()
    };
    assert_eq!(origin("max-connections-per-address "), format!("{path}:4"));
    assert_eq!(origin("listen "), format!("{path}:2"));
    assert_eq!(origin("max-connections "), "--max-connections");

    let converted = file("converted.toml", &converted);
    let again = settings(&["--config", converted.to_str().unwrap()]);
    for line in ["listen = [\"127.0.0.1:7681\"]", "max-connections-per-address = 23", "max-connections = 7"] {
        assert!(again.iter().any(|other| other == line), "{line}: {again:?}");
    }
}

#[test]
fn options_go_before_the_file_which_is_said() {
    let path = file("options.conf", "port = 7681\n");
    let path = path.to_str().unwrap();
    let output =
        output(&["--legacy-config", path, "--listen", "127.0.0.1:9", "--unlimited", "--print-config"]);
    let report = text(&output.stderr);
    for line in [
        format!("{path}:1: port = 7681 -> listen = [\"127.0.0.1:7681\"], but --listen goes before that"),
        format!(
            "{path}: no line limits the connections of one address -> max-connections-per-address = 13, \
             as without such a line before, but --unlimited goes before that"
        ),
    ] {
        assert!(report.lines().any(|said| said == format!("peote-relay: {line}")), "{line}\n{report}");
    }
    assert!(text(&output.stdout).contains("listen = [\"127.0.0.1:9\"]"));
    assert!(text(&output.stdout).contains("max-connections-per-address = 0 "));
}

#[test]
fn what_is_wrong_is_refused() {
    let path = file("wrong.conf", "port = 99999\naddress = nowhere.invalid\n");
    let path = path.to_str().unwrap();
    let output = output(&["--legacy-config", path]);
    assert_eq!(output.status.code(), Some(2));
    let report = text(&output.stderr);
    assert!(report.contains(&format!("{path}:1: port = 99999: write a port from 1 to 65535\n")), "{report}");
    assert!(
        report.contains(":2: address = nowhere.invalid: nowhere.invalid cannot be looked up: "),
        "{report}"
    );
    refused(
        &["--legacy-config", path, "--config", path],
        &["the argument '--legacy-config <FILE>' cannot be used with '--config <FILE>'; see --help"],
    );
    let output = program::output(&["--legacy-config", "/nowhere/peote-server.conf"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("; name another file with --legacy-config"));
}

#[test]
fn a_relay_for_nobody_turns_everybody_away() {
    let path = file("nobody.conf", "max_connections_per_ip = 0\n");
    let path = path.to_str().unwrap();
    let mut relay = Running::start(&["--legacy-config", path, "--listen", "127.0.0.1:0"]);
    let mut socket = TcpStream::connect(relay.address()).unwrap();
    let _ = socket.write_all(b"\0\0\x01\x01a");
    assert!(matches!(socket.read(&mut [0; 100]), Ok(0) | Err(_)));
    relay.log_until("cause=address-not-allowed");
}

/// The line that switches the log off must not hide what else is in the file.
#[test]
fn what_is_not_carried_over_is_said_with_the_log_switched_off_too() {
    let path = file("silent.conf", "logging = off\nmax_connection = 5\n");
    let path = path.to_str().unwrap();
    let mut relay = Running::start(&["--legacy-config", path, "--listen", "127.0.0.1:0"]);
    let log = relay.log_until("max_connection = 5: there is no such key");
    assert_eq!(log.len(), 1, "{log:?}");
}

#[cfg(unix)]
#[test]
fn a_relay_runs_with_it_and_reads_it_again() {
    let path = file("run.conf", "address = 127.0.0.1\nwhat = ever\nport = 1\n");
    let path = path.to_str().unwrap();
    let mut relay = Running::start(&["--legacy-config", path, "--listen", "127.0.0.1:0"]);
    TcpStream::connect(relay.address()).unwrap();
    let log = relay.log_until("listening").join("\n");
    assert!(log.contains(" WARN ") && log.contains(":2: what = ever: there is no such key"), "{log}");
    assert!(log.contains("-> max-connections-per-address = 13"), "{log}");
    file("run.conf", "max_connections_per_ip = 23\n");
    relay.signal(rustix::process::Signal::HUP);
    relay.log_until("max-connections-per-address = 23, before 13");
}
