//! `--legacy-config`: what the configuration file of the relay that this one replaces probably means.
//!
//! How that file is written is documented nowhere. So this reads the shapes that such files usually have and the few settings that are known to exist, and
//! says of every line what was made of it.

use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use peote_relay::Config;

use self::line::Line;
use self::name::Meaning;
use super::Origin;
use super::problem::{Problem, shorten};
use super::settings::{LOG_LEVEL, SETTINGS, Setting, Settings};

mod line;
mod name;
#[cfg(test)]
mod tests;

/// Connections of one address that the other relay allows where its file does not say.
const CONNECTIONS_PER_ADDRESS: &str = "13";

/// What was made of a line, or of there being none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) text: Problem,
    /// Somebody should look at it.
    pub(crate) is_warning: bool,
    /// The setting that it is about: its index in [`SETTINGS`].
    pub(crate) setting: Option<usize>,
}

/// Reads a file into `settings`. What is set is reported to `seen`, with its index in [`SETTINGS`].
///
/// # Errors
/// All that is wrong with the file, in the order of its lines; `settings` is then of no use.
pub(crate) fn read(
    path: &Path,
    settings: &mut Settings,
    seen: impl FnMut(usize, Origin),
) -> Result<Vec<Note>, Vec<Problem>> {
    let bytes = fs::read(path).map_err(|error| {
        let path = path.display();
        vec![Problem::new(format!("{path}: cannot be read: {error}; name another file with --legacy-config"))]
    })?;
    convert(path, &bytes, settings, seen)
}

fn convert(
    path: &Path,
    bytes: &[u8],
    settings: &mut Settings,
    seen: impl FnMut(usize, Origin),
) -> Result<Vec<Note>, Vec<Problem>> {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let mut file =
        File { path, settings, seen, notes: Vec::new(), problems: Vec::new(), lines: HashMap::new() };
    let mut place = Place::default();
    for (number, text) in text.split(['\n', '\r']).enumerate() {
        file.line(number + 1, text, &mut place);
    }
    file.listen(&place);
    file.rest();
    file.notes.sort_by_key(|(line, _)| *line);
    if file.problems.is_empty() {
        return Ok(file.notes.into_iter().map(|(_, note)| note).collect());
    }
    Err(file.problems)
}

/// Where to listen: address and port may stand on lines of their own.
#[derive(Debug, Default)]
struct Place {
    address: Option<IpAddr>,
    port: Option<u16>,
    /// The lines that say so, with their text.
    lines: Vec<(usize, String)>,
}

/// A file that is being read.
struct File<'a, S> {
    path: &'a Path,
    settings: &'a mut Settings,
    seen: S,
    /// With the line they are about.
    notes: Vec<(usize, Note)>,
    problems: Vec<Problem>,
    /// In which line each was set.
    lines: HashMap<Meaning, usize>,
}

