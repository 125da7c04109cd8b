//! `--legacy-config`: the configuration file of the relay that this one replaces
//! (`peote-server.conf`), read as that relay reads it.
//!
//! Of every line it is said what was made of it, and of what no line says what the relay before did
//! then.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;

use peote_relay::Config;

use self::line::{Key, Line};
use super::Origin;
use super::problem::{Problem, did_you_mean, shorten};
use super::settings::{SETTINGS, Setting, Settings};

mod line;
#[cfg(test)]
mod tests;

/// Connections of one address that the other relay allows where its file does not say.
const CONNECTIONS_PER_ADDRESS: &str = "13";

/// Where the other relay listens where its file does not say.
const ADDRESS: &str = "localhost";

/// A range of addresses in which nobody is.
const NOBODY: &str = "255.255.255.255/32";

const PER_ADDRESS: &str = "max-connections-per-address";

/// What was made of a line, or of there being none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) text: Problem,
    /// Somebody should look at it.
    pub(crate) is_warning: bool,
    /// The setting that it is about: its index in [`SETTINGS`].
    pub(crate) setting: Option<usize>,
}

/// Host names that were looked up. A relay that runs cannot listen elsewhere, so it need not wait
/// for the same answer again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(HashMap<String, Ipv4Addr>);

/// Reads a file into `settings`. What is set is reported to `seen`, with its index in [`SETTINGS`].
///
/// # Errors
/// All that is wrong with the file, in the order of its lines; `settings` is then of no use.
pub(crate) fn read(
    path: &Path,
    settings: &mut Settings,
    names: &mut Names,
    seen: impl FnMut(usize, Origin),
) -> Result<Vec<Note>, Vec<Problem>> {
    let bytes = fs::read(path).map_err(|error| {
        let path = path.display();
        vec![Problem::new(format!("{path}: cannot be read: {error}; name another file with --legacy-config"))]
    })?;
    convert(path, &bytes, settings, |name| names.look_up(name), seen)
}

fn convert(
    path: &Path,
    bytes: &[u8],
    settings: &mut Settings,
    look_up: impl FnMut(&str) -> io::Result<Ipv4Addr>,
    seen: impl FnMut(usize, Origin),
) -> Result<Vec<Note>, Vec<Problem>> {
    let text = String::from_utf8_lossy(bytes);
    let mut file =
        File { path, settings, seen, notes: Vec::new(), problems: Vec::new(), found: HashMap::new() };
    for (number, text) in text.split('\n').enumerate() {
        file.line(number + 1, text);
    }
    file.listen(look_up);
    file.per_address();
    file.log_level();
    file.log_files();
    file.notes.sort_by_key(|(line, _)| *line);
    file.problems.sort_by_key(|(line, _)| *line);
    if file.problems.is_empty() {
        return Ok(file.notes.into_iter().map(|(_, note)| note).collect());
    }
    Err(file.problems.into_iter().map(|(_, problem)| problem).collect())
}

impl Names {
    /// The IPv4 address of a host: the relay before knows no other.
    fn look_up(&mut self, name: &str) -> io::Result<Ipv4Addr> {
        if let Some(known) = self.0.get(name) {
            return Ok(*known);
        }
        let found = (name, 0).to_socket_addrs()?.find_map(|address| match address.ip() {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        });
        let found = found.ok_or_else(|| io::Error::other("it has no IPv4 address"))?;
        self.0.insert(name.into(), found);
        Ok(found)
    }
}

/// A line that counts.
#[derive(Clone, Debug)]
struct Found {
    number: usize,
    text: String,
    /// What counts of its value.
    value: String,
    /// There is more in it.
    is_part: bool,
}

/// A file that is being read.
struct File<'a, S> {
    path: &'a Path,
    settings: &'a mut Settings,
    seen: S,
    /// With the line they are about.
    notes: Vec<(usize, Note)>,
    problems: Vec<(usize, Problem)>,
    /// For each key the line that counts.
    found: HashMap<Key, Found>,
}

