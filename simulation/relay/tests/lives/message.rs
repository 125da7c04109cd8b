//! What parties send: every message says who has sent it to whom, and which one it is.

/// Bytes of the shortest message.
pub(crate) const SHORTEST: usize = 13;

/// One sequence of messages: from one end to one other, or to all users of a channel.
pub(crate) type Key = u64;

/// A message that came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    pub(crate) key: Key,
    pub(crate) number: u32,
    pub(crate) is_broadcast: bool,
}

pub(crate) fn content(message: Message, len: usize) -> Vec<u8> {
    let Message { key, number, is_broadcast } = message;
    let mut bytes = key.to_le_bytes().to_vec();
    bytes.extend(number.to_le_bytes());
    bytes.push(is_broadcast.into());
    bytes.extend((SHORTEST..len).map(|place| filler(message, place)));
    bytes
}

/// The message, of which every byte is as it was sent.
pub(crate) fn check(bytes: &[u8]) -> Message {
    let key = bytes.first_chunk().copied().map(u64::from_le_bytes);
    let number = bytes.get(8..12).and_then(|bytes| bytes.first_chunk().copied()).map(u32::from_le_bytes);
    let message = Message {
        key: key.expect("a message has a key"),
        number: number.expect("a message has a number"),
        is_broadcast: bytes[12] == 1,
    };
    assert!(bytes == content(message, bytes.len()), "a message is not as it was sent");
    message
}

fn filler(message: Message, place: usize) -> u8 {
    let mixed = message.key.wrapping_mul(31).wrapping_add(u64::from(message.number)) << 20;
    (mixed.wrapping_add(place as u64)).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()[6]
}
