//! Windows: how many bytes may be sent to whom, and how many more a party may send.
//!
//! A link that takes part says hello as soon as the relay announces that it knows what that is.
//! From then on each party has a window, in both directions, of payload bytes with their length
//! fields. The other end grants more as its program takes what came; so does this link, at half
//! windows, and at once where a chunk cannot be completed without.

#[cfg(all(feature = "admission", feature = "server"))]
pub use door::Admission;
#[cfg(all(feature = "admission", feature = "server"))]
pub(super) use door::Door;
#[cfg(all(feature = "admission", feature = "server"))]
pub(super) use doors::AtDoor;
pub use hello::Hello;
pub(super) use receiving::{came, is_liar, kept, stored, stored_of};
pub(super) use state::FlowState;
#[cfg(feature = "server")]
pub(super) use tail::Knock;
pub(super) use window::Window;
#[cfg(all(feature = "admission", feature = "server"))]
pub(super) use words::knock;
pub(super) use words::{is_last_of, refused};

#[cfg(all(feature = "admission", feature = "server"))]
mod door;
#[cfg(all(feature = "admission", feature = "server"))]
mod doors;
#[cfg_attr(not(feature = "admission"), path = "gate/none.rs")]
mod gate;
#[cfg(feature = "admission")]
mod hearing;
mod hello;
mod receiving;
mod sending;
mod slot;
mod state;
mod tail;
mod window;
mod words;

/// Instead of the code of an answer to a user that knocks: a user is removed.
#[cfg(feature = "server")]
const REMOVE: u8 = u8::MAX;