impl<S: FnMut(usize, Origin)> File<'_, S> {
    fn line(&mut self, number: usize, text: &str) {
        let (key, value) = match line::parse(text) {
            Line::Nothing => return,
            Line::PassedOver(why) => {
                return self.say(number, text, &format!("{why}; passed over, as before"), true);
            }
            Line::Setting(Key::Unused, _) => {
                let what = "has no meaning; the relay before read this and did not use it";
                return self.say(number, text, what, false);
            }
            Line::Setting(key, value) => (key, value),
        };
        let written = text.split('#').next().and_then(|text| text.split_once('='));
        let is_part = written.is_some_and(|(_, written)| !written.trim().eq_ignore_ascii_case(&value));
        let found = Found { number, text: text.into(), value, is_part };
        if let Some(before) = self.found.insert(key, found) {
            let what = format!("line {number} says this again, and the last one counts");
            self.say(before.number, &before.text, &what, true);
        }
    }

    /// Where to listen: address and port stand on lines of their own.
    fn listen(&mut self, look_up: impl FnMut(&str) -> io::Result<Ipv4Addr>) {
        let Some((index, setting)) = find("listen") else { return };
        let (address, port) = (self.found.remove(&Key::Address), self.found.remove(&Key::Port));
        let ip = self.ip(address.as_ref(), look_up);
        let number = port.as_ref().map_or(Some(Config::DEFAULT_PORT), |port| {
            let number = port.value.parse().ok().filter(|number| *number != 0);
            number.or_else(|| self.wrong(port, "write a port from 1 to 65535"))
        });
        let (Some(ip), Some(number)) = (ip, number) else { return };
        self.settings.relay.listen = vec![SocketAddr::from((ip, number))];
        let listen = setting.show(self.settings);
        let first = address.iter().chain(&port).map(|found| found.number).min();
        (self.seen)(index, first.map_or(Origin::Legacy, Origin::File));
        if address.is_none() {
            let what = format!(
                "no line names an address -> listen = {listen}, for this machine only, as before; give --listen for others"
            );
            self.say_of_none(&what, Some(index));
        }
        for found in address.iter().chain(&port) {
            self.becomes(found, &format!("listen = {listen}"), index);
        }
    }

    fn ip(
        &mut self,
        address: Option<&Found>,
        mut look_up: impl FnMut(&str) -> io::Result<Ipv4Addr>,
    ) -> Option<Ipv4Addr> {
        let name = address.map_or(ADDRESS, |found| &found.value);
        if name == ADDRESS {
            return Some(Ipv4Addr::LOCALHOST);
        }
        match name.parse().or_else(|_| look_up(name)) {
            Ok(ip) => Some(ip),
            Err(error) => {
                let what = format!(
                    "{name} cannot be looked up: {error}; write an IPv4 address, or a name that has one"
                );
                address.and_then(|found| self.wrong(found, &what))
            }
        }
    }

    fn per_address(&mut self) {
        let Some(found) = self.found.remove(&Key::PerAddress) else {
            if let Some(index) = self.set(PER_ADDRESS, CONNECTIONS_PER_ADDRESS, Origin::Legacy) {
                let what = format!(
                    "no line limits the connections of one address -> {PER_ADDRESS} = {CONNECTIONS_PER_ADDRESS}, \
                     as without such a line before"
                );
                self.say_of_none(&what, Some(index));
            }
            return;
        };
        let origin = Origin::File(found.number);
        if found.value.bytes().all(|byte| byte == b'0') {
            // 0 is no limit there
            let Some(index) = self.set("connect-from", NOBODY, origin) else { return };
            let what = format!(
                "-> connect-from = [\"{NOBODY}\"], where nobody is: 0 refuses everybody, as before; remove the line, \
                 or write how many"
            );
            return self.push(found.number, &found.text, &what, true, Some(index));
        }
        // there may be more digits than a number here has
        let value = found.value.parse::<u32>().unwrap_or(u32::MAX).to_string();
        if let Some(index) = self.set(PER_ADDRESS, &value, origin) {
            self.becomes(&found, &format!("{PER_ADDRESS} = {value}"), index);
        }
    }

    /// What is logged: everything, or one kind of line.
    fn log_level(&mut self) {
        let lines = [Key::Logging, Key::ErrorLogging, Key::AccessLogging].map(|key| self.found.remove(&key));
        let is_on =
            |place: usize| lines.get(place).and_then(Option::as_ref).is_none_or(|line| line.value == "on");
        let level = match (is_on(0), is_on(1), is_on(2)) {
            (false, ..) | (true, false, false) => "off",
            (true, true, false) => "warn",
            (true, _, true) => "info",
        };
        let Some(last) = lines.iter().flatten().map(|line| line.number).max() else { return };
        let Some(index) = self.set("log-level", level, Origin::File(last)) else { return };
        for (place, line) in lines.iter().enumerate() {
            let Some(line) = line else { continue };
            if place == 1 && level == "info" && line.value == "off" {
                let what = "cannot be carried over: there is no log without errors that has all else";
                self.push(line.number, &line.text, what, true, Some(index));
            } else {
                self.becomes(line, &format!("log-level = \"{level}\""), index);
            }
        }
    }

    /// Where it is logged to, of which this relay leaves all to the one who starts it.
    fn log_files(&mut self) {
        let is_silent = self.settings.log_level.name() == "off";
        let line = self.found.remove(&Key::LogFile);
        if line.is_none() && !is_silent {
            let what = "no line names a logfile: the log goes to standard error, and not to peote.log as before; \
                        add 2>>peote.log to the command, or leave it to a service manager";
            self.say_of_none(what, None);
        }
        let others = [Key::ErrorLogFile, Key::AccessLogFile].map(|key| self.found.remove(&key));
        for (is_main, line) in [(true, line)].into_iter().chain(others.map(|line| (false, line))) {
            let Some(Found { number, text, value, .. }) = line else { continue };
            let what = match (value.is_empty(), is_main) {
                _ if is_silent => "has no effect: nothing is logged".into(),
                (true, false) => "has no effect, as before".into(),
                (true, true) => {
                    "cannot be carried over: the log goes to standard error, and not to standard output; \
                                 add 2>&1 to the command"
                        .into()
                }
                (false, true) => format!(
                    "cannot be carried over: the log goes to standard error; add 2>>{value} to the command, or leave it \
                     to a service manager"
                ),
                (false, false) => {
                    "cannot be carried over: all lines go to standard error; with log-format = json \
                                   they are told apart by their level"
                        .into()
                }
            };
            let is_carried = is_silent || value.is_empty() && !is_main;
            self.say(number, &text, &what, !is_carried);
        }
    }

    /// Sets a setting. Returns its index.
    fn set(&mut self, name: &str, value: &str, origin: Origin) -> Option<usize> {
        let (index, setting) = find(name)?;
        setting.clear(self.settings);
        setting.set(self.settings, value).ok()?;
        (self.seen)(index, origin);
        Some(index)
    }

    /// Notes what a line has become.
    fn becomes(&mut self, found: &Found, what: &str, setting: usize) {
        let part = if found.is_part {
            format!(", of which only {} counts, as before", found.value)
        } else {
            String::new()
        };
        self.push(found.number, &found.text, &format!("-> {what}{part}"), found.is_part, Some(setting));
    }

    /// Notes what no line says.
    fn say_of_none(&mut self, what: &str, setting: Option<usize>) {
        let text = Problem::new(format!("{}: {what}", self.path.display()));
        self.notes.push((usize::MAX, Note { text, is_warning: false, setting }));
    }

    fn say(&mut self, number: usize, text: &str, what: &str, is_warning: bool) {
        self.push(number, text, what, is_warning, None);
    }

    fn push(&mut self, number: usize, text: &str, what: &str, is_warning: bool, setting: Option<usize>) {
        let colon = if what.starts_with("->") { "" } else { ":" };
        let text = Problem::in_file(self.path, number, format!("{}{colon} {what}", shorten(text.trim())));
        self.notes.push((number, Note { text, is_warning, setting }));
    }

    /// Notes that something of a line cannot be.
    fn wrong<T>(&mut self, found: &Found, what: &str) -> Option<T> {
        let text = format!("{}: {what}", shorten(found.text.trim()));
        self.problems.push((found.number, Problem::in_file(self.path, found.number, text)));
        None
    }
}

fn find(name: &str) -> Option<(usize, &'static Setting)> {
    SETTINGS.iter().enumerate().find(|(_, setting)| setting.name == name)
}
