//! Values in the format of `haxe.Serializer` (`docs/haxe-serializer.md`), through serde: feature `haxe`.
//!
//! [`Haxe`] carries any type that serde knows through a remote procedure call to programs written in Haxe, whose compiler sends values without a type of
//! their own on the wire this way. It is a string on the wire.
//!
//! ```
//! use peote_net::value::haxe::Haxe;
//! use peote_net::value::{Reader, Writer};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Player<'a> {
//!     name: &'a str,
//!     position: (i32, f64),
//!     weapon: Option<i32>,
//! }
//!
//! let mut buffer = [0; 80];
//! let mut writer = Writer::new(&mut buffer);
//! writer.write(&Haxe::new(Player { name: "anna", position: (3, 0.5), weapon: None }))?;
//! let bytes = writer.finish();
//! assert_eq!(&bytes[1..], b"oy4:namey4:annay8:positionai3d0.5hy6:weaponng");
//!
//! let read: Haxe<Player> = Reader::new(bytes).only()?;
//! assert_eq!((read.0.name, read.0.position), ("anna", (3, 0.5)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | Haxe | serde, and Rust |
//! |---|---|
//! | `null` | `None`, `()` |
//! | `Bool`, `Int`, `Float` | `bool`; integers from -2,147,483,648 to 2,147,483,647; `f64`, `f32` |
//! | `String` | strings, `char` |
//! | anonymous object | struct; a map, to read |
//! | `Array`; `List`, to read | sequences, tuples |
//! | `StringMap` (`Map<String, _>`), `IntMap` (`Map<Int, _>`) | map with keys of that type |
//! | `Bytes` | byte strings of serde (`serde_bytes`) |
//! | enum | enum; its name with package is that of the Rust enum (`#[serde(rename = "pack.Colour")]`) |
//!
//! Everything else is an error: to write, integers beyond `Int` and other map keys; to read, class instances, dates, exceptions, object maps, and
//! references to objects (`Serializer.USE_CACHE`, off unless switched on).
//!
//! # Memory
//!
//! Nothing is allocated. Writing goes through the value twice, to count and to write. Reading borrows a string where it can, that is if it has no characters
//! that the format escapes; `&str` fields can take no other. Others are unescaped in a buffer of `N` bytes on the stack, from where an owned type
//! (such as [`heapless::String`] with its feature `serde`, or `String`) takes them; a longer one is an error. A text can refer back to its first 128
//! strings, and values can be nested 32 deep.

mod de;
mod ser;
mod text;

use core::fmt;

use serde::{Deserialize, Serialize};

use super::length::{len_of_length, put_length};
use super::{Decode, DecodeError, Encode, EncodeError, Reader, Sink};

/// A value that travels in the format of `haxe.Serializer`, as a string. See the [module](self).
///
/// `N` is the number of bytes a string with escaped characters can have when it is read. As an argument of a procedure `Haxe(value)` is enough; elsewhere
/// [`Haxe::new`] chooses the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Haxe<T, const N: usize = 256>(
    /// The value.
    pub T,
);

/// What serde is told of a problem. Without an allocator its own text cannot be kept.
#[derive(Clone, Copy, Debug)]
struct Problem(&'static str);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for Problem {}

impl serde::ser::Error for Problem {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self("the type refuses to be written")
    }
}

impl serde::de::Error for Problem {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self("the value is not one of this type")
    }

    fn invalid_type(_: serde::de::Unexpected<'_>, _: &dyn serde::de::Expected) -> Self {
        Self("a value has another type than is expected")
    }

    fn invalid_value(_: serde::de::Unexpected<'_>, _: &dyn serde::de::Expected) -> Self {
        Self("a value is not among those expected")
    }

    fn invalid_length(_: usize, _: &dyn serde::de::Expected) -> Self {
        Self("there are more or fewer items than expected")
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self("the enum has no such constructor")
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self("the object has a field too many")
    }

    fn missing_field(_: &'static str) -> Self {
        Self("the object lacks a field")
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self("the object has a field twice")
    }
}

impl<T> Haxe<T> {
    /// This value, where the compiler cannot know the size of the buffer otherwise.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T: Serialize, const N: usize> Haxe<T, N> {
    /// The number of bytes of the text.
    fn text_len(&self) -> Result<usize, EncodeError> {
        let mut count = ser::Count(0);
        ser::write(&self.0, &mut count).map_err(|problem| EncodeError::Inner(problem.0))?;
        Ok(count.0)
    }
}

impl<T: Serialize, const N: usize> Encode for Haxe<T, N> {
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        let len = self.text_len()?;
        Ok(len_of_length(len)?.saturating_add(len))
    }

    fn encode(&self, sink: &mut impl Sink) {
        let Ok(len) = self.text_len() else { return };
        put_length(len, sink);
        // it has been counted, so it can be written
        let _ = ser::write(&self.0, sink);
    }
}

impl<'a, T: Deserialize<'a>, const N: usize> Decode<'a> for Haxe<T, N> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let text = reader.string()?;
        de::read::<T, N>(text).map(Self).map_err(|problem| DecodeError::Inner(problem.0))
    }
}
