//! What may be sent to whom.

use super::receiving::{GRANT, push_grant};
use super::window::Window;
#[cfg(feature = "server")]
use crate::link::MAX_WHOLE_BROADCAST;
use crate::link::ring::Ring;
#[cfg(feature = "server")]
use crate::link::send::check_mode;
use crate::link::send::{Out, Route};
#[cfg(feature = "server")]
use crate::link::send::{WireRoute, length_field};
use crate::link::slots::{PartySlot, PartyState};
use crate::link::{Destination, OwnChannel, SendError, User};
#[cfg(feature = "server")]
use crate::protocol::to_relay;

/// Bytes of other data than chunks that may be sent while the window is not known. A chunk may go
/// whatever the window is; this is less than any receiver of raw data has.
const UNKNOWN: u32 = 64;

impl PartySlot {
    /// Returns an error if `len` bytes may not be sent now.
    #[inline]
    fn check_window(&self, len: usize, is_chunk: bool) -> Result<(), SendError> {
        if i64::try_from(len).unwrap_or(i64::MAX) <= self.left_of_window() {
            return Ok(());
        }
        self.check_full_window(len, is_chunk)
    }

    /// The same for what is longer than what is left of the window.
    #[cold]
    fn check_full_window(&self, len: usize, is_chunk: bool) -> Result<(), SendError> {
        let window = self.window.bytes();
        // a chunk goes whole, whatever its size, if nothing else is under way
        if (is_chunk && self.outstanding <= 0) || !self.has_windows() {
            return Ok(());
        }
        if !is_chunk && window > 0 && len > window as usize {
            return Err(SendError::WindowTooSmall { len, window });
        }
        Err(SendError::WouldBlock)
    }

    /// Asks for a grant, if there is room for that and the party may keep one back, because less
    /// than half of its window is used up.
    fn ask(&mut self, ring: &mut Ring, memory: &mut [u8]) {
        let half = self.window.bytes().wrapping_div(2).cast_signed();
        let is_kept_back = self.outstanding > 0 && self.outstanding <= half;
        if is_kept_back
            && !self.window.has(Window::ASKED)
            && ring.free(memory) >= GRANT
            && push_grant(ring, memory, self.state, 0)
        {
            self.window.set(Window::ASKED, true);
        }
    }

    /// Returns true unless the party is local, or gone: neither grants anything, and what is sent
    /// to one that is gone is lost.
    const fn has_windows(&self) -> bool {
        matches!(self.state, PartyState::Entered { .. } | PartyState::User { .. })
    }

    fn left_of_window(&self) -> i64 {
        let window = if self.window.is_none() { UNKNOWN } else { self.window.bytes() };
        i64::from(window).wrapping_sub(self.outstanding.into()) // far from the bounds
    }

    /// Returns how many bytes may be sent now.
    fn may_send(&self) -> usize {
        let left = self.left_of_window().max(0);
        if self.has_windows() { usize::try_from(left).unwrap_or(usize::MAX) } else { usize::MAX }
    }

    fn debit(&mut self, len: usize) {
        self.outstanding = self.outstanding.saturating_add(i32::try_from(len).unwrap_or(i32::MAX));
    }

    /// Returns true if the party is a user of the own channel in this slot, but for one.
    fn is_reached(&self, channel: OwnChannel, but: Option<User>) -> bool {
        matches!(self.state, PartyState::User { own, user, .. }
            if own == channel.slot && but != Some(User::new(user)))
    }
}

#[cfg(feature = "server")]
#[expect(clippy::cast_possible_truncation, reason = "32,760")]
const MAX_WHOLE: u32 = MAX_WHOLE_BROADCAST as u32;

/// Returns the channel of a broadcast, and who is left out. Without own channels there are no
/// broadcasts, and the compiler sees it.
const fn broadcast(to: Destination) -> Option<(OwnChannel, Option<User>)> {
    match to {
        _ if !cfg!(feature = "server") => None,
        Destination::All(channel) => Some((channel, None)),
        Destination::AllBut(channel, but) => Some((channel, Some(but))),
        _ => None,
    }
}

