#![cfg_attr(
    all(feature = "stack", feature = "ethernet", feature = "ipv4"),
    doc = include_str!("../README.md")
)]
#![cfg_attr(
    not(all(feature = "stack", feature = "ethernet", feature = "ipv4")),
    doc = "smoltcp sockets as transports of peote-net; the README describes it with the default features on."
)]
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

#[cfg(test)]
extern crate std;

#[macro_use]
mod logging;

mod connector;
mod error;
mod random;
#[cfg(feature = "stack")]
mod stack;
mod status;
pub mod time;
mod transport;

pub use connector::{CONNECT_TIMEOUT, Connector};
pub use error::TransportError;
#[cfg(feature = "stack")]
pub use stack::{Addressing, Config, ConfigError, OWN_SOCKETS, RelayAddress, Stack, StackMemory};
pub use status::{Failure, Status};
pub use transport::TcpTransport;
