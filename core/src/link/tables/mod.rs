//! The tables of a link: its own channels, and its parties (users of own channels, entered
//! channels).

#[cfg_attr(not(feature = "speed"), path = "search.rs")]
mod index;
mod state;

pub(super) use index::find;
pub(super) use state::{TableState, Tables};

use super::front::Notice;
use super::slots::{Key, OwnSlot, OwnState, PartyRef, PartySlot, PartyState, generation};
use super::{Channel, EnteredChannel, OwnChannel, SendError, Source, User};
use crate::Reason;
use crate::chunk::{Assembler, ChunkLimit};
use crate::protocol::MAX_TAGS;

/// Own channels. Without the feature `server` there are none, and the compiler sees it.
impl Tables<'_> {
    fn own_slots(&self) -> &[OwnSlot] {
        if cfg!(feature = "server") { self.own } else { &[] }
    }

    /// Returns an own channel, whatever its state.
    pub(super) fn own(&self, channel: OwnChannel) -> Option<&OwnSlot> {
        let slot = self.own_slots().get(usize::from(channel.slot))?;
        (slot.generation == channel.generation).then_some(slot)
    }

    pub(super) fn own_mut(&mut self, channel: OwnChannel) -> Option<&mut OwnSlot> {
        self.own(channel)?;
        self.own.get_mut(usize::from(channel.slot))
    }

    /// Returns the own channel in this slot, whatever its state.
    pub(super) fn own_in(&self, slot: u8) -> Option<OwnChannel> {
        let generation = self.own_slots().get(usize::from(slot))?.generation;
        Some(OwnChannel { slot, generation })
    }

    /// Returns the own channel whose command has this tag.
    pub(super) fn find_creating(&self, tag: u8) -> Option<OwnChannel> {
        self.find_own(|state| matches!(state, OwnState::Creating { tag: t, .. } if t == tag))
    }

    /// Returns the own channel with this number, and the limit of its chunks.
    pub(super) fn find_open(&self, number: u8) -> Option<(OwnChannel, ChunkLimit)> {
        let channel = self.find_own(|state| state == OwnState::Open { number })?;
        Some((channel, self.own(channel)?.limit))
    }

    /// Takes a free slot for an own channel.
    #[cfg(feature = "server")]
    pub(super) fn add_own(&mut self, state: OwnState, limit: ChunkLimit) -> Option<OwnChannel> {
        let OwnChannel { slot, generation: last } = self.find_own(|state| state == OwnState::Free)?;
        let generation = generation::next(last);
        *self.own.get_mut(usize::from(slot))? = OwnSlot { state, limit, generation, ..OwnSlot::FREE };
        Some(OwnChannel { slot, generation })
    }

    /// Frees an own channel's slot, unless its handle is a standing one, and those of its users.
    pub(super) fn free_own(&mut self, slot: u8) {
        if let Some(own) = self.own.get_mut(usize::from(slot)) {
            if generation::is_standing(own.generation) {
                own.state = OwnState::Away;
            } else {
                own.state = OwnState::Free;
                own.generation = generation::next(own.generation);
            }
        }
        self.forget_own_kept(slot);
        for party in self.used_slots() {
            if self.parties.get(usize::from(party)).is_some_and(|party| party.state.own() == Some(slot)) {
                self.free_party(party);
            }
        }
    }
}

/// Handles that stay valid until the program gives them up, which these do.
impl Tables<'_> {
    #[cfg(feature = "server")]
    pub(super) fn release_own(&mut self, slot: u8) {
        if let Some(own) = self.own.get_mut(usize::from(slot)) {
            own.generation = generation::passing(own.generation);
        }
        self.free_own(slot);
    }

    pub(super) fn release_party(&mut self, slot: u16) {
        if let Some(party) = self.parties.get_mut(usize::from(slot)) {
            party.generation = generation::passing(party.generation);
        }
        self.free_party(slot);
    }
}

