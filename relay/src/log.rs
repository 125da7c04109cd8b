//! What keeps a log readable, whatever endpoints do.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::hash::Hash;

use peote_net::relay::Home;
use tracing::warn;

/// Characters of a name that are shown, as they are shown: an escape counts as many as it has.
const SHOWN: usize = 64;

/// A channel's name, fit to be shown: an endpoint may have put anything into it.
pub(crate) struct Name<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut left = SHOWN;
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                let escaped = character.escape_debug();
                let Some(rest) = left.checked_sub(escaped.len()) else { return f.write_str("\"…") };
                left = rest;
                write!(f, "{escaped}")?;
            }
            for byte in chunk.invalid() {
                let Some(rest) = left.checked_sub(4) else { return f.write_str("\"…") };
                left = rest;
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_char('"')
    }
}

/// Lines that may come at once, and the milliseconds after which there may be one more.
#[derive(Clone, Copy, Debug)]
struct Share {
    burst: u64,
    each: u64,
}

/// What lines are, and how many of them there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Level {
    /// Connections and channels that come and go.
    Event,
    Warning,
}

/// Shares of the lines of one level.
struct Shares {
    /// Of one kind and one address.
    kind_and_address: Share,
    address: Share,
    network: Share,
    /// Of one kind, from wherever. A network about which nothing was said [lately](LATELY) is not
    /// bound by that.
    kind: Share,
    all: Share,
}

const WARNINGS: Shares = Shares {
    kind_and_address: Share { burst: 40, each: 1000 },
    address: Share { burst: 100, each: 500 },
    network: Share { burst: 300, each: 250 },
    kind: Share { burst: 200, each: 50 },
    all: Share { burst: 2000, each: 5 },
};

const EVENTS: Shares = Shares {
    kind_and_address: Share { burst: 200, each: 1000 },
    address: Share { burst: 200, each: 1000 },
    network: Share { burst: 1000, each: 100 },
    kind: Share { burst: 1000, each: 1 },
    all: Share { burst: 1000, each: 1 },
};

/// Milliseconds after which a network about which nothing was said is as good as one that was never
/// there.
const LATELY: u64 = 60_000;

/// Addresses and networks of which is known what they have caused to be logged. With more, all is
/// forgotten.
const REMEMBERED: usize = 4096;

/// Milliseconds between two lines that say how many of one kind were left out.
const SUMMARY: u64 = 1000;

/// Who has a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    KindAndAddress(&'static str, u32),
    Address(u32),
    Network(u32),
    Kind(&'static str),
    All,
}

/// When a share is whole again, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Used(u64);

impl Used {
    fn has_one(self, now: u64, share: Share) -> bool {
        self.0.saturating_sub(now) + share.each <= share.burst * share.each
    }

    fn take(&mut self, now: u64, share: Share) {
        self.0 = self.0.max(now) + share.each;
    }
}

/// Keeps what endpoints can cause to be logged from filling the disk, and lines about one from
/// hiding those about others: each kind of line, each address and each network has a share.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    used: HashMap<(Level, Key), Used>,
    /// Lines that were left out, by kind. The kinds are the relay's own.
    unsaid: HashMap<&'static str, u64>,
    /// When that may be said.
    summary_at: u64,
}

impl Lines {
    /// Whether a warning may be written, of this kind, about somebody from there; `now` in
    /// milliseconds.
    pub(crate) fn may_warn(&mut self, now: u64, kind: &'static str, home: Home) -> bool {
        self.may_say(now, Level::Warning, &WARNINGS, kind, home)
    }

    /// Whether a line may be written about something ordinary.
    pub(crate) fn may_tell(&mut self, now: u64, kind: &'static str, home: Home) -> bool {
        self.may_say(now, Level::Event, &EVENTS, kind, home)
    }

    fn may_say(&mut self, now: u64, level: Level, shares: &Shares, kind: &'static str, home: Home) -> bool {
        self.summarize(now);
        let network = (level, Key::Network(home.network));
        let is_first = self.used.get(&network).is_none_or(|used| used.0 + LATELY <= now);
        let needed = [
            ((level, Key::KindAndAddress(kind, home.address)), shares.kind_and_address),
            ((level, Key::Address(home.address)), shares.address),
            (network, shares.network),
            ((level, Key::All), shares.all),
            ((level, Key::Kind(kind)), shares.kind),
        ];
        // the last one is for those who are not alone to have said something
        let needed = if is_first { &needed[..4] } else { &needed[..] };
        let has_one =
            |(key, share): &(_, Share)| self.used.get(key).copied().unwrap_or_default().has_one(now, *share);
        if !needed.iter().all(has_one) {
            *self.unsaid.entry(kind).or_default() += 1;
            return false;
        }
        if self.used.len() >= REMEMBERED {
            self.used.retain(|_, used| used.0 + LATELY > now);
            if self.used.len() >= REMEMBERED {
                self.used.retain(|(_, key), _| matches!(key, Key::Kind(_) | Key::All));
            }
        }
        for (key, share) in needed {
            self.used.entry(*key).or_default().take(now, *share);
        }
        true
    }

