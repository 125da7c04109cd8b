//! Time as the library sees it: milliseconds, handed in by the caller. Nothing in this crate reads
//! a clock.

use core::ops::Add;

/// A point in time: milliseconds since a moment of the caller's choice (power-up, start of the
/// program).
///
/// Must not run backwards. 64 bits of milliseconds do not wrap around.
///
/// ```
/// use peote_net::time::{Duration, Instant};
/// let start = Instant::from_millis(1_000);
/// let deadline = start + Duration::from_millis(250);
/// assert_eq!(deadline.saturating_since(start), Duration::from_millis(250));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// The moment from which the caller counts.
    pub const ZERO: Self = Self(0);

    /// The last point there is.
    pub const MAX: Self = Self(u64::MAX);

    /// The point `millis` milliseconds after [`Instant::ZERO`].
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since [`Instant::ZERO`].
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The point `duration` after this one, or the last one there is.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.0))
    }

    /// The time from `earlier` to `self`; zero if `earlier` is the later one.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

/// Makes instants of a counter of milliseconds that has 32 bits, as most HALs have, and so begins
/// anew after 49.7 days.
///
/// To be read at least once every 49 days, which every loop that polls a link does. 8 bytes.
///
/// ```
/// use peote_net::time::{Counter32, Instant};
///
/// let mut counter = Counter32::new();
/// assert_eq!(counter.instant(u32::MAX), Instant::from_millis(0xffff_ffff));
/// assert_eq!(counter.instant(4), Instant::from_millis(0x1_0000_0004)); // it has begun anew
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counter32 {
    /// How often the counter has begun anew.
    rounds: u32,
    last: u32,
}

impl Counter32 {
    /// A counter that has not been read. All bytes are zero.
    #[must_use]
    pub const fn new() -> Self {
        Self { rounds: 0, last: 0 }
    }

    /// Returns the instant at which the counter stands at `millis`.
    pub const fn instant(&mut self, millis: u32) -> Instant {
        if millis < self.last {
            self.rounds = self.rounds.wrapping_add(1);
        }
        self.last = millis;
        Instant::from_millis((self.rounds as u64) << 32 | millis as u64)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// [`Instant::saturating_add`].
    fn add(self, duration: Duration) -> Self {
        self.saturating_add(duration)
    }
}

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Duration(u64);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// `millis` milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// `secs` seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// The length in milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl From<core::time::Duration> for Duration {
    /// Whole milliseconds; what is below one is cut off, what is beyond the range counts as the
    /// greatest there is.
    fn from(duration: core::time::Duration) -> Self {
        Self(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_of_32_bits_goes_on_for_ever() {
        let mut counter = Counter32::new();
        let mut expected = 0u64;
        for millis in [0, 1, u32::MAX - 1, u32::MAX, 0, 0, 7, u32::MAX, 3] {
            let last = u32::try_from(expected & u64::from(u32::MAX)).unwrap();
            expected += u64::from(millis.wrapping_sub(last));
            assert_eq!(counter.instant(millis).as_millis(), expected);
        }
        assert_eq!(expected, (2 << 32) + 3);
        assert_eq!(size_of::<Counter32>(), 8);
    }
}
