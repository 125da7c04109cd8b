//! Objects of the other end.

use crate::link::{Destination, Out, Payload, SendError};
use crate::value::{Encode, EncodeError};

/// An object of the other end that can be called.
///
/// It comes with its offer ([`Message::Offer`](super::Message::Offer)). A typed caller is made of it: `BoardCaller::new(remote)`.
///
/// It names a peer as a [`Destination`] does, and lasts as long as that: until the channel is gone, or, for a user, until
/// [`Event::UserGone`](crate::link::Event::UserGone) (after which another user can have the number).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Remote {
    to: Destination,
    object: u8,
}

/// Offers an object to a peer: from now on it may call it. A server offers its objects to each user anew.
///
/// # Errors
/// Those of [`Out::send`].
pub fn offer(out: &mut Out<'_>, to: impl Into<Destination>, object: u8) -> Result<(), SendError> {
    out.send(to, &[object])
}

impl Remote {
    /// An object without an offer: because it was offered before, or because it is known to be there.
    ///
    /// Also for calling the same object of many users at once, with [`Destination::All`] or [`Destination::AllBut`]. A user that has not offered such an
    /// object takes the call for a violation.
    #[must_use]
    pub fn assume(to: impl Into<Destination>, object: u8) -> Self {
        Self { to: to.into(), object }
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
        self.call_with(out, procedure, arguments.encoded_len()?, |payload| arguments.encode(payload))
    }

    /// Calls a procedure with `len` bytes of arguments that `write` writes.
    #[inline]
    pub(super) fn call_with(
        self,
        out: &mut Out<'_>,
        procedure: u8,
        len: usize,
        write: impl FnOnce(&mut Payload<'_>),
    ) -> Result<(), SendError> {
        // a length beyond all chunks is refused, whatever it is exactly
        let len = len.checked_add(2).ok_or(EncodeError::TooLong { len })?;
        out.send_with(self.to, len, |payload| {
            payload.put(&[self.object, procedure]);
            write(payload);
        })
    }
}
