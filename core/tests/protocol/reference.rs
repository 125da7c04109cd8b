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

/// Everything a relay has said in `stream`, but what means nothing.
pub(crate) fn from_relay(stream: &[u8]) -> Vec<Said> {
    let mut bytes = Bytes(stream);
    let mut said = Vec::new();
    while let Some(units) = unit_from_relay(&mut bytes) {
        said.extend(units);
    }
    said
}

/// `None` at the end, `Some(None)` for something without meaning.
fn unit_from_relay(bytes: &mut Bytes<'_>) -> Option<Option<Said>> {
    let first = bytes.byte()?;
    if first == 0 {
        let len = usize::from(bytes.byte()?);
        let payload = bytes.up_to(len);
        // the end of an event that is longer than its meaning may be missing
        if payload.len() < len.min(5) {
            return None;
        }
        let mut padded = [0; 5];
        padded[..len.min(5)].copy_from_slice(&payload[..len.min(5)]);
        let [a, b, c, d, e] = padded;
        let unit = match (a, b, len) {
            (1.., 0, 3..) => Unit::Success { tag: a, channel: c },
            (1.., 1, 3..) => Unit::Refused { tag: a, code: c },
            (0, 0, 4..) => Unit::UserEntered { channel: c, user: d },
            (0, 1, 5..) => Unit::UserGone { channel: c, user: d, reason: e },
            (0, 2, 4..) => Unit::ChannelGone { channel: c, reason: d },
            (0, 255, 2..) => Unit::Keepalive { last: [c, d] },
            _ => return Some(None),
        };
        return Some(Some(Said::bare(Kind::Control(unit))));
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

/// Everything an endpoint has said in `stream`, up to the first thing that is malformed.
pub(crate) fn from_endpoint(stream: &[u8]) -> Vec<Said> {
    let mut bytes = Bytes(stream);
    let mut said = Vec::new();
    while let Some(unit) = unit_from_endpoint(&mut bytes) {
        let malformed = matches!(unit, Some(Said { kind: Kind::Malformed(_), .. }));
        said.extend(unit);
        if malformed {
            break;
        }
    }
    said
}

fn unit_from_endpoint(bytes: &mut Bytes<'_>) -> Option<Option<Said>> {
    let malformed = |what| Some(Some(Said::bare(Kind::Malformed(what))));
    let mut first = bytes.byte()?;
    if first == 0 {
        let (command, tag, len) = (bytes.byte()?, bytes.byte()?, bytes.byte()?);
        return Some(Some(bytes.payload(Kind::Command(command, tag), len.into())?));
    }
    let broadcast = first == 1;
    let mut to_all = false;
    if broadcast {
        to_all = bytes.byte()? != 0;
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
        return Some(Some(bytes.payload(Kind::ToAll(channel), size - 1)?));
    }
    if size == 1 {
        return malformed(Malformed::MissingUser { channel });
    }
    let user = bytes.byte()?;
    let kind = if broadcast { Kind::ToAllBut(channel, user) } else { Kind::ToUser(channel, user) };
    Some(Some(bytes.payload(kind, size - 2)?))
}
