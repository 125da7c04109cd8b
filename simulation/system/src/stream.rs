//! One connection between the relay and an endpoint.

use std::net::SocketAddr;

use crate::pipe::{End, Pipe};
use crate::registered::Registered;

/// The part of what may wait for an endpoint that lies in the relay's system, unacknowledged: one
/// in so many.
const UNSENT: usize = 2;

/// Times are in microseconds.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) address: SocketAddr,
    pub(crate) to_relay: Pipe,
    pub(crate) to_endpoint: Pipe,
    /// Each direction's bytes take up to so much longer.
    pub(crate) jitter: u64,
    pub(crate) registered: Option<Registered>,
    /// The relay has a socket of it, and the endpoint.
    pub(crate) of_relay: bool,
    pub(crate) of_endpoint: bool,
    /// A write was short, or it was asked whether there is room and there was none.
    pub(crate) no_space: bool,
    /// The endpoint is gone without a word: nothing of it or to it arrives any more.
    pub(crate) vanished: bool,
    /// The relay's system has given the connection up.
    pub(crate) timed_out: bool,
    /// The relay was told that the connection is broken.
    pub(crate) told: bool,
    /// How long nothing may be taken of what waits, and since when nothing is.
    pub(crate) user_timeout: Option<u64>,
    pub(crate) waits_since: Option<u64>,
}

impl Stream {
    pub(crate) fn new(address: SocketAddr, to_relay: Pipe, to_endpoint: Pipe, jitter: u64) -> Self {
        Self {
            address,
            to_relay,
            to_endpoint,
            jitter,
            registered: None,
            of_relay: true,
            of_endpoint: true,
            no_space: false,
            vanished: false,
            timed_out: false,
            told: false,
            user_timeout: None,
            waits_since: None,
        }
    }

    /// Whether it is broken for the relay.
    pub(crate) fn is_broken(&self) -> bool {
        self.timed_out || self.to_relay.ended() == Some(End::Reset)
    }

    pub(crate) fn is_read_closed(&self) -> bool {
        self.timed_out || self.to_relay.ended().is_some()
    }

    pub(crate) fn is_readable(&self) -> bool {
        self.to_relay.arrived > 0 || self.is_read_closed()
    }

    /// As on Linux: when a third of it is free.
    pub(crate) fn is_writable(&self) -> bool {
        self.is_broken() || self.to_endpoint.room() * 3 >= self.to_endpoint.capacity
    }

    /// Notes since when nothing is taken, after something was written or taken.
    pub(crate) fn note_waiting(&mut self, now: u64, is_taken: bool) {
        let most = if self.vanished { 0 } else { self.to_endpoint.capacity / UNSENT };
        let waits = self.of_relay && self.to_endpoint.len() > most;
        match (waits, self.waits_since) {
            (true, None) => self.waits_since = Some(now),
            (true, Some(_)) if is_taken => self.waits_since = Some(now),
            (false, _) => self.waits_since = None,
            _ => {}
        }
    }

    fn gives_up_at(&self) -> Option<u64> {
        if self.timed_out {
            return None;
        }
        Some(self.waits_since? + self.user_timeout?)
    }

    /// Lets arrive what is due. Returns whether that is news for the relay.
    pub(crate) fn arrive(&mut self, now: u64) -> bool {
        self.to_endpoint.arrive(now);
        if !self.of_endpoint && !self.vanished && self.to_endpoint.arrived > 0 {
            // nobody is there any more: the answer is a reset
            self.to_endpoint.clear();
            self.to_relay.end(now, End::Reset);
        }
        let came = self.to_relay.arrive(now);
        if came && !self.of_relay && self.to_relay.arrived > 0 {
            self.to_relay.clear();
            self.to_endpoint.end(now, End::Reset);
        }
        let gives_up = self.gives_up_at().is_some_and(|at| at <= now);
        self.timed_out |= gives_up;
        came || gives_up
    }

    /// When something happens to it next.
    pub(crate) fn next(&self) -> Option<u64> {
        [self.to_relay.next(), self.to_endpoint.next(), self.gives_up_at()].into_iter().flatten().min()
    }
}
