//! Keys, and keys made of keys.

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit as _, StreamCipher as _};

/// The key of a channel. Its server and all its users have it, and no other program.
///
/// 32 bytes of a good random number generator, one key for each channel. A password is no key.
#[derive(Clone)]
pub struct ChannelKey([u8; 32]);

impl ChannelKey {
    /// Takes the bytes for a key.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns another key: the beginning of the key stream that belongs to this one and `label`.
    pub(crate) fn derive(&self, label: &[u8; 12]) -> Self {
        let mut bytes = [0; 32];
        // 32 bytes are there, so this does not fail
        let _ = ChaCha20::new((&self.0).into(), label.into()).try_apply_keystream(&mut bytes);
        Self(bytes)
    }

    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl core::fmt::Debug for ChannelKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ChannelKey(..)")
    }
}

/// The key of a membership, of which each direction uses nonces of its own.
pub(crate) fn of_member(key: &ChannelKey, hello: &[u8; 12], member: &[u8; 12]) -> ChannelKey {
    key.derive(b"peote member").derive(hello).derive(member)
}

/// The key of what a server says to all.
pub(crate) fn of_broadcasts(key: &ChannelKey, session: &[u8; 8]) -> ChannelKey {
    let [a, b, c, d, e, f, g, h] = *session;
    key.derive(b"peote to all").derive(&[a, b, c, d, e, f, g, h, 0, 0, 0, 0])
}
