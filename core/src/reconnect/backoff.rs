//! How long to wait before the next attempt.

use core::fmt;

use super::random::Random;
use crate::time::{Duration, Instant};

/// When to try again: delays that double from a first to a greatest one, with jitter, a limited
/// number of times or for a limited time.
///
/// Pure: no clock and no source of randomness but the `now` and the seed that are passed in, so
/// equal calls have equal answers. 64 bytes.
///
/// ```
/// use peote_net::reconnect::{Backoff, Exhausted};
/// use peote_net::time::{Duration, Instant};
///
/// let mut backoff = Backoff::new()
///     .with_delays(Duration::from_millis(100), Duration::from_secs(5))
///     .with_most_attempts(2)
///     .with_seed(0x00e0_4c68_0102); // the network card's address, for example
/// let lost = Instant::from_millis(7_000);
/// let first = backoff.next(lost).unwrap();
/// assert!((7_050..=7_100).contains(&first.as_millis()));
/// // at `first` an attempt was made and failed
/// let second = backoff.next(first).unwrap();
/// assert!(second > first);
/// assert_eq!(backoff.next(second), Err(Exhausted::Attempts));
/// backoff.reset(); // one has been successful; the next loss begins with short delays again
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Backoff {
    /// In milliseconds, from 1 on, as the greatest one.
    first: u32,
    greatest: u32,
    jitter_percent: u8,
    most_attempts: Option<u32>,
    time_limit: Option<Duration>,
    has_seed: bool,
    random: Random,
    progress: Progress,
}

/// How far a series of attempts has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Progress {
    /// Attempts that have been granted.
    attempts: u32,
    /// The attempt granted last is the last one there is time for.
    out_of_time: bool,
    /// When the series began, once it has.
    began: Instant,
}

impl Progress {
    pub(super) const NONE: Self = Self { attempts: 0, out_of_time: false, began: Instant::ZERO };
}

/// Why there is no further attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Exhausted {
    /// As many attempts have been made as there may be ([`Backoff::with_most_attempts`]).
    Attempts,
    /// The time there was for all of them is over ([`Backoff::with_time_limit`]).
    Time,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attempts => "the most attempts there may be have been made",
            Self::Time => "the time for all attempts is over",
        })
    }
}

impl core::error::Error for Exhausted {}

impl Backoff {
    /// The first delay, unless [`with_delays`](Self::with_delays) says otherwise: 250 ms.
    pub const FIRST_DELAY: Duration = Duration::from_millis(250);
    /// The greatest delay, unless [`with_delays`](Self::with_delays) says otherwise: 30 s.
    pub const GREATEST_DELAY: Duration = Duration::from_secs(30);
    /// The jitter, unless [`with_jitter_percent`](Self::with_jitter_percent) says otherwise: 50 %.
    pub const JITTER_PERCENT: u8 = 50;

