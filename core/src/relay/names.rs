//! Channels by name: chains of those whose hashes fall into one bucket, and the names themselves in
//! pages.

use super::places::{PAGE, Page, Taken};
use super::slots::{ChannelSlot, NAME_PAGES};
use super::tables::Tables;
use crate::protocol::MAX_NAME;

/// Bytes of a name in a page.
const PAGE_BYTES: usize = PAGE * 4;

/// A name copied out of its pages.
pub(super) struct Name {
    bytes: [u8; MAX_NAME],
    len: u8,
}

impl Name {
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// Puts a name into new pages. If there are not enough, none are taken.
pub(super) fn store(name: &[u8], pages: &mut [Page], taken: &mut Taken) -> Option<[u32; NAME_PAGES]> {
    let mut places = [0; NAME_PAGES];
    for (place, bytes) in places.iter_mut().zip(name.chunks(PAGE_BYTES)) {
        let Some(index) = taken.take(pages) else {
            discard(places, pages, taken);
            return None;
        };
        *place = index.saturating_add(1);
        let page = pages.get_mut(index as usize)?;
        *page = Page::EMPTY;
        for (word, bytes) in page.0.iter_mut().zip(bytes.chunks(4)) {
            *word = word_of(bytes);
        }
    }
    Some(places)
}

/// Gives a name's pages back.
pub(super) fn discard(places: [u32; NAME_PAGES], pages: &mut [Page], taken: &mut Taken) {
    for index in places.iter().filter_map(|place| place.checked_sub(1)) {
        taken.give(pages, index);
    }
}

/// Up to four bytes, the missing ones zero.
fn word_of(bytes: &[u8]) -> u32 {
    let mut word = [0; 4];
    for (to, from) in word.iter_mut().zip(bytes) {
        *to = *from;
    }
    u32::from_le_bytes(word)
}

/// A hash as it is kept.
#[expect(clippy::cast_possible_truncation, reason = "both halves count")]
pub(super) const fn fold(hash: u64) -> u32 {
    (hash ^ (hash >> 32)) as u32
}

impl Tables<'_> {
    /// Index of the channel with that name.
    pub(super) fn find(&self, name: &[u8], hash: u32) -> Option<u32> {
        let mut next = *self.parts.buckets.get(self.bucket(hash)?)?;
        // a chain has an end; the bound is there so that this can be seen
        for _ in 0..self.parts.channels.len() {
            let index = next.checked_sub(1)?;
            let channel = self.channel(index)?;
            if channel.hash == hash && self.is_named(channel, name) {
                return Some(index);
            }
            next = channel.next;
        }
        None
    }

    /// The channel's name.
    pub(super) fn name(&self, channel: &ChannelSlot) -> Name {
        let mut name = Name { bytes: [0; MAX_NAME], len: channel.name_len };
        for (bytes, word) in name.bytes.chunks_mut(4).zip(self.words(channel)) {
            for (to, from) in bytes.iter_mut().zip(word.to_le_bytes()) {
                *to = from;
            }
        }
        name
    }

    fn is_named(&self, channel: &ChannelSlot, name: &[u8]) -> bool {
        usize::from(channel.name_len) == name.len()
            && name.chunks(4).zip(self.words(channel)).all(|(bytes, word)| word_of(bytes) == word)
    }

    fn words<'a>(&'a self, channel: &'a ChannelSlot) -> impl Iterator<Item = u32> + 'a {
        let pages =
            channel.name.iter().map_while(|place| self.parts.pages.get(place.checked_sub(1)? as usize));
        pages.flat_map(|page| page.0)
    }

    fn bucket(&self, hash: u32) -> Option<usize> {
        (hash as usize).checked_rem(self.parts.buckets.len())
    }

    /// Makes the channel one that [`find`](Self::find) finds.
    pub(super) fn chain(&mut self, index: u32) {
        let Some(bucket) = self.channel(index).and_then(|channel| self.bucket(channel.hash)) else { return };
        let channel = self.parts.channels.get_mut(index as usize);
        if let (Some(first), Some(channel)) = (self.parts.buckets.get_mut(bucket), channel) {
            channel.next = core::mem::replace(first, index.saturating_add(1));
        }
    }

    /// Takes the channel out again.
    pub(super) fn unchain(&mut self, index: u32) {
        let Some(bucket) = self.channel(index).and_then(|channel| self.bucket(channel.hash)) else { return };
        let behind = self.parts.channels.get_mut(index as usize).map_or(0, |channel| channel.next);
        let this = index.saturating_add(1);
        let Some(first) = self.parts.buckets.get_mut(bucket) else { return };
        if *first == this {
            *first = behind;
            return;
        }
        let mut at = *first;
        for _ in 0..self.parts.channels.len() {
            let Some(before) = at.checked_sub(1) else { return };
            let Some(channel) = self.parts.channels.get_mut(before as usize) else { return };
            if channel.next == this {
                channel.next = behind;
                return;
            }
            at = channel.next;
        }
    }

    /// Chains all channels anew, after the number of buckets has changed.
    pub(super) fn chain_anew(&mut self) {
        // which places hold channels is known through those who own them
        self.parts.buckets.fill(0);
        for connection in 0..self.parts.connections.len() {
            for number in 0..=u8::MAX {
                let Some(slot) = self.parts.connections.get(connection) else { break };
                if u16::from(number) >= slot.own.end() {
                    break;
                }
                if let Some(index) = slot.own.get(self.parts.pages, number) {
                    self.chain(index);
                }
            }
        }
    }
}