/// Parties.
impl Tables<'_> {
    /// A party's slot is free, unless its handle is a standing one.
    pub(super) fn free_party(&mut self, slot: u16) {
        let party = self.parties.get(usize::from(slot));
        if party.is_some_and(|party| generation::is_standing(party.generation)) {
            self.forget_kept(slot);
            self.set_party(slot, PartyState::Away);
        } else {
            self.free_slot(slot);
        }
    }

    pub(super) fn party(&self, party: PartyRef) -> Option<&PartySlot> {
        let slot = self.parties.get(usize::from(party.slot))?;
        (slot.generation == party.generation).then_some(slot)
    }

    pub(super) fn party_mut(&mut self, party: PartyRef) -> Option<&mut PartySlot> {
        let slot = self.parties.get_mut(usize::from(party.slot))?;
        (slot.generation == party.generation).then_some(slot)
    }

    /// Returns the party with this key.
    pub(super) fn find(&self, key: Key) -> Option<PartyRef> {
        find(self.parties, key)
    }

    /// Returns the entered channel whose command has this tag.
    pub(super) fn find_entering(&self, tag: u8) -> Option<PartyRef> {
        find(self.parties, Key::entering(tag))
    }

    /// Returns how many channels of others this link is in, or is entering.
    pub(super) fn entered_count(&self) -> usize {
        self.parties.iter().filter(|party| party.state.is_entered()).count()
    }

    /// Takes a free slot for a party.
    pub(super) fn add_party(&mut self, state: PartyState, limit: ChunkLimit) -> Option<PartyRef> {
        let slot = self.take_slot()?;
        let party = self.parties.get_mut(usize::from(slot))?;
        // no party has generation 0
        let generation = generation::next(party.generation).max(1);
        party.generation = generation;
        self.begin_party(slot, state, limit);
        Some(PartyRef { slot, generation })
    }

    /// Something begins in a slot that has been taken.
    pub(super) fn begin_party(&mut self, slot: u16, state: PartyState, limit: ChunkLimit) {
        if let Some(party) = self.parties.get_mut(usize::from(slot)) {
            party.limit = limit;
            party.assembler = Assembler::new();
            party.window = super::flow::Window::NONE;
            #[cfg(feature = "flow")]
            {
                (party.outstanding, party.taken) = (0, 0);
            }
        }
        self.set_party(slot, state);
    }
}

/// Returns who a party is, for events, and the limit of its chunks; `None` if it sends nothing, or
/// is no longer there.
pub(super) fn source(
    own: &[OwnSlot],
    parties: &[PartySlot],
    party: PartyRef,
) -> Option<(Source, ChunkLimit)> {
    let slot = parties.get(usize::from(party.slot))?;
    if slot.generation != party.generation {
        return None;
    }
    let (own_slot, user) = match slot.state {
        PartyState::Entered { .. } => return Some((Source::Server { channel: party.into() }, slot.limit)),
        #[cfg(feature = "local")]
        PartyState::Joined { .. } => return Some((Source::Server { channel: party.into() }, slot.limit)),
        PartyState::User { own, user, .. } if cfg!(feature = "server") => (own, User::new(user)),
        #[cfg(feature = "local")]
        PartyState::LocalUser { own, user } => (own, User::local(user)),
        #[cfg(feature = "flow")]
        PartyState::Gone { own, user, .. } => (own, User::new(user)),
        #[cfg(feature = "flow")]
        PartyState::Closing { .. } => return Some((Source::Server { channel: party.into() }, slot.limit)),
        _ => return None,
    };
    let generation = own.get(usize::from(own_slot))?.generation;
    let channel = OwnChannel { slot: own_slot, generation };
    Some((Source::User { channel, user }, slot.limit))
}

/// Returns false if a notice is about a channel that the program has given up since it was found.
/// What tells of a channel's end is always current.
pub(super) fn is_current(own: &[OwnSlot], parties: &[PartySlot], notice: Notice) -> bool {
    let (is, was) = match notice.channel {
        Channel::Own(OwnChannel { slot, generation }) if cfg!(feature = "server") => {
            (own.get(usize::from(slot)).map(|own| own.generation), generation)
        }
        Channel::Own(_) => return false,
        Channel::Entered(EnteredChannel { slot, generation }) => {
            (parties.get(usize::from(slot)).map(|party| party.generation), generation)
        }
    };
    notice.is_end() || is == Some(was)
}

