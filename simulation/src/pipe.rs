//! One direction of a line: bytes that are under way.

use std::collections::VecDeque;

use crate::Random;
use crate::line::{Conditions, Cut};

/// Nanoseconds in a millisecond.
const MILLI: u64 = 1_000_000;

/// Times are in milliseconds since the start of the simulation.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) conditions: Conditions,
    random: Random,
    /// Bytes that have been written and not been read.
    bytes: VecDeque<u8>,
    /// How many of them have arrived.
    arrived: usize,
    /// The others: when they arrive, and how many.
    under_way: VecDeque<(u64, usize)>,
    /// When what was written has all left, in nanoseconds: the bandwidth is free from then on.
    free_at: u64,
    /// When the latest byte or the end arrives.
    latest: u64,
    stall: Stall,
    /// When the end of the stream arrives.
    end: Option<u64>,
    /// Nobody reads at the far end any more: what is written vanishes.
    deaf: bool,
    read: u64,
    /// The connection breaks when so many bytes have been read.
    break_after: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stall {
    No,
    Until(u64),
    Forever,
}

impl Pipe {
    pub(crate) fn new(conditions: Conditions, seed: u64) -> Self {
        Self {
            conditions,
            random: Random::new(seed),
            bytes: VecDeque::new(),
            arrived: 0,
            under_way: VecDeque::new(),
            free_at: 0,
            latest: 0,
            stall: Stall::No,
            end: None,
            deaf: false,
            read: 0,
            break_after: None,
        }
    }

    /// How many bytes can be written now; `None` if writing is over.
    pub(crate) fn room(&self) -> Option<usize> {
        if self.deaf {
            return Some(usize::MAX);
        }
        self.end.is_none().then(|| self.conditions.capacity.max(1).saturating_sub(self.bytes.len()))
    }

    /// Bytes that have been written and not been read.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Writes at least one of `bytes`, of which there must be some, and for which there must be
    /// room.
    pub(crate) fn write(&mut self, now: u64, bytes: &[u8]) -> usize {
        let room = self.room().unwrap_or_default();
        let count = self.size(self.conditions.writes, bytes.len().min(room));
        if self.deaf {
            return count;
        }
        self.bytes.extend(&bytes[..count]);
        let jitter = match self.conditions.jitter.as_millis() {
            0 => 0,
            jitter => {
                self.random.below(usize::try_from(jitter).unwrap_or(usize::MAX).saturating_add(1)) as u64
            }
        };
        let delay = self.conditions.delay.as_millis().saturating_add(jitter);
        let Some(bandwidth) = self.conditions.bandwidth else {
            self.send(now.saturating_add(delay), count);
            return count;
        };
        // in pieces that take about 10 ms, so that they trickle
        let bandwidth = bandwidth.max(1);
        let piece = usize::try_from(bandwidth / 100).unwrap_or(usize::MAX).max(1);
        let mut left = count;
        self.free_at = self.free_at.max(now.saturating_mul(MILLI));
        while left > 0 {
            let len = left.min(piece);
            left -= len;
            let nanos = u128::from(1000 * MILLI) * len as u128 / u128::from(bandwidth);
            self.free_at = self.free_at.saturating_add(u64::try_from(nanos).unwrap_or(u64::MAX));
            self.send(self.free_at.div_ceil(MILLI).saturating_add(delay), len);
        }
        count
    }

    /// The next `len` bytes arrive at `at`, but not before those in front of them.
    fn send(&mut self, at: u64, len: usize) {
        self.latest = self.latest.max(at);
        match self.under_way.back_mut() {
            Some((last, count)) if *last == self.latest => *count += len,
            _ => self.under_way.push_back((self.latest, len)),
        }
    }

    /// Nothing more is written.
    pub(crate) fn end(&mut self, now: u64) {
        if self.end.is_none() {
            self.latest = self.latest.max(now.saturating_add(self.conditions.delay.as_millis()));
            self.end = Some(self.latest);
        }
    }

    /// Nobody reads any more.
    pub(crate) fn deafen(&mut self) {
        self.deaf = true;
        self.forget();
    }

    /// What is under way is lost.
    pub(crate) fn forget(&mut self) {
        self.bytes = VecDeque::new();
        self.under_way = VecDeque::new();
        self.arrived = 0;
    }

    /// Lets arrive what is due.
    fn arrive(&mut self, now: u64) {
        while let Some(&(_, len)) = self.under_way.front().filter(|(at, _)| *at <= now) {
            self.arrived += len;
            self.under_way.pop_front();
        }
    }

    fn is_stalled(&self, now: u64) -> bool {
        match self.stall {
            Stall::No => false,
            Stall::Until(until) => now < until,
            Stall::Forever => true,
        }
    }

    /// Nothing arrives until then; `None`: until [`resume`](Self::resume).
    pub(crate) fn stall(&mut self, until: Option<u64>) {
        self.stall = until.map_or(Stall::Forever, Stall::Until);
    }

    pub(crate) fn resume(&mut self) {
        self.stall = Stall::No;
    }

    /// How many bytes have been read.
    pub(crate) const fn bytes_read(&self) -> u64 {
        self.read
    }

    /// How many bytes can be read now; 0 is the end of the stream, `None` that there is nothing
    /// yet.
    pub(crate) fn readable(&mut self, now: u64) -> Option<usize> {
        if self.is_stalled(now) {
            return None;
        }
        self.arrive(now);
        if self.arrived > 0 {
            let left = self.break_after.map_or(u64::MAX, |end| end.saturating_sub(self.read));
            return Some(self.arrived.min(usize::try_from(left).unwrap_or(usize::MAX)));
        }
        self.end.is_some_and(|end| end <= now).then_some(0)
    }

    /// Reads at least one byte into `buffer`, where some must be readable.
    pub(crate) fn read(&mut self, now: u64, buffer: &mut [u8]) -> usize {
        let readable = self.readable(now).unwrap_or_default();
        let count = self.size(self.conditions.reads, buffer.len().min(readable));
        for (place, byte) in buffer.iter_mut().zip(self.bytes.drain(..count)) {
            *place = byte;
        }
        self.arrived -= count;
        self.read += count as u64;
        count
    }

    /// The connection breaks when so many more bytes have been read. Whether that is so already.
    pub(crate) fn break_after(&mut self, bytes: u64) -> bool {
        self.break_after = Some(self.read.saturating_add(bytes));
        self.is_broken()
    }

    /// Whether as many bytes have been read as there may be.
    pub(crate) fn is_broken(&self) -> bool {
        self.break_after.is_some_and(|end| self.read >= end)
    }

    /// When something becomes readable after `now` without anybody doing something.
    pub(crate) fn next_event_at(&self, now: u64) -> Option<u64> {
        let first =
            if self.arrived > 0 { 0 } else { self.under_way.front().map(|(at, _)| *at).or(self.end)? };
        let at = match self.stall {
            Stall::Forever => return None,
            Stall::Until(until) => first.max(until),
            Stall::No => first,
        };
        (at > now).then_some(at)
    }

    /// One call moves so many of `most` bytes.
    fn size(&mut self, cut: Cut, most: usize) -> usize {
        match cut {
            Cut::Whole => most,
            Cut::At(at) => most.min(at.max(1)),
            Cut::Random(at) if most > 0 => 1 + self.random.below(most.min(at.max(1))),
            Cut::Random(_) => 0,
        }
    }
}
