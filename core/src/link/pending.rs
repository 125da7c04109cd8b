//! An event that has happened and not been dealt with yet: all of it but the borrowed bytes, and in few bytes.

use super::receive::{PartyRef, source};
use super::tables::Tables;
use super::{EnteredChannel, Event, Mode, OwnChannel, User};
use crate::Reason;
use crate::chunk::Violation;

/// Which event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)] // so that `None` is zero, and a link in a `static` lies in .bss
pub(super) enum What {
    /// There is none.
    None,
    Created,
    CreateRefused,
    UserEntered,
    UserGone,
    Exhausted,
    OwnChannelLost,
    LinkLost,
    Entered,
    EnterRefused,
    ChannelGone,
    /// Data or a chunk, in the receive scratch.
    Received,
    /// Data or a chunk, in the party's slot.
    Assembled,
    /// An overlong length.
    Overlong,
    /// A chunk above the maximum.
    TooLarge,
}

/// An event without borrows; which fields mean something depends on which event it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    what: What,
    reason: Reason,
    /// Whom it is about: an own channel, or a party.
    slot: u16,
    generation: u32,
    user: User,
    /// Where the bytes are; of a chunk that is too large the length, its lower 32 bits first.
    start: usize,
    end: usize,
}

impl Pending {
    /// None. (All zero.)
    pub(super) const NONE: Self = Self {
        what: What::None,
        reason: Reason::OnPurpose,
        slot: 0,
        generation: 0,
        user: User::new(0),
        start: 0,
        end: 0,
    };

    /// An event about an own channel.
    #[inline]
    pub(super) const fn own(what: What, OwnChannel { slot, generation }: OwnChannel) -> Self {
        Self { what, slot: slot as u16, generation, ..Self::NONE }
    }

    /// An event about a user of an own channel.
    #[inline]
    pub(super) const fn user(what: What, channel: OwnChannel, user: User) -> Self {
        Self { user, ..Self::own(what, channel) }
    }

    /// An event about an entered channel.
    #[inline]
    pub(super) const fn entered(what: What, EnteredChannel { slot, generation }: EnteredChannel) -> Self {
        Self { what, slot, generation, ..Self::NONE }
    }

    #[inline]
    pub(super) const fn because(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }

    /// The connection is lost.
    #[inline]
    pub(super) const fn link_lost(unsent: usize) -> Self {
        Self { what: What::LinkLost, start: unsent, ..Self::NONE }
    }

    /// Data or a chunk, at `start..end` of the receive scratch.
    #[inline]
    pub(super) const fn received(PartyRef { slot, generation }: PartyRef, start: usize, end: usize) -> Self {
        Self { what: What::Received, slot, generation, start, end, ..Self::NONE }
    }

    /// Data or a chunk, the first `len` bytes of the party's slot.
    #[inline]
    pub(super) const fn assembled(PartyRef { slot, generation }: PartyRef, len: usize) -> Self {
        Self { what: What::Assembled, slot, generation, start: 0, end: len, ..Self::NONE }
    }

    /// A party has broken the rules.
    #[inline]
    pub(super) const fn malicious(PartyRef { slot, generation }: PartyRef, violation: Violation) -> Self {
        let (what, start, end) = match violation {
            Violation::OverlongLength => (What::Overlong, 0, 0),
            Violation::ChunkTooLarge { len, .. } => {
                (What::TooLarge, (len & 0xffff_ffff) as usize, (len >> 32) as usize)
            }
        };
        Self { what, slot, generation, start, end, ..Self::NONE }
    }

    pub(super) const fn is_none(&self) -> bool {
        matches!(self.what, What::None)
    }

    /// Where its bytes lie in the receive scratch, if they do.
    #[cfg(feature = "local")]
    pub(super) fn in_scratch(&self) -> Option<core::ops::Range<usize>> {
        (self.what == What::Received).then_some(self.start..self.end)
    }

    /// Whether it tells of the end of an entered channel.
    #[cfg(feature = "local")]
    pub(super) const fn ends_entered(&self) -> bool {
        matches!(self.what, What::ChannelGone | What::EnterRefused)
    }

    /// The event itself; `None` if it is about a channel that the caller has given up, or a party that has gone since. What tells of a channel's end is
    /// always current.
    #[cfg_attr(target_os = "none", inline)]
    #[cfg_attr(not(target_os = "none"), inline(always))] // an event is not copied then, and those that a handler does not look at are not made
    pub(super) fn event<'a>(
        self,
        tables: &Tables<'_>,
        scratch: &'a [u8],
        chunks: &'a [u8],
        chunk_size: usize,
    ) -> Option<Event<'a>> {
        let Self { what, reason, slot, generation, user, start, end } = self;
        let [own_slot, _] = slot.to_le_bytes();
        let own = OwnChannel { slot: own_slot, generation };
        let entered = EnteredChannel { slot, generation };
        let bytes = match what {
            What::None => return None,
            What::CreateRefused => return Some(Event::CreateRefused { channel: own, reason }),
            What::OwnChannelLost => return Some(Event::OwnChannelLost { channel: own }),
            What::LinkLost => return Some(Event::LinkLost { unsent: start }),
            What::EnterRefused => return Some(Event::EnterRefused { channel: entered, reason }),
            What::ChannelGone => return Some(Event::ChannelGone { channel: entered, reason }),
            What::Created | What::UserEntered | What::UserGone | What::Exhausted => {
                tables.own(own)?;
                return Some(match what {
                    What::Created => Event::Created { channel: own },
                    What::UserEntered => Event::UserEntered { channel: own, user },
                    What::UserGone => Event::UserGone { channel: own, user, reason },
                    _ => Event::Exhausted { channel: own, user },
                });
            }
            What::Entered => {
                tables.entered(entered)?;
                return Some(Event::Entered { channel: entered });
            }
            What::Overlong | What::TooLarge => &[],
            What::Received => scratch.get(start..end)?,
            What::Assembled => chunks.get(usize::from(slot).saturating_mul(chunk_size)..)?.get(..end)?,
        };
        let from = source(tables, PartyRef { slot, generation })?;
        Some(match (what, tables.party(slot)?.mode) {
            (What::Overlong, _) => Event::Malicious { from, violation: Violation::OverlongLength },
            (What::TooLarge, mode) => {
                let len = (end as u64).wrapping_shl(32) | start as u64;
                let max = if let Mode::Chunks(limit) = mode { limit.max() } else { 0 };
                Event::Malicious { from, violation: Violation::ChunkTooLarge { len, max } }
            }
            (_, Mode::Data) => Event::Data { from, bytes },
            (_, Mode::Chunks(_)) => Event::Chunk { from, bytes },
        })
    }
}
