//! The memory of a relay: tables with named sizes, and what they are made of.
//!
//! Most programs name sizes and nothing else:
//!
//! ```
//! use peote_net::relay::{Relay, static_storage};
//!
//! // 8 connections with up to 8 channels and 32 users in all, in about 5.5 KiB
//! type Memory = static_storage!(connections: 8, channels: 8, memberships: 32, pages: 36);
//! const RELAY: Relay<Memory> = Relay::new(Memory::new());
//! # assert!(size_of_val(&RELAY) <= 5_620);
//! ```
//!
//! | size | what it is | range |
//! |---|---|---|
//! | `connections` | connections, at once | 2 to 2^31 - 1 |
//! | `channels` | channels, at once | from 1 |
//! | `memberships` | users, at once, counted once in each channel they are in | 1 to 2^31 - 1 |
//! | `pages` | pages of 64 bytes, see below | `2 * channels + 2` to 2^31 - 1 |
//!
//! The sizes are the const generics of [`StaticStorage`], in this order, whose page has the sum in
//! bytes. `GrowingStorage` (feature `alloc`) needs none. A program that has its memory elsewhere
//! implements [`Storage`].
//!
//! # Pages
//!
//! - A connection takes one page for each 16 channels that it owns, and one for each 16 that it has
//!   entered.
//! - A channel takes one for each 16 users, and one for each 64 bytes of its name.
//! - Numbers are reused late. So a table of numbers that come and go takes up to 16 pages in time,
//!   and keeps them while it lives. When half of all pages are taken, numbers that have rested are
//!   reused instead. Where none has, a channel is full.
//! - A channel takes one for each 7 connections that its server has blocked, at most 16, and keeps
//!   them while it lives. When half of all pages are taken, it gets no further one; see
//!   [`Note::Blocked`](super::Note::Blocked).
//!
//! `2 * connections + 2 * channels` pages are enough while names have at most 64 bytes, and no
//! endpoint and no channel has more than 16 channels or users.

mod fixed;
#[cfg(feature = "alloc")]
pub(super) mod growing;
mod named;
mod storage;

pub use super::places::Page;
pub use super::slots::{ChannelSlot, ConnectionSlot, FlowSlot, MembershipSlot};
pub use fixed::StaticStorage;
#[cfg(feature = "alloc")]
pub use growing::GrowingStorage;
pub use named::static_storage;
pub use storage::{Parts, Pool, Storage};
