//! Who may create channels, what they may be called, from which pages browsers may come, and who
//! may watch.

use std::net::IpAddr;

use ipnet::IpNet;

use super::origin;
use crate::config::Config;

/// Bytes of the longest name that the protocol has.
const MAX_NAME: usize = 255;

impl Config {
    /// Whether a channel may have a name of so many bytes.
    pub(crate) fn allows_name_len(&self, len: usize) -> bool {
        self.max_name_bytes == 0 || len <= self.max_name_bytes as usize
    }

    /// Whether a channel may have this name.
    pub(crate) fn allows_name(&self, name: &[u8]) -> bool {
        self.allowed_names.is_empty() || self.allowed_names.iter().any(|pattern| matches(pattern, name))
    }

    /// Whether connections are accepted from this address.
    pub(crate) fn allows_connecting_from(&self, address: IpAddr) -> bool {
        is_within(address, &self.connect_from)
    }

    /// Whether channels may be created from this address.
    pub(crate) fn allows_creating_from(&self, address: IpAddr) -> bool {
        is_within(address, &self.create_from)
    }

    /// Whether the pages with figures and details are shown to this address.
    pub(crate) fn allows_watching_from(&self, address: IpAddr) -> bool {
        is_within(address, &self.watch_from)
    }

    /// Whether a browser may connect that says it comes from a page of this origin.
    pub(crate) fn allows_origin(&self, origin: &[u8]) -> bool {
        self.allowed_origins.is_empty()
            || self.allowed_origins.iter().any(|allowed| origin::matches(allowed, origin))
    }
}

/// Whether an address is in one of these ranges, or there are none.
fn is_within(address: IpAddr, ranges: &[IpNet]) -> bool {
    let address = address.to_canonical();
    ranges.is_empty() || ranges.iter().any(|range| range.contains(&address))
}

/// Whether a pattern, in which `*` stands for any bytes, or none, matches a name. Takes at most as
/// many steps as the product of both lengths.
pub(crate) fn matches(pattern: &str, name: &[u8]) -> bool {
    let pattern = pattern.as_bytes();
    let (mut p, mut n) = (0, 0);
    // where to go on if it does not match: behind the last star, which then takes one byte more
    let mut again = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                again = Some((p + 1, n));
                p += 1;
            }
            Some(byte) if *byte == name[n] => (p, n) = (p + 1, n + 1),
            _ => {
                let Some((behind, taken)) = again else { return false };
                again = Some((behind, taken + 1));
                (p, n) = (behind, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// What is wrong about a pattern of names, if anything.
pub(crate) fn check_name_pattern(pattern: &str) -> Option<&'static str> {
    let is_good = !pattern.is_empty() && pattern.len() <= MAX_NAME;
    (!is_good).then_some("1 to 255 bytes, in which * stands for any others")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_in_patterns_stand_for_anything() {
        for (pattern, name, expected) in [
            ("lobby", "lobby", true),
            ("lobby", "lobby2", false),
            ("lobby", "lobb", false),
            ("lobby", "", false),
            ("*", "", true),
            ("*", "anything", true),
            ("game-*", "game-", true),
            ("game-*", "game-1", true),
            ("game-*", "Game-1", false),
            ("game-*", "my game-1", false),
            ("*-1", "a-1-1", true),
            ("*-1", "a-1-2", false),
            ("a*b*c", "a--b--b--c", true),
            ("a*b*c", "a--c--b", false),
            ("a**c", "ac", true),
            ("grü*", "grüße", true),
            ("*aaaaaaaaab", "aaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(matches(pattern, name.as_bytes()), expected, "{pattern} {name}");
        }
        assert!(matches("x*", b"x\xff\0"));
        // the worst that an endpoint can send takes no time
        let pattern = format!("{}b", "a*".repeat(127));
        assert!(!matches(&pattern, &[b'a'; 255]));
    }

    #[test]
    fn origins_are_compared_whole() {
        let config = Config {
            allowed_origins: [
                "https://example.com",
                "http://localhost:8080",
                "https://*.games.example",
                "null",
            ]
            .map(String::from)
            .to_vec(),
            ..Config::default()
        };
        assert_eq!(config.check(), Ok(()));
        for good in [
            "https://example.com",
            "HTTPS://Example.COM",
            "http://localhost:8080",
            "https://a.games.example",
            "https://a.b.games.example",
            "null",
        ] {
            assert!(config.allows_origin(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "http://example.com",
            "https://example.com:444",
            "https://example.com.evil.example",
            "https://evil-example.com",
            "https://sub.example.com",
            "https://games.example",
            "https://.games.example",
            "https://evilgames.example",
            "http://a.games.example",
            "https://a.games.example:444",
            "http://localhost",
            "https://exämple.com",
        ] {
            assert!(!config.allows_origin(bad.as_bytes()), "{bad}");
        }
        assert!(!config.allows_origin(b"\xff"));
        assert!(Config::default().allows_origin(b"https://anywhere.example"));
    }

    #[test]
    fn ranges_hold_for_mapped_addresses_too() {
        let create_from = ["10.0.0.0/8", "2001:db8::/32"].map(|range| range.parse().unwrap()).to_vec();
        let config = Config { create_from, ..Config::default() };
        let allows = |text: &str| config.allows_creating_from(text.parse().unwrap());
        assert!(allows("10.1.2.3") && allows("::ffff:10.1.2.3") && allows("2001:db8::1"));
        assert!(!allows("11.1.2.3") && !allows("::ffff:11.1.2.3") && !allows("2001:db9::1"));
        assert!(Config::default().allows_creating_from("11.1.2.3".parse().unwrap()));
    }

    #[test]
    fn only_this_machine_watches_unless_others_are_allowed_to() {
        let watches = |config: &Config, text: &str| config.allows_watching_from(text.parse().unwrap());
        let config = Config::default();
        for here in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(watches(&config, here), "{here}");
        }
        for elsewhere in ["10.0.0.1", "::", "::2", "0.0.0.0", "::ffff:10.0.0.1", "fe80::1"] {
            assert!(!watches(&config, elsewhere), "{elsewhere}");
        }
        assert!(watches(&Config { watch_from: Vec::new(), ..config }, "10.0.0.1"));
    }
}
