//! What is typed.

/// What can be typed, line by line.
pub(super) const HELP: [&str; 6] = [
    "/me TEXT does it: \"* anna waves\"",
    "/who tells who is here",
    "/nick NAME changes what you are called",
    "/kick NAME removes somebody, /block NAME keeps that connection out as well; for the one who runs the server",
    "/quit leaves the room",
    "two slashes in front say something that begins with one",
];

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Nothing.
    Nothing,
    /// Say this.
    Say(String),
    /// `/me` …: do this.
    Act(String),
    /// `/nick` …: be called so.
    Rename(String),
    /// `/who`: who is here?
    Who,
    /// `/kick` …: remove whoever is called so.
    Kick(String),
    /// `/block` …: remove whoever is called so, and keep that connection out.
    Block(String),
    /// `/help`: what can be typed?
    Help,
    /// `/quit`, or the end of the input.
    Quit,
    /// Something that begins with `/` and is none of these.
    Unknown(String),
}

impl Command {
    /// Understands a line. Two slashes in front make one that is said.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        let line = line.trim();
        let Some(command) = line.strip_prefix('/') else {
            return if line.is_empty() { Self::Nothing } else { Self::Say(line.into()) };
        };
        if command.starts_with('/') {
            return Self::Say(command.into());
        }
        let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        match (word, rest.trim()) {
            ("me", rest) if !rest.is_empty() => Self::Act(rest.into()),
            ("nick", name) if !name.is_empty() => Self::Rename(name.into()),
            ("kick", name) if !name.is_empty() => Self::Kick(name.into()),
            ("block", name) if !name.is_empty() => Self::Block(name.into()),
            ("who", "") => Self::Who,
            ("help", "") => Self::Help,
            ("quit", "") => Self::Quit,
            _ => Self::Unknown(line.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_understood() {
        for (line, command) in [
            ("", Command::Nothing),
            ("  \t", Command::Nothing),
            (" hello there ", Command::Say("hello there".into())),
            ("//quit", Command::Say("/quit".into())),
            ("/me  waves ", Command::Act("waves".into())),
            ("/nick anna", Command::Rename("anna".into())),
            ("/who", Command::Who),
            ("/kick  anna ", Command::Kick("anna".into())),
            ("/block anna", Command::Block("anna".into())),
            ("/kick", Command::Unknown("/kick".into())),
            ("/block ", Command::Unknown("/block".into())),
            ("/quit", Command::Quit),
            ("/help", Command::Help),
            ("/help me", Command::Unknown("/help me".into())),
            ("/me", Command::Unknown("/me".into())),
            ("/who is it", Command::Unknown("/who is it".into())),
            ("/dance", Command::Unknown("/dance".into())),
        ] {
            assert_eq!(Command::parse(line), command, "{line:?}");
        }
    }
}
