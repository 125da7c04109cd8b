#![doc = include_str!("../README.md")]

pub mod conformance;
pub mod faulty;
#[cfg(feature = "link")]
pub mod heap;
pub mod memory;
pub mod random;
pub mod script;
