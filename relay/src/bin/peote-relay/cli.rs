//! From command line and file to settings.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::legacy::{Names, Note};
use self::options::{Command, NoRun};
pub(crate) use self::options::{Options, whole};
use self::place::Place;
use self::problem::Problem;
use self::settings::{SETTINGS, Settings};
use crate::control::Control;
use crate::generate::Generate;
use crate::sockets::HandedOver;
use crate::try_out;

mod file;
mod host;
mod legacy;
mod options;
pub(crate) mod place;
mod print;
mod problem;
pub(crate) mod settings;
mod together;
pub(crate) mod value;

/// After so much time without a word existing endpoints, and those of this project, take a
/// connection for lost.
const SILENCE: Duration = Duration::from_secs(20);

/// What the program is to do.
#[derive(Debug)]
pub(crate) enum Task {
    /// Ask a relay whether it is well.
    Health(Place),
    /// Show what a relay is doing: where it is, how often to look, and whether only once.
    Top(Place, Duration, bool),
    /// Ask a relay for something.
    Control(Box<Control>),
    /// Write man pages and completions.
    Generate(Generate),
    /// Make or explain a token.
    #[cfg(feature = "tokens")]
    Token(Box<crate::token::Token>),
    /// Run the relay.
    Run(Box<Loaded>, Box<Options>),
    /// Print this, with these remarks beside it, and be done.
    Print(String, Vec<Note>),
    /// Print clap's help or version and be done.
    Help(clap::Error),
    /// Say what is wrong, and be done.
    Complain(Vec<Problem>),
}

/// Settings, and where each comes from.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    /// One for each of [`SETTINGS`].
    origins: [Origin; SETTINGS.len()],
    file: Option<PathBuf>,
    /// What was made of each line of `--legacy-config`, and other warnings.
    pub(crate) notes: Vec<Note>,
    /// What host names of `--legacy-config` stand for.
    pub(crate) names: Names,
    /// Addresses of sockets that were handed over; the settings have them as well.
    pub(crate) handed_over: HandedOver,
}

/// Where a setting's value comes from, in the order of precedence, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    /// Sockets that were handed over, in place of the default.
    HandedOver,
    /// What the relay did that this one replaces (`--legacy-config`).
    Legacy,
    /// The line of the file, from 1.
    File(usize),
    /// `--unlimited`.
    Unlimited,
    /// `--try`, in place of the default.
    Try,
    Option,
}

/// What the command line asks for; the first argument is the program's own name. Beside what is
/// said there the relay is to use the sockets that were handed over.
pub(crate) fn task(arguments: impl IntoIterator<Item = OsString>, handed_over: &HandedOver) -> Task {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let options = match options::parse(&arguments) {
        Ok(Command::Control(control)) => return Task::Control(control),
        Ok(Command::Generate(generate)) => return Task::Generate(generate),
        #[cfg(feature = "tokens")]
        Ok(Command::Token(token)) => return Task::Token(token),
        Ok(Command::Health(watched)) => return Task::Health(watched.place),
        Ok(Command::Top(watched, interval, once)) => return Task::Top(watched.place, interval, once),
        Ok(Command::Run(options)) => options,
        Err(NoRun::Asked(help)) => return Task::Help(help),
        Err(NoRun::Wrong(problem)) => return Task::Complain(vec![problem]),
    };
    match load(&options, handed_over, Names::default()) {
        Ok(loaded) if options.print_config => Task::Print(print::toml(&loaded), loaded.notes),
        Ok(loaded) => Task::Run(Box::new(loaded), options),
        Err(problems) => Task::Complain(problems),
    }
}

/// Reads the file, if there is one, under the options that the program was started with. `names`
/// are those that were looked up before.
///
/// # Errors
/// All that is wrong.
pub(crate) fn load(
    options: &Options,
    handed_over: &HandedOver,
    mut names: Names,
) -> Result<Loaded, Vec<Problem>> {
    let mut settings = Settings::default();
    let mut origins = [Origin::Default; SETTINGS.len()];
    let mut problems = Vec::new();
    if let Some(path) = &options.config
        && let Err(found) = file::read(path, &mut settings, |index, line| origins[index] = Origin::File(line))
    {
        problems.extend(found);
    }
    let mut notes = Vec::new();
    if let Some(path) = &options.legacy_config {
        match legacy::read(path, &mut settings, &mut names, |index, origin| origins[index] = origin) {
            Ok(made) => notes = made,
            Err(found) => problems.extend(found),
        }
    }
    if options.unlimited {
        let before = settings.clone();
        settings.relay.lift_limits();
        for (origin, setting) in origins.iter_mut().zip(&SETTINGS) {
            if setting.show(&settings) != setting.show(&before) {
                *origin = Origin::Unlimited;
            }
        }
    }
    if options.try_out {
        for (name, value) in [("listen", "127.0.0.1:0"), ("details", "true")] {
            let found = SETTINGS.iter().zip(&mut origins).find(|(setting, _)| setting.name == name);
            if let Some((setting, origin)) = found {
                setting.clear(&mut settings);
                // both values are good
                let _ = setting.set(&mut settings, value);
                *origin = Origin::Try;
            }
        }
    }
    for (index, values) in &options.given.0 {
        let setting = &SETTINGS[*index];
        origins[*index] = Origin::Option;
        setting.clear(&mut settings);
        for value in values {
            if let Err(what) = setting.set(&mut settings, value) {
                problems.push(Problem::in_option(setting.name, value, what));
            }
        }
    }
    let file = options.config.clone().or_else(|| options.legacy_config.clone());
    let mut loaded = Loaded { settings, origins, file, notes, names, handed_over: handed_over.clone() };
    loaded.note_precedence();
    loaded.note_silence();
    loaded.use_handed_over();
    loaded.note_without_effect();
    if options.try_out && !try_out::is_local(&loaded.settings.relay) {
        problems.push(Problem::new(
            "--try: the page is for this machine; listen on 127.0.0.1, on [::1], or without --try",
        ));
    }
    if problems.is_empty() {
        problems.extend(loaded.conflict());
    }
    if problems.is_empty() { Ok(loaded) } else { Err(problems) }
}

