//! Stands in for flow control where it is switched off: the link is an existing endpoint.

use super::send::{Out, Route};
use super::{Destination, SendError};

#[derive(Debug)]
pub(super) struct FlowState;

impl FlowState {
    pub(super) const fn new() -> Self {
        Self
    }

    #[cfg(feature = "rpc")]
    pub(super) const fn has_windows(&self) -> bool {
        false
    }

    pub(super) const fn lose(&mut self) {}

    pub(super) const fn interval(&self) -> u32 {
        0
    }

    pub(super) const fn to_write(&self, queued: usize) -> usize {
        queued
    }

    pub(super) const fn wrote(&mut self, _: usize) {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window;

impl Window {
    pub(super) const NONE: Self = Self;
}

impl Out<'_> {
    pub(super) const fn check_window(
        &self,
        _: Destination,
        _: &Route,
        _: usize,
        _: bool,
    ) -> Result<(), SendError> {
        Ok(())
    }

    pub(super) const fn debit(&mut self, _: Destination, _: &Route, _: usize) {}

    #[cfg(feature = "large-chunks")]
    pub(super) const fn window_of(&self, _: Destination, _: &Route) -> usize {
        usize::MAX
    }

    pub(super) const fn ask_for_grants(&mut self, _: Destination) {}

    pub(super) const fn pay_grants(&mut self) {}

    pub(super) const fn announced(&mut self) {}
}
