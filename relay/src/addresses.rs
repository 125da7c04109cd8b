//! What each address and its network have: connections, channels, and how fast new connections, TLS
//! handshakes and tokens come.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv4Addr};

use peote_net::relay::Home;

use crate::causes::{Refused, TurnedAway};
use crate::config::{Config, limit};
use crate::rate::{Bucket, Capacity};
use crate::system::RandomState;

/// Addresses, and networks, without a connection that are remembered at the same time, for the
/// rates at which theirs come.
const REMEMBERED: usize = 65_536;

/// What each address and each network has. What is kept is in proportion to the connections there
/// are, and [`REMEMBERED`] addresses and as many networks beside them.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    addresses: Kept<Address>,
    networks: Kept<Network>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Address {
    connections: u32,
    channels: usize,
    /// Connections that come.
    rate: Bucket,
}

#[derive(Debug, Default)]
struct Network {
    connections: u32,
    channels: usize,
    handshakes: Bucket,
    /// Tokens that are checked.
    tokens: Bucket,
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
        let capacity = Address::capacity(config);
        if let Some(known) = self.addresses.get(address) {
            if known.connections >= at_most(config.max_connections_per_address) {
                return Err(TurnedAway::Address);
            }
            if capacity.per_second > 0 && known.rate.left(now, capacity) == 0 {
                return Err(TurnedAway::Rate);
            }
        }
        let most = at_most(config.max_connections_per_network);
        if self.networks.get(network).is_some_and(|network| network.connections >= most) {
            return Err(TurnedAway::Network);
        }
        let entry = self.addresses.enter(address, now, config);
        if capacity.per_second > 0 {
            entry.rate.spend(now, 1, capacity);
        }
        self.networks.enter(network, now, config);
        Ok(())
    }

    /// The counterpart of [`add`](Self::add).
    pub(crate) fn remove(&mut self, address: IpAddr, now: u64, config: &Config) {
        self.addresses.leave(whose(address), now, config);
        self.networks.leave(network(address), now, config);
    }

    /// Whether a connection of that address may create a channel more, as far as address and
    /// network are concerned.
    pub(crate) fn may_own(&self, address: IpAddr, config: &Config) -> Result<(), Refused> {
        let of_address = self.addresses.get(whose(address)).map_or(0, |address| address.channels);
        let of_network = self.networks.get(network(address)).map_or(0, |network| network.channels);
        if of_address >= limit(config.max_channels_per_address) {
            return Err(Refused::AddressChannels);
        }
        if of_network >= limit(config.max_channels_per_network) {
            return Err(Refused::NetworkChannels);
        }
        Ok(())
    }

    /// A connection of that address owns so many channels more.
    pub(crate) fn own(&mut self, address: IpAddr, channels: usize) {
        self.count_channels(address, |count| *count += channels);
    }

    /// The counterpart of [`own`](Self::own). Comes before [`remove`](Self::remove).
    pub(crate) fn disown(&mut self, address: IpAddr, channels: usize) {
        self.count_channels(address, |count| *count = count.saturating_sub(channels));
    }

    fn count_channels(&mut self, address: IpAddr, count: impl Fn(&mut usize)) {
        if let Some(entry) = self.addresses.get_mut(whose(address)) {
            count(&mut entry.channels);
        }
        if let Some(entry) = self.networks.get_mut(network(address)) {
            count(&mut entry.channels);
        }
    }

    /// Addresses and networks with connections, and the channels that are counted for either.
    pub(crate) fn used(&self) -> usize {
        let of_addresses = self.addresses.entries.values().map(|address| address.channels);
        let of_networks = self.networks.entries.values().map(|network| network.channels);
        self.addresses.used + self.networks.used + of_addresses.chain(of_networks).sum::<usize>()
    }

    /// Bytes of memory that it takes, about.
    pub(crate) fn memory(&self) -> usize {
        self.addresses.memory() + self.networks.memory()
    }

    /// Counts a TLS handshake of a network, unless there are too many; then in how many
    /// microseconds there may be one. `now` in microseconds.
    pub(crate) fn shake_hands(&mut self, address: IpAddr, now: u64, config: &Config) -> Result<(), u64> {
        let Some(network) = self.networks.get_mut(network(address)) else { return Ok(()) };
        take_one(&mut network.handshakes, now, Network::handshakes(config))
    }

    /// Counts a token of a network that is checked, as [`shake_hands`](Self::shake_hands) does for
    /// handshakes.
    pub(crate) fn check_token(&mut self, address: IpAddr, now: u64, config: &Config) -> Result<(), u64> {
        let Some(network) = self.networks.get_mut(network(address)) else { return Ok(()) };
        take_one(&mut network.tokens, now, Network::tokens(config))
    }
}

