//! Every setting of the program, once: from this table come the options, their help, the keys of
//! the configuration file and what `--print-config` prints.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use peote_relay::{Config, IpNet};

use super::value;

mod table;

pub(crate) use table::SETTINGS;
use table::{LOG_LEVEL, LOG_LEVEL_NAMES, SWITCH, place};

/// All that can be set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// What the relay is told.
    pub(crate) relay: Config,
    /// What is logged.
    pub(crate) log_level: LogLevel,
    /// How it is logged.
    pub(crate) log_format: LogFormat,
    /// How much is logged in a day, in bytes; 0: no limit.
    pub(crate) log_bytes_per_day: usize,
    /// Where `peote-relay ctl` asks.
    pub(crate) control_socket: Option<PathBuf>,
    /// Where bans are kept.
    pub(crate) ban_file: Option<PathBuf>,
    /// How long draining takes.
    pub(crate) drain_time: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            relay: Config::default(),
            log_level: LogLevel::default(),
            log_format: LogFormat::default(),
            log_bytes_per_day: 1 << 30,
            control_socket: None,
            ban_file: None,
            drain_time: Duration::from_secs(60),
        }
    }
}

/// What log lines look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// The least important log lines that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogLevel {
    Off,
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// One setting: `--name` on the command line and `name` in a file.
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    /// Heading it stands under.
    pub(crate) group: &'static str,
    /// What it does, as a sentence without a full stop.
    pub(crate) help: &'static str,
    field: Field,
}

/// Where a setting's value is kept, what it is, and what it may be.
enum Field {
    Addresses(fn(&mut Settings) -> &mut Vec<SocketAddr>),
    Ranges(fn(&mut Settings) -> &mut Vec<IpNet>),
    Texts(fn(&mut Settings) -> &mut Vec<String>, &'static str),
    Text(fn(&mut Settings) -> &mut String, &'static str),
    File(fn(&mut Settings) -> &mut Option<PathBuf>),
    Count(fn(&mut Settings) -> &mut u32, RangeInclusive<u32>),
    Size(fn(&mut Settings) -> &mut usize, RangeInclusive<usize>),
    Seconds(fn(&mut Settings) -> &mut Duration, RangeInclusive<Duration>),
    Switch(fn(&mut Settings) -> &mut bool),
    /// One of these words: which one it is, and how it becomes another one.
    Choice(&'static [&'static str], fn(&Settings) -> usize, fn(&mut Settings, usize)),
}

impl Setting {
    /// Takes over one value as it was written. A setting with several values
    /// ([`is_list`](Self::is_list)) gets it in addition to those it has.
    ///
    /// # Errors
    /// What to write instead.
    pub(crate) fn set(&self, settings: &mut Settings, text: &str) -> Result<(), String> {
        match &self.field {
            Field::Addresses(field) => {
                let address = value::address(text)?;
                field(settings).push(address);
            }
            Field::Ranges(field) => {
                let range = value::range(text)?;
                field(settings).push(range);
            }
            Field::Texts(field, _) => {
                let mut alone = Settings::default();
                field(&mut alone).push(text.into());
                alone.relay.check().map_err(|error| format!("write {}", error.allowed()))?;
                field(settings).push(text.into());
            }
            Field::Text(field, _) => {
                let mut alone = Settings::default();
                *field(&mut alone) = text.into();
                alone.relay.check().map_err(|error| format!("write {}", error.allowed()))?;
                *field(settings) = text.into();
            }
            Field::File(field) => {
                *field(settings) = Some(text).filter(|text| !text.is_empty()).map(PathBuf::from);
            }
            Field::Count(field, range) => *field(settings) = value::count(text, range)?,
            Field::Size(field, range) => *field(settings) = value::size(text, range)?,
            Field::Seconds(field, range) => *field(settings) = value::seconds(text, range)?,
            Field::Switch(field) => *field(settings) = value::choice(text, &SWITCH)? == 1,
            Field::Choice(names, _, set) => {
                let choice = value::choice(text, names)?;
                set(settings, choice);
            }
        }
        Ok(())
    }

    /// Takes away all values of a setting that can have several, because a source of higher
    /// precedence names its own.
    pub(crate) fn clear(&self, settings: &mut Settings) {
        match &self.field {
            Field::Addresses(field) => field(settings).clear(),
            Field::Ranges(field) => field(settings).clear(),
            Field::Texts(field, _) => field(settings).clear(),
            _ => {}
        }
    }

    /// Whether it can have several values.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.field, Field::Addresses(_) | Field::Ranges(_) | Field::Texts(..))
    }

    /// Its value as TOML.
    pub(crate) fn show(&self, settings: &Settings) -> String {
        // The accessors lend mutably, which one accessor can do for both directions.
        let settings = &mut settings.clone();
        match &self.field {
            Field::Addresses(field) => quoted_list(field(settings)),
            Field::Ranges(field) => quoted_list(field(settings)),
            Field::Texts(field, _) => quoted_list(field(settings)),
            Field::Text(field, _) => quoted(field(settings)),
            Field::File(field) => {
                let file = field(settings).as_deref().map(|file| file.display().to_string());
                quoted(&file.unwrap_or_default().replace('\\', "\\\\").replace('"', "\\\""))
            }
            Field::Count(field, _) => field(settings).to_string(),
            Field::Size(field, _) => {
                let size = value::show_size(*field(settings));
                if size.ends_with('B') { quoted(&size) } else { size }
            }
            Field::Seconds(field, _) => value::show_seconds(*field(settings)),
            Field::Switch(field) => field(settings).to_string(),
            Field::Choice(names, get, _) => quoted(&names.get(get(settings)).unwrap_or(&"")),
        }
    }

