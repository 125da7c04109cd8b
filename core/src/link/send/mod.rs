//! The sending half of a link.

mod in_parts;
mod removing;

#[cfg(feature = "local")]
use super::SimulatedLine;
use super::buffers::BufferParts;
use super::local::{Local, LocalParts, LocalPayload, LocalRoute, LocalState};
use super::payload::{Payload, Route, Units, WireRoute, length_field};
use super::receive::PartyRef;
use super::ring::Ring;
use super::tables::{Key, OwnState, PartyState, TableState, Tables};
use super::unwanted::drop_unwanted;
use super::{Destination, EnteredChannel, Mode, OwnChannel, SendError, User};
use crate::chunk::EncodedLength;
use crate::protocol::to_endpoint::Capabilities;
use crate::protocol::to_relay::{self, Command};
use crate::protocol::{MAX_CHANNELS, MAX_NAME};
use in_parts::Unfinished;

/// What the sending half keeps between calls, besides the tables.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) ring: Ring,
    unfinished: Unfinished,
    pub(super) tables: TableState,
    pub(super) local: LocalState,
}

impl Sender {
    pub(super) const fn new() -> Self {
        Self {
            ring: Ring::new(),
            unfinished: Unfinished::NONE,
            tables: TableState::new(),
            local: LocalState::new(),
        }
    }

    /// The own channel in which a broadcast in parts has begun and not ended.
    #[inline]
    pub(super) fn held(&self, own: &[super::OwnSlot]) -> Option<u8> {
        self.unfinished.held(own)
    }

    /// Forgets what was to be sent.
    pub(super) const fn clear(&mut self) {
        self.ring.clear();
        self.unfinished = Unfinished::NONE;
    }
}

/// The sending half of a link: queues commands and payloads in the transmit ring, from where polls write them.
///
/// Nothing here blocks or touches the transport. Everything is all or nothing: it is queued whole, or an error says why nothing was queued.
#[derive(Debug)]
pub struct Out<'a> {
    pub(super) sender: &'a mut Sender,
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
    pub(super) local: LocalParts<'a>,
}

impl<'a> OutParts<'a> {
    pub(super) fn of(parts: BufferParts<'a>) -> Self {
        let BufferParts { own_channels: own, parties, transmit, chunk_size, local, .. } = parts;
        Self { own, parties, transmit, chunk_size, local }
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
        let OutParts { own, parties, transmit, chunk_size, local } = &mut self.parts;
        Out {
            sender: self.sender,
            capabilities: self.capabilities,
            again: self.again,
            parts: OutParts { own, parties, transmit, chunk_size: *chunk_size, local: local.reborrow() },
        }
    }

