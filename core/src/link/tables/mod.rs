//! The tables of a link: its own channels, and its parties (users of own channels, entered channels).

#[cfg_attr(any(target_os = "none", peote_net_small), path = "in_order.rs")]
mod hashed;

pub(super) use hashed::find;
use hashed::{Places, Thread};

use super::pending::{Pending, What};
use super::{EnteredChannel, Mode, Out, OwnChannel, SendError};
use crate::Reason;
use crate::chunk::Assembler;
use crate::protocol::{MAX_CHANNELS, MAX_TAGS};

/// What an own channel is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)] // so that a free place is all zero, and a link in a `static` lies in .bss
pub(super) enum OwnState {
    Free,
    /// The command is on its way. `wanted` is false once the caller has deleted the channel.
    Creating {
        tag: u8,
        wanted: bool,
    },
    Open {
        number: u8,
    },
    /// Created although no longer wanted: to be deleted as soon as the ring has room for that.
    Unwanted {
        number: u8,
    },
    /// The connection is lost, the caller has not been told yet. `created` is false if the relay had not answered.
    Lost {
        created: bool,
    },
}

/// The place of one own channel in a link's memory. Opaque.
#[derive(Clone, Debug)]
pub struct OwnSlot {
    pub(super) state: OwnState,
    pub(super) mode: Mode,
    pub(super) generation: u32,
}

impl OwnSlot {
    /// A place that is free.
    pub const FREE: Self = Self { state: OwnState::Free, mode: Mode::Data, generation: 0 };
}

/// Who a party is.
#[cfg_attr(not(feature = "local"), allow(dead_code, reason = "there are no local users"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)] // so that a free place is all zero, and a link in a `static` lies in .bss
pub(super) enum PartyState {
    Free,
    /// An entered channel whose command is on its way. `wanted` is false once the caller has left the channel.
    Entering {
        tag: u8,
        wanted: bool,
    },
    Entered {
        number: u8,
    },
    /// Entered although no longer wanted: to be left as soon as the ring has room for that.
    Unwanted {
        number: u8,
    },
    /// The connection is lost, the caller has not been told yet. `entered` is false if the relay had not answered.
    Lost {
        entered: bool,
    },
    /// An entered channel whose server is on this link. `user` is the place of the local user; it has not been told yet.
    Joining {
        user: u16,
    },
    /// The same, and it has been told.
    Joined {
        user: u16,
    },
    /// A local user of the own channel in slot `own`.
    LocalUser {
        own: u8,
        user: u16,
    },
    /// A user of the own channel in slot `own`, which has `number` on the wire.
    User {
        own: u8,
        number: u8,
        user: u8,
    },
}

/// The place of one party in a link's memory. Opaque.
#[derive(Clone, Debug)]
pub struct PartySlot {
    pub(super) state: PartyState,
    pub(super) mode: Mode,
    pub(super) assembler: Assembler,
    pub(super) generation: u32,
    thread: Thread,
}

impl PartySlot {
    /// A place that is free.
    pub const FREE: Self = Self {
        state: PartyState::Free,
        mode: Mode::Data,
        assembler: Assembler::new(),
        generation: 0,
        thread: Thread::NONE,
    };
}

/// What a party's data is found by: the channel byte as it is on the wire, and the user behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u16);

impl Key {
    pub(super) const fn new(number: u8, user: Option<u8>) -> Self {
        match user {
            None => Self::entered(number),
            Some(user) => Self::user(number, user),
        }
    }

    pub(super) const fn entered(number: u8) -> Self {
        Self((number & 127) as u16)
    }

    pub(super) const fn user(channel: u8, user: u8) -> Self {
        Self(u16::from_be_bytes([channel | 128, user]))
    }

    fn of(state: PartyState) -> Option<Self> {
        match state {
            PartyState::Entered { number } => Some(Self::entered(number)),
            PartyState::User { number, user, .. } => Some(Self::user(number, user)),
            _ => None,
        }
    }
}

