//! Objects of the other end.

use crate::link::{Destination, Out, Payload, SendError};
use crate::value::{Encode, EncodeError, Sink};

/// An object of the other end that can be called.
///
/// It comes with its offer ([`Message::Offer`](super::Message::Offer)). A typed caller is made of
/// it: `BoardCaller::new(remote)`.
///
/// It names a peer as a [`Destination`] does, and lasts as long as that: until the channel is gone,
/// or, for a user, until [`Event::UserGone`](crate::link::Event::UserGone) (after which another
/// user can have the number).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Remote {
    to: Destination,
    object: u8,
    /// Whether the peer takes part in calls with answers.
    answers: bool,
}

/// Offers an object to a peer: from now on it may call it. A server offers its objects to each user
/// anew.
///
/// # Errors
/// Those of [`Out::send`].
pub fn offer(out: &mut Out<'_>, to: impl Into<Destination>, object: u8) -> Result<(), SendError> {
    out.send_rpc(to.into(), &[object])
}

impl Remote {
    /// An object without an offer: because it was offered before, or because it is known to be
    /// there.
    ///
    /// Also for calling the same object of many users at once, with [`Destination::All`] or
    /// [`Destination::AllBut`]. A user that has not offered such an object takes the call for a
    /// violation.
    #[must_use]
    pub fn assume(to: impl Into<Destination>, object: u8) -> Self {
        Self { to: to.into(), object, answers: false }
    }

    /// An object that was offered.
    pub(super) const fn offered(to: Destination, object: u8, answers: bool) -> Self {
        Self { to, object, answers }
    }

    /// Returns true if the peer has offered the object for answers before this one, so that calls
    /// with answers are possible. Only [`Calls`](super::Calls) and [`Offers`](super::Offers) know:
    /// false for a remote of [`Message::Offer`](super::Message::Offer) and for one that is assumed.
    #[must_use]
    pub const fn answers(self) -> bool {
        self.answers
    }

    /// Whose object it is.
    #[must_use]
    pub const fn destination(self) -> Destination {
        self.to
    }

    /// Its number.
    #[must_use]
    pub const fn object(self) -> u8 {
        self.object
    }

    /// Calls a procedure by its number. `arguments` is a tuple of them, or `()`.
    ///
    /// ```
    /// use peote_net::link::{Out, SendError};
    /// use peote_net::rpc::Remote;
    /// fn draw(board: Remote, out: &mut Out<'_>) -> Result<(), SendError> {
    ///     board.call(out, 0, &(10i16, 20i16, 3u8))
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of [`Out::send`], and [`SendError::Encode`] for arguments that cannot be written.
    #[inline]
    pub fn call(
        self,
        out: &mut Out<'_>,
        procedure: u8,
        arguments: &(impl Encode + ?Sized),
    ) -> Result<(), SendError> {
        let len = arguments.encoded_len()?;
        self.call_with(out, procedure, len, |small| arguments.encode(small), |large| arguments.encode(large))
    }

    /// Calls a procedure with `len` bytes of arguments, which one of the two functions writes.
    ///
    /// Short messages are put together on the stack. That is one copy more, and much less time than
    /// going to the ring with each argument.
    #[inline]
    pub(super) fn call_with(
        self,
        out: &mut Out<'_>,
        procedure: u8,
        len: usize,
        small: impl FnOnce(&mut Small),
        write: impl FnOnce(&mut Payload<'_>),
    ) -> Result<(), SendError> {
        if cfg!(feature = "speed") && len <= Small::MOST {
            let mut message = Small::new([self.object, procedure]);
            small(&mut message);
            return out.send_rpc(self.to, message.bytes());
        }
        // a length beyond all chunks is refused, whatever it is exactly
        let len = len.checked_add(2).ok_or(EncodeError::TooLong { len })?;
        out.send_rpc_with(self.to, len, |payload| {
            payload.put(&[self.object, procedure]);
            write(payload);
        })
    }
}

/// A short message on its way to the link.
#[derive(Debug)]
pub struct Small {
    bytes: [u8; Self::MOST + 2],
    len: usize,
}

impl Small {
    /// The most bytes of arguments.
    const MOST: usize = 46;

    #[inline]
    const fn new([object, procedure]: [u8; 2]) -> Self {
        let mut bytes = [0; Self::MOST + 2];
        [bytes[0], bytes[1]] = [object, procedure];
        Self { bytes, len: 2 }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Sink for Small {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let end = self.len.wrapping_add(bytes.len());
        if let Some(room) = self.bytes.get_mut(self.len..end) {
            room.copy_from_slice(bytes);
            self.len = end;
        }
    }
}
