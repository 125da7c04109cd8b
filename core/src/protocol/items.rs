//! The items of a hello, in both directions (`docs/PROTOCOL.md`, section 11.4).
//!
//! An item is `kind, length, bytes[length]`. Receivers pass over kinds that they do not know.
//!
//! ```
//! use peote_net::protocol::items::{Item, Items};
//! let items = [1, 1, 1, 99, 2, 7, 7, 2, 4, 60, 0, 0, 0]; // the second one is of no known kind
//! let known: Vec<_> = Items::new(&items).collect();
//! assert_eq!(known, [Item::Capabilities(1), Item::Keepalive(60)]);
//! ```

/// Kind of the item that says what the endpoint can do, or what is in force.
pub const CAPABILITIES: u8 = 1;
/// Kind of the item with the seconds between two keepalives.
pub const KEEPALIVE: u8 = 2;
/// Kind of the item with the name and version of a program.
pub const NAME: u8 = 3;
/// Kind of the item with a part of a token, behind which more follow.
pub const TOKEN_PART: u8 = 4;
/// Kind of the item with the last part of a token.
pub const TOKEN_END: u8 = 5;
/// Kind of the item with the bytes that an endpoint can keep for each party.
pub const WINDOW: u8 = 6;
/// Kind of the item with the milliseconds after which an endpoint shall come back.
pub const COME_BACK_IN: u8 = 7;

/// Bit of the item [`CAPABILITIES`]: the endpoint takes part in flow control and admission.
pub const TAKES_PART: u8 = 1;

/// Bytes of all items of one hello, at most: what fits both directions.
pub const MAX_ITEMS: usize = 253;

/// Bytes of the name and version of a program, at most.
pub const MAX_PROGRAM: usize = 64;

/// Bytes of a whole token, at most.
pub const MAX_TOKEN: usize = 4096;

/// Seconds between two keepalives that an endpoint can ask for.
pub const KEEPALIVE_RANGE: core::ops::RangeInclusive<u32> = 5..=86_400;

/// Tag of the first command of a connection that says that a hello will come, and that the endpoint
/// can keep 1 byte for each party until then. Each one above stands for twice as many.
pub const FIRST_TAG: u8 = 240;

/// Returns the tag of the first command of an endpoint that says hello as soon as it can, and can
/// keep `window` bytes for each party. `None` if that is so much that it need not be said: 65,536
/// bytes or more.
#[must_use]
pub const fn first_tag(window: usize) -> Option<u8> {
    match window.checked_ilog2() {
        #[expect(clippy::cast_possible_truncation, reason = "at most 15")]
        Some(bits @ 0..=15) => Some(FIRST_TAG.saturating_add(bits as u8)),
        _ => None,
    }
}

/// Returns the bytes that may be under way to an endpoint in each channel until it has said hello,
/// by the tag of its first command. `None` if it has said nothing about that.
///
/// ```
/// use peote_net::protocol::items::{first_tag, first_window};
/// assert_eq!(first_tag(1500), Some(250));
/// assert_eq!(first_window(250), Some(1024));
/// assert_eq!(first_window(1), None);
/// ```
#[must_use]
pub const fn first_window(tag: u8) -> Option<u32> {
    match tag.checked_sub(FIRST_TAG) {
        Some(bits) => Some(1 << bits),
        None => None,
    }
}

