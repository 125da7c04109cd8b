//! What a link does when it is driven: write, read, go through what has come, tell of a lost connection.

use embedded_io::{Read, ReadReady, Write, WriteReady};

use super::local::{LineRef, Local, Surroundings};
use super::pending::Pending;
use super::receive::Receiver;
use super::send::{Out, OutParts, Sender};
use super::tables::Tables;
use super::{BufferParts, Buffers, Error, Event, SILENCE_LIMIT, Status};
use crate::protocol::to_endpoint::Capabilities;
use crate::time::{Duration, Instant};

/// All of a link but its buffers.
#[derive(Debug)]
pub(super) struct State {
    receiver: Receiver,
    sender: Sender,
    /// The relay's event that is to be, or has been, delivered.
    pending: Pending,
    /// Whose event has been delivered, and counts as dealt with unless `again` is set.
    delivered: Delivered,
    again: bool,
    /// How often something has been written, and how often it had been when the pending event was kept.
    writes: u32,
    kept_at: u32,
    /// Local users have been seen to in this poll.
    in_round: bool,
    phase: Phase,
    /// The phase began in an earlier poll. So this one may read as well, and what is written goes to the next connection.
    is_left_over: bool,
    /// Bytes that had not been written when the connection was lost.
    unsent: usize,
    status: Status,
    /// Something has been written to this connection.
    sent: bool,
    /// When something was heard last; `None` until something has been sent, for a relay is silent until then.
    heard: Option<Instant>,
    silence_limit: SilenceLimit,
}

/// How long the relay may say nothing, in milliseconds; the greatest number: for ever. (Kept as the difference to the default, so that a link in a `static`
/// lies in .bss.)
#[derive(Clone, Copy, Debug)]
struct SilenceLimit(u64);

impl SilenceLimit {
    const DEFAULT: Self = Self::new(SILENCE_LIMIT);
    const NEVER: Self = Self::new(Duration::from_millis(u64::MAX));

    const fn new(limit: Duration) -> Self {
        Self(limit.as_millis() ^ SILENCE_LIMIT.as_millis())
    }

    /// When a relay that was heard last at `heard` will have been silent for too long.
    fn after(self, heard: Instant) -> Instant {
        heard.saturating_add(Duration::from_millis(self.0 ^ SILENCE_LIMIT.as_millis()))
    }
}

/// Whose event the handler has seen last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Delivered {
    /// Nobody's, or it has been settled what becomes of it.
    None,
    Relay,
    #[cfg_attr(not(feature = "local"), allow(dead_code, reason = "there are no local users"))]
    Local(LineRef),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is left over: read next.
    Idle,
    /// What has been read is being gone through.
    Received,
    /// The connection is lost: the caller is to be told.
    Lost,
    /// The channels are being told.
    Losing,
}

impl State {
    pub(super) const fn new() -> Self {
        Self {
            receiver: Receiver::new(),
            sender: Sender::new(),
            pending: Pending::NONE,
            delivered: Delivered::None,
            again: false,
            writes: 0,
            kept_at: 0,
            in_round: false,
            phase: Phase::Idle,
            is_left_over: false,
            unsent: 0,
            status: Status::Connecting,
            sent: false,
            heard: None,
            silence_limit: SilenceLimit::DEFAULT,
        }
    }

    pub(super) const fn set_silence_limit(&mut self, limit: Option<Duration>) {
        self.silence_limit = match limit {
            Some(limit) => SilenceLimit::new(limit),
            None => SilenceLimit::NEVER,
        };
    }

    /// When the relay will have been silent for too long.
    #[cfg_attr(target_os = "none", inline(never))] // inlined, it takes more code
    fn silent_at(&self) -> Option<Instant> {
        let at = self.silence_limit.after(self.heard?);
        let never =
            at.as_millis() == u64::MAX || self.receiver.capabilities.contains(Capabilities::NO_KEEPALIVES);
        if never { None } else { Some(at) }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        // while an event waits, nothing is read, and so nothing is found out about the relay
        let silence = if self.wants_read() { self.silent_at() } else { None };
        match (silence, self.sender.local.next_deadline()) {
            (Some(silence), Some(local)) => Some(silence.min(local)),
            (silence, local) => silence.or(local),
        }
    }

    pub(super) const fn status(&self) -> Status {
        self.status
    }

    pub(super) const fn wants_read(&self) -> bool {
        self.pending.is_none() || (matches!(self.delivered, Delivered::Relay) && !self.again)
    }

    pub(super) const fn wants_write(&self) -> bool {
        // an event that waits for room is to be delivered again once there is some
        let made_room = !self.wants_read() && self.kept_at != self.writes;
        self.sender.ring.len() > 0 || made_room || self.sender.local.waits_for_writing(self.writes)
    }

    pub(super) fn out<'a>(&'a mut self, parts: OutParts<'a>) -> Out<'a> {
        Out::new(&mut self.sender, self.receiver.capabilities, &mut self.again, parts)
    }

