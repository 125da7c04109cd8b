//! From a payload to units in the transmit ring, and to the lines of local users.

use crate::chunk::{ChunkLimit, EncodedLength};
use crate::link::local::{LocalPayload, LocalRoute};
use crate::link::ring::Ring;
#[cfg(any(feature = "large-chunks", feature = "flow"))]
use crate::link::slots::PartyRef;
use crate::link::{MAX_WHOLE_BROADCAST, SendError};
use crate::protocol::{Header, MAX_UNIT_PAYLOAD, to_relay};

/// Where something goes, and how long its chunks may be.
#[derive(Clone, Copy, Debug)]
pub(in crate::link) struct Route {
    pub(in crate::link) wire: WireRoute,
    pub(in crate::link) local: LocalRoute,
    /// [`ChunkLimit::NONE`] for raw data.
    pub(in crate::link) limit: ChunkLimit,
    /// The party if it goes to one, whose number can mean somebody else later.
    #[cfg(any(feature = "large-chunks", feature = "flow"))]
    pub(in crate::link) party: Option<PartyRef>,
}

impl Route {
    /// Returns true if `len` bytes behind a length field go to the relay alone, in one unit.
    #[inline]
    pub(super) fn is_one_unit(&self, length: EncodedLength, len: usize) -> bool {
        let fits = !cfg!(feature = "large-chunks")
            || len <= MAX_UNIT_PAYLOAD.saturating_sub(length.as_bytes().len());
        fits && self.local.is_none() && !self.wire.is_nowhere()
    }
}

/// Where something goes on the wire.
#[derive(Clone, Copy, Debug)]
pub(in crate::link) struct WireRoute {
    /// As the wire carries it.
    channel: u8,
    /// Whom it goes to; in a broadcast, who is left out.
    user: Option<u8>,
    is_broadcast: bool,
    #[cfg(any(feature = "local", feature = "flow"))]
    is_nowhere: bool,
}

impl WireRoute {
    /// Where what goes to local users alone goes on the wire.
    #[cfg(any(feature = "local", feature = "flow"))]
    pub(in crate::link) const NOWHERE: Self = Self { is_nowhere: true, ..Self::server(0) };
    #[cfg(not(any(feature = "local", feature = "flow")))]
    pub(in crate::link) const NOWHERE: Self = Self::server(0); // nothing does

    pub(super) const fn server(channel: u8) -> Self {
        Self {
            channel,
            user: None,
            is_broadcast: false,
            #[cfg(any(feature = "local", feature = "flow"))]
            is_nowhere: false,
        }
    }

    pub(super) const fn user(channel: u8, user: u8) -> Self {
        Self { user: Some(user), ..Self::server(channel | to_relay::OWN) }
    }

    pub(super) const fn all(channel: u8, but: Option<u8>) -> Self {
        Self { user: but, is_broadcast: true, ..Self::server(channel | to_relay::OWN) }
    }

    /// The number of the own channel.
    #[cfg(all(feature = "flow", feature = "server"))]
    pub(in crate::link) const fn own_number(self) -> u8 {
        self.channel & !to_relay::OWN
    }

    pub(super) const fn is_nowhere(self) -> bool {
        #[cfg(any(feature = "local", feature = "flow"))]
        return self.is_nowhere;
        #[cfg(not(any(feature = "local", feature = "flow")))]
        return false;
    }

    /// Returns the user in the head. Without own channels there is none, and the compiler sees it.
    #[inline]
    const fn named(self) -> Option<u8> {
        if cfg!(feature = "server") { self.user } else { None }
    }

    /// Returns true for a broadcast. Without own channels there are none.
    #[inline]
    const fn is_to_all(self) -> bool {
        cfg!(feature = "server") && self.is_broadcast
    }

    /// Returns how many bytes `payload` bytes take on the wire, cut into units.
    #[inline]
    pub(in crate::link) fn wire_len(self, payload: usize) -> usize {
        if self.is_nowhere() {
            return 0;
        }
        let names = if self.named().is_some() { 2usize } else { 1 };
        let prefix = if self.is_to_all() { 2usize } else { 0 };
        let head = names.wrapping_add(prefix).wrapping_add(1);
        let (mut heads, mut last) = (head, payload);
        if cfg!(feature = "large-chunks") && payload > MAX_UNIT_PAYLOAD {
            let before = payload.div_ceil(MAX_UNIT_PAYLOAD).wrapping_sub(1);
            last = payload.wrapping_sub(before.wrapping_mul(MAX_UNIT_PAYLOAD));
            heads = heads.saturating_add(before.wrapping_mul(head.wrapping_add(1)));
        }
        // the size of a short unit takes one byte, that of others two
        let is_long = last.wrapping_add(names) >= 128;
        payload.saturating_add(heads).saturating_add(is_long.into())
    }
}

/// The units of one payload, on their way into the transmit ring.
#[derive(Debug)]
pub(super) struct Units<'a> {
    ring: &'a mut Ring,
    memory: &'a mut [u8],
    route: WireRoute,
    /// Bytes that the current unit still lacks.
    unit: usize,
    /// Bytes that it and those after it lack.
    left: usize,
}

