//! What endpoints say: sections 3.1 to 3.6 of docs/PROTOCOL.md.

use peote_net::protocol::Fragment;
use peote_net::protocol::to_relay::{Decoder, Malformed, Unit};

use crate::enumerate::{Decode, enumerate};
use crate::{Item, Items, size};

const COMMAND: u8 = 0;
const TO_SERVER: u8 = 1;
const TO_USER: u8 = 2;
const TO_ALL: u8 = 3;
const TO_ALL_BUT: u8 = 4;
/// From those that take part only; from others their modes mean "all".
const TO_READY: u8 = 5;
const TO_READY_BUT: u8 = 6;
/// Those that end the stream are from here on.
const NOTHING_BROADCAST: u8 = 10;
const BY_USER: u8 = 11;
const NO_USER: u8 = 12;

impl Decode for Decoder {
    fn new() -> Self {
        Self::new()
    }

    #[inline]
    fn decode(&mut self, input: &[u8]) -> Option<(usize, Item, [usize; 3])> {
        let (used, unit) = self.decode(input)?;
        Some(as_item(used, unit))
    }

    fn reference(stream: &[u8]) -> Items {
        reference(stream, false)
    }

    fn is_nothing(_: &Item) -> bool {
        false
    }

    fn is_end(item: &Item) -> bool {
        is_end(item)
    }
}

/// The decoder of what endpoints say that take part.
#[derive(Clone, Copy, PartialEq)]
struct OfPart(Decoder);

impl Decode for OfPart {
    fn new() -> Self {
        Self(Decoder::of(true))
    }

    #[inline]
    fn decode(&mut self, input: &[u8]) -> Option<(usize, Item, [usize; 3])> {
        let (used, unit) = self.0.decode(input)?;
        Some(as_item(used, unit))
    }

    fn reference(stream: &[u8]) -> Items {
        reference(stream, true)
    }

    fn is_nothing(_: &Item) -> bool {
        false
    }

    fn is_end(item: &Item) -> bool {
        is_end(item)
    }
}

#[inline]
fn as_item(used: usize, unit: Unit<'_>) -> (usize, Item, [usize; 3]) {
    let (kind, values, payload) = match unit {
        Unit::Command { command, tag, payload } => (COMMAND, [command, tag, 0], payload),
        Unit::ToServer { channel, payload } => (TO_SERVER, [channel, 0, 0], payload),
        Unit::ToUser { channel, user, payload } => (TO_USER, [channel, user, 0], payload),
        Unit::ToAll { channel, payload } => (TO_ALL, [channel, 0, 0], payload),
        Unit::ToAllBut { channel, excluded, payload } => (TO_ALL_BUT, [channel, excluded, 0], payload),
        Unit::ToReady { channel, payload } => (TO_READY, [channel, 0, 0], payload),
        Unit::ToReadyBut { channel, excluded, payload } => (TO_READY_BUT, [channel, excluded, 0], payload),
        Unit::Malformed(what) => {
            let (kind, channel) = match what {
                Malformed::BroadcastOfNothing => (NOTHING_BROADCAST, 0),
                Malformed::BroadcastByUser { channel } => (BY_USER, channel),
                Malformed::MissingUser { channel } => (NO_USER, channel),
                _ => (u8::MAX, 0),
            };
            return (used, Item { kind, values: [channel, 0, 0], ..Item::default() }, [0; 3]);
        }
    };
    (used, Item { kind, values, ..Item::default() }, piece(payload))
}

fn reference(stream: &[u8], takes_part: bool) -> Items {
    let mut items = Items::default();
    let mut at = 0;
    while let Some((item, end)) = unit(stream, at, takes_part) {
        // of a payload that has not begun nothing shows
        if item.kind != u8::MAX && (item.total == 0 || usize::from(item.start) < stream.len()) {
            items.push(item);
        }
        if is_end(&item) {
            break;
        }
        at = end;
    }
    items
}

fn is_end(item: &Item) -> bool {
    (NOTHING_BROADCAST..=NO_USER).contains(&item.kind)
}

pub(crate) fn piece(payload: Fragment<'_>) -> [usize; 3] {
    [payload.offset(), payload.bytes().len(), payload.total()]
}

/// The unit at `at`, and where the next one begins; `None` if its head is cut. Of no kind is a unit
/// of size 0.
fn unit(stream: &[u8], at: usize, takes_part: bool) -> Option<(Item, usize)> {
    let item = |kind, values, start: usize, total: usize| {
        Some((Item { kind, values, start: start as u8, total: total as u16 }, start + total))
    };
    let first = *stream.get(at)?;
    if first == 0 {
        let [command, tag, len] = *stream.get(at + 1..at + 4)? else { return None };
        return item(COMMAND, [command, tag, 0], at + 4, usize::from(len));
    }
    let mode = if first == 1 { Some(*stream.get(at + 1)?) } else { None };
    let at = if first == 1 { at + 2 } else { at };
    if mode.is_some() && *stream.get(at)? == 0 {
        return item(NOTHING_BROADCAST, [0; 3], at + 1, 0);
    }
    let (size, at) = size(stream, at)?;
    if size == 0 {
        return item(u8::MAX, [0; 3], at, 0);
    }
    let channel = *stream.get(at)?;
    let kind = match (mode, takes_part) {
        (None, _) => TO_USER,
        (Some(0), _) => TO_ALL_BUT,
        (Some(2), true) => TO_READY,
        (Some(3), true) => TO_READY_BUT,
        _ => TO_ALL,
    };
    match (mode, channel < 128) {
        (Some(_), true) => item(BY_USER, [channel, 0, 0], at + 1, 0),
        (None, true) => item(TO_SERVER, [channel, 0, 0], at + 1, size - 1),
        _ if kind == TO_ALL || kind == TO_READY => item(kind, [channel - 128, 0, 0], at + 1, size - 1),
        _ if size == 1 => item(NO_USER, [channel - 128, 0, 0], at + 1, 0),
        _ => {
            let user = *stream.get(at + 1)?;
            item(kind, [channel - 128, user, 0], at + 2, size - 2)
        }
    }
}

/// Each leads to a state of its own: in a head, at every place and where what came before decides
/// what follows; in a payload, with less than three bytes left, three, and more.
const STATES: &[&[u8]] = &[
    &[],
    &[0],
    &[1],
    &[0x80],
    // commands
    &[0, 4],
    &[0, 4, 9],
    // data: a size in one byte, and in two
    &[2],
    &[5],
    &[5, 0x83],
    &[0x80, 1],
    &[0xff, 0xff],
    &[0x80, 1, 1],
    // broadcasts to all, and to all but one
    &[1, 7],
    &[1, 0],
    &[1, 1, 1],
    &[1, 0, 3],
    &[1, 1, 0x80],
    &[1, 0, 0x80],
    &[1, 0, 0x80, 1],
    &[1, 0, 0xff, 0xff],
    &[1, 0, 0x80, 2, 0x85],
    // payloads
    &[0, 1, 2, 1],
    &[3, 1],
    &[5, 0x81, 2],
    &[1, 1, 3, 0x80],
    &[0xff, 0xff, 1],
];

#[test]
fn every_head_of_endpoints() {
    enumerate::<Decoder>(STATES, 4);
}

/// Behind a broadcast mode; all else is as from existing endpoints.
#[test]
fn every_broadcast_of_endpoints_that_take_part() {
    enumerate::<OfPart>(
        &[&[1], &[1, 2], &[1, 3], &[1, 0], &[1, 7], &[1, 2, 2], &[1, 3, 3], &[1, 3, 0x80, 2, 0x85]],
        3,
    );
}
