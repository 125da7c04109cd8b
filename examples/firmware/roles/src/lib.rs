//! What a board of this example can be: a server of channels, a client with a sensor, both at once
//! on one link, a lamp that others call, or a relay.
#![no_std]
#![forbid(unsafe_code)]

mod client;
mod endpoint;
mod exercise;
mod lamp;
mod object;
mod options;
#[cfg(feature = "relay")]
mod relay;
mod sensor;
mod server;

pub use endpoint::run;
pub use options::{Addresses, Options, OptionsError, Role};
#[cfg(feature = "relay")]
pub use relay::{Core, RelayMemory, run_relay};
