//! How long others have to wait for a receiver before it is given up.
//!
//! It is a budget of time. Time in which others wait takes from it, bytes that the receiver takes
//! give to it: at the least rate the two are equal. So what counts is the rate, however the bytes
//! are spread: single bytes, or bursts just in time, are not enough. The budget goes from one wait
//! to the next, and comes back slowly while nobody waits.

/// What becomes of the budget as time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Nobody waits.
    Rest,
    /// Others wait.
    Full,
    /// Others wait, but the receiver is itself not read, because it waits for another one. Its
    /// endpoint may be unable to read before it can write.
    HeldUp,
}

/// A receiver that nobody waits for regains a second of its budget in so many.
const RECOVERY: u64 = 8;

/// A receiver that is held up itself loses a second of its budget in so many.
///
/// Not none at all: with an accomplice that reads just fast enough, a receiver that takes nothing
/// could be held up for ever, and hold up others.
pub(crate) const HELD_UP: u32 = 64;

/// One second in the unit of the budget, microseconds.
const SECOND: u64 = 1_000_000;

/// The terms, the same for all receivers. Made of the configuration whenever it changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// The whole budget, in milliseconds.
    pub(crate) most: u64,
    /// The least rate in bytes a second; 0: any byte gives back the whole budget.
    pub(crate) rate: u64,
}

/// The budget of one receiver.
#[derive(Debug)]
pub(crate) struct Patience {
    /// What is left, in microseconds.
    left: u64,
    /// The most that was left since it began anew.
    peak: u64,
    /// Milliseconds for which others have waited in one go.
    waited: u64,
    /// Up to when time has been counted, in milliseconds.
    at: u64,
}

impl Patience {
    pub(crate) fn new(now: u64, terms: Terms) -> Self {
        let left = terms.most.saturating_mul(1000);
        Self { left, peak: left, waited: 0, at: now }
    }

    /// Begins anew where it was used up and another one is to blame: with half of what it had, and
    /// a sixteenth of the whole at least. So many that use it up one after the other take twice
    /// the whole, and not as often as they are.
    pub(crate) fn begin_anew(&mut self, now: u64, terms: Terms) {
        let least = terms.most.saturating_mul(1000) / 16;
        let left = (self.peak / 2).max(least);
        *self = Self { left, peak: left, waited: 0, at: now };
    }

    /// Counts the time that has passed at this pace.
    pub(crate) fn pass(&mut self, now: u64, pace: Pace, terms: Terms) {
        let passed = now.saturating_sub(self.at);
        self.at = now;
        let micros = passed.saturating_mul(1000);
        match pace {
            Pace::Rest => {
                self.give(micros / RECOVERY, terms);
                self.waited = 0;
            }
            Pace::Full => {
                self.left = self.left.saturating_sub(micros);
                self.waited += passed;
            }
            Pace::HeldUp => self.left = self.left.saturating_sub(micros / u64::from(HELD_UP)),
        }
    }

    /// Counts bytes that the receiver has taken.
    pub(crate) fn took(&mut self, bytes: usize, terms: Terms) {
        let micros = match terms.rate {
            0 => u64::MAX,
            rate => (bytes as u64).saturating_mul(SECOND) / rate,
        };
        self.give(micros, terms);
    }

    fn give(&mut self, micros: u64, terms: Terms) {
        self.left = self.left.saturating_add(micros).min(terms.most.saturating_mul(1000));
        self.peak = self.peak.max(self.left);
    }

    /// Goes on with other terms. What is gone stays gone.
    pub(crate) fn change(&mut self, before: Terms, after: Terms) {
        self.left = after.most.saturating_mul(1000).saturating_sub(self.gone(before));
        self.peak = self.left;
    }

    /// What is gone of it, in microseconds.
    pub(crate) fn gone(&self, terms: Terms) -> u64 {
        terms.most.saturating_mul(1000).saturating_sub(self.left)
    }

    /// When nothing is left, at this pace.
    pub(crate) fn over_at(&self, pace: Pace) -> Option<u64> {
        let times = match pace {
            Pace::Rest => return None,
            Pace::Full => 1,
            Pace::HeldUp => HELD_UP.into(),
        };
        Some(self.at.saturating_add(self.left.saturating_mul(times).div_ceil(1000)))
    }

