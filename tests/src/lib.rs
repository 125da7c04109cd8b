//! What the tests and measurements of several packages have in common.

pub mod channels;
pub mod fuzz;

/// The examples of the project's front page compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The examples of the page on one program compile.
#[cfg(doctest)]
#[doc = include_str!("../../docs/OFFLINE.md")]
pub mod offline_guide {}

/// The examples of the page on coming back compile.
#[cfg(doctest)]
#[doc = include_str!("../../docs/RECONNECTING.md")]
pub mod reconnecting_guide {}

/// The guide's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../../docs/RPC.md")]
pub mod rpc_guide {}
