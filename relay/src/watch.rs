//! `peote-relay top` and `peote-relay health`: looking at a relay that runs, over its port.

mod page;
mod request;
mod screen;
mod view;

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use self::page::Details;

/// The longest that a relay may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Width of the text where there is no terminal.
const WIDTH: usize = 100;

/// Asks a relay whether it is well.
///
/// # Errors
/// Why it is not, or what could not be found out.
pub(crate) fn health(address: SocketAddr) -> Result<String, String> {
    request::get(address, "/health", PATIENCE)
}

/// Shows what a relay is doing: as text when there is no terminal or only one look is wanted, else live until `q` is pressed.
///
/// # Errors
/// Why nothing can be shown.
pub(crate) fn top(address: SocketAddr, interval: Duration, once: bool) -> Result<(), String> {
    if !once && io::stdout().is_terminal() && io::stdin().is_terminal() {
        return screen::run(address, interval).map_err(|error| error.to_string());
    }
    let mut due = Instant::now();
    loop {
        let details = details(address)?;
        let lines = view::lines(&details, address, WIDTH);
        let text = lines.join("\n") + if once { "\n" } else { "\n\n" };
        let mut output = io::stdout().lock();
        // whoever closed the pipe has seen enough
        if output.write_all(text.as_bytes()).and_then(|()| output.flush()).is_err() || once {
            return Ok(());
        }
        due += interval;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

fn details(address: SocketAddr) -> Result<Details, String> {
    let text = request::get(address, "/details", PATIENCE).map_err(|error| {
        let advice = match () {
            () if error.contains("404") => "; start the relay with --details true",
            () if error.contains("403") => "; have --watch-from include this machine's address",
            () => "",
        };
        format!("{error}{advice}")
    })?;
    serde_json::from_str(&text).map_err(|error| format!("{address}: not a page of peote-relay: {error}"))
}
