//! What a token allows.

use crate::access::{Action, Denied};
use crate::config::matches;

/// What the holder of a token may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    pub(super) subject: String,
    /// Stands for the key that made it.
    pub(super) key: u64,
    pub(super) create: Vec<String>,
    pub(super) enter: Vec<String>,
    /// In seconds since 1970.
    pub(super) expires: u64,
    pub(super) limits: Limits,
}

/// Limits in a token, in place of those of the configuration. What is not there stays as it is
/// configured; 0 means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "tokens", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Limits {
    /// Connections at the same time with tokens of this subject.
    #[cfg_attr(feature = "tokens", serde(default, skip_serializing_if = "Option::is_none"))]
    pub connections: Option<u32>,
    /// As [`Config::max_channels_per_connection`](crate::Config::max_channels_per_connection).
    #[cfg_attr(feature = "tokens", serde(default, skip_serializing_if = "Option::is_none"))]
    pub channels: Option<u32>,
    /// As [`Config::commands_per_second`](crate::Config::commands_per_second).
    #[cfg_attr(feature = "tokens", serde(default, skip_serializing_if = "Option::is_none"))]
    pub commands: Option<u32>,
    /// As [`Config::messages_per_second`](crate::Config::messages_per_second).
    #[cfg_attr(feature = "tokens", serde(default, skip_serializing_if = "Option::is_none"))]
    pub messages: Option<u32>,
    /// As [`Config::bytes_per_second`](crate::Config::bytes_per_second).
    #[cfg_attr(feature = "tokens", serde(default, skip_serializing_if = "Option::is_none"))]
    pub bytes: Option<u64>,
}

impl Permit {
    /// Who holds it, as the claim `sub` says; empty if that is missing.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// When it ends, in seconds since 1970, without what clocks may be wrong.
    #[must_use]
    pub fn expires(&self) -> u64 {
        self.expires
    }

    /// The limits that it brings with it.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Says whether it allows something with a channel of this name at `now`, in seconds since
    /// 1970, by a clock that may be wrong by `leeway` seconds.
    ///
    /// # Errors
    /// Why not.
    pub fn allows(&self, action: Action, name: &[u8], now: u64, leeway: u64) -> Result<(), Denied> {
        let patterns = match action {
            Action::Create => &self.create,
            Action::Enter => &self.enter,
        };
        if is_over(self.expires, now, leeway) {
            return Err(Denied::Expired);
        }
        if patterns.iter().any(|pattern| matches(pattern, name)) { Ok(()) } else { Err(Denied::Pattern) }
    }

    /// Bytes of memory that it takes.
    pub(crate) fn memory(&self) -> usize {
        let patterns = self.create.iter().chain(&self.enter);
        size_of::<Self>()
            + self.subject.capacity()
            + patterns.map(|text| size_of::<String>() + text.capacity()).sum::<usize>()
    }
}

/// Whether a moment is over, by a clock that may be wrong by `leeway`.
pub(super) fn is_over(expires: u64, now: u64, leeway: u64) -> bool {
    expires.saturating_add(leeway) <= now
}
