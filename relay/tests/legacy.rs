//! `--legacy-config`: an operator switches with the file that there is already.

mod program;

use std::net::TcpStream;

use program::{Running, file, output, refused, settings, text};

const FILE: &str =
    "# relay\nport = 7681\naddress = 127.0.0.1\nmax_conn_per_ip = 23\nwebsocket = on\u{1b}[2J\n";

#[test]
fn a_file_is_converted_and_says_what_became_of_each_line() {
    let path = file("peote-server.conf", FILE);
    let path = path.to_str().unwrap();
    let arguments = ["--legacy-config", path, "--max-connections", "7", "--print-config"];
    let output = output(&arguments);
    assert_eq!(output.status.code(), Some(0));
    let report = text(&output.stderr);
    let report: Vec<_> = report.lines().map(|line| line.strip_prefix("peote-relay: ").unwrap()).collect();
    let unknown = format!(
        "{path}:5: websocket = on [2J: not understood; look for such a setting in the sample relay.toml, or remove the line"
    );
    assert_eq!(
        report,
        [
            format!("{path}:2: port = 7681 -> listen = [\"127.0.0.1:7681\"]"),
            format!("{path}:3: address = 127.0.0.1 -> listen = [\"127.0.0.1:7681\"]"),
            format!("{path}:4: max_conn_per_ip = 23 -> max-connections-per-address = 23"),
            unknown.clone(),
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
    let all = "all of IPv4 because no line names an address";
    for line in [
        format!("{path}:1: port = 7681 -> listen = [\"0.0.0.0:7681\"], {all}, but --listen goes before that"),
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
    let path = file("wrong.conf", "port = 1\nport = 2\nmax_per_ip = x\n");
    let path = path.to_str().unwrap();
    refused(
        &["--legacy-config", path],
        &[
            &format!("{path}:2: port = 2: line 1 has set this already; remove one"),
            &format!("{path}:3: max_per_ip = x: write a whole number from 0 to 4294967295"),
        ],
    );
    refused(
        &["--legacy-config", path, "--config", path],
        &["the argument '--legacy-config <FILE>' cannot be used with '--config <FILE>'; see --help"],
    );
    let output = output(&["--legacy-config", "/nowhere/peote-server.conf"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("; name another file with --legacy-config"));
}

#[cfg(unix)]
#[test]
fn a_relay_runs_with_it_and_reads_it_again() {
    let path = file("run.conf", "address = 127.0.0.1\nwhat = ever\nport = 1\n");
    let path = path.to_str().unwrap();
    let mut relay = Running::start(&["--legacy-config", path, "--listen", "127.0.0.1:0"]);
    TcpStream::connect(relay.address()).unwrap();
    let log = relay.log_until("listening").join("\n");
    assert!(log.contains(" WARN ") && log.contains(":2: what = ever: not understood"), "{log}");
    assert!(log.contains("-> max-connections-per-address = 13"), "{log}");
    file("run.conf", "max_conn_per_ip = 23\n");
    relay.signal(rustix::process::Signal::HUP);
    relay.log_until("max-connections-per-address = 23, before 13");
}
