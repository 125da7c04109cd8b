//! What the measured images have in common: smoltcp or a serial port on the board, and the report
//! at the end.
#![no_std]
#![deny(missing_docs)]

pub mod network;
pub mod report;
pub mod timer;
#[cfg(feature = "serial")]
pub mod uart;

use panic_halt as _;