    /// Whether the event delivered last is the relay's, and to be delivered again.
    pub(super) const fn is_again(&self) -> bool {
        self.again && matches!(self.delivered, Delivered::Relay)
    }

    /// Keeps the event delivered last for the next poll, and writes what the handler has queued.
    pub(super) fn keep<B, T>(&mut self, buffers: &mut B, transport: &mut T) -> Result<(), Error<T::Error>>
    where
        B: Buffers,
        T: Write + WriteReady + ?Sized,
    {
        self.delivered = Delivered::None;
        self.again = false;
        self.kept_at = self.writes;
        let flushed = self.flush(buffers, transport);
        self.end_round(buffers);
        // a connection that was lost just now is told of by this poll
        if flushed.is_ok() {
            self.interrupt();
        }
        flushed
    }

    /// A poll ends, or another one begins, before all that was read or lost has been gone through.
    pub(super) const fn interrupt(&mut self) {
        self.in_round = false;
        self.is_left_over = true;
    }

    /// Goes on until there is an event to deliver (`true`), or nothing is left to do before the caller sleeps (`false`).
    pub(super) fn next<B, T>(
        &mut self,
        buffers: &mut B,
        transport: &mut T,
        now: Instant,
    ) -> Result<bool, Error<T::Error>>
    where
        B: Buffers,
        T: Read + ReadReady + Write + WriteReady + ?Sized,
    {
        self.settle(buffers);
        // most links have no local users at most times
        if self.sender.local.is_idle() {
            self.in_round = true;
        } else if self.next_local(buffers.parts(), now) {
            return Ok(true);
        }
        let result = self.next_of_relay(buffers, transport, now);
        if !matches!(result, Ok(true)) {
            self.end_round(buffers);
        }
        result
    }

    /// What becomes of the event delivered last.
    #[inline]
    fn settle<B: Buffers>(&mut self, buffers: &mut B) {
        let again = core::mem::replace(&mut self.again, false);
        match core::mem::replace(&mut self.delivered, Delivered::None) {
            Delivered::None => {}
            Delivered::Relay if again => {}
            Delivered::Relay => self.pending = Pending::NONE,
            Delivered::Local(line) => {
                Local::new(&mut self.sender.local, buffers.parts().local).settle(line, again, self.writes);
            }
        }
    }

    /// Goes on to the next event of a local user or its server, if there is one.
    fn next_local(&mut self, parts: BufferParts<'_>, now: Instant) -> bool {
        let held = self.sender.held(parts.own_channels);
        let BufferParts { own_channels: own, parties, chunks, chunk_size, local, .. } = parts;
        let tables = Tables { state: &mut self.sender.tables, own, parties };
        let mut local = Local::new(&mut self.sender.local, local);
        if !core::mem::replace(&mut self.in_round, true) {
            local.start_round(now);
        }
        match local.advance(Surroundings { tables, chunks, chunk_size, now, held }) {
            Some(line) => {
                self.delivered = Delivered::Local(line);
                true
            }
            None => false,
        }
    }

    /// The poll ends.
    pub(super) fn end_round<B: Buffers>(&mut self, buffers: &mut B) {
        self.in_round = false;
        if self.sender.local.is_idle() {
            return;
        }
        let held = self.sender.held(buffers.parts().own_channels);
        Local::new(&mut self.sender.local, buffers.parts().local).end_round(held);
    }

    /// Goes on to the next event of the relay.
    fn next_of_relay<B, T>(
        &mut self,
        buffers: &mut B,
        transport: &mut T,
        now: Instant,
    ) -> Result<bool, Error<T::Error>>
    where
        B: Buffers,
        T: Read + ReadReady + Write + WriteReady + ?Sized,
    {
        if !self.pending.is_none() {
            // make room for what could not be sent the last time
            self.flush(buffers, transport)?;
            self.delivered = Delivered::Relay;
            return Ok(true);
        }
        loop {
            match self.phase {
                Phase::Received => {
                    let BufferParts {
                        own_channels: own, parties, chunks, chunk_size, receive, local, ..
                    } = buffers.parts();
                    let tables = Tables { state: &mut self.sender.tables, own, parties };
                    let local = Local::new(&mut self.sender.local, local);
                    if self.receiver.advance(tables, local, receive, chunks, chunk_size, &mut self.pending) {
                        self.delivered = Delivered::Relay;
                        return Ok(true);
                    }
                    self.phase = Phase::Idle;
                    if !self.is_left_over {
                        self.flush(buffers, transport)?;
                        return Ok(false);
                    }
                }
                Phase::Idle => {
                    if self.status == Status::Lost {
                        self.status = Status::Connecting;
                    }
                    self.flush(buffers, transport)?;
                    if !self.receive(buffers, transport, now)? {
                        return Ok(false);
                    }
                }
                Phase::Lost => {
                    self.phase = Phase::Losing;
                    self.pending = Pending::link_lost(self.unsent);
                    self.delivered = Delivered::Relay;
                    return Ok(true);
                }
                Phase::Losing => {
                    let BufferParts { own_channels: own, parties, .. } = buffers.parts();
                    let event = Tables { state: &mut self.sender.tables, own, parties }.next_lost();
                    if let Some(event) = event {
                        self.pending = event;
                        self.delivered = Delivered::Relay;
                        return Ok(true);
                    }
                    self.phase = Phase::Idle;
                    if !self.is_left_over {
                        return Ok(false);
                    }
                }
            }
        }
    }

