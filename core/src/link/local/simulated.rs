//! What a simulated network line is like.

use crate::time::Duration;

/// The line that local users of a channel have to its server, and it to them. The default is one
/// without lag and limits.
///
/// Each user has a line of its own, with the same bandwidth in both directions. A record of `n`
/// bytes (a chunk with its length field, or a piece of raw data) leaves when those before it have
/// left and `n / bandwidth` has passed, and arrives half a round trip after that. Time is what is
/// passed to [`Link::poll`](super::super::Link::poll), in whole milliseconds, so a run can be
/// repeated exactly.
///
/// ```
/// use peote_net::link::SimulatedLine;
/// use peote_net::time::Duration;
/// let modem = SimulatedLine::new().round_trip(Duration::from_millis(150)).bytes_per_second(7_000);
/// assert_eq!(modem.one_way(), Duration::from_millis(75));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SimulatedLine {
    /// Milliseconds.
    round_trip: u32,
    /// 0: without limit.
    bytes_per_second: u32,
}

impl SimulatedLine {
    /// A line without lag and without limit of bandwidth.
    #[must_use]
    pub const fn new() -> Self {
        Self { round_trip: 0, bytes_per_second: 0 }
    }

    /// The time from one end to the other and back: 0 to 2³² - 1 ms; what is beyond counts as the
    /// greatest.
    #[must_use]
    pub const fn round_trip(mut self, lag: Duration) -> Self {
        let [a, b, c, d, beyond @ ..] = lag.as_millis().to_le_bytes();
        self.round_trip =
            if matches!(beyond, [0, 0, 0, 0]) { u32::from_le_bytes([a, b, c, d]) } else { u32::MAX };
        self
    }

    /// Bytes a second in each direction; 0: without limit.
    #[must_use]
    pub const fn bytes_per_second(mut self, bytes: u32) -> Self {
        self.bytes_per_second = bytes;
        self
    }

    /// The time from one end to the other.
    #[must_use]
    pub const fn one_way(self) -> Duration {
        Duration::from_millis((self.round_trip / 2) as u64)
    }

    /// How long `bytes` occupy the line, in microseconds.
    pub(super) fn micros(self, bytes: usize) -> u64 {
        // a limit of 0 is none
        (bytes as u64).saturating_mul(1_000_000).checked_div(self.bytes_per_second.into()).unwrap_or(0)
    }
}
