//! `peote-relay top` and `peote-relay health`: looking at a relay that runs, over its port.

mod page;
mod request;
mod screen;
mod view;

use std::io::{self, IsTerminal, Write};
#[cfg(feature = "try")]
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use self::page::Details;
use crate::cli::place::Place;

/// The longest that a relay may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Width of the text where there is no terminal.
const WIDTH: usize = 80;

/// Asks a relay whether it is well.
///
/// # Errors
/// Why it is not, or what could not be found out.
pub(crate) fn health(place: &Place) -> Result<String, String> {
    request::get(place, "/health", PATIENCE)
}

/// Shows what a relay is doing: as text when there is no terminal or only one look is wanted, else
/// live until `q` is pressed.
///
/// # Errors
/// Why nothing can be shown.
pub(crate) fn top(place: &Place, interval: Duration, once: bool) -> Result<(), String> {
    if !once && io::stdout().is_terminal() && io::stdin().is_terminal() {
        return screen::run(place, interval).map_err(|error| error.to_string());
    }
    let mut due = Instant::now();
    loop {
        let details = details(place)?;
        let lines = view::lines(&details, place, WIDTH);
        let lines: Vec<_> = lines.into_iter().map(|line| line.text).collect();
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

/// The page with the details of a relay on this machine, as it is.
///
/// # Errors
/// Why there is none.
#[cfg(feature = "try")]
pub(crate) fn details_text(relay: SocketAddr) -> Result<String, String> {
    let place = Place { host: relay.ip().to_string(), port: relay.port() };
    request::get(&place, "/details", PATIENCE)
}

fn details(place: &Place) -> Result<Details, String> {
    let text = request::get(place, "/details", PATIENCE).map_err(|error| {
        let advice = match () {
            () if error.contains(": /details: 404") => "; start the relay with --details true",
            () if error.contains(": /details: 403") => "; have --watch-from include this machine's address",
            () => "",
        };
        format!("{error}{advice}")
    })?;
    serde_json::from_str(&text).map_err(|error| format!("{place}: not a page of peote-relay: {error}"))
}
