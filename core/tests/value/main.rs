//! Typed values: bytes of each type, round trips, and bytes that a hostile peer might send.

mod counted;
mod hostile;
mod round_trip;
mod wire;
