//! What an object can do, in a form that two programs can compare.

use crate::link::Source;
use crate::value::form::{START, feed};
use crate::value::{DecodeError, Encode, EncodeError, Form, Reader, Sink};

/// The procedures of an object, as they are declared: `BoardCaller::INTERFACE` of a trait `Board`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Interface {
    version: &'static str,
    procedures: &'static [Procedure],
}

/// A procedure of an [`Interface`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Procedure {
    name: &'static str,
    hash: u32,
}

/// An object that a peer has offered, and that it means differently. It cannot be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Mismatch<'a> {
    /// The peer.
    pub from: Source,
    /// The object's number.
    pub object: u8,
    /// The version of this end's interface.
    pub version: &'static str,
    /// The version of the peer's interface, as it says.
    pub theirs: &'a str,
    /// The number of the first procedure that differs.
    pub procedure: u8,
    /// The name that this end has for it.
    pub name: &'static str,
}

impl Interface {
    /// An interface. `#[remote]` makes them.
    #[must_use]
    pub const fn new(version: &'static str, procedures: &'static [Procedure]) -> Self {
        Self { version, procedures }
    }

    /// The version: that of the package that declares the trait, or what
    /// `#[remote(version = "…")]` says.
    #[must_use]
    pub const fn version(&self) -> &'static str {
        self.version
    }

    /// The procedures, in the order of their numbers.
    #[must_use]
    pub const fn procedures(&self) -> &'static [Procedure] {
        self.procedures
    }

    /// Returns the first procedure that both ends have, and that differs.
    fn difference(&self, theirs: Hashes<'_>) -> Option<(u8, &'static str)> {
        let mut theirs = theirs.iter();
        let mut number = 0u8;
        for procedure in self.procedures {
            if theirs.next()? != procedure.hash {
                return Some((number, procedure.name));
            }
            number = number.saturating_add(1);
        }
        None
    }
}

impl Procedure {
    /// A procedure. Upper case and underscores of its name do not count, so that each language can
    /// write it as usual.
    #[must_use]
    pub const fn new(name: &'static str, arguments: &[Form], answer: Option<Form>) -> Self {
        let mut hash = START;
        let mut rest = name.as_bytes();
        while let [byte, behind @ ..] = rest {
            if *byte != b'_' {
                hash = feed(hash, &[byte.to_ascii_lowercase()]);
            }
            rest = behind;
        }
        hash = feed(hash, &Form::of("tuple", arguments).number().to_le_bytes());
        if let Some(answer) = answer {
            hash = feed(hash, &answer.number().to_le_bytes());
        }
        Self { name, hash }
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The hash of name, arguments and answer.
    #[must_use]
    pub const fn hash(&self) -> u32 {
        self.hash
    }
}

/// What a peer says of an object: its number, version, and a hash of each procedure.
pub(super) struct Description<'a> {
    pub(super) object: u8,
    version: &'a str,
    hashes: Hashes<'a>,
}

type Hashes<'a> = crate::value::List<'a, u32>;

impl<'a> Description<'a> {
    pub(super) fn read(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let (object, version, hashes) = (reader.u8()?, reader.string()?, reader.read()?);
        reader.finish()?;
        Ok(Self { object, version, hashes })
    }

    pub(super) fn mismatch(&self, from: Source, ours: &Interface) -> Option<Mismatch<'a>> {
        let (procedure, name) = ours.difference(self.hashes)?;
        let Self { object, version: theirs, .. } = *self;
        Some(Mismatch { from, object, version: ours.version, theirs, procedure, name })
    }
}

/// The arguments of a [`Description`] of this end's.
pub(super) struct Described(pub(super) u8, pub(super) &'static Interface);

impl Encode for Described {
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        let Self(object, Interface { version, procedures }) = self;
        (object, version, *procedures).encoded_len()
    }

    fn encode(&self, sink: &mut impl Sink) {
        let Self(object, Interface { version, procedures }) = self;
        (object, version, *procedures).encode(sink);
    }
}

impl Encode for Procedure {
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        self.hash.encoded_len()
    }

    fn encode(&self, sink: &mut impl Sink) {
        self.hash.encode(sink);
    }
}

impl core::fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { from, object, version, theirs, procedure, name } = self;
        write!(
            f,
            "object {object} of {from} is version {theirs:?}, this end's is {version:?}: \
             procedure {procedure}, {name}, differs; use the same declaration at both ends"
        )
    }
}

impl core::error::Error for Mismatch<'_> {}
