//! The numbers that stand for channels and users on the wire, each table with up to 16 pages of 16.

use super::places::{MAX_INDEX, PAGE, Page, Taken};

/// Bit of an entry that is free but was used before; the other bits are the next free number plus one.
const FREE: u32 = 1 << 31;
const _: () = assert!(MAX_INDEX < FREE, "an index must not look like a free entry");

/// Numbers in use with what they stand for (an index plus one), and those that are free, in the order in which they became free.
///
/// A number is given out again as late as possible, because bytes under way still mean its last holder: first all that were
/// never used (while half of the pages are free, if that takes a page), then the one that has been free for the longest time.
#[derive(Clone, Debug)]
pub(super) struct Numbers<const PAGES: usize> {
    pages: [u32; PAGES],
    /// Numbers that were ever used are below this.
    fresh: u16,
    /// Number plus one of the one that has been free for the longest time.
    oldest: u16,
    /// Number plus one of the one that has been free for the shortest time.
    newest: u16,
    used: u16,
}

impl<const PAGES: usize> Numbers<PAGES> {
    pub(super) const EMPTY: Self = Self { pages: [0; PAGES], fresh: 0, oldest: 0, newest: 0, used: 0 };

    /// How many numbers there are.
    const CAPACITY: usize = PAGES.saturating_mul(PAGE);

    pub(super) fn used(&self) -> usize {
        self.used.into()
    }

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
        let page = self.pages.get(usize::from(number >> 4))?.checked_sub(1)?;
        let entry = *pages.get(page as usize)?.0.get(usize::from(number & 15))?;
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

    /// Takes a number for `index`. `None` if all are in use, or no page is to be had and no number free.
    pub(super) fn take(&mut self, pages: &mut [Page], taken: &mut Taken, index: u32) -> Option<u8> {
        let number = match self.never_used(pages, taken) {
            Some(number) => number,
            None => self.longest_free(pages)?,
        };
        *self.entry(pages, number)? = index.saturating_add(1);
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

    fn longest_free(&mut self, pages: &mut [Page]) -> Option<u8> {
        let number = u8::try_from(self.oldest.checked_sub(1)?).ok()?;
        let next = *self.entry(pages, number)? & !FREE;
        self.oldest = u16::try_from(next).ok()?;
        if self.oldest == 0 {
            self.newest = 0;
        }
        Some(number)
    }

    /// Gives a number back. Does nothing if it is not in use.
    pub(super) fn release(&mut self, pages: &mut [Page], number: u8) {
        if self.get(pages, number).is_none() {
            return;
        }
        let plus_one = u16::from(number).saturating_add(1);
        let last = core::mem::replace(&mut self.newest, plus_one);
        if let Some(entry) = self.entry(pages, number) {
            *entry = FREE;
        }
        match last.checked_sub(1).and_then(|last| u8::try_from(last).ok()) {
            Some(last) => {
                if let Some(entry) = self.entry(pages, last) {
                    *entry = FREE | u32::from(plus_one);
                }
            }
            None => self.oldest = plus_one,
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

    fn entry<'a>(&self, pages: &'a mut [Page], number: u8) -> Option<&'a mut u32> {
        let page = self.pages.get(usize::from(number >> 4))?.checked_sub(1)?;
        pages.get_mut(page as usize)?.0.get_mut(usize::from(number & 15))
    }
}
