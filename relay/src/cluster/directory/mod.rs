//! The directory: which name belongs to which relay, as one relay knows it.
//!
//! A state machine without I/O. It is told what the key-value bucket says and what time it is, and
//! asks for changes of the bucket. The rules are in `docs/CLUSTER.md`, and `directory_tests.rs`
//! tries them with thousands of seeds.

mod clear;
mod lease;
mod names;

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::key::{Key, name_key, relay_key};
use super::{Ask, Failure, Name, RelayId, Waiter};

/// Milliseconds after which a request counts as not answered.
const ANSWER: u64 = 4000;

/// Milliseconds for which a name is held for a connection that does not create it.
const UNUSED: u64 = 5000;

/// How often a claim is tried anew after others have changed the entry meanwhile.
const ROUNDS: u8 = 4;

/// What came of asking for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Of a claim: the name is this relay's.
    Held,
    /// Of a claim: it is another relay's, or this relay has it already.
    InUse,
    /// Of a claim: the directory cannot be asked, or has not answered.
    NoAnswer,
    /// Of a look-up: the channel is at that relay.
    At(RelayId),
    /// Of a look-up: there is no such channel.
    Nowhere,
}

/// What the rest of the relay has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// What somebody waited for.
    Settled(Waiter, (Name, Outcome)),
    /// The lease is over: other relays may take the names from now on.
    Lapsed,
    /// Another relay has the name: the directory has lost what was said to it.
    Lost(Name),
    /// A relay has come.
    PeerCame(RelayId),
    /// A relay is gone, or its lease is over.
    PeerGone(RelayId),
}

#[derive(Debug)]
enum Own {
    /// It is asked for. Those who wait for that, and those who came after the last question was
    /// asked: they do not take "in use" for an answer to it.
    Claiming {
        round: u8,
        waiters: Vec<Waiter>,
        late: Vec<Waiter>,
    },
    Held {
        revision: u64,
        is_used: bool,
        since: u64,
    },
    /// It is given back; those who want it again meanwhile.
    Releasing {
        waiters: Vec<Waiter>,
    },
}

#[derive(Debug)]
struct Entry {
    owner: RelayId,
    revision: u64,
}

#[derive(Debug)]
struct Peer {
    revision: u64,
    /// When its lease was last seen to be renewed, while what is seen was up to date.
    seen_at: u64,
    /// Its end is asked for.
    is_condemned: bool,
}

/// What a request was for.
#[derive(Clone, Debug)]
enum For {
    Renewal {
        sent_at: u64,
    },
    /// The entry of this relay itself is looked at, because a renewal was not answered.
    Recovery,
    Claim(Name),
    /// The entry is looked at because a claim has failed.
    ClaimLook(Name),
    Release(Name),
    LookUp(Name),
    Condemnation,
    /// An entry is taken out, that of a name whose owner is gone, or that of this relay which stops.
    Clearing(Option<(Name, u64)>),
    Purge,
}

#[derive(Debug)]
pub(crate) struct Directory {
    me: RelayId,
    lease: u64,
    ids: u64,
    is_up: bool,
    is_whole: bool,
    peers: BTreeMap<RelayId, Peer>,
    names: HashMap<Name, Entry>,
    /// What a new watch has told so far, which takes the place of the two above when it is whole.
    fresh: Option<(BTreeMap<RelayId, Peer>, HashMap<Name, Entry>)>,
    own: HashMap<Name, Own>,
    /// Names that were given back, when that was seen, and by which revision.
    marks: VecDeque<(u64, Name, u64)>,
    /// How many of them are being forgotten.
    purging: usize,
    looking: HashMap<Name, Vec<Waiter>>,
    /// Look-ups from before the directory was known.
    early: Vec<(Name, Waiter, u64)>,
    revision: Option<u64>,
    counter: u64,
    is_renewing: bool,
    renewed_at: u64,
    /// Renewals that were sent, until they are seen: their number and when.
    sent: VecDeque<(u64, u64)>,
    /// Until when the names are this relay's.
    until: Option<u64>,
    /// Relays that are known to be gone, whatever their leases say.
    buried: Vec<RelayId>,
    tickets: u64,
    requests: BTreeMap<u64, (For, u64)>,
    pub(crate) asks: Vec<Ask>,
    pub(crate) facts: Vec<Fact>,
}

