//! The wire as `docs/PROTOCOL.md` has it, read from a whole stream at once.

use peote_net::protocol::to_endpoint::Unit;
use peote_net::protocol::to_relay::Malformed;

use crate::said::{Kind, Said};

/// A cursor over the stream; `None` where it ends.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// The next `len` bytes, or what there is of them.
    fn up_to(&mut self, len: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// A unit with `len` bytes of payload; `None` if there are to be some and none has come.
    fn payload(&mut self, kind: Kind, len: usize) -> Option<Said> {
        let bytes = self.up_to(len);
        (len == 0 || !bytes.is_empty()).then(|| Said { kind, bytes: bytes.to_vec(), total: len })
    }

    fn size(&mut self, first: u8) -> Option<usize> {
        let first = usize::from(first);
        Some(if first < 128 { first } else { (first & 127) * 256 + usize::from(self.byte()?) })
    }
}

/// Everything a relay has said in `stream`, but what means nothing, to an endpoint that understands
/// what is said behind a hello, or does not.
pub(crate) fn from_relay_to(takes_part: bool, stream: &[u8]) -> Vec<Said> {
    let mut bytes = Bytes(stream);
    let mut said = Vec::new();
    while let Some(units) = unit_from_relay(&mut bytes, takes_part) {
        said.extend(units);
    }
    said
}

/// `None` at the end, `Some(None)` for something without meaning.
fn unit_from_relay(bytes: &mut Bytes<'_>, takes_part: bool) -> Option<Option<Said>> {
    let first = bytes.byte()?;
    if first == 0 {
        return control_from_relay(bytes, takes_part);
    }
    let size = bytes.size(first)?;
    if size == 0 {
        return Some(None);
    }
    let channel = bytes.byte()?;
    if channel < 128 {
        return Some(Some(bytes.payload(Kind::FromServer(channel), size - 1)?));
    }
    if size == 1 {
        return Some(None);
    }
    let user = bytes.byte()?;
    Some(Some(bytes.payload(Kind::FromUser(channel - 128, user), size - 2)?))
}

/// An answer or an event, whose length comes next.
fn control_from_relay(bytes: &mut Bytes<'_>, is_new: bool) -> Option<Option<Said>> {
    let len = usize::from(bytes.byte()?);
    let start = bytes.0;
    let head = &start[..start.len().min(len).min(12)];
    let mut padded = [0; 12];
    padded[..head.len()].copy_from_slice(head);
    let [a, b, c, d, e, f, ..] = padded;
    let number = |at: usize| u32::from_le_bytes(padded[at..at + 4].try_into().unwrap());
    // what it is, bytes that have to be there, and those in front of words or items
    let (kind, needed, tail) = match (a, b, len) {
        (1.., 0, 8..) if is_new => {
            (Kind::Control(Unit::Entered { tag: a, channel: c, user: d, window: number(4) }), 8, None)
        }
        (1.., 0, 3..) => (Kind::Control(Unit::Success { tag: a, channel: c }), 5, None),
        (1.., 1, 3..) if is_new => (Kind::RefusedWith(a, c), 3, Some(3)),
        (1.., 1, 3..) => (Kind::RefusedWith(a, c), 5, None),
        (0, 0, 4..) => (Kind::Control(Unit::UserEntered { channel: c, user: d }), 5, None),
        (0, 1, 5..) => (Kind::Control(Unit::UserGone { channel: c, user: d, reason: e }), 5, None),
        (0, 2, 4..) => (Kind::Control(Unit::ChannelGone { channel: c, reason: d }), 5, None),
        (0, 255, 2..) => (Kind::Control(Unit::Keepalive { last: [c, d] }), 5, None),
        (0, 3, 2..) if is_new => (Kind::Hello, 2, Some(2)),
        (0, 4, 10..) if is_new => (Kind::Knock(c, d, e, f & 1 != 0, number(6)), 10, Some(10)),
        (0, 5, 8..) if is_new && c >= 128 => {
            (Kind::Control(Unit::GrantFromUser { channel: c - 128, user: d, bytes: number(4) }), 8, None)
        }
        (0, 5, 7..) if is_new && c < 128 => {
            (Kind::Control(Unit::GrantFromServer { channel: c, bytes: number(3) }), 7, None)
        }
        (0, 6, 12..) if is_new => {
            let (send, receive) = (number(4), number(8));
            let raised = Unit::Raised { own: c >= 128, channel: c & 127, user: d, send, receive };
            (Kind::Control(raised), 12, None)
        }
        _ => {
            bytes.up_to(len);
            return Some(None);
        }
    };
    // the end of an event that is longer than its meaning may be missing
    if head.len() < len.min(needed) {
        return None;
    }
    let Some(tail) = tail else {
        bytes.up_to(len);
        return Some(Some(Said::bare(kind)));
    };
    bytes.up_to(tail);
    Some(Some(bytes.payload(kind, len - tail)?))
}

/// Everything an endpoint has said in `stream`, up to the first thing that is malformed.
pub(crate) fn from_endpoint(stream: &[u8]) -> Vec<Said> {
    from_endpoint_of(false, stream)
}

/// The same of an endpoint that takes part, or does not.
pub(crate) fn from_endpoint_of(takes_part: bool, stream: &[u8]) -> Vec<Said> {
    let mut bytes = Bytes(stream);
    let mut said = Vec::new();
    while let Some(unit) = unit_from_endpoint(&mut bytes, takes_part) {
        let malformed = matches!(unit, Some(Said { kind: Kind::Malformed(_), .. }));
        said.extend(unit);
        if malformed {
            break;
        }
    }
    said
}

fn unit_from_endpoint(bytes: &mut Bytes<'_>, takes_part: bool) -> Option<Option<Said>> {
    let malformed = |what| Some(Some(Said::bare(Kind::Malformed(what))));
    let mut first = bytes.byte()?;
    if first == 0 {
        let (command, tag, len) = (bytes.byte()?, bytes.byte()?, bytes.byte()?);
        return Some(Some(bytes.payload(Kind::Command(command, tag), len.into())?));
    }
    let broadcast = first == 1;
    let (mut to_all, mut to_ready) = (false, false);
    if broadcast {
        let mode = bytes.byte()?;
        to_ready = takes_part && (mode == 2 || mode == 3);
        to_all = if to_ready { mode == 2 } else { mode != 0 };
        first = bytes.byte()?;
        if first == 0 {
            return malformed(Malformed::BroadcastOfNothing);
        }
    }
    let size = bytes.size(first)?;
    if size == 0 {
        return Some(None);
    }
    let channel = bytes.byte()?;
    if channel < 128 {
        if broadcast {
            return malformed(Malformed::BroadcastByUser { channel });
        }
        return Some(Some(bytes.payload(Kind::ToServer(channel), size - 1)?));
    }
    let channel = channel - 128;
    if to_all {
        let kind = if to_ready { Kind::ToReady(channel) } else { Kind::ToAll(channel) };
        return Some(Some(bytes.payload(kind, size - 1)?));
    }
    if size == 1 {
        return malformed(Malformed::MissingUser { channel });
    }
    let user = bytes.byte()?;
    let kind = match (broadcast, to_ready) {
        (false, _) => Kind::ToUser(channel, user),
        (true, false) => Kind::ToAllBut(channel, user),
        (true, true) => Kind::ToReadyBut(channel, user),
    };
    Some(Some(bytes.payload(kind, size - 2)?))
}