impl<S: FnMut(usize, Origin)> File<'_, S> {
    fn line(&mut self, number: usize, text: &str, place: &mut Place) {
        let what = match line::parse(text) {
            Line::Nothing => return,
            Line::Section => "sections are not looked at; see that the lines below mean what is said of them",
            Line::Setting { name, value } => match name::meaning(name) {
                Some(meaning) => return self.set(number, text, meaning, value, place),
                None => {
                    "not understood; look for such a setting in the sample relay.toml, or remove the line"
                }
            },
            Line::Other => {
                "not understood; look for such a setting in the sample relay.toml, or remove the line"
            }
        };
        self.warn(number, text, what);
    }

    fn set(&mut self, number: usize, text: &str, meaning: Meaning, value: &str, place: &mut Place) {
        let result = match meaning {
            Meaning::Listen | Meaning::Port => self.place(number, meaning, value, place),
            Meaning::LogLevel => {
                let value = value.to_lowercase();
                let level = if value == "warning" { "warn" } else { &value };
                if !LOG_LEVEL.contains(&level) {
                    return self.warn(number, text, "no level that is known here; set log-level");
                }
                self.once(number, meaning).and_then(|()| self.apply(number, text, "log-level", level))
            }
            Meaning::PerAddress | Meaning::Connections | Meaning::FirstByte | Meaning::Idle => {
                let name = match meaning {
                    Meaning::PerAddress => "max-connections-per-address",
                    Meaning::Connections => "max-connections",
                    Meaning::FirstByte => "first-byte-timeout",
                    _ => "idle-timeout",
                };
                self.once(number, meaning).and_then(|()| self.apply(number, text, name, value))
            }
        };
        match result {
            Ok(()) if matches!(meaning, Meaning::Listen | Meaning::Port) => {
                place.lines.push((number, text.into()));
            }
            Ok(()) => {}
            Err(what) => {
                let text = format!("{}: {what}", shorten(text.trim()));
                self.problems.push(Problem::in_file(self.path, number, text));
            }
        }
    }

    /// A setting can be set once: nobody knows which of several lines would count.
    fn once(&mut self, number: usize, meaning: Meaning) -> Result<(), String> {
        match self.lines.insert(meaning, number) {
            Some(line) => Err(format!("line {line} has set this already; remove one")),
            None => Ok(()),
        }
    }

    fn place(
        &mut self,
        number: usize,
        meaning: Meaning,
        value: &str,
        place: &mut Place,
    ) -> Result<(), String> {
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        let address = match value {
            "*" => Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            _ => value.trim_start_matches('[').trim_end_matches(']').parse().ok(),
        };
        let (address, port) = match (address, value.parse::<SocketAddr>(), value.parse::<u16>()) {
            (Some(address), ..) if meaning == Meaning::Listen => (Some(address), None),
            (_, Ok(both), _) if meaning == Meaning::Listen && both.port() > 0 => {
                (Some(both.ip()), Some(both.port()))
            }
            (.., Ok(port @ 1..)) if is_number => (None, Some(port)),
            _ if is_number || meaning == Meaning::Port => return Err("write a port from 1 to 65535".into()),
            _ => return Err("write an IP address, with or without a port; names are not looked up".into()),
        };
        if let Some(address) = address {
            self.once(number, Meaning::Listen)?;
            place.address = Some(address);
        }
        if let Some(port) = port {
            self.once(number, Meaning::Port)?;
            place.port = Some(port);
        }
        Ok(())
    }

    fn apply(&mut self, number: usize, text: &str, name: &str, value: &str) -> Result<(), String> {
        let Some((index, setting)) = find(name) else { return Ok(()) };
        setting.clear(self.settings);
        setting.set(self.settings, value)?;
        (self.seen)(index, Origin::File(number));
        let none = if value == "0" { " (no limit)" } else { "" };
        let text = format!("{} -> {name} = {}{none}", shorten(text.trim()), setting.show(self.settings));
        self.note(number, Problem::in_file(self.path, number, text), Some(index), false);
        Ok(())
    }

    /// Says where to listen, of which all lines about it have been read.
    fn listen(&mut self, place: &Place) {
        let Some((index, setting)) = find("listen") else { return };
        let path = self.path.display();
        let Some((first, _)) = place.lines.first() else {
            let default = setting.show(self.settings);
            let text = format!(
                "{path}: no line says where to listen -> listen = {default}, for this machine only; give --listen for others"
            );
            return self.note(usize::MAX, Problem::new(text), Some(index), true);
        };
        let address = place.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let port = place.port.unwrap_or(Config::DEFAULT_PORT);
        self.settings.relay.listen = vec![SocketAddr::new(address, port)];
        (self.seen)(index, Origin::File(*first));
        let assumed = match (place.address, place.port) {
            (None, _) => ", all of IPv4 because no line names an address",
            (_, None) => ", this port because no line names one",
            _ => "",
        };
        for (number, text) in &place.lines {
            let text =
                format!("{} -> listen = {}{assumed}", shorten(text.trim()), setting.show(self.settings));
            self.note(*number, Problem::in_file(self.path, *number, text), Some(index), false);
        }
    }

    /// What the other relay does by itself and this one does not.
    fn rest(&mut self) {
        let name = "max-connections-per-address";
        if let Some((index, setting)) = find(name)
            && !self.lines.contains_key(&Meaning::PerAddress)
            && setting.set(self.settings, CONNECTIONS_PER_ADDRESS).is_ok()
        {
            (self.seen)(index, Origin::Legacy);
            let text = format!(
                "{}: no line limits the connections of one address -> {name} = {CONNECTIONS_PER_ADDRESS}, as without such a line before",
                self.path.display()
            );
            self.note(usize::MAX, Problem::new(text), Some(index), false);
        }
    }

    fn warn(&mut self, number: usize, text: &str, what: &str) {
        let text = format!("{}: {what}", shorten(text.trim()));
        self.note(number, Problem::in_file(self.path, number, text), None, true);
    }

    fn note(&mut self, line: usize, text: Problem, setting: Option<usize>, is_warning: bool) {
        self.notes.push((line, Note { text, is_warning, setting }));
    }
}

fn find(name: &str) -> Option<(usize, &'static Setting)> {
    SETTINGS.iter().enumerate().find(|(_, setting)| setting.name == name)
}
