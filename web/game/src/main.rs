//! The game of the examples in a page. It shows how it goes in the element `#game`, whose
//! `data-state` is `playing`, `over` or `failed`.

use std::error::Error;
use std::iter;

use peote_net::link::{Link, link_buffers};
use peote_net::time::{Duration, Instant};
use peote_net_game::{CHUNK, Game, MOST_PLAYERS, Settings};
use peote_net_web::{WebLink, each_frame};
use web_sys::{Element, UrlSearchParams};

const PLAYERS: usize = MOST_PLAYERS as usize;

/// Two parties for each player: the server's side and its own.
type Memory = link_buffers!(
    chunk: CHUNK, parties: 2 * PLAYERS, own_channels: 1, transmit: 32_768, receive: 16_384,
    local_users: PLAYERS, line: 2_048,
);

/// A game that is being played.
struct Played {
    link: WebLink<Memory>,
    game: Game,
    page: Element,
    end: Instant,
    report: Instant,
}

fn main() {
    let Some(page) = web_sys::window().and_then(|window| window.document()?.get_element_by_id("game")) else {
        return;
    };
    let failed = page.clone();
    if let Err(error) = begin(page) {
        show(&failed, &chain(&*error), "failed");
    }
}

fn begin(page: Element) -> Result<(), Box<dyn Error>> {
    let search = web_sys::window().and_then(|window| window.location().search().ok()).unwrap_or_default();
    let options = UrlSearchParams::new_with_str(&search).map_err(|_| "the address has no options")?;
    let number = |name: &str, default: u32| match options.get(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| format!("{name}={text} is no number")),
    };
    let settings = Settings {
        players: number("players", 3)?.clamp(1, MOST_PLAYERS),
        round_trip: Duration::from_millis(number("round-trip", 80)?.into()),
        bytes_per_second: number("bandwidth", 20_000)?,
    };
    let link = Link::<Memory>::with_local_users();
    let mut link = match options.get("relay") {
        None => WebLink::offline(link)?,
        Some(relay) => WebLink::connect(&relay, link)?,
    };
    let now = link.now();
    let end = now + Duration::from_secs(number("seconds", 5)?.into());
    let game = Game::new(&mut link.out(), &settings, now)?;
    let mut played = Played { link, game, page, end, report: now };
    each_frame(move || match played.frame() {
        Ok(goes_on) => goes_on,
        Err(error) => {
            show(&played.page, &chain(&*error), "failed");
            false
        }
    })?;
    Ok(())
}

impl Played {
    /// Returns whether the game goes on.
    fn frame(&mut self) -> Result<bool, Box<dyn Error>> {
        let (now, game) = (self.link.now(), &mut self.game);
        self.link.poll(|event, out| game.hear(&event, out, now))?;
        let is_over = now >= self.end;
        if !is_over {
            game.frame(&mut self.link.out(), now)?;
        }
        if is_over || now >= self.report {
            self.report = now + Duration::from_secs(1);
            let text = game.report(now).to_string();
            show(&self.page, &text, if is_over { "over" } else { "playing" });
        }
        Ok(!is_over)
    }
}

fn show(page: &Element, text: &str, state: &str) {
    page.set_text_content(Some(text));
    // fails only for a name that is none
    let _ = page.set_attribute("data-state", state);
}

/// Returns the text of an error, and behind it those of its sources.
fn chain(error: &dyn Error) -> String {
    let sources = iter::successors(error.source(), |&error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
