//! What a link without flow control knows about it: nothing.

#[derive(Debug)]
pub(in crate::link) struct FlowState;

impl FlowState {
    pub(in crate::link) const fn new() -> Self {
        Self
    }

    #[cfg(feature = "rpc")]
    pub(in crate::link) const fn has_windows(&self) -> bool {
        false
    }

    pub(in crate::link) const fn lose(&mut self) {}

    pub(in crate::link) const fn interval(&self) -> u32 {
        0
    }

    pub(in crate::link) const fn to_write(&self, queued: usize) -> usize {
        queued
    }

    pub(in crate::link) const fn wrote(&mut self, _: usize) {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) struct Window;

impl Window {
    pub(in crate::link) const NONE: Self = Self;
}
