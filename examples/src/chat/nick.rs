//! What people are called.

use std::fmt;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};
use unicode_security::skeleton;

/// What somebody is called in a room: 1 to 24 characters that can be seen, none of them a space,
/// the first one neither a `/` nor a mark that belongs to a character before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nick {
    name: String,
    /// The same for all names that look the same.
    shape: String,
}

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
        if name.chars().any(is_unseen) {
            return Err("a name has neither spaces nor invisible characters");
        }
        if name.starts_with('/') {
            return Err("a name does not begin with /");
        }
        if name.starts_with(is_mark) {
            return Err("a name does not begin with a mark that belongs to another character");
        }
        Ok(Self::of_characters(name.to_owned()))
    }

    fn of_characters(name: String) -> Self {
        let shape = skeleton(&name).collect();
        Self { name, shape }
    }

    /// The same with a number behind it, cut so that it is no longer than a name may be.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        let suffix = format!("-{number}");
        let kept = self.name.chars().take(Self::MAX.saturating_sub(suffix.len()));
        Self::of_characters(kept.chain(suffix.chars()).collect())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The skeleton of the name after UTS #39: equal for names that look the same, `paypal` in
    /// Latin and in Cyrillic letters. It is for comparing, not for showing.
    #[must_use]
    pub fn shape(&self) -> &str {
        &self.shape
    }

    /// Whether people could take one for the other.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        self.shape == other.shape
    }
}

impl fmt::Display for Nick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Characters that show nothing, or nothing of their own: two names that differ only in them look
/// the same. Spaces, controls, what is unassigned or private, what Unicode has ignored by default,
/// and blanks.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    let group = c.general_category_group();
    matches!(group, GeneralCategoryGroup::Other | GeneralCategoryGroup::Separator)
        || is_ignorable(c)
        || matches!(
            c,
            '\u{2800}' | '\u{303f}' | '\u{fffc}' | '\u{13441}' | '\u{13442}' | '\u{16fe4}' | '\u{1d159}'
        )
}

/// Whether a character belongs to the one before it.
#[must_use]
pub fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

/// The property `Default_Ignorable_Code_Point`: only characters that have it are dropped from
/// skeletons.
fn is_ignorable(c: char) -> bool {
    skeleton(c.encode_utf8(&mut [0; 4])).next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nick(name: &str) -> Nick {
        Nick::new(name).unwrap()
    }

    #[test]
    fn names_are_short_and_visible() {
        for name in [
            "a",
            "anna",
            "J\u{fc}rgen",
            "\u{540d}\u{524d}",
            "x_-.1",
            "ann\u{301}",
            &"n".repeat(24),
            "\u{1f600}",
        ] {
            assert_eq!(Nick::new(name).map(|nick| nick.to_string()), Ok(name.to_owned()));
        }
        for name in ["", " ", "a b", "a\tb", "a\x1b[2J", "/quit", "\u{202e}a", "\u{301}a", &"n".repeat(25)] {
            assert!(Nick::new(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn nothing_invisible_is_in_a_name() {
        // controls of the format, fillers, blanks, variation selectors, tags, annotations, private
        // and unassigned characters, and those that are none
        for c in [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{70f}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{17b5}',
            '\u{180b}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{2028}',
            '\u{2060}',
            '\u{2061}',
            '\u{2065}',
            '\u{206a}',
            '\u{206f}',
            '\u{2800}',
            '\u{3000}',
            '\u{303f}',
            '\u{3164}',
            '\u{a0}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{fffc}',
            '\u{13430}',
            '\u{13441}',
            '\u{16fe4}',
            '\u{1bca0}',
            '\u{1d159}',
            '\u{1d173}',
            '\u{e0061}',
            '\u{e0100}',
            '\u{e000}',
            '\u{10fffd}',
            '\u{378}',
            '\u{ffff}',
            '\u{10ffff}',
        ] {
            assert!(Nick::new(&format!("anna{c}")).is_err(), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn names_that_look_the_same_do() {
        for (one, other) in [
            ("anna", "ann\u{430}"),
            ("paypal", "\u{440}\u{430}\u{443}\u{440}\u{430}\u{4cf}"),
            ("bill", "bi11"),
            ("O0", "0O"),
            ("modern", "modem"),
            ("\u{fc}", "u\u{308}"),
            ("a\u{323}\u{307}", "a\u{307}\u{323}"),
            ("\u{ac01}", "\u{1100}\u{1161}\u{11a8}"),
            ("scope", "\u{455}\u{441}\u{43e}\u{440}\u{435}"),
            ("anna", "\u{1d41a}\u{1d427}\u{1d427}\u{1d41a}"),
            ("\u{212b}", "\u{c5}"),
        ] {
            assert!(nick(one).looks_like(&nick(other)), "{one} {other}: {:?} {:?}", nick(one), nick(other));
        }
        for (one, other) in [("anna", "Anna"), ("anna", "hanna"), ("ann", "ann\u{301}"), ("bob-2", "bob-3")] {
            assert!(!nick(one).looks_like(&nick(other)), "{one} {other}");
        }
    }

    #[test]
    fn numbered_names_are_names() {
        let long = nick(&"\u{fc}".repeat(24));
        let numbered = long.numbered(12);
        assert!(numbered.as_str().ends_with("\u{fc}-12"));
        assert_eq!(Nick::new(numbered.as_str()), Ok(numbered));
    }
}
