//! Stands in for local users where they are switched off: there are none, and no code for them.

use core::convert::Infallible;
use core::marker::PhantomData;

use super::slots::{OwnSlot, PartyRef};
use super::{OwnChannel, SendError, User};
use crate::time::Instant;

/// The part of a link's memory that is for local users: none, for they are switched off (feature
/// `local`).
#[derive(Debug)]
pub struct LocalParts<'a>(PhantomData<&'a mut [u8]>);

impl LocalParts<'_> {
    /// No memory.
    #[must_use]
    pub const fn none() -> Self {
        Self(PhantomData)
    }

    pub(super) const fn reborrow(&mut self) -> LocalParts<'_> {
        LocalParts(PhantomData)
    }

    pub(super) const fn find(&self, _: OwnChannel, _: User) -> Option<(PartyRef, LocalRoute)> {
        None
    }

    pub(super) const fn channel(&self, _: &[OwnSlot], _: &[u8], _: u8) -> Option<Infallible> {
        None
    }

    pub(super) const fn is_double(&self, _: &[OwnSlot], _: u8) -> bool {
        false
    }

    pub(super) fn is_waiting(&self, _: impl Fn(super::front::Queued) -> bool) -> bool {
        false
    }

    #[cfg(feature = "large-chunks")]
    pub(super) const fn room(&self, _: LocalRoute) -> usize {
        usize::MAX
    }

    pub(super) const fn check_room(&self, _: LocalRoute, _: usize) -> Result<(), SendError> {
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum LocalRoute {
    None,
}

impl LocalRoute {
    pub(super) const fn is_none(self) -> bool {
        true
    }

    pub(super) const fn all(_: &LocalState, _: u8, _: Option<User>) -> Self {
        Self::None
    }
}

#[derive(Debug)]
pub(super) struct LocalState;

impl LocalState {
    pub(super) const fn new() -> Self {
        Self
    }

    pub(super) const fn is_idle(&self) -> bool {
        true
    }

    pub(super) const fn is_behind_relay(&self) -> bool {
        false
    }

    pub(super) const fn take_turns(&mut self, _: bool) {}

    pub(super) const fn has_kept(&self) -> bool {
        false
    }

    pub(super) const fn next_deadline(&self) -> Option<Instant> {
        None
    }
}

#[derive(Debug)]
pub(super) struct Local<'a>(PhantomData<&'a mut [u8]>);

impl<'a> Local<'a> {
    pub(super) const fn new(_: &'a mut LocalState, _: LocalParts<'a>) -> Self {
        Self(PhantomData)
    }

    #[cfg(feature = "server")]
    pub(super) const fn remember(&mut self, _: u8, _: &[u8]) {}

    #[cfg(feature = "server")]
    pub(super) const fn remember_again(&mut self, _: u8, _: &[u8]) {}

    pub(super) const fn deleted(&mut self) {}

    pub(super) const fn deleting(&mut self, _: u8) {}

    pub(super) const fn ended(&mut self, _: u8, _: bool) {}

    pub(super) const fn remove(&mut self, _: LocalRoute, _: bool) {}

    pub(super) const fn clear(&mut self) {}

    pub(super) const fn start_round(&mut self, _: Instant) {}

    pub(super) const fn end_round(&mut self, _: Option<u8>, _: bool) {}
}

#[derive(Debug)]
pub(super) struct LocalPayload<'a>(PhantomData<&'a mut [u8]>);

impl<'a> LocalPayload<'a> {
    pub(super) const fn begin(_: Local<'a>, _: LocalRoute, _: &[u8], _: usize) -> Self {
        Self(PhantomData)
    }

    pub(super) const fn put(&mut self, _: &[u8]) {}

    pub(super) const fn left(&self) -> usize {
        0
    }
}
