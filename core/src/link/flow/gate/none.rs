//! Stands in for the gate where nothing has to wait: there are no words and no tokens.

use crate::link::SendError;
use crate::link::flow::state::FlowState;
use crate::link::send::Out;
use crate::link::state::Owed;

impl FlowState {
    pub(in crate::link) const fn to_write(&self, queued: usize) -> usize {
        queued
    }

    pub(in crate::link) const fn wrote(&mut self, _: usize) {}
}

impl Out<'_> {
    pub(in crate::link) const fn before_command(&mut self, _: usize, _: &[u8]) -> Result<(), SendError> {
        Ok(())
    }

    pub(in crate::link::flow) fn push_hello(&mut self, hello: &[u8]) {
        self.push(hello);
    }

    pub(in crate::link::flow) const fn say_token(&mut self) {
        self.state.owed = Owed::Nothing;
    }

    pub(in crate::link) const fn has_no_hello(&mut self) {}
}
