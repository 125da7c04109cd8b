#![doc = include_str!("../README.md")]
#![no_std]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::arithmetic_side_effects
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod error;
#[cfg(feature = "haxe")]
pub mod haxe;
#[cfg(feature = "messagepack")]
pub mod messagepack;
#[cfg(any(feature = "haxe", feature = "messagepack"))]
mod number;
#[cfg(any(feature = "haxe", feature = "messagepack"))]
mod pieces;

pub use error::Error;
/// The traits of what can be read and written.
pub use serde;
