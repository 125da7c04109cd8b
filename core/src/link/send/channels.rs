//! Commands about channels: create, enter, delete, leave.

use crate::chunk::ChunkLimit;
#[cfg(any(feature = "local", feature = "server"))]
use crate::link::OwnChannel;
#[cfg(feature = "local")]
use crate::link::local::ChannelIs;
use crate::link::send::Out;
#[cfg(feature = "local")]
use crate::link::slots::OwnSlot;
#[cfg(any(feature = "local", feature = "server"))]
use crate::link::slots::OwnState;
use crate::link::slots::{PartyState, generation};
use crate::link::{EnteredChannel, Mode, SendError};
use crate::protocol::to_relay::{self, Command};
use crate::protocol::{MAX_CHANNELS, MAX_NAME};

impl Out<'_> {
    /// Asks the relay to create a channel. [`Event::Opened`](crate::link::Event::Opened) or
    /// [`Event::Refused`](crate::link::Event::Refused) brings the answer.
    ///
    /// `name` is 0 to 255 bytes, in practice UTF-8. The users of the channel have to use the same
    /// mode.
    ///
    /// # Errors
    /// [`SendError::NameTooLong`], [`SendError::ChunkLimit`], [`SendError::TooManyOwnChannels`],
    /// [`SendError::TooManyCommands`], [`SendError::WouldBlock`].
    #[cfg(feature = "server")]
    pub fn create(&mut self, name: impl AsRef<[u8]>, mode: Mode) -> Result<OwnChannel, SendError> {
        let name = name.as_ref();
        let limit = self.limit_of(mode)?;
        if self.tables().find_own(|state| state == OwnState::Free).is_none() {
            return Err(SendError::TooManyOwnChannels);
        }
        let tag = self.command_with_name(Command::Create, name, &[])?;
        let state = OwnState::Creating { tag, wanted: true };
        let channel = self.tables().add_own(state, limit).ok_or(SendError::TooManyOwnChannels)?;
        self.local().remember(channel.slot, name);
        Ok(channel)
    }

    /// Asks the relay to let this link into a channel.
    /// [`Event::Opened`](crate::link::Event::Opened) or
    /// [`Event::Refused`](crate::link::Event::Refused) brings the answer.
    ///
    /// `name` and `mode` have to be those of the channel's server.
    ///
    /// If this link itself has the channel, and memory for local users (`LocalBuffers`, feature
    /// `local`), the two are joined without the relay hearing of it. The same channel can then be
    /// entered several times.
    ///
    /// # Errors
    /// [`SendError::NameTooLong`], [`SendError::ChunkLimit`], [`SendError::TooManyParties`],
    /// [`SendError::TooManyEnteredChannels`], [`SendError::TooManyLocalUsers`],
    /// [`SendError::TooManyCommands`], [`SendError::WouldBlock`].
    pub fn enter(&mut self, name: impl AsRef<[u8]>, mode: Mode) -> Result<EnteredChannel, SendError> {
        self.enter_saying(name.as_ref(), mode, &[])
    }

    pub(in crate::link) fn enter_saying(
        &mut self,
        name: &[u8],
        mode: Mode,
        words: &[u8],
    ) -> Result<EnteredChannel, SendError> {
        let limit = self.limit_of(mode)?;
        let last_tag = self.state.tables.last_tag;
        if let Some(slot) = self.parts.local.channel(self.parts.own, name, last_tag) {
            return self.enter_own(slot, None, limit, words);
        }
        if self.tables().entered_count() >= MAX_CHANNELS {
            return Err(SendError::TooManyEnteredChannels);
        }
        if self.tables().is_full() {
            return Err(SendError::TooManyParties);
        }
        let tag = self.command_with_name(Command::Enter, name, words)?;
        let mut tables = self.tables();
        let state = PartyState::Entering { tag, wanted: true };
        Ok(tables.add_party(state, limit).ok_or(SendError::TooManyParties)?.into())
    }

    /// Deletes an own channel. Its users hear of it; for this link the channel and its users are
    /// gone at once, without further events.
    ///
    /// A channel the relay has not answered for yet is deleted as soon as it has, without an event.
    ///
    /// # Errors
    /// [`SendError::NotOpen`], [`SendError::WouldBlock`].
    #[cfg(feature = "server")]
    pub fn delete(&mut self, channel: OwnChannel) -> Result<(), SendError> {
        let mut tables = self.tables();
        let own = tables.own_mut(channel).ok_or(SendError::NotOpen)?;
        match own.state {
            OwnState::Creating { tag, wanted: true } => {
                own.state = OwnState::Creating { tag, wanted: false };
                own.generation = generation::next(own.generation);
            }
            OwnState::Open { number } => self.delete_open(channel, number)?,
            #[cfg(feature = "admission")]
            OwnState::Opening { number } => self.delete_open(channel, number)?,
            _ if generation::is_standing(channel.generation) => tables.release_own(channel.slot),
            _ => return Err(SendError::NotOpen),
        }
        self.local().ended(channel.slot, false);
        Ok(())
    }

    #[cfg(feature = "server")]
    fn delete_open(&mut self, channel: OwnChannel, number: u8) -> Result<(), SendError> {
        self.queue(&to_relay::number_command(Command::Delete, number))?;
        self.tables().release_own(channel.slot);
        Ok(())
    }

    /// Leaves an entered channel. Its server hears of it; for this link the channel is gone at
    /// once, without further events.
    ///
    /// A channel the relay has not answered for yet is left as soon as it has, without an event.
    ///
    /// # Errors
    /// [`SendError::NotOpen`], [`SendError::WouldBlock`].
    pub fn leave(&mut self, channel: EnteredChannel) -> Result<(), SendError> {
        let mut tables = self.tables();
        let party = tables.party_mut(channel.into()).ok_or(SendError::NotOpen)?;
        match party.state {
            PartyState::Entering { tag, wanted: true } => {
                party.state = PartyState::Entering { tag, wanted: false };
                party.generation = generation::next(party.generation);
            }
            PartyState::Entered { number, .. } => {
                self.queue(&to_relay::number_command(Command::Leave, number))?;
                self.tables().release_party(channel.slot);
            }
            #[cfg(feature = "local")]
            PartyState::Joining { user } | PartyState::Joined { user } => {
                tables.release_party(channel.slot);
                self.local().leave(user);
            }
            _ if party.is_closing() || generation::is_standing(channel.generation) => {
                tables.release_party(channel.slot);
            }
            _ => return Err(SendError::NotOpen),
        }
        Ok(())
    }

    /// Queues a command with a name and says which tag it has.
    #[inline(never)]
    pub(super) fn command_with_name(
        &mut self,
        command: Command,
        name: &[u8],
        words: &[u8],
    ) -> Result<u8, SendError> {
        if name.len() > MAX_NAME {
            return Err(SendError::NameTooLong { len: name.len() });
        }
        let len = name.len().saturating_add(4);
        self.check_room(len)?;
        #[cfg(feature = "flow")]
        self.begin_tags();
        let tag = self.tables().free_tag()?;
        #[cfg(feature = "flow")]
        self.before_command(len, words)?;
        let _ = words;
        let head =
            to_relay::name_command(command, tag, name).ok_or(SendError::NameTooLong { len: name.len() })?;
        self.push(&head);
        self.push(name);
        Ok(tag)
    }

    /// Enters an own channel.
    #[cfg(feature = "local")]
    pub(super) fn enter_own(
        &mut self,
        own: OwnChannel,
        entered: Option<EnteredChannel>,
        limit: ChunkLimit,
        words: &[u8],
    ) -> Result<EnteredChannel, SendError> {
        self.parts.local.check_words(words.len())?;
        let user = self.local().free_slot().ok_or(SendError::TooManyLocalUsers)?;
        let channel = self.channel_is(own.slot);
        let mut tables = self.tables();
        let state = PartyState::Joining { user };
        let entered = match entered {
            Some(away) => {
                tables.begin_party(away.slot, state, limit);
                away
            }
            None => tables.add_party(state, limit).ok_or(SendError::TooManyParties)?.into(),
        };
        self.local().enter(user, own, entered, channel, words);
        Ok(entered)
    }

    /// Returns what a local user has to know of an own channel.
    #[cfg(feature = "local")]
    fn channel_is(&self, slot: u8) -> ChannelIs {
        match self.parts.own.get(usize::from(slot)) {
            #[cfg(all(feature = "admission", feature = "server"))]
            Some(OwnSlot { state: OwnState::Open { .. }, door, .. }) if !door.is_open() => ChannelIs::Asking,
            Some(OwnSlot { state: OwnState::Open { .. }, .. }) => ChannelIs::Open,
            _ => ChannelIs::BeingCreated,
        }
    }

    /// An own channel is there: the local users that wait for it go on.
    #[cfg(feature = "local")]
    pub(in crate::link) fn local_opened(&mut self, slot: u8) {
        let channel = self.channel_is(slot);
        self.local().opened(slot, channel);
    }

    #[cfg(not(feature = "local"))]
    pub(in crate::link) const fn local_opened(&mut self, _: u8) {}

    #[cfg(not(feature = "local"))]
    pub(super) const fn enter_own(
        &mut self,
        own: core::convert::Infallible,
        _: Option<EnteredChannel>,
        _: ChunkLimit,
        _: &[u8],
    ) -> Result<EnteredChannel, SendError> {
        match own {}
    }
}
