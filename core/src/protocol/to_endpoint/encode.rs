//! Puts together what a relay says.

use super::{Capabilities, OWN, TAKES_PART};
use crate::protocol::{Header, MAX_WORDS, items};

/// The bytes in front of `payload` bytes of data for a user, in its entered channel `channel`.
///
/// `payload` is 1..=[`MAX_UNIT_PAYLOAD`](crate::protocol::MAX_UNIT_PAYLOAD).
#[inline]
#[must_use]
pub const fn data_for_user(channel: u8, payload: usize) -> Header {
    Header::data(channel & !OWN, None, payload)
}

/// The bytes in front of `payload` bytes of data from `user` for the server of own channel
/// `channel`; `payload` as for [`data_for_user`].
#[inline]
#[must_use]
pub const fn data_for_server(channel: u8, user: u8, payload: usize) -> Header {
    Header::data(channel | OWN, Some(user), payload)
}

/// The answer to a command that was carried out.
#[must_use]
pub const fn success(tag: u8, channel: u8) -> [u8; 5] {
    [0, 3, tag, 0, channel]
}

/// The answer to a command that was refused.
#[must_use]
pub const fn refused(tag: u8, code: u8) -> [u8; 5] {
    [0, 3, tag, 1, code]
}

/// "User `user` has entered your channel `channel`."
#[must_use]
pub const fn user_entered(channel: u8, user: u8) -> [u8; 6] {
    [0, 4, 0, 0, channel, user]
}

/// "User `user` is gone from your channel `channel`."
#[must_use]
pub const fn user_gone(channel: u8, user: u8, reason: u8) -> [u8; 7] {
    [0, 5, 0, 1, channel, user, reason]
}

/// "Channel `channel`, which you had entered, is gone."
#[must_use]
pub const fn channel_gone(channel: u8, reason: u8) -> [u8; 6] {
    [0, 4, 0, 2, channel, reason]
}

/// "I am alive."
#[must_use]
pub const fn keepalive() -> [u8; 6] {
    [0, 4, 0, 255, 0, 0]
}

/// "I am alive, and these are my capabilities."
#[must_use]
pub const fn announcement(capabilities: Capabilities) -> [u8; 6] {
    let [mark, bits] = capabilities.in_keepalive();
    [0, 4, 0, 255, mark, bits]
}

/// The answer to a command that has entered a channel, for an endpoint that takes part: its number
/// there, and the payload bytes that it may send.
#[must_use]
pub const fn entered(tag: u8, channel: u8, user: u8, window: u32) -> [u8; 10] {
    let [a, b, c, d] = window.to_le_bytes();
    [0, 8, tag, 0, channel, user, a, b, c, d]
}

/// The bytes in front of the words of the answer to a command that was refused. `None` if the words
/// are longer than [`MAX_WORDS`](crate::protocol::MAX_WORDS).
#[must_use]
pub const fn refused_with(tag: u8, code: u8, words: usize) -> Option<[u8; 5]> {
    match control_length(3, words) {
        Some(len) => Some([0, len, tag, 1, code]),
        None => None,
    }
}

/// The bytes in front of the items of a hello. `None` if those have more than
/// [`MAX_ITEMS`](crate::protocol::items::MAX_ITEMS) bytes.
#[must_use]
pub const fn hello(items: usize) -> Option<[u8; 4]> {
    if items > items::MAX_ITEMS {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most MAX_ITEMS")]
    let items = items as u8;
    Some([0, items.wrapping_add(2), 0, 3])
}

/// The hello that tells when to come back, said before the relay closes the connection.
#[must_use]
pub const fn come_back_in(millis: u32) -> [u8; 10] {
    let [kind, len, a, b, c, d] = items::number(items::COME_BACK_IN, millis);
    [0, 8, 0, 3, kind, len, a, b, c, d]
}

/// The bytes in front of the words of "a user wants to enter your channel". `None` if the words are
/// longer than [`MAX_WORDS`](crate::protocol::MAX_WORDS).
#[must_use]
pub const fn knock(
    channel: u8,
    user: u8,
    ticket: u8,
    takes_part: bool,
    window: u32,
    words: usize,
) -> Option<[u8; 12]> {
    let Some(len) = control_length(10, words) else { return None };
    let flags = if takes_part { TAKES_PART } else { 0 };
    let [a, b, c, d] = window.to_le_bytes();
    Some([0, len, 0, 4, channel, user, ticket, flags, a, b, c, d])
}

/// "The server of entered channel `channel` takes so many more bytes."
#[must_use]
pub const fn grant_from_server(channel: u8, bytes: u32) -> [u8; 9] {
    let [a, b, c, d] = bytes.to_le_bytes();
    [0, 7, 0, 5, channel & !OWN, a, b, c, d]
}

/// "User `user` of your channel `channel` takes so many more bytes."
#[must_use]
pub const fn grant_from_user(channel: u8, user: u8, bytes: u32) -> [u8; 10] {
    let [a, b, c, d] = bytes.to_le_bytes();
    [0, 8, 0, 5, channel | OWN, user, a, b, c, d]
}

/// "This membership has windows from here on." `own` says whether it is that of a user of an own
/// channel; `user` is that user, or one's own number.
#[must_use]
pub const fn raised(own: bool, channel: u8, user: u8, send: u32, receive: u32) -> [u8; 14] {
    let channel = if own { channel | OWN } else { channel & !OWN };
    let ([a, b, c, d], [e, f, g, h]) = (send.to_le_bytes(), receive.to_le_bytes());
    [0, 12, 0, 6, channel, user, a, b, c, d, e, f, g, h]
}

/// The length of an answer or event of `fixed` bytes with that many bytes of words behind them.
const fn control_length(fixed: u8, words: usize) -> Option<u8> {
    if words > MAX_WORDS {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most MAX_WORDS")]
    Some(fixed.wrapping_add(words as u8))
}