impl Directory {
    /// A directory that knows nothing yet. `seed` makes the numbers of this relay: no two relays
    /// may have the same.
    pub(crate) fn new(seed: u64, lease: u64) -> Self {
        let mut this = Self {
            me: 0,
            lease,
            ids: seed,
            is_up: false,
            is_whole: false,
            peers: BTreeMap::new(),
            names: HashMap::new(),
            fresh: None,
            own: HashMap::new(),
            marks: VecDeque::new(),
            purging: 0,
            looking: HashMap::new(),
            early: Vec::new(),
            revision: None,
            counter: 0,
            is_renewing: false,
            renewed_at: 0,
            sent: VecDeque::new(),
            until: None,
            buried: Vec::new(),
            tickets: 0,
            requests: BTreeMap::new(),
            asks: Vec::new(),
            facts: Vec::new(),
        };
        this.me = this.new_id();
        this
    }

    /// A number that no other relay has, and this one never had (`SplitMix64`).
    fn new_id(&mut self) -> RelayId {
        self.ids = self.ids.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.ids;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).max(1)
    }

    /// The number of this relay, until its lease is over.
    pub(crate) fn me(&self) -> RelayId {
        self.me
    }

    /// Whether names can be claimed.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_up && self.is_whole && self.until.is_some()
    }

    /// Whether there is a connection to the directory.
    pub(crate) fn is_up(&self) -> bool {
        self.is_up
    }

    /// The other relays, and how many names each has.
    pub(crate) fn peers(&self) -> Vec<(RelayId, usize)> {
        let mut counts: BTreeMap<RelayId, usize> = self.peers.keys().map(|peer| (*peer, 0)).collect();
        for entry in self.names.values() {
            if let Some(count) = counts.get_mut(&entry.owner) {
                *count += 1;
            }
        }
        counts.into_iter().collect()
    }

    /// Whether that is another relay of the cluster.
    pub(crate) fn has_peer(&self, id: RelayId) -> bool {
        self.peers.contains_key(&id)
    }

    /// Names that this relay holds.
    pub(crate) fn held(&self) -> usize {
        self.own.len()
    }

    /// Whether a name is this relay's at this moment.
    pub(crate) fn holds(&self, name: &[u8], now: u64) -> bool {
        self.until.is_some_and(|until| now < until) && matches!(self.own.get(name), Some(Own::Held { .. }))
    }

    fn request(&mut self, now: u64, what: For) -> u64 {
        self.tickets += 1;
        self.requests.insert(self.tickets, (what, now));
        self.tickets
    }

    // ---- what the bucket says ----

    /// There is a connection. The watch begins.
    pub(crate) fn up(&mut self, now: u64) {
        self.is_up = true;
        self.is_whole = false;
        self.fresh = Some((BTreeMap::new(), HashMap::new()));
        self.marks.clear();
        self.renew(now);
    }

    /// The connection is lost, and with it the answers to what was asked.
    pub(crate) fn down(&mut self, now: u64) {
        self.is_up = false;
        self.is_whole = false;
        self.fresh = None;
        self.is_renewing = false;
        for ticket in self.requests.keys().copied().collect::<Vec<_>>() {
            self.answered(now, ticket, Err(Failure::Unknown));
        }
    }

    /// Nobody could be connected to the directory at that time, so for nobody a lease has run
    /// meanwhile.
    pub(crate) fn is_dead(&mut self, at: u64) {
        if let Some(until) = self.until
            && at < until
        {
            self.until = Some(until.max(at + self.lease));
        }
    }

    /// An entry is so from now on.
    pub(crate) fn watched(&mut self, now: u64, key: &str, value: Option<&[u8]>, revision: u64) {
        match Key::parse(key) {
            Some(Key::Relay(id)) if id == self.me => self.see_own_lease(now, value, revision),
            Some(Key::Relay(id)) => self.see_peer(now, id, value.is_some(), revision),
            Some(Key::Name(name)) => {
                let owner = value.and_then(super::key::owner);
                let names = self.fresh.as_mut().map_or(&mut self.names, |(_, names)| names);
                let Some(owner) = owner else {
                    names.remove(&name);
                    if value.is_none() {
                        self.mark(now, name, revision);
                    }
                    return;
                };
                names.insert(name.clone(), Entry { owner, revision });
                // a claim that was given up has been carried out after all
                if owner == self.me && self.fresh.is_none() && !self.own.contains_key(&name) {
                    self.delete_name(now, name, revision);
                }
            }
            None => {}
        }
    }

    fn see_peer(&mut self, now: u64, id: RelayId, is_there: bool, revision: u64) {
        let is_fresh = self.fresh.is_some();
        let peers = self.fresh.as_mut().map_or(&mut self.peers, |(peers, _)| peers);
        if is_there {
            let peer = Peer { revision, seen_at: now, is_condemned: false };
            if peers.insert(id, peer).is_none() && !is_fresh {
                self.facts.push(Fact::PeerCame(id));
            }
        } else if peers.remove(&id).is_some() && !is_fresh {
            self.facts.push(Fact::PeerGone(id));
            self.clear_away(now);
        }
    }

    /// The watch has told all that there was when it began.
    pub(crate) fn watch_is_whole(&mut self, now: u64) {
        let Some((peers, names)) = self.fresh.take() else { return };
        for gone in self.peers.keys().filter(|id| !peers.contains_key(id)) {
            self.facts.push(Fact::PeerGone(*gone));
        }
        for came in peers.keys().filter(|id| !self.peers.contains_key(id)) {
            self.facts.push(Fact::PeerCame(*came));
        }
        (self.peers, self.names) = (peers, names);
        self.is_whole = true;
        self.reconcile(now);
        self.clear_away(now);
        self.condemn(now, 0);
        for (name, waiter, _) in std::mem::take(&mut self.early) {
            self.look_up(now, &name, waiter);
        }
    }

    /// What the directory says about names of this relay is made true, in one direction or the
    /// other.
    fn reconcile(&mut self, now: u64) {
        let (me, own) = (self.me, &self.own);
        let stray = |(name, entry): (&Name, &Entry)| {
            let is_mine = entry.owner == me && !own.contains_key(name);
            is_mine.then(|| (name.clone(), entry.revision))
        };
        for (name, revision) in self.names.iter().filter_map(stray).collect::<Vec<_>>() {
            self.delete_name(now, name, revision);
        }
        let held = self.own.iter().filter(|(_, own)| matches!(own, Own::Held { .. }));
        for name in held.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            match self.names.get(&name) {
                Some(entry) if entry.owner == me => {
                    let revision = entry.revision;
                    if let Some(Own::Held { revision: own, .. }) = self.own.get_mut(&name) {
                        *own = revision;
                    }
                }
                _ => {
                    self.own.remove(&name);
                    self.facts.push(Fact::Lost(name));
                }
            }
        }
    }

    fn delete_name(&mut self, now: u64, name: Name, revision: u64) {
        let key = name_key(&name);
        self.own.insert(name.clone(), Own::Releasing { waiters: Vec::new() });
        let ticket = self.request(now, For::Release(name));
        self.asks.push(Ask::Delete { ticket, key, revision });
    }

    // ---- the lease ----

    /// What came of a change that was asked for: the revision of the entry.
    pub(crate) fn answered(&mut self, now: u64, ticket: u64, result: Result<u64, Failure>) {
        let Some((what, _)) = self.requests.remove(&ticket) else { return };
        match (what, result) {
            (For::Renewal { sent_at }, Ok(revision)) => {
                self.is_renewing = false;
                self.renewed(now, sent_at, revision);
                self.clear_away(now);
            }
            // its lease was ended by another relay
            (For::Renewal { .. }, Err(Failure::Conflict)) => self.lapse(now),
            (For::Renewal { .. } | For::Recovery, _) => self.recover(now),
            (For::Claim(name), Ok(revision)) => self.claimed(now, &name, revision),
            (For::Claim(name), Err(Failure::Conflict)) => match self.own.get_mut(&name) {
                Some(Own::Claiming { round, waiters, late }) if *round < ROUNDS => {
                    *round += 1;
                    waiters.append(late);
                    let ticket = self.request(now, For::ClaimLook(name.clone()));
                    self.asks.push(Ask::Get { ticket, key: name_key(&name) });
                }
                _ => self.claim_is_over(now, &name, Outcome::InUse),
            },
            (For::Claim(name) | For::ClaimLook(name), _) => {
                // it may have come to this relay all the same, or still come: the next whole watch
                // tells
                self.claim_is_over(now, &name, Outcome::NoAnswer);
                self.own.insert(name.clone(), Own::Releasing { waiters: Vec::new() });
                self.look_at_stray(now, name);
            }
            (For::Release(name), Ok(_) | Err(Failure::Conflict)) => self.released(now, &name),
            (For::Release(name), Err(Failure::Unknown)) => self.look_at_stray(now, name),
            (For::LookUp(name), _) => self.looked_up(&name, None),
            (For::Condemnation, Err(_)) => self.peers.values_mut().for_each(|peer| peer.is_condemned = false),
            (For::Clearing(of), result) => {
                if let (Some((name, revision)), Err(Failure::Conflict)) = (of, result) {
                    self.forget_entry(&name, revision);
                }
                self.clear_away(now);
            }
            (For::Purge, _) => {
                self.purging -= 1;
                self.purge(now);
            }
            (For::Condemnation, Ok(_)) => {}
        }
    }

    /// An entry may be this relay's or not: looks, and takes it out. Without a connection the next
    /// watch tells.
    fn look_at_stray(&mut self, now: u64, name: Name) {
        if !self.is_up {
            if let Some(Own::Releasing { waiters }) = self.own.remove(&name) {
                self.settle(&name, waiters, Outcome::NoAnswer);
            }
            return;
        }
        let key = name_key(&name);
        let ticket = self.request(now, For::Release(name));
        self.asks.push(Ask::Get { ticket, key });
    }

    fn recover(&mut self, now: u64) {
        if self.is_up {
            let ticket = self.request(now, For::Recovery);
            self.asks.push(Ask::Get { ticket, key: relay_key(self.me) });
        } else {
            self.is_renewing = false;
        }
    }

    /// What came of a look at an entry: its value and revision.
    pub(crate) fn got(&mut self, now: u64, ticket: u64, result: Result<Option<(Vec<u8>, u64)>, Failure>) {
        let Ok(found) = result else { return self.answered(now, ticket, Err(Failure::Unknown)) };
        let Some((what, _)) = self.requests.remove(&ticket) else { return };
        let owner = found.as_ref().and_then(|(value, revision)| Some((super::key::owner(value)?, *revision)));
        match what {
            For::LookUp(name) => self.looked_up(&name, owner),
            // a look may show more than the watch has told: its owner may be a relay that is still
            // to be heard of
            For::ClaimLook(name) if owner.is_some_and(|owner| self.is_ahead(&name, owner)) => {
                self.claim_is_over(now, &name, Outcome::InUse);
            }
            For::ClaimLook(name) => self.try_claim(now, &name, owner),
            For::Release(name) => match owner {
                Some((owner, revision)) if owner == self.me => {
                    let ticket = self.request(now, For::Release(name.clone()));
                    self.asks.push(Ask::Delete { ticket, key: name_key(&name), revision });
                }
                _ => self.released(now, &name),
            },
            For::Recovery => {
                self.is_renewing = false;
                match found {
                    Some((value, revision)) => {
                        let counter = super::key::counter(&value).unwrap_or_default();
                        let sent = self.sent.iter().find(|(sent, _)| *sent == counter).map(|(_, at)| *at);
                        self.revision = Some(revision);
                        if let Some(sent_at) = sent {
                            self.renewed(now, sent_at, revision);
                        }
                    }
                    // the first renewal has not come to anything
                    None if self.until.is_none() => self.revision = None,
                    None => self.lapse(now),
                }
            }
            _ => {}
        }
    }

    /// Time passes. Returns when there is something to do the next time.
    pub(crate) fn tick(&mut self, now: u64) -> u64 {
        if self.until.is_some_and(|until| now >= until) {
            self.lapse(now);
        }
        let every = self.lease / 4;
        if self.is_up && !self.is_renewing && now >= self.renewed_at + every {
            self.renew(now);
        }
        let wait = ANSWER.min(self.lease / 2);
        let late = self.requests.iter().filter(|(_, (_, since))| since + wait <= now);
        for ticket in late.map(|(ticket, _)| *ticket).collect::<Vec<_>>() {
            self.answered(now, ticket, Err(Failure::Unknown));
        }
        let unused = self.own.iter().filter_map(|(name, own)| match own {
            Own::Held { is_used: false, since, .. } if since + UNUSED <= now => Some(name.clone()),
            _ => None,
        });
        for name in unused.collect::<Vec<_>>() {
            self.release(now, &name);
        }
        self.purge(now);
        let (over, early) =
            std::mem::take(&mut self.early).into_iter().partition(|(_, _, at)| at + ANSWER <= now);
        self.early = early;
        let over: Vec<(Name, Waiter, u64)> = over;
        for (name, waiter, _) in over {
            self.settle(&name, vec![waiter], Outcome::Nowhere);
        }
        let lease = self.until.into_iter().min().unwrap_or(u64::MAX);
        lease.min(now + every.clamp(10, 250))
    }
}