/// The numbers that go with the tables but not with one of their places.
#[derive(Debug)]
pub(super) struct TableState {
    /// The tag of the latest command.
    pub(super) next_tag: u8,
    #[cfg_attr(
        any(target_os = "none", peote_net_small),
        expect(dead_code, reason = "the places themselves say")
    )]
    places: Places,
    /// There may be channels in state `Unwanted`.
    pub(super) unwanted: bool,
    /// What gets rid of them. Known by this address alone, so a program that never gives up a channel before the answer has no code for it.
    pub(super) drop_unwanted: Option<fn(&mut Out<'_>)>,
}

impl TableState {
    pub(super) const fn new() -> Self {
        Self { next_tag: 0, places: Places::new(), unwanted: false, drop_unwanted: None }
    }
}

/// Both tables, for the length of one call.
#[derive(Debug)]
pub(super) struct Tables<'a> {
    pub(super) state: &'a mut TableState,
    pub(super) own: &'a mut [OwnSlot],
    pub(super) parties: &'a mut [PartySlot],
}

impl Tables<'_> {
    // ---- own channels

    /// The place of an own channel the caller has a handle of, whatever its state.
    pub(super) fn own(&self, channel: OwnChannel) -> Option<&OwnSlot> {
        self.own.get(usize::from(channel.slot)).filter(|slot| slot.generation == channel.generation)
    }

    pub(super) fn own_mut(&mut self, channel: OwnChannel) -> Option<&mut OwnSlot> {
        self.own.get_mut(usize::from(channel.slot)).filter(|slot| slot.generation == channel.generation)
    }

    /// The handle of the own channel in `slot`.
    pub(super) fn own_handle(&self, slot: u8) -> OwnChannel {
        let generation = self.own.get(usize::from(slot)).map_or(0, |own| own.generation);
        OwnChannel { slot, generation }
    }

    pub(super) fn find_own(&self, wanted: impl Fn(OwnState) -> bool) -> Option<u8> {
        let slot = self.own.iter().take(MAX_CHANNELS).position(|own| wanted(own.state))?;
        u8::try_from(slot).ok()
    }

    /// Takes a free place for a channel that is being created.
    pub(super) fn add_own(&mut self, tag: u8, mode: Mode) -> Option<OwnChannel> {
        let slot = self.find_own(|state| state == OwnState::Free)?;
        let own = self.own.get_mut(usize::from(slot))?;
        own.generation = own.generation.wrapping_add(1);
        own.state = OwnState::Creating { tag, wanted: true };
        own.mode = mode;
        Some(OwnChannel { slot, generation: own.generation })
    }

    /// Frees the place of an own channel and those of its users.
    pub(super) fn free_own(&mut self, slot: u8) {
        if let Some(own) = self.own.get_mut(usize::from(slot)) {
            own.state = OwnState::Free;
            own.generation = own.generation.wrapping_add(1);
        }
        for party in self.places() {
            let own = match self.party(party).map(|party| party.state) {
                Some(PartyState::User { own, .. } | PartyState::LocalUser { own, .. }) => Some(own),
                _ => None,
            };
            if own == Some(slot) {
                self.free_party(party);
            }
        }
    }

    // ---- parties

    pub(super) fn party(&self, slot: u16) -> Option<&PartySlot> {
        self.parties.get(usize::from(slot))
    }

    pub(super) fn party_mut(&mut self, slot: u16) -> Option<&mut PartySlot> {
        self.parties.get_mut(usize::from(slot))
    }

    /// The place of an entered channel the caller has a handle of, whatever its state.
    pub(super) fn entered(&self, channel: EnteredChannel) -> Option<&PartySlot> {
        self.party(channel.slot).filter(|slot| slot.generation == channel.generation)
    }

    pub(super) fn entered_handle(&self, slot: u16) -> EnteredChannel {
        EnteredChannel { slot, generation: self.party(slot).map_or(0, |party| party.generation) }
    }

    /// The party that `key` means, if there is one.
    #[inline]
    pub(super) fn find(&self, key: Key) -> Option<u16> {
        find(self.parties, key)
    }

    /// The place of an entered channel whose command has this tag. (As a call of `find_party` it takes more code on a microcontroller.)
    pub(super) fn find_entering(&self, tag: u8) -> Option<u16> {
        self.places().find(|&slot| {
            self.party(slot)
                .is_some_and(|p| matches!(p.state, PartyState::Entering { tag: t, .. } if t == tag))
        })
    }

    pub(super) fn find_party(&self, wanted: impl Fn(PartyState) -> bool) -> Option<u16> {
        self.places().find(|&slot| self.party(slot).is_some_and(|p| wanted(p.state)))
    }

    /// Channels of others that this link is in, or is entering or leaving.
    pub(super) fn entered_count(&self) -> usize {
        let entered = |party: &&PartySlot| {
            use PartyState::{Entered, Entering, Lost, Unwanted};
            matches!(party.state, Entering { .. } | Entered { .. } | Unwanted { .. } | Lost { .. })
        };
        self.parties.iter().filter(entered).count()
    }

    /// Takes a free place for a party.
    pub(super) fn add_party(&mut self, state: PartyState, mode: Mode) -> Option<u16> {
        let slot = self.take_place()?;
        let party = self.party_mut(slot)?;
        party.generation = party.generation.wrapping_add(1);
        party.mode = mode;
        party.assembler = Assembler::new();
        self.set_party(slot, state);
        Some(slot)
    }

    // ---- the end of the connection

    /// The connection is lost: marks the channels that the caller has to be told about, and frees everything else.
    pub(super) fn lose_all(&mut self) {
        for slot in self.places() {
            match self.party(slot).map(|party| party.state) {
                Some(PartyState::Entering { wanted: true, .. } | PartyState::Joining { .. }) => {
                    self.set_party(slot, PartyState::Lost { entered: false });
                }
                Some(PartyState::Entered { .. } | PartyState::Joined { .. }) => {
                    self.set_party(slot, PartyState::Lost { entered: true });
                }
                Some(
                    PartyState::Entering { .. }
                    | PartyState::Unwanted { .. }
                    | PartyState::User { .. }
                    | PartyState::LocalUser { .. },
                ) => self.free_party(slot),
                Some(PartyState::Lost { .. } | PartyState::Free) | None => {}
            }
        }
        for own in self.own.iter_mut() {
            own.state = match own.state {
                OwnState::Creating { wanted: true, .. } => OwnState::Lost { created: false },
                OwnState::Open { .. } => OwnState::Lost { created: true },
                OwnState::Creating { .. } | OwnState::Unwanted { .. } => OwnState::Free,
                same @ (OwnState::Lost { .. } | OwnState::Free) => same,
            };
        }
        self.state.unwanted = false;
    }

    /// The next channel the caller has to be told about; its place is free from now on.
    pub(super) fn next_lost(&mut self) -> Option<Pending> {
        if let Some(slot) = self.find_own(|state| matches!(state, OwnState::Lost { .. })) {
            let channel = self.own_handle(slot);
            let created = self.own(channel)?.state == (OwnState::Lost { created: true });
            self.free_own(slot);
            let what = if created { What::OwnChannelLost } else { What::CreateRefused };
            return Some(Pending::own(what, channel).because(Reason::LinkLost));
        }
        let slot = self.find_party(|state| matches!(state, PartyState::Lost { .. }))?;
        let entered = self.party(slot)?.state == (PartyState::Lost { entered: true });
        let channel = self.entered_handle(slot);
        self.free_party(slot);
        let what = if entered { What::ChannelGone } else { What::EnterRefused };
        Some(Pending::entered(what, channel).because(Reason::LinkLost))
    }

    // ---- commands

    /// A tag that no command in flight has.
    pub(super) fn free_tag(&mut self) -> Result<u8, SendError> {
        for _ in 0..MAX_TAGS {
            self.state.next_tag = self.state.next_tag.checked_add(1).unwrap_or(1);
            let tag = self.state.next_tag;
            let creating = |state| matches!(state, OwnState::Creating { tag: t, .. } if t == tag);
            if self.find_own(creating).is_none() && self.find_entering(tag).is_none() {
                return Ok(tag);
            }
        }
        Err(SendError::TooManyCommands)
    }
}
