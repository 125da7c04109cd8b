//! What a link does when it is driven: write, read, go through what has come, tell of a lost connection.

use embedded_io::{Read, ReadReady, Write, WriteReady};

use super::receive::{Pending, Receiver};
use super::send::{Out, OutParts, Sender};
use super::tables::Tables;
use super::{BufferParts, Buffers, Error, Event, SILENCE_LIMIT};
use crate::time::{Duration, Instant};

/// All of a link but its buffers.
#[derive(Debug)]
pub(super) struct State {
    receiver: Receiver,
    sender: Sender,
    /// The event that is to be, or has been, delivered.
    pending: Pending,
    /// The pending event has been delivered, and counts as dealt with unless `again` is set.
    delivered: bool,
    again: bool,
    /// Something has been written since the pending event was delivered.
    made_room: bool,
    phase: Phase,
    /// Something has been written to this connection.
    sent: bool,
    /// When something was heard last; `None` until something has been sent, for a relay is silent until then.
    heard: Option<Instant>,
    silence_limit: SilenceLimit,
}

/// How long the relay may say nothing. (An enum whose default is all zero, so that a link in a `static` lies in .bss.)
#[derive(Clone, Copy, Debug)]
enum SilenceLimit {
    Default,
    Never,
    After(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is left over: read next.
    Idle,
    /// What has been read is being gone through.
    Received,
    /// The same, but it was read by an earlier poll, so that this one may read as well.
    LeftOver,
    /// The connection is lost and the channels are being told.
    Losing,
    /// The same in a later poll than the one that lost it: what is written now goes to the next connection.
    LosingLater,
}

impl State {
    pub(super) const fn new() -> Self {
        Self {
            receiver: Receiver::new(),
            sender: Sender::new(),
            pending: Pending::None,
            delivered: false,
            again: false,
            made_room: false,
            phase: Phase::Idle,
            sent: false,
            heard: None,
            silence_limit: SilenceLimit::Default,
        }
    }

    pub(super) const fn set_silence_limit(&mut self, limit: Option<Duration>) {
        self.silence_limit = match limit {
            Some(limit) => SilenceLimit::After(limit),
            None => SilenceLimit::Never,
        };
    }

