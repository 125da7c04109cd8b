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

impl Decode for Decoder {
    fn new() -> Self {
        Self::new()
    }

    #[inline]
    fn decode(&mut self, input: &[u8]) -> Option<(usize, Item, [usize; 3])> {
        let (used, unit) = self.decode(input)?;
        let (kind, values) = match unit {
            Unit::Success { tag, channel } => (SUCCESS, [tag, channel, 0]),
            Unit::Refused { tag, code, .. } => (REFUSED, [tag, code, 0]),
            Unit::UserEntered { channel, user } => (USER_ENTERED, [channel, user, 0]),
            Unit::UserGone { channel, user, reason } => (USER_GONE, [channel, user, reason]),
            Unit::ChannelGone { channel, reason } => (CHANNEL_GONE, [channel, reason, 0]),
            Unit::Keepalive { last: [a, b] } => (KEEPALIVE, [a, b, 0]),
            // those of flow control are for the tests of the codec
            Unit::Unknown
            | Unit::Entered { .. }
            | Unit::Hello { .. }
            | Unit::Knock { .. }
            | Unit::GrantFromServer { .. }
            | Unit::GrantFromUser { .. }
            | Unit::Raised { .. } => (UNKNOWN, [0; 3]),
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
        // what counts of it, and what is missing counts as 0
        let known = stream.get(at + 2..at + 2 + len.min(5))?;
        let mut padded = [0; 5];
        padded[..known.len()].copy_from_slice(known);
        let [a, b, c, d, e] = padded;
        let (kind, values) = match (a, b, len) {
            (1.., 0, 3..) => (SUCCESS, [a, c, 0]),
            (1.., 1, 3..) => (REFUSED, [a, c, 0]),
            (0, 0, 4..) => (USER_ENTERED, [c, d, 0]),
            (0, 1, 5..) => (USER_GONE, [c, d, e]),
            (0, 2, 4..) => (CHANNEL_GONE, [c, d, 0]),
            (0, 255, 2..) => (KEEPALIVE, [c, d, 0]),
            _ => (UNKNOWN, [0; 3]),
        };
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
