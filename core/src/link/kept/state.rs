//! What a link keeps about events that wait.

/// What waits at the front of a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) enum Waiting {
    /// Nothing: what comes is handed over at once.
    Nothing,
    /// That it has entered, or that its channel is open.
    Opened,
    /// Data or a chunk: the first bytes of the slot.
    Bytes,
    /// That it broke the rules.
    Malicious,
    /// Its end, which the program has not been told.
    End,
    /// Its end, which the program has been told and wants again.
    ToldEnd,
    /// That it knocks.
    #[cfg(all(feature = "admission", feature = "server"))]
    Knock,
}

/// What waits at the front of a party, and where its bytes start in the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) struct PartyKept(u32);

impl PartyKept {
    /// Nothing waits. All bytes are zero.
    pub(in crate::link) const NOTHING: Self = Self(0);

    /// Bits of a start. A slot is never as long.
    const START_BITS: u32 = 28;

    /// The program has seen it, and wants it again.
    const SEEN: u32 = 1 << 31;

    /// The most bytes of a slot that count.
    pub(super) const MAX_SLOT: usize = 1 << Self::START_BITS;

    pub(in crate::link) const fn new(waiting: Waiting, start: usize) -> Self {
        // lossless: a slot has at most 2^28 bytes
        #[expect(clippy::cast_possible_truncation, reason = "below `MAX_SLOT`")]
        Self((waiting as u32).wrapping_shl(Self::START_BITS) | start as u32)
    }

    /// Returns true if what comes has to wait.
    #[inline]
    pub(in crate::link) const fn is_waiting(self) -> bool {
        self.0 != 0
    }

    /// The same, which the program has seen and wants again.
    pub(in crate::link) const fn seen(self) -> Self {
        // no other caller wants to know
        if cfg!(feature = "rpc") { Self(self.0 | Self::SEEN) } else { self }
    }

    /// The same, whose bytes have been moved to the front of the slot.
    pub(in crate::link) const fn at_front(self) -> Self {
        Self(self.0 & !((1u32 << Self::START_BITS).wrapping_sub(1)))
    }

    /// Returns true if the program has seen it before.
    #[cfg(feature = "rpc")]
    pub(in crate::link) const fn was_seen(self) -> bool {
        self.0 & Self::SEEN != 0
    }

    pub(in crate::link) const fn start(self) -> usize {
        (self.0 & (1u32 << Self::START_BITS).wrapping_sub(1)) as usize
    }

    pub(in crate::link) const fn waiting(self) -> Waiting {
        match (self.0 & !Self::SEEN) >> Self::START_BITS {
            1 => Waiting::Opened,
            2 => Waiting::Bytes,
            3 => Waiting::Malicious,
            4 => Waiting::End,
            5 => Waiting::ToldEnd,
            #[cfg(all(feature = "admission", feature = "server"))]
            6 => Waiting::Knock,
            _ => Waiting::Nothing,
        }
    }
}

/// Whether the event that tells of an own channel waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) struct OwnKept(pub(super) bool);

impl OwnKept {
    pub(in crate::link) const NOTHING: Self = Self(false);
}

/// What a link keeps about all that waits.
#[derive(Debug)]
pub(in crate::link) struct KeptState {
    /// Own channels for which an event waits.
    pub(super) own: u8,
    /// They have not been looked at in this round, from this slot on.
    pub(super) is_own_due: bool,
    pub(super) own_cursor: u8,
    /// Parties for which something waits.
    pub(super) parties: u16,
    /// The party that is looked at next.
    pub(super) cursor: u16,
    /// Parties that have not been looked at in this round.
    pub(super) left: u16,
    /// One was passed over in this round, because it has to wait for another.
    pub(super) is_skipped: bool,
    /// An event has been dealt with since.
    has_progressed: bool,
}

impl KeptState {
    pub(in crate::link) const fn new() -> Self {
        Self {
            own: 0,
            is_own_due: false,
            own_cursor: 0,
            parties: 0,
            cursor: 0,
            left: 0,
            is_skipped: false,
            has_progressed: false,
        }
    }

    /// Returns true if something waits.
    #[inline]
    pub(in crate::link) const fn is_any(&self) -> bool {
        self.own > 0 || self.parties > 0
    }

    /// Returns true if the round was broken off before all that waits had been handed over.
    pub(in crate::link) const fn has_more(&self) -> bool {
        self.is_any() && (self.is_round() || (self.is_skipped && self.has_progressed))
    }

    /// Returns true if something that waits has not been looked at in this round.
    pub(in crate::link) const fn is_due(&self) -> bool {
        self.is_any() && self.is_round()
    }

    /// Returns true if not all has been looked at in this round.
    #[inline]
    pub(super) const fn is_round(&self) -> bool {
        self.is_own_due || self.left > 0
    }

    /// Returns true if something that stops the reading may have been dealt with.
    pub(in crate::link) const fn has_progressed(&self) -> bool {
        self.has_progressed || !self.is_any()
    }

    /// All has been looked at, or the connection is lost.
    pub(in crate::link) const fn end_round(&mut self) {
        (self.is_own_due, self.left) = (false, 0);
        (self.is_skipped, self.has_progressed) = (false, false);
    }

    /// A round begins, in which all of `parties` are looked at.
    pub(in crate::link) const fn begin_round(&mut self, parties: u16) {
        self.is_own_due = self.own > 0;
        self.own_cursor = 0;
        (self.is_skipped, self.has_progressed) = (false, false);
        self.left = if self.parties > 0 { parties } else { 0 };
    }

    /// An event has been dealt with, for which others may wait.
    pub(in crate::link) const fn progressed(&mut self) {
        self.has_progressed = true;
    }

    /// One party has something new. All that waited has been looked at in this round.
    #[cfg(all(feature = "admission", feature = "server"))]
    pub(in crate::link) const fn look_at(&mut self, slot: u16) {
        (self.cursor, self.left) = (slot, 1);
    }

    /// The same for own channels.
    #[cfg(all(feature = "admission", feature = "server"))]
    pub(in crate::link) const fn look_at_own(&mut self) {
        (self.is_own_due, self.own_cursor) = (true, 0);
    }

    /// Something waits that this round does not come to.
    pub(in crate::link) const fn skip(&mut self) {
        (self.is_skipped, self.has_progressed) = (true, true);
    }

    /// Goes on to the next party of `parties`.
    #[cfg_attr(not(feature = "speed"), inline(never))]
    pub(super) const fn advance(&mut self, parties: u16) {
        if self.left > 0 {
            self.left = self.left.wrapping_sub(1);
        }
        let next = self.cursor.wrapping_add(1);
        self.cursor = if next < parties { next } else { 0 };
    }
}
