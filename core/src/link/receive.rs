//! From received bytes to events: a state machine that keeps no borrow between its steps.

use super::tables::{Key, OwnState, PartyState, Tables};
use super::{EnteredChannel, Event, Mode, Source, User};
use crate::Reason;
use crate::chunk::Step;
use crate::protocol::MAX_CHANNELS;
use crate::protocol::to_endpoint::{Capabilities, Decoder, Unit};

/// An event that has happened and not been dealt with yet: all of it but the borrowed bytes.
#[derive(Clone, Copy, Debug)]
#[repr(u8)] // so that `None` is all zero, and a link in a `static` lies in .bss
pub(super) enum Pending {
    /// There is none.
    None,
    /// One without bytes.
    Notice(Event<'static>),
    /// Data, at `start..end` of the receive scratch.
    Data { party: PartyRef, start: usize, end: usize },
    /// A chunk, at `start..end` of the receive scratch.
    Chunk { party: PartyRef, start: usize, end: usize },
    /// A chunk, the first `len` bytes of the party's slot.
    Assembled { party: PartyRef, len: usize },
}

/// A party, as long as it is the one it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartyRef {
    slot: u16,
    generation: u32,
}

/// A piece of a party's data that has been received and not been gone through: `start..end` of the receive scratch.
#[derive(Clone, Copy, Debug)]
struct Piece {
    party: PartyRef,
    start: usize,
    end: usize,
}

/// The receiving state of a link.
#[derive(Debug)]
pub(super) struct Receiver {
    decoder: Decoder,
    /// The part of the receive scratch that has not been decoded.
    start: usize,
    end: usize,
    /// Empty if there is none.
    piece: Piece,
    pub(super) capabilities: Capabilities,
}

impl Receiver {
    pub(super) const fn new() -> Self {
        let piece = Piece { party: PartyRef { slot: 0, generation: 0 }, start: 0, end: 0 };
        Self { decoder: Decoder::new(), start: 0, end: 0, piece, capabilities: Capabilities::NONE }
    }

    /// `len` bytes have been read into the scratch.
    pub(super) const fn received(&mut self, len: usize) {
        self.start = 0;
        self.end = len;
    }

    /// Goes on to the next event, which is put in `pending`. `false`: all that was received has been gone through.
    pub(super) fn advance(
        &mut self,
        mut tables: Tables<'_>,
        scratch: &[u8],
        chunks: &mut [u8],
        chunk_size: usize,
        pending: &mut Pending,
    ) -> bool {
        loop {
            if self.piece.start == self.piece.end {
                let input = scratch.get(self.start..self.end).unwrap_or_default();
                let Some((used, unit)) = self.decoder.decode(input) else {
                    self.start = self.end;
                    return false;
                };
                self.start = self.start.wrapping_add(used);
                match unit {
                    Unit::FromServer { channel, payload } => {
                        self.begin_piece(&tables, Key::entered(channel), payload.bytes().len());
                    }
                    Unit::FromUser { channel, user, payload } => {
                        self.begin_piece(&tables, Key::user(channel, user), payload.bytes().len());
                    }
                    unit => {
                        if let Some(event) = self.control(unit, &mut tables) {
                            *pending = Pending::Notice(event);
                            return true;
                        }
                    }
                }
            }
            if self.piece.start != self.piece.end {
                self.carve(&mut tables, scratch, chunks, chunk_size, pending);
                if !matches!(pending, Pending::None) {
                    return true;
                }
            }
        }
    }

    /// The last `len` decoded bytes are data of the party with this key. Without such a party they are stale.
    #[inline]
    fn begin_piece(&mut self, tables: &Tables<'_>, key: Key, len: usize) {
        if let Some((slot, party)) = tables.find(key).and_then(|slot| Some((slot, tables.party(slot)?))) {
            let party = PartyRef { slot, generation: party.generation };
            self.piece = Piece { party, start: self.start.wrapping_sub(len), end: self.start };
        }
    }

