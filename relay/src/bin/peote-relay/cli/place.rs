//! Where a relay is that runs already: a host, by address or name, and a port.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use peote_relay::Config;

use super::host::{is_host, without_scheme};

/// A host and a port. A name is looked up when it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Place {
    /// Reads `HOST:PORT`.
    ///
    /// # Errors
    /// What to write instead.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Self::new(&address.ip().to_string(), address.port());
        }
        let port = Config::DEFAULT_PORT;
        if let Some(rest) = without_scheme(text) {
            return Err(format!("write HOST:PORT without what stands in front of it: {rest}"));
        }
        if let Ok(address) = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            return Err(format!("the port is missing; write {}", SocketAddr::new(address, port)));
        }
        if is_host(text) {
            return Err(format!("the port is missing; write {text}:{port}"));
        }
        let wrong =
            || format!("write HOST:PORT, for example localhost:{port}, 127.0.0.1:{port} or [::1]:{port}");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
        // a zone, as in [fe80::1%eth0], is looked up as part of the address
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        match inner {
            Some(address) if address.contains('%') => Self::new(address, port),
            None if is_host(host) => Self::new(host, port),
            _ => Err(wrong()),
        }
    }

    fn new(host: &str, port: u16) -> Result<Self, String> {
        let range = "write a port from 1 to 65535".to_string();
        (port > 0).then(|| Self { host: host.into(), port }).ok_or(range)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_addresses_or_names() {
        for (text, host, port) in [
            ("localhost:7680", "localhost", 7680),
            ("relay.example.:1", "relay.example.", 1),
            ("my_relay-1:65535", "my_relay-1", 65535),
            ("127.0.0.1:80", "127.0.0.1", 80),
            ("[::1]:7680", "::1", 7680),
            ("[fe80::1%eth0]:7680", "fe80::1%eth0", 7680),
            ("grün.example:1", "grün.example", 1),
        ] {
            let place = Place::parse(text).unwrap();
            assert_eq!((&*place.host, place.port), (host, port));
            assert_eq!(place.to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, what) in [
            ("localhost", "the port is missing; write localhost:7680"),
            ("127.0.0.1", "the port is missing; write 127.0.0.1:7680"),
            ("::1", "the port is missing; write [::1]:7680"),
            ("[::1]", "the port is missing; write [::1]:7680"),
            ("ws://localhost:7680/", "write HOST:PORT without what stands in front of it: localhost:7680"),
            ("http://[::1]:7680/health", "write HOST:PORT without what stands in front of it: [::1]:7680"),
            ("localhost:0", "write a port from 1 to 65535"),
            ("127.0.0.1:0", "write a port from 1 to 65535"),
        ] {
            assert_eq!(Place::parse(text).unwrap_err(), what, "{text}");
        }
        for text in [
            "",
            ":7680",
            "7680",
            "a b:1",
            "localhost:",
            "localhost:+1",
            "localhost:70000",
            "localhost:7680/",
            "::1:x",
            "[x]:1",
        ] {
            assert!(Place::parse(text).unwrap_err().starts_with("write HOST:PORT, for example"), "{text}");
        }
    }
}
