//! What the link writes has to be what the program has sent.

use std::collections::{HashMap, VecDeque};

use peote_net::protocol::to_relay::{Command, Decoder, Unit};

use super::state::Handle;

/// Where data goes on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Server(u8),
    User(u8, u8),
    All(u8),
    AllBut(u8, u8),
}

#[derive(Debug)]
enum Expected {
    Ask(Command, Vec<u8>, Handle),
    /// Any other command, with its payload: leave or delete a number, remove or block a user.
    Other(Command, Vec<u8>),
    Data(Route, VecDeque<u8>),
}

/// What is still to be written on a connection.
#[derive(Debug, Default)]
pub(super) struct Said {
    decoder: Decoder,
    expected: VecDeque<Expected>,
    /// The name of a command, as far as it has been written.
    name: Vec<u8>,
    /// The tags of the commands that were written.
    pub(super) tags: HashMap<Handle, u8>,
    /// Tags that were written last; most of them are not answered.
    pub(super) asked: Vec<u8>,
    /// Numbers that the link gives back of its own accord, because they were given up before the
    /// answer came.
    pub(super) unwanted: Vec<(Command, u8)>,
    /// Users, by channel and number, that have entered. The link removes those for which it has no
    /// place.
    pub(super) entered: Vec<[u8; 2]>,
}

impl Said {
    pub(super) fn ask(&mut self, command: Command, name: &[u8], handle: Handle) {
        self.expected.push_back(Expected::Ask(command, name.to_vec(), handle));
    }

    pub(super) fn command_without_answer(&mut self, command: Command, payload: &[u8]) {
        self.expected.push_back(Expected::Other(command, payload.to_vec()));
    }

    pub(super) fn data(&mut self, route: Route, bytes: impl IntoIterator<Item = u8>) {
        self.expected.push_back(Expected::Data(route, bytes.into_iter().collect()));
    }

    /// The link has written `bytes`. Panics if they are not what is expected next. Gives the tags
    /// of new commands.
    pub(super) fn written(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut tags = Vec::new();
        while let Some((used, unit)) = self.decoder.decode(bytes) {
            bytes = &bytes[used..];
            match unit {
                Unit::Command { command, tag, payload } => {
                    let command =
                        Command::from_code(command).expect("a link gives no command that nobody knows");
                    if payload.is_first() {
                        self.name.clear();
                    }
                    self.name.extend(payload.bytes());
                    if self.name.len() == payload.total() {
                        tags.extend(self.command(command, tag));
                    }
                }
                Unit::ToServer { channel, payload } => self.payload(Route::Server(channel), payload.bytes()),
                Unit::ToUser { channel, user, payload } => {
                    self.payload(Route::User(channel, user), payload.bytes());
                }
                Unit::ToAll { channel, payload } => self.payload(Route::All(channel), payload.bytes()),
                Unit::ToAllBut { channel, excluded, payload } => {
                    self.payload(Route::AllBut(channel, excluded), payload.bytes());
                }
                other => panic!("a link never writes {other:?}"),
            }
        }
        tags
    }

    fn command(&mut self, command: Command, tag: u8) -> Option<u8> {
        // what the link says by itself to a relay that knows it
        if matches!(command, Command::Hello | Command::Grant | Command::Admit | Command::Refuse) {
            return None;
        }
        match self.expected.front() {
            Some(Expected::Ask(expected, name, handle)) if (expected, name) == (&command, &self.name) => {
                assert!(tag != 0, "an answer is wanted");
                self.tags.insert(*handle, tag);
                self.asked.push(tag);
                self.expected.pop_front();
                Some(tag)
            }
            Some(Expected::Other(expected, payload)) if (expected, payload) == (&command, &self.name) => {
                assert_eq!(tag, 0, "no answer is wanted");
                self.expected.pop_front();
                None
            }
            _ if command == Command::RemoveUser
                && self.entered.iter().any(|user| user[..] == self.name[..]) =>
            {
                None
            }
            other => {
                let number = self.name.first().copied().unwrap_or(u8::MAX);
                let at = self.unwanted.iter().position(|unwanted| *unwanted == (command, number));
                let at = at.unwrap_or_else(|| panic!("{command:?} {:?} instead of {other:?}", self.name));
                self.unwanted.swap_remove(at);
                None
            }
        }
    }

    fn payload(&mut self, to: Route, bytes: &[u8]) {
        let Some(Expected::Data(route, expected)) = self.expected.front_mut() else {
            panic!("data for {to:?} instead of {:?}", self.expected.front());
        };
        assert_eq!(to, *route, "data for somebody else");
        assert!(bytes.len() <= expected.len(), "two messages in one unit");
        assert!(expected.drain(..bytes.len()).eq(bytes.iter().copied()), "other data than was sent");
        if expected.is_empty() {
            self.expected.pop_front();
        }
    }

    /// Whether all has been written.
    pub(super) fn is_empty(&self) -> bool {
        self.expected.is_empty() && self.decoder.is_between_units()
    }
}
