//! From a payload to units in the transmit ring, and to the lines of local users.

use super::local::{LocalPayload, LocalRoute};
use super::receive::PartyRef;
use super::ring::Ring;
use super::{Mode, SendError};
use crate::chunk::EncodedLength;
use crate::protocol::{Header, MAX_UNIT_PAYLOAD, to_relay};

/// Where something goes, and how its channel is to be understood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) wire: WireRoute,
    pub(super) local: LocalRoute,
    pub(super) mode: Mode,
    /// The user's party if it goes to one user, whose number can mean somebody else later.
    pub(super) party: PartyRef,
}

/// Where something goes on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct WireRoute {
    /// As the wire carries it.
    channel: u8,
    /// Whom it goes to; in a broadcast, who is left out.
    user: Option<u8>,
    is_broadcast: bool,
    #[cfg(feature = "local")]
    is_nowhere: bool,
}

impl WireRoute {
    /// Where what goes to local users alone goes on the wire.
    #[cfg(feature = "local")]
    pub(super) const NOWHERE: Self = Self { is_nowhere: true, ..Self::server(0) };
    #[cfg(not(feature = "local"))]
    pub(super) const NOWHERE: Self = Self::server(0); // nothing does

    pub(super) const fn server(channel: u8) -> Self {
        Self {
            channel,
            user: None,
            is_broadcast: false,
            #[cfg(feature = "local")]
            is_nowhere: false,
        }
    }

    pub(super) const fn user(channel: u8, user: u8) -> Self {
        Self { user: Some(user), ..Self::server(channel | to_relay::OWN) }
    }

    pub(super) const fn all(channel: u8, but: Option<u8>) -> Self {
        Self { user: but, is_broadcast: true, ..Self::server(channel | to_relay::OWN) }
    }

    pub(super) const fn is_nowhere(self) -> bool {
        #[cfg(feature = "local")]
        return self.is_nowhere;
        #[cfg(not(feature = "local"))]
        return false;
    }

    /// Bytes that `payload` bytes take on the wire, cut into units.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn wire_len(self, payload: usize) -> usize {
        if self.is_nowhere() {
            return 0;
        }
        let names = if self.user.is_some() { 2usize } else { 1 };
        let prefix = if self.is_broadcast { 2usize } else { 0 };
        let units = payload.div_ceil(MAX_UNIT_PAYLOAD);
        let last = payload.wrapping_sub(units.wrapping_sub(1).wrapping_mul(MAX_UNIT_PAYLOAD));
        // a size takes two bytes, but the last one may take one
        let heads = units.wrapping_mul(prefix.wrapping_add(names).wrapping_add(2));
        let is_short = last.wrapping_add(names) < 128;
        payload.saturating_add(heads).wrapping_sub(usize::from(is_short))
    }
}

/// The units of one payload, on their way into the transmit ring.
#[derive(Debug)]
pub(super) struct Units<'a> {
    ring: &'a mut Ring,
    memory: &'a mut [u8],
    route: WireRoute,
    /// The chunk's length field, which goes into the first unit; none once that has begun.
    length: EncodedLength,
    /// Bytes that the current unit still lacks.
    unit: usize,
    /// Bytes that it and those after it lack.
    left: usize,
}

impl<'a> Units<'a> {
    /// A payload of `len` bytes behind a length field. The caller has made sure that there is room.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn new(
        ring: &'a mut Ring,
        memory: &'a mut [u8],
        route: WireRoute,
        length: EncodedLength,
        len: usize,
    ) -> Self {
        let left = if route.is_nowhere() { 0 } else { len };
        let mut units = Self { ring, memory, route, length, unit: 0, left };
        // at once, which is faster; one place that does it is less code
        if cfg!(not(target_os = "none")) && left > 0 {
            units.begin_unit();
        }
        units
    }

    /// Puts the next bytes. What goes beyond the payload is left out.
    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        if cfg!(not(target_os = "none")) && bytes.len() <= self.unit {
            self.put_in_unit(bytes);
        } else {
            self.put_across(bytes);
        }
    }

    /// Puts bytes that need not all belong to the current unit.
    #[cfg_attr(target_os = "none", inline)]
    fn put_across(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.left > 0 {
            if self.unit == 0 {
                self.begin_unit();
            }
            let (now, rest) = bytes.split_at_checked(self.unit).unwrap_or((bytes, &[]));
            self.put_in_unit(now);
            bytes = rest;
        }
    }

    #[inline]
    fn put_in_unit(&mut self, bytes: &[u8]) {
        self.ring.push(self.memory, bytes);
        self.unit = self.unit.wrapping_sub(bytes.len());
        self.left = self.left.wrapping_sub(bytes.len());
    }

    /// Begins a unit with a chunk's length field, or with none, and as many of the bytes that are left as there is room for beside it.
    #[cfg_attr(not(target_os = "none"), inline)]
    fn begin_unit(&mut self) {
        let WireRoute { channel, user, is_broadcast, .. } = self.route;
        let length = core::mem::replace(&mut self.length, EncodedLength::NONE);
        let length = length.as_bytes();
        let in_all = self.left.saturating_add(length.len()).min(MAX_UNIT_PAYLOAD);
        let header = Header::new(is_broadcast, channel, user, in_all);
        #[cfg(target_os = "none")] // less code
        {
            self.ring.push(self.memory, header.as_bytes());
            self.ring.push(self.memory, length);
        }
        #[cfg(not(target_os = "none"))] // in one piece, which is faster than two
        {
            let mut head = heapless::Vec::<u8, { Header::MAX + EncodedLength::MAX }>::new();
            // both fit, by the capacity
            let _ = head.extend_from_slice(header.as_bytes());
            let _ = head.extend_from_slice(length);
            self.ring.push(self.memory, &head);
        }
        self.unit = in_all.saturating_sub(length.len());
    }
}

/// Takes the bytes of one payload into the transmit ring; see [`Out::send_with`](super::Out::send_with).
#[derive(Debug)]
pub struct Payload<'a> {
    units: Units<'a>,
    local: LocalPayload<'a>,
}

impl<'a> Payload<'a> {
    /// A payload on its way to the wire and to local users. The caller has made sure that there is room.
    #[inline]
    pub(super) const fn new(units: Units<'a>, local: LocalPayload<'a>) -> Self {
        Self { units, local }
    }

    /// Puts the next bytes.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.local.put(bytes);
        self.units.put(bytes);
    }

    /// Bytes that are still to be put.
    #[must_use]
    pub const fn left(&self) -> usize {
        let (wire, local) = (self.units.left, self.local.left());
        if wire > local { wire } else { local }
    }

    #[cold]
    fn fill_up(&mut self) {
        while self.left() > 0 {
            self.put(&[0; 16]);
        }
    }
}

impl Drop for Payload<'_> {
    /// The length has been announced, so what was not put (because the caller panicked, say) has to be made up for.
    #[inline]
    fn drop(&mut self) {
        if self.left() > 0 {
            self.fill_up();
        }
    }
}

/// The length field in front of `len` bytes; none for raw data.
pub(super) fn length_field(mode: Mode, len: usize) -> Result<EncodedLength, SendError> {
    match mode {
        _ if len == 0 => Err(SendError::Empty),
        Mode::Data => Ok(EncodedLength::NONE),
        Mode::Chunks(limit) => {
            limit.encode_length(len).ok_or(SendError::ChunkTooLarge { len, max: limit.max() })
        }
    }
}
