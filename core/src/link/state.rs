//! All of a link but its memory.

use super::flow::FlowState;
use super::front::{Front, Room};
#[cfg(feature = "local")]
use super::local::LineRef;
use super::local::LocalState;
#[cfg(feature = "large-chunks")]
use super::partial::PartialChunk;
use super::ring::Ring;
use super::silence::SilenceLimit;
use super::slots::PartyRef;
use super::tables::TableState;
use crate::protocol::to_endpoint::{Capabilities, Decoder};
use crate::time::Instant;

/// What is known of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)] // a new link is all zero, so one in a `static` lies in .bss
pub(super) enum Connection {
    /// Nothing has gone over the transport, in either direction.
    New,
    /// Something has come, and nothing has been sent. A relay may be silent until then.
    Heard,
    /// Something has been sent, so the relay is to be heard of.
    Open,
    /// It is lost, and the poll that found out has not ended.
    Lost,
}

/// What is next in the current round: one poll, or the calls of `next_event` up to `None`.
///
/// A round writes, goes through what it finds, writes, reads once, goes through what has come, and
/// writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Round {
    /// There is none.
    Over,
    /// To find the next event.
    Finding,
    /// To write what is queued.
    Writing,
    /// All has been written, or the transport takes no more for now.
    Written,
}

/// Whether the current round reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Reading {
    /// It is going to read.
    Due,
    /// It has read, or the connection is lost.
    Done,
    /// It ends: nothing more is read, and no more events are handed over.
    Ending,
}

/// The source whose event the program holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Held {
    None,
    /// The relay's, at the front.
    Relay,
    /// An own channel's that was kept.
    #[cfg(feature = "flow")]
    Own(u8),
    /// A party's that was kept.
    #[cfg(feature = "flow")]
    Party(u16),
    /// That a party knocks.
    #[cfg(all(feature = "admission", feature = "server"))]
    Knock(u16),
    #[cfg(feature = "local")]
    Local(LineRef),
}

impl Held {
    /// Returns true unless it is a local user's.
    pub(super) const fn is_of_relay(self) -> bool {
        #[cfg(feature = "local")]
        return !matches!(self, Self::Local(_));
        #[cfg(not(feature = "local"))]
        return true;
    }
}

/// Who is still to be told that the connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Telling {
    Done,
    /// The program, and then its channels.
    Link {
        unsent: usize,
    },
    /// The channels, which the tables know.
    Channels,
}

/// A command that the program asked for before the relay had answered, and that had no room in the
/// ring when the answer came. Nothing more is received until it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Owed {
    Nothing,
    /// No command, but an event that is kept has to be dealt with first.
    #[cfg(feature = "flow")]
    Wait,
    /// No command, but an earlier user has to be told to be gone first, whose number has been given
    /// again. The unit that says so is the decoder's last, and is gone through anew then.
    #[cfg(all(feature = "flow", feature = "server"))]
    Older,
    /// No command, but what waits has to be handed over first.
    #[cfg(all(feature = "admission", feature = "server"))]
    Door,
    Leave {
        number: u8,
    },
    Delete {
        number: u8,
    },
    /// Hello.
    #[cfg(feature = "flow")]
    Hello,
    /// What has not been said of the token.
    #[cfg(feature = "admission")]
    Token,
    /// The answer to a user that knocks: to be let in, or (`code`) refused; or that a user is
    /// removed.
    #[cfg(all(feature = "flow", feature = "server"))]
    Answer {
        channel: u8,
        user: u8,
        ticket: u8,
        code: u8,
    },
}

#[cfg(feature = "flow")]
impl Owed {
    /// This, or if nothing is owed, that an event has to be dealt with first.
    pub(super) const fn or_wait(self) -> Self {
        if matches!(self, Self::Nothing) { Self::Wait } else { self }
    }
}

/// What has been received and not been gone through.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) decoder: Decoder,
    /// This part of the receive scratch.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whose payload the decoder is in; `None` if no such party is known.
    pub(super) party: Option<PartyRef>,
}

impl Received {
    pub(super) const NOTHING: Self = Self { decoder: Decoder::new(), start: 0, end: 0, party: None };

    /// Returns true if there is something.
    pub(super) const fn is_left(&self) -> bool {
        self.start < self.end
    }
}

/// Small fields come first: microcontrollers reach those at low offsets with short instructions.
#[derive(Debug)]
#[repr(C)]
pub(super) struct State {
    pub(super) connection: Connection,
    pub(super) round: Round,
    pub(super) reading: Reading,
    /// Bytes have been written and not been flushed.
    pub(super) unflushed: bool,
    /// The program wants the event again that it holds, or has in its hands.
    pub(super) again: bool,
    /// The program has seen the event before that it has in its hands.
    #[cfg(feature = "rpc")]
    pub(super) is_told_again: bool,
    pub(super) owed: Owed,
    pub(super) capabilities: Capabilities,
    pub(super) held: Held,
    pub(super) tables: TableState,
    /// How many events one poll hands over at most; 0 for as many as come.
    pub(super) event_limit: u16,
    pub(super) received: Received,
    pub(super) ring: Ring,
    /// The relay's event.
    pub(super) front: Front,
    pub(super) telling: Telling,
    pub(super) room: Room,
    /// When something came last, or was sent first.
    pub(super) heard: Instant,
    pub(super) silence_limit: SilenceLimit,
    #[cfg(feature = "large-chunks")]
    pub(super) partial: PartialChunk,
    pub(super) flow: FlowState,
    pub(super) local: LocalState,
}

