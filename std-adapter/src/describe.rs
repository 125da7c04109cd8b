//! Errors as texts for people.

use std::error::Error;
use std::fmt;

/// Returns the text of an error, and behind it those of all its sources.
///
/// ```
/// use peote_net_std::{DesktopLink, describe};
///
/// let error = DesktopLink::connect("ws://localhost:7680").unwrap_err();
/// assert_eq!(
///     describe(&error),
///     "cannot connect to ws://localhost:7680: \
///      \"ws://\" is for browsers, this is TCP: write \"localhost:7680\"",
/// );
/// ```
#[must_use]
pub fn describe(error: &dyn Error) -> String {
    Described(error).to_string()
}

struct Described<'a>(&'a dyn Error);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        chain(f, self.0.source())
    }
}

/// Writes an error and all its sources behind something.
pub(crate) fn chain(f: &mut fmt::Formatter<'_>, mut source: Option<&dyn Error>) -> fmt::Result {
    while let Some(error) = source {
        write!(f, ": {error}")?;
        source = error.source();
    }
    Ok(())
}
