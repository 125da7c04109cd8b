//! Coming back after a lost connection.

mod answers;
mod backoff;
mod channels;
mod connection;
mod kept;
mod random;
mod support;