    /// Delays of 250 ms, doubling up to 30 s, less up to 50 % of jitter, without end.
    ///
    /// The jitter begins with seed 0 unless there is another seed: see
    /// [`with_seed`](Self::with_seed). `peote_net_std::DesktopLink` takes a random one where none
    /// is given.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            first: delay(Self::FIRST_DELAY),
            greatest: delay(Self::GREATEST_DELAY),
            jitter_percent: Self::JITTER_PERCENT,
            most_attempts: None,
            time_limit: None,
            has_seed: false,
            random: Random::new(0),
            progress: Progress::NONE,
        }
    }

    /// The delay before the first attempt, and the one up to which it doubles. Both count as at
    /// least 1 ms, so that nothing becomes a busy loop, and at most as 49 days; where `first` is
    /// above `greatest`, `greatest` is meant.
    #[must_use]
    pub const fn with_delays(mut self, first: Duration, greatest: Duration) -> Self {
        self.first = delay(first);
        self.greatest = delay(greatest);
        self
    }

    /// How much shorter than its full length a delay can become, in percent (0 to 100; above counts
    /// as 100). Each delay is drawn evenly between that and the full length. Programs that have
    /// lost their connections at the same moment so come back one by one.
    #[must_use]
    pub const fn with_jitter_percent(mut self, percent: u8) -> Self {
        self.jitter_percent = if percent > 100 { 100 } else { percent };
        self
    }

    /// What the jitter is derived from (by `SplitMix64`): equal seeds have equal delays, so each
    /// program needs its own: an address of its hardware, a random number, the time at which it was
    /// started. Any number will do; it need not be kept secret.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.random = Random::new(seed);
        self.has_seed = true;
        self
    }

    /// The seed, unless [`with_seed`](Self::with_seed) has given one: for what knows a source of
    /// random numbers, and is handed rules that may have none.
    #[must_use]
    pub const fn or_seed(self, seed: u64) -> Self {
        if self.has_seed { self } else { self.with_seed(seed) }
    }

    /// At most this many attempts in a row; none at all with 0. Without this call: no limit.
    #[must_use]
    pub const fn with_most_attempts(mut self, attempts: u32) -> Self {
        self.most_attempts = Some(attempts);
        self
    }

    /// No attempt later than this after the first call of [`next`](Self::next), the moment of the
    /// loss. The last delay is cut short so that its attempt still lies within. Without this call:
    /// no limit.
    #[must_use]
    pub const fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// When the next attempt is to be made, seen from `now`: call it once when the connection is
    /// lost, and once after each failed attempt.
    ///
    /// # Errors
    /// There is none any more, and why; that stays so until [`reset`](Self::reset).
    pub fn next(&mut self, now: Instant) -> Result<Instant, Exhausted> {
        let mut progress = self.progress;
        let next = self.next_of(&mut progress, now);
        self.progress = progress;
        next
    }

    /// Begins anew: an attempt was successful, or the program wants another one at once. The jitter
    /// goes on where it was, lest it be the same after every loss.
    pub const fn reset(&mut self) {
        self.progress = Progress::NONE;
    }

    /// Attempts granted by [`next`](Self::next) since the beginning or the last
    /// [`reset`](Self::reset).
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.progress.attempts
    }

    /// [`next`](Self::next) for one of several series with the same rules.
    pub(super) fn next_of(&mut self, progress: &mut Progress, now: Instant) -> Result<Instant, Exhausted> {
        if progress.attempts == 0 {
            progress.began = now;
        }
        if self.most_attempts.is_some_and(|most| progress.attempts >= most) {
            return Err(Exhausted::Attempts);
        }
        let mut delay = self.full_delay(progress.attempts);
        if let Some(limit) = self.time_limit {
            let left = progress.began.saturating_add(limit).saturating_since(now).as_millis();
            if progress.out_of_time || left == 0 {
                progress.out_of_time = true;
                return Err(Exhausted::Time);
            }
            progress.out_of_time = left <= delay.into();
            delay = u32::try_from(left).map_or(delay, |left| delay.min(left));
        }
        progress.attempts = progress.attempts.saturating_add(1);
        let jitter = self.random.up_to(percent_of(delay, self.jitter_percent));
        Ok(now.saturating_add(Duration::from_millis(delay.wrapping_sub(jitter).into())))
    }

    /// The delay in milliseconds after this many attempts, without jitter.
    fn full_delay(&self, attempts: u32) -> u32 {
        let fits = attempts <= self.first.leading_zeros();
        if fits { self.first.wrapping_shl(attempts).min(self.greatest) } else { self.greatest }
    }
}

/// A delay in milliseconds, of which 32 bits are enough: these are cheap on microcontrollers.
#[expect(clippy::cast_possible_truncation, reason = "what is too long is cut short")]
const fn delay(delay: Duration) -> u32 {
    match delay.as_millis() {
        0 => 1,
        millis if millis < u32::MAX as u64 => millis as u32,
        _ => u32::MAX,
    }
}

/// `percent` (up to 100) of `millis`, rounded down.
#[expect(clippy::cast_possible_truncation, reason = "at most `millis`")]
const fn percent_of(millis: u32, percent: u8) -> u32 {
    ((millis as u64).wrapping_mul(percent as u64) / 100) as u32
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}
