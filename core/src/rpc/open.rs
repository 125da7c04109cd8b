//! Calls whose answers are still to come.

use super::answer::{End, Ended};
use super::{CallId, Remote};
use crate::link::{Destination, SendError, Source};
use crate::time::Instant;

/// Where calls with answers are kept while they are open: a [`Calls`](super::Calls).
pub trait OpenCalls: sealed::Sealed {
    /// Returns the number of the next call of this object.
    #[doc(hidden)]
    fn reserve(&mut self, remote: Remote) -> Result<u32, SendError>;

    /// The call with the number that was reserved is on its way.
    #[doc(hidden)]
    fn open<T>(&mut self, number: u32, remote: Remote) -> CallId<T>;
}

pub(super) mod sealed {
    /// Keeps [`OpenCalls`](super::OpenCalls) to this module.
    pub trait Sealed {}
}

/// Up to `OPEN` calls. The number of a call says where it is: its remainder by `OPEN`, a power of
/// two.
#[derive(Clone, Debug)]
pub(super) struct Open<const OPEN: usize> {
    slots: [Slot; OPEN],
    /// The number that the next call has, if its slot is free.
    next: u32,
    count: usize,
    /// Those that have ended by the loss of their peer, and have not been told.
    lost: usize,
    /// No call has an earlier deadline.
    earliest: Instant,
    /// Where the search for those that have ended goes on.
    cursor: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    number: u32,
    /// `None` if the slot is free.
    to: Option<Destination>,
    deadline: Instant,
    is_lost: bool,
    /// Its answer has been told, and is told again if the handler wants that. Otherwise it is free.
    is_answered: bool,
}

impl Slot {
    const FREE: Self =
        Self { number: 0, to: None, deadline: Instant::MAX, is_lost: false, is_answered: false };

    #[inline]
    const fn is_open(&self) -> bool {
        self.to.is_some() && !self.is_answered
    }
}

impl<const OPEN: usize> Open<OPEN> {
    pub(super) const fn new() -> Self {
        const {
            assert!(OPEN.is_power_of_two() && OPEN <= 0x1_0000, "OPEN is a power of two, at most 65,536");
        }
        Self { slots: [Slot::FREE; OPEN], next: 0, count: 0, lost: 0, earliest: Instant::MAX, cursor: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    #[inline]
    fn slot(&mut self, number: u32) -> Option<&mut Slot> {
        self.slots.get_mut(number as usize & OPEN.wrapping_sub(1))
    }

    /// Returns the next number whose slot is free.
    #[inline]
    pub(super) fn reserve(&mut self) -> Result<u32, SendError> {
        if self.count >= OPEN {
            return Err(SendError::TooManyCalls);
        }
        loop {
            let number = self.next;
            if self.slot(number).is_some_and(|slot| !slot.is_open()) {
                return Ok(number);
            }
            self.next = number.wrapping_add(1);
        }
    }

    #[inline]
    pub(super) fn open(&mut self, number: u32, to: Destination) {
        if let Some(slot) = self.slot(number) {
            *slot = Slot { number, to: Some(to), ..Slot::FREE };
            self.next = number.wrapping_add(1);
            self.count = self.count.wrapping_add(1);
        }
    }

    /// Ends the call of this number to this peer; false if there is none. A call whose peer is lost
    /// is told otherwise. What has ended one counts again if it `is_told_again`, until another call
    /// has its place: the handler has kept its event.
    #[inline]
    pub(super) fn close(&mut self, number: u32, peer: Source, is_told_again: bool) -> bool {
        let peer = Some(Destination::from(peer));
        let Some(slot) = self.slot(number) else { return false };
        let is_there = slot.number == number && slot.to == peer && !slot.is_lost;
        if is_there && !slot.is_answered {
            slot.is_answered = true;
            self.count = self.count.wrapping_sub(1);
            return true;
        }
        is_there && is_told_again
    }

    /// Forgets the call of this number, and returns whom it was to if that peer is still there.
    pub(super) fn forget(&mut self, number: u32) -> Option<Destination> {
        let slot = self.slot(number).filter(|slot| slot.number == number && slot.is_open())?;
        let (to, was_lost) = (slot.to.take()?, core::mem::take(&mut slot.is_lost));
        self.count = self.count.wrapping_sub(1);
        self.lost = self.lost.wrapping_sub(was_lost.into());
        (!was_lost).then_some(to)
    }

    pub(super) fn set_deadline(&mut self, number: u32, deadline: Instant) {
        let slot = self.slot(number).filter(|slot| slot.number == number && slot.is_open());
        if let Some(slot) = slot {
            slot.deadline = deadline;
            self.earliest = self.earliest.min(deadline);
        }
    }

    pub(super) const fn next_deadline(&self) -> Option<Instant> {
        if self.lost > 0 {
            return Some(Instant::ZERO);
        }
        if self.count == 0 || self.earliest.as_millis() == u64::MAX { None } else { Some(self.earliest) }
    }

    /// The calls to these peers will not be answered.
    pub(super) fn lose(&mut self, is_gone: impl Fn(Destination) -> bool) {
        for slot in self.slots.iter_mut().filter(|slot| !slot.is_lost && slot.to.is_some_and(&is_gone)) {
            if slot.is_answered {
                slot.to = None;
            } else {
                slot.is_lost = true;
                self.lost = self.lost.wrapping_add(1);
            }
        }
    }

    /// Takes a call out that is lost, or whose deadline has come.
    pub(super) fn next_ended(&mut self, now: Instant) -> Option<Ended> {
        if self.lost == 0 && now < self.earliest {
            return None;
        }
        let mut earliest = Instant::MAX;
        for _ in 0..OPEN {
            let at = self.cursor & OPEN.wrapping_sub(1);
            self.cursor = at.wrapping_add(1);
            let Some(slot) = self.slots.get_mut(at).filter(|slot| slot.is_open()) else { continue };
            if slot.is_lost || slot.deadline <= now {
                slot.to = None;
                let is_lost = core::mem::take(&mut slot.is_lost);
                self.count = self.count.wrapping_sub(1);
                self.lost = self.lost.wrapping_sub(is_lost.into());
                let why = if is_lost { End::Lost } else { End::Deadline };
                return Some(Ended { number: slot.number, why });
            }
            earliest = earliest.min(slot.deadline);
        }
        self.earliest = earliest;
        None
    }
}
