//! What goes through the channel of a room. One chunk is one message:
//!
//! | byte | what |
//! |---|---|
//! | 0 | version of this layout: 1. Others are passed over |
//! | 1 | kind of message, see below |
//! | 2… | fields |
//!
//! A *name* is a byte with its length and so many bytes of UTF-8; a *text* is the rest of the
//! chunk, UTF-8.
//!
//! | from | kind | fields | meaning |
//! |---|---|---|---|
//! | user | 1 | name | hello: my first message, and what I want to be called |
//! | user | 2 | text | I say this |
//! | user | 3 | text | I do this (`/me`) |
//! | user | 4 | name | from now on I want to be called so |
//! | user | 5 | | who is here? |
//! | server | 65 | name, name | welcome: you are called so here, and I am called so |
//! | server | 66 | name, text | somebody said this |
//! | server | 67 | name, text | somebody did this |
//! | server | 68 | name | somebody has come |
//! | server | 69 | byte, name | somebody has gone; byte 0: left, 1: connection lost, 2: removed by the one who runs the server; others are as 0 |
//! | server | 70 | name, name | who was called so is now called so |
//! | server | 71 | names | these are here |
//! | server | 72 | name | that name is taken |
//!
//! Nothing in here is trusted. Decoding fails for what is not exactly so, names are checked, texts
//! cleaned.

use std::fmt;

use super::{Nick, clean};

const VERSION: u8 = 1;

/// A message from a user to the room's server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromUser {
    /// My first message, and what I want to be called.
    Hello(Nick),
    /// I say this.
    Say(String),
    /// I do this.
    Act(String),
    /// What I want to be called from now on.
    Rename(Nick),
    /// Who is here?
    Who,
}

/// A message from the room's server to one user or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromServer {
    /// The answer to hello.
    Welcome {
        /// What the user is called here.
        you: Nick,
        /// What the one who runs the server is called.
        server: Nick,
    },
    /// Somebody said something.
    Said(Nick, String),
    /// Somebody did something.
    Acted(Nick, String),
    /// Somebody has come.
    Joined(Nick),
    /// Somebody has gone.
    Left {
        /// Who.
        nick: Nick,
        /// How that came.
        how: Parting,
    },
    /// Somebody is called something else now.
    Renamed {
        /// Up to now.
        old: Nick,
        /// From now on.
        new: Nick,
    },
    /// The answer to who.
    Here(Vec<Nick>),
    /// The answer to rename, if it cannot be.
    Taken(Nick),
}

/// How somebody has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// On purpose.
    Left,
    /// The connection was lost.
    Lost,
    /// Removed by the one who runs the server.
    Removed,
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "left",
            Self::Lost => "lost the connection",
            Self::Removed => "was removed",
        })
    }
}

impl FromUser {
    /// The chunk.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello(nick) => chunk(1).name(nick),
            Self::Say(text) => chunk(2).text(text),
            Self::Act(text) => chunk(3).text(text),
            Self::Rename(nick) => chunk(4).name(nick),
            Self::Who => chunk(5),
        }
        .0
    }

    /// The message in a chunk, if it is one.
    #[must_use]
    pub fn decode(chunk: &[u8]) -> Option<Self> {
        let (kind, mut fields) = fields(chunk)?;
        let message = match kind {
            1 => Self::Hello(fields.name()?),
            2 => Self::Say(fields.text()?),
            3 => Self::Act(fields.text()?),
            4 => Self::Rename(fields.name()?),
            5 => Self::Who,
            _ => return None,
        };
        fields.0.is_empty().then_some(message)
    }
}

impl FromServer {
    /// The chunk.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Welcome { you, server } => chunk(65).name(you).name(server),
            Self::Said(nick, text) => chunk(66).name(nick).text(text),
            Self::Acted(nick, text) => chunk(67).name(nick).text(text),
            Self::Joined(nick) => chunk(68).name(nick),
            Self::Left { nick, how } => chunk(69).byte(*how as u8).name(nick),
            Self::Renamed { old, new } => chunk(70).name(old).name(new),
            Self::Here(nicks) => nicks.iter().fold(chunk(71), Chunk::name),
            Self::Taken(nick) => chunk(72).name(nick),
        }
        .0
    }

    /// The message in a chunk, if it is one.
    #[must_use]
    pub fn decode(chunk: &[u8]) -> Option<Self> {
        let (kind, mut fields) = fields(chunk)?;
        let message = match kind {
            65 => Self::Welcome { you: fields.name()?, server: fields.name()? },
            66 => Self::Said(fields.name()?, fields.text()?),
            67 => Self::Acted(fields.name()?, fields.text()?),
            68 => Self::Joined(fields.name()?),
            69 => {
                let how = match fields.byte()? {
                    1 => Parting::Lost,
                    2 => Parting::Removed,
                    _ => Parting::Left,
                };
                Self::Left { how, nick: fields.name()? }
            }
            70 => Self::Renamed { old: fields.name()?, new: fields.name()? },
            71 => {
                let mut nicks = Vec::new();
                while !fields.0.is_empty() {
                    nicks.push(fields.name()?);
                }
                Self::Here(nicks)
            }
            72 => Self::Taken(fields.name()?),
            _ => return None,
        };
        fields.0.is_empty().then_some(message)
    }
}

