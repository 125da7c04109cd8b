//! A chat room over a relay, without a chat server: whoever enters a room that does not exist
//! creates it, and distributes what the others say. When that one leaves, the others take over; the
//! first is the new server, the rest enter again. That part is [`peote_net::room`].
//!
//! - [`message`]: what goes over the channel
//! - [`Server`]: the room, as its server sees it
//! - [`Session`]: getting into the room, staying in it, and what to do with what is typed
//! - [`Nick`] and [`clean`]: names that cannot be taken for others, text of others that can be
//!   printed safely

mod command;
pub mod message;
mod nick;
mod server;
mod session;
mod text;

pub use command::Command;
pub use nick::{Nick, is_mark, is_unseen};
pub use server::Server;
pub use session::Session;
pub use text::{MAX_TEXT, clean};

/// A notice, as it is shown.
fn notice(text: impl std::fmt::Display) -> String {
    format!("-- {text}")
}

/// What somebody said, as it is shown.
fn said(nick: &Nick, text: &str) -> String {
    format!("<{nick}> {text}")
}

/// What somebody did, as it is shown.
fn acted(nick: &Nick, text: &str) -> String {
    format!("* {nick} {text}")
}

/// Who is here, as it is shown.
fn here(nicks: &[Nick]) -> String {
    let nicks: Vec<&str> = nicks.iter().map(Nick::as_str).collect();
    notice(format_args!("here: {}", nicks.join(", ")))
}
