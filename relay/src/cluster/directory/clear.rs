//! What is cleared away in the bucket: names of relays that are gone, and marks of names that were
//! given back.

use super::super::key::name_key;
use super::super::{Ask, Name};
use super::{Directory, For};

/// Names of relays that are gone which are cleared away at a time.
const CLEARED: usize = 64;

/// Marks of names that were given back which are forgotten at a time, and that are remembered until
/// then. More of them stay until a watch begins anew.
const PURGED: usize = 256;
const MARKS: usize = 1 << 16;

impl Directory {
    /// Whether this relay does what one of all does.
    fn is_first(&self) -> bool {
        self.is_ready() && self.peers.keys().next().is_none_or(|first| *first > self.me)
    }

    /// Takes names of relays that are gone out of the directory. One of all relays does that.
    pub(super) fn clear_away(&mut self, now: u64) {
        if !self.is_first() {
            return;
        }
        let busy = self.requests.values().filter(|(what, _)| matches!(what, For::Clearing(_))).count();
        let gone = self.names.iter().filter(|(name, entry)| {
            entry.owner != self.me && !self.peers.contains_key(&entry.owner) && !self.own.contains_key(*name)
        });
        let gone = gone.map(|(name, entry)| (name.clone(), entry.revision));
        for (name, revision) in gone.take(CLEARED.saturating_sub(busy)).collect::<Vec<_>>() {
            let key = name_key(&name);
            let ticket = self.request(now, For::Clearing(Some((name, revision))));
            self.asks.push(Ask::Delete { ticket, key, revision });
        }
    }

    /// An entry was not what it was thought to be. If that is still thought, the watch has passed
    /// over its end.
    pub(super) fn forget_entry(&mut self, name: &Name, revision: u64) {
        if self.names.get(name).is_some_and(|entry| entry.revision == revision) {
            self.names.remove(name);
        }
    }

    /// The watch has told of the end of a name.
    pub(super) fn mark(&mut self, now: u64, name: Name, revision: u64) {
        if self.marks.len() < MARKS {
            self.marks.push_back((now, name, revision));
        }
    }

    /// Has the bucket forget names that were given back: it keeps a mark of each for ever. They are
    /// kept for a lease, so that all relays see them first. One of all relays does that.
    pub(super) fn purge(&mut self, now: u64) {
        let is_first = self.is_first();
        while self.purging < PURGED
            && self.marks.front().is_some_and(|(seen, ..)| seen + self.lease <= now)
            && let Some((_, name, revision)) = self.marks.pop_front()
        {
            if is_first {
                let ticket = self.request(now, For::Purge);
                self.asks.push(Ask::Purge { ticket, key: name_key(&name), revision });
                self.purging += 1;
            }
        }
    }
}
