//! The link's time and smoltcp's.
//!
//! Both count from a moment of the caller's choice; it must be the same one for both. The link's
//! time is in milliseconds, smoltcp's in microseconds.

use peote_net::time::Instant;

/// The link's time as smoltcp's.
///
/// ```
/// # use peote_net::time::Instant;
/// let now = peote_net_smoltcp::time::to_smoltcp(Instant::from_millis(1500));
/// assert_eq!(now.total_millis(), 1500);
/// ```
#[must_use]
pub fn to_smoltcp(instant: Instant) -> smoltcp::time::Instant {
    // Half of what there is: smoltcp adds durations to it, without looking.
    const LAST: i64 = i64::MAX / 2;
    let micros = i64::try_from(instant.as_millis().saturating_mul(1000)).unwrap_or(LAST);
    smoltcp::time::Instant::from_micros(micros.min(LAST))
}

/// smoltcp's time as the link's; the next whole millisecond, so that a deadline has passed when it
/// is looked at.
///
/// ```
/// # use peote_net::time::Instant;
/// let deadline = peote_net_smoltcp::time::from_smoltcp(smoltcp::time::Instant::from_micros(1_500_001));
/// assert_eq!(deadline, Instant::from_millis(1501));
/// ```
#[must_use]
pub fn from_smoltcp(instant: smoltcp::time::Instant) -> Instant {
    Instant::from_millis(u64::try_from(instant.total_micros()).unwrap_or_default().div_ceil(1000))
}

/// The earlier one of two deadlines: the link's or a connector's, and smoltcp's. `None` is never.
///
/// ```
/// # use peote_net::time::Instant;
/// let smoltcp = Some(smoltcp::time::Instant::from_millis(300));
/// assert_eq!(peote_net_smoltcp::time::earlier(Some(Instant::from_millis(200)), smoltcp), Some(Instant::from_millis(200)));
/// assert_eq!(peote_net_smoltcp::time::earlier(None, smoltcp), Some(Instant::from_millis(300)));
/// ```
#[must_use]
pub fn earlier(link: Option<Instant>, smoltcp: Option<smoltcp::time::Instant>) -> Option<Instant> {
    let smoltcp = smoltcp.map(from_smoltcp);
    match (link, smoltcp) {
        (Some(link), Some(smoltcp)) => Some(link.min(smoltcp)),
        (link, smoltcp) => link.or(smoltcp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for millis in [0, 1, 999, 1000, 1_000_000_007, u64::from(u32::MAX) * 1000] {
            assert_eq!(from_smoltcp(to_smoltcp(Instant::from_millis(millis))).as_millis(), millis);
        }
    }

    #[test]
    fn the_end_of_time_leaves_room_for_durations() {
        let last = to_smoltcp(Instant::from_millis(u64::MAX));
        assert!(last + smoltcp::time::Duration::from_secs(3600 * 24 * 365) > last);
        assert!(to_smoltcp(Instant::from_millis(u64::MAX / 1000)) <= last);
    }

    #[test]
    fn before_the_beginning_is_the_beginning() {
        assert_eq!(from_smoltcp(smoltcp::time::Instant::from_millis(-5)), Instant::ZERO);
    }
}
