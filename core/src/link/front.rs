//! The event at the front of one source, until the program has dealt with it.
//!
//! A link has several sources of events: the relay, and the two directions of each local user's
//! line. Each keeps its order, and none waits for another.

use super::slots::PartyRef;
use super::{Channel, Event, OwnChannel, User};
use crate::Reason;

/// An event that has happened and not been dealt with yet.
#[derive(Clone, Copy, Debug)]
#[repr(u32)] // `None` is all zero, so a link in a `static` lies in .bss; whole words are moved
pub(super) enum Queued {
    None,
    /// An event about a channel, without bytes.
    Notice(Notice),
    LinkLost {
        unsent: usize,
    },
    /// The relay drains. In milliseconds.
    #[cfg(feature = "flow")]
    ComeBack {
        after: u32,
    },
    /// Data or a chunk: `start..end` of the receive scratch.
    Received {
        from: PartyRef,
        start: usize,
        end: usize,
    },
    /// Data or a chunk: the first `len` bytes of the party's slot.
    Assembled {
        from: PartyRef,
        len: usize,
    },
    /// A party broke the rules of chunks. Its assembler says how.
    Malicious {
        from: PartyRef,
    },
    /// A party knocks: its words are the first `len` bytes of its slot.
    #[cfg(all(feature = "admission", feature = "server"))]
    Knock {
        from: PartyRef,
        len: usize,
    },
    /// Entering was refused. The words are the first `len` bytes of the slot that the party had.
    #[cfg(feature = "flow")]
    Refused {
        from: PartyRef,
        code: u8,
        len: u8,
    },
}

/// An event about a channel, without bytes. Shorter than an [`Event`]: each source of events keeps
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) channel: Channel,
    pub(super) what: What,
}

/// What has happened to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Opened,
    Refused(Reason),
    Closed(Reason),
    Entered(User),
    Gone(User, Reason),
    Ignored(User),
    #[cfg(all(feature = "admission", feature = "server"))]
    KnockEnded(User),
}

impl Notice {
    pub(super) fn opened(channel: impl Into<Channel>) -> Self {
        Self { channel: channel.into(), what: What::Opened }
    }

    pub(super) fn refused(channel: impl Into<Channel>, reason: Reason) -> Self {
        Self { channel: channel.into(), what: What::Refused(reason) }
    }

    pub(super) fn closed(channel: impl Into<Channel>, reason: Reason) -> Self {
        Self { channel: channel.into(), what: What::Closed(reason) }
    }

    /// Something about a user of an own channel.
    pub(super) const fn of_user(channel: OwnChannel, what: What) -> Self {
        Self { channel: Channel::Own(channel), what }
    }

    /// Returns true if this tells of a channel's end. That is true also if the handle has become
    /// invalid since.
    pub(super) const fn is_end(self) -> bool {
        matches!(self.what, What::Refused(_) | What::Closed(_))
    }

    /// Returns the event; `None` for one about a user if the channel is not an own one.
    pub(super) const fn event(self) -> Option<Event<'static>> {
        let channel = self.channel;
        match self.what {
            What::Opened => return Some(Event::Opened { channel }),
            What::Refused(reason) => return Some(Event::Refused { channel, reason, words: &[] }),
            What::Closed(reason) => return Some(Event::Closed { channel, reason }),
            _ => {}
        }
        let Channel::Own(channel) = channel else { return None };
        match self.what {
            What::Entered(user) => Some(Event::UserEntered { channel, user }),
            What::Gone(user, reason) => Some(Event::UserGone { channel, user, reason }),
            What::Ignored(user) => Some(Event::UserIgnored { channel, user }),
            #[cfg(all(feature = "admission", feature = "server"))]
            What::KnockEnded(user) => Some(Event::KnockEnded { channel, user }),
            _ => None,
        }
    }
}

/// The front of one source. An event is built here, where it is handed over from.
#[derive(Clone, Debug)]
pub(super) struct Front {
    pub(super) event: Queued,
    seen: Seen,
}

/// Whether the program has seen an event, and wants it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)] // `Never` is all zero, so a link in a `static` lies in .bss
enum Seen {
    Never,
    Before,
    InThisRound,
}

impl Front {
    /// No event. All bytes are zero.
    pub(super) const EMPTY: Self = Self { event: Queued::None, seen: Seen::Never };

    #[cfg(feature = "local")]
    pub(super) const fn of(event: Queued) -> Self {
        Self { event, seen: Seen::Never }
    }

    /// Puts a notice here, or nothing.
    pub(super) fn tell(&mut self, notice: Option<Notice>) {
        if let Some(notice) = notice {
            self.event = Queued::Notice(notice);
        }
    }

    /// Returns true if an event has not been dealt with.
    pub(super) const fn has_event(&self) -> bool {
        !matches!(self.event, Queued::None)
    }

    /// Returns true if the event is due for delivery in this round.
    pub(super) const fn is_due(&self) -> bool {
        self.has_event() && !matches!(self.seen, Seen::InThisRound)
    }

    /// Returns true if the event waits for the next round.
    pub(super) const fn is_kept(&self) -> bool {
        self.has_event() && matches!(self.seen, Seen::InThisRound)
    }

    /// Returns true if the program has seen the event before.
    #[cfg(feature = "rpc")]
    pub(super) const fn was_seen(&self) -> bool {
        !matches!(self.seen, Seen::Never)
    }

    /// A round begins: an event that was kept is due again.
    pub(super) const fn begin_round(&mut self) {
        if matches!(self.seen, Seen::InThisRound) {
            self.seen = Seen::Before;
        }
    }

    /// The program has seen the event. It stays if the program wants it `again`. Returns true if it
    /// does.
    pub(super) const fn settle(&mut self, again: bool) -> bool {
        self.seen = if again { Seen::InThisRound } else { Seen::Never };
        if !again {
            self.event = Queued::None;
        }
        self.is_kept()
    }
}

/// Tells whether an event that is kept may have got the room that it waits for.
#[derive(Debug)]
pub(super) struct Room {
    /// How often the transmit ring has been written from.
    writes: u32,
    /// The same at the time when the first event of this round was kept.
    kept_at: u32,
    kept: bool,
}

impl Room {
    pub(super) const fn new() -> Self {
        Self { writes: 0, kept_at: 0, kept: false }
    }

    pub(super) const fn begin_round(&mut self) {
        self.kept = false;
    }

    /// An event is kept.
    pub(super) const fn keep(&mut self) {
        if !self.kept {
            self.kept = true;
            self.kept_at = self.writes;
        }
    }

    /// Bytes of the ring have been written, so there is more room.
    pub(super) const fn written(&mut self) {
        self.writes = self.writes.wrapping_add(1);
    }

    /// Returns true if an event is kept and there has been more room since.
    pub(super) const fn has_grown(&self) -> bool {
        self.kept && self.kept_at != self.writes
    }
}
