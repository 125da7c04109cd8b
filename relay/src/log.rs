//! What keeps a log readable, whatever endpoints do.

use std::fmt::{self, Write};

use tracing::warn;

/// Characters of a name that are shown.
const SHOWN: usize = 64;

/// Warnings that endpoints may cause in a second.
pub(crate) const WARNINGS: u32 = 20;

/// Ordinary events that may be logged in a second: connections and channels that come and go.
pub(crate) const EVENTS: u32 = 1000;

/// A channel's name, fit to be shown: an endpoint may have put anything into it.
pub(crate) struct Name<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut shown = 0;
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if shown == SHOWN {
                    return f.write_str("\"…");
                }
                write!(f, "{}", character.escape_debug())?;
                shown += 1;
            }
            for byte in chunk.invalid() {
                if shown == SHOWN {
                    return f.write_str("\"…");
                }
                write!(f, "\\x{byte:02x}")?;
                shown += 1;
            }
        }
        f.write_char('"')
    }
}

/// Keeps what endpoints can cause to be logged from filling the disk.
#[derive(Debug)]
pub(crate) struct Flood {
    what: &'static str,
    limit: u32,
    second: u64,
    said: u32,
    unsaid: u64,
}

impl Flood {
    pub(crate) const fn new(what: &'static str, limit: u32) -> Self {
        Self { what, limit, second: 0, said: 0, unsaid: 0 }
    }

    /// Whether one more may be written; `now` in milliseconds.
    pub(crate) fn may_say(&mut self, now: u64) -> bool {
        let second = now / 1000;
        if second != self.second {
            (self.second, self.said) = (second, 0);
            let unsaid = std::mem::take(&mut self.unsaid);
            if unsaid > 0 {
                warn!(unsaid, "{} were left out because there were too many in a second", self.what);
            }
        }
        if self.said < self.limit {
            self.said += 1;
            return true;
        }
        self.unsaid += 1;
        false
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
    }

    #[test]
    fn warnings_are_left_out_when_there_are_too_many() {
        let mut flood = Flood::new("warnings", 20);
        assert_eq!((0..100).filter(|_| flood.may_say(5_000)).count(), 20);
        assert!(flood.may_say(6_000));
    }
}
