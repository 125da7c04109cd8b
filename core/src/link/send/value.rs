//! Sending typed values.

use super::{Out, Payload};
use crate::link::{Destination, SendError};
use crate::value::{Encode, Sink};

impl Sink for Payload<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        Payload::put(self, bytes);
    }
}

impl Out<'_> {
    /// Like [`Out::send`], with a [typed value](crate::value) instead of bytes. The value is
    /// written into the transmit queue directly.
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use peote_net::link::{EnteredChannel, Out, SendError};
    /// use peote_net::value::Encode;
    ///
    /// #[derive(Encode)]
    /// struct Reading {
    ///     sensor: u8,
    ///     celsius: f32,
    /// }
    ///
    /// fn report(out: &mut Out<'_>, channel: EnteredChannel, celsius: f32) -> Result<(), SendError> {
    ///     out.send_value(channel, &Reading { sensor: 3, celsius })
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Out::send`]; [`SendError::Encode`] if the value cannot be written.
    #[cfg_attr(feature = "speed", inline)]
    pub fn send_value(
        &mut self,
        to: impl Into<Destination>,
        value: &(impl Encode + ?Sized),
    ) -> Result<(), SendError> {
        self.send_with(to, value.encoded_len()?, |payload| value.encode(payload))
    }
}
