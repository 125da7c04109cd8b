//! Names: claimed, given back, and looked up.

use super::super::key::{self, name_key};
use super::super::{Ask, RelayId, Waiter};
use super::{Directory, Fact, For, Outcome, Own};

impl Directory {
    pub(super) fn settle(&mut self, name: &[u8], waiters: Vec<Waiter>, outcome: Outcome) {
        self.facts.extend(waiters.into_iter().map(|waiter| Fact::Settled(waiter, (name.into(), outcome))));
    }

    /// Asks for a name for a channel that is to be created. The outcome comes as a fact.
    pub(crate) fn claim(&mut self, now: u64, name: &[u8], waiter: Waiter) {
        match self.own.get_mut(name) {
            Some(Own::Claiming { late: waiters, .. } | Own::Releasing { waiters }) => {
                return waiters.push(waiter);
            }
            Some(Own::Held { .. }) => return self.settle(name, vec![waiter], Outcome::Held),
            None => {}
        }
        if !self.is_ready() {
            return self.settle(name, vec![waiter], Outcome::NoAnswer);
        }
        self.begin_claim(now, name, vec![waiter]);
    }

    fn begin_claim(&mut self, now: u64, name: &[u8], waiters: Vec<Waiter>) {
        self.own.insert(name.into(), Own::Claiming { round: 0, waiters, late: Vec::new() });
        let entry = self.names.get(name).map(|entry| (entry.owner, entry.revision));
        // the watch may be behind: whether the name is still another relay's is asked
        let entry = entry.filter(|(owner, _)| !self.is_of_another(*owner));
        self.try_claim(now, name, entry);
    }

    fn is_of_another(&self, owner: RelayId) -> bool {
        owner != self.me && self.has_peer(owner)
    }

    /// Asks for a name whose entry is this.
    pub(super) fn try_claim(&mut self, now: u64, name: &[u8], entry: Option<(RelayId, u64)>) {
        let (key, value) = (name_key(name), key::owner_value(self.me));
        match entry {
            Some((owner, _)) if self.is_of_another(owner) => {
                self.claim_is_over(now, name, Outcome::InUse);
            }
            Some((_, revision)) => {
                let ticket = self.request(now, For::Claim(name.into()));
                self.asks.push(Ask::Update { ticket, key, value, revision });
            }
            None => {
                let ticket = self.request(now, For::Claim(name.into()));
                self.asks.push(Ask::Create { ticket, key, value });
            }
        }
    }

    pub(super) fn claim_is_over(&mut self, now: u64, name: &[u8], outcome: Outcome) {
        let Some(Own::Claiming { waiters, late, .. }) = self.own.get_mut(name) else { return };
        let (mut waiters, mut late) = (std::mem::take(waiters), std::mem::take(late));
        self.own.remove(name);
        if outcome != Outcome::InUse {
            waiters.append(&mut late);
        }
        self.settle(name, waiters, outcome);
        if !late.is_empty() {
            self.begin_claim(now, name, late);
        }
    }

    pub(super) fn claimed(&mut self, now: u64, name: &[u8], revision: u64) {
        if self.until.is_none_or(|until| now >= until) {
            return self.claim_is_over(now, name, Outcome::NoAnswer);
        }
        let held = Own::Held { revision, is_used: false, since: now };
        if let Some(Own::Claiming { mut waiters, late, .. }) = self.own.insert(name.into(), held) {
            waiters.extend(late);
            self.settle(name, waiters, Outcome::Held);
        }
    }

    /// A channel of that name was created.
    pub(crate) fn is_used(&mut self, name: &[u8]) {
        if let Some(Own::Held { is_used, .. }) = self.own.get_mut(name) {
            *is_used = true;
        }
    }

    /// A channel of that name is gone.
    pub(crate) fn release(&mut self, now: u64, name: &[u8]) {
        let Some(Own::Held { revision, .. }) = self.own.get(name) else { return };
        let revision = *revision;
        self.delete_name(now, name.into(), revision);
    }

    pub(super) fn released(&mut self, now: u64, name: &[u8]) {
        let Some(Own::Releasing { waiters }) = self.own.get_mut(name) else { return };
        let waiters = std::mem::take(waiters);
        self.own.remove(name);
        for waiter in waiters {
            self.claim(now, name, waiter);
        }
    }

    /// Asks where a channel is that this relay does not have. The outcome comes as a fact.
    pub(crate) fn look_up(&mut self, now: u64, name: &[u8], waiter: Waiter) {
        match self.names.get(name).map(|entry| entry.owner) {
            Some(owner) => {
                let outcome = self.place_of(owner);
                self.settle(name, vec![waiter], outcome);
            }
            None if self.until.is_none() || !self.is_whole && self.is_up => {
                self.early.push((name.into(), waiter, now));
            }
            None if !self.is_up => self.settle(name, vec![waiter], Outcome::Nowhere),
            None => {
                let waiters = self.looking.entry(name.into()).or_default();
                waiters.push(waiter);
                if waiters.len() == 1 {
                    let ticket = self.request(now, For::LookUp(name.into()));
                    self.asks.push(Ask::Get { ticket, key: name_key(name) });
                }
            }
        }
    }

    fn place_of(&self, owner: RelayId) -> Outcome {
        if self.has_peer(owner) { Outcome::At(owner) } else { Outcome::Nowhere }
    }

    /// Whether an entry that was looked at is of another relay, and the watch has not told of it.
    pub(super) fn is_ahead(&self, name: &[u8], (owner, revision): (RelayId, u64)) -> bool {
        owner != self.me && self.names.get(name).is_none_or(|entry| entry.revision != revision)
    }

    pub(super) fn looked_up(&mut self, name: &[u8], owner: Option<(RelayId, u64)>) {
        let outcome = match owner {
            Some(owner) if self.is_ahead(name, owner) => Outcome::At(owner.0),
            Some((owner, _)) => self.place_of(owner),
            None => Outcome::Nowhere,
        };
        if let Some(waiters) = self.looking.remove(name) {
            self.settle(name, waiters, outcome);
        }
    }
}