    const fn silence_limit(&self) -> Option<Duration> {
        match self.silence_limit {
            SilenceLimit::Default => Some(SILENCE_LIMIT),
            SilenceLimit::Never => None,
            SilenceLimit::After(limit) => Some(limit),
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        // while an event waits, nothing is read, and so nothing is found out about the relay
        self.wants_read().then_some(self.heard?.saturating_add(self.silence_limit()?))
    }

    pub(super) const fn wants_read(&self) -> bool {
        matches!(self.pending, Pending::None) || (self.delivered && !self.again)
    }

    pub(super) const fn wants_write(&self) -> bool {
        // an event that waits for room is to be delivered again once there is some
        self.sender.ring.len() > 0 || (self.made_room && !self.wants_read())
    }

    pub(super) fn out<'a>(&'a mut self, parts: OutParts<'a>) -> Out<'a> {
        Out::new(&mut self.sender, self.receiver.capabilities, &mut self.again, parts)
    }

    /// Whether the event delivered last is to be delivered again.
    pub(super) const fn is_again(&self) -> bool {
        self.delivered && self.again
    }

    /// Keeps the event delivered last for the next poll, and writes what the handler has queued.
    pub(super) fn keep<B, T>(&mut self, buffers: &mut B, transport: &mut T) -> Result<(), Error<T::Error>>
    where
        B: Buffers,
        T: Write + WriteReady + ?Sized,
    {
        self.delivered = false;
        self.again = false;
        self.made_room = false;
        self.flush(buffers, transport)?;
        self.interrupt();
        Ok(())
    }

    /// A poll ends, or another one begins, before all that was read or lost has been gone through.
    pub(super) const fn interrupt(&mut self) {
        self.phase = match self.phase {
            Phase::Received => Phase::LeftOver,
            Phase::Losing => Phase::LosingLater,
            same => same,
        };
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
        if !matches!(self.pending, Pending::None) {
            if !self.delivered || self.again {
                self.delivered = false;
                self.again = false;
                // make room for what could not be sent the last time
                self.flush(buffers, transport)?;
                return Ok(true);
            }
            self.pending = Pending::None;
        }
        self.delivered = false;
        self.again = false;
        loop {
            match self.phase {
                Phase::Received | Phase::LeftOver => {
                    let BufferParts { own_channels: own, parties, chunks, chunk_size, receive, .. } =
                        buffers.parts();
                    let tables = Tables { state: &mut self.sender.tables, own, parties };
                    if self.receiver.advance(tables, receive, chunks, chunk_size, &mut self.pending) {
                        return Ok(true);
                    }
                    if core::mem::replace(&mut self.phase, Phase::Idle) == Phase::Received {
                        self.flush(buffers, transport)?;
                        return Ok(false);
                    }
                }
                Phase::Idle => {
                    self.flush(buffers, transport)?;
                    if !self.receive(buffers, transport, now)? {
                        return Ok(false);
                    }
                }
                Phase::Losing | Phase::LosingLater => {
                    let BufferParts { own_channels: own, parties, .. } = buffers.parts();
                    let event = Tables { state: &mut self.sender.tables, own, parties }.next_lost();
                    if let Some(event) = event {
                        self.pending = Pending::Notice(event);
                        return Ok(true);
                    }
                    if core::mem::replace(&mut self.phase, Phase::Idle) == Phase::Losing {
                        return Ok(false);
                    }
                }
            }
        }
    }

    /// Whether the pending event is still about somebody who is there. Otherwise it is forgotten.
    pub(super) fn is_current(&mut self, parts: BufferParts<'_>) -> bool {
        let BufferParts { own_channels: own, parties, chunks, chunk_size, receive, .. } = parts;
        let tables = Tables { state: &mut self.sender.tables, own, parties };
        let event = self.pending.event(&tables, receive, chunks, chunk_size);
        if event.is_none() {
            self.pending = Pending::None;
        }
        event.is_some()
    }

    /// The pending event, if it is still about somebody who is there, and the sending half.
    #[inline]
    pub(super) fn deliver<'a>(&'a mut self, parts: BufferParts<'a>) -> Option<(Event<'a>, Out<'a>)> {
        let BufferParts { own_channels: own, parties, chunks, chunk_size, transmit, receive } = parts;
        let tables = Tables { state: &mut self.sender.tables, own, parties };
        let event = self.pending.event(&tables, receive, chunks, chunk_size);
        self.delivered = true;
        Some((event?, self.out(OutParts { own, parties, transmit, chunk_size })))
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
        match read {
            Ok(Some(0)) => Err(self.lose(buffers, Error::Closed)),
            Ok(Some(len)) => {
                self.receiver.received(len);
                self.heard = self.heard.map(|_| now);
                self.phase = Phase::Received;
                Ok(true)
            }
            Ok(None) => match (self.heard, self.silence_limit()) {
                (Some(heard), Some(limit)) if now >= heard.saturating_add(limit) => {
                    Err(self.lose(buffers, Error::Silent { duration: now.saturating_since(heard) }))
                }
                _ => Ok(false),
            },
            Err(error) => Err(self.lose(buffers, Error::Transport(error))),
        }
    }

    /// Writes what is queued, as far as the transport takes it now.
    fn flush<B, T>(&mut self, buffers: &mut B, transport: &mut T) -> Result<(), Error<T::Error>>
    where
        B: Buffers,
        T: Write + WriteReady + ?Sized,
    {
        if self.phase == Phase::Losing {
            return Ok(()); // what is queued now is for the next connection
        }
        loop {
            self.out(OutParts::of(buffers.parts())).drop_unwanted();
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
                    self.made_room = true;
                    self.sender.ring.consume(buffers.parts().transmit, count);
                }
                Err(error) => return Err(self.lose(buffers, Error::Transport(error))),
            }
        }
    }

    /// The connection is lost: what belonged to it is forgotten, the channels are to be told.
    fn lose<B: Buffers, E>(&mut self, buffers: &mut B, error: Error<E>) -> Error<E> {
        warning!("the connection to the relay is lost");
        self.receiver = Receiver::new();
        self.sender.clear();
        self.sent = false;
        self.heard = None;
        self.phase = Phase::Losing;
        let BufferParts { own_channels: own, parties, .. } = buffers.parts();
        Tables { state: &mut self.sender.tables, own, parties }.lose_all();
        error
    }
}
