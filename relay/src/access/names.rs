//! Signed names: `NAME~EXPIRY~MAC`.

/// What is done with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To create it.
    Create,
    /// To enter it.
    Enter,
}

impl Action {
    /// The word that is signed.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Enter => "enter",
        }
    }
}

/// Digits of a MAC: 16 bytes in base64url without padding.
const MAC_DIGITS: usize = 22;

/// Digits of the latest expiry: 64 bits as hexadecimal.
const EXPIRY_DIGITS: usize = 16;

/// Splits what has the form of a signed name into name, expiry and MAC. Anything else is a name and
/// nothing more, even with `~` in it. Whether it is a good signature is another question.
#[must_use]
pub fn split(given: &[u8]) -> Option<(&[u8], &str, &str)> {
    let (rest, mac) = given.split_at_checked(given.len().checked_sub(MAC_DIGITS)?)?;
    let rest = rest.strip_suffix(b"~")?;
    let at = rest.iter().rposition(|byte| *byte == b'~')?;
    let (name, expiry) = (rest.get(..at)?, rest.get(at + 1..)?);
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_expiry = (1..=EXPIRY_DIGITS).contains(&expiry.len()) && expiry.iter().all(is_hex);
    if !is_expiry || !mac.iter().all(is_base64) {
        return None;
    }
    Some((name, str::from_utf8(expiry).ok()?, str::from_utf8(mac).ok()?))
}
