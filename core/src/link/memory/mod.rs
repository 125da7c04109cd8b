//! The memory of a link: buffers with named sizes, and what they are made of.
//!
//! Most programs name sizes and nothing else:
//!
//! ```
//! use std::sync::Mutex;
//!
//! use peote_net::link::{Link, link_buffers};
//!
//! type Memory = link_buffers!(
//!     chunk: 256, parties: 8, own_channels: 1, transmit: 1024, receive: 512
//! );
//! static LINK: Mutex<Link<Memory>> = Mutex::new(Link::new());
//! # drop(LINK.lock());
//! ```
//!
//! | size | what it is | range | if it is left out |
//! |---|---|---|---|
//! | `chunk` | bytes of the greatest chunk that a channel can have | 1 to 2,147,483,647 | 32,768 |
//! | `window` | bytes that are kept for each party while the program does not want its event | `chunk` to 268,435,455 | as `chunk` |
//! | `parties` | users of own channels plus entered channels, at once | 1 to 65,534 | 2 |
//! | `own_channels` | own channels, at once | 0 to 128 | 2 |
//! | `transmit` | bytes that can wait to be sent | from 259 | 36,864 |
//! | `receive` | bytes that one poll handles | from 16 | 4,096 |
//! | `local_users` | local users, at once; each takes two parties | 0 to 65,279 | none |
//! | `line` | bytes under way between a local user and its server, each way | 64 to 16,777,215 | 1,024 |
//!
//! - Every party has a slot of `window` bytes, for a chunk that arrives in pieces, and for what it
//!   says while an event of its waits ([`Flow::Again`](crate::link::Flow::Again)).
//! - A chunk is queued whole. So `transmit` is `chunk` and some more, unless chunks are sent in
//!   parts.
//! - Chunks that lie in `receive` whole are delivered without a copy.
//! - Channels that local users can enter are all own channels.
//!
//! The sizes are the const generics of [`LinkBuffers`], in this order with `window` at the end,
//! whose page has the sum in bytes. [`link_buffers!`] with `local_users` names `LocalBuffers`
//! around them, with a further sum.
//!
//! A program that has its memory elsewhere implements [`Buffers`]. A link takes it by reference
//! too, also as `&mut dyn Buffers`.

mod buffers;
#[cfg(feature = "local")]
mod local;
mod named;

pub use super::local::LocalParts;
#[cfg(feature = "local")]
pub use super::local::{LocalUserSlot, NameSlot};
pub use super::slots::{OwnSlot, PartySlot};
pub use buffers::{BufferParts, Buffers, LinkBuffers};
#[cfg(feature = "local")]
pub use local::LocalBuffers;
pub use named::link_buffers;
