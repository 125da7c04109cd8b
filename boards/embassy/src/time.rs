//! The link's time and embassy's.
//!
//! Both count from the start of the program: the link's in milliseconds, embassy's in ticks.

use embassy_time::TICK_HZ;
use peote_net::time::Instant;

/// The present moment, for a link.
#[must_use]
pub fn now() -> Instant {
    Instant::from_millis(embassy_time::Instant::now().as_millis())
}

/// A deadline of the link as embassy's: the first tick at which [`now`] has reached it.
///
/// `embassy_time::Instant::from_millis` rounds down. A task that sleeps until then can be awake up
/// to a millisecond too early, finds nothing to do, and spins until the deadline is there.
#[must_use]
pub const fn to_embassy(deadline: Instant) -> embassy_time::Instant {
    embassy_time::Instant::from_ticks(to_ticks(deadline.as_millis(), TICK_HZ))
}

/// The first tick at which so many milliseconds have passed.
const fn to_ticks(millis: u64, hz: u64) -> u64 {
    millis.saturating_mul(hz).div_ceil(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At the tick, and not before, the milliseconds have passed.
    #[test]
    fn no_tick_too_early_and_none_too_late() {
        let millis_at = |tick: u64, hz: u64| tick * 1000 / hz;
        for hz in [1, 100, 1000, 1024, 32_768, 1_000_000] {
            for millis in (0..2000).chain([5_000, 86_400_000]) {
                let tick = to_ticks(millis, hz);
                assert!(millis_at(tick, hz) >= millis, "{millis} ms at {hz} Hz");
                assert!(tick == 0 || millis_at(tick - 1, hz) < millis, "{millis} ms at {hz} Hz");
            }
        }
        assert!(to_ticks(u64::MAX, 32_768) > u64::MAX / 2000, "no overflow");
    }
}
