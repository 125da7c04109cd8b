//! What relays say: sections 4.1 to 4.9 of docs/PROTOCOL.md.

use peote_net::protocol::to_endpoint::{Decoder, Unit};

use crate::enumerate::{Decode, enumerate};
use crate::from_endpoints::piece;
use crate::{Item, Items, size};

const SUCCESS: u8 = 0;
const REFUSED: u8 = 1;
const USER_ENTERED: u8 = 2;
const USER_GONE: u8 = 3;
const CHANNEL_GONE: u8 = 4;
const KEEPALIVE: u8 = 5;
const FROM_SERVER: u8 = 6;
const FROM_USER: u8 = 7;
const UNKNOWN: u8 = 8;
const ENTERED: u8 = 9;
const HELLO: u8 = 10;
const KNOCK: u8 = 11;
const GRANT_BY_SERVER: u8 = 12;
const GRANT_BY_USER: u8 = 13;
const RAISED: u8 = 14;

impl Decode for Decoder {
    fn new() -> Self {
        Self::new()
    }

    #[inline]
    fn decode(&mut self, input: &[u8]) -> Option<(usize, Item, [usize; 3])> {
        let (used, unit) = self.decode(input)?;
        let (kind, values) = match unit {
            Unit::Success { tag, channel } => (SUCCESS, [tag, channel, 0]),
            Unit::Refused { tag, code, words } => {
                let item = Item { kind: REFUSED, values: [tag, code, 0], ..Item::default() };
                return Some((used, item, piece(words)));
            }
            Unit::Hello { items } => {
                return Some((used, Item { kind: HELLO, ..Item::default() }, piece(items)));
            }
            Unit::Knock { channel, user, ticket, words, .. } => {
                let item = Item { kind: KNOCK, values: [channel, user, ticket], ..Item::default() };
                return Some((used, item, piece(words)));
            }
            Unit::Entered { tag, channel, user, .. } => (ENTERED, [tag, channel, user]),
            Unit::GrantFromServer { channel, .. } => (GRANT_BY_SERVER, [channel, 0, 0]),
            Unit::GrantFromUser { channel, user, .. } => (GRANT_BY_USER, [channel, user, 0]),
            Unit::Raised { own, channel, user, .. } => (RAISED, [own.into(), channel, user]),
            Unit::UserEntered { channel, user } => (USER_ENTERED, [channel, user, 0]),
            Unit::UserGone { channel, user, reason } => (USER_GONE, [channel, user, reason]),
            Unit::ChannelGone { channel, reason } => (CHANNEL_GONE, [channel, reason, 0]),
            Unit::Keepalive { last: [a, b] } => (KEEPALIVE, [a, b, 0]),
            Unit::Unknown => (UNKNOWN, [0; 3]),
            Unit::FromServer { channel, payload } => {
                let item = Item { kind: FROM_SERVER, values: [channel, 0, 0], ..Item::default() };
                return Some((used, item, piece(payload)));
            }
            Unit::FromUser { channel, user, payload } => {
                let item = Item { kind: FROM_USER, values: [channel, user, 0], ..Item::default() };
                return Some((used, item, piece(payload)));
            }
        };
        Some((used, Item { kind, values, ..Item::default() }, [0; 3]))
    }

    fn reference(stream: &[u8]) -> Items {
        let mut items = Items::default();
        let mut at = 0;
        while let Some((item, end)) = unit(stream, at) {
            if item.kind != UNKNOWN && (item.total == 0 || usize::from(item.start) < stream.len()) {
                items.push(item);
            }
            at = end;
        }
        items
    }

    fn is_nothing(item: &Item) -> bool {
        item.kind == UNKNOWN
    }

    fn is_end(_: &Item) -> bool {
        false
    }
}

