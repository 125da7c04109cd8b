//! How many commands a connection may give, and how many connections an address may have.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

/// One second in the unit of [`Rate`].
const SECOND: u64 = 1_000_000;

/// A token bucket that holds the commands of one second, kept as the time at which it is full again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rate {
    /// In microseconds.
    full_at: u64,
}

impl Rate {
    /// Takes a token. If there is none: in how many microseconds there will be a few. `per_second` of 0 is no limit.
    pub(crate) fn take(&mut self, now: u64, per_second: u32) -> Result<(), u64> {
        if per_second == 0 {
            return Ok(());
        }
        let each = SECOND / u64::from(per_second).min(SECOND);
        let full_at = self.full_at.max(now) + each;
        if full_at - now > SECOND {
            return Err((full_at - now - SECOND).max(SECOND / 50));
        }
        self.full_at = full_at;
        Ok(())
    }
}

/// Connections of each address.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    counts: HashMap<IpAddr, u32>,
}

impl Addresses {
    /// Counts one more from that address, unless there are `most` (0: no limit).
    pub(crate) fn add(&mut self, address: IpAddr, most: u32) -> bool {
        let count = self.counts.entry(whose(address)).or_default();
        if most > 0 && *count >= most {
            return false;
        }
        *count += 1;
        true
    }

    /// The counterpart of [`add`](Self::add).
    pub(crate) fn remove(&mut self, address: IpAddr) {
        let address = whose(address);
        if let Some(count) = self.counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&address);
            }
        }
    }
}

/// What stands for the one behind an address: with IPv6 everybody has at least a /64 of them.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from(address.octets())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_one_second_then_the_rate() {
        let mut rate = Rate::default();
        let mut now = 5 * SECOND;
        for _ in 0..10 {
            assert_eq!(rate.take(now, 10), Ok(()));
        }
        assert_eq!(rate.take(now, 10), Err(SECOND / 10));
        now += SECOND / 10;
        assert_eq!(rate.take(now, 10), Ok(()));
        assert!(rate.take(now, 10).is_err());
        now += 100 * SECOND;
        assert_eq!((0..100).filter(|_| rate.take(now, 10).is_ok()).count(), 10);
        assert_eq!(rate.take(now, 0), Ok(()));
    }

    #[test]
    fn addresses_are_counted_by_who_has_them() {
        let mut addresses = Addresses::default();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(addresses.add(address("1.2.3.4"), 2));
        assert!(addresses.add(address("::ffff:1.2.3.4"), 2));
        assert!(!addresses.add(address("1.2.3.4"), 2));
        assert!(addresses.add(address("1.2.3.5"), 2));
        assert!(addresses.add(address("2001:db8::1"), 1));
        assert!(!addresses.add(address("2001:db8::ffff:1"), 1));
        assert!(addresses.add(address("2001:db8:0:1::1"), 1));
        addresses.remove(address("1.2.3.4"));
        assert!(addresses.add(address("1.2.3.4"), 2));
        for gone in ["1.2.3.4", "1.2.3.4", "1.2.3.5", "2001:db8::2", "2001:db8:0:1::1"] {
            addresses.remove(address(gone));
        }
        assert!(addresses.counts.is_empty(), "nothing is kept of those who are gone");
    }
}