    /// The next event in the current piece of data, if there is one in it.
    #[inline]
    fn carve(
        &mut self,
        tables: &mut Tables<'_>,
        scratch: &[u8],
        chunks: &mut [u8],
        chunk_size: usize,
        pending: &mut Pending,
    ) {
        let Piece { party: reference, start, end } = self.piece;
        self.piece.start = end;
        let party = tables.party_mut(reference.slot).filter(|party| party.generation == reference.generation);
        let Some(party) = party else { return };
        let Mode::Chunks(limit) = party.mode else {
            *pending = Pending::Data { party: reference, start, end };
            return;
        };
        let slot_start = usize::from(reference.slot).wrapping_mul(chunk_size);
        let slot = chunks.get_mut(slot_start..).and_then(|slots| slots.get_mut(..chunk_size));
        let (Some(input), Some(slot)) = (scratch.get(start..end), slot) else { return };
        let (used, step) = party.assembler.feed(limit, input, slot);
        self.piece.start = start.wrapping_add(used);
        match step {
            Step::More => {}
            Step::Whole { start: from, end: to } => {
                let (start, end) = (start.wrapping_add(from), start.wrapping_add(to));
                *pending = Pending::Chunk { party: reference, start, end };
            }
            Step::Completed { len } => *pending = Pending::Assembled { party: reference, len },
            Step::Violation(violation) => {
                self.piece.start = end;
                if let Some(from) = source(tables, reference) {
                    warning!("a peer broke the rules of chunks");
                    *pending = Pending::Notice(Event::Malicious { from, violation });
                }
            }
        }
    }

    /// What an answer or a relay's event means for this link.
    fn control(&mut self, unit: Unit<'_>, tables: &mut Tables<'_>) -> Option<Event<'static>> {
        match unit {
            Unit::Success { tag, channel } => success(tables, tag, channel),
            Unit::Refused { tag, code } => refused(tables, tag, code),
            Unit::UserEntered { channel, user } => user_entered(tables, channel, user),
            Unit::UserGone { channel, user, reason } => {
                if usize::from(channel) >= MAX_CHANNELS {
                    return None;
                }
                let party = tables.find(Key::user(channel, user))?;
                let Some(Source::User { channel, user }) = source_of(tables, party) else { return None };
                tables.free_party(party);
                debug!("a user is gone from own channel {}", channel.slot);
                Some(Event::UserGone { channel, user, reason: Reason::of_end(reason) })
            }
            Unit::ChannelGone { channel, reason } => {
                if usize::from(channel) >= MAX_CHANNELS {
                    return None;
                }
                let slot = tables.find(Key::entered(channel))?;
                let channel = tables.entered_handle(slot);
                tables.free_party(slot);
                debug!("an entered channel is gone");
                Some(Event::ChannelGone { channel, reason: Reason::of_end(reason) })
            }
            Unit::Keepalive { last } => {
                if let Some(capabilities) = Capabilities::from_keepalive(last) {
                    self.capabilities = capabilities;
                }
                None
            }
            // data has been handled; what has no meaning is passed over
            Unit::FromServer { .. } | Unit::FromUser { .. } | Unit::Unknown => None,
        }
    }
}

