//! What is tried.

use std::fmt;

use crate::endpoint::tested::Tested;
use crate::relay::target::Target;

/// Whether relays or endpoints are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A relay.
    Relay,
    /// An endpoint.
    Endpoint,
}

/// How much is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every peer has to do to work with existing ones. Only legal bytes are sent.
    Tolerant,
    /// All that the specification says, also about bytes that are wrong.
    Strict,
}

/// What a relay may be able to do beyond the basic protocol (section 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// The announcement itself (section 11.1).
    Announcement,
    /// Removing users (section 11.2).
    Remove,
    /// Removing and blocking users (section 11.3).
    Block,
    /// Hello, and what follows from it (sections 11.4 to 11.8).
    Hello,
}

impl Extension {
    /// Returns the bit of `capabilities` that announces it (section 11.1); 0 for the announcement.
    #[must_use]
    pub const fn bit(self) -> u8 {
        match self {
            Self::Announcement => 0,
            Self::Remove => 1,
            Self::Block => 2,
            Self::Hello => 4,
        }
    }
}

/// What a case does; the error says what was expected and what came.
pub(crate) type Outcome = Result<(), String>;

#[derive(Clone, Copy)]
pub(crate) enum Run {
    Relay(fn(&Target) -> Outcome),
    Endpoint(fn(&mut Tested) -> Outcome),
}

/// One requirement, or one variant of it.
#[derive(Clone, Copy)]
pub struct Case {
    /// The name of the requirement in PROTOCOL.md, without the section sign. It begins with the
    /// section's number. Several cases of one requirement have a slash and a word behind it.
    pub name: &'static str,
    /// What is tried, in a few words.
    pub title: &'static str,
    /// From which level on it is run.
    pub level: Level,
    /// The extension that it needs.
    pub extension: Option<Extension>,
    pub(crate) run: Run,
}

impl Case {
    pub(crate) const fn new(name: &'static str, level: Level, title: &'static str, run: Run) -> Self {
        Self { name, title, level, extension: None, run }
    }

    pub(crate) const fn needs(mut self, extension: Extension) -> Self {
        self.extension = Some(extension);
        self
    }

    /// Returns the section of PROTOCOL.md, such as `3.2`.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.name.split('-').next().unwrap_or_default()
    }

    /// Returns the name of the requirement, without what comes behind a slash.
    #[must_use]
    pub fn requirement(&self) -> &'static str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// Returns the word for its group in reports: `tolerant`, `strict` or `extension`.
    #[must_use]
    pub fn group(&self) -> &'static str {
        match (self.extension, self.level) {
            (Some(_), _) => "extension",
            (None, Level::Tolerant) => "tolerant",
            (None, Level::Strict) => "strict",
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.name, self.group(), self.title)
    }
}
