//! What an operator does to the relay.

use simulated_relay::access::Limits;

use crate::life::Life;
use crate::party::NAMES;

impl Life {
    pub(crate) fn operate(&mut self) {
        match self.random.below(4) {
            0 => self.close_channel(),
            1 => self.kick(),
            _ => self.limit(),
        }
    }

    fn close_channel(&mut self) {
        let name = *self.random.choose(&NAMES);
        // users are told that they were removed, and the server that each has gone
        let is_there = self.relay.close_channel(name.as_bytes());
        self.closed += usize::from(is_there);
        trace!("the operator closes {name}: {is_there}");
    }

    /// Somebody's id and address.
    fn somebody(&mut self) -> Option<(String, std::net::SocketAddr)> {
        let mut all = Vec::new();
        self.relay.each_connection(|info| {
            all.push((info.id, info.address));
            true
        });
        (!all.is_empty()).then(|| all.swap_remove(self.random.below(all.len())))
    }

    fn kick(&mut self) {
        let Some((id, address)) = self.somebody() else { return };
        trace!("the operator closes the connection of {address}");
        for party in &mut self.cast.borrow_mut().parties {
            party.is_excused |= party.address == address;
        }
        assert!(self.relay.kick(&id, "in a simulation"), "nobody to be closed");
    }

    fn limit(&mut self) {
        let Some((id, address)) = self.somebody() else { return };
        trace!("the operator limits {address}");
        let mut limits = Limits::default();
        limits.commands = *self.random.choose(&[None, Some(10)]);
        limits.messages = *self.random.choose(&[None, Some(50)]);
        limits.bytes = *self.random.choose(&[None, Some(10_000)]);
        assert!(self.relay.limit(&id, limits), "nobody to be limited");
    }
}
