//! The program as an operator meets it: options, files, messages, exit codes, signals.

mod program;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use program::{PROGRAM, Running, SAMPLE, file, output, program, refused, settings, text};

#[test]
fn says_where_it_listens() {
    let mut relay = Running::start(&["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"]);
    let (first, second) = (relay.address(), relay.address());
    assert_ne!(first, second);
    for address in [first, second] {
        assert!(address.ip().is_loopback());
        TcpStream::connect(address).unwrap();
    }
}

#[test]
fn the_pages_for_operators() {
    use std::io::{Read, Write};

    for (metrics, status) in [("true", "200 OK"), ("false", "404 Not Found")] {
        let mut relay = Running::start(&["--listen", "127.0.0.1:0", "--metrics", metrics]);
        let mut socket = TcpStream::connect(relay.address()).unwrap();
        socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut page = String::new();
        socket.read_to_string(&mut page).unwrap();
        assert!(page.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{page}");
        assert_eq!(page.contains("\npeote_relay_connections 1\n"), metrics == "true", "{page}");
    }
}

#[test]
fn both_families_can_have_the_same_port() {
    if TcpListener::bind("[::1]:0").is_err() {
        return; // a machine without IPv6
    }
    let mut four = Running::start(&["--listen", "0.0.0.0:0"]);
    let port = four.address().port();
    let mut six = Running::start(&["--listen", &format!("[::]:{port}")]);
    assert_eq!(six.address().port(), port);
}

#[test]
fn help_and_version() {
    let help = output(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    // How lines are broken depends on the terminal.
    let help = text(&help.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["--listen <", "default 127.0.0.1:7680", "Exit codes:", "RUST_LOG", "Signals:"] {
        assert!(help.contains(part), "{part}");
    }
    let version = output(&["--version"]);
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(text(&version.stdout), concat!("peote-relay ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn printed_settings_read_back_the_same() {
    let arguments = [
        "--listen",
        "[::1]:0",
        "--listen",
        "127.0.0.1:9",
        "--stall-timeout",
        "2.25",
        "--queue-bytes",
        "65537",
    ];
    let printed =
        output(&[&arguments[..], &["--slow-receiver", "drop", "--unlimited", "--print-config"]].concat());
    let path = file("printed.toml", &text(&printed.stdout));
    let again = settings(&["--config", path.to_str().unwrap()]);
    assert!(again.contains(&"listen = [\"[::1]:0\", \"127.0.0.1:9\"]".into()));
    assert!(again.contains(&"stall-timeout = 2.25".into()));
    assert!(again.contains(&"queue-bytes = 65537".into()));
    assert!(again.contains(&"slow-receiver = \"drop\"".into()));
    assert_eq!(again, settings(&[&arguments[..], &["--slow-receiver", "drop", "--unlimited"]].concat()));
}

#[test]
fn the_sample_shows_every_key_with_its_default() {
    assert_eq!(settings(&["--config", SAMPLE]), settings(&[]));
    let sample = fs::read_to_string(SAMPLE).unwrap();
    for setting in settings(&[]) {
        assert!(sample.lines().any(|line| line == setting), "{setting}");
    }
}

#[test]
fn options_go_before_the_file_and_the_file_before_the_defaults() {
    let path = file("precedence.toml", "max-channels = 5\nmax-connections = 6\nlisten = [\"127.0.0.1:1\"]\n");
    let path = path.to_str().unwrap();
    let printed =
        output(&["--config", path, "--max-channels", "7", "--listen", "127.0.0.1:2", "--print-config"]);
    let printed = text(&printed.stdout);
    let line = |name: &str| {
        let line = printed.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("max-channels "), "max-channels = 7 # --max-channels");
    assert_eq!(line("max-connections "), format!("max-connections = 6 # {path}:2"));
    assert_eq!(line("listen "), "listen = [\"127.0.0.1:2\"] # --listen");
    assert_eq!(line("queue-bytes "), "queue-bytes = \"1MiB\" # default");
}

#[test]
fn unlimited_lifts_limits_but_neither_times_nor_memory() {
    let all = settings(&["--unlimited", "--max-channels", "9"]);
    let zero: Vec<_> = all.iter().filter(|line| line.ends_with("= 0")).map(String::as_str).collect();
    let lifted = [
        "max-connections = 0",
        "max-connections-per-address = 0",
        "max-connections-per-network = 0",
        "connections-per-second-per-address = 0",
        "max-channels-per-address = 0",
        "max-channels-per-network = 0",
        "max-channels-per-connection = 0",
        "max-users-per-channel = 0",
        "max-users-per-channel-per-address = 0",
        "max-users-per-channel-per-network = 0",
        "commands-per-second = 0",
        "messages-per-second = 0",
        "bytes-per-second = 0",
        "tls-handshakes-per-second-per-network = 0",
        "tokens-per-second-per-network = 0",
        // a time, and none by default
        "idle-timeout = 0",
    ];
    assert_eq!(zero, lifted);
    assert!(all.contains(&"max-channels = 9".into()));
    assert!(all.contains(&"memory-bytes = \"256MiB\"".into()));
}

#[test]
fn wrong_values_of_options() {
    let address = "write ADDRESS:PORT, for example 127.0.0.1:7680, 0.0.0.0:7680 or [::]:7680";
    refused(&["--listen", "7680"], &[&format!("--listen 7680: {address}")]);
    let names = "names are not looked up here; write 127.0.0.1:7680 for this machine, 0.0.0.0:7680 and [::]:7680 for \
                 everybody, or one of this machine's addresses";
    for option in ["--listen", "--listen-tls"] {
        for name in ["localhost", "relay.example:7680"] {
            refused(&[option, name], &[&format!("{option} {name}: {names}")]);
        }
    }
    let range = "names are not looked up here; write ADDRESS or ADDRESS/LENGTH, for example 192.168.0.0/16 or 2001:db8::/32";
    for option in ["--connect-from", "--create-from", "--watch-from"] {
        refused(&[option, "localhost"], &[&format!("{option} localhost: {range}")]);
    }
    refused(&["--listen", "::"], &["--listen ::: the port is missing; write [::]:7680"]);
    refused(&["--max-channels", "-5"], &["--max-channels -5: write a whole number from 0 to 4294967295"]);
    refused(
        &["--max-users-per-channel", "257"],
        &["--max-users-per-channel 257: write a whole number from 0 to 256"],
    );
    refused(&["--queue-bytes", "1KiB"], &["--queue-bytes 1KiB: write a size from 64KiB to 1GiB"]);
    refused(&["--metrics", "yes"], &["--metrics yes: write one of false or true"]);
    refused(&["--stall-timeout", "0"], &["--stall-timeout 0: write seconds from 0.1 to 86400"]);
    refused(&["--slow-receiver", "stop"], &["--slow-receiver stop: write one of pause or drop"]);
    refused(&["--log-level", ""], &["--log-level \"\": write one of off, error, warn, info, debug or trace"]);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let path = file("several.toml", "\nqueue-bytes = 1\n\nmax-conections = 1\n");
    let path = path.to_str().unwrap();
    refused(
        &["--config", path, "--stall-timeout", "x"],
        &[
            &format!("{path}:2: queue-bytes = 1: write a size from 64KiB to 1GiB"),
            &format!("{path}:4: unknown key max-conections; did you mean max-connections?"),
            "--stall-timeout x: write seconds from 0.1 to 86400; other units are ms, min and h",
        ],
    );
}

#[test]
fn unknown_names() {
    refused(&["--max-chanels", "5"], &["unknown option --max-chanels; did you mean --max-channels?"]);
    refused(&["relay.toml"], &["relay.toml: unexpected; every setting is an option, see --help"]);
    refused(&["--config"], &["a value is required for '--config <FILE>' but none was supplied; see --help"]);
    let path = file("unknown.toml", "colour = true\n");
    let path = path.to_str().unwrap();
    refused(&["--config", path], &[&format!("{path}:1: unknown key colour; --print-config shows all keys")]);
}

#[test]
fn files_that_are_none() {
    let missing = Path::new(env!("CARGO_TARGET_TMPDIR")).join("missing.toml");
    let output = output(&["--config", missing.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let line = text(&output.stderr);
    assert!(line.starts_with(&format!("peote-relay: {}: cannot be read: ", missing.display())), "{line}");
    assert!(line.ends_with("; name another file with --config\n"), "{line}");

    let path = file("syntax.toml", "max-channels = 5\nqueue-bytes = 64KiB\n");
    let line = text(&self::output(&["--config", path.to_str().unwrap()]).stderr);
    assert!(line.starts_with(&format!("peote-relay: {}:2: not TOML: ", path.display())), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");

    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("binary.toml");
    fs::write(&path, b"# first\n\xff\n").unwrap();
    let path = path.to_str().unwrap();
    refused(&["--config", path], &[&format!("{path}:2: not UTF-8 text; save the file as UTF-8")]);
}

#[test]
fn values_that_do_not_go_together() {
    let path = file("together.toml", "\nmemory-bytes = \"2MiB\"\n");
    let path = path.to_str().unwrap();
    let line = format!(
        "{path}:2: memory-bytes = 2MiB is less than queue-bytes = 4MiB (--queue-bytes); \
         raise memory-bytes or lower queue-bytes"
    );
    refused(&["--config", path, "--queue-bytes", "4MiB"], &[&line]);
    let address = "127.0.0.1:9";
    let line = "--listen: 127.0.0.1:9 is there twice; remove one";
    refused(&["--listen", address, "--listen", "127.0.0.1:8", "--listen", address], &[line]);
    for (one, other) in [("0.0.0.0:9", address), (address, "0.0.0.0:9"), ("[::]:9", "[::1]:9")] {
        let line = format!("--listen: {other} and {one} have an address in common; remove one");
        refused(&["--listen", one, "--listen", other], &[&line]);
    }
    assert_eq!(
        settings(&["--listen", "0.0.0.0:9", "--listen", "[::]:9", "--listen", "127.0.0.1:8"]).len(),
        settings(&[]).len()
    );
}

#[test]
fn a_setting_that_needs_another_one_says_so() {
    let path = file("access.toml", "\naccess = \"tokens\"\n");
    let path = path.to_str().unwrap();
    let needs = "access = tokens needs access-keys, a file with the keys of tokens; set it \
                 (`peote-relay token key ID` prints a key for it), or remove access";
    refused(&["--config", path], &[&format!("{path}:2: {needs}")]);
    for (one, other) in [("cluster-certificate", "cluster-key"), ("cluster-key", "cluster-certificate")] {
        let line = format!("--{one}: {one} needs {other}; set it, or remove {one}");
        refused(&[&format!("--{one}"), "file.pem"], &[&line]);
    }
    if cfg!(not(feature = "cluster")) {
        let line = "write nothing: this program was built without the feature cluster";
        refused(&["--cluster", "nats://a"], &[&format!("--cluster nats://a: {line}")]);
    }
}

#[test]
fn settings_without_effect_are_warned_of() {
    let warned = |arguments: &[&str]| {
        let output = output(&[arguments, &["--print-config"]].concat());
        assert_eq!(output.status.code(), Some(0));
        text(&output.stderr)
    };
    let path = file("no-effect.toml", "access-keys = \"k.toml\"\nanonymous-enter = [\"a*\"]\n");
    let path = path.to_str().unwrap();
    let open = "has no effect: access is open, so every endpoint may create and enter every channel; \
                set access, or remove this";
    assert_eq!(
        warned(&["--config", path]),
        format!("peote-relay: {path}:1: access-keys {open}\npeote-relay: {path}:2: anonymous-enter {open}\n")
    );
    let mixed = "peote-relay: --anonymous-create: anonymous-create has no effect: it is for access = mixed; \
                 set that, or remove this\n";
    let keys = ["--access-keys", "k.toml"];
    assert_eq!(warned(&[&keys[..], &["--access", "tokens", "--anonymous-create", "a"]].concat()), mixed);
    assert_eq!(warned(&[&keys[..], &["--access", "mixed", "--anonymous-create", "a"]].concat()), "");
    assert!(warned(&["--cluster-ca", "a"]).contains("cluster-ca has no effect: the relay is in no"));
    assert_eq!(warned(&["--config", SAMPLE]), "", "every key as by default");
}

/// Endpoints take 20 s without a word for the loss of the connection.
#[test]
fn keepalives_that_come_too_late_for_endpoints_are_warned_of() {
    let warned = |arguments: &[&str]| {
        let output = output(&[arguments, &["--print-config"]].concat());
        assert_eq!(output.status.code(), Some(0));
        let (errors, printed) = (text(&output.stderr), text(&output.stdout));
        assert_eq!(
            errors.contains("take 20 s without a word"),
            printed.contains("#   "),
            "{errors}\n{printed}"
        );
        errors
    };
    assert_eq!(warned(&["--keepalive-interval", "19.9"]), "");
    let warning = warned(&["--keepalive-interval", "30"]);
    assert!(
        warning.starts_with("peote-relay: --keepalive-interval: keepalive-interval = 30: endpoints"),
        "{warning}"
    );
    let path = file("silence.toml", "\nkeepalive-interval = 60\nlisten = [\"127.0.0.1:0\"]\n");
    let path = path.to_str().unwrap();
    assert!(
        warned(&["--config", path]).starts_with(&format!("peote-relay: {path}:2: keepalive-interval = 60: "))
    );
    let mut relay = Running::start(&["--config", path]);
    let log = relay.log_until("take 20 s without a word");
    assert!(log.last().unwrap().contains(" WARN "), "{log:?}");
}

#[test]
fn a_wrong_log_filter_is_refused() {
    let output = program(&["--listen", "127.0.0.1:0"]).env("RUST_LOG", "a=b=c").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let line = text(&output.stderr);
    assert!(line.starts_with("peote-relay: RUST_LOG=a=b=c: "), "{line}");
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn an_address_in_use() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let output = output(&["--listen", &address, "--log-level", "off"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let line = text(&output.stderr);
    assert!(line.contains(&address), "{line}");
    assert!(line.ends_with("; stop what is using it, or choose another address with --listen\n"), "{line}");
    assert_eq!(line.lines().count(), 1);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use program::PATIENCE;
    use rustix::process::Signal;
    use std::io::{Read, Write};
    use std::time::{Duration, Instant};

    /// An address, with port 0, at which no other test listens, so that a port given up can be had
    /// again. The last number tells the tests apart; only Linux has more than one loopback address
    /// without further ado.
    fn own_address(last: u8) -> String {
        let last = if cfg!(target_os = "linux") { last } else { 1 };
        format!("127.0.0.{last}:0")
    }

    fn stops_on(signal: Signal, last: u8) {
        let mut relay = Running::start(&["--listen", &own_address(last)]);
        let address = relay.address();
        let connection = TcpStream::connect(address).unwrap();
        relay.signal(signal);
        let (code, errors) = relay.end();
        assert_eq!(code, Some(0), "{errors}");
        assert!(errors.contains("stopped"), "{errors}");
        drop(connection);
        // The port is free again, for the next start of a relay.
        let mut next = Running::start(&["--listen", &address.to_string()]);
        assert_eq!(next.address(), address);
    }

    #[test]
    fn sigterm_stops() {
        stops_on(Signal::TERM, 2);
    }

    #[test]
    fn sigint_stops() {
        stops_on(Signal::INT, 3);
    }

    #[test]
    fn a_signal_wakes_a_relay_that_sleeps() {
        let mut relay = Running::start(&["--listen", "127.0.0.1:0"]);
        relay.address();
        // Nobody is connected, so it sleeps without end.
        std::thread::sleep(Duration::from_millis(300));
        let begin = Instant::now();
        relay.signal(Signal::TERM);
        assert_eq!(relay.end().0, Some(0));
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    }

    #[test]
    fn a_second_signal_does_not_wait_for_what_is_queued() {
        let mut relay = Running::start(&["--listen", "127.0.0.1:0", "--shutdown-timeout", "60"]);
        let address = relay.address();
        // A server that never reads, and a user that sends until nobody takes any more.
        let mut server = TcpStream::connect(address).unwrap();
        server.write_all(b"\0\0\x01\x01c").unwrap();
        server.read_exact(&mut [0; 5]).unwrap();
        let mut user = TcpStream::connect(address).unwrap();
        user.write_all(b"\0\x01\x01\x01c").unwrap();
        user.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut unit = vec![0; 2 + 0x4000];
        unit[0] = 0x80 + 0x40;
        while user.write_all(&unit).is_ok() {}

        relay.signal(Signal::TERM);
        std::thread::sleep(Duration::from_millis(300));
        assert!(relay.child.try_wait().unwrap().is_none(), "it still has something to write");
        relay.signal(Signal::TERM);
        assert_eq!(relay.end().0, None, "ended by the signal");
    }

    #[test]
    fn log_lines_are_plain_and_in_utc_where_nobody_looks() {
        let mut relay = Running::start(&["--listen", "127.0.0.1:0"]);
        relay.address();
        relay.signal(Signal::TERM);
        let errors = relay.end().1;
        assert!(!errors.contains('\u{1b}'), "{errors:?}");
        let time = errors.lines().last().unwrap().split_whitespace().next().unwrap();
        assert!(time.ends_with('Z') && time.contains('T'), "{errors}");
    }

    #[test]
    fn log_lines_can_be_json() {
        let mut relay = Running::start(&["--listen", "127.0.0.1:0", "--log-format", "json"]);
        let address = relay.address();
        relay.signal(Signal::TERM);
        let errors = relay.end().1;
        let lines: Vec<serde_json::Value> =
            errors.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["message"], "listening");
        assert_eq!(lines[0]["address"], address.to_string());
        assert_eq!(lines[0]["level"], "INFO");
        assert!(lines.iter().all(|line| line["timestamp"].as_str().unwrap().ends_with('Z')));
    }

    #[test]
    fn the_log_level_comes_from_option_environment_file_in_this_order() {
        let path = file("level.toml", "log-level = \"off\"\n");
        let path = path.to_str().unwrap();
        let lines = |arguments: &[&str], variable: Option<&str>| {
            let arguments = [&["--listen", "127.0.0.1:0"], arguments].concat();
            let mut command = program(&arguments);
            command.stderr(Stdio::piped());
            variable.map(|value| command.env("RUST_LOG", value));
            let mut relay = Running::spawn(&mut command);
            relay.address();
            relay.signal(Signal::TERM);
            relay.end().1.lines().count()
        };
        assert!(lines(&[], None) > 0);
        assert_eq!(lines(&["--config", path], None), 0);
        assert!(lines(&["--config", path], Some("info")) > 0);
        assert_eq!(lines(&["--log-level", "off"], Some("info")), 0);
    }

    #[test]
    fn runs_on_where_nobody_reads_its_output() {
        let mut relay = Running::start(&["--listen", &own_address(4)]);
        let address = relay.address();
        // Both pipes are closed now, and it has log lines to write when it stops.
        drop(relay.child.stderr.take());
        relay.signal(Signal::TERM);
        assert_eq!(relay.end().0, Some(0));

        // Closed from the start, for the line that says where it listens.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = program(&["--listen", &address.to_string()]);
        let mut child = command.stdout(writer).stderr(Stdio::null()).spawn().unwrap();
        let begin = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begin.elapsed() < PATIENCE && child.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(5));
        }
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }

    #[test]
    fn a_closed_pipe_is_no_reason_to_panic_for_what_is_printed() {
        for argument in ["--help", "--version", "--print-config"] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let output = program(&[argument]).stdout(writer).stderr(Stdio::piped()).output().unwrap();
            assert_eq!(text(&output.stderr), "");
            assert_eq!(output.status.code(), Some(0));
        }
    }

    /// The program under a shell's `ulimit`.
    fn limited(limit: &str, arguments: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit {limit} && exec '{PROGRAM}' {arguments}"));
        command.env_remove("RUST_LOG").stdin(Stdio::null()).stderr(Stdio::piped());
        command
    }

    #[test]
    fn too_few_files_for_a_start() {
        let output = limited("-n 4", "--listen 127.0.0.1:0 --log-level off").output().unwrap();
        let line = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(line.contains("open files"), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
    }

    #[test]
    fn the_soft_limit_of_files_is_raised_and_the_hard_one_is_reported() {
        let mut relay = Running::spawn(&mut limited("-Sn 64", "--listen 127.0.0.1:0 --max-connections 100"));
        relay.address();
        relay.signal(Signal::TERM);
        let errors = relay.end().1;
        assert!(!errors.contains("room for"), "{errors}");

        let mut relay = Running::spawn(&mut limited("-n 128", "--listen 127.0.0.1:0 --max-connections 100"));
        relay.address();
        relay.signal(Signal::TERM);
        let errors = relay.end().1;
        assert!(errors.contains("room for 32 connections only, not 100"), "{errors}");
    }

    /// The system would leave them waiting, and whoever checks with them.
    #[test]
    fn connections_for_which_there_are_no_files_are_turned_away() {
        for connections in ["100", "0"] {
            let arguments = format!("--listen 127.0.0.1:0 --max-connections {connections} --log-level off");
            let mut relay = Running::spawn(&mut limited("-n 128", &arguments));
            let address = relay.address();
            let others: Vec<_> = (0..60).map(|_| TcpStream::connect(address).unwrap()).collect();
            let output = output(&["health", &address.to_string()]);
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let mut last = others.last().unwrap();
            last.set_read_timeout(Some(PATIENCE)).unwrap();
            assert!(matches!(last.read(&mut [0; 10]), Ok(0) | Err(_)));
        }
    }
}

#[test]
fn man_pages_and_completions_are_generated() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    let _ = fs::remove_dir_all(&folder);
    let output = output(&["generate", folder.to_str().unwrap()]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    for (file, part) in [
        ("peote-relay.1", "max\\-connections"),
        ("peote-relay-ctl.1", "drain"),
        ("peote-relay-ctl-ban.1", "subject"),
        ("peote-relay-top.1", "interval"),
        ("peote-relay.bash", "--max-connections"),
        ("_peote-relay", "--queue-bytes"),
        ("peote-relay.fish", "drain"),
    ] {
        let content = fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(content.contains(part), "{file}: {content}");
    }
}
