//! From a payload to units in the transmit ring.

use super::ring::Ring;
use crate::protocol::{Header, MAX_UNIT_PAYLOAD, to_relay};

/// Where something goes on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) enum Route {
    Server(u8),
    User(u8, u8),
    All(u8),
    AllBut(u8, u8),
}

impl Route {
    #[inline]
    pub(super) fn header(self, payload: usize) -> Header {
        match self {
            Self::Server(channel) => to_relay::data_from_user(channel, payload),
            Self::User(channel, user) => to_relay::data_from_server(channel, user, payload),
            Self::All(channel) => to_relay::broadcast(channel, None, payload),
            Self::AllBut(channel, user) => to_relay::broadcast(channel, Some(user), payload),
        }
    }

    /// Bytes that `payload` bytes take on the wire, cut into units.
    #[inline]
    pub(super) fn wire_len(self, payload: usize) -> usize {
        // channel and user count in the size, a broadcast prefix does not
        let (prefix, names) = match self {
            Self::Server(_) => (0, 1),
            Self::User(..) => (0, 2),
            Self::All(_) => (2, 1),
            Self::AllBut(..) => (2, 2),
        };
        let unit = |payload: usize| {
            let size = payload.saturating_add(names);
            size.saturating_add(prefix).saturating_add(if size < 128 { 1 } else { 2 })
        };
        if payload <= MAX_UNIT_PAYLOAD {
            return unit(payload);
        }
        // MAX_UNIT_PAYLOAD is not 0
        let full = payload.checked_div(MAX_UNIT_PAYLOAD).unwrap_or(0);
        let last = payload.saturating_sub(full.saturating_mul(MAX_UNIT_PAYLOAD));
        full.saturating_mul(unit(MAX_UNIT_PAYLOAD)).saturating_add(if last > 0 { unit(last) } else { 0 })
    }
}

/// Takes the bytes of one payload into the transmit ring; see [`Out::send_with`](super::Out::send_with).
#[derive(Debug)]
pub struct Payload<'a> {
    ring: &'a mut Ring,
    memory: &'a mut [u8],
    route: Route,
    /// Bytes that the current unit still lacks.
    unit: usize,
    /// Bytes that are left for units after the current one.
    later: usize,
}

impl<'a> Payload<'a> {
    /// A payload whose first unit, of which the head is in the ring, lacks `unit` bytes, with `later` bytes behind it.
    pub(super) const fn new(
        ring: &'a mut Ring,
        memory: &'a mut [u8],
        route: Route,
        unit: usize,
        later: usize,
    ) -> Self {
        Self { ring, memory, route, unit, later }
    }

    /// Puts the next bytes.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        if bytes.len() <= self.unit {
            self.ring.push(self.memory, bytes);
            self.unit = self.unit.wrapping_sub(bytes.len());
        } else {
            self.put_across(bytes);
        }
    }

    /// Puts bytes that do not all belong to the current unit.
    fn put_across(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.left() > 0 {
            if self.unit == 0 {
                self.unit = self.later.min(MAX_UNIT_PAYLOAD);
                self.later = self.later.saturating_sub(self.unit);
                self.ring.push(self.memory, self.route.header(self.unit).as_bytes());
            }
            let (now, rest) = bytes.split_at_checked(self.unit).unwrap_or((bytes, &[]));
            self.ring.push(self.memory, now);
            self.unit = self.unit.saturating_sub(now.len());
            bytes = rest;
        }
    }

    /// Bytes that are still to be put.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.unit.saturating_add(self.later)
    }
}

impl Drop for Payload<'_> {
    /// The length has been announced, so what was not put (because the caller panicked, say) has to be made up for.
    #[inline]
    fn drop(&mut self) {
        while self.left() > 0 {
            self.put(&[0; 16]);
        }
    }
}
