//! What the example programs share. The programs themselves are in `src/bin`; the demonstration is
//! a package of its own, in `demo`.
//!
//! - `stress`: load for any relay, in one or several processes; every byte is verified.
//! - `chat`: talk over a relay.
//! - `rpc`: a whiteboard by remote procedure calls.
//! - `offline`: a game's server and players in one program, without a network or over a relay.

pub mod chat;
pub mod options;
pub mod rpc;

pub use peote_net_demo::{ANSWER_TIMEOUT, Failure, failure, progress, report, traffic};
