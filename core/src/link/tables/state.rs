//! The tables of a link, for the length of one call, and what belongs to none of their slots.

use crate::link::kept::state::KeptState;
use crate::link::slots::{OwnSlot, PartySlot};

/// Which slots are free.
#[cfg(feature = "speed")]
#[derive(Debug)]
pub(super) struct FreeSlots {
    /// The first free slot that has been used before, plus 1.
    pub(super) first: u16,
    /// Slots from here on have never been used.
    pub(super) fresh: u16,
}

#[cfg(feature = "speed")]
impl FreeSlots {
    const fn new() -> Self {
        Self { first: 0, fresh: 0 }
    }
}

/// What belongs to the tables but to none of their slots.
#[derive(Debug)]
pub(in crate::link) struct TableState {
    /// The tag of the latest command.
    pub(in crate::link) last_tag: u8,
    pub(in crate::link) kept: KeptState,
    #[cfg(feature = "speed")]
    pub(super) free: FreeSlots,
}

impl TableState {
    pub(in crate::link) const fn new() -> Self {
        Self {
            last_tag: 0,
            kept: KeptState::new(),
            #[cfg(feature = "speed")]
            free: FreeSlots::new(),
        }
    }
}

/// Both tables, for the length of one call.
#[derive(Debug)]
pub(in crate::link) struct Tables<'a> {
    pub(in crate::link) state: &'a mut TableState,
    pub(in crate::link) own: &'a mut [OwnSlot],
    pub(in crate::link) parties: &'a mut [PartySlot],
}
