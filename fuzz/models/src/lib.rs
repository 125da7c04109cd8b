//! The targets for fuzzing, as ordinary functions: an input goes in, a finding is a panic.
//!
//! The binaries in `fuzz/` give them to libFuzzer, and a test of `peote-net-tests` gives them the
//! committed seeds and random changes of those, so that they run with the stable toolchain, too.
//! `docs/FUZZING.md` says more.

pub mod calls;
pub mod chunk;
mod input;
pub mod link;
pub mod offline;
pub mod protocol;
pub mod relay;
pub mod rpc;
pub mod serial;

pub use input::Input;

/// A target: what it is called, and what is done with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("protocol", protocol::check),
    ("chunk", chunk::check),
    ("rpc", rpc::check),
    ("calls", calls::check),
    ("relay", relay::check),
    ("link", link::check),
    ("offline", offline::check),
    ("serial", serial::check),
];
