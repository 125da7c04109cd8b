//! The numbers that stand for channels and users on the wire, each table with up to 16 pages of 16.

use super::host::Home;
use super::places::{MAX_INDEX, NOWHERE, PAGE, Page, Taken};
use crate::time::Instant;

/// Bit of an entry that is free but was used before. The others then say, from the top: whether it
/// may be given again at once, when it became free, whose it was, and the next free number plus
/// one.
const FREE: u32 = 1 << 31;
const _: () = assert!(MAX_INDEX < FREE, "an index must not look like a free entry");

/// Bit of a free entry whose number nothing under way can mean.
const AT_ONCE: u32 = 1 << 30;

/// Where a free entry says in which tick it became free, of which it keeps as many bits as
/// [`TICK_MASK`] has.
const TICK_SHIFT: u32 = 27;
const TICK_MASK: u32 = 7;

/// Where a free entry says whose it was: [`WHOSE_BITS`] of the address and as many of the network.
const ADDRESS_SHIFT: u32 = 18;
const NETWORK_SHIFT: u32 = 9;
const WHOSE_MASK: u32 = 511;

/// The next free number plus one, which is at most 256.
const NEXT_MASK: u32 = 511;

/// Binary digits of milliseconds in a tick: 1.024 s.
const TICK_BITS: u32 = 10;

/// Ticks for which a number rests. They are not whole ones, so the time is one tick shorter at
/// least: 5.12 s.
const REST: u32 = 6;
const _: () = assert!(REST <= TICK_MASK, "the ticks of those that rest must be told apart");

/// What may still be under way for a number that is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnderWay {
    /// Nothing: who uses the number has given it back himself.
    Nothing,
    /// Whatever was sent before the end was known there. The number rests; it was of somebody from
    /// here.
    Something(Home),
    /// Whatever its holder will ever say, who is not told of the end. The number stays taken until
    /// it is given back, and stands for [nothing](NOWHERE) until then.
    Everything,
}

/// Numbers in use with what they stand for (an index plus one), and those that are free, in the
/// order in which they became free.
///
/// A number is given out again as late as possible, because bytes under way still mean its last
/// holder: first all that were never used (while half of the pages are free, if that takes a page),
/// then the one that has been free for the longest time. One that something under way may mean
/// [rests](REST), and is given to nobody meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Numbers<const PAGES: usize> {
    pages: [u32; PAGES],
    /// The tick in which a number became free last.
    last: u32,
    /// Numbers that were ever used are below this.
    fresh: u16,
    /// Number plus one of the one that has been free for the longest time.
    oldest: u16,
    /// Number plus one of the one that has been free for the shortest time.
    newest: u16,
    /// Number plus one of the first that may rest; all that became free before it have rested.
    resting: u16,
    used: u16,
}

/// The tick of a moment.
#[expect(clippy::cast_possible_truncation, reason = "the ticks of 139 years fit")]
const fn tick(now: Instant) -> u32 {
    (now.as_millis() >> TICK_BITS) as u32
}

/// The number that a field with a number plus one holds.
fn number(plus_one: u16) -> Option<u8> {
    u8::try_from(plus_one.checked_sub(1)?).ok()
}

/// The next number plus one that a free entry names.
const fn next(entry: u32) -> u16 {
    (entry & NEXT_MASK) as u16
}

impl<const PAGES: usize> Numbers<PAGES> {
    pub(super) const EMPTY: Self =
        Self { pages: [0; PAGES], last: 0, fresh: 0, oldest: 0, newest: 0, resting: 0, used: 0 };

    /// How many numbers there are.
    const CAPACITY: usize = PAGES.saturating_mul(PAGE);

    pub(super) fn used(&self) -> usize {
        self.used.into()
    }

    /// Whether all numbers are in use.
    pub(super) fn is_full(&self) -> bool {
        self.used() >= Self::CAPACITY
    }

    /// All numbers in use are below this.
    pub(super) fn end(&self) -> u16 {
        self.fresh
    }

    /// The index that `number` stands for.
    #[inline]
    pub(super) fn get(&self, pages: &[Page], number: u8) -> Option<u32> {
        let entry = self.entry(pages, number)?;
        if entry & FREE == 0 { entry.checked_sub(1) } else { None }
    }

    /// The numbers in use and what they stand for, in ascending order.
    #[inline]
    pub(super) fn iter<'a>(&'a self, pages: &'a [Page]) -> impl Iterator<Item = (u8, u32)> + 'a {
        let pages = self.pages.iter().map_while(|page| pages.get(page.checked_sub(1)? as usize));
        let entries = pages.flat_map(|page| page.0.iter());
        let taken = |(number, entry): (u8, &u32)| {
            if *entry & FREE == 0 { Some((number, entry.checked_sub(1)?)) } else { None }
        };
        (0..=u8::MAX).zip(entries).filter_map(taken)
    }

    /// How many numbers rest whose last holder came from the same address, and how many from the
    /// same network.
    ///
    /// A few bits of each are kept, so there may be some of others among them.
    pub(super) fn resting(&self, pages: &[Page], home: Home, now: Instant) -> (usize, usize) {
        let (mut of_address, mut of_network) = (0usize, 0usize);
        let whose = whose(home);
        let mut at = self.first_resting(pages, tick(now));
        for _ in 0..Self::CAPACITY {
            let Some(entry) = number(at).and_then(|number| self.entry(pages, number)) else { break };
            let differs = entry ^ whose;
            if entry & AT_ONCE == 0 {
                of_address =
                    of_address.saturating_add(usize::from(differs >> ADDRESS_SHIFT & WHOSE_MASK == 0));
                of_network =
                    of_network.saturating_add(usize::from(differs >> NETWORK_SHIFT & WHOSE_MASK == 0));
            }
            at = next(entry);
        }
        (of_address, of_network)
    }

