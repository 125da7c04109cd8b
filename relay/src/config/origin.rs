//! Origins of pages, as browsers name them (RFC 6454, section 6), and patterns of origins that are
//! allowed.

use std::net::Ipv6Addr;

/// What a page says that has no origin.
const NONE: &str = "null";

/// Scheme, host and port. Anything else makes a text none: browsers send nothing else, and what is
/// behind an `@` or a `/` must not be taken for a host.
#[derive(Clone, Copy, Debug)]
struct Origin<'a> {
    scheme: &'a str,
    host: &'a str,
    /// `None` if it is the scheme's own.
    port: Option<u16>,
}

impl<'a> Origin<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        let end = match authority.strip_prefix('[') {
            Some(rest) => rest.find(']')? + 2,
            None => authority.find(':').unwrap_or(authority.len()),
        };
        let (host, port) = authority.split_at_checked(end)?;
        let port = match port.strip_prefix(':') {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            None if port.is_empty() => None,
            _ => return None,
        };
        let default = match () {
            () if scheme.eq_ignore_ascii_case("https") => Some(443),
            () if scheme.eq_ignore_ascii_case("http") => Some(80),
            () => None,
        };
        let port = port.filter(|port| Some(*port) != default);
        (is_scheme && is_host(host)).then_some(Self { scheme, host, port })
    }

    /// Whether the host is an address: one of IPv6, or what a browser would take for one of IPv4.
    fn is_address(&self) -> bool {
        let last = self.host.rsplit('.').next().unwrap_or_default();
        self.host.starts_with('[') || last.starts_with(|c: char| c.is_ascii_digit())
    }
}

/// Whether a text is an address of IPv6 in brackets, or labels with dots between them. Names of
/// other scripts are written `xn--…` by browsers.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    host.split('.').all(is_label)
}

/// An origin with `*.` in front of its host, without that, and whether it was there.
fn pattern(text: &str) -> (String, bool) {
    match text.split_once("://*.") {
        Some((scheme, domain)) => (format!("{scheme}://{domain}"), true),
        None => (text.into(), false),
    }
}

/// Whether an origin is the one that is allowed, or below it if that begins with `*.`.
pub(crate) fn matches(allowed: &str, origin: &[u8]) -> bool {
    let Ok(origin) = str::from_utf8(origin) else { return false };
    if allowed == NONE || origin == NONE {
        return allowed == origin;
    }
    let (allowed, is_below) = pattern(allowed);
    let (Some(allowed), Some(origin)) = (Origin::parse(&allowed), Origin::parse(origin)) else {
        return false;
    };
    allowed.scheme.eq_ignore_ascii_case(origin.scheme)
        && allowed.port == origin.port
        && if is_below { is_subdomain(&origin, allowed.host) } else { is_same(origin.host, allowed.host) }
}

fn is_same(a: &str, b: &str) -> bool {
    let address = |host: &str| host.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    a.eq_ignore_ascii_case(b) || address(a).is_some_and(|a| Some(a) == address(b))
}

/// Whether a host has at least one label more than a domain in front of it. An address has no
/// domain.
fn is_subdomain(origin: &Origin<'_>, domain: &str) -> bool {
    let below = origin.host.len().checked_sub(domain.len()).and_then(|at| origin.host.split_at_checked(at));
    !origin.is_address()
        && below.is_some_and(|(below, end)| {
            below.len() > 1 && below.ends_with('.') && end.eq_ignore_ascii_case(domain)
        })
}

