//! `peote-relay ctl`, and the socket of the relay that it speaks with.
//!
//! One line of JSON asks, one line answers, and the connection ends. The relay's side is a thread
//! of its own, which only reads and writes lines; what they ask for is done between two turns of
//! the relay.

mod bans;
mod client;
mod execute;
mod request;
#[cfg(unix)]
mod server;
#[cfg(not(unix))]
#[path = "server_none.rs"]
mod server;

pub(crate) use client::Control;
pub(crate) use server::Server;