    /// Its value as it may stand in a log: without a password.
    pub(crate) fn show_in_log(&self, settings: &Settings) -> String {
        match &self.field {
            Field::Texts(field, placeholder) if placeholder.starts_with("nats://") => {
                let addresses = field(&mut settings.clone()).clone();
                quoted_list(&addresses.iter().map(|address| without_user(address)).collect::<Vec<_>>())
            }
            _ => self.show(settings),
        }
    }

    /// What stands for its value in the help.
    pub(crate) fn placeholder(&self) -> &'static str {
        match self.field {
            Field::Addresses(_) => "ADDRESS:PORT",
            Field::Ranges(_) => "ADDRESS/LENGTH",
            Field::Texts(_, placeholder) | Field::Text(_, placeholder) => placeholder,
            Field::File(_) => "FILE",
            Field::Count(..) => "NUMBER",
            Field::Size(..) => "SIZE",
            Field::Seconds(..) => "SECONDS",
            Field::Switch(_) => "true|false",
            Field::Choice(..) => "WHAT",
        }
    }

    /// What its value may be.
    pub(crate) fn allowed(&self) -> Option<String> {
        let (low, high) = match &self.field {
            Field::Addresses(_)
            | Field::File(_)
            | Field::Ranges(_)
            | Field::Texts(..)
            | Field::Text(..)
            | Field::Switch(_) => {
                return None;
            }
            Field::Count(_, range) if *range == Config::COUNT => return None,
            Field::Count(_, range) => (range.start().to_string(), range.end().to_string()),
            Field::Size(_, range) => (value::show_size(*range.start()), value::show_size(*range.end())),
            Field::Seconds(_, range) => {
                (value::show_seconds(*range.start()), value::show_seconds(*range.end()))
            }
            Field::Choice(names, ..) => return Some(value::list(names)),
        };
        Some(format!("{low} to {high}"))
    }
}

impl LogLevel {
    /// Its name, as in settings.
    pub(crate) fn name(self) -> &'static str {
        LOG_LEVEL_NAMES.get(place(&self, &LOG_LEVEL)).unwrap_or(&"")
    }
}

/// An address with dots in place of a user with a password, or of a token.
fn without_user(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    match (scheme, rest.rsplit_once('@')) {
        (_, None) => address.into(),
        ("", Some((_, host))) => format!("…@{host}"),
        (scheme, Some((_, host))) => format!("{scheme}://…@{host}"),
    }
}

fn quoted(text: &dyn std::fmt::Display) -> String {
    format!("\"{text}\"")
}

/// A list as TOML, whatever its texts hold.
fn quoted_list<T: ToString>(values: &[T]) -> String {
    let values: Vec<_> =
        values.iter().map(|value| toml::Value::from(value.to_string()).to_string()).collect();
    format!("[{}]", values.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_reads_back_what_it_shows() {
        let default = Settings::default();
        for setting in &SETTINGS {
            let mut settings = Settings::default();
            setting.clear(&mut settings);
            let shown = setting.show(&default);
            if shown == "[]" {
                continue;
            }
            let texts = shown.trim_matches(['[', ']']).replace('"', "");
            for text in texts.split(", ") {
                assert_eq!(setting.set(&mut settings, text), Ok(()), "{}", setting.name);
            }
            assert_eq!(settings, default, "{}", setting.name);
        }
    }

    #[test]
    fn no_password_is_shown_in_a_log() {
        let mut settings = Settings::default();
        settings.relay.cluster =
            ["nats://ann:pa@ss/w@h:1", "tls://token@h", "a:b@h", "nats://h:2"].map(String::from).to_vec();
        let setting = SETTINGS.iter().find(|setting| setting.name == "cluster").unwrap();
        assert_eq!(setting.show_in_log(&settings), r#"["nats://…@h:1", "tls://…@h", "…@h", "nats://h:2"]"#);
        assert!(setting.show(&settings).contains("pa@ss"), "as the file has it");
        for setting in SETTINGS.iter().filter(|setting| setting.name != "cluster") {
            assert_eq!(setting.show_in_log(&settings), setting.show(&settings));
        }
    }

    #[test]
    fn every_setting_is_one_of_its_own() {
        // A value that differs from the default, for each kind of field.
        for setting in &SETTINGS {
            let mut settings = Settings::default();
            let text = match setting.placeholder() {
                "ADDRESS:PORT" => "[::1]:1",
                "NUMBER" | "SECONDS" => "7",
                "SIZE" => "192MiB",
                "ADDRESS/LENGTH" => "10.0.0.0/8",
                "PATTERN" => "a*",
                "ORIGIN" => "https://a.b",
                "true|false" => "true",
                _ if setting.name == "log-level" => "trace",
                _ if setting.name == "log-format" => "json",
                _ if setting.name == "access" => "mixed",
                _ if setting.name == "forwarded-header" => "forwarded",
                _ if setting.name == "access-revoked" => "close",
                "nats://HOST:PORT" => "nats://127.0.0.1:4222",
                "NAME" => "another",
                _ => "drop",
            };
            let set = setting.set(&mut settings, text);
            if setting.name == "cluster" && cfg!(not(feature = "cluster")) {
                assert!(set.is_err(), "a program without clusters says so");
                continue;
            }
            assert_eq!(set, Ok(()), "{}", setting.name);
            let changed: Vec<_> =
                SETTINGS.iter().filter(|one| one.show(&settings) != one.show(&Settings::default())).collect();
            assert_eq!(changed.len(), 1, "{}", setting.name);
            assert_eq!(changed[0].name, setting.name);
        }
    }

    #[test]
    fn no_two_settings_share_a_name() {
        let mut names: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SETTINGS.len());
    }
}
