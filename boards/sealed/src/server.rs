//! A server's side.

use crate::HELLO;
use crate::error::{OpenError, SealError};
use crate::key::{ChannelKey, of_broadcasts, of_member};
use crate::seal::{Speaker, open, seal};

/// The server's side of a sealed channel, as long as the channel is open.
#[derive(Debug)]
pub struct SealedServer {
    key: ChannelKey,
    broadcasts: ChannelKey,
    session: [u8; 8],
    members: u32,
    sent: u32,
}

/// The server's side of one membership. One for each user; dropped when it is gone.
#[derive(Debug)]
pub struct SealedMember {
    key: ChannelKey,
    sent: u64,
    received: u64,
}

impl SealedServer {
    /// Returns the side of a server that has just created its channel.
    ///
    /// `fresh` must never have been used with this key before: from a random number generator, or a
    /// counter that survives a reset. See [the crate](crate#numbers-that-never-come-again).
    #[must_use]
    pub fn new(key: &ChannelKey, fresh: [u8; 8]) -> Self {
        let broadcasts = of_broadcasts(key, &fresh);
        Self { key: key.clone(), broadcasts, session: fresh, members: 0, sent: 0 }
    }

    /// Answers the first chunk of a user. `send` sends the answer to it, all of it or nothing.
    ///
    /// That a hello has come says nothing of who has sent it. [`SealedMember::is_proven`] does.
    ///
    /// # Errors
    ///
    /// `Ok(None)`: the chunk is no hello. Otherwise see [`SealError`].
    pub fn welcome<R, E>(
        &mut self,
        hello: &[u8],
        send: impl FnOnce(&[u8]) -> Result<R, E>,
    ) -> Result<Option<SealedMember>, SealError<E>> {
        let Ok(hello) = <&[u8; HELLO]>::try_from(hello) else { return Ok(None) };
        // the number 0 belongs to broadcasts
        let number = self.members.checked_add(1).ok_or(SealError::Exhausted)?;
        let mut id = [0; 12];
        if let Some((session, index)) = id.split_first_chunk_mut::<8>() {
            *session = self.session;
            index.copy_from_slice(&number.to_le_bytes());
        }
        let key = of_member(&self.key, hello, &id);
        let mut buffer = [0; crate::WELCOME];
        let sealed = seal(&key, Speaker::Server, 0, &id, &self.sent.to_le_bytes(), &mut buffer)?;
        // also if sending fails: an id stands for one hello
        self.members = number;
        send(sealed).map_err(SealError::Send)?;
        Ok(Some(SealedMember { key, sent: 1, received: 0 }))
    }

    /// Seals `payload` for all users and has it sent by `send`, which must send all of it or return
    /// an error and send nothing. Needs room for [`BROADCAST_OVERHEAD`](crate::BROADCAST_OVERHEAD)
    /// bytes more.
    ///
    /// # Errors
    ///
    /// See [`SealError`]. There are 4,294,967,295 broadcasts.
    pub fn seal_for_all<R, E>(
        &mut self,
        payload: &[u8],
        buffer: &mut [u8],
        send: impl FnOnce(&[u8]) -> Result<R, E>,
    ) -> Result<R, SealError<E>> {
        let next = self.sent.checked_add(1).ok_or(SealError::Exhausted)?;
        let number = self.sent.to_le_bytes();
        let sealed =
            seal(&self.broadcasts, Speaker::ServerToAll, self.sent.into(), &number, payload, buffer)?;
        let result = send(sealed).map_err(SealError::Send)?;
        self.sent = next;
        Ok(result)
    }
}

impl SealedMember {
    /// Returns true once a chunk of the user has been opened: so it has the key.
    #[must_use]
    pub const fn is_proven(&self) -> bool {
        self.received != 0
    }

    /// Seals `payload` for this user; as [`SealedUser::seal`](crate::SealedUser::seal).
    ///
    /// # Errors
    ///
    /// See [`SealError`].
    pub fn seal<R, E>(
        &mut self,
        payload: &[u8],
        buffer: &mut [u8],
        send: impl FnOnce(&[u8]) -> Result<R, E>,
    ) -> Result<R, SealError<E>> {
        let next = self.sent.checked_add(1).ok_or(SealError::Exhausted)?;
        let sealed = seal(&self.key, Speaker::Server, self.sent, b"", payload, buffer)?;
        let result = send(sealed).map_err(SealError::Send)?;
        self.sent = next;
        Ok(result)
    }

    /// Opens a chunk of this user into `buffer`, which has room for its payload.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open<'b>(&mut self, sealed: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], OpenError> {
        let payload = open(&self.key, Speaker::User, self.received, sealed, buffer)?;
        self.received = self.received.saturating_add(1);
        Ok(payload)
    }
}
