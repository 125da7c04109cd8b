//! What both boards share: time, sleep, Ethernet for smoltcp, and the host on the other side of
//! semihosting.
#![no_std]

pub mod clock;
pub mod ethernet;
#[cfg(feature = "host")]
pub mod host;

pub use clock::Clock;
pub use ethernet::{Ethernet, Mac};

use cortex_m as _;
#[cfg(feature = "defmt")]
use defmt_semihosting as _;

#[cfg(feature = "defmt")]
defmt::timestamp!("{=u64:tms}", clock::now().as_millis());
