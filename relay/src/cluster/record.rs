//! What two relays say to each other about memberships: a list of records in each message.
//!
//! The relay where the user is connected is the *guest*, the one where the channel is the *host*.
//! Each membership across has a number that the guest chose. Integers without a fixed length are
//! LEB128.

use std::net::IpAddr;

/// One thing that is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record<'a> {
    /// Guest: the user behind a connection wants to enter.
    Knock { member: u32, connection: u64, address: IpAddr, name: &'a [u8], words: &'a [u8] },
    /// Guest: the user has left (0) or is lost (1), or was ended for being too slow (3).
    Leave { member: u32, code: u8 },
    /// Guest: the user says this to the server. `units` is a list for [`take_unit`].
    ToServer { member: u32, units: &'a [u8] },
    /// Guest: so many bytes for the user have been handed on.
    UserTook { member: u32, bytes: u32 },
    /// Guest: the connection is gone, and with it all that it was in.
    ConnectionGone { connection: u64 },
    /// Host: the user is in the channel, with that number.
    Admitted { member: u32, number: u8 },
    /// Host: the user is refused; `code` as in the answer to an enter command.
    Refused { member: u32, code: u8, words: &'a [u8] },
    /// Host: the server says this to each of these users. `members` is a list for [`members`]; if
    /// it is empty, it is that of the last such record on the line.
    ToUsers { members: &'a [u8], units: &'a [u8] },
    /// Host: so many bytes for the server have been handed on.
    ServerTook { member: u32, bytes: u32 },
    /// Host: the channel is gone for the user; `code` as in the event.
    Gone { member: u32, code: u8 },
}

/// The numbers in [`Record::ToUsers`].
pub(crate) fn members(mut list: &[u8]) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || number(&mut list))
}

/// Takes the first unit of [`Record::ToServer`] and [`Record::ToUsers`] off. `None` at their end.
pub(crate) fn take_unit<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    long(from)
}

/// Appends a unit for [`take_unit`].
pub(crate) fn put_unit(into: &mut Vec<u8>, payload: &[u8]) {
    put_long(into, payload);
}

/// Appends a number.
pub(crate) fn put_number(into: &mut Vec<u8>, mut number: u32) {
    while number > 127 {
        into.push(number.to_le_bytes()[0] | 128);
        number >>= 7;
    }
    into.push(number.to_le_bytes()[0]);
}

fn number(from: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u64;
    for place in 0..5 {
        let byte = byte(from)?;
        number |= u64::from(byte & 127) << (7 * place);
        if byte & 128 == 0 {
            return u32::try_from(number).ok();
        }
    }
    None
}

fn byte(from: &mut &[u8]) -> Option<u8> {
    let (first, rest) = from.split_first()?;
    *from = rest;
    Some(*first)
}

fn bytes<'a>(from: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (bytes, rest) = from.split_at_checked(len)?;
    *from = rest;
    Some(bytes)
}

fn long<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = number(from)?;
    bytes(from, usize::try_from(len).ok()?)
}

