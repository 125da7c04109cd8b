//! Coming back after a lost connection.

mod answers;
mod backoff;
mod channels;
mod connection;
#[cfg(feature = "admission")]
mod door;
mod kept;
mod random;
mod support;
