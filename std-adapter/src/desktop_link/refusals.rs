//! Channels that the link itself has given up: no event of the relay tells.

use std::collections::VecDeque;

use peote_net::Reason;
use peote_net::link::{Channel, Event};
use peote_net::reconnect::Cause;

/// A channel that has been given up, which the program is to be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    pub(super) channel: Channel,
    reason: Reason,
}

/// Refusals that wait, in their order.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    waiting: VecDeque<Refusal>,
    /// One that was returned to the program, which may want it again.
    pub(super) returned: Option<Refusal>,
    /// The program wants the first one again, in the next turn.
    is_kept: bool,
}

impl Refusal {
    pub(super) fn new(channel: Channel, cause: Cause) -> Self {
        Self { channel, reason: cause.reason() }
    }

    pub(super) const fn event(self) -> Event<'static> {
        Event::Refused { channel: self.channel, reason: self.reason, words: b"" }
    }
}

impl Refusals {
    pub(super) fn begin_turn(&mut self) {
        self.is_kept = false;
    }

    pub(super) fn push(&mut self, refusal: Refusal) {
        self.waiting.push_back(refusal);
    }

    /// Takes the next one out, unless the program wants it in the next turn.
    pub(super) fn next(&mut self) -> Option<Refusal> {
        if self.is_kept { None } else { self.waiting.pop_front() }
    }

    /// The program wants it again.
    pub(super) fn keep(&mut self, refusal: Refusal) {
        self.waiting.push_front(refusal);
        self.is_kept = true;
    }

    /// Returns true if one waits that is to be told at once.
    pub(super) fn is_due(&self) -> bool {
        !self.is_kept && !self.waiting.is_empty()
    }

    /// Returns true if one waits that the program wants again.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept && !self.waiting.is_empty()
    }
}
