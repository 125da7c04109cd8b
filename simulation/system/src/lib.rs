//! Look-alikes of what the relay program asks the system for: sockets, events, the time, chance.
//!
//! The relay's module `system` re-exports these names where `cfg(simulated)` is set, in place of
//! mio's, socket2's and the standard library's. Each thread has a world of its own: connections
//! between the relay and endpoints, and a virtual clock. [`begin`] makes a new one. Time passes
//! while the relay waits for events, and a little with each call. Meanwhile the other side of the
//! network runs: [`Outside`].
//!
//! Events are edges, as epoll's: a socket is told of when something has come, and when there is
//! room again after a write that was short. Each time all is told that it is ready for.

mod endpoint;
mod net;
mod pipe;
mod poll;
mod registered;
mod stream;
mod world;

use std::hash::{BuildHasherDefault, DefaultHasher};
use std::time::{Duration, Instant, SystemTime};

pub use endpoint::{Conditions, Endpoint};
pub use net::{SockRef, TcpListener, TcpStream, listen};
pub use poll::{Event, Events, Poll, Registry, Source, Waker};
pub use registered::{Interest, Token};
pub use world::{Counts, Outside, Pause, begin, counts, now_micros, pause, set_descriptors, set_outside};

/// Hashes that are the same each time.
pub type RandomState = BuildHasherDefault<DefaultHasher>;

thread_local! {
    static START: Instant = Instant::now();
}

/// The virtual time that passes evenly.
#[must_use]
pub fn now() -> Instant {
    START.with(|start| *start) + Duration::from_micros(now_micros())
}

/// The virtual time of the calendar.
#[must_use]
pub fn date() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + Duration::from_micros(now_micros())
}
