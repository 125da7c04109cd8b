//! What a chunk means.

use super::{Error, Fault, Remote, Violation};
use crate::link::Source;
use crate::value::Reader;

/// What a chunk means as a message of remote procedure calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Message<'a> {
    /// The peer offers an object: from now on it can be called.
    Offer(Remote),
    /// The peer calls an object of this end.
    Call(Call<'a>),
}

impl<'a> Message<'a> {
    /// Reads a chunk. `None` only for no bytes at all, which is no chunk.
    #[inline]
    #[must_use]
    pub fn read(from: Source, bytes: &'a [u8]) -> Option<Self> {
        match bytes {
            [] => None,
            [object] => Some(Self::Offer(Remote::assume(from, *object))),
            [object, procedure, arguments @ ..] => {
                Some(Self::Call(Call { from, object: *object, procedure: *procedure, arguments }))
            }
        }
    }
}

/// A call that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Call<'a> {
    from: Source,
    object: u8,
    procedure: u8,
    arguments: &'a [u8],
}

impl<'a> Call<'a> {
    /// Who called.
    #[must_use]
    pub const fn from(&self) -> Source {
        self.from
    }

    /// The object: what to call `dispatch` of.
    #[must_use]
    pub const fn object(&self) -> u8 {
        self.object
    }

    /// The procedure.
    #[must_use]
    pub const fn procedure(&self) -> u8 {
        self.procedure
    }

    /// The arguments, for programs that decode them themselves.
    #[must_use]
    pub const fn arguments(&self) -> Reader<'a> {
        Reader::new(self.arguments)
    }

    /// The answer to a call of an object that is not there.
    #[must_use]
    pub const fn unknown_object(&self) -> Error {
        self.violation(Fault::UnknownObject)
    }

    /// The answer to a call of a procedure that is not there.
    #[must_use]
    pub const fn unknown_procedure(&self) -> Error {
        self.violation(Fault::UnknownProcedure)
    }

    /// A violation by this call.
    #[must_use]
    pub const fn violation(&self, cause: Fault) -> Error {
        Error::Violation(Violation::new(self, cause))
    }
}
