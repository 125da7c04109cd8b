//! What carries requests to the directory and messages to other relays.

use std::io;
use std::time::Duration;

use super::{Ask, Failure, RelayId};

/// What a [`Bus`] has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// There is a connection; all entries of the bucket are told next.
    Up,
    /// There is none any more. What was asked is not answered.
    Down,
    /// At that time nobody could be connected.
    Dead(u64),
    /// An entry is so from now on.
    Watched { key: String, value: Option<Vec<u8>>, revision: u64 },
    /// All entries were told that there were.
    Whole,
    /// What came of a change: the revision of the entry.
    Answered { ticket: u64, result: Result<u64, Failure> },
    /// What came of a look.
    Got { ticket: u64, result: Result<Option<(Vec<u8>, u64)>, Failure> },
    /// A message from another relay.
    Message(Vec<u8>),
    /// This relay cannot be one of the cluster.
    Refused(String),
}

/// The way to the directory and to other relays. Blocking is only `wait`, and `stop`.
pub(crate) trait Bus: Send {
    /// Says which relay this is from now on.
    fn be(&mut self, me: RelayId);
    /// Asks the directory for something.
    fn ask(&mut self, ask: Ask);
    /// Sends a message to another relay. It can be lost.
    fn send(&mut self, to: RelayId, message: Vec<u8>);
    /// Returns the next news, if there are any.
    fn take(&mut self) -> Option<News>;
    /// Has go out what was asked and sent. Otherwise that waits for the next `wait`.
    fn flush(&mut self);
    /// Waits until there are news, or the relay's poll has events, or that time is over. Returns
    /// whether the poll is to be asked for its events.
    ///
    /// # Errors
    /// There is no waiting where this is called.
    fn wait(&mut self, most: Option<Duration>) -> io::Result<bool>;
    /// The relay's poll was asked for its events. There may be more, if that was not all.
    fn asked(&mut self, is_all: bool);
    /// Ends it, when all that was asked is done or after a few seconds.
    fn stop(&mut self);
}

/// One that brings nothing.
#[cfg(test)]
pub(crate) struct NoBus;

#[cfg(test)]
impl Bus for NoBus {
    fn be(&mut self, _: RelayId) {}
    fn ask(&mut self, _: Ask) {}
    fn send(&mut self, _: RelayId, _: Vec<u8>) {}
    fn take(&mut self) -> Option<News> {
        None
    }
    fn flush(&mut self) {}
    fn wait(&mut self, _: Option<Duration>) -> io::Result<bool> {
        Ok(true)
    }
    fn asked(&mut self, _: bool) {}
    fn stop(&mut self) {}
}
