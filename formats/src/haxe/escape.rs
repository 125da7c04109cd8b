//! Escapes: those of strings, and those of bytes.

use crate::Error;

const ESCAPES: Error = Error::new("a string has wrong escapes");
const BASE64_DIGITS: Error = Error::new("bytes are not in the base 64 of the format");

/// The digits of the format's base 64, which pads nothing.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%:";

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Whether a byte of a string stands for itself. Existing programs escape all others; some escape
/// fewer, which is read as well.
pub(crate) const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// The bytes that an escaped string takes.
pub(crate) fn escaped_len(string: &str) -> usize {
    string.bytes().fold(0, |len: usize, byte| len.saturating_add(if is_plain(byte) { 1 } else { 3 }))
}

/// `%` and two digits.
pub(crate) fn escape(byte: u8) -> [u8; 3] {
    let digit = |bits: u8| HEX.get(usize::from(bits & 15)).copied().unwrap_or(b'0');
    [b'%', digit(byte >> 4), digit(byte)]
}

/// Whether a string has characters that stand for others. What is escaped for no need is read too,
/// so only these two matter.
pub(crate) fn has_escapes(escaped: &[u8]) -> bool {
    escaped.iter().any(|byte| matches!(byte, b'%' | b'+'))
}

/// The bytes that an escaped string has without its escapes, if those are right.
pub(crate) fn unescaped_len(escaped: &[u8]) -> usize {
    let escapes = escaped.iter().filter(|byte| **byte == b'%').count();
    escaped.len().saturating_sub(escapes.saturating_mul(2))
}

/// The bytes of an escaped string; `None` for an escape that is wrong, which is the end.
fn unescaped(escaped: &[u8]) -> impl Iterator<Item = Option<u8>> {
    let mut rest = escaped;
    core::iter::from_fn(move || {
        let [first, behind @ ..] = rest else { return None };
        let (byte, behind) = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => {
                (digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low), behind)
            }
            (b'%', _) => (None, behind),
            (b'+', _) => (Some(b' '), behind),
            _ => (Some(*first), behind),
        };
        rest = if byte.is_some() { behind } else { &[] };
        Some(byte)
    })
}

/// Whether a string is this one without its escapes.
pub(crate) fn is_escaped_form_of(escaped: &[u8], string: &str) -> bool {
    unescaped(escaped).eq(string.bytes().map(Some))
}

/// Takes escapes out of a string, into `room`, which has as many bytes as [`unescaped_len`] says.
pub(crate) fn unescape<'r>(escaped: &[u8], room: &'r mut [u8]) -> Result<&'r str, Error> {
    let mut places = room.iter_mut();
    for byte in unescaped(escaped) {
        let place = places.next().ok_or(ESCAPES)?;
        *place = byte.ok_or(ESCAPES)?;
    }
    if places.next().is_some() {
        return Err(ESCAPES);
    }
    core::str::from_utf8(room).map_err(|_| Error::new("a string is not UTF-8 without its escapes"))
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The bytes that `len` bytes take in base 64.
pub(crate) const fn base64_len(len: usize) -> usize {
    len.saturating_mul(8).div_ceil(6)
}

/// Up to three bytes in base 64: the digits, of which the first `bytes.len() + 1` count.
pub(crate) fn base64_digits(bytes: &[u8]) -> [u8; 4] {
    let at = |index: usize| u32::from(bytes.get(index).copied().unwrap_or(0));
    let bits = at(0) << 16 | at(1) << 8 | at(2);
    let digit = |shift: u32| BASE64.get((bits >> shift & 63) as usize).copied().unwrap_or(b'A');
    [digit(18), digit(12), digit(6), digit(0)]
}

/// The bytes that as many digits of base 64 stand for.
pub(crate) const fn base64_room(digits: usize) -> usize {
    // digits * 6 / 8, without a product
    let (fours, rest) = (digits / 4, digits % 4);
    fours.saturating_mul(3).saturating_add(rest.saturating_sub(1))
}

/// Reads base 64 into `room`, which has as many bytes as [`base64_room`] says.
#[expect(clippy::cast_possible_truncation, reason = "eight bits at a time")]
pub(crate) fn decode_base64<'r>(digits: &[u8], room: &'r mut [u8]) -> Result<&'r [u8], Error> {
    let (mut bits, mut count) = (0u32, 0u32);
    let mut places = room.iter_mut();
    for digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit.wrapping_sub(b'A'),
            b'a'..=b'z' => digit.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => digit.wrapping_sub(b'0').wrapping_add(52),
            b'%' => 62,
            b':' => 63,
            _ => return Err(BASE64_DIGITS),
        };
        bits = bits << 6 | u32::from(value);
        count = count.wrapping_add(6);
        if count >= 8 {
            count = count.wrapping_sub(8);
            *places.next().ok_or(BASE64_DIGITS)? = (bits >> count) as u8;
        }
    }
    Ok(room)
}