impl Out<'_> {
    /// Returns how many of the slots of parties have ever been used, from the first on.
    pub(super) fn used_slots(&self) -> usize {
        self.state.tables.used_slots(self.parts.parties.len()).into()
    }

    fn used_parties(&self) -> impl Iterator<Item = &PartySlot> {
        self.parts.parties.iter().take(self.used_slots())
    }

    /// Returns an error if the window of one receiver has no room for `len` bytes.
    #[inline]
    pub(in crate::link) fn check_window(
        &self,
        to: Destination,
        route: &Route,
        len: usize,
        is_chunk: bool,
    ) -> Result<(), SendError> {
        if !self.state.flow.has_windows() {
            return Ok(());
        }
        let Some(party) = route.party else { return self.check_windows(to, len, is_chunk) };
        let slot = self.parts.parties.get(usize::from(party.slot));
        slot.map_or(Ok(()), |party| party.check_window(len, is_chunk))
    }

    /// Returns an error if there may be users that count what is broadcast, and are not known yet.
    const fn check_answered(&self) -> Result<(), SendError> {
        if self.state.flow.is_greeted { Ok(()) } else { Err(SendError::WouldBlock) }
    }

    fn check_windows(&self, to: Destination, len: usize, is_chunk: bool) -> Result<(), SendError> {
        let Some((channel, but)) = broadcast(to) else { return Ok(()) };
        self.check_answered()?;
        let mut reached = self.used_parties().filter(|party| party.is_reached(channel, but));
        reached.try_for_each(|party| party.check_window(len, is_chunk))
    }

    /// Takes note that `len` bytes are sent. They count from the hello on: the relay says what may
    /// be sent behind it, and that is heard later.
    #[inline]
    pub(in crate::link) fn debit(&mut self, to: Destination, route: &Route, len: usize) {
        if !self.state.flow.has_windows() {
            return;
        }
        let Some(party) = route.party else { return self.debit_all(to, len) };
        if let Some(party) = self.parts.parties.get_mut(usize::from(party.slot)) {
            party.debit(len);
        }
    }

    fn debit_all(&mut self, to: Destination, len: usize) {
        let Some((channel, but)) = broadcast(to) else { return };
        let used = self.used_slots();
        let parties = self.parts.parties.iter_mut().take(used);
        for party in parties.filter(|party| party.is_reached(channel, but)) {
            party.debit(len);
        }
    }

    /// Returns how many bytes the windows of all receivers have room for.
    #[cfg(feature = "large-chunks")]
    pub(in crate::link) fn window_of(&self, to: Destination, route: &Route) -> usize {
        if !self.state.flow.has_windows() {
            return usize::MAX;
        }
        if let Some(party) = route.party {
            return self.parts.parties.get(usize::from(party.slot)).map_or(usize::MAX, PartySlot::may_send);
        }
        let Some((channel, but)) = broadcast(to) else { return usize::MAX };
        if !self.state.flow.is_greeted {
            return 0;
        }
        let reached = self.used_parties().filter(|party| party.is_reached(channel, but));
        reached.map(PartySlot::may_send).min().unwrap_or(usize::MAX)
    }

    /// Something had no room. Asks those for a grant that keep one back, because less than half of
    /// their window is used up.
    #[cold]
    pub(in crate::link) fn ask_for_grants(&mut self, to: Destination) {
        if !self.state.flow.in_force {
            return;
        }
        let only = self.route(to).and_then(|route| route.party);
        let used = self.used_slots();
        for (at, party) in self.parts.parties.iter_mut().take(used).enumerate() {
            let is_meant = match (broadcast(to), only) {
                (Some((channel, but)), _) => party.is_reached(channel, but),
                (None, Some(only)) => at == usize::from(only.slot),
                (None, None) => false,
            };
            if is_meant {
                party.ask(&mut self.state.ring, self.parts.transmit);
            }
        }
    }

    /// Returns how many bytes may be sent to `to` now, of its window: payload with length fields.
    /// For a broadcast, the least of all. `None` if there is no window, because the relay takes no
    /// part in flow control, or if one is not known yet.
    ///
    /// A chunk may be longer than that if nothing else is under way. The transmit ring has a bound
    /// of its own: [`Out::free`].
    #[must_use]
    pub fn window(&self, to: impl Into<Destination>) -> Option<usize> {
        let to = self.reached(to.into());
        let route = self.route(to)?;
        let of =
            |party: &PartySlot| (!party.window.is_none() && party.has_windows()).then(|| party.may_send());
        if let Some(party) = route.party {
            return of(self.parts.parties.get(usize::from(party.slot))?);
        }
        let (channel, but) = broadcast(to)?;
        // Before the relay has answered, there may be users that this link does not know of.
        self.check_answered().ok()?;
        let mut windows = self.used_parties().filter(|party| party.is_reached(channel, but)).map(of);
        let first = windows.next()??;
        windows.try_fold(first, |least, window| Some(least.min(window?)))
    }

    /// Sends `bytes` to those users of an own channel that have room for all of it in their
    /// windows, and leaves out the others. Returns how many were left out.
    ///
    /// For messages that lose their worth when they are late, such as the newest state of a game. A
    /// slow user gets fewer of them, each of them whole, and does not hold up the others. Users
    /// that take no part in flow control always get it.
    ///
    /// ```
    /// use peote_net::link::{OwnChannel, Out, SendError};
    /// fn newest_state(out: &mut Out<'_>, room: OwnChannel, state: &[u8]) -> Result<(), SendError> {
    ///     match out.send_to_ready(room, state) {
    ///         Ok(_late) => Ok(()),
    ///         Err(SendError::WouldBlock) => Ok(()), // the way to the relay is full: the next one will do
    ///         Err(error) => Err(error),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of [`Out::send`]. [`SendError::WouldBlock`] if the transmit ring, or the line of a
    /// local user, has no room; [`SendError::ChunkTooLarge`] above [`MAX_WHOLE_BROADCAST`].
    #[cfg(feature = "server")]
    pub fn send_to_ready(&mut self, channel: OwnChannel, bytes: &[u8]) -> Result<usize, SendError> {
        let to = Destination::All(channel);
        if !self.state.flow.has_windows() {
            return self.send(to, bytes).map(|()| 0);
        }
        if bytes.len() > MAX_WHOLE_BROADCAST {
            return Err(SendError::ChunkTooLarge { len: bytes.len(), max: MAX_WHOLE });
        }
        let route = self.route(to).ok_or(SendError::NotOpen)?;
        check_mode(&route, false)?;
        self.check_answered()?;
        let length = length_field(route.limit, bytes.len())?;
        #[cfg(feature = "large-chunks")]
        self.check_partial(to)?;
        let in_all = bytes.len().saturating_add(length.as_bytes().len());
        let is_chunk = !length.as_bytes().is_empty();
        let (mut left_out, mut changes) = (0usize, 0usize);
        for party in self.used_parties().filter(|party| party.is_reached(channel, None)) {
            let is_left_out = party.check_window(in_all, is_chunk).is_err();
            left_out = left_out.saturating_add(is_left_out.into());
            changes = changes.saturating_add((is_left_out != party.window.has(Window::LEFT_OUT)).into());
        }
        // one command for each change keeps this small; changes are rare
        let number = route.wire.own_number();
        self.parts.local.check_room(route.local, in_all)?;
        self.check_room(route.wire.wire_len(in_all).saturating_add(changes.saturating_mul(6)))?;
        let used = self.used_slots();
        let parties = self.parts.parties.iter_mut().take(used);
        for party in parties.filter(|party| party.is_reached(channel, None)) {
            let is_left_out = party.check_window(in_all, is_chunk).is_err();
            if !is_left_out {
                party.debit(in_all);
            }
            let PartyState::User { user, .. } = party.state else { continue };
            if is_left_out != party.window.has(Window::LEFT_OUT) {
                party.window.set(Window::LEFT_OUT, is_left_out);
                let head = to_relay::leave_out(number, 1).unwrap_or_default();
                self.state.ring.push(self.parts.transmit, &head);
                self.state.ring.push(self.parts.transmit, &[user]);
            }
        }
        self.state
            .ring
            .push(self.parts.transmit, to_relay::broadcast_to_ready(number, None, in_all).as_bytes());
        self.state.ring.push(self.parts.transmit, length.as_bytes());
        self.state.ring.push(self.parts.transmit, bytes);
        self.queue_payload(Route { wire: WireRoute::NOWHERE, ..route }, length, bytes);
        if left_out > 0 {
            self.ask_late(channel);
        }
        Ok(left_out)
    }

    /// Asks those for a grant that have been left out: one that has taken all may still keep it
    /// back.
    #[cfg(feature = "server")]
    fn ask_late(&mut self, channel: OwnChannel) {
        let used = self.used_slots();
        let late = self.parts.parties.iter_mut().take(used);
        for party in late.filter(|p| p.is_reached(channel, None) && p.window.has(Window::LEFT_OUT)) {
            party.ask(&mut self.state.ring, self.parts.transmit);
        }
    }
}
