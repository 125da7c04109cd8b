//! Whose turn it is: networks in turns, within each its addresses in turns, within each its
//! connections.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use peote_net::relay::Home;

/// No connection.
const NONE: u32 = u32::MAX;

/// Connections that wait for a turn, each at most once.
///
/// However many connections an address has, and however many addresses a network, all of them
/// together have one turn when each other network has one.
#[derive(Debug, Default)]
pub(crate) struct Fair {
    /// By the connection's place.
    places: Vec<Place>,
    /// The one that waits, while it is the only one and has been since nobody waited. It is in none
    /// of the lists: most turns have one connection to serve and one to write.
    sole: Option<u32>,
    /// Networks of which somebody waits, the next one first.
    order: VecDeque<u32>,
    /// The addresses of each that wait, the next one first.
    networks: HashMap<u32, VecDeque<u32>, Spread>,
    /// The first and the last connection of each address that waits.
    addresses: HashMap<u32, (u32, u32), Spread>,
    /// Lists that are not used, so that they need not be made again.
    spare: Vec<VecDeque<u32>>,
    len: usize,
}

/// Where a connection waits: between which others of its address.
#[derive(Clone, Copy, Debug)]
struct Place {
    waits: bool,
    home: Home,
    before: u32,
    behind: u32,
}

/// For keys that are keyed hashes already.
type Spread = BuildHasherDefault<Multiply>;

#[derive(Debug, Default)]
struct Multiply(u64);