/// Microseconds after which something that had to wait for its network is tried again, at least:
/// all that wait do so.
const SOON: u64 = 100_000;

/// Takes one from a bucket, unless there is none; then in how many microseconds there may be one.
fn take_one(bucket: &mut Bucket, now: u64, capacity: Capacity) -> Result<(), u64> {
    if capacity.per_second == 0 {
        return Ok(());
    }
    if bucket.left(now, capacity) == 0 {
        return Err(SOON.max(1_000_000 / capacity.per_second));
    }
    bucket.spend(now, 1, capacity);
    Ok(())
}

/// A limit where 0 is none.
fn at_most(count: u32) -> u32 {
    if count == 0 { u32::MAX } else { count }
}

/// Something that is kept while it has connections, and beyond while its rates have not recovered.
trait Entry: Default {
    fn connections(&mut self) -> &mut u32;

    /// Whether its rates are as if nothing had come.
    fn has_recovered(&self, now: u64, config: &Config) -> bool;
}

impl Address {
    /// How fast connections may come.
    fn capacity(config: &Config) -> Capacity {
        Capacity::new(config.connections_per_second_per_address.into(), config.burst)
    }
}

impl Network {
    /// How fast TLS handshakes may come.
    fn handshakes(config: &Config) -> Capacity {
        Capacity::new(config.tls_handshakes_per_second_per_network.into(), config.burst)
    }

    /// How fast tokens may come.
    fn tokens(config: &Config) -> Capacity {
        Capacity::new(config.tokens_per_second_per_network.into(), config.burst)
    }
}

impl Entry for Address {
    fn connections(&mut self) -> &mut u32 {
        &mut self.connections
    }

    fn has_recovered(&self, now: u64, config: &Config) -> bool {
        is_full(&self.rate, now, Self::capacity(config))
    }
}

impl Entry for Network {
    fn connections(&mut self) -> &mut u32 {
        &mut self.connections
    }

    fn has_recovered(&self, now: u64, config: &Config) -> bool {
        is_full(&self.handshakes, now, Self::handshakes(config))
            && is_full(&self.tokens, now, Self::tokens(config))
    }
}

/// Addresses or networks.
#[derive(Debug, Default)]
struct Kept<T> {
    entries: HashMap<IpAddr, T>,
    /// Those with connections.
    used: usize,
    /// When it is cleared of those that need not be remembered: at this many.
    sweep_at: usize,
}

impl<T: Entry> Kept<T> {
    fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<(IpAddr, T)>()
    }

    fn get(&self, address: IpAddr) -> Option<&T> {
        self.entries.get(&address)
    }

    fn get_mut(&mut self, address: IpAddr) -> Option<&mut T> {
        self.entries.get_mut(&address)
    }

    /// Counts a connection more.
    fn enter(&mut self, address: IpAddr, now: u64, config: &Config) -> &mut T {
        // Takes time in proportion to those that are remembered, and comes once for as many new
        // ones.
        if self.entries.len() >= self.sweep_at && !self.entries.contains_key(&address) {
            self.entries.retain(|_, entry| !is_forgettable(entry, now, config));
            self.sweep_at = (2 * self.entries.len()).max(1024);
        }
        let entry = self.entries.entry(address).or_default();
        self.used += usize::from(*entry.connections() == 0);
        *entry.connections() += 1;
        entry
    }

    /// Counts a connection less.
    fn leave(&mut self, address: IpAddr, now: u64, config: &Config) {
        let Some(entry) = self.entries.get_mut(&address) else { return };
        *entry.connections() = entry.connections().saturating_sub(1);
        if *entry.connections() == 0 {
            self.used = self.used.saturating_sub(1);
            let is_forgettable = is_forgettable(entry, now, config);
            if is_forgettable || self.entries.len() - self.used > REMEMBERED {
                self.entries.remove(&address);
            }
        }
    }
}

/// Whether an entry is one as if it had never been there.
fn is_forgettable<T: Entry>(entry: &mut T, now: u64, config: &Config) -> bool {
    *entry.connections() == 0 && entry.has_recovered(now, config)
}

/// Whether a bucket holds all that it can, or has no limit.
fn is_full(bucket: &Bucket, now: u64, capacity: Capacity) -> bool {
    capacity.per_second == 0 || bucket.left(now, capacity) >= full(capacity)
}

/// What a bucket holds from which nothing was taken.
fn full(capacity: Capacity) -> u64 {
    Bucket::default().left(u64::MAX / 2000, capacity)
}

/// What stands for the one behind an address: with IPv6 everybody has at least a /64 of them.
fn whose(address: IpAddr) -> IpAddr {
    prefix(address, 32, 64)
}

