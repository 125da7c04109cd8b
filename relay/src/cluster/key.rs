//! Keys and values of the bucket.

use std::fmt::Write as _;

use super::{Name, RelayId, VERSION};

/// The key whose value says which version the relays of the cluster speak.
pub(crate) const VERSION_KEY: &str = "version";

/// What a key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The lease of a relay.
    Relay(RelayId),
    /// A channel's name.
    Name(Name),
}

impl Key {
    /// `None` for keys that are neither.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        match key.split_at_checked(2)? {
            ("r.", id) => parse_id(id.as_bytes()).map(Self::Relay),
            ("n.", hex) => parse_hex(hex.strip_prefix('x')?).map(Self::Name),
            _ => None,
        }
    }
}

fn parse_id(hex: &[u8]) -> Option<RelayId> {
    let hex = std::str::from_utf8(hex).ok().filter(|hex| hex.len() == 16)?;
    u64::from_str_radix(hex, 16).ok()
}

fn parse_hex(hex: &str) -> Option<Name> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > 255 {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect::<Option<Vec<_>>>()
        .map(Into::into)
}

pub(crate) fn relay_key(id: RelayId) -> String {
    format!("r.{id:016x}")
}

/// Names are any bytes, and keys are not: hexadecimal, behind an `x` because there is an empty
/// name.
pub(crate) fn name_key(name: &[u8]) -> String {
    let mut key = String::with_capacity(3 + 2 * name.len());
    key.push_str("n.x");
    for byte in name {
        // writing to a string cannot fail
        let _ = write!(key, "{byte:02x}");
    }
    key
}

pub(crate) fn owner_value(owner: RelayId) -> Vec<u8> {
    format!("{owner:016x}").into_bytes()
}

/// The owner in the value of a name.
pub(crate) fn owner(value: &[u8]) -> Option<RelayId> {
    parse_id(value)
}

/// The value of a lease: the version, and how often it was renewed.
pub(crate) fn relay_value(counter: u64) -> Vec<u8> {
    format!("{VERSION} {counter}").into_bytes()
}

/// How often a lease was renewed.
pub(crate) fn counter(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.split(' ').nth(1)?.parse().ok()
}
