//! What the tests and measurements of several packages have in common.

pub mod conformance;
pub mod faulty;
pub mod memory;
pub mod random;
pub mod rpc;

/// The examples of the project's front page compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The guide's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../../docs/RPC.md")]
pub mod rpc_guide {}
