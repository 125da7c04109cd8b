//! Frames: what they say, and how they lie on the line.

#![expect(
    clippy::cast_possible_truncation,
    reason = "on the wire offsets count modulo 65,536; lengths are below"
)]

/// Bytes of a frame in front of its payload.
pub(crate) const HEAD: usize = 7;
/// Bytes of a frame behind its payload.
const CHECK: usize = 4;
/// The longest payload. Shorter frames survive a bad line better, longer ones save little.
pub(crate) const PAYLOAD: usize = 64;
/// The longest frame, with the byte that COBS adds.
const CODED: usize = 1 + HEAD + PAYLOAD + CHECK;

/// What a frame is. The bits are also what an end remembers of the frame that it owes.
pub(crate) mod kind {
    /// The caller wants a new connection.
    pub(crate) const HELLO: u8 = 0x01;
    /// The answerer agrees.
    pub(crate) const WELCOME: u8 = 0x02;
    /// There is no connection, or no longer.
    pub(crate) const RESET: u8 = 0x04;
    /// Of a connection that both know. Alone it only acknowledges.
    pub(crate) const OPEN: u8 = 0x08;
    /// Wants an answer: has a payload, or asks for nothing but that.
    pub(crate) const ASK: u8 = 0x10;
    /// Something is missing: send again from `ack` on.
    pub(crate) const AGAIN: u8 = 0x20;
}

/// A frame on its way to the line: a delimiter, so that noise before it is no part of it, the coded
/// frame, a delimiter.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    at: u8,
    len: u8,
    bytes: [u8; CODED + 2],
}

impl Outgoing {
    pub(crate) const fn new() -> Self {
        Self { at: 0, len: 0, bytes: [0; CODED + 2] }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.at == self.len
    }

    /// Returns true if a frame on its way wants an answer.
    pub(crate) const fn asks(&self) -> bool {
        let [_, _, kind, ..] = self.bytes; // never zero, so the code leaves it alone
        !self.is_empty() && kind & (kind::HELLO | kind::ASK) != 0
    }

    /// Takes the next byte.
    pub(crate) fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(..self.len.into())?.get(usize::from(self.at))?;
        self.at = self.at.wrapping_add(1);
        Some(*byte)
    }

    /// Takes a frame, in place of what was there. The payload comes from the ring.
    pub(crate) fn set(&mut self, head: [u8; HEAD], len: usize, ring: &[u8], from: u32) {
        let [lead, code, content @ ..] = &mut self.bytes;
        (*lead, *code) = (0, 0);
        if let Some(place) = content.first_chunk_mut() {
            *place = head;
        }
        let (Some(payload), end) = (content.get_mut(HEAD..HEAD.wrapping_add(len)), HEAD.wrapping_add(len))
        else {
            return;
        };
        from_ring(ring, from, payload);
        let Some((content, rest)) = content.split_at_mut_checked(end) else { return };
        if let Some(place) = rest.first_chunk_mut() {
            *place = crc(content).to_le_bytes();
        }
        // COBS: each zero becomes the distance to the next one
        let end = end.wrapping_add(2 + CHECK);
        let (mut at, mut next) = (end, 0_u8);
        while at > 1 {
            at = at.wrapping_sub(1);
            next = next.wrapping_add(1);
            if let Some(byte) = self.bytes.get_mut(at).filter(|byte| **byte == 0) {
                *byte = next;
                next = 0;
            }
        }
        if let Some(place) = self.bytes.get_mut(end) {
            *place = 0;
        }
        self.at = 0;
        self.len = end.wrapping_add(1) as u8;
    }
}

/// A frame on its way from the line.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    len: u8,
    bytes: [u8; CODED],
}

impl Incoming {
    pub(crate) const fn new() -> Self {
        Self { len: 0, bytes: [0; CODED] }
    }

    /// Takes a byte that is no delimiter.
    pub(crate) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(usize::from(self.len)) {
            *place = byte;
        }
        self.len = self.len.saturating_add(1);
    }

    /// A delimiter has come. Returns what is in the frame, `None` if it is damaged, and nothing if
    /// two delimiters follow each other.
    pub(crate) fn end(&mut self) -> Option<&[u8]> {
        let len = usize::from(self.len);
        self.len = 0;
        let bytes = self.bytes.get_mut(..len)?;
        let mut at = 0_usize;
        while let Some(byte) = bytes.get_mut(at) {
            at = at.wrapping_add((*byte).into());
            *byte = 0;
        }
        if at != len {
            return None;
        }
        let Some((_, content)) = bytes.split_first() else { return Some(&[]) };
        let (content, check) = content.split_last_chunk::<CHECK>()?;
        (crc(content) == u32::from_le_bytes(*check)).then_some(content)
    }
}

/// CRC-32 as in Ethernet, bit by bit: a table would be as large as all the rest.
#[inline(never)]
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

/// Copies from a ring, whose length is a power of two, from an offset on.
#[inline(never)]
pub(crate) fn from_ring(ring: &[u8], mut from: u32, into: &mut [u8]) {
    let mask = ring.len().wrapping_sub(1);
    for place in into {
        *place = ring.get(from as usize & mask).copied().unwrap_or_default();
        from = from.wrapping_add(1);
    }
}

/// Copies into a ring.
#[inline(never)]
pub(crate) fn to_ring(ring: &mut [u8], mut to: u32, bytes: &[u8]) {
    let mask = ring.len().wrapping_sub(1);
    for &byte in bytes {
        if let Some(place) = ring.get_mut(to as usize & mask) {
            *place = byte;
        }
        to = to.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_of_the_catalogue() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
    }
}
