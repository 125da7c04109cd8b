//! The sending half of a link.

use super::buffers::BufferParts;
use super::payload::{Payload, Route};
use super::ring::Ring;
use super::tables::{Key, OwnState, PartyState, TableState, Tables, find};
use super::{Destination, EnteredChannel, Mode, OwnChannel, SendError, User};
use crate::chunk::EncodedLength;
use crate::protocol::to_endpoint::Capabilities;
use crate::protocol::to_relay::{self, Command};
use crate::protocol::{Header, MAX_CHANNELS, MAX_NAME, MAX_UNIT_PAYLOAD};

/// Bytes of a leave or delete command.
const NUMBER_COMMAND: usize = 5;

/// What the sending half keeps between calls, besides the tables.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) ring: Ring,
    unfinished: Unfinished,
    pub(super) tables: TableState,
}

impl Sender {
    pub(super) const fn new() -> Self {
        Self { ring: Ring::new(), unfinished: Unfinished::NONE, tables: TableState::new() }
    }

    /// Forgets what was to be sent.
    pub(super) const fn clear(&mut self) {
        self.ring.clear();
        self.unfinished = Unfinished::NONE;
    }
}

/// A chunk that is being written in parts, if there is one.
#[derive(Clone, Copy, Debug)]
struct Unfinished {
    to: Destination,
    /// The generation of the user's party, if it goes to one user: its number can mean somebody else later.
    party: u32,
    /// Bytes it lacks; 0 if there is none.
    left: usize,
    /// Its length field, empty once that has been queued.
    length: EncodedLength,
}

impl Unfinished {
    /// None. (All zero, so that a link in a `static` lies in .bss.)
    const NONE: Self = Self {
        to: Destination::Server(EnteredChannel { slot: 0, generation: 0 }),
        party: 0,
        left: 0,
        length: EncodedLength::NONE,
    };
}

/// The sending half of a link: queues commands and payloads in the transmit ring, from where polls write them.
///
/// Nothing here blocks or touches the transport. Everything is all or nothing: it is queued whole, or an error says why nothing was queued.
#[derive(Debug)]
pub struct Out<'a> {
    sender: &'a mut Sender,
    capabilities: Capabilities,
    again: &'a mut bool,
    parts: OutParts<'a>,
}

/// The part of a link's memory that sending needs.
#[derive(Debug)]
pub(super) struct OutParts<'a> {
    pub(super) own: &'a mut [super::OwnSlot],
    pub(super) parties: &'a mut [super::PartySlot],
    pub(super) transmit: &'a mut [u8],
    pub(super) chunk_size: usize,
}

impl<'a> OutParts<'a> {
    pub(super) fn of(parts: BufferParts<'a>) -> Self {
        let BufferParts { own_channels: own, parties, transmit, chunk_size, .. } = parts;
        Self { own, parties, transmit, chunk_size }
    }
}

impl<'a> Out<'a> {
    pub(super) fn new(
        sender: &'a mut Sender,
        capabilities: Capabilities,
        again: &'a mut bool,
        parts: OutParts<'a>,
    ) -> Self {
        Self { sender, capabilities, again, parts }
    }