/// The unit at `at`, and where the next one begins; `None` if its head is cut.
fn unit(stream: &[u8], at: usize) -> Option<(Item, usize)> {
    let item = |kind, values, start: usize, total: usize| {
        Some((Item { kind, values, start: start as u8, total: total as u16 }, start + total))
    };
    let first = *stream.get(at)?;
    if first == 0 {
        let len = usize::from(*stream.get(at + 1)?);
        // what is missing counts as 0
        let known = stream.get(at + 2..stream.len().min(at + 2 + len.min(12)))?;
        let mut padded = [0; 12];
        padded[..known.len()].copy_from_slice(known);
        let [a, b, c, d, e, ..] = padded;
        // what it is, bytes that have to be there, and whether words or items follow them
        let (kind, values, needed, has_tail) = match (a, b, len) {
            (1.., 0, 8..) => (ENTERED, [a, c, d], 8, false),
            (1.., 0, 3..) => (SUCCESS, [a, c, 0], 8, false),
            (1.., 1, 3..) => (REFUSED, [a, c, 0], 3, true),
            (0, 0, 4..) => (USER_ENTERED, [c, d, 0], 5, false),
            (0, 1, 5..) => (USER_GONE, [c, d, e], 5, false),
            (0, 2, 4..) => (CHANNEL_GONE, [c, d, 0], 5, false),
            (0, 3, 2..) => (HELLO, [0; 3], 2, true),
            (0, 4, 10..) => (KNOCK, [c, d, e], 10, true),
            (0, 5, 7..) if c < 128 => (GRANT_BY_SERVER, [c, 0, 0], 7, false),
            (0, 5, 8..) if c >= 128 => (GRANT_BY_USER, [c - 128, d, 0], 8, false),
            (0, 6, 12..) => (RAISED, [c >> 7, c & 127, d], 12, false),
            (0, 255, 2..) => (KEEPALIVE, [c, d, 0], 5, false),
            _ => (UNKNOWN, [0; 3], 5, false),
        };
        if known.len() < len.min(needed) {
            return None;
        }
        if has_tail {
            return item(kind, values, at + 2 + needed, len - needed);
        }
        return Some((Item { kind, values, start: at as u8, total: 0 }, at + 2 + len));
    }
    let (size, at) = size(stream, at)?;
    if size == 0 {
        return item(UNKNOWN, [0; 3], at, 0);
    }
    let channel = *stream.get(at)?;
    if channel < 128 {
        return item(FROM_SERVER, [channel, 0, 0], at + 1, size - 1);
    }
    if size == 1 {
        return item(UNKNOWN, [0; 3], at + 1, 0);
    }
    let user = *stream.get(at + 1)?;
    item(FROM_USER, [channel - 128, user, 0], at + 2, size - 2)
}

/// Each leads to a state of its own: in a head, at every place and where what came before decides
/// what follows; in a payload, with less than three bytes left, three, and more.
#[test]
fn every_head_of_relays() {
    enumerate::<Decoder>(
        &[
            &[],
            &[0],
            &[0x80],
            // answers and events, shorter than their meaning, as long, and longer
            &[0, 1],
            &[0, 2],
            &[0, 3],
            &[0, 4],
            &[0, 5],
            &[0, 255],
            &[0, 3, 7],
            &[0, 4, 0],
            &[0, 5, 0],
            &[0, 5, 0, 1],
            &[0, 4, 0, 2],
            &[0, 4, 0, 255],
            &[0, 7, 0, 1, 5],
            &[0, 8, 0, 0, 1, 2, 3],
            // what only endpoints that take part are told: where its first bytes decide, in the
            // middle of its numbers, and at its end
            &[0, 8, 9, 0],
            &[0, 8, 9, 0, 1, 2, 3],
            &[0, 7, 0, 5, 0x7f],
            &[0, 8, 0, 5, 0x80],
            &[0, 8, 0, 5, 0x80, 1, 2],
            &[0, 9, 0, 5, 0x80, 1, 0, 0],
            &[0, 10, 0, 4],
            &[0, 12, 0, 4, 1, 2, 3],
            &[0, 12, 0, 4, 1, 2, 3, 1, 0, 0],
            &[0, 11, 0, 6],
            &[0, 12, 0, 6],
            &[0, 12, 0, 6, 0x85, 3, 1, 1, 0, 0],
            &[0, 13, 0, 6, 5, 3, 1, 1, 0, 0, 0],
            // words and items: less than three bytes left, three, and more
            &[0, 5, 0, 3],
            &[0, 5, 0, 3, 7],
            &[0, 4, 7, 1, 2],
            &[0, 9, 7, 1, 2, b'a'],
            &[0, 14, 0, 4, 1, 2, 3, 1, 0, 0, 0, 9],
            &[0, 255, 0, 3],
            // data: a size in one byte, and in two
            &[1],
            &[2],
            &[5],
            &[5, 0x83],
            &[0x80, 1],
            &[0xff, 0xff],
            // payloads
            &[2, 5],
            &[3, 1],
            &[5, 0x81, 2],
            &[0xff, 0xff, 1],
        ],
        3,
    );
}
