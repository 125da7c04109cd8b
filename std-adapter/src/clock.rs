//! The clock of a desktop program.

use peote_net::time::Instant;

/// Tells the time as the library wants it: milliseconds since the clock was created. Monotonic,
/// never blocks.
///
/// Copies tell the same time. Instants of clocks created at different moments cannot be compared,
/// so a program has one.
///
/// ```
/// use peote_net_std::Clock;
/// let clock = Clock::new();
/// let earlier = clock.now();
/// assert!(clock.now() >= earlier);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: std::time::Instant,
}

impl Clock {
    /// A clock that starts at [`Instant::ZERO`] now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }

    /// The time since the clock was created, in whole milliseconds, rounded down.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// The moment that is `duration` from now, rounded up.
    pub(crate) fn after(&self, duration: std::time::Duration) -> Instant {
        let millis = self.start.elapsed().saturating_add(duration).as_micros().div_ceil(1000);
        Instant::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    /// How long it is until `now` returns `instant`; zero when it does already.
    pub(crate) fn until(&self, instant: Instant) -> std::time::Duration {
        // From the exact time, not from `now`: a sleep of this length must not end in the
        // millisecond before.
        std::time::Duration::from_millis(instant.as_millis()).saturating_sub(self.start.elapsed())
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use peote_net::time::Duration;

    #[test]
    fn starts_at_zero_and_copies_agree() {
        let clock = Clock::new();
        let copy = clock;
        assert!(clock.now() < Instant::ZERO + Duration::from_secs(60));
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!(copy.now() >= Instant::from_millis(5));
        assert!(clock.now() >= copy.now() || clock.now() == copy.now());
    }

    #[test]
    fn until_is_zero_for_the_past_and_reaches_the_instant() {
        let clock = Clock::new();
        assert_eq!(clock.until(Instant::ZERO), std::time::Duration::ZERO);
        let instant = clock.now() + Duration::from_millis(3);
        std::thread::sleep(clock.until(instant));
        assert!(clock.now() >= instant);
    }
}
