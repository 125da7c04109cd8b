//! A user's side.

use crate::error::{OpenError, SealError};
use crate::key::{ChannelKey, of_broadcasts, of_member};
use crate::seal::{Speaker, open, seal};
use crate::{HELLO, WELCOME};

/// A user's side of a sealed channel, for one membership: from entering it until it is closed.
///
/// It cannot be cloned: two of them would use the same numbers.
#[derive(Debug)]
pub struct SealedUser {
    key: ChannelKey,
    hello: [u8; HELLO],
    member: Option<Member>,
}

#[derive(Debug)]
struct Member {
    key: ChannelKey,
    broadcasts: ChannelKey,
    sent: u64,
    received: u64,
    /// The number that the next broadcast has at least. Beyond 32 bits: none can come any more.
    broadcast: u64,
}

/// What was in a chunk of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opened<'a> {
    /// The server has answered: from now on chunks can be sealed.
    Welcome,
    /// The server said it to this user.
    Chunk(&'a [u8]),
    /// The server said it to several users.
    Broadcast(&'a [u8]),
}

impl SealedUser {
    /// Returns the side of a user that has just entered.
    ///
    /// `fresh` must never have been used with this key before, by any user: from a random number
    /// generator, or the board's own number and a counter that survives a reset. See [the
    /// crate](crate#numbers-that-never-come-again).
    #[must_use]
    pub fn new(key: &ChannelKey, fresh: [u8; HELLO]) -> Self {
        Self { key: key.clone(), hello: fresh, member: None }
    }

    /// Returns the first chunk to send, as it is.
    #[must_use]
    pub const fn hello(&self) -> &[u8; HELLO] {
        &self.hello
    }

    /// Returns true once the server has answered.
    #[must_use]
    pub const fn is_welcome(&self) -> bool {
        self.member.is_some()
    }

    /// Seals `payload` into `buffer` and has it sent by `send`, which must send all of it or return
    /// an error and send nothing. Needs room for [`OVERHEAD`](crate::OVERHEAD) bytes more.
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
        let member = self.member.as_mut().ok_or(SealError::NotYet)?;
        let next = member.sent.checked_add(1).ok_or(SealError::Exhausted)?;
        let sealed = seal(&member.key, Speaker::User, member.sent, b"", payload, buffer)?;
        let result = send(sealed).map_err(SealError::Send)?;
        member.sent = next;
        Ok(result)
    }

    /// Opens a chunk of the server into `buffer`, which has room for its payload.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]. Before the welcome everything else is refused: broadcasts as well.
    pub fn open<'b>(&mut self, sealed: &[u8], buffer: &'b mut [u8]) -> Result<Opened<'b>, OpenError> {
        let Some(member) = &mut self.member else {
            self.member = Some(welcome(&self.key, &self.hello, sealed)?);
            return Ok(Opened::Welcome);
        };
        // a chunk for one is longer than one for all in a sealed chunk of the same length
        let len = sealed.len().saturating_sub(crate::OVERHEAD);
        let is_short = buffer.len() < len;
        if open(&member.key, Speaker::Server, member.received, sealed, buffer).is_ok() {
            member.received = member.received.saturating_add(1);
            return Ok(Opened::Chunk(buffer.get(..len).unwrap_or_default()));
        }
        let refused = if is_short { OpenError::Short } else { OpenError::Refused };
        let (number, text) = sealed.split_first_chunk::<4>().ok_or(refused)?;
        let number = u64::from(u32::from_le_bytes(*number));
        if number < member.broadcast {
            return Err(refused);
        }
        let payload =
            open(&member.broadcasts, Speaker::ServerToAll, number, text, buffer).map_err(|_| refused)?;
        member.broadcast = number.saturating_add(1);
        Ok(Opened::Broadcast(payload))
    }
}

fn welcome(key: &ChannelKey, hello: &[u8; HELLO], sealed: &[u8]) -> Result<Member, OpenError> {
    let sealed: &[u8; WELCOME] = sealed.try_into().map_err(|_| OpenError::Refused)?;
    let (id, text) = sealed.split_first_chunk::<12>().ok_or(OpenError::Refused)?;
    let session = id.first_chunk::<8>().ok_or(OpenError::Refused)?;
    let member = of_member(key, hello, id);
    let mut number = [0; 4];
    open(&member, Speaker::Server, 0, text, &mut number)?;
    Ok(Member {
        key: member,
        broadcasts: of_broadcasts(key, session),
        sent: 0,
        received: 1,
        broadcast: u32::from_le_bytes(number).into(),
    })
}