impl<'a> Units<'a> {
    /// Begins a payload of `len` bytes behind a length field. The caller has made sure that there
    /// is room.
    #[cfg_attr(feature = "speed", inline)]
    pub(super) fn new(
        ring: &'a mut Ring,
        memory: &'a mut [u8],
        route: WireRoute,
        length: EncodedLength,
        len: usize,
    ) -> Self {
        let mut units = Self { ring, memory, route, unit: 0, left: 0 };
        if !route.is_nowhere() {
            units.left = len;
            units.begin_unit(length);
        }
        units
    }

    /// Puts the next bytes. What goes beyond the payload is left out.
    #[cfg_attr(feature = "speed", inline)]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        match bytes.get(..self.unit) {
            Some(_) if cfg!(feature = "large-chunks") => self.put_across(bytes),
            Some(bytes) => self.put_in_unit(bytes),
            None => self.put_in_unit(bytes),
        }
    }

    /// Puts bytes that do not all belong to the current unit.
    #[cold]
    fn put_across(&mut self, mut bytes: &[u8]) {
        while self.left > 0 {
            if self.unit == 0 {
                self.begin_unit(EncodedLength::NONE);
            }
            let Some((now, rest)) = bytes.split_at_checked(self.unit) else {
                self.put_in_unit(bytes);
                return;
            };
            self.put_in_unit(now);
            bytes = rest;
        }
    }

    #[cfg_attr(feature = "speed", inline)]
    fn put_in_unit(&mut self, bytes: &[u8]) {
        self.ring.push(self.memory, bytes);
        self.unit = self.unit.wrapping_sub(bytes.len());
        self.left = self.left.wrapping_sub(bytes.len());
    }

    /// Begins a unit with a chunk's length field, or with none, and as many of the bytes that are
    /// left as there is room for beside it.
    #[cfg_attr(feature = "speed", inline)]
    fn begin_unit(&mut self, length: EncodedLength) {
        self.unit = self.left;
        if cfg!(feature = "large-chunks") {
            self.unit = self.left.min(MAX_UNIT_PAYLOAD.saturating_sub(length.as_bytes().len()));
        }
        push_head(self.ring, self.memory, self.route, length, self.unit);
    }
}

/// Queues what stands in front of `len` bytes of payload. The caller has made sure that there is
/// room for all.
#[inline]
pub(super) fn push_head(
    ring: &mut Ring,
    memory: &mut [u8],
    route: WireRoute,
    length: EncodedLength,
    len: usize,
) {
    let in_all = len.saturating_add(length.as_bytes().len());
    let header = Header::new(route.is_to_all(), route.channel, route.named(), in_all);
    if cfg!(feature = "speed") {
        // both in one word: copies of a known length are a few instructions
        let bytes = u128::from(header.to_word())
            | u128::from(length.to_word()).wrapping_shl(u32::from(header.bits()));
        ring.push_word(memory, bytes.to_le_bytes(), header.len().wrapping_add(length.as_bytes().len()));
    } else if cfg!(any(feature = "large-chunks", feature = "server")) {
        ring.push(memory, header.as_bytes());
        ring.push(memory, length.as_bytes());
    } else {
        // both have five bytes at most, and are one copy
        let bytes = header.to_word() | length.to_word().wrapping_shl(u32::from(header.bits()));
        let len = header.len().wrapping_add(length.as_bytes().len());
        ring.push(memory, bytes.to_le_bytes().get(..len).unwrap_or_default());
    }
}

/// Takes the bytes of one payload into the transmit ring; see
/// [`Out::send_with`](super::Out::send_with).
#[derive(Debug)]
pub struct Payload<'a> {
    units: Units<'a>,
    local: LocalPayload<'a>,
}

impl<'a> Payload<'a> {
    /// A payload on its way to the wire and to local users. The caller has made sure that there is
    /// room.
    #[cfg_attr(feature = "speed", inline)]
    pub(super) const fn new(units: Units<'a>, local: LocalPayload<'a>) -> Self {
        Self { units, local }
    }

    /// Puts the next bytes.
    #[cfg_attr(feature = "speed", inline)]
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
    /// The length has been announced, so what was not put (because the caller panicked, say) has to
    /// be made up for.
    #[cfg_attr(feature = "speed", inline)]
    fn drop(&mut self) {
        if self.left() > 0 {
            self.fill_up();
        }
    }
}

/// The length field in front of `len` bytes; none for raw data.
#[inline]
pub(in crate::link) fn length_field(limit: ChunkLimit, len: usize) -> Result<EncodedLength, SendError> {
    if len == 0 {
        return Err(SendError::Empty);
    }
    // without large chunks a payload is one unit
    let most = if cfg!(feature = "large-chunks") { usize::MAX } else { MAX_WHOLE_BROADCAST };
    let is_raw = limit.is_none();
    let max = if is_raw { u32::MAX } else { limit.max() };
    let max = max.min(u32::try_from(most).unwrap_or(u32::MAX));
    if is_raw {
        return if len > most { Err(SendError::ChunkTooLarge { len, max }) } else { Ok(EncodedLength::NONE) };
    }
    let length = if len > most { None } else { limit.encode_length(len) };
    length.ok_or(SendError::ChunkTooLarge { len, max })
}
