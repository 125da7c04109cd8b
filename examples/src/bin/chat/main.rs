//! A chat in the terminal, over any relay; `chat --help` says how to use it.
//!
//! There is no chat server: see `src/chat/mod.rs` for how that goes. The loop that brings a
//! connection, the keyboard and the screen together is in `terminal.rs` beside this file.

#[cfg(unix)]
mod keyboard;
#[cfg(unix)]
mod screen;
#[cfg(unix)]
mod terminal;

use std::process::ExitCode;

use clap::Parser;
use peote_net_examples::Failure;
#[cfg(unix)]
use peote_net_examples::chat::Nick;
use peote_net_examples::options::RelayOptions;

/// Talk in a room. Whoever comes first runs the room's server; when that one leaves, somebody else
/// takes over.
#[derive(Debug, Parser)]
#[command(name = "chat", version, after_help = AFTER_HELP)]
struct Options {
    #[command(flatten)]
    relay: RelayOptions,

    /// What to be called, 1 to 24 characters [default: the name of the user of this computer]
    #[arg(long, value_name = "NICK")]
    name: Option<String>,

    /// The room; it is created if it does not exist
    #[arg(value_name = "ROOM")]
    room: String,
}

const AFTER_HELP: &str = "\
Type:
  TEXT         say it to everybody in the room
  /me TEXT     do it: \"* anna waves\"
  /who         who is here?
  /nick NICK   be called otherwise
  /kick NICK   remove somebody; for the one who runs the room's server
  /block NICK  the same, and that connection may not come back
  /help        what can be typed
  /quit        leave; the end of the input, Ctrl-D on a terminal, does the same

Messages are plain lines on standard output, so they can go into a file or a pipe,
and what is to be said can come from one.

Without --tls everybody on the way can read along. A relay of one's own with a
certificate of one's own is reached with --tls --ca FILE, where the file is its
certificate or that of who signed it.

When the connection is lost, chat comes back by itself. What is typed meanwhile waits,
as it does while the relay cannot keep up; /quit leaves within seconds all the same.

Exit codes:
  0  left
  1  the room cannot be entered, standard output was closed, or not all that was typed
     could be said
  2  wrong options
  3  the relay was not reached (with --tls: or not trusted), or not again for two
     minutes after the connection was lost, or it does not answer
  4  removed by the one who runs the room's server";

fn main() -> ExitCode {
    peote_net_examples::failure::main("chat", |options: &Options| {
        run(options).map_err(|failure| failure.with_relay(&options.relay.relay))
    })
}

#[cfg(unix)]
fn run(options: &Options) -> Result<(), Failure> {
    let name = options.name.clone().or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "guest".into());
    let nick = Nick::new(&name).map_err(|what| Failure::Usage(format!("--name: {what}")))?;
    terminal::Chat::new(&options.relay, &options.room, nick)?.run()
}

#[cfg(not(unix))]
fn run(_: &Options) -> Result<(), Failure> {
    Err(Failure::Failed("waiting for the keyboard and a connection at once takes a Unix system".into()))
}