fn put_long(into: &mut Vec<u8>, bytes: &[u8]) {
    put_number(into, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    into.extend_from_slice(bytes);
}

impl<'a> Record<'a> {
    /// Appends it to a message.
    pub(crate) fn put(&self, into: &mut Vec<u8>) {
        match *self {
            Self::Knock { member, connection, address, name, words } => {
                into.push(1);
                put_number(into, member);
                into.extend_from_slice(&connection.to_le_bytes());
                match address {
                    IpAddr::V4(address) => put_long(into, &address.octets()),
                    IpAddr::V6(address) => put_long(into, &address.octets()),
                }
                put_long(into, name);
                put_long(into, words);
            }
            Self::Leave { member, code } => put_short(into, 2, member, code),
            Self::ToServer { member, units } => {
                into.push(3);
                put_number(into, member);
                put_long(into, units);
            }
            Self::UserTook { member, bytes } => put_bytes(into, 4, member, bytes),
            Self::ConnectionGone { connection } => {
                into.push(5);
                into.extend_from_slice(&connection.to_le_bytes());
            }
            Self::Admitted { member, number } => put_short(into, 8, member, number),
            Self::Refused { member, code, words } => {
                put_short(into, 9, member, code);
                put_long(into, words);
            }
            Self::ToUsers { members, units } => {
                into.push(10);
                put_long(into, members);
                put_long(into, units);
            }
            Self::ServerTook { member, bytes } => put_bytes(into, 11, member, bytes),
            Self::Gone { member, code } => put_short(into, 12, member, code),
        }
    }

    /// Takes the first record of a message; `None` at its end, and where it is nonsense.
    pub(crate) fn take(from: &mut &'a [u8]) -> Option<Self> {
        Some(match byte(from)? {
            1 => Self::Knock {
                member: number(from)?,
                connection: u64::from_le_bytes(*bytes(from, 8)?.first_chunk()?),
                address: address(long(from)?)?,
                name: long(from)?,
                words: long(from)?,
            },
            2 => Self::Leave { member: number(from)?, code: byte(from)? },
            3 => Self::ToServer { member: number(from)?, units: long(from)? },
            4 => Self::UserTook { member: number(from)?, bytes: number(from)? },
            5 => Self::ConnectionGone { connection: u64::from_le_bytes(*bytes(from, 8)?.first_chunk()?) },
            8 => Self::Admitted { member: number(from)?, number: byte(from)? },
            9 => Self::Refused { member: number(from)?, code: byte(from)?, words: long(from)? },
            10 => Self::ToUsers { members: long(from)?, units: long(from)? },
            11 => Self::ServerTook { member: number(from)?, bytes: number(from)? },
            12 => Self::Gone { member: number(from)?, code: byte(from)? },
            _ => return None,
        })
    }
}

fn put_short(into: &mut Vec<u8>, kind: u8, member: u32, value: u8) {
    into.push(kind);
    put_number(into, member);
    into.push(value);
}

fn put_bytes(into: &mut Vec<u8>, kind: u8, member: u32, bytes: u32) {
    into.push(kind);
    put_number(into, member);
    put_number(into, bytes);
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(*bytes.first_chunk::<4>()?)),
        16 => Some(IpAddr::from(*bytes.first_chunk::<16>()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were_put() {
        let mut list = Vec::new();
        [0, 127, 128, 300, u32::MAX].into_iter().for_each(|member| put_number(&mut list, member));
        let records = [
            Record::Knock {
                member: 7,
                connection: u64::MAX - 1,
                address: [127, 0, 0, 1].into(),
                name: b"",
                words: b"hi",
            },
            Record::Knock {
                member: 300,
                connection: 1,
                address: [1; 16].into(),
                name: &[9; 255],
                words: &[8; 200],
            },
            Record::Leave { member: 1, code: 1 },
            Record::ToServer { member: u32::MAX, units: &[5; 1000] },
            Record::UserTook { member: 128, bytes: u32::MAX },
            Record::ConnectionGone { connection: 5 },
            Record::Admitted { member: 2, number: 255 },
            Record::Refused { member: 3, code: 7, words: b"no" },
            Record::ToUsers { members: &list, units: b"to all" },
            Record::ServerTook { member: 4, bytes: 0 },
            Record::Gone { member: 5, code: 2 },
        ];
        let mut message = Vec::new();
        records.iter().for_each(|record| record.put(&mut message));
        let mut rest = &message[..];
        for record in &records {
            assert_eq!(Record::take(&mut rest).as_ref(), Some(record));
        }
        assert!(rest.is_empty());
        assert_eq!(members(&list).collect::<Vec<_>>(), [0, 127, 128, 300, u32::MAX]);
        // a message that is cut anywhere, or changed, is no reason to stop
        for len in 0..message.len() {
            let mut rest = &message[..len];
            while Record::take(&mut rest).is_some() {}
            let mut changed = message.clone();
            changed[len] ^= 0xff;
            let mut rest = &changed[..];
            while Record::take(&mut rest).is_some() {}
        }
    }
}
