//! The memory of a link.

mod buffers;
#[cfg(feature = "local")]
mod local;

pub use buffers::{BufferParts, Buffers, LinkBuffers};
#[cfg(feature = "local")]
pub use local::LocalBuffers;
