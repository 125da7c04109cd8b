//! When to try again.

use peote_net::reconnect::{Backoff, Exhausted};
use peote_net::time::{Duration, Instant};
use proptest::prelude::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The delays granted until there is none any more, at most `most`, when each attempt fails at
/// once.
fn delays(backoff: &mut Backoff, most: usize) -> (Vec<u64>, Option<Exhausted>) {
    let mut now = Instant::from_millis(1_000_000);
    let mut delays = Vec::new();
    for _ in 0..most {
        match backoff.next(now) {
            Ok(next) => {
                delays.push(next.saturating_since(now).as_millis());
                now = next;
            }
            Err(exhausted) => return (delays, Some(exhausted)),
        }
    }
    (delays, None)
}

#[test]
fn delays_double_up_to_the_greatest() {
    let mut backoff = Backoff::new().with_delays(ms(100), ms(1000)).with_jitter_percent(0);
    assert_eq!(delays(&mut backoff, 7), (vec![100, 200, 400, 800, 1000, 1000, 1000], None));
    assert_eq!(backoff.attempts(), 7);
    backoff.reset();
    assert_eq!(backoff.attempts(), 0);
    assert_eq!(delays(&mut backoff, 2), (vec![100, 200], None));
}

#[test]
fn the_defaults() {
    let mut backoff = Backoff::default().with_jitter_percent(0);
    let expected = vec![250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
    assert_eq!(delays(&mut backoff, 9), (expected, None));
    assert_eq!(Backoff::default(), Backoff::new());
    assert_eq!(size_of::<Backoff>(), 64, "as documented");
}

/// However many attempts, and however long the delays: nothing overflows, and nothing becomes a
/// busy loop.
#[test]
fn the_ends_of_the_range() {
    let mut backoff = Backoff::new().with_delays(ms(u64::MAX / 2), ms(u64::MAX));
    let first = backoff.next(Instant::ZERO).unwrap();
    let most = u64::from(u32::MAX); // 49 days, as documented
    assert!((most / 2..=most).contains(&first.as_millis()));
    assert!(backoff.next(Instant::from_millis(u64::MAX)).is_ok());
    let mut backoff = Backoff::new().with_delays(ms(0), ms(4)).with_jitter_percent(0);
    let (granted, _) = delays(&mut backoff, 200);
    assert_eq!((&granted[..4], &granted[199]), (&[1, 2, 4, 4][..], &4));
    let mut backoff = Backoff::new().with_delays(ms(9), ms(0)).with_jitter_percent(0);
    assert_eq!(delays(&mut backoff, 3), (vec![1, 1, 1], None));
}

#[test]
fn a_limited_number_of_attempts() {
    for most in 0..4u32 {
        let mut backoff = Backoff::new().with_most_attempts(most);
        let (granted, exhausted) = delays(&mut backoff, 10);
        assert_eq!((granted.len(), exhausted), (most as usize, Some(Exhausted::Attempts)));
        assert_eq!(backoff.next(Instant::ZERO), Err(Exhausted::Attempts));
        backoff.reset();
        assert_eq!(delays(&mut backoff, 10).0.len(), most as usize);
    }
}

#[test]
fn a_limited_time() {
    let limited = Backoff::new().with_delays(ms(100), ms(10_000)).with_jitter_percent(0);
    let mut backoff = limited.with_time_limit(ms(1000));
    // the last attempt lies at the end of the time
    assert_eq!(delays(&mut backoff, 10), (vec![100, 200, 400, 300], Some(Exhausted::Time)));
    assert_eq!(backoff.next(Instant::ZERO), Err(Exhausted::Time));
    backoff.reset();
    assert_eq!(delays(&mut backoff, 10).0.len(), 4);
    // attempts take time themselves
    let mut backoff = limited.with_time_limit(ms(1000));
    assert_eq!(backoff.next(Instant::ZERO), Ok(Instant::from_millis(100)));
    assert_eq!(backoff.next(Instant::from_millis(999)), Ok(Instant::from_millis(1000)));
    assert_eq!(backoff.next(Instant::from_millis(999)), Err(Exhausted::Time));
    let mut backoff = limited.with_time_limit(ms(0));
    assert_eq!(backoff.next(Instant::ZERO), Err(Exhausted::Time));
    // whichever limit comes first
    let mut backoff = limited.with_time_limit(ms(1000)).with_most_attempts(2);
    assert_eq!(delays(&mut backoff, 10), (vec![100, 200], Some(Exhausted::Attempts)));
}

#[test]
fn equal_seeds_have_equal_delays_and_others_have_others() {
    let of = |seed| delays(&mut Backoff::new().with_seed(seed), 20).0;
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
    assert_ne!(of(0), of(1));
    // the second loss has other delays than the first
    let mut backoff = Backoff::new();
    let first = delays(&mut backoff, 20);
    backoff.reset();
    assert_ne!(delays(&mut backoff, 20), first);
}

#[test]
fn jitter_uses_its_whole_range() {
    let mut backoff = Backoff::new().with_delays(ms(100), ms(100)).with_jitter_percent(20);
    let (granted, _) = delays(&mut backoff, 1000);
    assert_eq!((granted.iter().min(), granted.iter().max()), (Some(&80), Some(&100)));
    let below_the_middle = granted.iter().filter(|&&delay| delay < 90).count();
    assert!((350..650).contains(&below_the_middle), "{below_the_middle} of 1000");
}

proptest! {
    /// Whatever the rules are: each delay lies within its jitter, attempts and time within their
    /// limits.
    #[test]
    fn every_delay_keeps_the_rules(
        seed: u64,
        first in 0u64..5000,
        greatest in 0u64..100_000,
        percent: u8,
        most in proptest::option::of(0u32..20),
        limit in proptest::option::of(0u64..1_000_000),
        failing in proptest::collection::vec(0u64..2000, 30),
    ) {
        let mut backoff =
            Backoff::new().with_delays(ms(first), ms(greatest)).with_jitter_percent(percent).with_seed(seed);
        if let Some(most) = most {
            backoff = backoff.with_most_attempts(most);
        }
        if let Some(limit) = limit {
            backoff = backoff.with_time_limit(ms(limit));
        }
        let lost = Instant::from_millis(5);
        let mut now = lost;
        let mut full = first.max(1);
        for (attempts, failing) in (0u32..).zip(failing) {
            match backoff.next(now) {
                Ok(next) => {
                    prop_assert!(most.is_none_or(|most| attempts < most));
                    let longest = full.min(greatest.max(1));
                    let mut shortest = longest - longest * u64::from(percent.min(100)) / 100;
                    if let Some(limit) = limit {
                        prop_assert!(next <= lost + ms(limit));
                        let left = (lost + ms(limit)).saturating_since(now).as_millis();
                        shortest = shortest.min(left - left * u64::from(percent.min(100)) / 100);
                    }
                    let delay = next.saturating_since(now).as_millis();
                    prop_assert!((shortest..=longest).contains(&delay), "{} not in {}..={}", delay, shortest, longest);
                    now = next + ms(failing);
                    full *= 2;
                }
                Err(Exhausted::Attempts) => prop_assert_eq!(Some(attempts), most),
                Err(Exhausted::Time) => prop_assert!(limit.is_some()),
                Err(other) => prop_assert!(false, "{}", other),
            }
            if backoff.attempts() == attempts {
                break;
            }
        }
    }
}

#[test]
fn a_seed_that_counts_only_where_there_is_none() {
    let first = |mut backoff: Backoff| backoff.next(Instant::ZERO).unwrap();
    assert_eq!(first(Backoff::new().or_seed(5)), first(Backoff::new().with_seed(5)));
    assert_ne!(first(Backoff::new().or_seed(5)), first(Backoff::new()));
    // 0 is a seed like any other
    for seed in [0, 4] {
        let given = Backoff::new().with_seed(seed);
        assert_eq!(first(given.or_seed(5)), first(given));
        assert_eq!(first(Backoff::new().or_seed(seed).or_seed(5)), first(given));
    }
}
