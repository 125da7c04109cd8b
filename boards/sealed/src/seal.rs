//! One chunk.

use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};

use crate::error::{OpenError, SealError};
use crate::key::ChannelKey;

/// Bytes that sealing adds to a chunk for one receiver.
pub const OVERHEAD: usize = 16;
/// Bytes that sealing adds to a chunk for all users: its number is in front.
pub const BROADCAST_OVERHEAD: usize = 4 + OVERHEAD;

/// Who speaks. Numbers are counted for each, so that no nonce is used twice with one key.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Speaker {
    User = 1,
    Server = 2,
    ServerToAll = 3,
}

fn nonce(speaker: Speaker, number: u64) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
    [speaker as u8, 0, 0, 0, a, b, c, d, e, f, g, h]
}

/// Seals `payload` into `buffer`, behind `head`, which is not sealed.
pub(crate) fn seal<'b, E>(
    key: &ChannelKey,
    speaker: Speaker,
    number: u64,
    head: &[u8],
    payload: &[u8],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], SealError<E>> {
    let len = head.len().saturating_add(payload.len()).saturating_add(OVERHEAD);
    let sealed = buffer.get_mut(..len).ok_or(SealError::Short)?;
    let (front, rest) = sealed.split_at_mut_checked(head.len()).ok_or(SealError::Short)?;
    let (text, tag) = rest.split_at_mut_checked(payload.len()).ok_or(SealError::Short)?;
    front.copy_from_slice(head);
    text.copy_from_slice(payload);
    let cipher = ChaCha20Poly1305::new(key.bytes().into());
    let made = cipher
        .encrypt_inout_detached(&nonce(speaker, number).into(), b"", text.into())
        .map_err(|_| SealError::Short)?;
    tag.copy_from_slice(&made);
    Ok(sealed)
}

/// Opens `sealed` into `buffer`. If it is refused, there is nothing of the text in the buffer.
pub(crate) fn open<'b>(
    key: &ChannelKey,
    speaker: Speaker,
    number: u64,
    sealed: &[u8],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], OpenError> {
    let (text, tag) = sealed.split_last_chunk::<OVERHEAD>().ok_or(OpenError::Refused)?;
    let payload = buffer.get_mut(..text.len()).ok_or(OpenError::Short)?;
    payload.copy_from_slice(text);
    let cipher = ChaCha20Poly1305::new(key.bytes().into());
    cipher
        .decrypt_inout_detached(&nonce(speaker, number).into(), b"", (&mut *payload).into(), tag.into())
        .map_err(|_| OpenError::Refused)?;
    Ok(payload)
}
