//! Token buckets: how many commands, messages and bytes a connection may send.

use std::time::Duration;

/// One second in the unit of [`Rate`].
const SECOND: u64 = 1_000_000;

/// A token bucket that holds the commands of one second, kept as the time at which it is full
/// again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rate {
    /// In microseconds.
    full_at: u64,
}

impl Rate {
    /// Takes a token. If there is none: in how many microseconds there will be a few. `per_second`
    /// of 0 is no limit.
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

/// A token bucket for what is known only once it has come. It can be overdrawn, and who has
/// overdrawn it waits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    /// When it is full again, in nanoseconds.
    full_at: u64,
}

/// What a [`Bucket`] holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    /// Tokens that come in a second; 0: no limit.
    pub(crate) per_second: u64,
    /// The time in which an empty one is full, in nanoseconds.
    pub(crate) burst: u64,
}

impl Capacity {
    pub(crate) fn new(per_second: u64, burst: Duration) -> Self {
        Self { per_second, burst: u64::try_from(burst.as_nanos()).unwrap_or(u64::MAX / 4) }
    }
}

impl Bucket {
    /// Nanoseconds for which one waits beyond the moment at which there is a token again, so that
    /// it is not woken for each one.
    const PATIENCE: u64 = 20_000_000;

    /// Tokens that are there; `now` in microseconds.
    pub(crate) fn left(&self, now: u64, capacity: Capacity) -> u64 {
        let missing = self.full_at.saturating_sub(now.saturating_mul(1000));
        let left = u128::from(capacity.burst.saturating_sub(missing)) * u128::from(capacity.per_second);
        u64::try_from(left / 1_000_000_000).unwrap_or(u64::MAX)
    }

    /// Takes tokens, whether they are there or not. If they were not: in how many microseconds
    /// there will be some.
    pub(crate) fn spend(&mut self, now: u64, tokens: u64, capacity: Capacity) -> Option<u64> {
        let now = now.saturating_mul(1000);
        let time = u128::from(tokens) * 1_000_000_000 / u128::from(capacity.per_second.max(1));
        let time = u64::try_from(time).unwrap_or(u64::MAX / 4).min(u64::MAX / 4);
        self.full_at = self.full_at.max(now).saturating_add(time);
        let over = (self.full_at - now).checked_sub(capacity.burst).filter(|over| *over > 0)?;
        Some((over + Self::PATIENCE.min(capacity.burst)).div_ceil(1000))
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
    fn a_bucket_holds_a_burst_and_lets_the_rate_through() {
        let capacity = Capacity::new(1000, Duration::from_secs(3));
        let mut bucket = Bucket::default();
        let mut now = 7 * SECOND;
        assert_eq!(bucket.left(now, capacity), 3000);
        assert_eq!(bucket.spend(now, 2999, capacity), None);
        assert_eq!(bucket.left(now, capacity), 1);
        // 500 more than there are take half a second to come
        assert_eq!(bucket.spend(now, 501, capacity), Some(SECOND / 2 + 20_000));
        assert_eq!(bucket.left(now, capacity), 0);
        now += SECOND / 2 + 20_000;
        assert_eq!(bucket.left(now, capacity), 20);
        // over a long time it is the rate, whatever is taken at once
        let (mut spent, start) = (0, now);
        while now < start + 1000 * SECOND {
            spent += 777;
            now += bucket.spend(now, 777, capacity).unwrap_or_default();
        }
        assert!((999_000..=1_003_000).contains(&spent), "{spent}");
        now += 100 * SECOND;
        assert_eq!(bucket.left(now, capacity), 3000);
    }

    #[test]
    fn high_rates_count_single_tokens() {
        let capacity = Capacity::new(100_000_000, Duration::from_secs(1));
        let mut bucket = Bucket::default();
        for _ in 0..100_000_000 / 100 {
            for _ in 0..4 {
                assert_eq!(bucket.spend(SECOND, 25, capacity), None);
            }
        }
        assert_eq!(bucket.left(SECOND, capacity), 0);
        assert!(bucket.spend(SECOND, 1, capacity).is_some());
    }

    #[test]
    fn absurd_amounts_do_not_overflow() {
        let capacity = Capacity::new(1, Duration::MAX);
        let mut bucket = Bucket::default();
        for _ in 0..10 {
            bucket.spend(u64::MAX / 2000, u64::MAX, capacity);
            bucket.left(u64::MAX / 2000, Capacity::new(u64::MAX, Duration::MAX));
        }
    }

    /// Nobody is woken for each token.
    #[test]
    fn a_wait_is_long_enough_for_some() {
        let mut rate = Rate::default();
        assert!((0..1000).all(|_| rate.take(0, 1000).is_ok()));
        assert_eq!(rate.take(0, 1000), Err(20_000));
        let (capacity, mut bucket) = (Capacity::new(3, Duration::from_millis(1)), Bucket::default());
        // a third of a second and the patience, which is no longer than the burst
        assert_eq!(bucket.spend(0, 1, capacity), Some(333_334));
        assert!(bucket.spend(0, u64::MAX, Capacity::new(1, Duration::from_secs(1))).is_some());
    }
}