/// A command was carried out.
fn success(tables: &mut Tables<'_>, tag: u8, number: u8) -> Option<Event<'static>> {
    // no relay gives out such a number; taken as it stands, it would mean another channel
    if usize::from(number) >= MAX_CHANNELS {
        return refused(tables, tag, number);
    }
    if let Some(slot) =
        tables.find_own(|state| matches!(state, OwnState::Creating { tag: t, .. } if t == tag))
    {
        let own = tables.own.get_mut(usize::from(slot))?;
        if own.state == (OwnState::Creating { tag, wanted: true }) {
            own.state = OwnState::Open { number };
            debug!("own channel {} created", slot);
            return Some(Event::Created { channel: tables.own_handle(slot) });
        }
        own.state = OwnState::Unwanted { number };
        tables.state.unwanted = tables.state.unwanted.saturating_add(1);
        return None;
    }
    let slot = tables.find_entering(tag)?;
    if tables.party(slot)?.state == (PartyState::Entering { tag, wanted: true }) {
        tables.set_party(slot, PartyState::Entered { number });
        debug!("entered channel number {}", number);
        return Some(Event::Entered { channel: tables.entered_handle(slot) });
    }
    tables.set_party(slot, PartyState::Unwanted { number });
    tables.state.unwanted = tables.state.unwanted.saturating_add(1);
    None
}

/// A command was refused.
fn refused(tables: &mut Tables<'_>, tag: u8, code: u8) -> Option<Event<'static>> {
    if let Some(slot) =
        tables.find_own(|state| matches!(state, OwnState::Creating { tag: t, .. } if t == tag))
    {
        let wanted = tables.own.get(usize::from(slot))?.state == (OwnState::Creating { tag, wanted: true });
        let channel = tables.own_handle(slot);
        tables.free_own(slot);
        let reason = Reason::of_create(code);
        warning!("creating a channel was refused, code {}", code);
        return wanted.then_some(Event::CreateRefused { channel, reason });
    }
    let slot = tables.find_entering(tag)?;
    let wanted = tables.party(slot)?.state == (PartyState::Entering { tag, wanted: true });
    let channel = tables.entered_handle(slot);
    tables.free_party(slot);
    warning!("entering a channel was refused, code {}", code);
    wanted.then_some(Event::EnterRefused { channel, reason: Reason::of_enter(code) })
}

fn user_entered(tables: &mut Tables<'_>, number: u8, user: u8) -> Option<Event<'static>> {
    let slot = tables.find_own(|state| state == OwnState::Open { number })?;
    let channel = tables.own_handle(slot);
    if tables.find(Key::user(number, user)).is_some() {
        return None; // no relay says so twice
    }
    let mode = tables.own.get(usize::from(slot))?.mode;
    let party = tables.add_party(PartyState::User { own: slot, number, user }, mode);
    let user = User::new(user);
    if party.is_none() {
        warning!("no party is free for a user of own channel {}", slot);
        return Some(Event::Exhausted { channel, user });
    }
    debug!("a user entered own channel {}", slot);
    Some(Event::UserEntered { channel, user })
}

/// Who a party is, for events; `None` if it has changed.
fn source(tables: &Tables<'_>, party: PartyRef) -> Option<Source> {
    tables.party(party.slot).filter(|slot| slot.generation == party.generation)?;
    source_of(tables, party.slot)
}

fn source_of(tables: &Tables<'_>, slot: u16) -> Option<Source> {
    let party = tables.party(slot)?;
    match party.state {
        PartyState::Entered { .. } => {
            Some(Source::Server { channel: EnteredChannel { slot, generation: party.generation } })
        }
        PartyState::User { own, user, .. } => {
            Some(Source::User { channel: tables.own_handle(own), user: User::new(user) })
        }
        _ => None,
    }
}

/// Whether the caller has not given up the channel that a notice is about. What tells of a channel's end is always current.
fn is_current(notice: &Event<'_>, tables: &Tables<'_>) -> bool {
    match *notice {
        Event::Created { channel }
        | Event::UserEntered { channel, .. }
        | Event::UserGone { channel, .. }
        | Event::Exhausted { channel, .. }
        | Event::Malicious { from: Source::User { channel, .. }, .. } => tables.own(channel).is_some(),
        Event::Entered { channel } | Event::Malicious { from: Source::Server { channel }, .. } => {
            tables.entered(channel).is_some()
        }
        _ => true,
    }
}

impl Pending {
    /// The event itself; `None` if it is about a party that has gone since.
    #[inline]
    pub(super) fn event<'a>(
        self,
        tables: &Tables<'_>,
        scratch: &'a [u8],
        chunks: &'a [u8],
        chunk_size: usize,
    ) -> Option<Event<'a>> {
        Some(match self {
            Self::None => return None,
            Self::Notice(event) => Some(event).filter(|event| is_current(event, tables))?,
            Self::Data { party, start, end } => {
                Event::Data { from: source(tables, party)?, bytes: scratch.get(start..end)? }
            }
            Self::Chunk { party, start, end } => {
                Event::Chunk { from: source(tables, party)?, bytes: scratch.get(start..end)? }
            }
            Self::Assembled { party, len } => {
                let start = usize::from(party.slot).saturating_mul(chunk_size);
                let bytes = chunks.get(start..)?.get(..len)?;
                Event::Chunk { from: source(tables, party)?, bytes }
            }
        })
    }
}