    /// Whether the pending event is still about somebody who is there. Otherwise it is forgotten.
    pub(super) fn is_current(&mut self, parts: BufferParts<'_>) -> bool {
        let BufferParts { own_channels: own, parties, chunks, chunk_size, receive, local, .. } = parts;
        let pending = Self::current(self.delivered, self.pending, &Local::new(&mut self.sender.local, local));
        let tables = Tables { state: &mut self.sender.tables, own, parties };
        pending.event(&tables, receive, chunks, chunk_size).is_some()
    }

    /// The event that is to be delivered.
    #[inline]
    fn current(delivered: Delivered, pending: Pending, local: &Local<'_>) -> Pending {
        match delivered {
            Delivered::Local(line) => local.pending(line),
            _ => pending,
        }
    }

    /// The pending event, if it is still about somebody who is there, and the sending half.
    #[cfg_attr(target_os = "none", inline)]
    #[cfg_attr(not(target_os = "none"), inline(always))] // an event is not copied then
    pub(super) fn deliver<'a>(&'a mut self, parts: BufferParts<'a>) -> Option<(Event<'a>, Out<'a>)> {
        let BufferParts { own_channels: own, parties, chunks, chunk_size, transmit, receive, mut local } =
            parts;
        let lines = Local::new(&mut self.sender.local, local.reborrow());
        let pending = Self::current(self.delivered, self.pending, &lines);
        let tables = Tables { state: &mut self.sender.tables, own, parties };
        let event = pending.event(&tables, receive, chunks, chunk_size);
        Some((event?, self.out(OutParts { own, parties, transmit, chunk_size, local })))
    }

    /// Reads once. Whether something came.
    fn receive<B, T>(
        &mut self,
        buffers: &mut B,
        transport: &mut T,
        now: Instant,
    ) -> Result<bool, Error<T::Error>>
    where
        B: Buffers,
        T: Read + ReadReady + ?Sized,
    {
        if self.sent && self.heard.is_none() {
            self.heard = Some(now);
        }
        let ready = transport.read_ready();
        let scratch = buffers.parts().receive;
        let read = ready.and_then(|ready| if ready { transport.read(scratch).map(Some) } else { Ok(None) });
        let error = match read {
            Ok(Some(0)) => Error::Closed,
            Ok(Some(len)) => {
                self.receiver.received(len);
                self.status = Status::Connected;
                self.heard = self.heard.map(|_| now);
                self.phase = Phase::Received;
                self.is_left_over = false;
                return Ok(true);
            }
            Ok(None) => match self.heard {
                Some(heard) if self.silent_at().is_some_and(|silent| now >= silent) => {
                    Error::Silent { duration: now.saturating_since(heard) }
                }
                _ => return Ok(false),
            },
            Err(error) => Error::Transport(error),
        };
        self.lose(buffers);
        Err(error)
    }

    /// Writes what is queued, as far as the transport takes it now.
    fn flush<B, T>(&mut self, buffers: &mut B, transport: &mut T) -> Result<(), Error<T::Error>>
    where
        B: Buffers,
        T: Write + WriteReady + ?Sized,
    {
        if matches!(self.phase, Phase::Lost | Phase::Losing) && !self.is_left_over {
            return Ok(()); // what is queued now is for the next connection
        }
        loop {
            if self.sender.tables.unwanted
                && let Some(drop_unwanted) = self.sender.tables.drop_unwanted
            {
                drop_unwanted(&mut self.out(OutParts::of(buffers.parts())));
            }
            let bytes = self.sender.ring.front(buffers.parts().transmit);
            if bytes.is_empty() {
                return Ok(());
            }
            let written =
                transport.write_ready().and_then(|ready| if ready { transport.write(bytes) } else { Ok(0) });
            match written {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    self.sent = true;
                    self.writes = self.writes.wrapping_add(1);
                    self.status = Status::Connected;
                    self.sender.ring.consume(buffers.parts().transmit, count);
                }
                Err(error) => {
                    self.lose(buffers);
                    return Err(Error::Transport(error));
                }
            }
        }
    }

    /// The connection is lost: what belonged to it is forgotten, the channels are to be told.
    fn lose<B: Buffers>(&mut self, buffers: &mut B) {
        warning!("the connection to the relay is lost");
        self.receiver = Receiver::new();
        self.unsent = self.sender.ring.len();
        self.status = Status::Lost;
        self.sender.clear();
        self.sent = false;
        self.heard = None;
        self.phase = Phase::Lost;
        self.is_left_over = false;
        let BufferParts { own_channels: own, parties, local, .. } = buffers.parts();
        Tables { state: &mut self.sender.tables, own, parties }.lose_all();
        Local::new(&mut self.sender.local, local).clear();
    }
}
