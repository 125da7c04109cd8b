//! The examples of the guide for microcontrollers compile, and do what they say. What is measured is in the program of this package.

/// docs/EMBEDDED.md.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/EMBEDDED.md")]
pub mod guide {}
