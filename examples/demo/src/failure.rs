//! How the programs end when they do not end well: one line on standard error, and an exit code.

use std::fmt;
use std::io;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use peote_net::link;
use peote_net_std::{ConnectError, ConnectErrorKind, LinkError, TcpError, describe};
#[cfg(feature = "tls")]
use peote_net_std::{TlsError, TlsErrorKind};

/// Why a program ends early.
#[derive(Debug)]
pub enum Failure {
    /// Something was found wrong, or cannot go on. Exit code 1.
    Failed(String),
    /// The command line makes no sense. Exit code 2.
    Usage(String),
    /// The relay cannot be reached. Exit code 3.
    Unreachable(String),
    /// The connection to the relay was lost. Exit code 3.
    Lost(String),
    /// The server of a channel has removed this program from it. Exit code 4.
    Removed(String),
}

impl Failure {
    /// The exit code that goes with it.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) | Self::Lost(_) => 3,
            Self::Removed(_) => 4,
        }
    }

    /// The relay has not answered a command within [`ANSWER_TIMEOUT`](crate::ANSWER_TIMEOUT).
    #[must_use]
    pub fn no_answer() -> Self {
        Self::Lost("it says that it is there, and does not answer".into())
    }

    /// The same, with the relay's address where it is not yet named.
    #[must_use]
    pub fn with_relay(self, address: &str) -> Self {
        match self {
            Self::Lost(what) => Self::Lost(format!("relay {address}: {what}")),
            other => other,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(what) | Self::Unreachable(what) | Self::Lost(what) | Self::Removed(what) => {
                f.write_str(what)
            }
            Self::Usage(what) => write!(f, "{what}; see --help"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error.kind() {
            ConnectErrorKind::Address(what) => Self::Usage(format!("--relay {}: {what}", error.address())),
            #[cfg(feature = "tls")]
            ConnectErrorKind::Tls(cause) => {
                let is_unknown = |error: &TlsError| error.kind() == TlsErrorKind::UnknownIssuer;
                let advice = if cause.as_tls().is_some_and(is_unknown) { " (--ca FILE)" } else { "" };
                Self::Unreachable(format!("{}{advice}", describe(&error)))
            }
            #[cfg(feature = "tls")]
            ConnectErrorKind::TlsTimedOut(_) => Self::Unreachable(describe(&error)),
            // its own text says what to do
            ConnectErrorKind::Failed(_) => Self::Unreachable(describe(&error)),
            _ => Self::Unreachable(format!("{}; is a relay running there?", describe(&error))),
        }
    }
}

impl From<link::Error<TcpError>> for Failure {
    fn from(error: link::Error<TcpError>) -> Self {
        match error {
            link::Error::Handler(error) => error.into(),
            lost => Self::Lost(describe(&lost)),
        }
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Handler(error) | LinkError::Channel { error, .. } => error.into(),
            LinkError::Connect(error) => error.into(),
            LinkError::System(error) => error.into(),
            lost => Self::Lost(describe(&lost)),
        }
    }
}

impl From<link::SendError> for Failure {
    fn from(error: link::SendError) -> Self {
        Self::Failed(format!("cannot send: {error}"))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// What `main` does: reads the command line, runs the program, says in one line what went wrong,
/// and chooses the exit code.
pub fn main<Options: Parser>(program: &str, run: impl FnOnce(&Options) -> Result<(), Failure>) -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(help) if matches!(help.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            // Nobody is left to be told when this fails.
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
        Err(wrong) => return end(program, &Failure::Usage(first_paragraph(&wrong))),
    };
    run(&options).map_or_else(|failure| end(program, &failure), |()| ExitCode::SUCCESS)
}

fn end(program: &str, failure: &Failure) -> ExitCode {
    use io::Write as _;
    // Not eprintln!, which panics when standard error is closed.
    let _ = writeln!(io::stderr(), "{program}: {failure}");
    failure.code().into()
}

/// clap explains over several lines, with tips and the usage; the first paragraph says what is
/// wrong.
fn first_paragraph(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing".into();
    }
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    let paragraph = lines.collect::<Vec<_>>().join(" ");
    paragraph.strip_prefix("error: ").unwrap_or(&paragraph).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    struct Options {
        #[arg(long, value_enum)]
        color: Option<clap::ColorChoice>,
        room: String,
        place: String,
    }

    #[test]
    fn what_clap_says_becomes_one_line() {
        let wrong = |text: &str| {
            let error = Options::try_parse_from(std::iter::once("x").chain(text.split_whitespace()));
            first_paragraph(&error.unwrap_err())
        };
        assert_eq!(wrong(""), "the following required arguments were not provided: <ROOM> <PLACE>");
        assert_eq!(wrong("a b c"), "unexpected argument 'c' found");
        assert_eq!(
            wrong("--color red"),
            "invalid value 'red' for '--color <COLOR>' [possible values: auto, always, never]"
        );
    }
}
