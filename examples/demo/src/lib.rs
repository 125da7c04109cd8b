//! What the demonstration and the other example programs share. The demonstration itself is in
//! `src/main.rs`.
//!
//! A package of its own, so that it is built without what the other programs need.

pub mod failure;
pub mod options;
pub mod progress;
pub mod report;
pub mod traffic;

pub use failure::Failure;

/// How long the relay may take to answer a command.
pub const ANSWER_TIMEOUT: peote_net::time::Duration = peote_net::time::Duration::from_secs(15);
