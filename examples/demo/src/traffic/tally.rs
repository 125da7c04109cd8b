//! What was sent, what arrived, what was wrong.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Chunks and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// How many chunks.
    pub chunks: u64,
    /// Their bytes, without any that the protocol adds.
    pub bytes: u64,
}

impl Flow {
    /// One more chunk.
    pub fn add(&mut self, length: usize) {
        self.add_all(1, length as u64);
    }

    /// More chunks. A peer that says more than there can be is believed as far as that goes.
    pub fn add_all(&mut self, chunks: u64, bytes: u64) {
        self.chunks = self.chunks.saturating_add(chunks);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// The account of a run.
#[derive(Debug)]
pub struct Tally {
    /// Sent by clients to their servers.
    pub sent: Flow,
    /// Arrived at servers and verified there.
    pub verified: Flow,
    /// What servers have told clients in the end about the same chunks.
    pub confirmed: Flow,
    /// Sent back by servers.
    pub returned: Flow,
    /// Those that have arrived at the clients and were verified there.
    pub echoes: Flow,
    /// Broadcast by servers to all users of a channel; each counts once, however many users there
    /// are.
    pub to_all: Flow,
    /// Broadcast to all users but one.
    pub to_all_but_one: Flow,
    /// Broadcasts that arrived at clients and were verified there; each counts once for each
    /// client.
    pub broadcasts: Flow,
    /// Broadcasts that clients must not get, and did not get.
    pub spared: u64,
    /// From sending a chunk to verifying its echo, in nanoseconds.
    pub round_trips: Histogram<u64>,
    /// The same since somebody has last emptied it.
    pub recent_round_trips: Histogram<u64>,
    /// How much was wrong.
    pub errors: u64,
    /// The first few things that were wrong.
    pub first_errors: Vec<String>,
    /// Which lengths clients have had verified by servers; the index is the length.
    lengths: Vec<bool>,
}

impl Tally {
    /// An empty account of chunks of up to `longest` bytes.
    #[must_use]
    pub fn new(longest: usize) -> Self {
        Self {
            sent: Flow::default(),
            verified: Flow::default(),
            confirmed: Flow::default(),
            returned: Flow::default(),
            echoes: Flow::default(),
            to_all: Flow::default(),
            to_all_but_one: Flow::default(),
            broadcasts: Flow::default(),
            spared: 0,
            round_trips: new_histogram(),
            recent_round_trips: new_histogram(),
            errors: 0,
            first_errors: Vec::new(),
            lengths: vec![false; longest + 1],
        }
    }

    /// Something was wrong.
    pub fn error(&mut self, what: fmt::Arguments<'_>) {
        const SHOWN: usize = 5;
        self.errors += 1;
        if self.first_errors.len() < SHOWN {
            self.first_errors.push(what.to_string());
        }
    }

    /// A server has verified a chunk.
    pub fn verified(&mut self, length: usize) {
        self.verified.add(length);
        if let Some(seen) = self.lengths.get_mut(length) {
            *seen = true;
        }
    }

    /// A client has verified the echo of a chunk it sent so long ago.
    pub fn echoed(&mut self, length: usize, round_trip: Duration) {
        self.echoes.add(length);
        let nanos = u64::try_from(round_trip.as_nanos()).unwrap_or(u64::MAX);
        self.round_trips.saturating_record(nanos);
        self.recent_round_trips.saturating_record(nanos);
    }

    /// How many different lengths servers have verified.
    #[must_use]
    pub fn different_lengths(&self) -> usize {
        self.lengths.iter().filter(|seen| **seen).count()
    }

    /// All that was sent, by clients and servers; a broadcast counts once.
    #[must_use]
    pub fn departed(&self) -> Flow {
        sum([self.sent, self.returned, self.to_all, self.to_all_but_one])
    }

    /// All that arrived and was verified, at servers and clients.
    #[must_use]
    pub fn arrived(&self) -> Flow {
        sum([self.verified, self.echoes, self.broadcasts])
    }
}

fn sum<const N: usize>(flows: [Flow; N]) -> Flow {
    let mut sum = Flow::default();
    flows.iter().for_each(|flow| sum.add_all(flow.chunks, flow.bytes));
    sum
}

/// Round trips of 1 µs to a minute, to three digits.
fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 3).unwrap_or_else(|error| {
        // The bounds are constants that the crate's documentation allows.
        unreachable!("{error}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lengths_and_keeps_the_first_errors() {
        let mut tally = Tally::new(10);
        for length in [1, 10, 10, 3] {
            tally.verified(length);
        }
        for number in 0..100 {
            tally.error(format_args!("error {number}"));
        }
        assert_eq!((tally.different_lengths(), tally.verified), (3, Flow { chunks: 4, bytes: 24 }));
        assert_eq!((tally.errors, tally.first_errors.len()), (100, 5));
        tally.confirmed.add_all(u64::MAX, 1);
        tally.confirmed.add_all(1, u64::MAX);
        assert_eq!(tally.confirmed, Flow { chunks: u64::MAX, bytes: u64::MAX });
        assert_eq!(tally.first_errors[0], "error 0");
    }

    #[test]
    fn round_trips_have_percentiles() {
        let mut tally = Tally::new(1);
        for millis in 1..=100 {
            tally.echoed(1, Duration::from_millis(millis));
        }
        let median = tally.round_trips.value_at_quantile(0.5);
        assert!((49_900_000..=50_100_000).contains(&median), "{median}");
    }
}
