//! From received bytes to events: a state machine that keeps no borrow between its steps.

use super::local::Local;
use super::pending::{Pending, What};
use super::tables::{Key, OwnState, PartySlot, PartyState, Tables, find};
use super::unwanted::drop_unwanted;
use super::{EnteredChannel, Mode, OwnChannel, Source, User};
use crate::Reason;
use crate::chunk::Step;
use crate::protocol::MAX_CHANNELS;
use crate::protocol::to_endpoint::{Capabilities, Decoder, Unit};

/// A party, as long as it is the one it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartyRef {
    pub(super) slot: u16,
    pub(super) generation: u32,
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

impl PartyRef {
    /// Nobody in particular.
    pub(super) const NONE: Self = Self { slot: 0, generation: 0 };

    /// The party that is in `slot` now.
    #[inline]
    pub(super) fn of(parties: &[PartySlot], slot: u16) -> Option<Self> {
        Some(Self { slot, generation: parties.get(usize::from(slot))?.generation })
    }

    /// The party that `key` means now, if there is one.
    #[inline]
    pub(super) fn find(parties: &[PartySlot], key: Key) -> Option<Self> {
        Self::of(parties, find(parties, key)?)
    }
}

impl From<EnteredChannel> for PartyRef {
    fn from(EnteredChannel { slot, generation }: EnteredChannel) -> Self {
        Self { slot, generation }
    }
}

impl Receiver {
    pub(super) const fn new() -> Self {
        let piece = Piece { party: PartyRef::NONE, start: 0, end: 0 };
        Self { decoder: Decoder::new(), start: 0, end: 0, piece, capabilities: Capabilities::NONE }
    }

    /// `len` bytes have been read into the scratch.
    pub(super) const fn received(&mut self, len: usize) {
        self.start = 0;
        self.end = len;
    }

    /// Goes on to the next event, which is put in `pending`. `false`: all that was received has been gone through.
    #[cfg_attr(not(target_os = "none"), inline(always))] // a tenth faster than being called for each event
    pub(super) fn advance(
        &mut self,
        mut tables: Tables<'_>,
        mut local: Local<'_>,
        scratch: &[u8],
        chunks: &mut [u8],
        chunk_size: usize,
        pending: &mut Pending,
    ) -> bool {
        loop {
            if self.piece.start == self.piece.end {
                let input = scratch.get(self.start..self.end).unwrap_or_default();
                let Some((used, len)) = self.decoder.advance(input) else {
                    self.start = self.end;
                    return false;
                };
                self.start = self.start.wrapping_add(used);
                let Some((channel, user)) = self.decoder.data_of() else {
                    if let Some(event) = self.control(self.decoder.control(), &mut tables, &mut local) {
                        *pending = event;
                        return true;
                    }
                    continue;
                };
                self.begin_piece(&tables, Key::new(channel, user), len);
            }
            if self.piece.start != self.piece.end {
                self.carve(&mut tables, scratch, chunks, chunk_size, pending);
                if !pending.is_none() {
                    return true;
                }
            }
        }
    }

    /// The last `len` decoded bytes are data of the party with this key. Without such a party they are stale.
    #[inline]
    fn begin_piece(&mut self, tables: &Tables<'_>, key: Key, len: usize) {
        if let Some(party) = PartyRef::find(tables.parties, key) {
            self.piece = Piece { party, start: self.start.wrapping_sub(len), end: self.start };
        }
    }

    /// The next event in the current piece of data, if there is one in it.
    #[cfg_attr(not(target_os = "none"), inline)]
    #[cfg_attr(target_os = "none", inline(never))] // inlined, it takes more code
    fn carve(
        &mut self,
        tables: &mut Tables<'_>,
        scratch: &[u8],
        chunks: &mut [u8],
        chunk_size: usize,
        pending: &mut Pending,
    ) {
        let Piece { party, start, end } = self.piece;
        let piece = scratch.get(start..end).unwrap_or_default();
        let (used, event) = take_in(party, piece, start, tables, chunks, chunk_size);
        self.piece.start = start.wrapping_add(used);
        *pending = event;
    }

