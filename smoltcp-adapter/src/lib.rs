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

/// The version of smoltcp that a feature has chosen, for programs that do not name it themselves.
#[cfg(feature = "smoltcp-0-14")]
pub extern crate smoltcp;
/// The version of smoltcp that a feature has chosen, for programs that do not name it themselves.
#[cfg(all(feature = "smoltcp-0-12", not(any(feature = "smoltcp-0-13", feature = "smoltcp-0-14"))))]
pub extern crate smoltcp_0_12 as smoltcp;
/// The version of smoltcp that a feature has chosen, for programs that do not name it themselves.
#[cfg(all(feature = "smoltcp-0-13", not(feature = "smoltcp-0-14")))]
pub extern crate smoltcp_0_13 as smoltcp;
#[cfg(not(any(feature = "smoltcp-0-12", feature = "smoltcp-0-13", feature = "smoltcp-0-14")))]
compile_error!("choose the version of smoltcp by the feature smoltcp-0-12, smoltcp-0-13 or smoltcp-0-14");

#[macro_use]
mod logging;

mod connector;
#[cfg(feature = "driver")]
mod driver;
mod error;
mod progress;
mod random;
#[cfg(feature = "stack")]
mod stack;
#[cfg(feature = "stack")]
mod station;
pub mod time;
mod transport;

pub use connector::{CONNECT_TIMEOUT, Connector};
#[cfg(feature = "driver")]
pub use driver::DriverDevice;
pub use error::TransportError;
pub use progress::{Failure, Progress};
#[cfg(feature = "stack")]
pub use stack::{Addressing, Config, ConfigError, OWN_SOCKETS, RelayAddress, Stack, StackMemory};
#[cfg(feature = "stack")]
pub use station::Station;
pub use transport::TcpTransport;
