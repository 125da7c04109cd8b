//! Stands in for flow control where it is switched off: the link is an existing endpoint.

mod state;

pub(super) use state::{FlowState, Window};

use super::send::{Out, Route};
use super::{Destination, SendError};

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
