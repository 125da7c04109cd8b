//! One direction between a local user and its server: a ring of records.

use super::simulated::SimulatedLine;
use crate::link::front::{Front, Queued};
use crate::link::ring::Ring;
use crate::time::Instant;

/// Bytes of a record's head: kind, length, when it is due.
pub(super) const HEAD: usize = 12;

/// The longest line there can be in bytes: what the length in a head can say.
pub(in crate::link) const MAX_LINE: usize = (1 << 24) - 1;

/// Due of a record that was queued after the current round began.
const UNSTAMPED: u64 = u64::MAX;

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What would be a unit's payload on the wire.
    Data,
    /// To the server: the user has entered, or knocks. Its words.
    Enter,
    /// To the server: the user has left, or is removed.
    Leave,
    /// To the user: it has entered.
    Entered,
    /// To the user: the server has deleted the channel.
    Gone,
    /// To the user: the server has removed it.
    Removed,
    /// To the user: the server has blocked this connection.
    Blocked,
    /// To the user: the channel could not be created.
    NotCreated,
    /// To the user: the channel was deleted before it was created.
    NotThere,
    /// To the user: it is not let in. A code and the server's words.
    #[cfg(feature = "admission")]
    Refused,
}

impl Kind {
    const ALL: &[Self] = &[
        Self::Data,
        Self::Enter,
        Self::Leave,
        Self::Entered,
        Self::Gone,
        Self::Removed,
        Self::Blocked,
        Self::NotCreated,
        Self::NotThere,
        #[cfg(feature = "admission")]
        Self::Refused,
    ];
}

/// The head of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) len: usize,
    due: u64,
}

impl Head {
    fn to_bytes(self) -> [u8; HEAD] {
        let [a, b, c, ..] = (self.len as u64).to_le_bytes();
        let [d, e, f, g, h, i, j, k] = self.due.to_le_bytes();
        [self.kind as u8, a, b, c, d, e, f, g, h, i, j, k]
    }

    fn from_bytes([kind, a, b, c, d, e, f, g, h, i, j, k]: [u8; HEAD]) -> Self {
        Self {
            kind: Kind::ALL.get(usize::from(kind)).copied().unwrap_or(Kind::Data),
            len: u32::from_le_bytes([a, b, c, 0]) as usize,
            due: u64::from_le_bytes([d, e, f, g, h, i, j, k]),
        }
    }
}

/// Which line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) struct LineRef {
    /// The place of the local user.
    pub(super) user: u16,
    pub(super) to_server: bool,
}

impl LineRef {
    /// The next line, of those of `users`, the last one being followed by the first one.
    pub(super) const fn next(self, users: u16) -> Self {
        let Self { user, to_server } = self;
        if to_server {
            return Self { user, to_server: false };
        }
        let next = user.saturating_add(1);
        Self { user: if next < users { next } else { 0 }, to_server: true }
    }
}

/// The state of a line. Its bytes lie elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Line {
    ring: Ring,
    /// Bytes at the end of the ring that were queued after the current round began.
    unstamped: usize,
    /// When the bytes queued so far will have left, in microseconds.
    busy_until: u64,
    /// Bytes that are left of the record that is being taken in.
    pub(super) left: usize,
    /// The event that comes of it.
    pub(super) front: Front,
}

impl Line {
    pub(super) const EMPTY: Self =
        Self { ring: Ring::new(), unstamped: 0, busy_until: 0, left: 0, front: Front::EMPTY };

    /// An empty line with an event that is to be delivered.
    pub(super) const fn with_event(event: Queued) -> Self {
        Self { front: Front::of(event), ..Self::EMPTY }
    }

    /// Forgets everything, that event as well: who it was for is not there any more.
    pub(super) fn clear(&mut self) {
        *self = Self::EMPTY;
    }

    /// Bytes of payload that another record could have in memory of `size` bytes, the end being
    /// kept room for.
    pub(super) const fn room(&self, size: usize) -> usize {
        size.saturating_sub(self.ring.len()).saturating_sub(2 * HEAD)
    }

    /// Begins a record; `len` bytes follow. The caller has made sure that there is room.
    pub(super) fn begin(&mut self, memory: &mut [u8], kind: Kind, len: usize) {
        self.put(memory, &Head { kind, len, due: UNSTAMPED }.to_bytes());
    }

    /// Adds bytes to the record that was begun last.
    pub(super) fn put(&mut self, memory: &mut [u8], bytes: &[u8]) {
        self.ring.push(memory, bytes);
        self.unstamped = self.unstamped.saturating_add(bytes.len());
    }

    /// A round begins: what was queued since the last one is on its way from now on.
    pub(super) fn stamp(&mut self, memory: &mut [u8], now: Instant, simulated: SimulatedLine) {
        while self.unstamped > 0 {
            let at = self.ring.len().saturating_sub(self.unstamped);
            let mut head = [0; HEAD];
            self.ring.peek(memory, at, &mut head);
            let mut head = Head::from_bytes(head);
            let start = self.busy_until.max(now.as_millis().saturating_mul(1000));
            self.busy_until = start.saturating_add(simulated.micros(head.len));
            let left = self.busy_until.div_ceil(1000);
            head.due = left.saturating_add(simulated.one_way().as_millis()).min(UNSTAMPED.wrapping_sub(1));
            self.ring.poke(memory, at, &head.to_bytes());
            self.unstamped = self.unstamped.saturating_sub(HEAD.saturating_add(head.len));
        }
    }

    /// When the next record is due, if one was queued before the current round.
    pub(super) fn next_due(&self, memory: &[u8]) -> Option<Instant> {
        if self.left > 0 {
            return Some(Instant::ZERO);
        }
        Some(Instant::from_millis(self.head(memory)?.due))
    }

    fn head(&self, memory: &[u8]) -> Option<Head> {
        if self.ring.len() <= self.unstamped {
            return None;
        }
        let mut head = [0; HEAD];
        self.ring.peek(memory, 0, &mut head);
        Some(Head::from_bytes(head))
    }

    /// The next record, if it is due. It stays where it is.
    pub(super) fn due(&self, memory: &[u8], now: Instant) -> Option<Head> {
        self.head(memory).filter(|head| head.due <= now.as_millis())
    }

    /// Goes on to the payload of the next record.
    pub(super) const fn take_head(&mut self, head: Head) {
        self.ring.consume(HEAD);
        self.left = head.len;
    }

    /// The payload of the current record, as far as it lies in one piece.
    pub(super) fn front<'m>(&self, memory: &'m [u8]) -> &'m [u8] {
        let front = self.ring.front(memory);
        front.get(..self.left).unwrap_or(front)
    }

    /// Takes `count` bytes of the current record's payload out.
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.left);
        self.ring.consume(count);
        self.left = self.left.saturating_sub(count);
    }
}
