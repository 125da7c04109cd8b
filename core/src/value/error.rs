//! What can be wrong with values and with bytes.

use core::fmt;

/// Why bytes are not the values that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end too early: a value, or the items that a length announces, cannot fit into
    /// them.
    End {
        /// Bytes that are needed at least.
        needed: usize,
        /// Bytes that are there.
        left: usize,
    },
    /// A length code that is longer than it has to be.
    OverlongLength,
    /// A string that is not UTF-8.
    Utf8,
    /// More items than the collection can hold.
    Capacity {
        /// Items there are.
        items: usize,
        /// Items there is room for.
        capacity: usize,
    },
    /// Another number of items than the array has.
    ArrayLength {
        /// Items there are.
        items: usize,
        /// Items the array has.
        expected: usize,
    },
    /// Bytes are left behind the last value.
    LeftOver {
        /// How many.
        bytes: usize,
    },
    /// An enum has no variant of this number. A newer peer may know more variants.
    UnknownVariant {
        /// The number.
        number: u8,
    },
    /// A value inside another format (`haxe.Serializer`, `MessagePack`) could not be read.
    Inner(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End { needed, left } => {
                write!(f, "the bytes end too early: {needed} are needed, {left} are left")
            }
            Self::OverlongLength => f.write_str("a length code is longer than it has to be"),
            Self::Utf8 => f.write_str("a string is not UTF-8"),
            Self::Capacity { items, capacity } => {
                write!(f, "there are {items} items, and room for {capacity}")
            }
            Self::ArrayLength { items, expected } => {
                write!(f, "there are {items} items for an array of {expected}")
            }
            Self::LeftOver { bytes } => write!(f, "{bytes} bytes are left behind the last value"),
            Self::UnknownVariant { number } => write!(f, "there is no variant of number {number}"),
            Self::Inner(what) => f.write_str(what),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Why a value cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EncodeError {
    /// The buffer has too little room for the value. Nothing of it was written.
    Full {
        /// Bytes the value takes.
        needed: usize,
        /// Bytes that are free.
        free: usize,
    },
    /// A string or collection above [`MAX_LENGTH`](super::MAX_LENGTH), or above that of its
    /// [`Counted`](super::Counted).
    TooLong {
        /// Its length.
        len: usize,
    },
    /// A number that 24 bits cannot hold.
    OutOfRange,
    /// A value that the format inside (`haxe.Serializer`, `MessagePack`) cannot represent.
    Inner(&'static str),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { needed, free } => write!(f, "{needed} bytes do not fit into {free}"),
            Self::TooLong { len } => write!(f, "a length of {len} cannot be coded"),
            Self::OutOfRange => f.write_str("the number does not fit into 24 bits"),
            Self::Inner(what) => f.write_str(what),
        }
    }
}

impl core::error::Error for EncodeError {}