/// A chunk that is being written.
struct Chunk(Vec<u8>);

fn chunk(kind: u8) -> Chunk {
    Chunk(vec![VERSION, kind])
}

impl Chunk {
    fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    fn name(mut self, nick: &Nick) -> Self {
        // 24 characters are at most 96 bytes.
        self.0.push(u8::try_from(nick.as_str().len()).unwrap_or(u8::MAX));
        self.0.extend(nick.as_str().bytes());
        self
    }

    fn text(mut self, text: &str) -> Self {
        self.0.extend(clean(text).bytes());
        self
    }
}

/// The fields of a chunk that have not been read yet.
struct Fields<'a>(&'a [u8]);

fn fields(chunk: &[u8]) -> Option<(u8, Fields<'_>)> {
    match chunk {
        [VERSION, kind, fields @ ..] => Some((*kind, Fields(fields))),
        _ => None,
    }
}

impl Fields<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn name(&mut self) -> Option<Nick> {
        let length = self.byte()?.into();
        let (name, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Nick::new(str::from_utf8(name).ok()?).ok()
    }

    fn text(&mut self) -> Option<String> {
        let text = std::mem::take(&mut self.0);
        str::from_utf8(text).ok().map(clean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nick(name: &str) -> Nick {
        Nick::new(name).unwrap()
    }

    #[test]
    fn what_users_say_is_understood() {
        for message in [
            FromUser::Hello(nick("anna")),
            FromUser::Say("hello, wörld".into()),
            FromUser::Act("waves".into()),
            FromUser::Rename(nick("名前")),
            FromUser::Who,
        ] {
            assert_eq!(FromUser::decode(&message.encode()), Some(message.clone()));
            assert_eq!(FromServer::decode(&message.encode()), None);
        }
    }

    #[test]
    fn what_servers_say_is_understood() {
        for message in [
            FromServer::Welcome { you: nick("anna"), server: nick("bob") },
            FromServer::Said(nick("anna"), "hello".into()),
            FromServer::Acted(nick("anna"), "waves".into()),
            FromServer::Joined(nick("anna")),
            FromServer::Left { nick: nick("anna"), how: Parting::Left },
            FromServer::Left { nick: nick("anna"), how: Parting::Lost },
            FromServer::Left { nick: nick("anna"), how: Parting::Removed },
            FromServer::Renamed { old: nick("anna"), new: nick("bob") },
            FromServer::Here(vec![nick("anna"), nick("bob")]),
            FromServer::Here(vec![]),
            FromServer::Taken(nick("anna")),
        ] {
            assert_eq!(FromServer::decode(&message.encode()), Some(message.clone()));
            assert_eq!(FromUser::decode(&message.encode()), None);
        }
    }

    #[test]
    fn who_goes_in_a_way_that_is_not_known_yet_is_gone() {
        let left = FromServer::Left { nick: nick("a"), how: Parting::Left };
        assert_eq!(FromServer::decode(b"\x01\x45\x03\x01a"), Some(left));
    }

    #[test]
    fn everything_else_is_not() {
        for chunk in [
            &b""[..],
            &[1],
            &[2, 5],
            &[1, 99],
            &[1, 5, 0],
            &[1, 1],
            &[1, 1, 5, b'a'],
            &[1, 1, 1, 0xff],
            &[1, 2, 0xff],
        ] {
            assert_eq!(FromUser::decode(chunk), None, "{chunk:?}");
        }
        // A name that would move the cursor, and one with a byte behind it.
        assert_eq!(FromUser::decode(b"\x01\x01\x03a\x1bb"), None);
        assert_eq!(FromUser::decode(b"\x01\x01\x01ab"), None);
    }

    #[test]
    fn texts_are_cleaned_on_both_sides() {
        assert_eq!(FromUser::decode(b"\x01\x02a\x1b[2J"), Some(FromUser::Say("a\u{fffd}[2J".into())));
        assert_eq!(
            FromUser::Say("a\nb".into()).encode(),
            [b"\x01\x02a".as_slice(), "\u{fffd}b".as_bytes()].concat()
        );
    }

    #[test]
    fn a_full_room_fits_a_chunk() {
        let longest = nick(&"\u{10ffff}".repeat(24).replace('\u{10ffff}', "\u{1f600}"));
        let here = FromServer::Here(vec![longest; 257]);
        assert!(here.encode().len() <= 32_768, "{}", here.encode().len());
    }
}
