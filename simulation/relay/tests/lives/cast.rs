//! All parties, and what goes wrong for them.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use peote_net_simulation::Random;
use simulated_relay::Handle;
use simulated_system::{Outside, Pause, now_micros, pause};

use crate::life::Kind;
use crate::party::Party;
use crate::tables::Ledger;
use crate::terms::Terms;

/// All parties. Shared by the life, and by the network, which wakes them.
#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) parties: Vec<Party>,
    pub(crate) ledger: Ledger,
    pub(crate) relay: SocketAddr,
    handle: Handle,
    random: Random,
    terms: Terms,
    /// Parties do things of their own accord, and things go wrong.
    pub(crate) acts: bool,
    fault_at: u64,
    /// Nothing arrives at it.
    stalled: Option<usize>,
    /// No pause before.
    pause_at: u64,
    /// An endpoint is gone, and its socket says nothing of it.
    pub(crate) has_vanished: bool,
    /// When the relay is to stop waiting.
    pub(crate) end: u64,
}

/// The cast, as the network sees it.
pub(crate) struct Stage(pub(crate) Rc<RefCell<Cast>>);

impl Cast {
    pub(crate) fn new(random: &mut Random, terms: Terms, relay: SocketAddr, handle: Handle) -> Self {
        let count = if terms.is_crowded { 8 + random.below(7) } else { 2 + random.below(7) };
        let parties = (0..count).map(|place| {
            let network = 1 + random.below(3);
            let host = [10, 0, network, 1 + place].map(|byte| u8::try_from(byte).unwrap_or_default());
            let address = SocketAddr::from((IpAddr::from(Ipv4Addr::from(host)), 5000));
            Party::new(address, random, terms)
        });
        let parties = parties.collect();
        let random = Random::new(random.next());
        Self {
            parties,
            ledger: Ledger::default(),
            relay,
            handle,
            random,
            terms,
            acts: true,
            fault_at: 300_000,
            stalled: None,
            pause_at: 0,
            has_vanished: false,
            end: 0,
        }
    }

    fn wake(&mut self) {
        let now = now_micros();
        if self.acts && self.fault_at <= now {
            self.fault_at = now + 1 + self.random.below(2_000_000) as u64;
            self.fault();
        }
        for party in &mut self.parties {
            party.wake(self.relay, self.acts, &mut self.ledger);
        }
        if self.end <= now {
            self.end = u64::MAX;
            self.handle.wake();
        }
    }

    fn next(&self) -> Option<u64> {
        let end = (self.end < u64::MAX).then_some(self.end);
        let fault = self.acts.then_some(self.fault_at);
        let parties = self.parties.iter().filter_map(|party| party.next(self.acts));
        parties.chain(end).chain(fault).min()
    }

    /// Something goes wrong.
    fn fault(&mut self) {
        let random = &mut self.random;
        if self.pause_at <= now_micros() && random.chance(300) {
            // the process stands still: no reason to close anybody; but links give a relay up that
            // is silent
            let time = *random.choose(&[2_000, 300_000, 1_500_000, 5_000_000]);
            self.pause_at = now_micros() + time + 8_000_000;
            trace!("the process stands still for {time} us");
            return pause(Pause { at: now_micros(), time, is_jump: random.chance(300) });
        }
        if let Some(place) = self.stalled.take()
            && random.chance(500)
            && let Some(line) = &self.parties[place].line
        {
            trace!("much is taken for {} at once", self.parties[place].address);
            return line.endpoint.widen(4 << 20);
        }
        // more depends on servers
        let servers = (0..self.parties.len()).filter(|place| !self.parties[*place].tables.own.is_empty());
        let servers: Vec<usize> = servers.filter(|_| self.terms.is_crowded).collect();
        let place = random.below(self.parties.len());
        let place = if servers.is_empty() || random.chance(500) { place } else { *random.choose(&servers) };
        let party = &mut self.parties[place];
        let Some(line) = &mut party.line else { return };
        let stall = random.below(1_500_000) as u64;
        trace!("something goes wrong for {}", party.address);
        if self.terms.kind == Kind::Good || random.chance(400) {
            trace!("what it says stalls for {stall} us");
            return line.endpoint.stall(true, stall);
        }
        party.is_excused = true;
        match random.below(5) {
            0 => line.endpoint.reset(),
            1 => line.endpoint.shut_down(),
            2 => {
                self.stalled = Some(place);
                line.endpoint.stall(false, 4 * stall);
            }
            3 if !self.terms.is_silent => {
                self.has_vanished = true;
                party.take_line().into_iter().for_each(|line| line.endpoint.vanish());
            }
            _ => drop(party.take_line()),
        }
    }
}

impl Outside for Stage {
    fn next(&self) -> Option<u64> {
        self.0.borrow().next()
    }

    fn wake(&mut self) {
        self.0.borrow_mut().wake();
    }
}
