//! What a link does when it is polled: a state machine that says what the transport is to do next.

use embedded_io::{Read, ReadReady, Write, WriteReady};

use super::error::Lost;
use super::front::Queued;
use super::handing::Handler;
#[cfg(feature = "local")]
use super::local::{LineRef, Local, Surroundings};
#[cfg(feature = "local")]
use super::send::Out;
use super::session::Session;
use super::state::{Connection, Held, Owed, Reading, Round, Telling};
use crate::time::{Duration, Instant};

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The handler wants no more events for now.
    Stop,
    /// Write what is queued, if the transport is ready: [`Session::wrote`].
    Write,
    /// Flush what was written.
    Flush,
    /// Read, if the transport is ready: [`Session::came`], [`Session::nothing_came`].
    Read,
    /// Nothing is left to do in this round.
    Done,
}

impl Session<'_> {
    /// Goes on until the handler stops or holds an event (`true`), or nothing is left to do in this
    /// round (`false`).
    pub(super) fn run<T, H>(
        &mut self,
        transport: &mut T,
        now: Instant,
        handler: &mut H,
    ) -> Result<bool, Lost<T::Error>>
    where
        T: Read + ReadReady + Write + WriteReady + ?Sized,
        H: Handler + ?Sized,
    {
        self.settle_held();
        loop {
            let result = match self.step(now, handler) {
                Step::Stop => return Ok(true),
                Step::Done => return Ok(false),
                Step::Flush => transport.flush().map_err(Lost::Transport),
                Step::Write => self.write(transport, now).map_err(Lost::Transport),
                Step::Read => self.read(transport, now),
            };
            if result.is_err() {
                self.lose();
                result?;
            }
        }
    }

    fn write<T: Write + WriteReady + ?Sized>(
        &mut self,
        transport: &mut T,
        now: Instant,
    ) -> Result<(), T::Error> {
        let mut count = 0;
        if transport.write_ready()? {
            let queued = self.out.state.ring.front(self.out.parts.transmit);
            count = transport.write(queued.get(..self.out.state.to_write()).unwrap_or(queued))?;
        }
        self.wrote(count, now);
        Ok(())
    }

    fn read<T: Read + ReadReady + ?Sized>(
        &mut self,
        transport: &mut T,
        now: Instant,
    ) -> Result<(), Lost<T::Error>> {
        if transport.read_ready().map_err(Lost::Transport)? {
            match transport.read(self.inbox.receive).map_err(Lost::Transport)? {
                0 => return Err(Lost::Closed),
                len => self.came(len, now),
            }
        } else if let Some(duration) = self.nothing_came(now) {
            return Err(Lost::Silent { duration });
        }
        Ok(())
    }

    /// Goes on to what the transport is to do next.
    #[inline(never)]
    fn step<H: Handler + ?Sized>(&mut self, now: Instant, handler: &mut H) -> Step {
        loop {
            match self.out.state.round {
                Round::Over => self.begin_round(now),
                Round::Finding => {
                    if self.hand_over_all(now, handler) && self.out.state.reading != Reading::Ending {
                        return Step::Stop;
                    }
                    self.out.state.round = Round::Writing;
                }
                Round::Writing => {
                    self.out.pay();
                    let state = &mut *self.out.state;
                    // what is queued after a loss is for the next connection
                    if state.connection != Connection::Lost && state.to_write() > 0 {
                        return Step::Write;
                    }
                    state.round = Round::Written;
                }
                Round::Written => {
                    let state = &mut *self.out.state;
                    // some transports gather what is written, and are full until they are flushed
                    if core::mem::take(&mut state.unflushed) {
                        return Step::Flush;
                    }
                    if let Some(step) = self.after_writing() {
                        return step;
                    }
                }
            }
        }
    }

    /// Goes on when all has been written. Returns `None` if there are events to be found.
    fn after_writing(&mut self) -> Option<Step> {
        let state = &mut *self.out.state;
        if state.reading != Reading::Ending {
            state.round = Round::Finding;
            if state.front.is_due() || state.tables.kept.is_due() {
                return None;
            }
            if !state.front.has_event() && state.owed == Owed::Nothing {
                if state.received.is_left() {
                    return None;
                }
                if core::mem::replace(&mut state.reading, Reading::Done) == Reading::Due {
                    return Some(Step::Read);
                }
            }
        }
        self.end_round();
        Some(Step::Done)
    }

    #[cfg_attr(not(feature = "speed"), inline(never))]
    fn begin_round(&mut self, now: Instant) {
        let state = &mut *self.out.state;
        state.reading = Reading::Due;
        state.room.begin_round();
        state.front.begin_round();
        state.end_waiting();
        if state.connection == Connection::Lost {
            state.connection = Connection::New;
        }
        // an event that was kept may wait for room; a relay that comes first is heard first
        let is_kept = state.front.has_event() || state.tables.kept.is_any();
        let is_writing = is_kept || state.local.is_behind_relay();
        state.round = if is_writing { Round::Writing } else { Round::Finding };
        let parties = self.out.tables().used_slots().end;
        // what is left of a lost connection is told in its own order
        match self.out.state.telling {
            Telling::Done => self.out.state.tables.kept.begin_round(parties),
            _ => self.out.state.tables.kept.end_round(),
        }
        self.out.local().deleted();
        if !self.out.state.local.is_idle() {
            self.out.local().start_round(now);
        }
    }

    /// The round ends, or the poll does before it.
    pub(super) fn end_round(&mut self) {
        self.out.state.round = Round::Over;
        if self.out.state.reading != Reading::Ending {
            self.out.state.local.take_turns(true);
        }
        if !self.out.state.local.is_idle() {
            let held = self.out.broadcast_in_parts();
            let is_kept = self.out.state.front.is_kept() || self.out.state.tables.kept.is_any();
            self.out.local().end_round(held, is_kept);
        }
    }

    /// Hands all events over that there are now. Returns true if the handler takes no more.
    fn hand_over_all<H: Handler + ?Sized>(
        &mut self,
        #[cfg_attr(not(feature = "local"), expect(unused_variables, reason = "for local users"))]
        now: Instant,
        handler: &mut H,
    ) -> bool {
        // after a round that local users have used up the relay comes first
        #[cfg(feature = "local")]
        if self.out.state.local.is_behind_relay() {
            return self.hand_over_of_relay(handler) || self.hand_over_local(now, handler);
        } else if self.hand_over_local(now, handler) {
            return true;
        }
        self.hand_over_of_relay(handler)
    }

    /// Hands all events of the relay over that there are now. Returns true if the handler takes
    /// no more.
    fn hand_over_of_relay<H: Handler + ?Sized>(&mut self, handler: &mut H) -> bool {
        if self.hand_over_kept(handler) {
            return true;
        }
        loop {
            if !self.out.state.front.has_event() {
                self.tell_loss();
            }
            if !self.out.state.front.has_event() {
                if self.hand_over_received(handler) {
                    return true;
                }
                #[cfg(all(feature = "admission", feature = "server"))]
                if self.out.state.owed == Owed::Door {
                    self.out.state.owed = Owed::Nothing;
                    if self.hand_over_kept(handler) {
                        return true;
                    }
                    continue;
                }
                return false;
            }
            if self.is_blocked() {
                self.out.state.front.settle(true);
                #[cfg(feature = "flow")]
                {
                    self.out.state.owed = self.out.state.owed.or_wait();
                }
            }
            if self.out.state.front.is_kept() {
                return false;
            }
            let verdict = self.hand_over(Held::Relay, handler);
            if self.settle(Held::Relay, verdict) {
                return true;
            }
        }
    }

    /// Returns true if the event at the front has to wait for older ones.
    fn is_blocked(&mut self) -> bool {
        let Queued::Notice(event) = self.out.state.front.event else { return false };
        self.out.tables().is_blocked(event)
    }

    /// Hands over all events there are now of local users and their servers. Returns true if the
    /// handler takes no more.
    #[cfg(feature = "local")]
    fn hand_over_local<H: Handler + ?Sized>(&mut self, now: Instant, handler: &mut H) -> bool {
        while !self.out.state.local.is_idle()
            && let Some(line) = self.next_local(now)
        {
            let verdict = self.hand_over(Held::Local(line), handler);
            if self.settle(Held::Local(line), verdict) {
                return true;
            }
        }
        false
    }

    /// Finds the next local user, or server of one, that has an event.
    #[cfg(feature = "local")]
    fn next_local(&mut self, now: Instant) -> Option<LineRef> {
        let held = self.out.broadcast_in_parts();
        let Self { out: Out { state, parts }, inbox } = self;
        let tables =
            super::tables::Tables { state: &mut state.tables, own: parts.own, parties: parts.parties };
        let mut lines = Local::new(&mut state.local, parts.local.reborrow());
        let chunks = &mut *inbox.chunks;
        lines.advance(Surroundings { tables, chunks, window: parts.window, now, held })
    }

    /// Puts the next event that tells of the lost connection at the front, if there is one.
    #[cfg_attr(not(feature = "speed"), inline(never))]
    fn tell_loss(&mut self) {
        let event = match self.out.state.telling {
            Telling::Done => return,
            // what was kept happened before
            Telling::Link { unsent } => match self.out.tables().next_kept_notice() {
                Some(event) => {
                    self.out.state.front.event = event;
                    return;
                }
                None => {
                    self.out.state.telling = Telling::Channels;
                    return self.out.state.front.event = Queued::LinkLost { unsent };
                }
            },
            Telling::Channels => match self.out.tables().next_lost() {
                Some(event) => event,
                None => {
                    self.out.state.telling = Telling::Done;
                    return;
                }
            },
        };
        self.out.state.front.event = Queued::Notice(event);
    }

    /// `len` bytes have come.
    fn came(&mut self, len: usize, now: Instant) {
        let state = &mut *self.out.state;
        if state.connection == Connection::New {
            state.connection = Connection::Heard;
        }
        state.heard = now;
        (state.received.start, state.received.end) = (0, len);
    }

    /// Nothing can be read. Returns for how long the relay has been silent, if that is too long.
    fn nothing_came(&mut self, now: Instant) -> Option<Duration> {
        self.out.state.round = Round::Written;
        let silent_at = self.out.state.silent_at();
        let is_silent = now >= silent_at && silent_at != Instant::MAX;
        is_silent.then(|| now.saturating_since(self.out.state.heard))
    }

    /// The transport has taken `count` bytes; 0 if it takes none for now.
    fn wrote(&mut self, count: usize, now: Instant) {
        let state = &mut *self.out.state;
        if count == 0 {
            state.round = Round::Written;
            return;
        }
        state.ring.consume(count);
        state.flow.wrote(count);
        state.room.written();
        state.unflushed = true;
        if state.connection != Connection::Open {
            state.connection = Connection::Open;
            state.heard = now;
        }
    }

    /// The connection is lost.
    #[inline(never)]
    fn lose(&mut self) {
        // a user for whose channel something waits is lost with it, and would wait for ever
        if self.is_blocked() {
            self.out.state.front.settle(false);
        }
        self.out.state.lose();
        self.out.tables().lose_all();
        self.out.local().clear();
    }
}
