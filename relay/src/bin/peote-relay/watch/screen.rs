//! The live view on a terminal.

use std::env;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use crossterm::{cursor, execute, queue};

use super::page::Details;
use super::{details, view};
use crate::cli::place::Place;

/// A terminal that is ours until this is dropped, however that comes about.
struct Screen;

impl Screen {
    fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        // from here on it is given back
        let screen = Self;
        execute!(io::stdout(), EnterAlternateScreen, cursor::Hide)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // nothing could be done about a failure
        let _ = execute!(io::stdout(), cursor::Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}

/// Shows the relay at `place` until `q`, Esc or Ctrl-C is pressed. A relay that does not answer is
/// asked again and again.
pub(super) fn run(place: &Place, interval: Duration) -> io::Result<()> {
    // what is wrong from the start is said where it stays to be read
    let mut shown = details(place).map_err(io::Error::other)?;
    let mut problem = None;
    let _screen = Screen::take()?;
    let mut due = Instant::now() + interval;
    loop {
        draw(&shown, problem.as_deref(), place)?;
        if is_to_end(due)? {
            return Ok(());
        }
        if due <= Instant::now() {
            match details(place) {
                Ok(details) => (shown, problem) = (details, None),
                Err(error) => problem = Some(error),
            }
            due = Instant::now() + interval;
        }
    }
}

/// Waits until it is time, or until something happens that changes the picture. Says whether the
/// user has seen enough.
fn is_to_end(due: Instant) -> io::Result<bool> {
    if !event::poll(due.saturating_duration_since(Instant::now()))? {
        return Ok(false);
    }
    let Event::Key(key) = event::read()? else { return Ok(false) };
    let is_control_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    let is_end = is_control_c || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc);
    Ok(is_end && key.kind != KeyEventKind::Release)
}

fn draw(details: &Details, problem: Option<&str>, place: &Place) -> io::Result<()> {
    let (width, height) = dimensions(size().ok(), |name| env::var(name).ok());
    let foot =
        problem.map_or_else(|| "q: quit".into(), |problem| format!("{problem}; trying again; q: quit"));
    let lines = view::screen(details, place, width, height.saturating_sub(1));
    let mut output = io::stdout().lock();
    queue!(output, cursor::MoveTo(0, 0))?;
    for line in &lines {
        let attribute = if line.is_heading { Attribute::Bold } else { Attribute::Reset };
        queue!(output, SetAttribute(attribute), Print(&line.text), SetAttribute(Attribute::Reset))?;
        queue!(output, Clear(ClearType::UntilNewLine), Print("\r\n"))?;
    }
    let foot = view::cut(&view::plain(&foot), width);
    queue!(output, Clear(ClearType::FromCursorDown), SetAttribute(Attribute::Dim), Print(foot))?;
    queue!(output, SetAttribute(Attribute::Reset))?;
    output.flush()
}

/// Columns and lines to draw. A terminal of which nobody has said the size (`docker exec -t`,
/// serial lines) says 0: then what is in `COLUMNS` and `LINES` counts, and else the size that
/// terminals used to have.
fn dimensions(said: Option<(u16, u16)>, variable: impl Fn(&str) -> Option<String>) -> (usize, usize) {
    let (width, height) = said.unwrap_or_default();
    let or = |said: u16, name: &str, usual: u16| {
        let set = || variable(name)?.trim().parse().ok().filter(|size: &u16| *size > 0);
        usize::from(if said > 0 { said } else { set().unwrap_or(usual) })
    };
    (or(width, "COLUMNS", 80), or(height, "LINES", 24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_that_does_not_know_its_size_has_the_usual_one() {
        let none = |_: &str| None;
        assert_eq!(dimensions(Some((100, 30)), none), (100, 30));
        assert_eq!(dimensions(Some((0, 0)), none), (80, 24));
        assert_eq!(dimensions(Some((0, 30)), none), (80, 30));
        assert_eq!(dimensions(None, none), (80, 24));
        let set = |name: &str| Some(if name == "LINES" { "50" } else { "x" }.to_string());
        assert_eq!(dimensions(Some((0, 0)), set), (80, 50));
        assert_eq!(dimensions(Some((90, 20)), set), (90, 20));
    }
}
