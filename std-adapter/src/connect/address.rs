//! Reading `"host:port"`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The port of a relay, unless an address says otherwise.
pub(crate) const PORT: u16 = 7680;

/// What an address text says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    Literal(SocketAddr),
    Name(String, u16),
}

/// An address text that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) address: Address,
    /// The text names a port.
    pub(super) has_port: bool,
}

/// Splits and checks an address text.
///
/// # Errors
/// What is wrong with it, and what to write instead.
pub(super) fn parse(text: &str) -> Result<Parsed, String> {
    let text = without_scheme(text.trim())?;
    if let Some((address, path)) = text.split_once('/') {
        return Err(format!("a path (\"/{path}\") has no meaning here: write \"{address}\""));
    }
    if let Ok(address) = text.parse() {
        return Ok(Parsed { address: Address::Literal(address), has_port: true });
    }
    if let Some(host) = host_alone(text) {
        let address = match host.parse::<IpAddr>() {
            Ok(address) => Address::Literal(SocketAddr::new(address, PORT)),
            Err(_) => Address::Name(host.to_owned(), PORT),
        };
        return Ok(Parsed { address, has_port: false });
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err("the host is missing: write \"host:port\"".into());
    };
    let host = host_of(host, port)?;
    // Digits only: `parse` would take "+80".
    let number = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(port) = number.and_then(|port| port.parse().ok()) else {
        return Err(format!("\"{port}\" is not a port, which is a number from 0 to 65535"));
    };
    Ok(Parsed { address: Address::Name(host.to_owned(), port), has_port: true })
}

/// Returns what stands behind `tcp://`, if that is there.
fn without_scheme(text: &str) -> Result<&str, String> {
    let Some((scheme, rest)) = text.split_once("://") else { return Ok(text) };
    if scheme.eq_ignore_ascii_case("tcp") {
        return Ok(rest.strip_suffix('/').unwrap_or(rest));
    }
    let address = rest.split(['/', '?', '#']).next().unwrap_or_default();
    Err(match scheme.to_ascii_lowercase().as_str() {
        "ws" | "http" => {
            format!("\"{scheme}://\" is for browsers, this is TCP: write \"{address}\"")
        }
        "wss" | "https" | "tls" | "ssl" => format!(
            "TLS is chosen apart from the address (`tls`), and speaks on a port of its own: write \"{address}\""
        ),
        _ => format!("\"{scheme}://\" has no meaning here: write \"{address}\""),
    })
}

/// Returns the host of a text without a port.
fn host_alone(text: &str) -> Option<&str> {
    // a port behind the name of an interface would be taken for a part of it
    let has_interface = text.contains('%') && !text.rsplit('%').next().is_some_and(|name| name.contains(':'));
    if text.parse::<IpAddr>().is_ok() || (has_interface && is_ipv6(text)) {
        return Some(text);
    }
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(host) => is_ipv6(host).then_some(host),
        None => (!text.is_empty() && !text.contains([':', '[', ']'])).then_some(text),
    }
}

/// Returns the host of a text with a port, without brackets.
fn host_of<'a>(host: &'a str, port: &str) -> Result<&'a str, String> {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) if is_ipv6(host) => Ok(host),
        Some(host) => Err(format!("\"{host}\" is not an IPv6 address: write it without brackets")),
        None if host.contains(':') => {
            Err(format!("an IPv6 address stands in brackets: write \"[{host}]:{port}\", or what is meant"))
        }
        None if host.is_empty() => Err(format!("the host is missing: write \"localhost:{port}\"")),
        None => Ok(host),
    }
}

/// Returns true for an IPv6 address, with the name of an interface behind it perhaps
/// (`fe80::1%eth0`), which only the resolver can turn into its number.
fn is_ipv6(host: &str) -> bool {
    host.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// Returns the host alone. What is no address text (several addresses are none) is returned as it
/// is, and is no host.
#[cfg(feature = "tls")]
pub(super) fn host(text: &str) -> String {
    match parse(text).map(|parsed| parsed.address) {
        Ok(Address::Literal(address)) => address.ip().to_string(),
        Ok(Address::Name(host, _)) => host,
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).address
    }

    #[test]
    fn literals_need_no_look_up() {
        for text in
            ["127.0.0.1:7680", "[::1]:7680", "[fe80::1%3]:80", " 127.0.0.1:7680\n", "tcp://127.0.0.1:1"]
        {
            assert!(matches!(address(text), Address::Literal(_)), "{text}");
        }
    }

    #[test]
    fn names_are_split_from_the_port() {
        assert_eq!(address("localhost:7681"), Address::Name("localhost".into(), 7681));
        assert_eq!(address("tcp://localhost:7681/"), Address::Name("localhost".into(), 7681));
        assert_eq!(address("[fe80::1%eth0]:1"), Address::Name("fe80::1%eth0".into(), 1));
    }

    #[test]
    fn a_relay_has_a_port_that_need_not_be_named() {
        assert_eq!(address("localhost"), Address::Name("localhost".into(), 7680));
        assert_eq!(address("127.0.0.1"), Address::Literal(([127, 0, 0, 1], 7680).into()));
        for text in ["::1", "[::1]"] {
            assert_eq!(address(text), Address::Literal((Ipv6Addr::LOCALHOST, 7680).into()));
        }
        for text in ["fe80::1%eth0", "[fe80::1%eth0]"] {
            assert_eq!(address(text), Address::Name("fe80::1%eth0".into(), 7680));
        }
        assert!(!parse("localhost").unwrap().has_port && parse("localhost:1").unwrap().has_port);
    }

    #[cfg(feature = "tls")]
    #[test]
    fn the_host_is_what_is_before_the_port() {
        for (text, expected) in [
            ("relay.example:7681", "relay.example"),
            ("127.0.0.1:7681", "127.0.0.1"),
            ("[::1]:7681", "::1"),
            ("[fe80::1%3]:80", "fe80::1"),
            ("[fe80::1%eth0]:1", "fe80::1%eth0"),
            ("127.0.0.1:1, 127.0.0.2:1", "127.0.0.1:1, 127.0.0.2:1"),
        ] {
            assert_eq!(host(text), expected);
        }
    }

    #[test]
    fn everything_else_is_answered_with_what_to_write() {
        for (text, answer) in [
            ("", "the host is missing: write \"host:port\""),
            ("ws://localhost:7680", "is for browsers, this is TCP: write \"localhost:7680\""),
            ("ws://localhost/path?x=1", "write \"localhost\""),
            ("WSS://relay:7681", "a port of its own: write \"relay:7681\""),
            ("https://[::1]:7680/path", "write \"[::1]:7680\""),
            ("ftp://localhost", "\"ftp://\" has no meaning here: write \"localhost\""),
            ("localhost:7680/room", "a path (\"/room\") has no meaning here: write \"localhost:7680\""),
            ("host:", "\"\" is not a port"),
            ("host:http", "\"http\" is not a port"),
            ("host:+80", "is not a port"),
            ("host:65536", "is not a port"),
            (":80", "the host is missing: write \"localhost:80\""),
            ("[localhost]:80", "\"localhost\" is not an IPv6 address: write it without brackets"),
            ("fe80::1%eth0:80", "write \"[fe80::1%eth0]:80\""),
            ("127.0.0.1:1, 127.0.0.2:1", "in brackets"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(answer), "{text}: {error}");
        }
    }
}
