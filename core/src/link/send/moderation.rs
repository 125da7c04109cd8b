//! Users that are removed from their channel, and kept out of it.

use super::Out;
use crate::link::slots::{Key, OwnState};
use crate::link::{OwnChannel, SendError, User};
use crate::protocol::to_relay::{self, Command};

impl Out<'_> {
    /// Removes a user from an own channel. [`Event::UserGone`](crate::link::Event::UserGone) with
    /// [`Reason::Kicked`](crate::Reason::Kicked) tells when it is done; the user gets
    /// [`Event::Closed`](crate::link::Event::Closed) with the same reason, and may enter again.
    ///
    /// Until then, earlier messages of the user may still come. Messages to it are dropped.
    /// If it leaves in the same moment, the reason is another.
    ///
    /// A user that found no place ([`Event::UserIgnored`](crate::link::Event::UserIgnored)) cannot
    /// be removed: the link does not keep that it is there, and its number can mean another user
    /// by now.
    ///
    /// Not all relays can do it, so see [`Out::relay_capabilities`]. Local users can be removed
    /// with any.
    ///
    /// ```
    /// use peote_net::link::{Out, OwnChannel, SendError, User};
    /// fn kick(out: &mut Out<'_>, chat: OwnChannel, user: User) -> Result<(), SendError> {
    ///     match out.remove_user(chat, user) {
    ///         Err(SendError::Unsupported) => out.send((chat, user), b"please leave"),
    ///         other => other,
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// [`SendError::NotOpen`], [`SendError::Unsupported`], [`SendError::WouldBlock`].
    pub fn remove_user(&mut self, channel: OwnChannel, user: User) -> Result<(), SendError> {
        self.end_user(Command::RemoveUser, channel, user)
    }

    /// Like [`Out::remove_user`], and keeps the user's connection out of this channel until the
    /// channel is deleted: entering again is refused with
    /// [`Reason::Blocked`](crate::Reason::Blocked).
    ///
    /// A new connection of the same endpoint is not blocked. A relay's memory for this is bounded;
    /// where it is used up, the user is removed and not blocked. All local users of a link share
    /// its connection: if one of them is blocked, the others stay, and no further user enters
    /// through the link.
    ///
    /// # Errors
    /// Those of [`Out::remove_user`].
    pub fn block_user(&mut self, channel: OwnChannel, user: User) -> Result<(), SendError> {
        self.end_user(Command::BlockUser, channel, user)
    }

    fn end_user(&mut self, command: Command, channel: OwnChannel, user: User) -> Result<(), SendError> {
        let OwnState::Open { number } = self.tables().own(channel).ok_or(SendError::NotOpen)?.state else {
            return Err(SendError::NotOpen);
        };
        if let Some((_, route)) = self.parts.local.find(channel, user) {
            self.local().remove(route, command == Command::BlockUser);
            return Ok(());
        }
        let on_wire = user.on_wire().ok_or(SendError::NotOpen)?;
        if self.tables().find(Key::user(number, on_wire)).is_none() {
            // one that is gone, and has not been told, is removed already
            return self.gone(channel, user).map(|_| ()).ok_or(SendError::NotOpen);
        }
        if !self.state.capabilities.contains(command.capability()) {
            return Err(SendError::Unsupported);
        }
        self.queue(&to_relay::user_command(command, number, on_wire))
    }
}
