//! The line between two relays: messages in order, none missing, or the line begins anew.
//!
//! A state machine without I/O for one side. Each side has an *epoch*, a number that it chooses
//! when the line begins. A message names the epochs of both sides, so what belongs to a line that
//! is over is passed over. Messages with records are numbered; one that is missing ends the line,
//! and both sides hear of that.

use std::collections::VecDeque;

use super::{RelayId, VERSION};

/// Bytes in front of the records: version, kind, sender, both epochs, number, number of the last
/// one that was taken.
pub(crate) const HEAD: usize = 2 + 8 + 4 * 4;

/// Bytes of records after which a message is sent without waiting for more.
pub(crate) const FULL: usize = 32 * 1024;

/// Bytes of messages that may be under way.
const WINDOW: usize = 2 * 1024 * 1024;

/// Bytes of messages after which the other side is told at once that they were taken.
const TELL: usize = WINDOW / 4;

/// Milliseconds after which the beginning of a line is said again.
const AGAIN: u64 = 300;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The line begins, or is to begin.
    Open,
    /// Records.
    Records,
    /// Nothing but what the head says: the number is that of the last message with records.
    Idle,
}

/// The head of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    kind: Kind,
    /// Who has sent it.
    pub(crate) from: RelayId,
    from_epoch: u32,
    to_epoch: u32,
    number: u32,
    taken: u32,
}

/// Why a message cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// The other relay speaks another version.
    Version(u8),
    Malformed,
}

impl Head {
    /// Takes the head off a message.
    pub(crate) fn take(message: &[u8]) -> Result<(Self, &[u8]), Wrong> {
        let version = *message.first().ok_or(Wrong::Malformed)?;
        if version != VERSION {
            return Err(Wrong::Version(version));
        }
        let (head, rest) = message.split_first_chunk::<HEAD>().ok_or(Wrong::Malformed)?;
        let kind = match head[1] {
            0 => Kind::Open,
            1 => Kind::Records,
            2 => Kind::Idle,
            _ => return Err(Wrong::Malformed),
        };
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let from = u64::from(number(2)) | u64::from(number(6)) << 32;
        let head = Self {
            kind,
            from,
            from_epoch: number(10),
            to_epoch: number(14),
            number: number(18),
            taken: number(22),
        };
        Ok((head, rest))
    }

    fn put(self, into: &mut [u8]) {
        into[0] = VERSION;
        into[1] = match self.kind {
            Kind::Open => 0,
            Kind::Records => 1,
            Kind::Idle => 2,
        };
        into[2..10].copy_from_slice(&self.from.to_le_bytes());
        for (place, number) in
            into[10..].chunks_mut(4).zip([self.from_epoch, self.to_epoch, self.number, self.taken])
        {
            place.copy_from_slice(&number.to_le_bytes());
        }
    }
}

/// What came of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing to be done.
    Nothing,
    /// Its records are next.
    Records,
    /// The line is over; all that was on it is lost.
    Broken,
    /// Nothing was heard for so long that the line would be over, if something was on it.
    Silence,
}

/// One side of a line.
#[derive(Debug)]
pub(crate) struct Line {
    epoch: u32,
    /// The other side's, 0 if it is not known.
    other: u32,
    is_open: bool,
    /// Something was put on it since it began, so its end matters.
    is_in_use: bool,
    /// Numbers of the last message that was sent and the last that was taken, and the last that the
    /// other side was told of.
    sent: u32,
    taken: u32,
    told: u32,
    untold_bytes: usize,
    under_way: VecDeque<(u32, usize)>,
    bytes_under_way: usize,
    /// Messages that wait, the last of which is not full.
    waiting: VecDeque<Vec<u8>>,
    wants_open: bool,
    began: u64,
    said_open: Option<u64>,
    heard_at: u64,
    said_at: u64,
    /// Bytes in both directions since it began.
    pub(crate) bytes: (u64, u64),
}

impl Line {
    /// A line that is to begin. `epoch` is a number that this side does not use again soon.
    pub(crate) fn new(epoch: u32, now: u64) -> Self {
        Self {
            epoch: epoch.max(1),
            other: 0,
            is_open: false,
            is_in_use: false,
            sent: 0,
            taken: 0,
            told: 0,
            untold_bytes: 0,
            under_way: VecDeque::new(),
            bytes_under_way: 0,
            waiting: VecDeque::new(),
            wants_open: false,
            began: now,
            said_open: None,
            heard_at: now,
            said_at: now,
            bytes: (0, 0),
        }
    }

    /// Begins anew. What was on it is lost.
    fn begin(&mut self, now: u64) {
        let bytes = self.bytes;
        *self = Self { bytes, ..Self::new(self.epoch.wrapping_add(1), now) };
    }

