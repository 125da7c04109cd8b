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

mod error;
mod key;
mod seal;
mod server;
mod user;

pub use error::{OpenError, SealError};
pub use key::ChannelKey;
pub use seal::{BROADCAST_OVERHEAD, OVERHEAD};
pub use server::{SealedMember, SealedServer};
pub use user::{Opened, SealedUser};

/// Bytes of a user's first chunk.
pub const HELLO: usize = 12;
/// Bytes of the chunk with which the server answers it.
pub const WELCOME: usize = 12 + 4 + OVERHEAD;
