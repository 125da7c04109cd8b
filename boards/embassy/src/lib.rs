#![cfg_attr(all(feature = "net", feature = "ethernet", feature = "ipv4"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "net", feature = "ethernet", feature = "ipv4")),
    doc = "peote-net under embassy; the README describes it with the default features on."
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

mod run;
mod socket;
#[cfg(feature = "net")]
mod station;
#[cfg(feature = "net")]
mod tcp;
pub mod time;

pub use run::{run, wait};
pub use socket::Socket;
#[cfg(feature = "net")]
pub use station::{CONNECT_TIMEOUT, Station, StationError};
#[cfg(feature = "net")]
pub use tcp::{TcpError, TcpTransport};
