//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, Parser};

use super::place::Place;
use super::problem::{Problem, did_you_mean, shorten};
use super::settings::{SETTINGS, Settings};
use super::value;

const AFTER_HELP: &str = "\
Commands (as the first argument; without one the relay runs):
  top     show what a running relay is doing; see peote-relay top --help
  health  ask a running relay whether it is well; see peote-relay health --help
  ctl     ask a running relay for something: list, kick, ban, drain and more; see
          peote-relay ctl --help
  generate
          write man pages and completions of shells into a folder
  token   make and explain tokens, signed names and keys; see peote-relay token --help

Configuration file:
  TOML; its keys are the names of the options without the two hyphens:
      listen = [\"0.0.0.0:7680\", \"[::]:7680\"]
      queue-bytes = \"512KiB\"
  Options have precedence over the file, the file over the defaults.

Environment:
  RUST_LOG  what is logged, as a level or by module (peote_relay=debug);
            goes before log-level in the file, and after --log-level
  NO_COLOR  if set, log lines have no colours on a terminal either
  NOTIFY_SOCKET, WATCHDOG_USEC
            as set by systemd: the socket to tell what the relay is doing,
            and how often to tell it that the relay is alive

Sockets that are handed over (LISTEN_FDS, as by systemd) are listened on in
place of the default of --listen, and beside what is given there. Connections of
a socket with the name tls begin with TLS, as with --listen-tls.

Output:
  \"listening on ADDRESS:PORT\" on standard output, one line for each address,
  as soon as connections are accepted; \"with TLS\" stands behind an address with it.
  With --try, then \"try it: URL\".
  Log lines on standard error.

Signals:
  SIGINT and SIGTERM stop the relay. A second one ends it at once, without
  waiting for what is still to be written (see --shutdown-timeout).
  SIGUSR1 drains the relay (see --drain-time and peote-relay ctl drain).
  SIGHUP reads the configuration file again. No connection is closed. A
  file with an error changes nothing; the log says what is wrong.

Exit codes:
  0  stopped on request
  1  could not run or not go on: an address is in use or not permitted,
     no more files or memory
  2  wrong options or configuration, files for TLS included

Exit codes of the commands:
  0  shown; well; done
  1  no answer; not well; not done
  2  wrong options";

/// Relay for peote-net channels: endpoints connect to it, and it forwards between each channel's
/// server and users.
#[derive(Debug, Parser)]
#[command(name = "peote-relay", version, after_help = AFTER_HELP, next_line_help = true)]
pub(crate) struct Options {
    /// Read settings from this TOML file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Read settings from the configuration file of the relay that this one replaces
    /// (peote-server.conf), as that one reads it, defaults included; what cannot be carried over is
    /// said, line by line. With --print-config, the result is a file for --config
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub(crate) legacy_config: Option<PathBuf>,

    /// Print the settings that would be used as TOML, each with where it comes from, and exit
    #[arg(long)]
    pub(crate) print_config: bool,

    /// Lift all limits on connections, channels, commands and data but those given as options;
    /// times and memory stay bounded, and lists of what is allowed hold
    #[arg(long)]
    pub(crate) unlimited: bool,

    /// Try it out: on free ports of this machine, with a page in the browser that has a chat and
    /// live figures; its address is printed
    #[cfg(feature = "try")]
    #[arg(long = "try", conflicts_with_all = ["config", "legacy_config"])]
    pub(crate) try_out: bool,

    /// This program has no page.
    #[cfg(not(feature = "try"))]
    #[arg(skip)]
    pub(crate) try_out: bool,

    /// Settings that were given as options.
    #[command(flatten)]
    pub(crate) given: Given,
}

/// Settings as they stood on the command line: the index in [`SETTINGS`] and all values given.
///
/// Not derived, so that options and keys of the file cannot come apart: both are made from
/// [`SETTINGS`].
#[derive(Debug)]
pub(crate) struct Given(pub(crate) Vec<(usize, Vec<String>)>);

impl clap::Args for Given {
    fn augment_args(command: clap::Command) -> clap::Command {
        let default = Settings::default();
        command.args(SETTINGS.iter().map(|setting| {
            let shown = setting.show(&default).trim_matches(['[', ']']).replace('"', "");
            let shown = if shown.is_empty() { "empty" } else { &shown };
            let help = match setting.allowed() {
                Some(allowed) => format!("{} [{allowed}; default {shown}]", setting.help),
                None => format!("{} [default {shown}]", setting.help),
            };
            Arg::new(setting.name)
                .long(setting.name)
                .value_name(setting.placeholder())
                .help(help)
                .help_heading(setting.group)
                // The one line that says what a number may be is better than "unexpected argument
                // '-5'".
                .allow_negative_numbers(true)
                .action(if setting.is_list() { ArgAction::Append } else { ArgAction::Set })
        }))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = SETTINGS.iter().enumerate().filter_map(|(index, setting)| {
            let values = matches.get_many::<String>(setting.name)?;
            Some((index, values.cloned().collect()))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// A relay that runs already.
#[derive(Debug, clap::Args)]
pub(crate) struct Watched {
    /// Where the relay listens, without TLS; a name is looked up
    #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:7680", value_parser = Place::parse)]
    pub(crate) place: Place,
}

/// Ask a running relay whether it is well: exit code 0 if it is, 1 if it is stopping, full or does
/// not answer.
#[derive(Debug, Parser)]
#[command(name = "peote-relay health", bin_name = "peote-relay health", version)]
struct Health {
    #[command(flatten)]
    watched: Watched,
}

/// Show what a running relay is doing: its busiest connections, receivers that others wait for,
/// channels.
///
/// The relay has to run with --details true, and with --watch-from if it is another machine's. On a
/// terminal it is shown live, until q is pressed; elsewhere as text. Rates are those of the time
/// since the relay was last asked, at least about a second. The rates beside a channel are those of
/// its server's whole connection.
#[derive(Debug, Parser)]
#[command(name = "peote-relay top", bin_name = "peote-relay top", version)]
struct Top {
    #[command(flatten)]
    watched: Watched,

    /// Seconds between two looks, or with a unit: 500ms
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = interval)]
    interval: Duration,

    /// Show it once, as text
    #[arg(long)]
    once: bool,
}

fn interval(text: &str) -> Result<Duration, String> {
    value::seconds(text, &(Duration::from_millis(100)..=Duration::from_secs(3600)))
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Control(Box<crate::control::Control>),
    Generate(crate::generate::Generate),
    #[cfg(feature = "tokens")]
    Token(Box<crate::token::Token>),
    Run(Box<Options>),
    Health(Watched),
    Top(Watched, Duration, bool),
}

/// Why the command line does not lead to a running relay.
#[derive(Debug)]
pub(crate) enum NoRun {
    /// The help or the version was asked for; printing it is all there is to do.
    Asked(clap::Error),
    /// It cannot be understood.
    Wrong(Problem),
}

/// Reads the command line; the first argument is the program's own name.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Command, NoRun> {
    // Not as clap's subcommands: then every word that is wrong would be taken for one.
    let rest = arguments.get(1..).unwrap_or_default();
    let parsed = match rest.first().and_then(|first| first.to_str()) {
        Some("health") => Health::try_parse_from(rest).map(|health| Command::Health(health.watched)),
        Some("top") => Top::try_parse_from(rest).map(|top| Command::Top(top.watched, top.interval, top.once)),
        Some("ctl") => {
            crate::control::Control::try_parse_from(rest).map(|control| Command::Control(Box::new(control)))
        }
        Some("generate") => crate::generate::Generate::try_parse_from(rest).map(Command::Generate),
        #[cfg(feature = "tokens")]
        Some("token") => {
            crate::token::Token::try_parse_from(rest).map(|token| Command::Token(Box::new(token)))
        }
        _ => Options::try_parse_from(arguments).map(|options| Command::Run(Box::new(options))),
    };
    parsed.map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => NoRun::Asked(error),
        _ => NoRun::Wrong(Problem::new(explain(&error))),
    })
}

