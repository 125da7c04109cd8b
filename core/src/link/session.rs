//! A link for the length of one call.

use super::Event;
use super::front::Queued;
use super::memory::BufferParts;
use super::send::{Out, OutParts};
use super::state::State;
use super::tables::{is_current, source};

/// A link's state and memory. What events borrow from is apart from what handlers write to.
#[derive(Debug)]
pub(super) struct Session<'a> {
    pub(super) out: Out<'a>,
    pub(super) inbox: Inbox<'a>,
}

/// The memory that the bytes of events lie in.
#[derive(Debug)]
pub(super) struct Inbox<'a> {
    pub(super) chunks: &'a mut [u8],
    pub(super) receive: &'a mut [u8],
}

impl<'a> Session<'a> {
    pub(super) fn new(state: &'a mut State, parts: BufferParts<'a>) -> Self {
        let BufferParts { own_channels: own, parties, chunks, chunk_size, window, transmit, receive, local } =
            parts;
        Self {
            out: Out::new(state, OutParts { own, parties, transmit, chunk_size, window, local }),
            inbox: Inbox { chunks, receive },
        }
    }
}

impl<'a> Inbox<'a> {
    /// Returns an event that waits; `None` if it is about a channel or a user that is no longer
    /// there.
    pub(super) fn event(&self, event: &Queued, out: &Out<'_>) -> Option<Event<'_>> {
        find(event, out, self.chunks, self.receive)
    }

    /// The same, for as long as the memory lasts.
    pub(super) fn into_event(self, event: &Queued, out: &Out<'_>) -> Option<Event<'a>> {
        find(event, out, self.chunks, self.receive)
    }
}

#[cfg_attr(feature = "speed", inline(always))]
fn find<'a>(event: &Queued, out: &Out<'_>, chunks: &'a [u8], receive: &'a [u8]) -> Option<Event<'a>> {
    let (from, bytes) = match *event {
        Queued::None => return None,
        Queued::Notice(notice) => {
            let OutParts { own, parties, .. } = &out.parts;
            return if is_current(own, parties, notice) { notice.event() } else { None };
        }
        Queued::LinkLost { unsent } => return Some(Event::LinkLost { unsent }),
        #[cfg(feature = "flow")]
        Queued::ComeBack { after } => {
            return Some(Event::ComeBack { after: crate::time::Duration::from_millis(after.into()) });
        }
        Queued::Malicious { from } => {
            let (source, limit) = source(out.parts.own, out.parts.parties, from)?;
            let party = out.parts.parties.get(usize::from(from.slot))?;
            return Some(Event::Malicious { from: source, violation: party.assembler.violation(limit)? });
        }
        Queued::Received { from, start, end } => (from, receive.get(start..end)?),
        Queued::Assembled { from, len } => {
            let at = usize::from(from.slot).wrapping_mul(out.parts.window);
            let start = out.parts.parties.get(usize::from(from.slot))?.kept.start();
            (from, chunks.get(at.wrapping_add(start)..)?.get(..len)?)
        }
        #[cfg(all(feature = "admission", feature = "server"))]
        Queued::Knock { from, len } => return super::flow::knock(&out.parts, from, chunks, len),
        #[cfg(feature = "flow")]
        Queued::Refused { from, code, len } => {
            let OutParts { parties, window, .. } = &out.parts;
            return Some(super::flow::refused(parties, *window, from, code, chunks, len.into()));
        }
    };
    let (from, limit) = source(out.parts.own, out.parts.parties, from)?;
    if limit.is_none() {
        return Some(Event::Data { from, bytes });
    }
    #[cfg(feature = "rpc")]
    if limit.is_rpc() {
        return Some(Event::Rpc { from, bytes: crate::rpc::Bytes::received(bytes) });
    }
    Some(Event::Chunk { from, bytes })
}
