//! Reading `"host:port"`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// What an address text says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    Literal(SocketAddr),
    Name(String, u16),
}

/// Splits and checks an address text; says what is wrong with it otherwise.
pub(super) fn parse(text: &str) -> Result<Address, &'static str> {
    if let Ok(address) = text.parse() {
        return Ok(Address::Literal(address));
    }
    if text.contains("://") {
        return Err(
            "it is written as \"host:port\", with nothing in front of it and no path; TLS is chosen apart from it",
        );
    }
    let is_address = text.parse::<IpAddr>().is_ok();
    if is_address || text.starts_with('[') && text.ends_with(']') {
        return Err("the port is missing; it is written as \"host:port\", with an IPv6 host in brackets");
    }
    let (host, port) = text.rsplit_once(':').ok_or("the port is missing; it is written as \"host:port\"")?;
    // Digits only: `parse` would take "+80".
    let port = Some(port)
        .filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|port| port.parse().ok())
        .ok_or("the port is not a number from 0 to 65535")?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match bracketed {
        // With the name of an interface behind it ("fe80::1%eth0"), which only the resolver can turn into its number.
        Some(host) if host.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()) => {
            host
        }
        Some(_) => return Err("there is no IPv6 address in the brackets"),
        None if host.contains(':') => return Err("an IPv6 address is written in brackets: \"[::1]:7680\""),
        None if host.is_empty() => return Err("the host is missing; it is written as \"host:port\""),
        None => host,
    };
    Ok(Address::Name(host.to_owned(), port))
}

/// The host alone. What is no address text (several addresses are none) is answered as it is, and is no host.
#[cfg(feature = "tls")]
pub(super) fn host(text: &str) -> String {
    match parse(text) {
        Ok(Address::Literal(address)) => address.ip().to_string(),
        Ok(Address::Name(host, _)) => host,
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_need_no_look_up() {
        for text in ["127.0.0.1:7680", "[::1]:7680", "[fe80::1%3]:80"] {
            assert!(matches!(parse(text), Ok(Address::Literal(_))), "{text}");
        }
    }

    #[test]
    fn names_are_split_from_the_port() {
        assert_eq!(parse("localhost:7680"), Ok(Address::Name("localhost".into(), 7680)));
        assert_eq!(parse("[fe80::1%eth0]:1"), Ok(Address::Name("fe80::1%eth0".into(), 1)));
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
    fn everything_else_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "port is missing"),
            ("localhost", "port is missing"),
            ("::1", "port is missing"),
            ("127.0.0.1", "port is missing"),
            ("[::1]", "port is missing"),
            ("[fe80::1%eth0]", "port is missing"),
            ("ws://localhost:7680", "nothing in front of it"),
            ("https://[::1]:7680/path", "nothing in front of it"),
            ("http://localhost", "nothing in front of it"),
            ("host:", "not a number"),
            ("host:http", "not a number"),
            ("host:+80", "not a number"),
            ("host:65536", "not a number"),
            (":80", "host is missing"),
            ("[localhost]:80", "no IPv6 address"),
            ("fe80::1%eth0:80", "in brackets"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
