//! What can be wrong.

use core::fmt::{self, Write as _};

use serde::de::{Expected, Unexpected};

/// Why a value cannot be written, or bytes cannot be read as the type that was asked for.
///
/// Each cause has a text of its own. Texts of types (`serde::de::Error::custom`) are not kept,
/// because there is no allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Error(&'static str);

impl Error {
    #[cfg(any(feature = "haxe", feature = "messagepack"))]
    pub(crate) const fn new(what: &'static str) -> Self {
        Self(what)
    }

    /// Returns the cause, in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for Error {}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self("the type refuses to be written")
    }
}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self("the value is not one of this type")
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Str(_) if wants_borrowed(expected) => {
                Self("a string with escapes cannot be borrowed: use an owned string")
            }
            Unexpected::Bytes(_) if wants_borrowed(expected) => {
                Self("bytes cannot be borrowed: use an owned type")
            }
            _ => Self("a value has another type than is expected"),
        }
    }

    fn invalid_value(found: Unexpected<'_>, _: &dyn Expected) -> Self {
        match found {
            Unexpected::Signed(_) | Unexpected::Unsigned(_) | Unexpected::Float(_) => {
                Self("a number is beyond the range of its type")
            }
            _ => Self("a value is not among those expected"),
        }
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Self("there are more or fewer items than expected")
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self("the enum has no such constructor")
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self("the object has a field too many")
    }

    fn missing_field(_: &'static str) -> Self {
        Self("the object lacks a field")
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self("the object has a field twice")
    }
}

/// Whether serde's `&str` or `&[u8]` is expected: what it says begins so.
fn wants_borrowed(expected: &dyn Expected) -> bool {
    /// What is left of the beginning.
    struct Beginning(&'static [u8]);

    impl fmt::Write for Beginning {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let (len, given) = (self.0.len().min(text.len()), text.as_bytes());
            if self.0.get(..len) != given.get(..len) {
                return Err(fmt::Error);
            }
            self.0 = self.0.get(len..).unwrap_or_default();
            Ok(())
        }
    }

    let mut beginning = Beginning(b"a borrowed ");
    write!(beginning, "{expected}").is_ok() && beginning.0.is_empty()
}
