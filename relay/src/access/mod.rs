//! Who may create and enter what: tokens, signed names, and what is left to connections that have
//! neither.
//!
//! A *token* is a JWT. It belongs to a connection and says which names that may create and enter. A
//! *signed name* belongs to one command of an endpoint that knows no tokens: `NAME~EXPIRY~MAC`,
//! where the relay checks what is behind the name and goes on with `NAME`. Both are made with keys
//! that the relay has in a file ([`Keys`]). The relay asks for them only where
//! [`Config::access`](crate::Config::access) says so, and only when a channel is created or
//! entered.

#[cfg(feature = "tokens")]
mod crypto;
mod denied;
#[cfg(feature = "tokens")]
mod keys;
#[cfg(not(feature = "tokens"))]
#[path = "none.rs"]
mod keys;
mod names;
mod permit;
mod rights;
#[cfg(feature = "tokens")]
mod token;

use std::time::UNIX_EPOCH;

pub use denied::Denied;
pub use keys::Keys;
#[cfg(feature = "tokens")]
pub use keys::{SigningKey, random_secret};
pub use names::{Action, split};
pub use permit::{Limits, Permit};
pub(crate) use rights::{Granted, Rights};
#[cfg(feature = "tokens")]
pub use token::{Claims, Explained};

/// Bytes of the longest token.
pub const MAX_TOKEN: usize = 4096;

/// Seconds since 1970, as tokens count them.
#[must_use]
pub fn unix_now() -> u64 {
    crate::system::date().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(all(test, feature = "tokens"))]
mod tests;
