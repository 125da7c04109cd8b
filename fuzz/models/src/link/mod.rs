//! A link against an arbitrary relay: what it says, how that is cut, when the transport is ready
//! and what the program does are the input's choice.
//!
//! Nothing may panic, every event must be one that can come now, nothing is done for nobody, every
//! poll is bounded, what is sent is what is written, and what the sending half says about itself
//! holds. Users are removed and blocked only where the relay has announced that it can do that, and
//! why somebody or something is gone is what the relay has said.

mod heard;
mod life;
mod memory;
mod said;
mod state;
mod transport;

/// Runs the target on one input.
///
/// # Panics
///
/// When it finds something.
pub fn check(bytes: &[u8]) {
    life::live(super::Input::new(bytes));
}
