//! How many connections an address and its network have, and how fast new ones come.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr};

use peote_net::relay::Home;

use crate::causes::TurnedAway;
use crate::config::Config;
use crate::rate::{Bucket, Capacity};

/// Addresses without a connection that are remembered at the same time, for the rate at which theirs come.
const REMEMBERED: usize = 65_536;

/// Connections of each address and each network. What is kept is in proportion to the connections there are, and
/// [`REMEMBERED`] addresses beside them.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    addresses: HashMap<IpAddr, Address>,
    networks: HashMap<IpAddr, u32>,
    /// Addresses with connections.
    used: usize,
    /// When `addresses` is cleared of those that need not be remembered: at this many.
    sweep_at: usize,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Address {
    connections: u32,
    rate: Bucket,
}

impl Addresses {
    /// What stands for an address and its network elsewhere: hashes that nobody can choose.
    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is one, too")]
    pub(crate) fn home(&self, address: IpAddr) -> Home {
        let hash = |what: IpAddr| self.hasher.hash_one(what) as u32;
        Home { address: hash(whose(address)), network: hash(network(address)) }
    }

    /// Counts one more from that address, unless that is too much; `now` in microseconds.
    pub(crate) fn add(&mut self, address: IpAddr, now: u64, config: &Config) -> Result<(), TurnedAway> {
        let (address, network) = (whose(address), network(address));
        let capacity = Capacity::new(config.connections_per_second_per_address.into(), config.burst);
        let most = config.max_connections_per_address;
        let known = self.addresses.get_mut(&address);
        if let Some(known) = &known {
            if most > 0 && known.connections >= most {
                return Err(TurnedAway::Address);
            }
            if capacity.per_second > 0 && known.rate.left(now, capacity) == 0 {
                return Err(TurnedAway::Rate);
            }
        }
        let most = config.max_connections_per_network;
        if most > 0 && self.networks.get(&network).is_some_and(|count| *count >= most) {
            return Err(TurnedAway::Network);
        }
        let entry = match known {
            Some(known) => known,
            None => {
                self.forget(now, capacity);
                self.addresses.entry(address).or_default()
            }
        };
        self.used += usize::from(entry.connections == 0);
        entry.connections += 1;
        if capacity.per_second > 0 {
            entry.rate.spend(now, 1, capacity);
        }
        *self.networks.entry(network).or_default() += 1;
        Ok(())
    }

    /// The counterpart of [`add`](Self::add).
    pub(crate) fn remove(&mut self, address: IpAddr, now: u64, config: &Config) {
        let (address, network) = (whose(address), network(address));
        let capacity = Capacity::new(config.connections_per_second_per_address.into(), config.burst);
        if let Some(entry) = self.addresses.get_mut(&address) {
            entry.connections = entry.connections.saturating_sub(1);
            if entry.connections == 0 {
                self.used = self.used.saturating_sub(1);
                if is_forgettable(entry, now, capacity) || self.addresses.len() - self.used > REMEMBERED {
                    self.addresses.remove(&address);
                }
            }
        }
        decrease(&mut self.networks, &network);
    }

    /// Makes room where many addresses without a connection are remembered. Takes time in proportion to them, and comes once for as many new ones.
    fn forget(&mut self, now: u64, capacity: Capacity) {
        if self.addresses.len() >= self.sweep_at {
            self.addresses.retain(|_, entry| !is_forgettable(entry, now, capacity));
            self.sweep_at = (2 * self.addresses.len()).max(1024);
        }
    }
}

/// Whether an address is one as if it had never been there.
fn is_forgettable(entry: &Address, now: u64, capacity: Capacity) -> bool {
    entry.connections == 0 && (capacity.per_second == 0 || entry.rate.left(now, capacity) >= full(capacity))
}

/// Tokens of a bucket from which nothing was taken.
fn full(capacity: Capacity) -> u64 {
    Bucket::default().left(u64::MAX / 2000, capacity)
}

fn decrease(counts: &mut HashMap<IpAddr, u32>, network: &IpAddr) {
    if let Some(count) = counts.get_mut(network) {
        *count -= 1;
        if *count == 0 {
            counts.remove(network);
        }
    }
}

/// What stands for the one behind an address: with IPv6 everybody has at least a /64 of them.
fn whose(address: IpAddr) -> IpAddr {
    prefix(address, 32, 64)
}

/// What stands for the network of an address: a /24, or a /48 with IPv6. That is what one customer of a provider gets at most, as a rule.
fn network(address: IpAddr) -> IpAddr {
    prefix(address, 24, 48)
}

