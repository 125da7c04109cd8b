//! What a link without kept events keeps about them: nothing.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) struct PartyKept;

impl PartyKept {
    pub(in crate::link) const NOTHING: Self = Self;

    pub(in crate::link) const fn is_waiting(self) -> bool {
        false
    }

    pub(in crate::link) const fn start(self) -> usize {
        0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) struct OwnKept;

impl OwnKept {
    pub(in crate::link) const NOTHING: Self = Self;
}

#[derive(Debug)]
pub(in crate::link) struct KeptState;

impl KeptState {
    pub(in crate::link) const fn new() -> Self {
        Self
    }

    pub(in crate::link) const fn is_any(&self) -> bool {
        false
    }

    pub(in crate::link) const fn has_more(&self) -> bool {
        false
    }

    pub(in crate::link) const fn is_due(&self) -> bool {
        false
    }

    pub(in crate::link) const fn begin_round(&mut self, _: u16) {}

    pub(in crate::link) const fn end_round(&mut self) {}

    pub(in crate::link) const fn progressed(&mut self) {}
}
