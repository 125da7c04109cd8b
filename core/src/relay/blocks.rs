//! Who is kept out of a channel: for each channel a list of connections, in pages.

use super::host::ConnectionId;
use super::places::{Chained, PAGE, Page};
use super::tables::Tables;

/// Connections in a page, behind the place of the next page.
const IN_PAGE: usize = (PAGE - 1) / 2;

/// Pages of one channel's list.
const BLOCK_PAGES: usize = 16;

/// Connections that one channel can have blocked at the same time, 112. Ended connections do not
/// count.
pub const MAX_BLOCKED: usize = BLOCK_PAGES * IN_PAGE;

impl Page {
    /// Index plus one of the next page of a list, 0 at its end, and the entries of this one: index
    /// plus one and generation of a connection, or zeros.
    fn blocked(&self) -> (u32, &[[u32; 2]]) {
        let Some((next, entries)) = self.0.split_first() else { return (0, &[]) };
        (*next, entries.as_chunks().0)
    }

    fn blocked_mut(&mut self) -> &mut [[u32; 2]] {
        self.0.get_mut(1..).map_or(&mut [], |entries| entries.as_chunks_mut().0)
    }
}

const fn entry(id: ConnectionId) -> [u32; 2] {
    [id.index.saturating_add(1), id.generation]
}

impl Tables<'_> {
    /// Whether the channel's server has blocked that connection.
    pub(super) fn is_blocked(&self, channel: u32, id: ConnectionId) -> bool {
        let mut next = self.channel(channel).map_or(0, |channel| channel.blocked);
        for _ in 0..BLOCK_PAGES {
            let Some(page) = self.block_page(next) else { break };
            let (behind, entries) = page.blocked();
            if entries.contains(&entry(id)) {
                return true;
            }
            next = behind;
        }
        false
    }

    /// Puts a connection on the list of a channel. `false` if there is no room: the list is full of
    /// connections that are there, or no page is to be had.
    pub(super) fn block(&mut self, channel: u32, id: ConnectionId) -> bool {
        let Some(first) = self.channel(channel).map(|channel| channel.blocked) else { return false };
        let (mut next, mut pages) = (first, 0);
        while pages < BLOCK_PAGES {
            let Some(page) = self.block_page(next) else { break };
            let (behind, entries) = page.blocked();
            let place = entries.iter().position(|entry| !self.is_there(*entry));
            if let Some(place) = place.and_then(|place| self.block_entry(next, place)) {
                *place = entry(id);
                return true;
            }
            next = behind;
            pages = pages.saturating_add(1);
        }
        // half of the pages are for those that create and enter channels
        let taken = &mut self.counters.pages;
        if pages >= BLOCK_PAGES || taken.now() >= self.parts.pages.len() / 2 {
            return false;
        }
        let Some(index) = taken.take(self.parts.pages) else { return false };
        if let Some(page) = self.parts.pages.get_mut(index as usize) {
            *page = Page::EMPTY;
            *page.next() = first;
        }
        let new = index.saturating_add(1);
        if let Some(channel) = self.parts.channels.get_mut(channel as usize) {
            channel.blocked = new;
        }
        let Some(place) = self.block_entry(new, 0) else { return false };
        *place = entry(id);
        true
    }

    /// Gives the pages of a list back.
    pub(super) fn unblock_all(&mut self, first: u32) {
        let mut next = first;
        for _ in 0..BLOCK_PAGES {
            let Some(page) = self.block_page(next) else { return };
            let behind = page.blocked().0;
            self.counters.pages.give(self.parts.pages, next.saturating_sub(1));
            next = behind;
        }
    }

    fn block_page(&self, plus_one: u32) -> Option<&Page> {
        self.parts.pages.get(plus_one.checked_sub(1)? as usize)
    }

    fn block_entry(&mut self, plus_one: u32, place: usize) -> Option<&mut [u32; 2]> {
        self.parts.pages.get_mut(plus_one.checked_sub(1)? as usize)?.blocked_mut().get_mut(place)
    }

    /// Whether an entry is that of a connection that has not ended.
    fn is_there(&self, [plus_one, generation]: [u32; 2]) -> bool {
        let slot = plus_one.checked_sub(1).and_then(|index| self.parts.connections.get(index as usize));
        slot.is_some_and(|slot| slot.open && slot.generation == generation)
    }
}
