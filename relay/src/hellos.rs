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

/// Bytes from the start of a connection to the end of its hello's random bytes.
pub(crate) const HEAD: usize = 43;

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

impl Hellos {
    /// Whether this was answered already. `head` is how a connection begins, [`HEAD`] bytes of it
    /// if that many have come.
    pub(crate) fn is_known(&self, head: &[u8]) -> bool {
        self.stands_for(head).is_some_and(|hello| self.now.contains(&hello) || self.before.contains(&hello))
    }

    /// This one is answered now.
    pub(crate) fn note(&mut self, head: &[u8]) {
        let Some(hello) = self.stands_for(head) else { return };
        if self.now.len() >= REMEMBERED {
            self.before = mem::take(&mut self.now);
        }
        self.now.insert(hello);
    }

    fn stands_for(&self, head: &[u8]) -> Option<u64> {
        match head {
            [TLS, _, _, _, _, CLIENT_HELLO, _, _, _, _, _, random @ ..] if head.len() == HEAD => {
                Some(self.hasher.hash_one(random))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(number: u32) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        (head[0], head[5]) = (TLS, CLIENT_HELLO);
        head[39..].copy_from_slice(&number.to_le_bytes());
        head
    }

    #[test]
    fn a_copy_is_known_and_memory_is_bounded() {
        let mut hellos = Hellos::default();
        for number in 0..100_000 {
            assert!(!hellos.is_known(&hello(number)), "{number}");
            hellos.note(&hello(number));
            assert!(hellos.is_known(&hello(number)));
            assert!(hellos.now.len() + hellos.before.len() <= 2 * REMEMBERED);
        }
        assert!(hellos.is_known(&hello(100_000 - 8192)), "it was answered a moment ago");
        assert!(!hellos.is_known(&hello(0)));
    }

    #[test]
    fn what_is_no_hello_or_not_all_of_it_is_not_known() {
        let mut hellos = Hellos::default();
        let mut other = hello(1);
        other[5] = 2;
        for head in [&other[..], &hello(1)[..HEAD - 1], b"GET", b""] {
            hellos.note(head);
            assert!(!hellos.is_known(head));
        }
    }
}
