//! Text from others, made safe to print.

use std::fmt;

/// The longest message, in characters.
pub const MAX_TEXT: usize = 2_000;

/// What somebody is called in a room: 1 to 24 characters that can be seen, none of them a space, the first
/// one not a `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nick(String);

impl Nick {
    /// The most characters.
    pub const MAX: usize = 24;

    /// Takes a name as it is.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(name: &str) -> Result<Self, &'static str> {
        let length = name.chars().count();
        if !(1..=Self::MAX).contains(&length) {
            return Err("a name has 1 to 24 characters");
        }
        if name.chars().any(|c| c.is_whitespace() || is_unsafe(c) || is_invisible(c)) {
            return Err("a name has neither spaces nor invisible characters");
        }
        if name.starts_with('/') {
            return Err("a name does not begin with /");
        }
        Ok(Self(name.to_owned()))
    }

    /// The same with a number behind it, cut so that it is no longer than a name may be.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        let suffix = format!("-{number}");
        let kept = self.0.chars().take(Self::MAX.saturating_sub(suffix.len()));
        Self(kept.chain(suffix.chars()).collect())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Nick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that can be printed whoever wrote it: one line, without anything that a terminal obeys or that
/// changes the direction of writing, and not too long.
#[must_use]
pub fn clean(text: &str) -> String {
    let safe = |c| if is_unsafe(c) { char::REPLACEMENT_CHARACTER } else { c };
    let mut clean: String = text.chars().take(MAX_TEXT).map(safe).collect();
    if text.chars().nth(MAX_TEXT).is_some() {
        clean.push('…');
    }
    clean
}

/// Control characters, which move the cursor, ring the bell or worse; line separators; marks that turn the
/// direction of writing.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// Characters that take no room: two names that differ only in them look the same.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_visible() {
        for name in ["a", "anna", "Jürgen", "名前", "x_-.1", &"n".repeat(24)] {
            assert_eq!(Nick::new(name).map(|nick| nick.to_string()), Ok(name.to_owned()));
        }
        for name in ["", " ", "a b", "a\tb", "a\x1b[2J", "/quit", "a\u{200b}", "\u{202e}a", &"n".repeat(25)] {
            assert!(Nick::new(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn numbered_names_are_names() {
        let nick = Nick::new(&"ü".repeat(24)).unwrap();
        let numbered = nick.numbered(12);
        assert!(numbered.as_str().ends_with("ü-12"));
        assert_eq!(Nick::new(numbered.as_str()), Ok(numbered));
    }

    #[test]
    fn what_a_terminal_obeys_is_replaced() {
        assert_eq!(clean("plain text, ünïcödé, 👩‍💻"), "plain text, ünïcödé, 👩‍💻");
        assert_eq!(
            clean("\x1b[31mred\x07\r\nnext\u{202e}"),
            "\u{fffd}[31mred\u{fffd}\u{fffd}\u{fffd}next\u{fffd}"
        );
        assert_eq!(clean(&"x".repeat(5_000)).chars().count(), MAX_TEXT + 1);
    }
}
