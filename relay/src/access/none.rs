//! In place of the keys, where there is no cryptography (without the feature `tokens`).

use std::path::Path;

use super::{Action, Denied, Permit};
use crate::config::InvalidConfig;

/// No keys.
#[derive(Debug, Default)]
pub struct Keys(());

impl Keys {
    /// Fails.
    ///
    /// # Errors
    /// Always: the crate was built without the feature `tokens`.
    pub fn read(_: &Path) -> Result<Self, InvalidConfig> {
        Err(InvalidConfig::whole("access_keys", "this program was built without the feature tokens"))
    }

    /// Denies.
    ///
    /// # Errors
    /// Always.
    pub fn check(&self, _: &[u8], _: u64, _: u64) -> Result<Permit, Denied> {
        Err(Denied::Forged)
    }

    /// Denies.
    ///
    /// # Errors
    /// Always.
    pub fn check_name<'a>(&self, _: Action, _: &'a [u8], _: u64, _: u64) -> Result<(&'a [u8], u64), Denied> {
        Err(Denied::Forged)
    }

    #[expect(clippy::unused_self, reason = "with keys it says something")]
    pub(crate) fn work_of_a_name(&self) -> usize {
        0
    }

    pub(crate) fn has(&self, _: u64) -> bool {
        false
    }
}