/// One item of a hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Item<'a> {
    /// What the endpoint can do, or what is in force: the first byte of the bit set.
    Capabilities(u8),
    /// Seconds between two keepalives, as they are on the wire: see [`KEEPALIVE_RANGE`].
    Keepalive(u32),
    /// Name and version of the program, UTF-8 in practice; at most [`MAX_PROGRAM`] bytes mean
    /// something.
    Name(&'a [u8]),
    /// A part of the token, behind which more follow.
    TokenPart(&'a [u8]),
    /// The last part of the token.
    TokenEnd(&'a [u8]),
    /// Bytes that the endpoint can keep for each party.
    Window(u32),
    /// Milliseconds after which the endpoint shall come back.
    ComeBackIn(u32),
}

/// Reads the items of a hello that is there as a whole.
///
/// Passes over kinds that it does not know and items that are too short for their kind. Ends where
/// the list is broken.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Items<'a> {
    /// The items in `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        loop {
            let [kind, len, behind @ ..] = self.rest else { return None };
            let (bytes, rest) = behind.split_at_checked(usize::from(*len))?;
            self.rest = rest;
            let item = match (*kind, bytes) {
                (NAME, name) => Item::Name(name),
                (TOKEN_PART, part) => Item::TokenPart(part),
                (TOKEN_END, part) => Item::TokenEnd(part),
                (CAPABILITIES, [bits, ..]) => Item::Capabilities(*bits),
                (kind, [a, b, c, d, ..]) => match of_number(kind, u32::from_le_bytes([*a, *b, *c, *d])) {
                    Some(item) => item,
                    None => continue,
                },
                _ => continue,
            };
            return Some(item);
        }
    }
}

const fn of_number(kind: u8, number: u32) -> Option<Item<'static>> {
    match kind {
        KEEPALIVE => Some(Item::Keepalive(number)),
        WINDOW => Some(Item::Window(number)),
        COME_BACK_IN => Some(Item::ComeBackIn(number)),
        _ => None,
    }
}

/// Reads the items of a hello byte by byte, for receivers that do not keep it as a whole.
///
/// Passes over names, tokens, kinds that it does not know, and items that are too short for their
/// kind. 8 bytes, `Copy`.
///
/// ```
/// use peote_net::protocol::items::{Item, NumberReader};
/// let mut reader = NumberReader::new();
/// let items: Vec<_> = [3, 1, b'x', 7, 4, 0, 1, 0, 0].into_iter().filter_map(|byte| reader.byte(byte)).collect();
/// assert_eq!(items, [Item::ComeBackIn(256)]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NumberReader {
    kind: u8,
    left: Left,
    /// Bytes of it that have come.
    len: u8,
    bytes: [u8; 4],
}

/// What of an item is to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Left {
    #[default]
    Kind,
    Length,
    Bytes(u8),
}

impl NumberReader {
    /// A reader in front of the first item.
    #[must_use]
    pub const fn new() -> Self {
        Self { kind: 0, left: Left::Kind, len: 0, bytes: [0; 4] }
    }

    /// Takes the next byte. Returns the item that ends with it.
    pub fn byte(&mut self, byte: u8) -> Option<Item<'static>> {
        match self.left {
            Left::Kind => (self.kind, self.left, self.len) = (byte, Left::Length, 0),
            Left::Length if byte == 0 => self.left = Left::Kind,
            Left::Length => self.left = Left::Bytes(byte),
            Left::Bytes(left) => {
                if let Some(place) = self.bytes.get_mut(usize::from(self.len)) {
                    *place = byte;
                    self.len = self.len.wrapping_add(1);
                }
                if left > 1 {
                    self.left = Left::Bytes(left.wrapping_sub(1));
                    return None;
                }
                self.left = Left::Kind;
                let [bits, ..] = self.bytes;
                return match self.kind {
                    CAPABILITIES => Some(Item::Capabilities(bits)),
                    kind if usize::from(self.len) == self.bytes.len() => {
                        of_number(kind, u32::from_le_bytes(self.bytes))
                    }
                    _ => None,
                };
            }
        }
        None
    }
}

/// An item of a number: [`KEEPALIVE`], [`WINDOW`] or [`COME_BACK_IN`].
#[must_use]
pub const fn number(kind: u8, number: u32) -> [u8; 6] {
    let [a, b, c, d] = number.to_le_bytes();
    [kind, 4, a, b, c, d]
}

/// The item that says what the endpoint can do, or what is in force.
#[must_use]
pub const fn capabilities(bits: u8) -> [u8; 3] {
    [CAPABILITIES, 1, bits]
}

/// The bytes in front of those of an item: [`NAME`], [`TOKEN_PART`] or [`TOKEN_END`].
#[must_use]
pub const fn head(kind: u8, len: u8) -> [u8; 2] {
    [kind, len]
}
