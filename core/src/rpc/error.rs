//! What can be wrong with a call that came in.

use core::fmt;

use crate::link::{Flow, SendError, Source};
use crate::value::DecodeError;

/// A peer has called something that is not there, or not the way it is declared. Nothing was
/// called.
///
/// No honest peer does that: the two ends have different declarations, or the peer is malicious.
/// The channel goes on, since the borders of messages are not in doubt; a server may want to remove
/// such a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Violation {
    /// The peer: which channel, and which user.
    pub from: Source,
    /// The object it wanted to call.
    pub object: u8,
    /// The procedure it wanted to call.
    pub procedure: u8,
    /// What is wrong.
    pub cause: Fault,
}

/// What is wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// There is no such object.
    UnknownObject,
    /// The object has no such procedure.
    UnknownProcedure,
    /// The arguments are not those of the procedure. Bytes behind the last one are
    /// [`DecodeError::LeftOver`].
    Arguments(DecodeError),
}

/// Why a message was not dealt with.
///
/// A handler tells the two apart, or has violations logged and passed over by [`Error::pass_over`].
/// What is left is a [`SendError`] as any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The peer broke the rules.
    Violation(Violation),
    /// Something could not be sent: the error of a procedure, or of the handler.
    Send(SendError),
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl Error {
    /// Passes over a violation, which goes to the log; an error of sending stays one. For handlers:
    /// `dispatch(…).or_else(Error::pass_over)`.
    ///
    /// # Errors
    /// [`Error::Send`]'s.
    pub fn pass_over(self) -> Result<Flow, SendError> {
        match self {
            Self::Send(error) => Err(error),
            Self::Violation(violation) => {
                let Violation { object, procedure, .. } = violation;
                warning!("a peer called procedure {} of object {} in a wrong way", procedure, object);
                Ok(Flow::Continue)
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownObject => f.write_str("there is no such object"),
            Self::UnknownProcedure => f.write_str("the object has no such procedure"),
            Self::Arguments(error) => write!(f, "the arguments are wrong: {error}"),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, object, procedure, cause } = self;
        match from {
            Source::User { channel, user } => write!(f, "{user} of own channel {}", channel.index())?,
            Source::Server { channel } => write!(f, "the server of entered channel {}", channel.index())?,
        }
        write!(f, " called procedure {procedure} of object {object}: {cause}")
    }
}

impl core::error::Error for Violation {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => violation.fmt(f),
            Self::Send(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {}
