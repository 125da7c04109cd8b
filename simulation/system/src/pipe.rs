//! One direction of a connection: bytes that are under way.

use std::collections::VecDeque;

/// How the bytes of a direction end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing more is sent.
    Closed,
    /// The connection is reset.
    Reset,
}

/// Times are in microseconds.
#[derive(Debug)]
pub(crate) struct Pipe {
    /// Bytes that were written and not read.
    bytes: VecDeque<u8>,
    /// How many of them have arrived.
    pub(crate) arrived: usize,
    /// The others: when they arrive, and how many.
    under_way: VecDeque<(u64, usize)>,
    end: Option<(u64, End)>,
    has_ended: bool,
    latest: u64,
    /// Bytes that may be under way or unread.
    pub(crate) capacity: usize,
    pub(crate) delay: u64,
    /// Nothing arrives before.
    pub(crate) stalled_until: u64,
}

impl Pipe {
    pub(crate) fn new(capacity: usize, delay: u64) -> Self {
        Self {
            bytes: VecDeque::new(),
            arrived: 0,
            under_way: VecDeque::new(),
            end: None,
            has_ended: false,
            latest: 0,
            capacity,
            delay,
            stalled_until: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.bytes.len())
    }

    /// How it has ended, once everything that came before was read.
    pub(crate) fn ended(&self) -> Option<End> {
        self.end.filter(|_| self.has_ended).map(|(_, end)| end)
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.end.is_some()
    }

    pub(crate) fn write(&mut self, now: u64, bytes: &[u8], delay: u64) -> usize {
        let count = bytes.len().min(self.room());
        if count == 0 {
            return 0;
        }
        self.bytes.extend(&bytes[..count]);
        self.latest = self.latest.max(now + delay);
        self.under_way.push_back((self.latest, count));
        count
    }

    pub(crate) fn end(&mut self, now: u64, end: End) {
        if self.end.is_none_or(|(_, before)| before == End::Closed && end == End::Reset) {
            self.latest = self.latest.max(now + self.delay);
            self.end = Some((self.latest, end));
            self.has_ended = false;
        }
    }

    /// Lets arrive what is due. Returns whether something did.
    pub(crate) fn arrive(&mut self, now: u64) -> bool {
        if now < self.stalled_until {
            return false;
        }
        let before = (self.arrived, self.has_ended);
        while let Some(&(_, len)) = self.under_way.front().filter(|(at, _)| *at <= now) {
            self.arrived += len;
            self.under_way.pop_front();
        }
        self.has_ended |= self.end.is_some_and(|(at, _)| at <= now);
        (self.arrived, self.has_ended) != before
    }

    /// When something arrives next.
    pub(crate) fn next(&self) -> Option<u64> {
        let end = self.end.filter(|_| !self.has_ended).map(|(at, _)| at);
        let bytes = self.under_way.front().map(|(at, _)| *at);
        bytes.into_iter().chain(end).min().map(|at| at.max(self.stalled_until)).filter(|at| *at < u64::MAX)
    }

    pub(crate) fn peek(&self, buffer: &mut [u8]) -> usize {
        let count = buffer.len().min(self.arrived);
        for (place, byte) in buffer.iter_mut().zip(self.bytes.iter().take(count)) {
            *place = *byte;
        }
        count
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> usize {
        let count = self.peek(buffer);
        self.bytes.drain(..count);
        self.arrived -= count;
        count
    }

    /// What is under way or unread is lost.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.under_way.clear();
        self.arrived = 0;
    }
}
