//! A random number for delays.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// Returns a seed for [`Backoff::with_seed`](peote_net::reconnect::Backoff::with_seed) that is
/// another one at each call. A [`DesktopLink`](crate::DesktopLink) takes one by itself.
#[must_use]
pub fn random_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
