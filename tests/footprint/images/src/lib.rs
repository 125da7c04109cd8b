//! What the measured images have in common: smoltcp on the board, and the report at the end.
#![no_std]
#![deny(missing_docs)]

pub mod network;
pub mod report;

use panic_halt as _;