/// What stands for the network of an address: a /24, or a /48 with IPv6. That is what one customer
/// of a provider gets at most, as a rule.
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
        assert!(addresses.addresses.entries.is_empty(), "nothing is kept of those who are gone");
        assert!(addresses.networks.entries.is_empty());
        assert_eq!((addresses.addresses.used, addresses.networks.used), (0, 0));
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
        assert!(addresses.addresses.entries.len() <= REMEMBERED + 1, "{}", addresses.addresses.entries.len());
        // once their time is over they go
        let later = 10 * SECOND;
        for number in 300_000..600_000u32 {
            let now = later + u64::from(number);
            let address = IpAddr::V4(Ipv4Addr::from_bits(number));
            assert_eq!(addresses.add(address, now, &config), Ok(()));
            addresses.remove(address, now, &config);
        }
        assert!(addresses.addresses.entries.len() <= REMEMBERED + 1, "{}", addresses.addresses.entries.len());
        assert!(addresses.networks.entries.is_empty());
    }

    #[test]
    fn channels_of_an_address_and_a_network_are_counted() {
        let mut addresses = Addresses::default();
        let config = Config { max_channels_per_address: 2, max_channels_per_network: 3, ..config(0, 0, 0) };
        for text in ["9.9.9.1", "9.9.9.1", "9.9.9.2", "9.9.8.1"] {
            assert_eq!(addresses.add(address(text), 0, &config), Ok(()));
        }
        addresses.own(address("9.9.9.1"), 1);
        assert_eq!(addresses.may_own(address("9.9.9.1"), &config), Ok(()));
        addresses.own(address("::ffff:9.9.9.1"), 1);
        assert_eq!(addresses.may_own(address("9.9.9.1"), &config), Err(Refused::AddressChannels));
        assert_eq!(addresses.may_own(address("9.9.9.2"), &config), Ok(()));
        addresses.own(address("9.9.9.2"), 1);
        assert_eq!(addresses.may_own(address("9.9.9.2"), &config), Err(Refused::NetworkChannels));
        assert_eq!(addresses.may_own(address("9.9.8.1"), &config), Ok(()));
        addresses.disown(address("9.9.9.1"), 2);
        addresses.remove(address("9.9.9.1"), 0, &config);
        assert_eq!(addresses.may_own(address("9.9.9.2"), &config), Ok(()));
        assert_eq!(addresses.may_own(address("9.9.9.1"), &config), Ok(()));
        let none = Config { max_channels_per_address: 0, max_channels_per_network: 0, ..config };
        addresses.own(address("9.9.9.2"), 1_000_000);
        assert_eq!(addresses.may_own(address("9.9.9.2"), &none), Ok(()));
    }

    type Take = fn(&mut Addresses, IpAddr, u64, &Config) -> Result<(), u64>;

    #[test]
    fn handshakes_and_tokens_of_a_network_come_as_fast_as_allowed_and_no_faster() {
        let none = config(0, 0, 0);
        let handshakes = Config { tls_handshakes_per_second_per_network: 5, ..none.clone() };
        let tokens = Config { tokens_per_second_per_network: 5, ..none };
        let kinds: [(Take, Take, Config); 2] = [
            (Addresses::shake_hands, Addresses::check_token, handshakes),
            (Addresses::check_token, Addresses::shake_hands, tokens),
        ];
        for (take, other, config) in kinds {
            let mut addresses = Addresses::default();
            let now = 5 * SECOND;
            for last in 1..=9 {
                assert_eq!(addresses.add(IpAddr::from([9, 9, 9, last]), now, &config), Ok(()));
            }
            assert_eq!(addresses.add(address("9.9.8.1"), now, &config), Ok(()));
            for last in 1..=5 {
                assert_eq!(take(&mut addresses, IpAddr::from([9, 9, 9, last]), now, &config), Ok(()));
            }
            assert_eq!(take(&mut addresses, address("9.9.9.6"), now, &config), Err(SECOND / 5));
            assert_eq!(take(&mut addresses, address("9.9.8.1"), now, &config), Ok(()));
            assert_eq!(take(&mut addresses, address("9.9.9.6"), now + SECOND / 5, &config), Ok(()));
            assert!(take(&mut addresses, address("9.9.9.7"), now + SECOND / 5, &config).is_err());
            assert_eq!(other(&mut addresses, address("9.9.9.7"), now, &config), Ok(()), "has its own limit");
            // to go and come again is no way around it
            for last in 1..=9 {
                addresses.remove(IpAddr::from([9, 9, 9, last]), now, &config);
            }
            assert_eq!(addresses.add(address("9.9.9.6"), now, &config), Ok(()));
            assert!(take(&mut addresses, address("9.9.9.6"), now, &config).is_err());
        }
    }
}