    /// Where records are to be put.
    pub(crate) fn message(&mut self) -> &mut Vec<u8> {
        if self.waiting.back().is_none_or(|last| last.len() >= FULL) {
            self.waiting.push_back(vec![0; HEAD]);
        }
        (self.is_in_use, self.wants_open) = (true, true);
        let last = self.waiting.len() - 1;
        &mut self.waiting[last]
    }

    /// Bytes that wait because too many are under way.
    pub(crate) fn backlog(&self) -> usize {
        self.waiting.iter().map(Vec::len).sum()
    }

    /// A message has come.
    pub(crate) fn hear(&mut self, head: &Head, len: usize, now: u64) -> Heard {
        let mut broken = false;
        if head.from_epoch != self.other {
            if head.kind != Kind::Open {
                // it does not know that this side has begun anew
                self.wants_open = true;
                return Heard::Nothing;
            }
            if self.is_open {
                broken = self.is_in_use;
                self.begin(now);
            }
            self.other = head.from_epoch;
        }
        self.heard_at = now;
        if head.to_epoch != self.epoch {
            // it does not know this side's yet
            (self.wants_open, self.said_open) = (true, None);
            return if broken { Heard::Broken } else { Heard::Nothing };
        }
        if head.kind == Kind::Open {
            // one more word: it is open for the other side when that hears its epoch
            self.said_at = 0;
        }
        self.is_open = true;
        self.acknowledge(head.taken);
        let expected = self.taken.wrapping_add(1);
        match head.kind {
            Kind::Records if head.number == expected => {
                self.taken = expected;
                self.untold_bytes += len;
                self.bytes.0 += len as u64;
                self.is_in_use = true;
                if broken { Heard::Broken } else { Heard::Records }
            }
            Kind::Idle if head.number == self.taken => Heard::Nothing,
            Kind::Records | Kind::Idle => self.fail(now),
            Kind::Open => {
                if broken {
                    Heard::Broken
                } else {
                    Heard::Nothing
                }
            }
        }
    }

    fn acknowledge(&mut self, taken: u32) {
        while let Some((number, len)) = self.under_way.front().copied()
            && taken.wrapping_sub(number) < u32::MAX / 2
        {
            self.bytes_under_way -= len;
            self.under_way.pop_front();
        }
    }

    /// Ends the line, and has it begin anew.
    pub(crate) fn fail(&mut self, now: u64) -> Heard {
        let (other, was_in_use) = (self.other, self.is_in_use);
        self.begin(now);
        (self.other, self.wants_open) = (other, true);
        if was_in_use { Heard::Broken } else { Heard::Nothing }
    }

    /// Time passes: a line that nothing is heard of for a lease is over.
    pub(crate) fn tick(&mut self, now: u64, lease: u64) -> Heard {
        let since = if self.is_open { self.heard_at } else { self.began };
        if now < since + lease {
            return Heard::Nothing;
        }
        let was_in_use = self.is_in_use;
        self.begin(now);
        if was_in_use { Heard::Broken } else { Heard::Silence }
    }

    /// Returns the next message to be sent, if there is one now.
    pub(crate) fn say(&mut self, me: RelayId, now: u64, lease: u64) -> Option<Vec<u8>> {
        if !self.is_open {
            let is_due = self.said_open.is_none_or(|at| at + AGAIN <= now);
            if !self.wants_open || !is_due {
                return None;
            }
            self.said_open = Some(now);
            return Some(self.put(me, Kind::Open, vec![0; HEAD], now));
        }
        if self.bytes_under_way < WINDOW
            && let Some(message) = self.waiting.pop_front()
        {
            self.sent = self.sent.wrapping_add(1);
            self.under_way.push_back((self.sent, message.len()));
            self.bytes_under_way += message.len();
            return Some(self.put(me, Kind::Records, message, now));
        }
        if self.wants_open && self.said_open.is_none() {
            self.said_open = Some(now);
            return Some(self.put(me, Kind::Open, vec![0; HEAD], now));
        }
        let is_to_tell = self.untold_bytes >= TELL;
        let is_quiet = now >= self.said_at + lease / 8;
        if is_to_tell || is_quiet && self.is_in_use || self.said_at == 0 {
            return Some(self.put(me, Kind::Idle, vec![0; HEAD], now));
        }
        None
    }

    fn put(&mut self, from: RelayId, kind: Kind, mut message: Vec<u8>, now: u64) -> Vec<u8> {
        let head = Head {
            kind,
            from,
            from_epoch: self.epoch,
            to_epoch: self.other,
            number: self.sent,
            taken: self.taken,
        };
        head.put(&mut message[..HEAD]);
        self.bytes.1 += message.len() as u64;
        (self.told, self.untold_bytes, self.said_at) = (self.taken, 0, now.max(1));
        message
    }
}
