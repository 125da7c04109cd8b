//! What a message means.

use super::{Bytes, Error, Fault, Remote, Violation};
use crate::link::Source;
use crate::value::Reader;

/// A message of remote procedure calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Message<'a> {
    /// The peer offers an object: from now on it can be called.
    Offer(Remote),
    /// The peer calls an object of this end.
    Call(Call<'a>),
}

impl<'a> Message<'a> {
    /// Reads a message that came from `from`.
    #[inline]
    #[must_use]
    pub fn read(from: Source, bytes: Bytes<'a>) -> Self {
        match *bytes.as_bytes() {
            [] => Self::Call(Call { from, object: 0, procedure: 0, arguments: &[] }), // never made
            [object] => Self::Offer(Remote::assume(from, object)),
            [object, procedure, ref arguments @ ..] => {
                Self::Call(Call { from, object, procedure, arguments })
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
    #[inline]
    pub const fn object(&self) -> u8 {
        self.object
    }

    /// The procedure.
    #[must_use]
    #[inline]
    pub const fn procedure(&self) -> u8 {
        self.procedure
    }

    /// The arguments, for programs that decode them themselves.
    #[must_use]
    #[inline]
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
        Error::Violation(self.violated(cause))
    }

    #[cold]
    pub(super) const fn violated(&self, cause: Fault) -> Violation {
        Violation { from: self.from, object: self.object, procedure: self.procedure, cause }
    }
}
