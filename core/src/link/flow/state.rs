//! What a link knows about flow control on its connection.

use crate::protocol::items::NumberReader;

/// Whose tail it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)] // the first one is all zero, so a link in a `static` lies in .bss
pub(super) enum Tail {
    /// It means nothing.
    Other,
    Hello,
    /// Words, for the party in this slot.
    #[cfg(feature = "admission")]
    Words(u16),
}

/// What a link knows about flow control on its connection.
#[derive(Debug)]
pub(in crate::link) struct FlowState {
    /// Parties have windows.
    pub(in crate::link) in_force: bool,
    /// A party may be due a grant.
    pub(super) is_due: bool,
    /// Hello has been said.
    pub(super) has_said: bool,
    /// The relay has answered it, so all users are known that entered before.
    pub(super) is_greeted: bool,
    /// The relay says that taking part is not in force.
    pub(super) is_refused: bool,
    /// What the tail means that comes.
    pub(super) tail: Tail,
    /// How many bytes of words have come of it.
    #[cfg(feature = "admission")]
    pub(super) words: u8,
    /// In how many milliseconds to come back, as the tail says.
    pub(super) come_back_in: Option<u32>,
    pub(super) reader: NumberReader,
    /// Seconds between two keepalives that the relay says; 0 if it has not.
    pub(super) interval: u32,
    /// Seconds between two keepalives that the program wants; 0 for what the relay has.
    pub(super) keepalive: u32,
    /// Name and version of the program.
    pub(super) name: Option<&'static str>,
    /// Something has come on this connection.
    pub(in crate::link) is_known: bool,
    /// Bytes of the token that have been said.
    #[cfg(feature = "admission")]
    pub(super) said: u16,
    #[cfg(feature = "admission")]
    pub(super) token: Option<&'static [u8]>,
    /// How many bytes of the queue may be written, plus 1; 0 for all.
    #[cfg(feature = "admission")]
    pub(super) gate: usize,
    /// A command has been given, whose tag says that a hello will come.
    pub(super) has_begun: bool,
}

impl FlowState {
    pub(in crate::link) const fn new() -> Self {
        Self {
            in_force: false,
            is_due: false,
            has_said: false,
            is_greeted: false,
            is_refused: false,
            tail: Tail::Other,
            #[cfg(feature = "admission")]
            words: 0,
            come_back_in: None,
            reader: NumberReader::new(),
            interval: 0,
            keepalive: 0,
            name: None,
            is_known: false,
            #[cfg(feature = "admission")]
            said: 0,
            #[cfg(feature = "admission")]
            token: None,
            #[cfg(feature = "admission")]
            gate: 0,
            has_begun: false,
        }
    }

    /// Returns the seconds between two keepalives that the relay says; 0 if it has not.
    pub(in crate::link) const fn interval(&self) -> u32 {
        self.interval
    }

    /// Whether parties have windows, or will be given some.
    pub(in crate::link) const fn has_windows(&self) -> bool {
        self.has_said && !self.is_refused
    }

    /// The connection is lost.
    pub(in crate::link) const fn lose(&mut self) {
        *self = Self {
            keepalive: self.keepalive,
            name: self.name,
            #[cfg(feature = "admission")]
            token: self.token,
            ..Self::new()
        };
    }
}