    /// The same sending half for a shorter time, to be moved into something.
    #[inline]
    pub(crate) fn reborrow(&mut self) -> Out<'_> {
        let OutParts { own, parties, transmit, chunk_size } = &mut self.parts;
        Out {
            sender: self.sender,
            capabilities: self.capabilities,
            again: self.again,
            parts: OutParts { own, parties, transmit, chunk_size: *chunk_size },
        }
    }

    fn tables(&mut self) -> Tables<'_> {
        Tables { state: &mut self.sender.tables, own: self.parts.own, parties: self.parts.parties }
    }

    /// Asks the relay to create a channel. [`Event::Created`](super::Event::Created) or [`Event::CreateRefused`](super::Event::CreateRefused)
    /// brings the answer.
    ///
    /// `name` is 0 to 255 bytes, in practice UTF-8. The users of the channel have to use the same mode.
    ///
    /// # Errors
    /// [`SendError::NameTooLong`], [`SendError::ChunkLimit`], [`SendError::TooManyOwnChannels`], [`SendError::TooManyCommands`],
    /// [`SendError::WouldBlock`].
    pub fn create(&mut self, name: impl AsRef<[u8]>, mode: Mode) -> Result<OwnChannel, SendError> {
        let name = name.as_ref();
        self.check_mode(mode)?;
        if self.tables().find_own(|state| state == OwnState::Free).is_none() {
            return Err(SendError::TooManyOwnChannels);
        }
        let tag = self.command_with_name(Command::Create, name)?;
        self.tables().add_own(tag, mode).ok_or(SendError::TooManyOwnChannels)
    }

    /// Asks the relay to let this link into a channel. [`Event::Entered`](super::Event::Entered) or
    /// [`Event::EnterRefused`](super::Event::EnterRefused) brings the answer.
    ///
    /// `name` and `mode` have to be those of the channel's server.
    ///
    /// # Errors
    /// [`SendError::NameTooLong`], [`SendError::ChunkLimit`], [`SendError::TooManyParties`], [`SendError::TooManyEnteredChannels`],
    /// [`SendError::TooManyCommands`], [`SendError::WouldBlock`].
    pub fn enter(&mut self, name: impl AsRef<[u8]>, mode: Mode) -> Result<EnteredChannel, SendError> {
        let name = name.as_ref();
        self.check_mode(mode)?;
        if self.tables().entered_count() >= MAX_CHANNELS {
            return Err(SendError::TooManyEnteredChannels);
        }
        // the place is taken before the command is queued, and given back should that fail
        let state = PartyState::Entering { tag: 0, wanted: true };
        let slot = self.tables().add_party(state, mode).ok_or(SendError::TooManyParties)?;
        match self.command_with_name(Command::Enter, name) {
            Ok(tag) => {
                self.tables().set_party(slot, PartyState::Entering { tag, wanted: true });
                Ok(self.tables().entered_handle(slot))
            }
            Err(error) => {
                self.tables().free_party(slot);
                Err(error)
            }
        }
    }

    /// Deletes an own channel. Its users hear of it; for this link the channel and its users are gone at once, without further events.
    ///
    /// A channel the relay has not answered for yet is deleted as soon as it has, without an event.
    ///
    /// # Errors
    /// [`SendError::NotOpen`], [`SendError::WouldBlock`].
    pub fn delete(&mut self, channel: OwnChannel) -> Result<(), SendError> {
        let mut tables = self.tables();
        let own = tables.own_mut(channel).ok_or(SendError::NotOpen)?;
        match own.state {
            OwnState::Creating { tag, wanted: true } => {
                own.state = OwnState::Creating { tag, wanted: false };
                own.generation = own.generation.wrapping_add(1);
            }
            OwnState::Open { number } => {
                self.queue(&to_relay::number_command(Command::Delete, number))?;
                self.tables().free_own(channel.slot);
            }
            _ => return Err(SendError::NotOpen),
        }
        Ok(())
    }

    /// Leaves an entered channel. Its server hears of it; for this link the channel is gone at once, without further events.
    ///
    /// A channel the relay has not answered for yet is left as soon as it has, without an event.
    ///
    /// # Errors
    /// [`SendError::NotOpen`], [`SendError::WouldBlock`].
    pub fn leave(&mut self, channel: EnteredChannel) -> Result<(), SendError> {
        let mut tables = self.tables();
        let state = tables.entered(channel).map(|party| party.state);
        match state {
            Some(PartyState::Entering { tag, wanted: true }) => {
                tables.set_party(channel.slot, PartyState::Entering { tag, wanted: false });
                if let Some(party) = tables.party_mut(channel.slot) {
                    party.generation = party.generation.wrapping_add(1);
                }
            }
            Some(PartyState::Entered { number }) => {
                self.queue(&to_relay::number_command(Command::Leave, number))?;
                self.tables().free_party(channel.slot);
            }
            _ => return Err(SendError::NotOpen),
        }
        Ok(())
    }

    /// Sends `bytes`: raw data in a channel of [`Mode::Data`], one whole chunk in a channel of [`Mode::Chunks`].
    ///
    /// ```
    /// use peote_net::link::{EnteredChannel, Out, SendError};
    /// fn hello(out: &mut Out<'_>, chat: EnteredChannel) -> Result<(), SendError> {
    ///     out.send(chat, b"hello")
    /// }
    /// ```
    ///
    /// # Errors
    /// [`SendError::WouldBlock`], [`SendError::NotOpen`], [`SendError::Empty`], [`SendError::ChunkTooLarge`],
    /// [`SendError::RingTooSmall`], [`SendError::ChunkUnfinished`].
    #[inline]
    pub fn send(&mut self, to: impl Into<Destination>, bytes: &[u8]) -> Result<(), SendError> {
        self.send_with(to, bytes.len(), |payload| payload.put(bytes))
    }

    /// Like [`Out::send`], with the bytes in several pieces that are sent as one.
    ///
    /// # Errors
    /// Those of [`Out::send`].
    #[inline]
    pub fn send_parts(&mut self, to: impl Into<Destination>, parts: &[&[u8]]) -> Result<(), SendError> {
        let len = parts.iter().fold(0usize, |len, part| len.saturating_add(part.len()));
        self.send_with(to, len, |payload| parts.iter().for_each(|part| payload.put(part)))
    }

    /// Like [`Out::send`], with `len` bytes that `write` puts into the ring piece by piece, so that they need not lie anywhere before.
    ///
    /// `write` is called once, and only if all `len` bytes fit. What it puts beyond `len` bytes is left out, what it fails to put is sent as zeros.
    ///
    /// ```
    /// use peote_net::link::{EnteredChannel, Out, SendError};
    /// fn reading(out: &mut Out<'_>, channel: EnteredChannel, id: u8, value: i32) -> Result<(), SendError> {
    ///     out.send_with(channel, 5, |payload| {
    ///         payload.put(&[id]);
    ///         payload.put(&value.to_le_bytes());
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of [`Out::send`].
    pub fn send_with(
        &mut self,
        to: impl Into<Destination>,
        len: usize,
        write: impl FnOnce(&mut Payload<'_>),
    ) -> Result<(), SendError> {
        let mut payload = self.payload(to.into(), len)?;
        write(&mut payload);
        Ok(())
    }

    /// Checks everything that can be wrong with sending `len` bytes, and begins.
    #[inline]
    fn payload(&mut self, to: Destination, len: usize) -> Result<Payload<'_>, SendError> {
        let (route, mode) = self.route(to)?;
        let length = self.length_field(mode, len)?.unwrap_or(EncodedLength::NONE);
        self.check_unfinished(to)?;
        let in_all = len.saturating_add(length.as_bytes().len());
        self.check_room(route.wire_len(in_all))?;
        // the length field and as many bytes as there is room for beside it make the first unit
        let first = in_all.min(MAX_UNIT_PAYLOAD);
        self.push_head(route.header(first), length.as_bytes());
        let unit = first.saturating_sub(length.as_bytes().len());
        Ok(Payload::new(&mut self.sender.ring, self.parts.transmit, route, unit, len.saturating_sub(unit)))
    }

    /// Begins a chunk of `len` bytes that is written in parts with [`Out::write_chunk`], for chunks that the ring cannot hold whole.
    ///
    /// Until all of it is written, nothing else can be sent to those it goes to. There can be one such chunk at a time on a link.
    ///
    /// # Errors
    /// [`SendError::NotOpen`] (also for a channel of [`Mode::Data`], where there are no chunks), [`SendError::Empty`],
    /// [`SendError::ChunkTooLarge`], [`SendError::ChunkUnfinished`].
    pub fn begin_chunk(&mut self, to: impl Into<Destination>, len: usize) -> Result<(), SendError> {
        let to = to.into();
        let (_, mode) = self.route(to)?;
        let length = self.length_field(mode, len)?;
        self.check_unfinished(to)?;
        if self.unfinished() > 0 {
            return Err(SendError::ChunkUnfinished);
        }
        let length = length.ok_or(SendError::NotOpen)?;
        self.sender.unfinished = Unfinished { to, party: self.user_generation(to), left: len, length };
        Ok(())
    }

    /// Queues as much of `bytes` as there is room for, as the next part of the chunk that was begun, and says how many bytes that was.
    ///
    /// # Errors
    /// [`SendError::NoChunkBegun`], [`SendError::ChunkOverrun`], [`SendError::Empty`], [`SendError::WouldBlock`] if there is no room at all,
    /// [`SendError::NotOpen`] if those it goes to are gone; the chunk is then forgotten.
    pub fn write_chunk(&mut self, bytes: &[u8]) -> Result<usize, SendError> {
        let Unfinished { to, party, left, length } = self.sender.unfinished;
        if left == 0 {
            return Err(SendError::NoChunkBegun);
        }
        if self.unfinished() == 0 {
            self.sender.unfinished = Unfinished::NONE;
            return Err(SendError::NotOpen);
        }
        let (route, _) = self.route(to)?;
        if bytes.is_empty() {
            return Err(SendError::Empty);
        }
        if bytes.len() > left {
            return Err(SendError::ChunkOverrun { left });
        }
        let length = length.as_bytes();
        let room = self.free().saturating_sub(Header::MAX.saturating_add(length.len()));
        let most = MAX_UNIT_PAYLOAD.saturating_sub(length.len());
        let count = bytes.len().min(room).min(most);
        let Some(part) = bytes.get(..count).filter(|part| !part.is_empty()) else {
            return Err(SendError::WouldBlock);
        };
        self.push_head(route.header(count.saturating_add(length.len())), length);
        self.push(part);
        let left = left.saturating_sub(count);
        self.sender.unfinished = Unfinished { to, party, left, length: EncodedLength::NONE };
        Ok(count)
    }

    /// Bytes that the chunk in parts still lacks; 0 if none has been begun, or those it goes to are gone.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        let Unfinished { to, party, left, .. } = self.sender.unfinished;
        let there = left > 0 && self.route(to).is_ok() && self.user_generation(to) == party;
        if there { left } else { 0 }
    }

    /// Bytes of the transmit ring that are free.
    #[must_use]
    pub fn free(&self) -> usize {
        self.sender.ring.free(self.parts.transmit)
    }

    /// Whether [`Out::send`] would queue `len` bytes for `to` now, instead of an error.
    #[must_use]
    pub fn can_send(&self, to: impl Into<Destination>, len: usize) -> bool {
        let to = to.into();
        let fits = || {
            let (route, mode) = self.route(to)?;
            let length = self.length_field(mode, len)?;
            self.check_unfinished(to)?;
            let payload = len.saturating_add(length.map_or(0, |length| length.as_bytes().len()));
            self.check_room(route.wire_len(payload))
        };
        fits().is_ok()
    }

    /// The users that are in an own channel now, in no particular order.
    pub fn users(&self, channel: OwnChannel) -> impl Iterator<Item = User> {
        let known = self.own_generation(channel) == Some(channel.generation);
        self.parts.parties.iter().filter_map(move |party| match party.state {
            PartyState::User { own, user, .. } if known && own == channel.slot => Some(User::new(user)),
            _ => None,
        })
    }

    /// What the relay has announced that it can do beyond the original protocol.
    #[must_use]
    pub const fn relay_capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Has the event that came together with this `Out` delivered again at the next poll: for callers of
    /// [`Link::next_event`](super::Link::next_event) what [`Flow::Again`](super::Flow::Again) is for handlers.
    pub const fn again(&mut self) {
        *self.again = true;
    }

    // ---- checks

    fn own_generation(&self, channel: OwnChannel) -> Option<u32> {
        self.parts.own.get(usize::from(channel.slot)).map(|own| own.generation)
    }

    /// The generation of the party that `to` means, if it is one user; else 0.
    fn user_generation(&self, to: Destination) -> u32 {
        let party = || {
            let Destination::User(channel, user) = to else { return None };
            let OwnState::Open { number } = self.parts.own.get(usize::from(channel.slot))?.state else {
                return None;
            };
            let slot = find(self.parts.parties, Key::user(number, user.on_wire()?))?;
            self.parts.parties.get(usize::from(slot))
        };
        party().map_or(0, |party| party.generation)
    }

    /// Where `to` is on the wire, and how its channel is to be understood.
    #[inline]
    fn route(&self, to: Destination) -> Result<(Route, Mode), SendError> {
        let own = |channel: OwnChannel| {
            let slot = self.parts.own.get(usize::from(channel.slot))?;
            match slot.state {
                OwnState::Open { number } if slot.generation == channel.generation => {
                    Some((number, slot.mode))
                }
                _ => None,
            }
        };
        let route = match to {
            Destination::Server(channel) => {
                let party = self.parts.parties.get(usize::from(channel.slot));
                match party.filter(|party| party.generation == channel.generation) {
                    Some(super::PartySlot { state: PartyState::Entered { number }, mode, .. }) => {
                        Some((Route::Server(*number), *mode))
                    }
                    _ => None,
                }
            }
            Destination::User(channel, user) => own(channel).and_then(|(number, mode)| {
                let user = user.on_wire()?;
                find(self.parts.parties, Key::user(number, user))?;
                Some((Route::User(number, user), mode))
            }),
            Destination::All(channel) => own(channel).map(|(number, mode)| (Route::All(number), mode)),
            Destination::AllBut(channel, user) => {
                own(channel).and_then(|(number, mode)| Some((Route::AllBut(number, user.on_wire()?), mode)))
            }
        };
        route.ok_or(SendError::NotOpen)
    }

    fn check_mode(&self, mode: Mode) -> Result<(), SendError> {
        match mode {
            Mode::Chunks(limit) if !limit.is_valid() || limit.max() as usize > self.parts.chunk_size => {
                Err(SendError::ChunkLimit { max: limit.max(), chunk_size: self.parts.chunk_size })
            }
            _ => Ok(()),
        }
    }

    /// The length field in front of `len` bytes; none for raw data.
    #[inline]
    fn length_field(&self, mode: Mode, len: usize) -> Result<Option<EncodedLength>, SendError> {
        match mode {
            _ if len == 0 => Err(SendError::Empty),
            Mode::Data => Ok(None),
            Mode::Chunks(limit) => match limit.encode_length(len) {
                None => Err(SendError::ChunkTooLarge { len, max: limit.max() }),
                some => Ok(some),
            },
        }
    }

    #[inline]
    fn check_unfinished(&self, to: Destination) -> Result<(), SendError> {
        let Unfinished { to: unfinished, left, .. } = self.sender.unfinished;
        let overlaps = left > 0 && unfinished.overlaps(to) && self.unfinished() > 0;
        if overlaps { Err(SendError::ChunkUnfinished) } else { Ok(()) }
    }

    #[inline]
    fn check_room(&self, needed: usize) -> Result<(), SendError> {
        if needed <= self.free() {
            Ok(())
        } else if needed > self.parts.transmit.len() {
            Err(SendError::RingTooSmall { needed, capacity: self.parts.transmit.len() })
        } else {
            Err(SendError::WouldBlock)
        }
    }

    // ---- queueing

    fn push(&mut self, bytes: &[u8]) {
        self.sender.ring.push(self.parts.transmit, bytes);
    }

    /// What is in front of a unit's bytes, in one piece.
    fn push_head(&mut self, header: Header, length: &[u8]) {
        let mut head = heapless::Vec::<u8, { Header::MAX + EncodedLength::MAX }>::new();
        // both fit, by the capacity
        let _ = head.extend_from_slice(header.as_bytes());
        let _ = head.extend_from_slice(length);
        self.push(&head);
    }

    fn queue(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.check_room(bytes.len())?;
        self.push(bytes);
        Ok(())
    }

    /// Queues a command with a name and says which tag it has.
    fn command_with_name(&mut self, command: Command, name: &[u8]) -> Result<u8, SendError> {
        if name.len() > MAX_NAME {
            return Err(SendError::NameTooLong { len: name.len() });
        }
        self.check_room(name.len().saturating_add(4))?;
        let tag = self.tables().free_tag()?;
        let head =
            to_relay::name_command(command, tag, name).ok_or(SendError::NameTooLong { len: name.len() })?;
        self.push(&head);
        self.push(name);
        Ok(tag)
    }

    /// Deletes and leaves channels that were answered for after the caller had given them up, as far as there is room.
    pub(super) fn drop_unwanted(&mut self) {
        while self.sender.tables.unwanted > 0 && self.free() >= NUMBER_COMMAND {
            let mut tables = self.tables();
            if let Some(slot) = tables.find_own(|state| matches!(state, OwnState::Unwanted { .. })) {
                if let Some(OwnState::Unwanted { number }) =
                    tables.own.get(usize::from(slot)).map(|own| own.state)
                {
                    tables.free_own(slot);
                    self.push(&to_relay::number_command(Command::Delete, number));
                }
            } else if let Some(slot) = tables.find_party(|state| matches!(state, PartyState::Unwanted { .. }))
            {
                if let Some(PartyState::Unwanted { number }) = tables.party(slot).map(|party| party.state) {
                    tables.free_party(slot);
                    self.push(&to_relay::number_command(Command::Leave, number));
                }
            } else {
                self.sender.tables.unwanted = 0;
            }
        }
    }
}
