//! What is kept of what the core has said, until it is passed on.

use std::ops::Range;

use super::super::record::put_unit;
use super::super::{Key, RelayId};

/// A stand-in, and the user of its channel or the channel that it has entered.
pub(super) type Party = (Key, u8);

/// What the core has said to stand-ins, in order.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) said: Vec<Said>,
    pub(super) bytes: Vec<u8>,
    pub(super) pending: Pending,
}

/// One push of the core. The payload of a broadcast is there once for all that got it.
#[derive(Debug)]
pub(super) struct Said {
    /// The stand-in, and what tells it apart.
    pub(super) to: (Key, u64),
    pub(super) header: Range<usize>,
    pub(super) payload: Range<usize>,
}

impl Heard {
    pub(super) fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// Whether something was said to a stand-in.
    pub(super) fn is_for(&self, key: Key) -> bool {
        self.said.iter().any(|said| said.to.0 == key)
    }

    pub(super) fn add(&mut self, to: (Key, u64), header: &[u8], payload: &[u8]) {
        let header = self.keep(header);
        let last = self.said.last().map(|said| said.payload.clone());
        let same = last.filter(|last| self.bytes.get(last.clone()).is_some_and(|last| last == payload));
        let payload = same.unwrap_or_else(|| self.keep(payload));
        self.said.push(Said { to, header, payload });
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        from..self.bytes.len()
    }

    /// Memory for an ordinary turn is kept for the next one.
    pub(super) fn forget(&mut self) {
        self.said.clear();
        self.bytes.clear();
        self.said.shrink_to(4 * 1024);
        self.bytes.shrink_to(64 * 1024);
    }
}

/// Data that is to be said to other relays: at most one record for each, which grows as long as it
/// is for the same members.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) data: Vec<Data>,
    /// Units for one party that were found last, and their payload's length.
    pub(super) party: Option<Party>,
    pub(super) units: Vec<u8>,
    pub(super) payload: usize,
}

impl Pending {
    pub(super) fn add(&mut self, party: Party, payload: &[u8]) {
        self.party = Some(party);
        self.payload += payload.len();
        put_unit(&mut self.units, payload);
    }

    /// Short units of data, which are most of all, without the decoder. `rest` is what is behind
    /// them. All units of one push are for one party.
    pub(super) fn add_short(&mut self, key: Key, is_proxy: bool, rest: &mut &[u8]) {
        self.units.reserve(rest.len());
        while let Some((party, payload, behind)) = short_unit(rest, is_proxy) {
            self.add((key, party), payload);
            *rest = behind;
        }
    }
}

/// A short unit of data that a proxy or a double hears: who it is from, its payload, and what is
/// behind it.
#[inline]
fn short_unit(input: &[u8], is_proxy: bool) -> Option<(u8, &[u8], &[u8])> {
    let (&size, behind) = input.split_first().filter(|(size, _)| (1..128).contains(*size))?;
    let (unit, behind) = behind.split_at_checked(usize::from(size))?;
    let (party, payload) = match (is_proxy, unit) {
        (true, [_, user, payload @ ..]) => (*user, payload),
        (false, [channel, payload @ ..]) => (*channel, payload),
        _ => return None,
    };
    Some((party, payload, behind))
}

/// Units for members at one relay.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) peer: RelayId,
    pub(super) is_guest: bool,
    pub(super) first: Party,
    pub(super) members: Vec<u32>,
    pub(super) units: Vec<u8>,
    pub(super) payload: usize,
}
