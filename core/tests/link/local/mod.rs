//! Users on the same link as the server of their channel.

#[cfg(feature = "admission")]
mod door;
mod ends;
mod entering;
mod limit;
mod lost;
mod memory;
mod random;
mod removing;
mod sending;
mod simulated;
mod support;
mod waiting;
