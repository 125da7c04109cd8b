//! The operator's side.

use std::path::PathBuf;

use clap::Parser;

use super::request::Request;

/// Where the unit in relay/packaging has the socket.
const SOCKET: &str = "/run/peote-relay/control.sock";

/// Ask a running relay for something: list, show, kick, ban, close, limit, drain.
///
/// The relay has to run with --control-socket. Who may use that socket may do all of this. The
/// answer is JSON; exit code 0 if it was done, 1 if not.
#[derive(Debug, Parser)]
#[command(name = "peote-relay ctl", bin_name = "peote-relay ctl", version)]
pub(crate) struct Control {
    /// The relay's control-socket
    #[arg(long, value_name = "FILE", default_value = SOCKET)]
    socket: PathBuf,

    #[command(subcommand)]
    request: Request,
}

impl Control {
    /// Asks. Returns the answer as text for people and programs.
    ///
    /// # Errors
    /// It could not be asked, or it was not done.
    #[cfg(unix)]
    pub(crate) fn run(&self) -> Result<String, String> {
        use std::io::{Read, Write};
        use std::os::unix::net::UnixStream;
        use std::time::Duration;

        use serde_json::Value;

        let place = self.socket.display();
        let wrong = |error: std::io::Error| {
            let advice = match error.kind() {
                std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => {
                    "; is a relay running with this control-socket?"
                }
                std::io::ErrorKind::PermissionDenied => "; ask as the relay's user, or as one of its group",
                _ => "",
            };
            format!("{place}: {error}{advice}")
        };
        let mut socket = UnixStream::connect(&self.socket).map_err(wrong)?;
        socket.set_read_timeout(Some(Duration::from_secs(60))).map_err(wrong)?;
        let request = serde_json::to_string(&self.request).map_err(|error| error.to_string())?;
        socket.write_all(format!("{request}\n").as_bytes()).map_err(wrong)?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).map_err(wrong)?;
        let answer: Value =
            serde_json::from_str(&answer).map_err(|error| format!("{place}: not an answer: {error}"))?;
        if let Some(error) = answer["error"].as_str() {
            return Err(error.into());
        }
        Ok(format!("{answer:#}\n"))
    }

    /// Fails: there are no Unix sockets.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(unix))]
    pub(crate) fn run(&self) -> Result<String, String> {
        let _ = (&self.socket, &self.request);
        Err("there are no Unix sockets here".into())
    }
}
