//! The sending half of a link.

mod channels;
mod moderation;
#[cfg(feature = "large-chunks")]
mod partial_chunk;
mod payload;
mod standing;
mod value;

pub use payload::Payload;

#[cfg(feature = "local")]
use super::SimulatedLine;
use super::front::{Notice, Queued, What};
use super::local::{Local, LocalParts, LocalPayload, LocalRoute};
use super::memory::BufferParts;
use super::slots::{Key, OwnSlot, OwnState, PartySlot, PartyState, generation};
use super::state::{Owed, State};
use super::tables::{Tables, find};
use super::{Channel, Destination, EnteredChannel, Mode, OwnChannel, SendError, User};
use crate::chunk::{ChunkLimit, EncodedLength};
use crate::protocol::to_endpoint::Capabilities;
use crate::protocol::to_relay::{self, Command};
pub(super) use payload::Route;
use payload::{Units, push_head};
#[cfg(all(feature = "flow", feature = "server"))]
pub(super) use payload::{WireRoute, length_field};
#[cfg(not(all(feature = "flow", feature = "server")))]
use payload::{WireRoute, length_field};

/// The sending half of a link: queues commands and payloads in the transmit ring, from where polls
/// write them.
///
/// Nothing here blocks or touches the transport. Everything is all or nothing: it is queued whole,
/// or an error says why nothing was queued.
#[derive(Debug)]
pub struct Out<'a> {
    pub(super) state: &'a mut State,
    pub(super) parts: OutParts<'a>,
}

/// The part of a link's memory that sending needs.
#[derive(Debug)]
pub(super) struct OutParts<'a> {
    pub(super) own: &'a mut [OwnSlot],
    pub(super) parties: &'a mut [PartySlot],
    pub(super) transmit: &'a mut [u8],
    pub(super) chunk_size: usize,
    /// Bytes of each party's slot.
    pub(super) window: usize,
    pub(super) local: LocalParts<'a>,
}

impl<'a> OutParts<'a> {
    pub(super) fn of(parts: BufferParts<'a>) -> Self {
        let BufferParts { own_channels: own, parties, transmit, chunk_size, window, local, .. } = parts;
        Self { own, parties, transmit, chunk_size, window, local }
    }
}

impl<'a> Out<'a> {
    #[cfg_attr(feature = "speed", inline)]
    pub(super) fn new(state: &'a mut State, parts: OutParts<'a>) -> Self {
        Self { state, parts }
    }

