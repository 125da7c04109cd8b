//! The live view on a terminal.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use crossterm::{cursor, execute, queue};

use super::page::Details;
use super::{details, view};

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

/// Shows the relay at `address` until `q`, Esc or Ctrl-C is pressed. A relay that does not answer is asked again and again.
pub(super) fn run(address: SocketAddr, interval: Duration) -> io::Result<()> {
    // what is wrong from the start is said where it stays to be read
    let mut shown = details(address).map_err(io::Error::other)?;
    let mut problem = None;
    let _screen = Screen::take()?;
    let mut due = Instant::now() + interval;
    loop {
        draw(&shown, problem.as_deref(), address)?;
        if is_to_end(due)? {
            return Ok(());
        }
        if due <= Instant::now() {
            match details(address) {
                Ok(details) => (shown, problem) = (details, None),
                Err(error) => problem = Some(error),
            }
            due = Instant::now() + interval;
        }
    }
}

/// Waits until it is time, or until something happens that changes the picture. Says whether the user has seen enough.
fn is_to_end(due: Instant) -> io::Result<bool> {
    if !event::poll(due.saturating_duration_since(Instant::now()))? {
        return Ok(false);
    }
    let Event::Key(key) = event::read()? else { return Ok(false) };
    let is_control_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    let is_end = is_control_c || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc);
    Ok(is_end && key.kind != KeyEventKind::Release)
}

fn draw(details: &Details, problem: Option<&str>, address: SocketAddr) -> io::Result<()> {
    let (width, height) = size()?;
    let (width, height) = (usize::from(width), usize::from(height));
    let foot =
        problem.map_or_else(|| "q: quit".into(), |problem| format!("{problem}; trying again; q: quit"));
    let lines = view::screen(details, address, width, height.saturating_sub(1));
    let mut output = io::stdout().lock();
    queue!(output, cursor::MoveTo(0, 0))?;
    for (number, line) in lines.iter().enumerate() {
        let is_bold = number == 0 || view::is_heading(number, &lines);
        let attribute = if is_bold { Attribute::Bold } else { Attribute::Reset };
        queue!(output, SetAttribute(attribute), Print(line), SetAttribute(Attribute::Reset))?;
        queue!(output, Clear(ClearType::UntilNewLine), Print("\r\n"))?;
    }
    let foot: String = foot.chars().filter(|character| !character.is_control()).take(width).collect();
    queue!(output, Clear(ClearType::FromCursorDown), SetAttribute(Attribute::Dim), Print(foot))?;
    queue!(output, SetAttribute(Attribute::Reset))?;
    output.flush()
}
