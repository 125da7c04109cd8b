//! The examples of the guide for microcontrollers compile, and do what they say. What is measured
//! is in the program of this package.

/// The page `peote_net::guide::firmware`.
#[cfg(doctest)]
#[doc = include_str!("../../../core/src/guide/firmware.md")]
pub mod guide {}
