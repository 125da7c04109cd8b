//! Escapes: those of strings, and those of bytes.

/// The digits of the format's base 64, which pads nothing.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%:";

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Whether a byte of a string stands for itself. Existing programs escape all others; some escape fewer, which is read as well.
pub(super) const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// The bytes that an escaped string takes.
pub(super) fn escaped_len(string: &str) -> usize {
    string.bytes().fold(0, |len: usize, byte| len.saturating_add(if is_plain(byte) { 1 } else { 3 }))
}

/// `%` and two digits.
pub(super) fn escape(byte: u8) -> [u8; 3] {
    let digit = |bits: u8| HEX.get(usize::from(bits & 15)).copied().unwrap_or(b'0');
    [b'%', digit(byte >> 4), digit(byte)]
}

/// Takes escapes out of a string, into `room`. `None` if they are wrong or there is no room.
pub(super) fn unescape<'r>(escaped: &[u8], room: &'r mut [u8]) -> Option<&'r str> {
    let mut places = room.iter_mut();
    let mut len = 0usize;
    let mut rest = escaped;
    while let [first, behind @ ..] = rest {
        let byte = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => {
                rest = behind;
                digit(*high)? << 4 | digit(*low)?
            }
            (b'%', _) => return None,
            (b'+', _) => {
                rest = behind;
                b' '
            }
            _ => {
                rest = behind;
                *first
            }
        };
        *places.next()? = byte;
        len = len.saturating_add(1);
    }
    core::str::from_utf8(room.get(..len)?).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The bytes that `len` bytes take in base 64.
pub(super) const fn base64_len(len: usize) -> usize {
    len.saturating_mul(8).div_ceil(6)
}

/// Up to three bytes in base 64: the digits, of which the first `bytes.len() + 1` count.
pub(super) fn base64_digits(bytes: &[u8]) -> [u8; 4] {
    let at = |index: usize| u32::from(bytes.get(index).copied().unwrap_or(0));
    let bits = at(0) << 16 | at(1) << 8 | at(2);
    let digit = |shift: u32| BASE64.get((bits >> shift & 63) as usize).copied().unwrap_or(b'A');
    [digit(18), digit(12), digit(6), digit(0)]
}

/// Reads base 64 into `room`. `None` if it is wrong or there is no room.
#[expect(clippy::cast_possible_truncation, reason = "eight bits at a time")]
pub(super) fn from_base64<'r>(digits: &[u8], room: &'r mut [u8]) -> Option<&'r [u8]> {
    let (mut bits, mut count, mut len) = (0u32, 0u32, 0usize);
    for digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit.wrapping_sub(b'A'),
            b'a'..=b'z' => digit.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => digit.wrapping_sub(b'0').wrapping_add(52),
            b'%' => 62,
            b':' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count = count.wrapping_add(6);
        if count >= 8 {
            count = count.wrapping_sub(8);
            *room.get_mut(len)? = (bits >> count) as u8;
            len = len.wrapping_add(1);
        }
    }
    room.get(..len)
}