/// What is wrong about an origin that is to be allowed, if anything.
pub(crate) fn check(text: &str) -> Option<&'static str> {
    let (origin, is_below) = pattern(text);
    let is_good =
        text == NONE || Origin::parse(&origin).is_some_and(|origin| !(is_below && origin.is_address()));
    (!is_good).then_some(
        "https://example.com, https://example.com:8443, https://*.example.com or null, without a path; \
         names of other scripts as browsers send them, xn--…",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn only(allowed: &str, good: &[&str], bad: &[&str]) {
        assert_eq!(check(allowed), None, "{allowed}");
        for origin in good {
            assert!(matches(allowed, origin.as_bytes()), "{allowed} {origin}");
        }
        for origin in bad {
            assert!(!matches(allowed, origin.as_bytes()), "{allowed} {origin}");
        }
    }

    #[test]
    fn an_origin_is_its_scheme_host_and_port() {
        only(
            "https://example.com",
            &["https://example.com", "HTTPS://Example.COM", "https://example.com:443"],
            &[
                "",
                "null",
                "http://example.com",
                "https://example.com:444",
                "https://example.com:0443x",
                "https://example.com:",
                "https://example.com:65979", // 443 more than 16 bits
                "https://example.com.",
                "https://example.com/",
                "https://example.com.evil.example",
                "https://evil-example.com",
                "https://sub.example.com",
                "https://user@example.com",
                "https://example.com@evil.example",
                "https://example.com https://evil.example",
                "https://exämple.com",
                "https://example.com\0",
                "wss://example.com",
            ],
        );
        only(
            "http://localhost:8080",
            &["http://localhost:8080"],
            &["http://localhost", "http://localhost:808"],
        );
        only("http://example.com:80", &["http://example.com"], &["https://example.com:80"]);
        only(
            "http://[::1]:8080",
            &["http://[0:0::1]:8080"],
            &["http://[::2]:8080", "http://[::1]", "http://::1:8080"],
        );
        only("chrome-extension://abc", &["chrome-extension://abc"], &["chrome-extension://abcd"]);
        assert!(!matches("https://example.com", b"https://example.com\xff"));
    }

    #[test]
    fn a_star_stands_for_labels_of_a_host_and_nothing_else() {
        only(
            "https://*.games.example",
            &[
                "https://a.games.example",
                "https://a.b.games.example",
                "https://A.Games.Example:443",
                "https://xn--bcher-kva.games.example",
            ],
            &[
                "https://games.example",
                "https://.games.example",
                "https://..games.example",
                "https://evilgames.example",
                "http://a.games.example",
                "https://a.games.example:444",
                "https://a.games.example.",
                "https://evil.example/.games.example",
                "https://evil.example/a.games.example",
                "https://evil.example?.games.example",
                "https://evil.example#.games.example",
                "https://evil.example\\.games.example",
                "https://evil.example:443@a.games.example",
                "https://evil.example:1.games.example",
                "https://user@a.games.example",
                "https://evil.example%2f.games.example",
                "https://evil.example\t.games.example",
                "https://evil.example .games.example",
                "https://bücher.games.example",
                "x://https://a.games.example",
                "null",
            ],
        );
        only("https://*.games.example:8443", &["https://a.games.example:8443"], &["https://a.games.example"]);
        // the end of an address is no domain
        only("https://*.example", &["https://a.example"], &["https://1.2.3.4", "https://[::1]"]);
        assert!(!matches("https://*.0.0.1", b"https://127.0.0.1"));
    }

    #[test]
    fn no_origin_is_one_too_if_it_is_allowed() {
        only("null", &["null"], &["NULL", "", "https://null", "null://null"]);
    }

    #[test]
    fn origins_that_are_none() {
        for good in
            ["https://a", "http://[::1]:8080", "https://*.a.b:1", "null", "https://1.2.3.4", "https://a_b.c"]
        {
            assert_eq!(check(good), None, "{good}");
        }
        for bad in [
            "",
            "*",
            "NULL",
            "a.b",
            "https://",
            "https://*.",
            "https://*",
            "https://a/",
            "https://a.*",
            "https://a*.b",
            "://a",
            "https://a b",
            "https://a@b",
            "https://a.",
            "https://*.0.0.1",
            "https://*.[::1]",
            "https://a:x",
            "https://a:99999",
            "https://bücher.example",
            "1://a",
            "*://a",
        ] {
            assert!(check(bad).is_some(), "{bad}");
        }
    }
}
