//! Traffic that is verified byte for byte, for `demo` and `stress`.
//!
//! A **server** of traffic is one own channel: it verifies what its users send, sends it back to
//! those that want it back, and broadcasts. A **client** is one user of one channel. [`Servers`]
//! and [`Clients`] are all of them that share one connection; each of the two is a link, its
//! transport, and what to do about events.
//!
//! Nothing in a chunk says what has to be in it. Both ends know beforehand: a [`Script`] is a few
//! numbers from which the length and content of every chunk of one sender follow, and [`Control`]
//! chunks tell the other end these numbers. So a chunk that is lost, doubled, cut, changed, out of
//! order or delivered to somebody else does not go unnoticed, not even one of a single byte for
//! long.

mod clients;
mod content;
mod control;
mod servers;
mod tally;

use peote_net::link::{Link, Mode};
use peote_net_std::{HeapBuffers, Sizes};

use crate::Failure;

pub use clients::{Client, Clients, Sending};
pub use content::{Chunk, Kind, Mismatch, Noise, Script, mix};
pub use control::Control;
pub use servers::{Servers, Serving};
pub use tally::{Flow, Tally};

/// Broadcasts with odd numbers go to all users of the channel but the one with the number that
/// follows from this; the others go to all.
///
/// The users know this rule as well: that is how they notice a broadcast they should not have got,
/// or should have.
#[must_use]
pub fn excluded(broadcast: u64) -> Option<u8> {
    let user = (broadcast / 2) % 4;
    u8::try_from(user).ok().filter(|_| broadcast % 2 == 1)
}

/// Both ends of a channel have to agree on the longest chunk, or at least on the number of length
/// bytes that follows from it. Up to 32,768 bytes this is the protocol's default, whatever the
/// traffic's own maximum.
fn mode(max: u32) -> Mode {
    Mode::chunks(max.max(32_768))
}

/// A link with memory on the heap: room for `parties` users and entered channels.
fn link(own_channels: usize, parties: usize, max: u32) -> Result<Link<HeapBuffers>, Failure> {
    let chunk_size = max.max(32_768) as usize;
    // Room for several chunks on their way out, so that one poll writes more than one.
    let transmit = (4 * chunk_size).max(256 * 1024);
    let sizes = Sizes { chunk_size, parties, own_channels, transmit, ..Sizes::default() };
    let buffers = HeapBuffers::new(sizes).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(Link::with_buffers(buffers))
}