    /// Says how many lines were left out, now and then.
    fn summarize(&mut self, now: u64) {
        if now < self.summary_at {
            return;
        }
        self.summary_at = now + SUMMARY;
        for (kind, unsaid) in self.unsaid.drain() {
            warn!(cause = kind, unsaid, "lines were left out because there were too many");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_cut() {
        assert_eq!(Name(b"plain").to_string(), "\"plain\"");
        assert_eq!(
            Name("grüße \u{1b}[2J\n\"\u{202e}".as_bytes()).to_string(),
            "\"grüße \\u{1b}[2J\\n\\\"\\u{202e}\""
        );
        assert_eq!(Name(b"\xff\x00a").to_string(), "\"\\xff\\0a\"");
        assert_eq!(Name(&[b'x'; 255]).to_string(), format!("\"{}\"…", "x".repeat(64)));
        assert_eq!(Name(&[b'x'; 64]).to_string(), format!("\"{}\"", "x".repeat(64)));
        // what counts is what is shown: escapes are never cut in two
        assert_eq!(Name(&[0xff; 255]).to_string(), format!("\"{}\"…", "\\xff".repeat(16)));
        let tags = "\u{e0041}".repeat(63);
        assert_eq!(Name(tags.as_bytes()).to_string(), format!("\"{}\"…", "\\u{e0041}".repeat(7)));
        for name in
            [&[0xff; 255][..], tags.as_bytes(), "\u{202e}".repeat(85).as_bytes(), "ü".repeat(127).as_bytes()]
        {
            let shown = Name(name).to_string();
            assert!(shown.chars().count() <= SHOWN + 3 && shown.len() <= 2 * SHOWN + 5, "{shown}");
        }
    }

    fn home(network: u32, host: u32) -> Home {
        Home { address: network * 1000 + host, network }
    }

    /// How many lines are said in an hour, of one that comes each so many milliseconds.
    fn said(lines: &mut Lines, every: u64, mut what: impl FnMut(u64) -> (&'static str, Home)) -> u64 {
        (0..3_600_000 / every)
            .map(|number| {
                let (kind, home) = what(number);
                u64::from(lines.may_warn(10_000 + number * every, kind, home))
            })
            .sum()
    }

    #[test]
    fn one_who_causes_many_lines_has_a_share_of_them() {
        let mut lines = Lines::default();
        assert_eq!((0..1000).filter(|_| lines.may_warn(5000, "name-in-use", home(1, 1))).count(), 40);
        assert!(!lines.may_warn(5999, "name-in-use", home(1, 1)));
        assert!(lines.may_warn(6000, "name-in-use", home(1, 1)));
        // over an hour: with one kind of line, and with ten
        assert!(said(&mut Lines::default(), 50, |_| ("malformed", home(1, 1))) <= 3600 + 40);
        let kinds = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        let many = |number: u64| (kinds[usize::try_from(number).unwrap() % 10], home(1, 1));
        assert!(said(&mut Lines::default(), 50, many) <= 2 * 3600 + 100);
        // and with a network full of addresses
        let many = |number: u64| {
            let host = u32::try_from(number % 256).unwrap();
            (kinds[usize::try_from(number).unwrap() % 10], home(1, host))
        };
        assert!(said(&mut Lines::default(), 50, many) <= 4 * 3600 + 300);
    }

    #[test]
    fn lines_about_one_hide_none_about_another() {
        let mut lines = Lines::default();
        let mut heard = 0;
        for tick in (0..60_000).step_by(5) {
            let now = 10_000 + tick;
            // a hundred addresses of one network, with two kinds of lines, all the time
            let host = u32::try_from(tick / 5 % 100).unwrap();
            lines.may_warn(now, "unknown-command", home(1, host));
            lines.may_warn(now, "no-such-channel", home(1, host));
            if tick % 1000 == 500 {
                heard += u32::from(lines.may_warn(now, "unknown-command", home(2, 1)));
                heard += u32::from(lines.may_warn(now, "malformed", home(1, 200 + host)));
            }
        }
        assert!(heard >= 60, "{heard} of 120, 60 of which are of another network");
    }

    #[test]
    fn many_networks_do_not_hide_a_new_one() {
        let mut lines = Lines::default();
        for now in (10_000..70_000).step_by(5) {
            lines.may_warn(now, "malformed", home(u32::try_from(now / 5 % 100).unwrap(), 1));
        }
        assert!(lines.may_warn(70_000, "malformed", home(1000, 1)));
        assert!(lines.may_warn(70_000, "tls-failed", home(1001, 1)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut lines = Lines::default();
        for number in 0..20_000u32 {
            let now = 10_000 + u64::from(number) * 20;
            lines.may_warn(now, "malformed", home(number, 1));
            lines.may_tell(now, "connections", home(number, 1));
            assert!(lines.used.len() <= REMEMBERED + 10);
        }
    }

    #[test]
    fn what_is_left_out_is_counted_by_kind() {
        let mut lines = Lines::default();
        for _ in 0..100 {
            lines.may_warn(10_000, "malformed", home(1, 1));
            lines.may_tell(10_000, "channels", home(1, 1));
        }
        assert_eq!(lines.unsaid.get("malformed"), Some(&60));
        assert_eq!(lines.unsaid.get("channels"), None);
        lines.may_warn(11_000, "tls-failed", home(1, 2));
        assert!(lines.unsaid.is_empty(), "it was said");
    }
}
