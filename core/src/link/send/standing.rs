//! Channels whose handles stay valid when they end: those of a list of channels that come back.

use super::{Out, generation};
use crate::chunk::ChunkLimit;
#[cfg(feature = "server")]
use crate::link::OwnChannel;
use crate::link::front::Queued;
#[cfg(feature = "server")]
use crate::link::slots::OwnState;
use crate::link::slots::PartyState;
use crate::link::{Channel, EnteredChannel, Mode, SendError};
use crate::protocol::MAX_CHANNELS;
use crate::protocol::to_relay::Command;

impl Out<'_> {
    /// Takes a slot for an own channel that is asked for later, by
    /// [`create_again`](Self::create_again). Its handle stays valid until it is deleted.
    #[cfg(feature = "server")]
    pub(crate) fn reserve_own(&mut self, mode: Mode) -> Result<OwnChannel, SendError> {
        self.limit_of(mode)?;
        let mut tables = self.tables();
        let channel =
            tables.add_own(OwnState::Away, ChunkLimit::NONE).ok_or(SendError::TooManyOwnChannels)?;
        let standing = OwnChannel { generation: generation::standing(channel.generation), ..channel };
        if let Some(own) = tables.own_mut(channel) {
            own.generation = standing.generation;
        }
        self.local().remember(channel.slot, b"");
        Ok(standing)
    }

    /// Takes a slot for an entered channel that is asked for later, by
    /// [`enter_again`](Self::enter_again). Its handle stays valid until it is left.
    pub(crate) fn reserve_entered(&mut self, mode: Mode) -> Result<EnteredChannel, SendError> {
        self.limit_of(mode)?;
        let mut tables = self.tables();
        let party = tables.add_party(PartyState::Away, ChunkLimit::NONE).ok_or(SendError::TooManyParties)?;
        let standing = generation::standing(party.generation);
        if let Some(party) = tables.party_mut(party) {
            party.generation = standing;
        }
        Ok(EnteredChannel { slot: party.slot, generation: standing })
    }

    /// Asks the relay to create a channel that has a handle and is away.
    ///
    /// # Errors
    /// [`SendError::NotOpen`] if the handle is not valid; others as [`create`](Self::create).
    #[cfg(feature = "server")]
    pub(crate) fn create_again(
        &mut self,
        channel: OwnChannel,
        name: &[u8],
        mode: Mode,
    ) -> Result<(), SendError> {
        let state = self.tables().own(channel).ok_or(SendError::NotOpen)?.state;
        self.check_away(state == OwnState::Away, channel.into())?;
        let limit = self.limit_of(mode)?;
        let tag = self.command_with_name(Command::Create, name, &[])?;
        if let Some(own) = self.tables().own_mut(channel) {
            own.state = OwnState::Creating { tag, wanted: true };
            own.limit = limit;
        }
        self.local().remember_again(channel.slot, name);
        Ok(())
    }

    /// Asks the relay to let this link into a channel that has a handle and is away.
    ///
    /// # Errors
    /// [`SendError::NotOpen`] if the handle is not valid; others as [`enter`](Self::enter).
    pub(crate) fn enter_again(
        &mut self,
        channel: EnteredChannel,
        name: &[u8],
        mode: Mode,
    ) -> Result<(), SendError> {
        self.enter_again_saying(channel, name, mode, &[])
    }

    /// The same, and says `words` at the door.
    pub(crate) fn enter_again_saying(
        &mut self,
        channel: EnteredChannel,
        name: &[u8],
        mode: Mode,
        words: &[u8],
    ) -> Result<(), SendError> {
        let state = self.tables().party(channel.into()).ok_or(SendError::NotOpen)?.state;
        self.check_away(state == PartyState::Away, channel.into())?;
        let limit = self.limit_of(mode)?;
        let last_tag = self.state.tables.last_tag;
        if let Some(own) = self.parts.local.channel(self.parts.own, name, last_tag) {
            return self.enter_own(own, Some(channel), limit, words).map(drop);
        }
        if self.tables().entered_count() >= MAX_CHANNELS {
            return Err(SendError::TooManyEnteredChannels);
        }
        let tag = self.command_with_name(Command::Enter, name, words)?;
        self.tables().begin_party(channel.slot, PartyState::Entering { tag, wanted: true }, limit);
        Ok(())
    }

    /// Checks that a command with a name of `len` bytes could be queued if nothing else were.
    ///
    /// # Errors
    /// [`SendError::QueueTooSmall`].
    pub(crate) fn check_command(&self, len: usize) -> Result<(), SendError> {
        match self.check_room(len.saturating_add(4)) {
            Err(SendError::WouldBlock) => Ok(()),
            checked => checked,
        }
    }

    /// Returns true if the handle of a channel is valid, whether it is open or not.
    pub(crate) fn is_valid(&mut self, channel: Channel) -> bool {
        match channel {
            Channel::Own(channel) => self.tables().own(channel).is_some(),
            Channel::Entered(channel) => self.tables().party(channel.into()).is_some(),
        }
    }

    /// A channel can be asked for when it is away, and the program has dealt with what told it so.
    fn check_away(&self, is_away: bool, channel: Channel) -> Result<(), SendError> {
        let tells = |event: Queued| match event {
            Queued::Notice(notice) => notice.is_end() && notice.channel == channel,
            #[cfg(feature = "flow")]
            Queued::Refused { from, .. } => Channel::Entered(from.into()) == channel,
            _ => false,
        };
        if is_away && !tells(self.state.front.event) && !self.parts.local.is_waiting(tells) {
            Ok(())
        } else {
            Err(SendError::WouldBlock)
        }
    }
}
