//! What a handler answers.

use super::SendError;

/// What a handler wants to happen after it has seen an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u32)] // so that moving a result of one moves whole words
pub enum Flow {
    /// The event is dealt with; go on.
    Continue,
    /// The event could not be dealt with: deliver it again at the next poll.
    ///
    /// Until it is dealt with, what its party says is kept in the party's slot, behind it; all
    /// others are heard. Where that slot is full the link reads no further: a party that has said
    /// hello keeps to its window and never fills it, others can. Without feature `flow` the link
    /// reads no further at all. Nor does it for events without a party: `KnockEnded`, `ComeBack`
    /// and [`Event::UserIgnored`](super::Event::UserIgnored).
    Again,
}

/// What a handler can return.
///
/// `()` and [`Flow::Continue`] go on. [`Flow::Again`] and an error that [stands for
/// "again"](HandlerError::is_would_block), such as [`SendError::WouldBlock`], have the event
/// delivered again at the next poll. Any other error ends the poll with
/// [`Error::Handler`](super::Error::Handler), the event counting as dealt with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a handler or a remote procedure can return",
    label = "not a flow",
    note = "return nothing, `Flow`, or a `Result` of one of them, with `SendError` or an error that implements `HandlerError`"
)]
pub trait IntoFlow {
    /// What can be wrong.
    type Error: HandlerError;

    /// Returns the flow that it stands for.
    ///
    /// # Errors
    /// An error that does not stand for "again".
    fn into_flow(self) -> Result<Flow, Self::Error>;
}

impl From<()> for Flow {
    fn from((): ()) -> Self {
        Self::Continue
    }
}

impl IntoFlow for () {
    type Error = SendError;

    fn into_flow(self) -> Result<Flow, SendError> {
        Ok(Flow::Continue)
    }
}

impl IntoFlow for Flow {
    type Error = SendError;

    fn into_flow(self) -> Result<Flow, SendError> {
        Ok(self)
    }
}

impl<T: Into<Flow>, E: HandlerError> IntoFlow for Result<T, E> {
    type Error = E;

    fn into_flow(self) -> Result<Flow, E> {
        match self {
            Ok(value) => Ok(value.into()),
            Err(error) if error.is_would_block() => Ok(Flow::Again),
            Err(error) => Err(error),
        }
    }
}

/// An error that a handler can return: [`SendError`], with feature `alloc` `Box<dyn Error>`, or a
/// program's own.
///
/// ```
/// use peote_net::link::{HandlerError, SendError};
///
/// enum ShopError {
///     Send(SendError),
///     SoldOut,
/// }
///
/// impl From<SendError> for ShopError {
///     fn from(error: SendError) -> Self {
///         Self::Send(error)
///     }
/// }
///
/// impl HandlerError for ShopError {
///     fn is_would_block(&self) -> bool {
///         matches!(self, Self::Send(SendError::WouldBlock))
///     }
/// }
/// # assert!(!ShopError::SoldOut.is_would_block());
/// ```
pub trait HandlerError {
    /// Returns true if the error is [`SendError::WouldBlock`], or has been made of it: the event is
    /// delivered again then.
    fn is_would_block(&self) -> bool;

    /// Returns the error as one whose sources can be asked for. `None` without this method: there
    /// is only its text then.
    fn as_error(&self) -> Option<&(dyn core::error::Error + 'static)> {
        None
    }
}

impl HandlerError for SendError {
    fn is_would_block(&self) -> bool {
        *self == Self::WouldBlock
    }

    fn as_error(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(self)
    }
}

#[cfg(feature = "alloc")]
impl HandlerError for alloc::boxed::Box<dyn core::error::Error> {
    fn is_would_block(&self) -> bool {
        self.downcast_ref() == Some(&SendError::WouldBlock)
    }

    fn as_error(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&**self)
    }
}

#[cfg(feature = "alloc")]
impl HandlerError for alloc::boxed::Box<dyn core::error::Error + Send + Sync> {
    fn is_would_block(&self) -> bool {
        self.downcast_ref() == Some(&SendError::WouldBlock)
    }

    fn as_error(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&**self)
    }
}
