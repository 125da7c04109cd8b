//! Typed values: bytes of each type, round trips, and bytes that a hostile peer might send.

mod counted;
#[cfg(feature = "macros")]
mod derive;
mod hostile;
#[path = "../common/limit.rs"]
mod limit;
mod round_trip;
mod wire;
