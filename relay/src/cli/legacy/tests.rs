use super::line::{Line, parse};
use super::name::{Meaning, meaning};
use super::*;
use proptest::prelude::*;

type Converted = (Settings, Vec<Note>);

fn try_convert(bytes: &[u8]) -> Result<Converted, Vec<String>> {
    let mut settings = Settings::default();
    match convert(Path::new("p.conf"), bytes, &mut settings, |_, _| {}) {
        Ok(notes) => Ok((settings, notes)),
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

/// What is said of a file: all, and how much of it are warnings.
#[track_caller]
fn says(text: &str, lines: &[&str], warnings: usize) -> Settings {
    let (settings, notes) = try_convert(text.as_bytes()).unwrap();
    let found: Vec<_> = notes.iter().map(|note| note.text.to_string()).collect();
    assert_eq!(found, lines);
    assert_eq!(notes.iter().filter(|note| note.is_warning).count(), warnings);
    settings
}

#[test]
fn lines_in_every_shape() {
    for line in [
        "name = value",
        "name=value",
        "  name\t=\tvalue  ",
        "name: value",
        "name:value",
        "name value",
        "name => value,",
        "'name' => 'value',",
        "\"name\": \"value\",",
        "{ name => value }",
        "$name = 'value';",
        "my $name = \"value\";",
        "our $name='value' ; # port",
        "$config{name} = 'value';",
        "$config->{'name'} = value;",
        "$Server::name = value;",
        "--name=value",
        "-name value",
        "name = value # or not",
        "name = value // or not",
        "name = value; what it is for",
        "\u{feff}name = value",
        "name = \"value\"  ; comment",
    ] {
        assert_eq!(parse(line), Line::Setting { name: "name", value: "value" }, "{line}");
    }
    assert_eq!(parse("a = 'b c;d # e',"), Line::Setting { name: "a", value: "b c;d # e" });
    assert_eq!(parse("listen [::]:7680"), Line::Setting { name: "listen", value: "[::]:7680" });
    assert_eq!(parse("listen=0.0.0.0:1"), Line::Setting { name: "listen", value: "0.0.0.0:1" });
    for line in ["", "  ", "# a = b", "; a = b", "// a = b", "{", "}", ");", "};", "\u{feff}"] {
        assert_eq!(parse(line), Line::Nothing, "{line}");
    }
    assert_eq!(parse("[limits]"), Line::Section);
    for line in [
        "name",
        "name =",
        "name = (",
        "name => {",
        "1;",
        "[a",
        "a = 'b' c",
        "= 5",
        "'a",
        "name = ;",
        "a = 5; b = 6",
        "a = '5', b => 6",
    ] {
        let is_other = matches!(parse(line), Line::Other | Line::Setting { name: "", .. });
        assert!(is_other, "{line}: {:?}", parse(line));
    }
}

#[test]
fn names_however_they_are_joined() {
    for (names, expected) in [
        ("port Port PORT listen_port listenPort server-port tcp_port bindport", Meaning::Port),
        ("listen address addr host ip bind Bind_Address LISTEN_ADDR serverHost local_ip", Meaning::Listen),
        (
            "max_conn_per_ip MaxConnectionsPerIP maxconnperip connections-per-address max_sockets_per_host \
             max_per_ip limit.per.ip conn_per_ip max_conn_ip max_clients_from_addr maximum_number_of_connections_per_ip",
            Meaning::PerAddress,
        ),
        ("max_connections MaxConn max-clients connection_limit maxsockets", Meaning::Connections),
        ("first_byte_timeout firstByteTimeout timeout_first_byte first_timeout", Meaning::FirstByte),
        ("idle_timeout IdleTimeoutSeconds idle_time", Meaning::Idle),
        ("log_level LogLevel loglevel", Meaning::LogLevel),
    ] {
        for name in names.split_whitespace() {
            assert_eq!(meaning(name), Some(expected), "{name}");
        }
    }
    for name in [
        "",
        "max",
        "connections",
        "timeout",
        "connection_timeout",
        "websocket_port",
        "tls_port",
        "port2",
        "max_channels_per_ip",
        "remote_host",
        "max_users",
        "log",
        "logfile",
        "level",
        "client_port",
        "user",
        "password",
        "report",
        "import",
        "ports",
        "Port\u{17f}",
        "pört",
    ] {
        assert_eq!(meaning(name), None, "{name}");
    }
    assert_eq!(meaning(&"max".repeat(100)), None);
}

#[test]
fn every_line_is_accounted_for() {
    let text = "\u{feff}# the server\r\nport = 7681\r\n\r\naddress: 0.0.0.0\r\n[limits]\r\nmax_conn_per_ip => 23,\r\n\
                websocket = on\r\nmax_connections 0\r\nfirst_byte_timeout = '5'\r\nlog_level = 7\r\nidleTimeout=60;\r\n1;\r\n";
    let unknown = "not understood; look for such a setting in the sample relay.toml, or remove the line";
    let settings = says(
        text,
        &[
            "p.conf:2: port = 7681 -> listen = [\"0.0.0.0:7681\"]",
            "p.conf:4: address: 0.0.0.0 -> listen = [\"0.0.0.0:7681\"]",
            "p.conf:5: [limits]: sections are not looked at; see that the lines below mean what is said of them",
            "p.conf:6: max_conn_per_ip => 23, -> max-connections-per-address = 23",
            &format!("p.conf:7: websocket = on: {unknown}"),
            "p.conf:8: max_connections 0 -> max-connections = 0 (no limit)",
            "p.conf:9: first_byte_timeout = '5' -> first-byte-timeout = 5",
            "p.conf:10: log_level = 7: no level that is known here; set log-level",
            "p.conf:11: idleTimeout=60; -> idle-timeout = 60",
            &format!("p.conf:12: 1;: {unknown}"),
        ],
        4,
    );
    assert_eq!(settings.relay.max_connections_per_address, 23);
    assert_eq!(settings.relay.idle_timeout.as_secs(), 60);
}

#[test]
fn what_no_line_says() {
    let per_address = "p.conf: no line limits the connections of one address -> max-connections-per-address = 13, \
                       as without such a line before";
    let nowhere = "p.conf: no line says where to listen -> listen = [\"127.0.0.1:7680\"], for this machine only; give \
                   --listen for others";
    let settings = says("", &[nowhere, per_address], 1);
    assert_eq!(settings.relay.max_connections_per_address, 13);
    let any = "p.conf:1: port 1 -> listen = [\"0.0.0.0:1\"], all of IPv4 because no line names an address";
    says("port 1", &[any, per_address], 0);
    let port = "p.conf:1: ip ::1 -> listen = [\"[::1]:7680\"], this port because no line names one";
    says("ip ::1", &[port, per_address], 0);
}

#[test]
fn ways_to_say_where_to_listen() {
    for (text, address) in [
        ("listen 8080", "0.0.0.0:8080"),
        ("listen = '127.0.0.1:8080'", "127.0.0.1:8080"),
        ("listen: [::]:8080", "[::]:8080"),
        ("listen: [::]\nport: 8080", "[::]:8080"),
        ("port = 8080\nhost = localhost", "127.0.0.1:8080"),
        ("port = 8080\nhost = *", "0.0.0.0:8080"),
        ("host = 10.0.0.1", "10.0.0.1:7680"),
    ] {
        let (settings, notes) = try_convert(text.as_bytes()).unwrap();
        assert_eq!(settings.relay.listen, [address.parse().unwrap()], "{text}");
        assert!(notes.iter().all(|note| !note.is_warning), "{text}");
    }
}

#[test]
fn what_is_wrong_or_said_twice_is_an_error() {
    let wrong =
        |text: &str, expected: &[&str]| assert_eq!(try_convert(text.as_bytes()).unwrap_err(), expected);
    let port = "write a port from 1 to 65535";
    wrong("port = 70000", &[&format!("p.conf:1: port = 70000: {port}")]);
    wrong("port = 0", &[&format!("p.conf:1: port = 0: {port}")]);
    wrong(
        "port = -1\nport = x",
        &[&format!("p.conf:1: port = -1: {port}"), &format!("p.conf:2: port = x: {port}")],
    );
    let address = "write an IP address, with or without a port; names are not looked up";
    wrong("host = relay.example", &[&format!("p.conf:1: host = relay.example: {address}")]);
    wrong("listen = 1.2.3.4:0", &[&format!("p.conf:1: listen = 1.2.3.4:0: {address}")]);
    wrong(
        "port = 1\n\nlisten = 1.2.3.4:2",
        &["p.conf:3: listen = 1.2.3.4:2: line 1 has set this already; remove one"],
    );
    wrong(
        "max_per_ip = 5\nMaxConnPerIP = 5\nmax_conn = many",
        &[
            "p.conf:2: MaxConnPerIP = 5: line 1 has set this already; remove one",
            "p.conf:3: max_conn = many: write a whole number from 0 to 4294967295",
        ],
    );
    wrong("first_byte_timeout = 0", &["p.conf:1: first_byte_timeout = 0: write seconds from 0.1 to 3600"]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = try_convert(&bytes);
    }

    #[test]
    fn anything_near_to_a_file_is_accounted_for(
        lines in proptest::collection::vec(
            (
                "(my |our )?[$'\"{\\[]?(port|host|maxConn_per-ip|idle_timeout|::|[a-z]{0,3})[}'\"\\]]?",
                "( = |: | |=>|=)?",
                "['\"]?([0-9]{1,5}|\\[::1\\]:[0-9]|[a-z;# ]{0,4})['\"]?[,;]?( #.*)?",
            ),
            0..6,
        )
    ) {
        let text: String = lines.iter().map(|(a, b, c)| format!("{a}{b}{c}\n")).collect();
        let said: Vec<String> = match try_convert(text.as_bytes()) {
            Ok((_, notes)) => notes.iter().map(|note| note.text.to_string()).collect(),
            Err(_) => return Ok(()),
        };
        for (number, line) in text.replace("\r\n", "\n").split(['\n', '\r']).enumerate() {
            let place = format!("p.conf:{}: ", number + 1);
            let count = said.iter().filter(|said| said.starts_with(&place)).count();
            prop_assert_eq!(count, usize::from(parse(line) != Line::Nothing), "{}", line);
        }
    }
}
