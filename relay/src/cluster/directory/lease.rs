//! The lease of this relay, and what follows when it or another's is over.

use std::collections::HashMap;

use super::super::Ask;
use super::super::key::{counter, name_key, relay_key, relay_value};
use super::{Directory, Fact, For, Outcome, Own};
use crate::cluster::RelayId;

impl Directory {
    /// Renews the lease, unless a renewal is under way.
    pub(super) fn renew(&mut self, now: u64) {
        if self.is_renewing || !self.is_up {
            return;
        }
        (self.is_renewing, self.renewed_at) = (true, now);
        self.counter += 1;
        self.sent.push_back((self.counter, now));
        if self.sent.len() > 64 {
            self.sent.pop_front();
        }
        let (key, value) = (relay_key(self.me), relay_value(self.counter));
        let ticket = self.request(now, For::Renewal { sent_at: now });
        self.asks.push(match self.revision {
            None => Ask::Create { ticket, key, value },
            Some(revision) => Ask::Update { ticket, key, value, revision },
        });
    }

    /// The lease holds from when its renewal was sent.
    pub(super) fn renewed(&mut self, now: u64, sent_at: u64, revision: u64) {
        if self.until.is_some_and(|until| now >= until) {
            return; // it is over, which the next tick says
        }
        if self.revision.is_none_or(|before| before < revision) {
            self.revision = Some(revision);
        }
        let until = sent_at + self.lease;
        if now < until {
            self.until = Some(self.until.map_or(until, |before| before.max(until)));
        }
    }

    pub(super) fn see_own_lease(&mut self, now: u64, value: Option<&[u8]>, revision: u64) {
        let Some(counter) = value.and_then(counter) else {
            // somebody has seen that the lease was over
            if self.revision.is_some_and(|own| own < revision) {
                self.lapse(now);
            }
            return;
        };
        let Some(sent_at) = self.sent.iter().find(|(sent, _)| *sent == counter).map(|(_, at)| *at) else {
            return;
        };
        self.sent.retain(|(sent, _)| *sent > counter);
        self.renewed(now, sent_at, revision);
        // all that was written before this renewal has been seen: who has not renewed for so long
        // never will
        if self.fresh.is_none() {
            self.condemn(now, sent_at);
        }
    }

    /// These relays are gone, and their leases can be ended at once. Something else than silence
    /// says so: they have ended, and did not merely stand still.
    pub(crate) fn bury(&mut self, gone: impl IntoIterator<Item = RelayId>) {
        self.buried.extend(gone);
    }

    /// Ends the leases of those that have not renewed them up to that time, or are known to be
    /// gone.
    pub(super) fn condemn(&mut self, now: u64, at: u64) {
        let wait = self.lease + self.lease / 4;
        let buried = &self.buried;
        let late = self
            .peers
            .iter_mut()
            .filter(|(id, peer)| !peer.is_condemned && (peer.seen_at + wait <= at || buried.contains(id)));
        let late: Vec<_> = late
            .map(|(id, peer)| {
                peer.is_condemned = true;
                (relay_key(*id), peer.revision)
            })
            .collect();
        for (key, revision) in late {
            let ticket = self.request(now, For::Condemnation);
            self.asks.push(Ask::Delete { ticket, key, revision });
        }
    }

    /// The lease is over. The relay goes on as another one.
    pub(super) fn lapse(&mut self, now: u64) {
        self.facts.push(Fact::Lapsed);
        for (name, own) in std::mem::take(&mut self.own) {
            match own {
                Own::Claiming { mut waiters, late, .. } => {
                    waiters.extend(late);
                    self.settle(&name, waiters, Outcome::NoAnswer);
                }
                Own::Releasing { waiters } => self.settle(&name, waiters, Outcome::NoAnswer),
                Own::Held { .. } => {}
            }
        }
        self.requests.retain(|_, (what, _)| {
            !matches!(
                what,
                For::Renewal { .. } | For::Recovery | For::Claim(_) | For::ClaimLook(_) | For::Release(_)
            )
        });
        (self.revision, self.until, self.is_renewing) = (None, None, false);
        self.sent.clear();
        self.me = self.new_id();
        self.renew(now);
    }

    /// Gives everything back, because the relay stops.
    pub(crate) fn leave(&mut self, now: u64) {
        let held = self.own.iter().filter_map(|(name, own)| match own {
            Own::Held { revision, .. } => Some((name_key(name), *revision)),
            _ => None,
        });
        let mut entries: Vec<_> = held.collect();
        entries.extend(self.revision.map(|revision| (relay_key(self.me), revision)));
        for (key, revision) in entries {
            let ticket = self.request(now, For::Clearing(None));
            self.asks.push(Ask::Delete { ticket, key, revision });
        }
        (self.own, self.until) = (HashMap::new(), None);
        self.is_up = false;
    }
}
