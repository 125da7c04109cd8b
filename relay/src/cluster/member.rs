//! One membership across, on one side.

use std::collections::VecDeque;

use super::afar::Key;

/// Bytes that may be under way in each direction of a membership across, from one stand-in to the other.
pub(crate) const WINDOW: u32 = 64 * 1024;

/// Bytes that may be under way of one who keeps to windows: the largest chunk goes as a whole.
const MOST: u32 = 16 * 1024 * 1024;

/// How far a membership is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// At the user's relay: the other relay is asked.
    Knocking {
        ticket: u8,
    },
    /// At the channel's relay: the double has given the command to enter with that tag.
    Entering {
        tag: u8,
    },
    In,
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) stand_in: Key,
    pub(crate) stage: Stage,
    /// The user's number in the proxy's channel, or the number of the channel that the double has entered.
    pub(crate) at: u8,
    /// Bytes that the stand-in may still send.
    pub(crate) window: i64,
    /// Units that wait for that, and how much of the first has been sent.
    waiting: VecDeque<Box<[u8]>>,
    sent: usize,
    /// Bytes that were handed on, of which the other side has not been told.
    taken: u32,
    /// The other side has asked for being told at once.
    pub(crate) is_asked: bool,
    /// Bytes that were sent to the other side, of which it has not told that they were handed on.
    pub(crate) outstanding: u32,
    /// It ends with that code when all that waits has been handed on.
    pub(crate) ending: Option<u8>,
    piece: usize,
}

impl Member {
    pub(crate) fn new(stand_in: Key, stage: Stage) -> Self {
        Self {
            stand_in,
            stage,
            at: 0,
            window: 0,
            waiting: VecDeque::new(),
            sent: 0,
            taken: 0,
            is_asked: false,
            outstanding: 0,
            ending: None,
            piece: 0,
        }
    }

    /// Whether nothing waits.
    pub(crate) fn is_carried(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Something has come from the other side.
    pub(crate) fn keep(&mut self, payload: &[u8]) {
        if !payload.is_empty() {
            self.waiting.push_back(payload.into());
        }
    }

    /// What may be handed on next: a unit, or as much of it as the window allows. [`pass`](Self::pass) takes it out.
    pub(crate) fn next_piece(&mut self) -> Option<&[u8]> {
        let rest = self.waiting.front()?.get(self.sent..)?;
        let window = usize::try_from(self.window).unwrap_or(0);
        let piece = rest.get(..window).unwrap_or(rest);
        self.piece = piece.len();
        (!piece.is_empty()).then_some(piece)
    }

    /// That piece has been handed on.
    pub(crate) fn pass(&mut self) {
        let piece = std::mem::take(&mut self.piece);
        self.sent += piece;
        let len = u32::try_from(piece).unwrap_or(u32::MAX);
        self.window -= i64::from(len);
        self.taken = self.taken.saturating_add(len);
        if self.waiting.front().is_some_and(|first| first.len() <= self.sent) {
            self.waiting.pop_front();
            self.sent = 0;
        }
    }

    /// Bytes of which the other side is to be told now that they were handed on.
    pub(crate) fn take_told(&mut self) -> u32 {
        if self.taken < WINDOW / 4 && !self.is_asked {
            return 0;
        }
        self.is_asked &= !self.waiting.is_empty() || self.taken == 0;
        std::mem::take(&mut self.taken)
    }

    /// Bytes are sent to the other side. Returns whether so many can be under way of one who keeps to the windows.
    pub(crate) fn count_sent(&mut self, len: usize) -> bool {
        self.outstanding = self.outstanding.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        self.outstanding <= WINDOW + MOST
    }
}