    /// When others have waited for so many milliseconds in one go, at this pace.
    pub(crate) fn waited_at(&self, millis: u64, pace: Pace) -> Option<u64> {
        (pace == Pace::Full).then(|| self.at.saturating_add(millis.saturating_sub(self.waited)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms { most: 5000, rate: 12_000 };

    /// When a receiver is given up that others wait for all the time, if it takes so many bytes
    /// every so many milliseconds; `None`: not within an hour.
    fn end(bytes: usize, every: u64) -> Option<u64> {
        let mut patience = Patience::new(0, TERMS);
        let mut now = 0;
        while now < 3_600_000 {
            let over = patience.over_at(Pace::Full).unwrap();
            now += every;
            if over <= now {
                return Some(over);
            }
            patience.pass(now, Pace::Full, TERMS);
            patience.took(bytes, TERMS);
        }
        None
    }

    #[test]
    fn it_is_the_rate_that_counts() {
        assert_eq!(end(0, 1000), Some(5000), "nothing");
        assert_eq!(end(1, 1000), Some(5001), "a byte a second is next to nothing");
        assert_eq!(end(2000, 250), Some(14_500), "8 kB a second: a third is lacking");
        assert_eq!(end(3000, 250), None, "12 kB a second");
        assert_eq!(end(12, 1), None);
        assert_eq!(end(58_000, 4900), Some(14_667), "a burst just in time is too small");
        assert_eq!(end(59_000, 4900), None);
        assert_eq!(end(1 << 30, 5001), Some(5000), "or too late");
    }

    #[test]
    fn much_at_first_is_no_credit() {
        let mut patience = Patience::new(0, TERMS);
        patience.took(1 << 40, TERMS);
        assert_eq!(patience.over_at(Pace::Full), Some(5000));
    }

    #[test]
    fn without_a_rate_a_byte_is_enough() {
        let terms = Terms { rate: 0, ..TERMS };
        let mut patience = Patience::new(0, terms);
        patience.pass(4999, Pace::Full, terms);
        patience.took(1, terms);
        assert_eq!(patience.over_at(Pace::Full), Some(9999));
    }

    #[test]
    fn the_budget_goes_on_from_one_wait_to_the_next() {
        let mut patience = Patience::new(0, TERMS);
        patience.pass(4000, Pace::Full, TERMS);
        // a little was taken, so that nobody waits for a moment
        patience.took(1200, TERMS);
        patience.pass(4100, Pace::Rest, TERMS);
        assert_eq!(patience.over_at(Pace::Rest), None);
        assert_eq!(patience.over_at(Pace::Full), Some(4100 + 1000 + 100 + 13));
        // a long rest makes up for everything, and for no more than that
        patience.pass(1_000_000, Pace::Rest, TERMS);
        assert_eq!(patience.over_at(Pace::Full), Some(1_005_000));
    }

    #[test]
    fn many_one_after_the_other_take_twice_the_budget() {
        let mut patience = Patience::new(0, TERMS);
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..7 {
            let over = patience.over_at(Pace::Full).unwrap();
            waits.push(over - now);
            now = over;
            patience.pass(now, Pace::Full, TERMS);
            patience.begin_anew(now, TERMS);
        }
        assert_eq!(waits, [5000, 2500, 1250, 625, 313, 313, 313]);
        // a rest makes up for that
        now += 8 * 2000;
        patience.pass(now, Pace::Rest, TERMS);
        assert_eq!(patience.over_at(Pace::Full), Some(now + 2313));
        patience.pass(now + 2313, Pace::Full, TERMS);
        patience.begin_anew(now, TERMS);
        assert_eq!(patience.over_at(Pace::Full), Some(now + 1157));
    }

    #[test]
    fn who_is_held_up_has_much_more_time() {
        let mut patience = Patience::new(0, TERMS);
        assert_eq!(patience.over_at(Pace::HeldUp), Some(320_000));
        patience.pass(64_000, Pace::HeldUp, TERMS);
        assert_eq!(patience.over_at(Pace::Full), Some(68_000));
    }

    #[test]
    fn a_queue_that_is_full_is_so_in_one_go() {
        let mut patience = Patience::new(0, TERMS);
        patience.pass(1000, Pace::Full, TERMS);
        patience.pass(9000, Pace::HeldUp, TERMS);
        assert_eq!(patience.waited_at(3000, Pace::HeldUp), None);
        assert_eq!(patience.waited_at(3000, Pace::Full), Some(11_000));
        patience.pass(9001, Pace::Rest, TERMS);
        assert_eq!(patience.waited_at(3000, Pace::Full), Some(12_001));
    }
}