    /// What an answer or a relay's event means for this link.
    fn control(&mut self, unit: Unit<'_>, tables: &mut Tables<'_>, local: &mut Local<'_>) -> Option<Pending> {
        match unit {
            Unit::Success { tag, channel: value } | Unit::Refused { tag, code: value } => {
                // no relay gives out a number above the greatest; taken as it stands, it would mean another channel
                let is_success = matches!(unit, Unit::Success { .. }) && usize::from(value) < MAX_CHANNELS;
                answered(tables, local, tag, if is_success { Ok(value) } else { Err(value) })
            }
            Unit::UserEntered { channel, user } => user_entered(tables, channel, user),
            Unit::UserGone { channel: number, user, reason } => {
                // (of a link without own channels the compiler knows that it has no users)
                if usize::from(number) >= MAX_CHANNELS || tables.own.is_empty() {
                    return None;
                }
                let party = tables.find(Key::user(number, user))?;
                let PartyState::User { own: slot, .. } = tables.party(party)?.state else { return None };
                let channel = OwnChannel { slot, generation: tables.own.get(usize::from(slot))?.generation };
                tables.free_party(party);
                debug!("a user is gone from own channel {}", slot);
                let gone = Pending::user(What::UserGone, channel, User::new(user));
                Some(gone.because(Reason::of_end(reason)))
            }
            Unit::ChannelGone { channel, reason } => {
                if usize::from(channel) >= MAX_CHANNELS {
                    return None;
                }
                let slot = tables.find(Key::entered(channel))?;
                let channel = tables.entered_handle(slot);
                tables.free_party(slot);
                debug!("an entered channel is gone");
                Some(Pending::entered(What::ChannelGone, channel).because(Reason::of_end(reason)))
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

/// A command was carried out, with the number that the channel has, or refused with a code.
fn answered(
    tables: &mut Tables<'_>,
    local: &mut Local<'_>,
    tag: u8,
    answer: Result<u8, u8>,
) -> Option<Pending> {
    let creating = |state| matches!(state, OwnState::Creating { tag: t, .. } if t == tag);
    if let Some(slot) = tables.find_own(creating) {
        return create_answered(tables, local, slot, answer);
    }
    let slot = tables.find_entering(tag)?;
    let is_wanted = matches!(tables.party(slot)?.state, PartyState::Entering { wanted: true, .. });
    let channel = tables.entered_handle(slot);
    let event = match answer {
        Ok(number) => {
            debug!("entered channel number {}", number);
            tables.state.unwanted |= !is_wanted;
            let state =
                if is_wanted { PartyState::Entered { number } } else { PartyState::Unwanted { number } };
            tables.set_party(slot, state);
            Pending::entered(What::Entered, channel)
        }
        Err(code) => {
            warning!("entering a channel was refused, code {}", code);
            tables.free_party(slot);
            Pending::entered(What::EnterRefused, channel).because(Reason::of_enter(code))
        }
    };
    is_wanted.then_some(event)
}

/// The same for the command that creates the own channel in `slot`.
fn create_answered(
    tables: &mut Tables<'_>,
    local: &mut Local<'_>,
    slot: u8,
    answer: Result<u8, u8>,
) -> Option<Pending> {
    let channel = tables.own_handle(slot);
    let is_wanted = matches!(tables.own(channel)?.state, OwnState::Creating { wanted: true, .. });
    let number = match answer {
        Ok(number) => number,
        Err(code) => {
            warning!("creating a channel was refused, code {}", code);
            tables.free_own(slot);
            local.ended(slot, true);
            let reason = Reason::of_create(code);
            return is_wanted.then_some(Pending::own(What::CreateRefused, channel).because(reason));
        }
    };
    // offline nobody else looks after that
    let is_double = is_wanted && local.is_double(tables.own, slot);
    let own = tables.own.get_mut(usize::from(slot))?;
    if is_wanted && !is_double {
        own.state = OwnState::Open { number };
        debug!("own channel {} created", slot);
        local.opened(slot);
        return Some(Pending::own(What::Created, channel));
    }
    own.state = OwnState::Unwanted { number };
    tables.state.unwanted = true;
    if is_double {
        tables.state.drop_unwanted = Some(drop_unwanted);
        own.generation = own.generation.wrapping_add(1);
        local.ended(slot, true);
    }
    is_double.then_some(Pending::own(What::CreateRefused, channel).because(Reason::NameInUse))
}

fn user_entered(tables: &mut Tables<'_>, number: u8, user: u8) -> Option<Pending> {
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
        return Some(Pending::user(What::Exhausted, channel, user));
    }
    debug!("a user entered own channel {}", slot);
    Some(Pending::user(What::UserEntered, channel, user))
}

/// Who a party is, for events; `None` if it has changed.
#[inline]
pub(super) fn source(tables: &Tables<'_>, PartyRef { slot, generation }: PartyRef) -> Option<Source> {
    let party = tables.party(slot).filter(|party| party.generation == generation)?;
    // without own channels the compiler sees that there are no users either
    let handle =
        |own: u8| Some(OwnChannel { slot: own, generation: tables.own.get(usize::from(own))?.generation });
    match party.state {
        PartyState::Entered { .. } | PartyState::Joined { .. } => {
            Some(Source::Server { channel: EnteredChannel { slot, generation } })
        }
        PartyState::User { own: channel, user, .. } => {
            Some(Source::User { channel: handle(channel)?, user: User::new(user) })
        }
        #[cfg(feature = "local")]
        PartyState::LocalUser { own: channel, user } => {
            Some(Source::User { channel: handle(channel)?, user: User::local(user) })
        }
        _ => None,
    }
}

/// Takes a piece of a party's data in, up to the first event: how many bytes of it were used, and what came of them. Without that party it is stale.
///
/// `at` is where the piece lies, for what has been received.
#[inline]
pub(super) fn take_in(
    party: PartyRef,
    piece: &[u8],
    at: usize,
    tables: &mut Tables<'_>,
    chunks: &mut [u8],
    chunk_size: usize,
) -> (usize, Pending) {
    let all = piece.len();
    let slot_start = usize::from(party.slot).wrapping_mul(chunk_size);
    let slot = chunks.get_mut(slot_start..).and_then(|slots| slots.get_mut(..chunk_size));
    let receiver = tables.party_mut(party.slot).filter(|slot| slot.generation == party.generation);
    let (Some(slot), Some(receiver)) = (slot, receiver) else { return (all, Pending::NONE) };
    let received = |start, end| Pending::received(party, at.wrapping_add(start), at.wrapping_add(end));
    let Mode::Chunks(limit) = receiver.mode else { return (all, received(0, all)) };
    match receiver.assembler.feed(limit, piece, slot) {
        (used, Step::More) => (used, Pending::NONE),
        (used, Step::Whole { start, end }) => (used, received(start, end)),
        (used, Step::Completed { len }) => (used, Pending::assembled(party, len)),
        (_, Step::Violation(violation)) => {
            warning!("a peer broke the rules of chunks");
            (all, Pending::malicious(party, violation))
        }
    }
}
