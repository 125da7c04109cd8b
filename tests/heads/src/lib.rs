//! Every sequence of up to three bytes, in every state of both decoders, at every cut.
//!
//! With `PEOTE_ALL_HEADS=1` it is an enumeration: 2²⁴ sequences in each of 80 states, which takes
//! minutes of a processor. Without it, all are tried in the states where most is decided, and in
//! the others all pairs of bytes with third bytes that decide something. The states are those of
//! what relays say, and of what endpoints say that take part and that do not; the bytes of a number
//! in the middle of a head stand for all such. Amounts of windows and grants are not compared. This
//! package is optimised in tests, too. What is right is said by a reference that looks at the whole
//! stream at once, as docs/PROTOCOL.md has it.
#![cfg(test)]
#![allow(
    clippy::cast_possible_truncation,
    reason = "streams have less than 20 bytes, units less than 32,768"
)]

mod enumerate;
mod from_endpoints;
mod from_relays;

/// A unit in a stream, which may end in it. Small, since there are billions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Item {
    /// Which, in the words of the direction's module.
    kind: u8,
    /// Its numbers.
    values: [u8; 3],
    /// Where its payload begins in the stream, and how long it is to be.
    start: u8,
    total: u16,
}

/// The longest stream: a prefix that leads to a state, and three bytes.
const STREAM: usize = 17;

/// The units of a stream, as far as something of them shows.
#[derive(Clone, Copy, Debug, Default)]
struct Items {
    items: [Item; 5],
    len: usize,
}

impl Items {
    fn push(&mut self, item: Item) {
        self.items[self.len] = item;
        self.len += 1;
    }
}

/// The size field at `at`: the size, and where what follows begins.
fn size(stream: &[u8], at: usize) -> Option<(usize, usize)> {
    let first = usize::from(*stream.get(at)?);
    if first < 128 {
        return Some((first, at + 1));
    }
    Some(((first - 128) * 256 + usize::from(*stream.get(at + 1)?), at + 2))
}