/// An address whose bits behind a prefix, of at least one bit, are 0.
fn prefix(address: IpAddr, v4: u32, v6: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let rest = 32 - v4;
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() >> rest << rest))
        }
        IpAddr::V6(address) => {
            let rest = 128 - v6;
            IpAddr::V6((address.to_bits() >> rest << rest).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn config(per_address: u32, per_network: u32, per_second: u32) -> Config {
        Config {
            max_connections_per_address: per_address,
            max_connections_per_network: per_network,
            connections_per_second_per_address: per_second,
            burst: std::time::Duration::from_secs(1),
            ..Config::default()
        }
    }

    #[test]
    fn addresses_are_counted_by_who_has_them() {
        let mut addresses = Addresses::default();
        let (one, two) = (config(1, 0, 0), config(2, 0, 0));
        let mut add = |text: &str, config| addresses.add(address(text), 0, config);
        assert_eq!(add("1.2.3.4", &two), Ok(()));
        assert_eq!(add("::ffff:1.2.3.4", &two), Ok(()));
        assert_eq!(add("1.2.3.4", &two), Err(TurnedAway::Address));
        assert_eq!(add("1.2.3.5", &two), Ok(()));
        assert_eq!(add("2001:db8::1", &one), Ok(()));
        assert_eq!(add("2001:db8::ffff:1", &one), Err(TurnedAway::Address));
        assert_eq!(add("2001:db8:0:1::1", &one), Ok(()));
        addresses.remove(address("1.2.3.4"), 0, &two);
        assert_eq!(addresses.add(address("1.2.3.4"), 0, &two), Ok(()));
        for gone in ["1.2.3.4", "1.2.3.4", "1.2.3.5", "2001:db8::2", "2001:db8:0:1::1"] {
            addresses.remove(address(gone), 0, &two);
        }
        assert!(addresses.addresses.is_empty(), "nothing is kept of those who are gone");
        assert!(addresses.networks.is_empty() && addresses.used == 0);
    }

    #[test]
    fn a_network_has_a_limit_of_its_own() {
        let mut addresses = Addresses::default();
        let config = config(1, 3, 0);
        for last in 1..=3 {
            assert_eq!(addresses.add(IpAddr::from([9, 9, 9, last]), 0, &config), Ok(()));
        }
        assert_eq!(addresses.add(address("9.9.9.4"), 0, &config), Err(TurnedAway::Network));
        assert_eq!(addresses.add(address("9.9.8.4"), 0, &config), Ok(()));
        assert_eq!(addresses.add(address("::ffff:9.9.9.4"), 0, &config), Err(TurnedAway::Network));
        for subnet in 1..=3 {
            assert_eq!(addresses.add(address(&format!("2001:db8:7:{subnet}::1")), 0, &config), Ok(()));
        }
        assert_eq!(addresses.add(address("2001:db8:7:4::1"), 0, &config), Err(TurnedAway::Network));
        assert_eq!(addresses.add(address("2001:db8:8:4::1"), 0, &config), Ok(()));
        addresses.remove(address("9.9.9.2"), 0, &config);
        assert_eq!(addresses.add(address("9.9.9.4"), 0, &config), Ok(()));
    }

    #[test]
    fn who_comes_and_goes_too_often_is_turned_away_for_a_while() {
        let mut addresses = Addresses::default();
        let config = config(0, 0, 10);
        let mut now = 5 * SECOND;
        let mut come_and_go = |now| {
            let result = addresses.add(address("1.2.3.4"), now, &config);
            if result.is_ok() {
                addresses.remove(address("1.2.3.4"), now, &config);
            }
            result
        };
        assert!((0..10).all(|_| come_and_go(now).is_ok()));
        assert_eq!(come_and_go(now), Err(TurnedAway::Rate));
        now += SECOND / 10;
        assert_eq!(come_and_go(now), Ok(()));
        assert_eq!(come_and_go(now), Err(TurnedAway::Rate));
        assert_eq!(addresses.add(address("1.2.3.5"), now, &config), Ok(()));
    }

    #[test]
    fn addresses_without_connections_are_remembered_within_bounds() {
        let mut addresses = Addresses::default();
        let config = config(0, 0, 10);
        for number in 0..200_000u32 {
            let address = IpAddr::V4(Ipv4Addr::from_bits(number));
            assert_eq!(addresses.add(address, SECOND, &config), Ok(()));
            addresses.remove(address, SECOND, &config);
        }
        assert!(addresses.addresses.len() <= REMEMBERED + 1, "{}", addresses.addresses.len());
        // once their time is over they go
        let later = 10 * SECOND;
        for number in 300_000..600_000u32 {
            let now = later + u64::from(number);
            let address = IpAddr::V4(Ipv4Addr::from_bits(number));
            assert_eq!(addresses.add(address, now, &config), Ok(()));
            addresses.remove(address, now, &config);
        }
        assert!(addresses.addresses.len() <= REMEMBERED + 1, "{}", addresses.addresses.len());
        assert!(addresses.networks.is_empty());
    }
}
