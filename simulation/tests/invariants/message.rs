//! What programs send: every message says which one it is, so that whoever gets it can say what it
//! should have been.

use crate::model::{ChannelId, UserId};

pub(crate) type MessageId = u32;

/// Bytes of the shortest message: its number.
pub(crate) const SHORTEST: usize = 4;

/// Whom the server of a channel has sent something to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// From a user to the server.
    Server(UserId),
    User(UserId),
    All,
    AllBut(u16),
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) channel: ChannelId,
    pub(crate) to: To,
    pub(crate) len: usize,
    /// All of it has been queued; `false` while it is written in parts.
    pub(crate) complete: bool,
}

/// The bytes of a message.
pub(crate) fn content(id: MessageId, len: usize) -> Vec<u8> {
    let rest = (SHORTEST..len).map(|place| byte(id, place));
    id.to_le_bytes().into_iter().take(len).chain(rest).collect()
}

/// Differs from message to message and from place to place.
fn byte(id: MessageId, place: usize) -> u8 {
    let mixed = (u64::from(id) << 20).wrapping_add(place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed.to_le_bytes()[6]
}

/// Which message bytes begin with.
pub(crate) fn id(bytes: &[u8]) -> Option<MessageId> {
    Some(u32::from_le_bytes(*bytes.first_chunk()?))
}