impl State {
    pub(super) const fn new() -> Self {
        Self {
            connection: Connection::New,
            heard: Instant::ZERO,
            round: Round::Over,
            reading: Reading::Due,
            unflushed: false,
            front: Front::EMPTY,
            held: Held::None,
            again: false,
            #[cfg(feature = "rpc")]
            is_told_again: false,
            room: Room::new(),
            telling: Telling::Done,
            owed: Owed::Nothing,
            received: Received::NOTHING,
            capabilities: Capabilities::NONE,
            ring: Ring::new(),
            #[cfg(feature = "large-chunks")]
            partial: PartialChunk::NONE,
            tables: TableState::new(),
            flow: FlowState::new(),
            local: LocalState::new(),
            silence_limit: SilenceLimit::UNSET,
            event_limit: 0,
        }
    }

    /// Returns true if a command is owed.
    #[inline]
    pub(super) const fn owes(&self) -> bool {
        match self.owed {
            Owed::Nothing => false,
            #[cfg(feature = "flow")]
            Owed::Wait => false,
            #[cfg(all(feature = "flow", feature = "server"))]
            Owed::Older => false,
            #[cfg(all(feature = "admission", feature = "server"))]
            Owed::Door => false,
            _ => true,
        }
    }

    /// A round begins: what waited for an event that was kept is tried again.
    pub(super) const fn end_waiting(&mut self) {
        #[cfg(feature = "flow")]
        if matches!(self.owed, Owed::Wait) {
            self.owed = Owed::Nothing;
        }
    }

    /// Returns when the relay will have been silent for too long; [`Instant::MAX`] for never.
    #[inline(never)]
    pub(super) fn silent_at(&self) -> Instant {
        match self.connection {
            Connection::Open if !self.capabilities.contains(Capabilities::NO_KEEPALIVES) => {
                self.silence_limit.after(self.heard, self.flow.interval())
            }
            _ => Instant::MAX,
        }
    }

    /// Returns true if events wait that need no reading: the round was broken off.
    pub(super) const fn has_more(&self) -> bool {
        let is_left = self.received.is_left() || !matches!(self.telling, Telling::Done);
        // or the round has not come to an event that was kept
        let is_due = self.front.is_due() && !matches!(self.held, Held::Relay);
        is_due || is_left && self.wants_read() || self.tables.kept.has_more() || self.may_go_on()
    }

    /// Returns true if an event was kept that stops the reading, and it may not any more.
    const fn may_go_on(&self) -> bool {
        match self.owed {
            #[cfg(feature = "flow")]
            Owed::Wait => self.tables.kept.has_progressed(),
            #[cfg(all(feature = "flow", feature = "server"))]
            Owed::Older => self.tables.kept.has_progressed(),
            _ => false,
        }
    }

    /// Returns true if an event waits for being delivered again.
    pub(super) const fn has_kept(&self) -> bool {
        let is_dealt_with = matches!(self.held, Held::Relay) && !self.again;
        let is_front_kept = self.front.has_event() && !is_dealt_with;
        is_front_kept || self.tables.kept.is_any() || self.local.has_kept()
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        if self.has_more() {
            return Some(Instant::ZERO);
        }
        // while an event is kept, nothing is read, so silence means nothing
        let silence = if self.wants_read() { self.silent_at() } else { Instant::MAX };
        let silence = (silence != Instant::MAX).then_some(silence);
        self.local.next_deadline().into_iter().chain(silence).min()
    }

    pub(super) const fn wants_read(&self) -> bool {
        // an event that the program holds, and wants again, goes to its party
        let is_held = matches!(self.held, Held::Relay) && (cfg!(feature = "flow") || !self.again);
        let is_kept = self.front.has_event() && !is_held;
        !is_kept && matches!(self.owed, Owed::Nothing)
    }

    pub(super) const fn wants_write(&self) -> bool {
        self.to_write() > 0 || self.room.has_grown() || self.owes()
    }

    /// Returns how many bytes of the queue may be written now.
    #[inline]
    pub(super) const fn to_write(&self) -> usize {
        self.flow.to_write(self.ring.len())
    }

    /// The connection is lost: what belonged to it is forgotten. The tables are the caller's.
    pub(super) fn lose(&mut self) {
        warning!("the connection to the relay is lost");
        self.received = Received::NOTHING;
        self.capabilities = Capabilities::NONE;
        self.flow.lose();
        self.tables.kept.end_round();
        // an event that is kept is told once more, in front of the loss
        self.front.begin_round();
        self.owed = Owed::Nothing;
        self.telling = Telling::Link { unsent: self.ring.len() };
        self.ring.clear();
        #[cfg(feature = "large-chunks")]
        {
            self.partial = PartialChunk::NONE;
        }
        self.connection = Connection::Lost;
        self.round = Round::Finding;
        self.reading = Reading::Done;
        self.unflushed = false;
    }
}