    fn local(&mut self) -> Local<'_> {
        Local::new(&mut self.sender.local, self.parts.local.reborrow())
    }

    pub(super) fn tables(&mut self) -> Tables<'_> {
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
        let channel = self.tables().add_own(tag, mode).ok_or(SendError::TooManyOwnChannels)?;
        self.local().remember(channel.slot, name);
        Ok(channel)
    }

    /// Asks the relay to let this link into a channel. [`Event::Entered`](super::Event::Entered) or
    /// [`Event::EnterRefused`](super::Event::EnterRefused) brings the answer.
    ///
    /// `name` and `mode` have to be those of the channel's server.
    ///
    /// If this link itself has the channel, and [memory](super::LocalBuffers) for local users, the two are joined without the relay hearing of it. The same
    /// channel can then be entered several times.
    ///
    /// # Errors
    /// [`SendError::NameTooLong`], [`SendError::ChunkLimit`], [`SendError::TooManyParties`], [`SendError::TooManyEnteredChannels`],
    /// [`SendError::TooManyLocalUsers`], [`SendError::TooManyCommands`], [`SendError::WouldBlock`].
    pub fn enter(&mut self, name: impl AsRef<[u8]>, mode: Mode) -> Result<EnteredChannel, SendError> {
        let name = name.as_ref();
        self.check_mode(mode)?;
        let next_tag = self.sender.tables.next_tag;
        let (local, own) = self.local_and_own();
        if let Some(slot) = local.channel(own, name, next_tag) {
            return self.enter_own(slot, mode);
        }
        if self.tables().entered_count() >= MAX_CHANNELS {
            return Err(SendError::TooManyEnteredChannels);
        }
        if self.tables().is_full() {
            return Err(SendError::TooManyParties);
        }
        let tag = self.command_with_name(Command::Enter, name)?;
        let mut tables = self.tables();
        let state = PartyState::Entering { tag, wanted: true };
        let slot = tables.add_party(state, mode).ok_or(SendError::TooManyParties)?;
        Ok(tables.entered_handle(slot))
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
                tables.state.drop_unwanted = Some(drop_unwanted);
            }
            OwnState::Open { number } => {
                self.queue(&to_relay::number_command(Command::Delete, number))?;
                self.tables().free_own(channel.slot);
            }
            _ => return Err(SendError::NotOpen),
        }
        self.local().ended(channel.slot, false);
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
                tables.state.drop_unwanted = Some(drop_unwanted);
            }
            Some(PartyState::Entered { number }) => {
                self.queue(&to_relay::number_command(Command::Leave, number))?;
                self.tables().free_party(channel.slot);
            }
            Some(PartyState::Joining { user } | PartyState::Joined { user }) => {
                tables.free_party(channel.slot);
                self.local().leave(user);
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
        self.send_bytes(to.into(), bytes)
    }

    fn send_bytes(&mut self, to: Destination, bytes: &[u8]) -> Result<(), SendError> {
        let (route, length) = self.route_for(to, bytes.len())?;
        self.queue_payload(route, length, bytes);
        Ok(())
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

    /// Begins a payload, if there is room for all of it.
    #[cfg_attr(not(target_os = "none"), inline)]
    fn payload(&mut self, to: Destination, len: usize) -> Result<Payload<'_>, SendError> {
        let (route, length) = self.route_for(to, len)?;
        let (units, local) = self.begin_payload(route, length, len);
        Ok(Payload::new(units, local))
    }

    /// Begins a payload of `len` bytes behind a length field. The caller has made sure that there is room, and puts all `len` bytes.
    #[cfg_attr(not(target_os = "none"), inline)]
    fn begin_payload(
        &mut self,
        route: Route,
        length: EncodedLength,
        len: usize,
    ) -> (Units<'_>, LocalPayload<'_>) {
        let local = Local::new(&mut self.sender.local, self.parts.local.reborrow());
        let local = LocalPayload::begin(local, route.local, length.as_bytes(), len);
        (Units::new(&mut self.sender.ring, self.parts.transmit, route.wire, length, len), local)
    }

    /// Queues a payload. The caller has made sure that there is room.
    #[cfg_attr(not(target_os = "none"), inline)]
    fn queue_payload(&mut self, route: Route, length: EncodedLength, bytes: &[u8]) {
        let (mut units, mut local) = self.begin_payload(route, length, bytes.len());
        local.put(bytes);
        units.put(bytes);
    }

    /// Bytes of the transmit ring that are free.
    #[must_use]
    pub fn free(&self) -> usize {
        self.sender.ring.free(self.parts.transmit)
    }

    /// Whether [`Out::send`] would queue `len` bytes for `to` now, instead of an error.
    #[must_use]
    pub fn can_send(&self, to: impl Into<Destination>, len: usize) -> bool {
        self.route_for(to.into(), len).is_ok()
    }

    /// The users that are in an own channel now, in no particular order.
    pub fn users(&self, channel: OwnChannel) -> impl Iterator<Item = User> {
        let known = self.own_generation(channel) == Some(channel.generation);
        self.parts.parties.iter().filter_map(move |party| match party.state {
            PartyState::User { own, user, .. } if known && own == channel.slot => Some(User::new(user)),
            #[cfg(feature = "local")]
            PartyState::LocalUser { own, user } if known && own == channel.slot => Some(User::local(user)),
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

    /// Changes what the lines between a channel and its local users are like. What is under way already is not touched.
    ///
    /// # Errors
    /// [`SendError::NotOpen`] if the handle is not valid; [`SendError::TooManyLocalUsers`] if this link has no memory for local users.
    #[cfg(feature = "local")]
    pub fn simulate(&mut self, channel: OwnChannel, line: SimulatedLine) -> Result<(), SendError> {
        self.tables().own(channel).ok_or(SendError::NotOpen)?;
        let possible = self.local().simulate(channel.slot, line);
        if possible { Ok(()) } else { Err(SendError::TooManyLocalUsers) }
    }

    /// Enters the own channel in `slot`.
    fn enter_own(&mut self, slot: u8, mode: Mode) -> Result<EnteredChannel, SendError> {
        let place = self.local().free_place().ok_or(SendError::TooManyLocalUsers)?;
        let mut tables = self.tables();
        let own = tables.own_handle(slot);
        let open = tables.own(own).is_some_and(|own| matches!(own.state, OwnState::Open { .. }));
        let state = PartyState::Joining { user: place };
        let party = tables.add_party(state, mode).ok_or(SendError::TooManyParties)?;
        let entered = tables.entered_handle(party);
        self.local().enter(place, own, entered, open);
        Ok(entered)
    }

    // ---- checks

    fn local_and_own(&mut self) -> (Local<'_>, &[super::OwnSlot]) {
        (Local::new(&mut self.sender.local, self.parts.local.reborrow()), self.parts.own)
    }

    fn own_generation(&self, channel: OwnChannel) -> Option<u32> {
        self.parts.own.get(usize::from(channel.slot)).map(|own| own.generation)
    }

    /// Where `to` is; `None` if it is not there.
    fn route(&self, to: Destination) -> Option<Route> {
        let (channel, user) = match to {
            Destination::Server(channel) => {
                let party = self.parts.parties.get(usize::from(channel.slot))?;
                if party.generation != channel.generation {
                    return None;
                }
                let (wire, local) = match party.state {
                    PartyState::Entered { number } => (WireRoute::server(number), LocalRoute::None),
                    #[cfg(feature = "local")]
                    PartyState::Joined { user } => (WireRoute::NOWHERE, LocalRoute::Server(user)),
                    _ => return None,
                };
                return Some(Route { wire, local, mode: party.mode, party: PartyRef::NONE });
            }
            Destination::All(channel) => (channel, None),
            Destination::User(channel, user) | Destination::AllBut(channel, user) => (channel, Some(user)),
        };
        let own = self.parts.own.get(usize::from(channel.slot))?;
        let OwnState::Open { number } = own.state else { return None };
        if own.generation != channel.generation {
            return None;
        }
        let mut party = PartyRef::NONE;
        let mut local = LocalRoute::None;
        let wire = match (to, user) {
            (Destination::User(..), Some(user)) => {
                if let Some((user, route)) = self.parts.local.find(channel, user) {
                    party = user;
                    local = route;
                    WireRoute::NOWHERE
                } else {
                    let user = user.on_wire()?;
                    party = PartyRef::find(self.parts.parties, Key::user(number, user))?;
                    WireRoute::user(number, user)
                }
            }
            (_, but) => {
                local = LocalRoute::all(&self.sender.local, channel.slot, but);
                WireRoute::all(number, but.and_then(User::on_wire))
            }
        };
        Some(Route { wire, local, mode: own.mode, party })
    }

    /// Where `to` is, and the length field in front of `len` bytes, if they can be queued now.
    #[cfg_attr(not(target_os = "none"), inline)]
    fn route_for(&self, to: Destination, len: usize) -> Result<(Route, EncodedLength), SendError> {
        let route = self.route(to).ok_or(SendError::NotOpen)?;
        let length = length_field(route.mode, len)?;
        self.check_unfinished(to)?;
        let in_all = len.saturating_add(length.as_bytes().len());
        self.check_room(route.wire.wire_len(in_all))?;
        self.parts.local.check_room(route.local, in_all)?;
        Ok((route, length))
    }

    fn check_mode(&self, mode: Mode) -> Result<(), SendError> {
        match mode {
            Mode::Chunks(limit) if !limit.is_valid() || limit.max() as usize > self.parts.chunk_size => {
                Err(SendError::ChunkLimit { max: limit.max(), chunk_size: self.parts.chunk_size })
            }
            _ => Ok(()),
        }
    }

    #[cfg_attr(not(target_os = "none"), inline)]
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

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.sender.ring.push(self.parts.transmit, bytes);
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
}
