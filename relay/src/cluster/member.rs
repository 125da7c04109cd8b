//! One membership across, on one side.

use super::Key;
use super::record::take_unit;

/// Bytes that may be under way in each direction of a membership across, from one stand-in to the
/// other. With less, both relays and NATS wait for each other's small pieces.
pub(crate) const WINDOW: u32 = 512 * 1024;

/// Bytes that may be under way of one who keeps to windows: the largest chunk goes as a whole.
const MOST: u32 = 16 * 1024 * 1024;

/// Bytes of units that wait at most, if the other side keeps to that: the shortest ones are twice as
/// long with their length.
const MOST_WAITING: usize = 2 * (WINDOW + MOST) as usize;

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
    /// The user's number in the proxy's channel, or the number of the channel that the double has
    /// entered.
    pub(crate) at: u8,
    /// Bytes that the stand-in may still send.
    pub(crate) window: i64,
    /// Units that wait for that, from which place on, and how much of the first of them has been
    /// sent.
    waiting: Vec<u8>,
    from: usize,
    sent: usize,
    /// Bytes that were handed on, of which the other side has not been told.
    taken: u32,
    /// The other side has asked for being told at once.
    pub(crate) is_asked: bool,
    /// Bytes that were sent to the other side, of which it has not told that they were handed on.
    pub(crate) outstanding: u32,
    /// It ends with that code when all that waits has been handed on.
    pub(crate) ending: Option<u8>,
}

impl Member {
    pub(crate) fn new(stand_in: Key, stage: Stage) -> Self {
        Self {
            stand_in,
            stage,
            at: 0,
            window: 0,
            waiting: Vec::new(),
            from: 0,
            sent: 0,
            taken: 0,
            is_asked: false,
            outstanding: 0,
            ending: None,
        }
    }

    /// Whether nothing waits.
    pub(crate) fn is_carried(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Bytes of memory that take what waits.
    pub(crate) fn memory(&self) -> usize {
        self.waiting.capacity()
    }

    /// Units have come from the other side, which have to wait. Returns whether so many can come
    /// from one who keeps to the windows.
    pub(crate) fn keep(&mut self, units: &[u8]) -> bool {
        self.waiting.extend_from_slice(units);
        self.waiting.len() - self.from <= MOST_WAITING
    }

    /// Hands on units that wait: as many as the window allows, and as much of the next one.
    pub(crate) fn pass_waiting(&mut self, put: &mut impl FnMut(&[u8])) {
        if self.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting);
        let mut rest = waiting.get(self.from..).unwrap_or_default();
        loop {
            let mut behind = rest;
            let Some(unit) = take_unit(&mut behind).and_then(|unit| unit.get(self.sent..)) else { break };
            let window = usize::try_from(self.window).unwrap_or(0);
            let piece = unit.get(..window).unwrap_or(unit);
            if !piece.is_empty() {
                self.count(piece.len());
                put(piece);
            }
            if piece.len() < unit.len() {
                self.sent += piece.len();
                break;
            }
            (rest, self.sent) = (behind, 0);
        }
        let from = waiting.len() - rest.len();
        (self.waiting, self.from) = (waiting, from);
        if from == self.waiting.len() {
            (self.waiting, self.from) = (Vec::new(), 0);
        } else if from > self.waiting.len() / 2 {
            self.waiting.drain(..from);
            self.from = 0;
        }
    }

    /// Hands on whole units that have just come, if none wait and as many as the window allows.
    /// `units` is the rest.
    pub(crate) fn pass(&mut self, units: &mut &[u8], put: &mut impl FnMut(&[u8])) {
        if !self.waiting.is_empty() {
            return;
        }
        let mut behind = *units;
        while let Some(unit) = take_unit(&mut behind)
            && i64::try_from(unit.len()).is_ok_and(|len| len <= self.window)
        {
            self.count(unit.len());
            put(unit);
            *units = behind;
        }
    }

    fn count(&mut self, len: usize) {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.window -= i64::from(len);
        self.taken = self.taken.saturating_add(len);
    }

    /// Bytes of which the other side is to be told now that they were handed on.
    pub(crate) fn take_told(&mut self) -> u32 {
        if self.taken < WINDOW / 4 && !self.is_asked {
            return 0;
        }
        self.is_asked &= !self.waiting.is_empty() || self.taken == 0;
        std::mem::take(&mut self.taken)
    }

    /// Bytes are sent to the other side. Returns whether so many can be under way of one who keeps
    /// to the windows.
    pub(crate) fn count_sent(&mut self, len: usize) -> bool {
        self.outstanding = self.outstanding.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        self.outstanding <= WINDOW + MOST
    }
}
