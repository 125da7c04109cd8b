//! Whether a connection is written so often that what is said to it may wait for more.
//!
//! A server that many users talk to is written for each of their messages. Where it gets more than
//! a write each millisecond, of many, what they say is better looked at together.
//!
//! That must not slow down those who wait for an answer before they go on. Whether it does shows:
//! they say less. So it is measured how much is said without and with waiting, and where less is
//! said nothing waits, for longer and longer.

/// Microseconds in which there is more than one write on average.
const OFTEN: u32 = 1000;

/// Microseconds for which it is measured how much is said without waiting: the first time, and at
/// most.
const FREE: u32 = 50_000;
const LONGEST_FREE: u32 = 8_000_000;

/// Microseconds for which what is said waits before it is measured again. Much less than before
/// shows early.
const WAITING: u32 = 4_000_000;
const EARLY: u32 = 8_000;

/// How often a connection is written, and by whose causing. Times are microseconds, and go round.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Since when it is measured, the bytes that had been sent by then, and writes since.
    since: u32,
    sent: u32,
    writes: u32,
    /// How long it is measured without waiting.
    free: u32,
    /// Bytes a millisecond without waiting, while it may wait.
    rate: Option<u32>,
    /// It was seen that no less is said since.
    is_proven: bool,
    /// Who caused a write last, and how often that was somebody else than the time before.
    source: u32,
    changes: u32,
}

impl Pace {
    pub(crate) fn new(now: u64) -> Self {
        Self {
            since: narrow(now),
            sent: 0,
            writes: 0,
            free: FREE,
            rate: None,
            is_proven: false,
            source: u32::MAX,
            changes: 0,
        }
    }

    /// Something is to be written that comes from `source`.
    pub(crate) fn note_source(&mut self, source: u32) {
        self.changes += u32::from(self.source != source);
        self.source = source;
    }

    /// It was written at `now`; its socket has taken `sent` bytes so far.
    pub(crate) fn note_written(&mut self, now: u64, sent: u64) {
        self.writes = self.writes.saturating_add(1);
        self.measure(narrow(now), narrow(sent));
    }

    /// Whether what is said to it may wait for more.
    pub(crate) fn may_wait(&self) -> bool {
        self.rate.is_some()
    }

    /// Looks whether it is time to measure the other way.
    fn measure(&mut self, now: u32, sent: u32) {
        let passed = now.wrapping_sub(self.since);
        let bytes = sent.wrapping_sub(self.sent);
        let rate = bytes / (passed / 1000).max(1);
        match self.rate {
            None if passed >= self.free => {
                let is_often = self.writes > passed / OFTEN;
                let is_of_many = self.changes > self.writes / 4;
                self.begin(now, sent, (is_often && is_of_many).then_some(rate));
            }
            Some(free) if passed >= EARLY && !self.is_proven => {
                let is_over = passed >= FREE;
                if rate < free / 3 || is_over && rate < free - free / 4 {
                    self.fail(now, sent);
                } else if is_over {
                    (self.is_proven, self.free) = (true, FREE);
                }
            }
            Some(_) if passed >= WAITING => self.begin(now, sent, None),
            _ => {}
        }
    }

    /// Less is said since it waits.
    fn fail(&mut self, now: u32, sent: u32) {
        self.free = (self.free * 2).min(LONGEST_FREE);
        self.begin(now, sent, None);
    }

    fn begin(&mut self, now: u32, sent: u32, rate: Option<u32>) {
        (self.since, self.sent, self.writes, self.changes) = (now, sent, 0, 0);
        (self.rate, self.is_proven) = (rate, false);
    }
}

/// A time or a number of bytes of which only differences count.
#[expect(clippy::cast_possible_truncation, reason = "it goes round")]
const fn narrow(value: u64) -> u32 {
    value as u32
}