/// The whole command line as one, for man pages and completions.
pub(crate) fn whole() -> clap::Command {
    let commands = [
        ("top", Top::command()),
        ("health", Health::command()),
        ("ctl", crate::control::Control::command()),
        #[cfg(feature = "tokens")]
        ("token", crate::token::Token::command()),
    ];
    let commands = commands.map(|(name, command)| command.name(name).bin_name(format!("peote-relay {name}")));
    Options::command().subcommands(commands)
}

/// clap explains over several lines; the operator's log wants one.
fn explain(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(wrong)) = error.get(ContextKind::InvalidArg)
    {
        let Some(name) = wrong.strip_prefix("--") else {
            return format!("{}: unexpected; every setting is an option, see --help", shorten(wrong));
        };
        let mut names = vec!["config", "legacy-config", "print-config", "unlimited", "help", "version"];
        #[cfg(feature = "try")]
        names.push("try");
        names.extend(SETTINGS.iter().map(|setting| setting.name));
        return match did_you_mean(name, "--", &names) {
            Some(question) => format!("unknown option --{}; {question}", shorten(name)),
            None => format!("unknown option --{}; see --help", shorten(name)),
        };
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing; see --help".into();
    }
    let text = error.to_string();
    // what is missing is listed on lines of its own
    let lines: Vec<_> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let all = lines.join(" ");
    format!("{}; see --help", all.strip_prefix("error: ").unwrap_or(&all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Result<Options, NoRun> {
        let words = std::iter::once("peote-relay").chain(text.split_whitespace());
        match parse(&words.map(OsString::from).collect::<Vec<_>>())? {
            Command::Run(options) => Ok(*options),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn wrong(text: &str, expected: &str) {
        match parse_text(text) {
            Err(NoRun::Wrong(problem)) => assert_eq!(problem.to_string(), expected),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_is_sound() {
        whole().debug_assert();
    }

    #[test]
    fn every_setting_is_an_option() {
        for setting in &SETTINGS {
            let options = parse_text(&format!("--{} -1", setting.name)).unwrap();
            assert_eq!(options.given.0.len(), 1);
            assert_eq!(options.given.0[0].1, ["-1"]);
        }
    }

    #[test]
    fn listen_is_given_as_often_as_wanted_and_others_once() {
        assert_eq!(parse_text("--listen a --listen b").unwrap().given.0, [(0, vec!["a".into(), "b".into()])]);
        wrong(
            "--max-channels 1 --max-channels 2",
            "the argument '--max-channels <NUMBER>' cannot be used multiple times; see --help",
        );
    }

    #[test]
    fn what_cannot_be_understood_is_one_line() {
        wrong("--max-conections 5", "unknown option --max-conections; did you mean --max-connections?");
        wrong("--unlimitted", "unknown option --unlimitted; did you mean --unlimited?");
        wrong("--zzz", "unknown option --zzz; see --help");
        wrong("-z", "-z: unexpected; every setting is an option, see --help");
        wrong("relay.toml", "relay.toml: unexpected; every setting is an option, see --help");
        wrong("--config", "a value is required for '--config <FILE>' but none was supplied; see --help");
    }

    #[test]
    fn the_help_shows_every_setting_with_its_default() {
        let help = Options::command().render_help().to_string();
        for setting in &SETTINGS {
            assert!(help.contains(&format!("--{} <", setting.name)), "{}", setting.name);
        }
        let words: Vec<_> = help.split_whitespace().collect();
        assert!(words.join(" ").contains("[64KiB to 1GiB; default 1MiB]"));
        assert!(help.contains("Exit codes:"));
    }
}
