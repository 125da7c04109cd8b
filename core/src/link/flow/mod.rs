//! Windows: how many bytes may be sent to whom, and how many more a party may send.
//!
//! A link that takes part says hello as soon as the relay announces that it knows what that is.
//! From then on each party has a window, in both directions, of payload bytes with their length
//! fields. The other end grants more as its program takes what came; so does this link, at half
//! windows, and at once where a chunk cannot be completed without.

#[cfg(feature = "server")]
pub use doors::Admission;
#[cfg(feature = "server")]
pub(super) use doors::{AtDoor, Door};
pub use hello::Hello;
pub(super) use receiving::{came, is_liar, kept, stored, stored_of};
#[cfg(feature = "server")]
pub(super) use tail::{Knock, knock};
pub(super) use tail::{is_last_of, refused};

#[cfg(feature = "server")]
mod doors;
mod gate;
mod hello;
mod receiving;
mod sending;
mod tail;

use gate::Gates;
use tail::Tail;

use super::slots::PartySlot;
use crate::protocol::items::NumberReader;

/// Instead of the code of an answer to a user that knocks: a user is removed.
#[cfg(feature = "server")]
const REMOVE: u8 = u8::MAX;

/// What a link knows about flow control on its connection.
#[derive(Debug)]
pub(super) struct FlowState {
    /// Parties have windows.
    pub(super) in_force: bool,
    /// Somebody may be due a grant.
    is_due: bool,
    /// Hello has been said.
    has_said: bool,
    /// The relay has answered it, so all users are known that entered before.
    is_greeted: bool,
    /// The relay says that taking part is not in force.
    is_refused: bool,
    /// What the tail means that comes.
    tail: Tail,
    /// How many bytes of words have come of it.
    words: u8,
    /// In how many milliseconds to come back, as the tail says.
    come_back_in: Option<u32>,
    reader: NumberReader,
    /// Seconds between two keepalives that the relay says; 0 if it has not.
    interval: u32,
    /// Seconds between two keepalives that the program wants; 0 for what the relay has.
    keepalive: u32,
    /// Name and version of the program.
    name: Option<&'static str>,
    /// Something has come on this connection.
    pub(super) is_known: bool,
    /// Bytes of the token that have been said.
    said: u16,
    token: Option<&'static [u8]>,
    /// How many bytes of the queue may be written, plus 1; 0 for all.
    gate: usize,
    /// A command has been given, whose tag says that a hello will come.
    has_begun: bool,
    /// What has to wait for the relay's announcement, if the program uses it.
    gates: Option<&'static Gates>,
}

impl FlowState {
    pub(super) const fn new() -> Self {
        Self {
            in_force: false,
            is_due: false,
            has_said: false,
            is_greeted: false,
            is_refused: false,
            tail: Tail::Other,
            words: 0,
            come_back_in: None,
            reader: NumberReader::new(),
            interval: 0,
            keepalive: 0,
            name: None,
            is_known: false,
            said: 0,
            token: None,
            gate: 0,
            has_begun: false,
            gates: None,
        }
    }

    pub(super) fn set(&mut self, hello: Hello) {
        let seconds = hello.keepalive.map_or(0, |keepalive| keepalive.as_millis().div_ceil(1000));
        self.keepalive = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.name = hello.name;
        self.set_token(hello.token);
    }

    /// Returns the seconds between two keepalives that the relay says; 0 if it has not.
    pub(super) const fn interval(&self) -> u32 {
        self.interval
    }

    /// Whether parties have windows, or will be given some.
    pub(super) const fn has_windows(&self) -> bool {
        self.has_said && !self.is_refused
    }

    /// The connection is lost.
    pub(super) const fn lose(&mut self) {
        let (keepalive, name, token, gates) = (self.keepalive, self.name, self.token, self.gates);
        *self = Self { keepalive, name, token, gates, ..Self::new() };
    }
}

/// The window of a party, to the byte, and what is to be remembered of it. Both ends compare it
/// with the same halves, so it is never rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window(u32);

impl Window {
    /// None: the party has no windows. All bytes are zero.
    pub(super) const NONE: Self = Self(0);

    /// The greatest window; greater ones count as this one.
    const MAX: u32 = (1 << 28) - 1;
    /// It has been asked for a grant, and none has come since.
    const ASKED: u32 = 1 << 31;
    /// It has asked for one, and waits for each byte.
    const EAGER: u32 = 1 << 30;
    /// Broadcasts to ready users pass over it, which the relay knows. So may one without windows
    /// be.
    const LEFT_OUT: u32 = 1 << 29;
    /// It has sent more than it may.
    const OUTLAW: u32 = 1 << 28;

    /// A window of so many bytes.
    fn new(bytes: u32) -> Self {
        Self(bytes.clamp(1, Self::MAX))
    }

    /// Returns its bytes; 0 if the party has no windows.
    #[inline]
    pub(super) const fn bytes(self) -> u32 {
        self.0 & Self::MAX
    }

    /// It is so many bytes from now on. Whether broadcasts pass over it stays.
    fn begin(&mut self, bytes: u32) {
        self.0 = (self.0 & Self::LEFT_OUT) | Self::new(bytes).0;
    }

    /// Returns true if the party has no windows.
    #[inline]
    pub(super) const fn is_none(self) -> bool {
        self.bytes() == 0
    }

    /// It is greater than was said.
    fn grow(&mut self, by: u32) {
        let bytes = self.bytes().saturating_add(by).min(Self::MAX);
        self.0 = (self.0 & !Self::MAX) | bytes;
    }

    /// The party has sent more than it may.
    pub(super) const fn outlaw(&mut self) {
        self.set(Self::OUTLAW, true);
    }

    pub(super) const fn is_outlaw(self) -> bool {
        self.has(Self::OUTLAW)
    }

    const fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    const fn set(&mut self, flag: u32, on: bool) {
        if on {
            self.0 |= flag;
        } else {
            self.0 &= !flag;
        }
    }
}

impl PartySlot {
    /// Returns the ticket of a party that knocks.
    #[cfg(feature = "server")]
    fn ticket(&self) -> u8 {
        u8::try_from(self.outstanding).unwrap_or(0)
    }

    /// Returns how many bytes of the slot are in use.
    fn stored(&self) -> usize {
        self.assembler.stored()
    }
}
