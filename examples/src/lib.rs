//! What the example programs share. The programs themselves are in `src/bin`; read `demo` first.
//!
//! - `demo`: a relay, servers and clients in one thread; every byte is verified.
//! - `stress`: load for any relay, in one or several processes; every byte is verified.
//! - `chat`: talk over a relay.
//! - `rpc`: a whiteboard by remote procedure calls.
//! - `offline`: a game's server and players in one program, without a network or over a relay.

pub mod chat;
pub mod failure;
pub mod options;
pub mod progress;
pub mod report;
pub mod rpc;
pub mod traffic;

pub use failure::Failure;

/// How long the relay may take to answer a command.
pub const ANSWER_TIMEOUT: peote_net::time::Duration = peote_net::time::Duration::from_secs(15);
