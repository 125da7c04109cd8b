//! Stands in for events that are kept with their parties where that is switched off: the one event
//! of the relay that is kept stops the reading.

pub(super) mod state;

use super::front::{Notice, Queued};
use super::handing::Handler;
use super::send::Out;
use super::session::Session;
use super::slots::{PartyRef, PartySlot};
use super::tables::Tables;
use super::{OwnChannel, User};

impl Tables<'_> {
    pub(super) const fn forget_kept(&mut self, _: u16) {}

    pub(super) const fn forget_own_kept(&mut self, _: u8) {}

    pub(super) const fn lose_kept(&mut self, _: u16) {}

    pub(super) const fn next_kept_notice(&mut self) -> Option<Queued> {
        None
    }

    pub(super) const fn is_blocked(&self, _: Notice) -> bool {
        false
    }
}

impl Session<'_> {
    pub(super) const fn keep(&mut self, _: Queued) -> bool {
        false
    }

    pub(super) const fn hand_over_kept<H: Handler + ?Sized>(&mut self, _: &mut H) -> bool {
        false
    }
}

impl Out<'_> {
    pub(super) const fn gone(&self, _: OwnChannel, _: User) -> Option<PartyRef> {
        None
    }

    pub(super) const fn has_gone(&self, _: OwnChannel, _: User) -> bool {
        false
    }
}

impl PartySlot {
    pub(super) const fn is_closing(&self) -> bool {
        false
    }
}

pub(super) const fn store(_: &mut PartySlot, piece: &[u8], _: &mut [u8]) -> usize {
    piece.len()
}