/// The end of the connection.
impl Tables<'_> {
    /// Marks the channels that the program has to be told about, and frees everything else.
    pub(super) fn lose_all(&mut self) {
        for slot in self.used_slots() {
            self.lose_kept(slot);
            let Some(party) = self.parties.get(usize::from(slot)) else { continue };
            match party.state.lost() {
                PartyState::Free if party.state == PartyState::Free => {}
                PartyState::Free => self.free_party(slot),
                lost => self.set_party(slot, lost),
            }
        }
        if cfg!(feature = "server") {
            for own in self.own.iter_mut() {
                own.state = own.state.lost();
            }
        }
    }

    /// Frees the next channel that the program has to be told about, and returns the event that
    /// tells it.
    pub(super) fn next_lost(&mut self) -> Option<Notice> {
        let reason = Reason::LinkLost;
        if let Some(channel) = self.find_own(|state| matches!(state, OwnState::Lost { .. })) {
            let was_open = self.own(channel)?.state == (OwnState::Lost { opened: true });
            self.free_own(channel.slot);
            return Some(match was_open {
                true => Notice::closed(channel, reason),
                false => Notice::refused(channel, reason),
            });
        }
        let party = self.find_party(|state| matches!(state, PartyState::Lost { .. }))?;
        let was_open = self.party(party)?.state == (PartyState::Lost { opened: true });
        self.free_party(party.slot);
        let channel = EnteredChannel::from(party);
        Some(match was_open {
            true => Notice::closed(channel, reason),
            false => Notice::refused(channel, reason),
        })
    }
}

/// Commands.
impl Tables<'_> {
    /// Returns a tag that no command in flight has.
    pub(super) fn free_tag(&mut self) -> Result<u8, SendError> {
        let mut tag = self.state.last_tag;
        for _ in 0..MAX_TAGS {
            tag = tag.checked_add(1).unwrap_or(1);
            if self.find_creating(tag).is_none() && self.find_entering(tag).is_none() {
                self.state.last_tag = tag;
                return Ok(tag);
            }
        }
        Err(SendError::TooManyCommands)
    }
}

impl OwnState {
    /// The state after the loss of the connection.
    const fn lost(self) -> Self {
        match self {
            Self::Creating { wanted: true, .. } => Self::Lost { opened: false },
            Self::Open { .. } => Self::Lost { opened: true },
            Self::Lost { opened } => Self::Lost { opened },
            #[cfg(feature = "flow")]
            Self::Refused { .. } => self,
            #[cfg(all(feature = "admission", feature = "server"))]
            Self::Opening { .. } => Self::Lost { opened: false },
            Self::Away => Self::Away,
            Self::Creating { .. } | Self::Free => Self::Free,
        }
    }
}

impl PartyState {
    /// The state after the loss of the connection; `Free` for parties that end without a word.
    const fn lost(self) -> Self {
        match self {
            Self::Entering { wanted: true, .. } => Self::Lost { opened: false },
            Self::Entered { .. } => Self::Lost { opened: true },
            Self::Lost { opened } => Self::Lost { opened },
            Self::Away => Self::Away,
            Self::Free | Self::Entering { .. } | Self::User { .. } => Self::Free,
            #[cfg(feature = "local")]
            Self::Joining { .. } => Self::Lost { opened: false },
            #[cfg(feature = "local")]
            Self::Joined { .. } => Self::Lost { opened: true },
            #[cfg(feature = "local")]
            Self::LocalUser { .. } => Self::Free,
            #[cfg(feature = "flow")]
            Self::Gone { .. } => Self::Free,
            #[cfg(all(feature = "admission", feature = "server"))]
            Self::Knocking { .. } => Self::Free,
            #[cfg(all(feature = "admission", feature = "local"))]
            Self::LocalKnocking { .. } => Self::Free,
            #[cfg(feature = "flow")]
            Self::Closing { .. } | Self::Refused { .. } => self,
        }
    }

    /// Returns true if the party takes one of the channels that the relay lets this link enter.
    const fn is_entered(self) -> bool {
        matches!(self, Self::Entering { .. } | Self::Entered { .. } | Self::Lost { .. })
    }

    /// Returns the slot of the own channel that the party is a user of.
    pub(super) const fn own(self) -> Option<u8> {
        match self {
            _ if !cfg!(feature = "server") => None,
            Self::User { own, .. } => Some(own),
            #[cfg(feature = "local")]
            Self::LocalUser { own, .. } => Some(own),
            #[cfg(feature = "flow")]
            Self::Gone { own, .. } => Some(own),
            #[cfg(all(feature = "admission", feature = "server"))]
            Self::Knocking { own, .. } => Some(own),
            #[cfg(all(feature = "admission", feature = "local"))]
            Self::LocalKnocking { own, .. } => Some(own),
            _ => None,
        }
    }
}