impl Loaded {
    /// Logs what was made of each line of `--legacy-config`, and other warnings.
    pub(crate) fn log_notes(&self) {
        for note in &self.notes {
            if note.is_warning {
                tracing::warn!("{}", note.text);
            } else {
                tracing::info!("{}", note.text);
            }
        }
    }

    /// The settings that are not as they were, for the log: its name, its value now, and its value
    /// before.
    pub(crate) fn changes<'a>(
        &'a self,
        before: &'a Self,
    ) -> impl Iterator<Item = (&'static str, String, String)> + 'a {
        let (now, before) = (&self.settings, &before.settings);
        let changed = SETTINGS.iter().filter(|setting| setting.show(now) != setting.show(before));
        changed.map(|setting| (setting.name, setting.show_in_log(now), setting.show_in_log(before)))
    }

    /// Says it where a line of `--legacy-config` does not count in the end.
    fn note_precedence(&mut self) {
        for note in &mut self.notes {
            let Some(index) = note.setting else { continue };
            let what = match (self.origins[index], SETTINGS[index].name) {
                (Origin::Option, name) => format!("--{name}"),
                (Origin::Unlimited, _) => "--unlimited".into(),
                _ => continue,
            };
            note.text = Problem::new(format!("{}, but {what} goes before that", note.text));
        }
    }

    /// Says it where connections are said nothing for so long that endpoints take them for lost.
    fn note_silence(&mut self) {
        let name = "keepalive-interval";
        if self.settings.relay.keepalive_interval < SILENCE {
            return;
        }
        let (prefix, value) =
            (self.prefix(name), value::show_seconds(self.settings.relay.keepalive_interval));
        let limit = SILENCE.as_secs();
        let text = Problem::new(format!(
            "{prefix}{name} = {value}: endpoints take {limit} s without a word for the loss of the connection, so idle \
             endpoints connect again and again; set it well below {limit}"
        ));
        self.notes.push(Note { text, is_warning: true, setting: None });
    }

    /// Has sockets that were handed over take the place of the default of `listen`; beside
    /// addresses that were set, they are used in addition.
    fn use_handed_over(&mut self) {
        let (relay, HandedOver { plain, tls }) = (&mut self.settings.relay, &self.handed_over);
        if plain.is_empty() && tls.is_empty() {
            return;
        }
        for (origin, setting) in self.origins.iter_mut().zip(&SETTINGS) {
            let (listen, sockets) = match setting.name {
                "listen" => (&mut relay.listen, plain),
                "listen-tls" => (&mut relay.listen_tls, tls),
                _ => continue,
            };
            if *origin == Origin::Default {
                *origin = Origin::HandedOver;
                listen.clear();
            }
            let more = sockets.iter().filter(|address| !listen.contains(address)).collect::<Vec<_>>();
            listen.extend(more);
        }
    }

    /// Where a setting comes from.
    pub(crate) fn origin(&self, name: &str) -> Origin {
        let found = SETTINGS.iter().zip(&self.origins).find(|(setting, _)| setting.name == name);
        found.map_or(Origin::Default, |(_, origin)| *origin)
    }

    fn prefix(&self, name: &str) -> String {
        match self.origin(name) {
            Origin::Default | Origin::HandedOver => String::new(),
            _ => format!("{}: ", self.show_origin(name)),
        }
    }

    /// Where a setting comes from, in words.
    pub(crate) fn show_origin(&self, name: &str) -> impl fmt::Display {
        match self.origin(name) {
            Origin::Default => "default".into(),
            Origin::File(line) => {
                let file = self.file.as_deref().unwrap_or(Path::new("file"));
                format!("{}:{line}", file.display())
            }
            Origin::Legacy => "--legacy-config".into(),
            Origin::Unlimited => "--unlimited".into(),
            Origin::Try => "--try".into(),
            Origin::Option => format!("--{name}"),
            Origin::HandedOver => "sockets handed over".into(),
        }
    }
}
