//! The relay's clock. It stands still while the relay does.
//!
//! A process can be stopped: by a debugger, by its container, with the machine that it runs on.
//! What comes from endpoints meanwhile, or is taken by them, is seen only afterwards. So such a
//! time counts for no deadline.

use std::time::{Duration, Instant};

use crate::system;

/// The relay stood still if it looked at its clock this much later than it meant to.
const LATE: Duration = Duration::from_secs(1);

/// What counts of a time in which the relay stood still, so that deadlines come in a program that
/// calls it seldom.
const COUNTED: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(crate) struct Clock {
    looked: Instant,
    counted: Duration,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { looked: system::now(), counted: Duration::ZERO }
    }

    /// Looks at the time, after the relay meant to wait for `meant`; `None`: for as long as it
    /// takes. Returns how much of the time since the last look does not count.
    pub(crate) fn look(&mut self, at: Instant, meant: Option<Duration>) -> Duration {
        let passed = at.saturating_duration_since(self.looked);
        self.looked = at;
        let stood_still = meant.is_some_and(|meant| passed > meant.saturating_add(LATE));
        let counted = if stood_still { COUNTED } else { passed };
        self.counted += counted;
        passed - counted
    }

    /// The time that counts since the clock was made.
    pub(crate) fn counted(&self) -> Duration {
        self.counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_which_the_relay_stood_still_does_not_count() {
        let mut clock = Clock::new();
        let mut at = clock.looked;
        let mut look = |passed: u64, meant: Option<u64>| {
            at += Duration::from_millis(passed);
            let lost = clock.look(at, meant.map(Duration::from_millis));
            (lost.as_millis(), clock.counted().as_millis())
        };
        assert_eq!(look(5000, Some(5000)), (0, 5000));
        assert_eq!(look(900, Some(0)), (0, 5900), "a busy machine");
        assert_eq!(look(60_000, Some(5000)), (59_750, 6150), "a stop");
        assert_eq!(look(60_000, Some(0)), (59_750, 6400), "one between two waits");
        assert_eq!(look(3_600_000, None), (0, 3_606_400), "no deadline");
    }
}