#[cfg(test)]
impl Pace {
    /// As if it was found that what is said to it may wait.
    pub(crate) fn let_wait(&mut self, now: u64) {
        (self.since, self.rate, self.is_proven) = (narrow(now), Some(0), true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Is written every so many microseconds, 100 bytes each time, from so many sources in turns;
    /// less often by a factor while it may wait.
    fn waited(every: u64, sources: u32, slower: u64, millis: u64) -> u64 {
        waited_of(every, |turn| turn % sources, slower, millis)
    }

    fn waited_of(every: u64, source: impl Fn(u32) -> u32, slower: u64, millis: u64) -> u64 {
        let mut pace = Pace::new(0);
        let (mut now, mut sent, mut waited) = (0, 0, 0);
        for turn in 0.. {
            let passed = if pace.may_wait() { every * slower } else { every };
            waited += if pace.may_wait() { passed } else { 0 };
            now += passed;
            sent += 100;
            pace.note_source(source(turn));
            pace.note_written(now, sent);
            if now > millis * 1000 {
                break;
            }
        }
        waited * 100 / now
    }

    #[test]
    fn what_many_say_often_waits() {
        assert!(waited(300, 50, 1, 60_000) > 95);
        // counters go round
        assert!(waited(300, 50, 1, 9_000_000) > 95);
    }

    #[test]
    fn what_is_said_seldom_or_by_one_does_not_wait() {
        assert_eq!(waited(1100, 50, 1, 60_000), 0);
        assert_eq!(waited(300, 1, 1, 60_000), 0);
    }

    #[test]
    fn those_who_would_say_less_do_not_wait() {
        assert!(waited(50, 10, 20, 60_000) <= 2, "much less");
        assert!(waited(300, 10, 2, 60_000) <= 5, "half of it");
    }

    /// The borders: a write each millisecond, and somebody else with each fourth one.
    #[test]
    fn as_often_as_that_is_not_more_often() {
        assert_eq!(waited(1000, 50, 1, 60_000), 0);
        assert_eq!(waited_of(250, |turn| turn / 4, 1, 60_000), 0);
        assert!(waited_of(250, |turn| turn / 3, 1, 60_000) > 95);
        // writes are a multiple of four
        assert_eq!(waited(250, 1, 1, 60_000), 0);
    }

    /// Waits since 0; 300 bytes a millisecond were said without that.
    fn waiting() -> Pace {
        Pace { rate: Some(300), ..Pace::new(0) }
    }

    #[test]
    fn much_less_shows_early_and_less_in_the_end() {
        for (at, bytes, may_wait) in [
            (7_999, 0, true),
            (8_000, 800, true),
            (8_000, 799, false),
            (49_999, 49 * 225 - 1, true),
            (50_000, 50 * 225, true),
            (50_000, 50 * 225 - 1, false),
        ] {
            let mut pace = waiting();
            pace.note_written(at, bytes);
            assert_eq!(pace.may_wait(), may_wait, "{bytes} bytes in {at} us");
        }
    }

    #[test]
    fn what_was_proven_holds_until_it_is_measured_again() {
        let mut pace = waiting();
        pace.note_written(50_000, 15_000);
        pace.note_written(3_999_999, 15_000);
        assert!(pace.may_wait());
        pace.note_written(4_000_000, 15_000);
        assert!(!pace.may_wait());
    }

    #[test]
    fn each_time_less_is_said_it_is_measured_for_longer() {
        let (mut pace, mut now, mut free) = (Pace::new(0), 0, u64::from(FREE));
        for _ in 0..10 {
            // it is often, and of many
            for turn in 0..20_000 {
                pace.note_source(turn);
                pace.note_written(now, 0);
            }
            pace.note_written(now + free - 1, 1_000_000_000);
            assert!(!pace.may_wait(), "{free}");
            pace.note_written(now + free, 1_000_000_000);
            assert!(pace.may_wait(), "{free}");
            // and then nothing is
            now += free + 8_000;
            pace.note_written(now, 1_000_000_000);
            assert!(!pace.may_wait());
            (pace.sent, free) = (0, (free * 2).min(u64::from(LONGEST_FREE)));
        }
    }
}
