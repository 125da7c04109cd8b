use super::line::{Key, Line, parse};
use super::*;
use proptest::prelude::*;

type Converted = (Settings, Vec<Note>);

/// Names that there are, without a network.
fn look_up(name: &str) -> io::Result<Ipv4Addr> {
    match name {
        "relay.example" => Ok(Ipv4Addr::new(192, 0, 2, 7)),
        "1" => Ok(Ipv4Addr::new(0, 0, 0, 1)),
        _ => Err(io::Error::other("no such host")),
    }
}

fn try_convert(bytes: &[u8]) -> Result<Converted, Vec<String>> {
    let mut settings = Settings::default();
    match convert(Path::new("p.conf"), bytes, &mut settings, look_up, |_, _| {}) {
        Ok(notes) => Ok((settings, notes)),
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

const NO_ADDRESS: &str = "p.conf: no line names an address -> listen = [\"127.0.0.1:7680\"], for this machine only, as before; \
                          give --listen for others";
const NO_LIMIT: &str = "p.conf: no line limits the connections of one address -> max-connections-per-address = 13, as without \
                        such a line before";
const NO_FILE: &str = "p.conf: no line names a logfile: the log goes to standard error, and not to peote.log as before; \
                       add 2>>peote.log to the command, or leave it to a service manager";

/// What is said of a file's lines, and how much of it are warnings. What is said of missing lines
/// is left out.
#[track_caller]
fn says(text: &str, lines: &[&str], warnings: usize) -> Settings {
    let (settings, notes) = try_convert(text.as_bytes()).unwrap();
    let found: Vec<_> = notes.iter().map(|note| note.text.to_string()).collect();
    let found: Vec<_> = found.iter().filter_map(|text| text.strip_prefix("p.conf:")).collect();
    let found: Vec<_> = found.into_iter().filter(|text| !text.starts_with(' ')).collect();
    assert_eq!(found, lines);
    assert_eq!(notes.iter().filter(|note| note.is_warning).count(), warnings, "{notes:#?}");
    settings
}

#[test]
fn lines_are_read_as_before() {
    let port = Line::Setting(Key::Port, "7681".into());
    for line in [
        "port = 7681",
        "port=7681",
        "  PORT\t=\t7681 \r",
        "Port = 7681 # why",
        "port = 7681#",
        "port = x7681y2",
    ] {
        assert_eq!(parse(line), port, "{line:?}");
    }
    for line in ["", "  \t\r", "# port = 1", "  # port = 1", "#"] {
        assert_eq!(parse(line), Line::Nothing, "{line:?}");
    }
    for line in ["port", "port 7681", "port: 7681", "[limits]", "1;"] {
        assert!(matches!(parse(line), Line::PassedOver(why) if why.contains("no =")), "{line:?}");
    }
    for line in
        ["prt = 1", "max-connections-per-ip = 1", "= 1", "\u{feff}port = 1", "$port = 1", "listen = 1"]
    {
        assert!(matches!(parse(line), Line::PassedOver(why) if why.contains("no such key")), "{line:?}");
    }
    assert_eq!(
        parse("max_connection_per_ip = 5"),
        Line::PassedOver("there is no such key; did you mean max_connections_per_ip?".into())
    );
}

#[test]
fn values_are_read_as_before() {
    let value = |key: &str, value: &str| match parse(&format!("{key} = {value}")) {
        Line::Setting(_, value) => Some(value),
        _ => None,
    };
    for (text, expected) in [
        ("127.0.0.1:7999", Some("127.0.0.1")),
        ("Relay-1.Example_x, other", Some("relay-1.example_x")),
        ("'0.0.0.0'", Some("0.0.0.0")),
        ("[::1]:7680", Some("1")),
        ("*", None),
        ("", None),
    ] {
        assert_eq!(value("address", text).as_deref(), expected, "{text}");
    }
    for (text, expected) in
        [("80", Some("80")), ("-5", Some("5")), ("a 12 b 3", Some("12")), ("many", None), ("", None)]
    {
        assert_eq!(value("port", text).as_deref(), expected, "{text}");
        assert_eq!(value("max_connections_per_ip", text).as_deref(), expected, "{text}");
    }
    for key in ["logging", "error_logging", "access_logging"] {
        assert_eq!(value(key, "OFF").as_deref(), Some("off"));
        for wrong in ["yes", "1", "'on'", "", "on off"] {
            assert_eq!(value(key, wrong), None, "{wrong}");
        }
    }
    assert_eq!(value("logfile", "\"Peote.log\"").as_deref(), Some("peote.log"));
    assert_eq!(value("logfile", "''").as_deref(), Some(""));
}

#[test]
fn without_a_line_all_is_as_it_was() {
    let (settings, notes) = try_convert(b"").unwrap();
    assert_eq!(settings.relay.listen, ["127.0.0.1:7680".parse().unwrap()]);
    assert_eq!(settings.relay.max_connections_per_address, 13);
    assert_eq!(settings.log_level, Settings::default().log_level);
    let found: Vec<_> = notes.iter().map(|note| note.text.to_string()).collect();
    assert_eq!(found, [NO_ADDRESS, NO_LIMIT, NO_FILE]);
    assert!(notes.iter().all(|note| !note.is_warning));
    // all else is this relay's own
    let own = Config { max_connections_per_address: 13, ..Config::default() };
    assert_eq!(settings.relay, own);
}

#[test]
fn every_line_is_accounted_for() {
    let text = "# the server\r\nport = 7681\r\n\r\nADDRESS = 0.0.0.0\r\n[limits]\r\nmax_connections_per_ip = 23 # sample\r\n\
                websocket = on\r\nforward_http_port = 80\r\nlogging = on\r\nlogfile = \"peote.log\"\r\nerror_logfile =\r\n\
                access_logfile = access.log\r\ncompress_level = 6";
    let unused = "has no meaning; the relay before read this and did not use it";
    let settings = says(
        text,
        &[
            "2: port = 7681 -> listen = [\"0.0.0.0:7681\"]",
            "4: ADDRESS = 0.0.0.0 -> listen = [\"0.0.0.0:7681\"]",
            "5: [limits]: there is no = in it; passed over, as before",
            "6: max_connections_per_ip = 23 # sample -> max-connections-per-address = 23",
            "7: websocket = on: there is no such key; passed over, as before",
            &format!("8: forward_http_port = 80: {unused}"),
            "9: logging = on -> log-level = \"info\"",
            "10: logfile = \"peote.log\": cannot be carried over: the log goes to standard error; add 2>>peote.log to the \
             command, or leave it to a service manager",
            "11: error_logfile =: has no effect, as before",
            "12: access_logfile = access.log: cannot be carried over: all lines go to standard error; with \
             log-format = json they are told apart by their level",
            &format!("13: compress_level = 6: {unused}"),
        ],
        4,
    );
    assert_eq!(settings.relay.max_connections_per_address, 23);
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let settings = says(
        "port = 1\naddress = localhost\nPort = 2\nport = none\naddress = *\n",
        &[
            "1: port = 1: line 3 says this again, and the last one counts",
            "2: address = localhost -> listen = [\"127.0.0.1:2\"]",
            "3: Port = 2 -> listen = [\"127.0.0.1:2\"]",
            "4: port = none: the value is not a number; passed over, as before",
            "5: address = *: the value is not an IPv4 address or a host name; passed over, as before",
        ],
        3,
    );
    assert_eq!(settings.relay.listen, ["127.0.0.1:2".parse().unwrap()]);
    // a wrong value before it does no harm
    let settings = says(
        "port = 0\nport = 5",
        &[
            "1: port = 0: line 2 says this again, and the last one counts",
            "2: port = 5 -> listen = [\"127.0.0.1:5\"]",
        ],
        1,
    );
    assert_eq!(settings.relay.listen, ["127.0.0.1:5".parse().unwrap()]);
}

#[test]
fn ways_to_say_where_to_listen() {
    for (text, address, warnings) in [
        ("port = 8080", "127.0.0.1:8080", 0),
        ("address = 10.0.0.1", "10.0.0.1:7680", 0),
        ("address = relay.example", "192.0.2.7:7680", 0),
        ("address = RELAY.Example", "192.0.2.7:7680", 0),
        // the port stands on a line of its own
        ("address = 127.0.0.1:7999", "127.0.0.1:7680", 1),
        ("address = [::1]", "0.0.0.1:7680", 1),
        ("port = 80 and 90", "127.0.0.1:80", 1),
        ("address = *", "127.0.0.1:7680", 1),
        ("adress = 0.0.0.0", "127.0.0.1:7680", 1),
    ] {
        let (settings, notes) = try_convert(text.as_bytes()).unwrap();
        assert_eq!(settings.relay.listen, [address.parse().unwrap()], "{text}");
        assert_eq!(notes.iter().filter(|note| note.is_warning).count(), warnings, "{text}: {notes:#?}");
    }
    says(
        "address = 127.0.0.1:7999",
        &[
            "1: address = 127.0.0.1:7999 -> listen = [\"127.0.0.1:7680\"], of which only 127.0.0.1 counts, as before",
        ],
        1,
    );
}

/// 0 refuses everybody there and is no limit here.
#[test]
fn no_connections_at_all() {
    for text in ["max_connections_per_ip = 0", "max_connections_per_ip = 5\nmax_connections_per_ip = -000"] {
        let (settings, notes) = try_convert(text.as_bytes()).unwrap();
        assert_eq!(settings.relay.connect_from, ["255.255.255.255/32".parse().unwrap()]);
        assert!(
            notes.iter().any(|note| note.is_warning && note.text.to_string().contains("0 refuses everybody"))
        );
        assert!(notes.iter().all(|note| !note.text.to_string().contains("no line limits")));
    }
    let settings = try_convert(b"max_connections_per_ip = 99999999999999999999").unwrap().0;
    assert_eq!(settings.relay.max_connections_per_address, u32::MAX);
    assert!(settings.relay.connect_from.is_empty());
}

#[test]
fn what_is_logged() {
    for (text, level, warnings) in [
        ("logging = off", "off", 0),
        ("logging = off\nlogfile = x\naccess_logfile = y", "off", 0),
        ("logging = off\naccess_logging = on", "off", 0),
        ("access_logging = off", "warn", 0),
        ("access_logging = off\nerror_logging = off", "off", 0),
        ("error_logging = off", "info", 1),
        ("logging = on\nerror_logging = on\naccess_logging = on", "info", 0),
        ("logging = maybe", "info", 1),
        ("logfile = ", "info", 1),
    ] {
        let (settings, notes) = try_convert(text.as_bytes()).unwrap();
        assert_eq!(settings.log_level.name(), level, "{text}");
        assert_eq!(notes.iter().filter(|note| note.is_warning).count(), warnings, "{text}: {notes:#?}");
    }
}

#[test]
fn what_cannot_be_is_an_error() {
    let wrong =
        |text: &str, expected: &[&str]| assert_eq!(try_convert(text.as_bytes()).unwrap_err(), expected);
    let port = "write a port from 1 to 65535";
    wrong("port = 70000", &[&format!("p.conf:1: port = 70000: {port}")]);
    wrong(
        "address = nowhere.example\nport = 0",
        &[
            "p.conf:1: address = nowhere.example: nowhere.example cannot be looked up: no such host; write an IPv4 \
             address, or a name that has one",
            &format!("p.conf:2: port = 0: {port}"),
        ],
    );
}

#[test]
fn names_are_looked_up_once() {
    let mut names = Names::default();
    assert_eq!(names.look_up("localhost").unwrap(), Ipv4Addr::LOCALHOST);
    assert_eq!(names.0.len(), 1);
    names.0.insert("relay.invalid".into(), Ipv4Addr::new(192, 0, 2, 1));
    assert_eq!(names.look_up("relay.invalid").unwrap(), Ipv4Addr::new(192, 0, 2, 1));
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
                "(port|address|max_connections_per_ip|logging|error_logging|access_logging|logfile|error_logfile|[a-z]{0,3})",
                "( = |=| |: )?",
                "['\"]?([0-9]{1,5}|[0-9.]{1,9}|on|off|relay\\.example|[a-z;# ]{0,4})['\"]?( #.*)?",
            ),
            0..8,
        )
    ) {
        let text: String = lines.iter().map(|(a, b, c)| format!("{a}{b}{c}\n")).collect();
        let said: Vec<String> = match try_convert(text.as_bytes()) {
            Ok((_, notes)) => notes.iter().map(|note| note.text.to_string()).collect(),
            Err(_) => return Ok(()),
        };
        for (number, line) in text.split('\n').enumerate() {
            let place = format!("p.conf:{}: ", number + 1);
            let count = said.iter().filter(|said| said.starts_with(&place)).count();
            prop_assert_eq!(count, usize::from(parse(line) != Line::Nothing), "{}", line);
        }
    }
}
