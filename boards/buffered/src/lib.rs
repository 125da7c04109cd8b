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

mod buffer;
mod drivers;
mod error;
mod transport;

#[cfg(feature = "async")]
pub use drivers::Polled;
pub use drivers::{Blocking, Driver, Halves};
#[cfg(feature = "io-06")]
pub use drivers::{Io06, Io06Error};
#[cfg(feature = "nal")]
pub use drivers::{NalError, NalSocket};
#[cfg(feature = "nb")]
pub use drivers::{Serial, SerialError};
pub use error::BufferedError;
pub use transport::Buffered;
