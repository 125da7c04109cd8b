//! The client that an HTTP request names: `X-Forwarded-For`, or `Forwarded` (RFC 7239).

use std::net::IpAddr;

use crate::config::{Config, ForwardedHeader};
use crate::http::Head;
use crate::proxy::is_listed;

/// Returns the client that a request names that comes from a proxy.
///
/// Each proxy adds whom it has the request from at the end. So from there on proxies that are
/// believed are passed over, and the first other one is the client: what stands in front of it
/// anybody could have written. `None` if there is no such address.
pub(crate) fn client(head: &Head<'_, '_>, config: &Config) -> Option<IpAddr> {
    let items: Vec<_> = match config.forwarded_header {
        ForwardedHeader::XForwardedFor => head.items("X-Forwarded-For").map(address).collect(),
        ForwardedHeader::Forwarded => head.items("Forwarded").map(element).collect(),
    };
    let believed = |address: &Option<IpAddr>| {
        address.is_some_and(|address| {
            is_listed(address, &config.forwarded_from) || is_listed(address, &config.proxy_protocol_from)
        })
    };
    // if all of them are proxies, the first one asks for itself
    let first = items.first().copied().flatten();
    items.iter().rev().find(|item| !believed(item)).copied().unwrap_or(first)
}

/// What `for` says in an element of `Forwarded`.
fn element(text: &[u8]) -> Option<IpAddr> {
    let mut pairs = text.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let value = pairs.find_map(|pair| {
        let (name, value) = pair.split_at_checked(4)?;
        name.eq_ignore_ascii_case(b"for=").then_some(value)
    })?;
    let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    address(quoted.unwrap_or(value))
}

/// An address, with or without a port; with IPv6 in brackets if there is one.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text).ok()?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok().map(IpAddr::V6);
    }
    text.split_once(':')?.0.parse().ok().map(IpAddr::V4)
}

#[cfg(test)]
mod tests {
    use httparse::EMPTY_HEADER;

    use super::*;
    use crate::http::{Collected, MAX_LINES};

    #[track_caller]
    fn is(header: ForwardedHeader, lines: &[&str], expected: Option<&str>) {
        let config = Config {
            forwarded_from: vec!["10.0.0.0/8".parse().unwrap()],
            forwarded_header: header,
            ..Config::default()
        };
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!("GET / HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
        let mut collected = Collected::default();
        assert!(collected.push(request.as_bytes()).unwrap().is_some());
        let mut headers = [EMPTY_HEADER; MAX_LINES];
        let head = collected.parse(&mut headers).unwrap();
        assert_eq!(client(&head, &config), expected.map(|text| text.parse().unwrap()), "{lines}");
    }

    #[test]
    fn the_last_one_that_is_no_proxy_is_the_client() {
        for (lines, expected) in [
            (&["X-Forwarded-For: 192.0.2.7"][..], Some("192.0.2.7")),
            (&["x-forwarded-for: 1.1.1.1, 192.0.2.7"], Some("192.0.2.7")),
            (&["X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 192.0.2.7,10.9.9.9"], Some("192.0.2.7")),
            (&["X-Forwarded-For: 192.0.2.7:4711"], Some("192.0.2.7")),
            (&["X-Forwarded-For: 2001:db8::7"], Some("2001:db8::7")),
            (&["X-Forwarded-For: [2001:db8::7]:1"], Some("2001:db8::7")),
            (&["X-Forwarded-For: 10.0.0.1, 10.0.0.2"], Some("10.0.0.1")),
            (&["X-Forwarded-For: 1.1.1.1, unknown"], None),
            (&["X-Forwarded-For: 1.1.1.1, unknown, 10.0.0.1"], None),
            (&["X-Forwarded-For: "], None),
            (&["Forwarded: for=192.0.2.7"], None),
            (&[], None),
        ] {
            is(ForwardedHeader::XForwardedFor, lines, expected);
        }
    }

    #[test]
    fn forwarded_is_read_where_that_is_what_the_proxy_says() {
        for (lines, expected) in [
            (&["Forwarded: for=192.0.2.7;proto=https"][..], Some("192.0.2.7")),
            (&["Forwarded: proto=https; For=\"[2001:db8::7]:4711\""], Some("2001:db8::7")),
            (&["Forwarded: for=1.1.1.1, for=192.0.2.7, for=10.0.0.1"], Some("192.0.2.7")),
            (&["Forwarded: for=1.1.1.1, for=_hidden"], None),
            (&["Forwarded: for=1.1.1.1, proto=http"], None),
            (&["X-Forwarded-For: 192.0.2.7"], None),
        ] {
            is(ForwardedHeader::Forwarded, lines, expected);
        }
    }
}