    /// Takes a number for `index`. `None` if all are in use or rest, or no page is to be had and no
    /// number free.
    pub(super) fn take(
        &mut self,
        pages: &mut [Page],
        taken: &mut Taken,
        index: u32,
        now: Instant,
    ) -> Option<u8> {
        self.resting = self.first_resting(pages, tick(now));
        let number = match self.never_used(pages, taken) {
            Some(number) => number,
            None => self.longest_free(pages)?,
        };
        *self.entry_mut(pages, number)? = index.saturating_add(1);
        self.used = self.used.saturating_add(1);
        Some(number)
    }

    fn never_used(&mut self, pages: &mut [Page], taken: &mut Taken) -> Option<u8> {
        let number = u8::try_from(self.fresh).ok()?;
        let page = self.pages.get_mut(usize::from(number >> 4))?;
        if *page == 0 {
            // those that come and go must not use up the pages that others need
            if self.oldest != 0 && taken.now() >= pages.len() / 2 {
                return None;
            }
            let index = taken.take(pages)?;
            *pages.get_mut(index as usize)? = Page::EMPTY;
            *page = index.saturating_add(1);
        }
        self.fresh = self.fresh.saturating_add(1);
        Some(number)
    }

    /// Takes the number out that has been free for the longest time, of those that have rested or
    /// need not.
    fn longest_free(&mut self, pages: &mut [Page]) -> Option<u8> {
        let (mut before, mut at) = (0, self.oldest);
        let mut has_rested = self.oldest != self.resting;
        for _ in 0..Self::CAPACITY {
            let free = number(at)?;
            let entry = self.entry(pages, free)?;
            let behind = next(entry);
            if has_rested || entry & AT_ONCE != 0 {
                self.unlink(pages, before, at, behind);
                return Some(free);
            }
            (before, at) = (at, behind);
            has_rested = false;
        }
        None
    }

    /// Takes a number out of the list of those that are free. All three are numbers plus one, 0 is
    /// none.
    fn unlink(&mut self, pages: &mut [Page], before: u16, at: u16, behind: u16) {
        match number(before).and_then(|before| self.entry_mut(pages, before)) {
            Some(entry) => *entry = *entry & !NEXT_MASK | u32::from(behind),
            None => self.oldest = behind,
        }
        if self.newest == at {
            self.newest = before;
        }
        if self.resting == at {
            self.resting = behind;
        }
    }

    /// Number plus one of the first that has not rested for long enough.
    ///
    /// Entries have a few bits of their tick. That is enough: when a number becomes free, those
    /// before it that have rested are passed over, so the ticks of the rest are less than [`REST`]
    /// before the last one.
    fn first_resting(&self, pages: &[Page], now: u32) -> u16 {
        let since_last = now.saturating_sub(self.last);
        let mut at = self.resting;
        for _ in 0..Self::CAPACITY {
            let Some(entry) = number(at).and_then(|number| self.entry(pages, number)) else { return 0 };
            let before_last = self.last.wrapping_sub(entry >> TICK_SHIFT) & TICK_MASK;
            if since_last.saturating_add(before_last) < REST {
                return at;
            }
            at = next(entry);
        }
        at
    }

    /// Gives a number back. Does nothing if it is not in use.
    pub(super) fn release(&mut self, pages: &mut [Page], released: u8, under_way: UnderWay, now: Instant) {
        if self.get(pages, released).is_none() {
            return;
        }
        let about = match under_way {
            UnderWay::Nothing => AT_ONCE,
            UnderWay::Something(home) => whose(home),
            UnderWay::Everything => {
                if let Some(entry) = self.entry_mut(pages, released) {
                    *entry = NOWHERE.saturating_add(1);
                }
                return;
            }
        };
        let now = tick(now).max(self.last);
        self.resting = self.first_resting(pages, now);
        self.last = now;
        if let Some(entry) = self.entry_mut(pages, released) {
            *entry = FREE | (now & TICK_MASK) << TICK_SHIFT | about;
        }
        let plus_one = u16::from(released).saturating_add(1);
        let before = core::mem::replace(&mut self.newest, plus_one);
        match number(before).and_then(|before| self.entry_mut(pages, before)) {
            Some(entry) => *entry |= u32::from(plus_one),
            None => self.oldest = plus_one,
        }
        if self.resting == 0 {
            self.resting = plus_one;
        }
        self.used = self.used.saturating_sub(1);
    }

    /// Gives all pages back.
    pub(super) fn clear(&mut self, pages: &mut [Page], taken: &mut Taken) {
        for page in &self.pages {
            if let Some(index) = page.checked_sub(1) {
                taken.give(pages, index);
            }
        }
        *self = Self::EMPTY;
    }

    #[inline]
    fn entry(&self, pages: &[Page], number: u8) -> Option<u32> {
        let page = self.pages.get(usize::from(number >> 4))?.checked_sub(1)?;
        pages.get(page as usize)?.0.get(usize::from(number & 15)).copied()
    }

    fn entry_mut<'a>(&self, pages: &'a mut [Page], number: u8) -> Option<&'a mut u32> {
        let page = self.pages.get(usize::from(number >> 4))?.checked_sub(1)?;
        pages.get_mut(page as usize)?.0.get_mut(usize::from(number & 15))
    }
}

/// What a free entry keeps of where its last holder came from.
fn whose(home: Home) -> u32 {
    let bits = |value: u32, shift: u32| (value & WHOSE_MASK) << shift;
    bits(home.address, ADDRESS_SHIFT) | bits(home.network, NETWORK_SHIFT)
}