    /// Returns the same sending half for a shorter time, to be moved into something.
    #[cfg(feature = "rpc")]
    #[cfg_attr(feature = "speed", inline)]
    pub(crate) fn reborrow(&mut self) -> Out<'_> {
        let OutParts { own, parties, transmit, chunk_size, window, local } = &mut self.parts;
        let (chunk_size, window, local) = (*chunk_size, *window, local.reborrow());
        let parts = OutParts { own, parties, transmit, chunk_size, window, local };
        Out { state: self.state, parts }
    }

    pub(super) fn local(&mut self) -> Local<'_> {
        Local::new(&mut self.state.local, self.parts.local.reborrow())
    }

    pub(super) fn tables(&mut self) -> Tables<'_> {
        Tables { state: &mut self.state.tables, own: self.parts.own, parties: self.parts.parties }
    }

    /// Sends `bytes`: raw data in a channel of [`Mode::Data`], one whole chunk in a channel of
    /// [`Mode::Chunks`].
    ///
    /// ```
    /// use peote_net::link::{EnteredChannel, Out, SendError};
    /// fn hello(out: &mut Out<'_>, chat: EnteredChannel) -> Result<(), SendError> {
    ///     out.send(chat, b"hello")
    /// }
    /// ```
    ///
    /// # Errors
    /// [`SendError::WouldBlock`], [`SendError::NotOpen`], [`SendError::Empty`],
    /// [`SendError::ChunkTooLarge`], [`SendError::QueueTooSmall`], [`SendError::ChunkUnfinished`].
    #[cfg_attr(feature = "speed", inline)]
    pub fn send(&mut self, to: impl Into<Destination>, bytes: &[u8]) -> Result<(), SendError> {
        self.send_bytes(to.into(), bytes, false)
    }

    /// Sends a message of remote procedure calls.
    #[cfg(feature = "rpc")]
    #[cfg_attr(feature = "speed", inline)]
    pub(crate) fn send_rpc(&mut self, to: Destination, bytes: &[u8]) -> Result<(), SendError> {
        self.send_bytes(to, bytes, true)
    }

    #[inline(never)]
    fn send_bytes(&mut self, to: Destination, bytes: &[u8], is_rpc: bool) -> Result<(), SendError> {
        let to = self.reached(to);
        let (route, length) = self.route_or_ask(to, bytes.len(), is_rpc)?;
        self.debit(to, &route, bytes.len().saturating_add(length.as_bytes().len()));
        if route.is_one_unit(length, bytes.len()) {
            let ring = &mut self.state.ring;
            push_head(ring, self.parts.transmit, route.wire, length, bytes.len());
            ring.push(self.parts.transmit, bytes);
        } else {
            self.queue_payload(route, length, bytes);
        }
        Ok(())
    }

    /// Like [`Out::send`], with the bytes in several pieces that are sent as one.
    ///
    /// # Errors
    /// Those of [`Out::send`].
    #[cfg_attr(feature = "speed", inline)]
    pub fn send_parts(&mut self, to: impl Into<Destination>, parts: &[&[u8]]) -> Result<(), SendError> {
        let len = parts.iter().fold(0usize, |len, part| len.saturating_add(part.len()));
        self.send_with(to, len, |payload| parts.iter().for_each(|part| payload.put(part)))
    }

    /// Like [`Out::send`], with `len` bytes that `write` puts into the ring piece by piece, so that
    /// they need not lie anywhere before.
    ///
    /// `write` is called once, and only if all `len` bytes fit. What it puts beyond `len` bytes is
    /// left out, what it fails to put is sent as zeros.
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
    #[cfg_attr(feature = "speed", inline)]
    pub fn send_with(
        &mut self,
        to: impl Into<Destination>,
        len: usize,
        write: impl FnOnce(&mut Payload<'_>),
    ) -> Result<(), SendError> {
        let mut payload = self.payload(to.into(), len, false)?;
        write(&mut payload);
        Ok(())
    }

    /// The same for a message of remote procedure calls.
    #[cfg(feature = "rpc")]
    #[cfg_attr(feature = "speed", inline)]
    pub(crate) fn send_rpc_with(
        &mut self,
        to: Destination,
        len: usize,
        write: impl FnOnce(&mut Payload<'_>),
    ) -> Result<(), SendError> {
        let mut payload = self.payload(to, len, true)?;
        write(&mut payload);
        Ok(())
    }

    /// Begins a payload, if there is room for all of it.
    #[cfg_attr(feature = "speed", inline)]
    fn payload(&mut self, to: Destination, len: usize, is_rpc: bool) -> Result<Payload<'_>, SendError> {
        let to = self.reached(to);
        let (route, length) = self.route_or_ask(to, len, is_rpc)?;
        self.debit(to, &route, len.saturating_add(length.as_bytes().len()));
        let (units, local) = self.begin_payload(route, length, len);
        Ok(Payload::new(units, local))
    }

    /// Begins a payload of `len` bytes behind a length field. The caller has made sure that there
    /// is room, and puts all `len` bytes.
    #[cfg_attr(feature = "speed", inline)]
    fn begin_payload(
        &mut self,
        route: Route,
        length: EncodedLength,
        len: usize,
    ) -> (Units<'_>, LocalPayload<'_>) {
        let local = Local::new(&mut self.state.local, self.parts.local.reborrow());
        let local = LocalPayload::begin(local, route.local, length.as_bytes(), len);
        (Units::new(&mut self.state.ring, self.parts.transmit, route.wire, length, len), local)
    }

    /// Queues a payload. The caller has made sure that there is room.
    #[cfg_attr(feature = "speed", inline)]
    pub(super) fn queue_payload(&mut self, route: Route, length: EncodedLength, bytes: &[u8]) {
        let (mut units, mut local) = self.begin_payload(route, length, bytes.len());
        local.put(bytes);
        units.put(bytes);
    }

    /// Returns how many bytes of the transmit ring are free. None are as long as the link itself
    /// has something to say first, for which there was no room.
    #[must_use]
    pub fn free(&self) -> usize {
        if self.state.owes() { 0 } else { self.state.ring.free(self.parts.transmit) }
    }

    /// Returns true if [`Out::send`] would queue `len` bytes for `to` now.
    #[must_use]
    pub fn can_send(&self, to: impl Into<Destination>, len: usize) -> bool {
        let to = self.reached(to.into());
        self.route(to).is_some_and(|route| self.length_for(to, &route, len).is_ok())
    }

    /// Returns true if a payload of at most `most` bytes for `to` may have to wait. If `most` is
    /// `usize::MAX`, it is one of which nothing is known but that it is to fit half of the ring.
    #[cfg(feature = "rpc")]
    #[inline]
    pub(crate) fn may_have_to_wait(&mut self, to: Destination, most: usize) -> bool {
        /// More than what stands in front of a payload of one unit.
        const HEAD: usize = 16;
        let is_remote = match to {
            Destination::User(_, user) => user.on_wire().is_some(),
            Destination::Server(channel) => {
                let party = self.parts.parties.get(usize::from(channel.slot));
                party.is_some_and(|party| matches!(party.state, PartyState::Entered { .. }))
            }
            _ => false,
        };
        let needed = most.saturating_add(HEAD);
        if is_remote && needed <= self.free().min(super::MAX_WHOLE_BROADCAST) && self.window_fits(to, needed)
        {
            return false;
        }
        self.has_to_wait(to, most)
    }

    #[cfg(feature = "rpc")]
    #[inline]
    fn window_fits(&self, to: Destination, len: usize) -> bool {
        let fits = |route: Route| self.check_window(to, &route, len, true).is_ok();
        !self.state.flow.has_windows() || self.route(to).is_some_and(fits)
    }

    #[cfg(feature = "rpc")]
    #[cold]
    fn has_to_wait(&mut self, to: Destination, most: usize) -> bool {
        let len = if most == usize::MAX { self.longest_in_half(to) } else { most };
        matches!(self.route_or_ask(to, len, true), Err(SendError::WouldBlock))
    }

    #[cfg(feature = "rpc")]
    fn longest_in_half(&self, to: Destination) -> usize {
        let half = self.parts.transmit.len() / 2;
        match self.route(to) {
            Some(Route { limit, .. }) if !limit.is_none() => half.min(limit.max() as usize),
            _ => half,
        }
    }

    /// Returns this link's own number in an entered channel, which its server knows it by. `None`
    /// if the channel is not open, or the relay has not told the number: not all do.
    #[cfg(feature = "flow")]
    #[must_use]
    pub fn own_number(&self, channel: EnteredChannel) -> Option<User> {
        let party = self.parts.parties.get(usize::from(channel.slot))?;
        match party.state {
            PartyState::Entered { user, .. }
                if party.generation == channel.generation && !party.window.is_none() =>
            {
                Some(User::new(user))
            }
            #[cfg(feature = "local")]
            PartyState::Joined { user } if party.generation == channel.generation => Some(User::local(user)),
            _ => None,
        }
    }

    /// Returns the users that are in an own channel now, in no particular order.
    pub fn users(&self, channel: OwnChannel) -> impl Iterator<Item = User> {
        let own = self.parts.own.get(usize::from(channel.slot));
        let known = own.is_some_and(|own| own.generation == channel.generation);
        self.parts.parties.iter().filter_map(move |party| match party.state {
            PartyState::User { own, user, .. } if known && own == channel.slot => Some(User::new(user)),
            #[cfg(feature = "local")]
            PartyState::LocalUser { own, user } if known && own == channel.slot => Some(User::local(user)),
            _ => None,
        })
    }

    /// Returns what the relay has announced that it can do beyond the original protocol.
    #[must_use]
    pub const fn relay_capabilities(&self) -> Capabilities {
        self.state.capabilities
    }

    /// Has the event that came together with this `Out` delivered again at the next poll: for
    /// callers of [`Link::next_event`](super::Link::next_event) what
    /// [`Flow::Again`](super::Flow::Again) is for handlers.
    pub const fn again(&mut self) {
        self.state.again = true;
    }

    /// Returns true if [`again`](Self::again) has been called, and takes that back. For adapters
    /// that hand over events of their own beside the link's.
    pub const fn take_again(&mut self) -> bool {
        core::mem::replace(&mut self.state.again, false)
    }

    /// Changes what the lines between a channel and its local users are like. What is under way
    /// already is not touched.
    ///
    /// # Errors
    /// [`SendError::NotOpen`] if the handle is not valid; [`SendError::TooManyLocalUsers`] if this
    /// link has no memory for local users.
    #[cfg(feature = "local")]
    pub fn simulate(&mut self, channel: OwnChannel, line: SimulatedLine) -> Result<(), SendError> {
        self.tables().own(channel).ok_or(SendError::NotOpen)?;
        let possible = self.local().simulate(channel.slot, line);
        if possible { Ok(()) } else { Err(SendError::TooManyLocalUsers) }
    }

    /// Returns true if the program has seen the event before that came together with this `Out`,
    /// and wanted it again.
    #[cfg(feature = "rpc")]
    #[inline]
    pub(crate) const fn is_told_again(&self) -> bool {
        self.state.is_told_again
    }

    // ---- checks

    /// Returns where `to` is; `None` if it is not there.
    #[cfg_attr(feature = "speed", inline(always))]
    pub(super) fn route(&self, to: Destination) -> Option<Route> {
        match to {
            Destination::Server(channel) => self.route_to_server(channel),
            _ => self.route_to_users(to),
        }
    }

    #[inline]
    fn route_to_server(&self, channel: EnteredChannel) -> Option<Route> {
        let party = self.parts.parties.get(usize::from(channel.slot))?;
        if party.generation != channel.generation {
            return None;
        }
        let (wire, local) = match party.state {
            PartyState::Entered { number, .. } => (WireRoute::server(number), LocalRoute::None),
            #[cfg(feature = "local")]
            PartyState::Joined { user } => (WireRoute::NOWHERE, LocalRoute::Server(user)),
            _ if party.is_closing() => (WireRoute::NOWHERE, LocalRoute::None),
            _ => return None,
        };
        Some(Route {
            wire,
            local,
            limit: party.limit,
            #[cfg(any(feature = "large-chunks", feature = "flow"))]
            party: Some(channel.into()),
        })
    }

    #[cfg_attr(feature = "speed", inline(always))]
    fn route_to_users(&self, to: Destination) -> Option<Route> {
        let channel = to.own()?;
        let own = self.parts.own.get(usize::from(channel.slot))?;
        let OwnState::Open { number } = own.state else { return None };
        if !cfg!(feature = "server") || own.generation != channel.generation {
            return None;
        }
        let limit = own.limit;
        let Destination::User(_, user) = to else {
            let but = if let Destination::AllBut(_, but) = to { Some(but) } else { None };
            let local = LocalRoute::all(&self.state.local, channel.slot, but);
            let wire = WireRoute::all(number, but.and_then(User::on_wire));
            return Some(Route {
                wire,
                local,
                limit,
                #[cfg(any(feature = "large-chunks", feature = "flow"))]
                party: None,
            });
        };
        let (wire, local, party) = match self.parts.local.find(channel, user) {
            Some((party, local)) => (WireRoute::NOWHERE, local, party),
            None => {
                let on_wire = user.on_wire()?;
                match find(self.parts.parties, Key::user(number, on_wire)) {
                    Some(party) => (WireRoute::user(number, on_wire), LocalRoute::None, party),
                    None => (WireRoute::NOWHERE, LocalRoute::None, self.gone(channel, user)?),
                }
            }
        };
        #[cfg(not(any(feature = "large-chunks", feature = "flow")))]
        let _ = party;
        Some(Route {
            wire,
            local,
            limit,
            #[cfg(any(feature = "large-chunks", feature = "flow"))]
            party: Some(party),
        })
    }

    /// Returns where something for `to` goes. A broadcast to all but a user that is gone goes to
    /// all: to the relay, its number can mean the next user by now.
    #[inline]
    pub(super) fn reached(&self, to: Destination) -> Destination {
        match to {
            Destination::AllBut(channel, user) if cfg!(feature = "server") && self.is_gone(channel, user) => {
                Destination::All(channel)
            }
            _ => to,
        }
    }

    /// Returns true if a user is gone, and the program has not been told so, or is just being told.
    #[cold]
    fn is_gone(&self, channel: OwnChannel, user: User) -> bool {
        let is_told = match self.state.front.event {
            Queued::Notice(Notice { channel: of, what: What::Gone(who, _) }) => {
                of == Channel::Own(channel) && who == user
            }
            _ => false,
        };
        is_told || self.has_gone(channel, user)
    }

    /// Where `to` is, and the length field in front of `len` bytes, if they can be queued now.
    #[cfg_attr(feature = "speed", inline(always))]
    fn route_for(
        &self,
        to: Destination,
        len: usize,
        is_rpc: bool,
    ) -> Result<(Route, EncodedLength), SendError> {
        let route = self.route(to).ok_or(SendError::NotOpen)?;
        check_mode(&route, is_rpc)?;
        let length = self.length_for(to, &route, len)?;
        Ok((route, length))
    }

    /// The length field in front of `len` bytes, if they can be queued for this route now.
    #[cfg_attr(feature = "speed", inline(always))]
    fn length_for(&self, to: Destination, route: &Route, len: usize) -> Result<EncodedLength, SendError> {
        let length = length_field(route.limit, len)?;
        #[cfg(feature = "large-chunks")]
        self.check_partial(to)?;
        let in_all = len.saturating_add(length.as_bytes().len());
        self.check_room(route.wire.wire_len(in_all))?;
        self.parts.local.check_room(route.local, in_all)?;
        self.check_window(to, route, in_all, !route.limit.is_none())?;
        Ok(length)
    }

    /// The same, for something that is to be sent.
    #[cfg_attr(feature = "speed", inline(always))]
    fn route_or_ask(
        &mut self,
        to: Destination,
        len: usize,
        is_rpc: bool,
    ) -> Result<(Route, EncodedLength), SendError> {
        if !cfg!(feature = "flow") {
            return self.route_for(to, len, is_rpc);
        }
        match self.route_for(to, len, is_rpc) {
            Ok(route) => Ok(route),
            Err(error) => Err(self.no_room(to, error)),
        }
    }

    /// Something cannot be sent now, or not at all.
    #[cold]
    #[inline(never)]
    fn no_room(&mut self, to: Destination, error: SendError) -> SendError {
        if error == SendError::WouldBlock {
            self.ask_for_grants(to);
        }
        error
    }

    /// Returns the limit of chunks in a channel of this mode.
    pub(super) fn limit_of(&self, mode: Mode) -> Result<ChunkLimit, SendError> {
        let limit = match mode {
            Mode::Data => return Ok(ChunkLimit::NONE),
            Mode::Chunks(limit) => limit,
            #[cfg(feature = "rpc")]
            Mode::Rpc(limit) => limit.for_rpc(),
        };
        let is_large = limit.length_bytes() > 2 && !cfg!(feature = "large-chunks");
        let most = if is_large { ChunkLimit::DEFAULT.max() as usize } else { usize::MAX };
        let chunk_size = self.parts.chunk_size.min(most);
        if !limit.is_valid() || is_large || limit.max() as usize > chunk_size {
            return Err(SendError::ChunkLimit { max: limit.max(), chunk_size });
        }
        Ok(limit)
    }

    #[inline]
    pub(super) fn check_room(&self, needed: usize) -> Result<(), SendError> {
        if needed <= self.free() {
            Ok(())
        } else if needed > self.parts.transmit.len() {
            Err(SendError::QueueTooSmall { needed, capacity: self.parts.transmit.len() })
        } else {
            Err(SendError::WouldBlock)
        }
    }

    // ---- queueing

    /// Returns the slot of the own channel in which a broadcast in parts has begun and not ended.
    pub(super) fn broadcast_in_parts(&self) -> Option<u8> {
        #[cfg(feature = "large-chunks")]
        return self.state.partial.broadcast_in(self.parts.own);
        #[cfg(not(feature = "large-chunks"))]
        return None;
    }

    /// Queues the command that the relay is owed, if there is room.
    #[cfg_attr(not(feature = "speed"), inline(never))]
    pub(super) fn pay(&mut self) {
        self.pay_grants();
        let (command, number) = match self.state.owed {
            Owed::Nothing => return,
            Owed::Leave { number } => (Command::Leave, number),
            Owed::Delete { number } => (Command::Delete, number),
            #[cfg(feature = "flow")]
            Owed::Wait => return,
            #[cfg(all(feature = "flow", feature = "server"))]
            Owed::Older => return,
            #[cfg(all(feature = "admission", feature = "server"))]
            Owed::Door => return,
            #[cfg(feature = "flow")]
            Owed::Hello => return self.say_hello(),
            #[cfg(feature = "admission")]
            Owed::Token => return self.say_token(),
            #[cfg(all(feature = "flow", feature = "server"))]
            Owed::Answer { channel, user, ticket, code } => return self.answer(channel, user, ticket, code),
        };
        let bytes = to_relay::number_command(command, number);
        if bytes.len() <= self.state.ring.free(self.parts.transmit) {
            self.state.ring.push(self.parts.transmit, &bytes);
            self.state.owed = Owed::Nothing;
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.state.ring.push(self.parts.transmit, bytes);
    }

    pub(super) fn queue(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.check_room(bytes.len())?;
        self.push(bytes);
        Ok(())
    }
}

/// Remote procedure calls have channels of their own, and nothing else goes there.
#[inline]
pub(super) const fn check_mode(route: &Route, is_rpc: bool) -> Result<(), SendError> {
    #[cfg(feature = "rpc")]
    if route.limit.is_rpc() != is_rpc {
        return Err(if is_rpc { SendError::NotRpc } else { SendError::OnlyRpc });
    }
    let _ = (route, is_rpc);
    Ok(())
}