impl Hasher for Multiply {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32((*byte).into());
        }
    }

    fn write_u32(&mut self, key: u32) {
        // a table looks at both ends of a hash
        self.0 = (self.0 ^ u64::from(key)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Lists that are kept for later.
const SPARE: usize = 64;

impl Fair {
    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a connection waits.
    pub(crate) fn contains(&self, index: u32) -> bool {
        self.places.get(index as usize).is_some_and(|place| place.waits)
    }

    /// Puts a connection at the end of those of its address, unless it waits already.
    pub(crate) fn push(&mut self, index: u32, home: Home) {
        let at = index as usize;
        if at >= self.places.len() {
            let nobody = Place { waits: false, home: Home::default(), before: NONE, behind: NONE };
            self.places.resize(at + 1, nobody);
        }
        if self.places[at].waits {
            return;
        }
        self.places[at] = Place { waits: true, home, before: NONE, behind: NONE };
        self.len += 1;
        if self.len == 1 {
            self.sole = Some(index);
            return;
        }
        if let Some(sole) = self.sole.take() {
            self.link(sole, self.places[sole as usize].home);
        }
        self.link(index, home);
    }

    /// Puts a connection on the lists.
    fn link(&mut self, index: u32, home: Home) {
        let mut before = NONE;
        match self.addresses.get_mut(&home.address) {
            Some((_, last)) => {
                before = std::mem::replace(last, index);
                self.places[before as usize].behind = index;
            }
            None => {
                self.addresses.insert(home.address, (index, index));
                self.push_address(home);
            }
        }
        self.places[index as usize].before = before;
    }

    /// Puts an address at the end of those of its network.
    fn push_address(&mut self, home: Home) {
        let spare = &mut self.spare;
        let addresses = self.networks.entry(home.network).or_insert_with(|| spare.pop().unwrap_or_default());
        if addresses.is_empty() {
            self.order.push_back(home.network);
        }
        addresses.push_back(home.address);
    }

    /// Takes out the connection whose turn it is.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<u32> {
        if let Some(sole) = self.sole {
            self.remove(sole);
            return Some(sole);
        }
        self.pop_linked()
    }

    fn pop_linked(&mut self) -> Option<u32> {
        let network = *self.order.front()?;
        let address = *self.networks.get(&network)?.front()?;
        let (index, _) = *self.addresses.get(&address)?;
        self.unlink(index);
        // the address goes behind the others of its network, and the network behind the other ones
        if let Some(addresses) = self.networks.get_mut(&network) {
            if self.addresses.contains_key(&address) {
                addresses.rotate_left(1);
            }
            self.order.rotate_left(1);
        }
        Some(index)
    }

    /// Takes a connection out, if it waits.
    pub(crate) fn remove(&mut self, index: u32) {
        let Some(place) = self.places.get_mut(index as usize).filter(|place| place.waits) else { return };
        if self.sole == Some(index) {
            place.waits = false;
            (self.sole, self.len) = (None, 0);
        } else {
            self.unlink(index);
        }
    }

    /// Takes a connection off the lists, and with it address and network if it was their only one.
    fn unlink(&mut self, index: u32) {
        let Place { home, before, behind, .. } = self.places[index as usize];
        self.places[index as usize].waits = false;
        self.len -= 1;
        if let Some(place) = self.places.get_mut(before as usize) {
            place.behind = behind;
        }
        if let Some(place) = self.places.get_mut(behind as usize) {
            place.before = before;
        }
        if before != NONE && behind != NONE {
            return;
        }
        if before == NONE && behind == NONE {
            self.addresses.remove(&home.address);
            return self.remove_address(home);
        }
        if let Some((first, last)) = self.addresses.get_mut(&home.address) {
            if before == NONE {
                *first = behind;
            }
            if behind == NONE {
                *last = before;
            }
        }
    }

    /// Takes an address out of its network, and the network if it was its only one. They are mostly
    /// the first ones.
    fn remove_address(&mut self, home: Home) {
        let Some(addresses) = self.networks.get_mut(&home.network) else { return };
        if let Some(at) = addresses.iter().position(|address| *address == home.address) {
            addresses.remove(at);
        }
        if addresses.is_empty()
            && let Some(addresses) = self.networks.remove(&home.network)
        {
            if self.spare.len() < SPARE {
                self.spare.push(addresses);
            }
            if let Some(at) = self.order.iter().position(|network| *network == home.network) {
                self.order.remove(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Addresses with their connections.
    type Addresses = Vec<(u32, Vec<u32>)>;

    fn home(network: u32, address: u32) -> Home {
        Home { address: network * 100 + address, network }
    }

    fn all(fair: &mut Fair) -> Vec<u32> {
        std::iter::from_fn(|| fair.pop()).collect()
    }

    #[test]
    fn networks_then_addresses_then_connections_have_their_turns() {
        let mut fair = Fair::default();
        // network 1: address 1 with 10, 11, 12, address 2 with 20; network 2: 30
        for (index, network, address) in [(10, 1, 1), (11, 1, 1), (12, 1, 1), (20, 1, 2), (30, 2, 1)] {
            fair.push(index, home(network, address));
            fair.push(index, home(network, address)); // once is enough
        }
        assert_eq!(fair.len(), 5);
        assert_eq!(all(&mut fair), [10, 30, 20, 11, 12]);
        assert!(fair.is_empty() && fair.networks.is_empty() && fair.addresses.is_empty());
    }

    #[test]
    fn who_comes_back_at_once_waits_behind_all_other_networks() {
        let mut fair = Fair::default();
        for index in 0..60 {
            fair.push(index, home(1, index % 3));
        }
        fair.push(60, home(2, 0));
        let mut others = 0;
        for _ in 0..1000 {
            let index = fair.pop().unwrap();
            others += usize::from(index == 60);
            fair.push(index, if index == 60 { home(2, 0) } else { home(1, index % 3) });
        }
        assert_eq!(others, 500);
    }

    #[test]
    fn lists_are_kept_for_later_but_not_all() {
        let mut fair = Fair::default();
        let networks = u32::try_from(SPARE).unwrap() + 10;
        for index in 0..networks {
            fair.push(index, home(index, 0));
        }
        assert!(!fair.is_empty());
        assert_eq!(all(&mut fair).len(), SPARE + 10);
        assert_eq!(fair.spare.len(), SPARE);
    }

    proptest! {
        #[test]
        fn each_that_waits_comes_once_in_the_order_of_a_naive_one(
            steps in proptest::collection::vec((0u32..12, 0u8..4), 0..200),
        ) {
            let of = |index: u32| home(index % 3, index % 2);
            let mut fair = Fair::default();
            // networks with addresses with connections
            let mut naive: Vec<(u32, Addresses)> = Vec::new();
            for (index, what) in steps {
                let Home { address, network } = of(index);
                match what {
                    0 => {
                        fair.remove(index);
                        for (_, addresses) in &mut naive {
                            addresses.iter_mut().for_each(|(_, all)| all.retain(|other| *other != index));
                            addresses.retain(|(_, all)| !all.is_empty());
                        }
                        naive.retain(|(_, addresses)| !addresses.is_empty());
                    }
                    1 => {
                        let expected = (!naive.is_empty()).then(|| {
                            let (network, mut addresses) = naive.remove(0);
                            let (address, mut all) = addresses.remove(0);
                            let first = all.remove(0);
                            if !all.is_empty() {
                                addresses.push((address, all));
                            }
                            if !addresses.is_empty() {
                                naive.push((network, addresses));
                            }
                            first
                        });
                        prop_assert_eq!(fair.pop(), expected);
                    }
                    _ => {
                        fair.push(index, of(index));
                        let waits = naive.iter().flat_map(|(_, addresses)| addresses)
                            .any(|(_, all)| all.contains(&index));
                        if waits {
                            continue;
                        }
                        let at = naive.iter().position(|(other, _)| *other == network).unwrap_or_else(|| {
                            naive.push((network, Vec::new()));
                            naive.len() - 1
                        });
                        let addresses = &mut naive[at].1;
                        let at = addresses.iter().position(|(other, _)| *other == address).unwrap_or_else(|| {
                            addresses.push((address, Vec::new()));
                            addresses.len() - 1
                        });
                        addresses[at].1.push(index);
                    }
                }
                let len = naive.iter().flat_map(|(_, addresses)| addresses).map(|(_, all)| all.len()).sum::<usize>();
                prop_assert_eq!(fair.len(), len);
            }
        }
    }
}
