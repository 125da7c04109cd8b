//! What a party's slot says about flow control.

use crate::link::slots::PartySlot;

impl PartySlot {
    /// Returns the ticket of a party that knocks.
    #[cfg(all(feature = "admission", feature = "server"))]
    pub(super) fn ticket(&self) -> u8 {
        u8::try_from(self.outstanding).unwrap_or(0)
    }

    /// Returns how many bytes of the slot are in use.
    pub(super) fn stored(&self) -> usize {
        self.assembler.stored()
    }
}
