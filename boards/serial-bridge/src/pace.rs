//! How fast a line takes bytes.

use peote_net::time::{Duration, Instant};

/// Hands bytes out as fast as the line sends them.
///
/// The system's queue would take thousands at once. Then an answer would seem late that is not, and
/// everything would be sent again while it still lies in that queue.
#[derive(Debug)]
pub(crate) struct Pace {
    baud: u64,
    /// Until when the line is busy with what it has been given, in bits since the clock's start.
    busy: u64,
}

/// What the line may be ahead: a millisecond or two is how exactly a program is woken.
const AHEAD: Duration = Duration::from_millis(4);
/// With start and stop bit.
const BITS: u64 = 10;

impl Pace {
    pub(crate) fn new(baud: u32) -> Self {
        Self { baud: baud.into(), busy: 0 }
    }

    /// Returns how many bytes may be given now.
    pub(crate) fn room(&mut self, now: Instant) -> usize {
        let now = self.bits(now);
        self.busy = self.busy.max(now);
        let until = now + self.baud * AHEAD.as_millis() / 1000 + 16 * BITS;
        usize::try_from(until.saturating_sub(self.busy) / BITS).unwrap_or(usize::MAX)
    }

    pub(crate) fn gave(&mut self, count: usize) {
        self.busy += BITS * count as u64;
    }

    /// Returns when there is room again.
    pub(crate) fn next(&self, now: Instant) -> Instant {
        let ahead = self.busy.saturating_sub(self.bits(now));
        now + Duration::from_millis((ahead * 1000 / self.baud / 2).clamp(1, 20))
    }

    fn bits(&self, now: Instant) -> u64 {
        now.as_millis() * self.baud / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_as_many_bytes_as_the_line_sends() {
        for baud in [300, 9600, 115_200, 3_000_000] {
            let mut pace = Pace::new(baud);
            let mut given = 0;
            let mut now = Instant::from_millis(77_000);
            while now < Instant::from_millis(78_000) {
                let room = pace.room(now);
                pace.gave(room);
                given += room;
                now = pace.next(now);
            }
            let second = baud as usize / 10;
            assert!((second * 9 / 10..=second * 11 / 10 + 16).contains(&given), "{baud}: {given}");
        }
    }
}
