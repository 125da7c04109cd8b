//! Draining: a relay that is about to go has its endpoints move elsewhere, one after the other.

use std::collections::VecDeque;
use std::time::Duration;

use peote_net::relay::ConnectionId;
use tracing::info;

use super::Relay;
use super::close::Why;
use crate::places::index;
use crate::times::millis;

/// Connections that are closed in one turn, at most.
const AT_ONCE: usize = 64;

/// Milliseconds for which one that has not taken what is queued for it is left alone, before it is
/// tried again.
const AGAIN: u64 = 100;

/// Milliseconds after which an endpoint may come back, to a relay that is not drained: at once.
/// They are spread by when they are closed.
const COME_BACK: u64 = 0;

/// Connections that still have to go, and when.
#[derive(Debug)]
pub(super) struct Drain {
    since: u64,
    over: u64,
    /// How many there were when it began.
    total: usize,
    /// How many of them were looked at once.
    done: usize,
    left: VecDeque<ConnectionId>,
    /// Those that had not taken what is queued for them, and when to look again.
    slow: VecDeque<(u64, ConnectionId)>,
}

impl Drain {
    fn new(since: u64, over: u64, all: VecDeque<ConnectionId>) -> Self {
        Self { since, over, total: all.len(), done: 0, left: all, slow: VecDeque::new() }
    }

    /// How many have to have gone by `now`: as many more in each part of the time as in each other.
    fn due(&self, now: u64) -> usize {
        let passed = u128::from(now.saturating_sub(self.since).min(self.over));
        let all = self.total as u128;
        // the first one goes when its part of the time is over, and the last one at the end
        let due = if self.over == 0 { all } else { all * passed / u128::from(self.over) };
        usize::try_from(due).unwrap_or(self.total)
    }

    /// When the next one has to go, in milliseconds.
    pub(super) fn next(&self) -> Option<u64> {
        let of_left = (!self.left.is_empty()).then(|| {
            let share = (self.done as u128 + 1) * u128::from(self.over);
            let after = share.div_ceil((self.total as u128).max(1));
            self.since + u64::try_from(after).unwrap_or(self.over)
        });
        let of_slow = self.slow.front().map(|(at, _)| *at);
        of_left.into_iter().chain(of_slow).min()
    }

    /// The next one that has to go by `now`, if there is one; the rest of the time it is somebody
    /// else's.
    fn take(&mut self, now: u64) -> Option<ConnectionId> {
        if self.slow.front().is_some_and(|(at, _)| *at <= now) {
            return self.slow.pop_front().map(|(_, id)| id);
        }
        if self.done >= self.due(now) {
            return None;
        }
        self.done += 1;
        self.left.pop_front()
    }

    /// Whether one that has not taken everything may still be waited for.
    fn is_patient(&self, now: u64) -> bool {
        now < self.since + self.over
    }
}

impl Relay {
    /// Has all endpoints go elsewhere: from now on nothing is created, no connection is accepted,
    /// `/health` says 503 and `draining`, and connections are closed one after the other, spread
    /// evenly `over` this time. They get what is queued for them first, as far as they take it in
    /// that time.
    ///
    /// A WebSocket is closed with code 1012, which says that the service restarts. Done again, it
    /// begins anew with the connections that are left. There is no way back but a new start.
    pub fn drain(&mut self, over: Duration) {
        self.set_now(Some(Duration::ZERO));
        let now = self.connections.now;
        let slots = self.connections.slots.iter().flatten();
        let all: VecDeque<_> = slots.map(|connection| connection.id).collect();
        info!(connections = all.len(), seconds = over.as_secs_f32(), "draining");
        self.connections.is_draining = true;
        self.drain = Some(Drain::new(now, millis(over), all));
    }

    /// Whether the relay was told to [`drain`](Self::drain).
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_some()
    }

    /// Whether all connections that had to go are gone.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.is_draining() && self.core.connections() == self.stand_ins() && self.lingering.next().is_none()
    }

    /// Closes those whose time has come.
    pub(super) fn drain_some(&mut self) {
        if self.drain.is_none() {
            return;
        }
        let now = self.connections.now;
        for _ in 0..AT_ONCE {
            let Some(id) = self.drain.as_mut().and_then(|drain| drain.take(now)) else { return };
            let of_id = |relay: &mut Self| {
                relay.connections.get(index(id)).is_some_and(|connection| connection.id == id)
            };
            if !of_id(self) {
                continue;
            }
            self.connections.write(index(id));
            let is_behind = self.connections.get(index(id)).is_some_and(|connection| connection.has_output());
            match self.drain.as_mut() {
                Some(drain) if is_behind && drain.is_patient(now) => drain.slow.push_back((now + AGAIN, id)),
                _ => {
                    self.say_come_back(index(id), COME_BACK);
                    self.close(index(id), &Why::Drained);
                }
            }
        }
    }

    /// Tells an endpoint that it is to come back in so many milliseconds, where it has said that it
    /// understands that.
    fn say_come_back(&mut self, index: u32, millis: u64) {
        let Some(id) = self.connections.get(index).map(|connection| connection.id) else { return };
        let millis = u32::try_from(millis).unwrap_or(u32::MAX);
        self.core.say_come_back(id, millis, &mut self.connections);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When each of so many goes, on a clock that is looked at whenever something is due.
    fn times(total: usize, over: u64) -> Vec<u64> {
        let all = std::iter::repeat_n(ConnectionId::default(), total).collect();
        let mut drain = Drain::new(1000, over, all);
        let mut times = Vec::new();
        while let Some(next) = drain.next() {
            while drain.take(next).is_some() {
                times.push(next - 1000);
            }
        }
        times
    }

    #[test]
    fn ten_thousand_go_at_an_even_pace() {
        for (total, over) in [(10_000, 60_000), (10_000, 7_777), (10_000, 1_000), (7, 60_000), (1, 5)] {
            let times = times(total, over);
            assert_eq!(times.len(), total);
            assert!(times.is_sorted() && times.last() == Some(&over), "the last one goes at the end");
            // in no tenth of the time more than twice the average
            let tenth = over / 10;
            for begin in (0..over).step_by(usize::try_from((tenth / 10).max(1)).unwrap()) {
                let within = times.iter().filter(|at| (begin..begin + tenth).contains(*at)).count();
                assert!(within <= 2 * total.div_ceil(10), "{within} of {total} in {tenth} ms from {begin}");
            }
        }
    }

    #[test]
    fn without_time_all_go_at_once() {
        assert_eq!(times(1000, 0), [0; 1000]);
        assert!(times(0, 1000).is_empty());
    }

    #[test]
    fn a_clock_that_is_looked_at_late_catches_up() {
        let all = std::iter::repeat_n(ConnectionId::default(), 100).collect();
        let mut drain = Drain::new(0, 1000, all);
        let mut gone = |now| std::iter::from_fn(|| drain.take(now)).count();
        assert_eq!((gone(9), gone(10), gone(500), gone(2000)), (0, 1, 49, 50));
    }
}
