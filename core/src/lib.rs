#![doc = include_str!("../README.md")]
#![no_std]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::arithmetic_side_effects
    )
)]

#[cfg(target_pointer_width = "16")]
compile_error!(
    "peote-net needs pointers of at least 32 bits: lengths on the wire do not fit a usize of 16 bits"
);

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

#[macro_use]
mod logging;
mod bytes;

pub mod chunk;
// Only in the documentation. Its examples use other packages, so peote-net-tests compiles them.
#[cfg(all(doc, not(doctest)))]
#[cfg_attr(
    not(all(
        feature = "local",
        feature = "admission",
        feature = "large-chunks",
        feature = "macros",
        feature = "rpc"
    )),
    allow(rustdoc::broken_intra_doc_links, reason = "its pages name what features leave out")
)]
pub mod guide;
#[cfg(test)]
#[path = "guide/tests.rs"]
mod guide_tests;
pub mod link;
#[cfg(feature = "local")]
pub mod offline;
pub mod protocol;
mod reason;
pub mod reconnect;
pub mod relay;
#[cfg(feature = "server")]
pub mod room;
pub mod roster;
#[cfg(feature = "rpc")]
pub mod rpc;
pub mod time;
pub mod users;
pub mod value;

pub use reason::Reason;
