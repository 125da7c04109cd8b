//! TLS hellos that were answered, so that a copy of one costs next to nothing.
//!
//! Answering a hello takes a key exchange and a signature. Whoever sends a recorded one again and
//! again pays nothing for it, and cannot go on with the handshake. Each hello of a client has 32
//! random bytes of its own.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::mem;

use crate::system::RandomState;

/// Hellos that are remembered at least, and half of what is remembered at most.
const REMEMBERED: usize = 8192;

/// Bytes of a hello up to the end of its random ones: kind, length, version, and those.
const MESSAGE: usize = 1 + 3 + 2 + 32;

/// Bytes of a record in front of what it carries.
const RECORD: usize = 5;

/// Bytes from the start of a connection to the end of its hello's random bytes, at most: each byte
/// may come in a record of its own.
pub(crate) const HEAD: usize = MESSAGE * (RECORD + 1);

/// The first byte of TLS: a record of a handshake.
pub(crate) const TLS: u8 = 22;

/// A client's hello, in a record of a handshake.
const CLIENT_HELLO: u8 = 1;

/// What stands for the hellos that were answered last.
#[derive(Debug, Default)]
pub(crate) struct Hellos {
    now: HashSet<u64>,
    before: HashSet<u64>,
    hasher: RandomState,
}

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// More has to come before that is known.
    Incomplete,
    /// With a client's hello, with these random bytes.
    Hello([u8; 32]),
    /// With nothing of the kind.
    Other,
}

impl Start {
    /// `head`: how a connection begins, [`HEAD`] bytes of it if that many have come. However a
    /// hello is cut into records, it is the same one.
    pub(crate) fn of(head: &[u8]) -> Self {
        let mut message = [0; MESSAGE];
        let (mut len, mut rest) = (0, head);
        while len < MESSAGE {
            let (high, low, carried) = match rest {
                [kind, ..] if *kind != TLS => return Self::Other,
                [_, _, _, high, low, carried @ ..] => (*high, *low, carried),
                _ => return Self::Incomplete,
            };
            // none may be empty (RFC 8446, section 5.1)
            let in_record = usize::from(u16::from_be_bytes([high, low]));
            if in_record == 0 {
                return Self::Other;
            }
            let part = in_record.min(MESSAGE - len);
            let has_come = part.min(carried.len());
            message[len..len + has_come].copy_from_slice(&carried[..has_come]);
            if len + has_come > 0 && message[0] != CLIENT_HELLO {
                return Self::Other;
            }
            if has_come < part {
                return Self::Incomplete;
            }
            (len, rest) = (len + part, &carried[part..]);
        }
        let mut random = [0; 32];
        random.copy_from_slice(&message[MESSAGE - 32..]);
        Self::Hello(random)
    }
}

impl Hellos {
    /// Whether this was answered already.
    pub(crate) fn is_known(&self, start: Start) -> bool {
        self.stands_for(start).is_some_and(|hello| self.now.contains(&hello) || self.before.contains(&hello))
    }

    /// This one is answered now.
    pub(crate) fn note(&mut self, start: Start) {
        let Some(hello) = self.stands_for(start) else { return };
        if self.now.len() >= REMEMBERED {
            self.before = mem::take(&mut self.now);
        }
        self.now.insert(hello);
    }

    fn stands_for(&self, start: Start) -> Option<u64> {
        match start {
            Start::Hello(random) => Some(self.hasher.hash_one(random)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a connection begins whose hello is in records of so many bytes.
    fn head(number: u32, most: usize) -> Vec<u8> {
        let mut message = [0; 60];
        (message[0], message[3]) = (CLIENT_HELLO, 56);
        message[MESSAGE - 4..MESSAGE].copy_from_slice(&number.to_be_bytes());
        let record = |part: &[u8]| [&[TLS, 3, 1, 0, u8::try_from(part.len()).unwrap()], part].concat();
        message.chunks(most).flat_map(record).collect()
    }

    fn hello(number: u32) -> Start {
        Start::of(&head(number, 60))
    }

    #[test]
    fn a_copy_is_known_and_memory_is_bounded() {
        let mut hellos = Hellos::default();
        for number in 0..100_000 {
            assert!(!hellos.is_known(hello(number)), "{number}");
            hellos.note(hello(number));
            assert!(hellos.is_known(hello(number)));
            assert!(hellos.now.len() + hellos.before.len() <= 2 * REMEMBERED);
        }
        assert!(hellos.is_known(hello(100_000 - 8192)), "it was answered a moment ago");
        assert!(!hellos.is_known(hello(0)));
    }

    #[test]
    fn what_is_no_hello_or_not_all_of_it_is_not_known() {
        let mut hellos = Hellos::default();
        for start in [Start::Incomplete, Start::Other] {
            hellos.note(start);
            assert!(!hellos.is_known(start));
        }
        let mut other = head(1, 60);
        other[RECORD] = 2;
        for start in [&other[..], &other[..RECORD + 1], b"GET", &[21], &[TLS, 3, 1, 0, 0]] {
            assert_eq!(Start::of(start), Start::Other, "{start:?}");
        }
    }

    #[test]
    fn a_hello_is_the_same_in_records_of_any_length() {
        for most in 1..=60 {
            let head = head(7, most);
            let whole = &head[..head.len().min(HEAD)];
            assert_eq!(Start::of(whole), hello(7), "{most}");
            let needed = MESSAGE + RECORD * MESSAGE.div_ceil(most);
            for len in 0..=whole.len() {
                let expected = if len < needed { Start::Incomplete } else { hello(7) };
                assert_eq!(Start::of(&whole[..len]), expected, "{most}, {len}");
            }
        }
    }
}
