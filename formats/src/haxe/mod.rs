//! The format of Haxe's `haxe.Serializer`: feature `haxe`.
//!
//! Programs written in Haxe send values in it whose type is known at run time only.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Player<'a> {
//!     name: &'a str,
//!     position: (i32, f64),
//!     weapon: Option<i32>,
//! }
//!
//! let player = Player { name: "anna", position: (3, 0.5), weapon: None };
//! let mut buffer = [0; 80];
//! let text = peote_net_formats::haxe::to_slice(&player, &mut buffer)?;
//! assert_eq!(text, "oy4:namey4:annay8:positionai3d0.5hy6:weaponng");
//! assert_eq!(peote_net_formats::haxe::from_str(text), Ok(player));
//! # Ok::<(), peote_net_formats::Error>(())
//! ```
//!
//! # Values
//!
//! | Haxe | serde, and Rust |
//! |---|---|
//! | `null` | `None`, `()` |
//! | `Bool`, `Int`, `Float` | `bool`; integers from -2,147,483,648 to 2,147,483,647; `f64`, `f32`. A whole `Float` is read as an integer, too |
//! | `UInt` | `i32`: a `UInt` is written as the `Int` with the same bits. `value as u32` is the number |
//! | `String` | strings, `char` |
//! | anonymous object, typedef | struct; a map, to read; [`Object`] of a map, for fields that are known at run time only |
//! | `Array` | sequences, tuples |
//! | `List` | [`List`] of a sequence; a sequence, to read |
//! | `StringMap` (`Map<String, _>`), `IntMap` (`Map<Int, _>`) | map with keys of that type; without entries it is written as a `StringMap`, and [`IntMap`] of it as what it is |
//! | `ObjectMap` | map with keys of any type, to read |
//! | `Bytes` | byte strings of serde (`serde_bytes`) |
//! | enum | enum; its name with package is that of the Rust enum (`#[serde(rename = "pack.Colour")]`) |
//! | `Date` | [`Date`]: milliseconds; a number, to read |
//! | `haxe.Int64` | [`Int64`]; an integer, to read |
//! | instance of a class | [`Instance`], with the class's name; a struct or map of its fields, to read |
//! | instance of a class that writes itself (`hxSerialize`) | a sequence of what it has written, to read |
//! | exception, reference to an object (`Serializer.USE_CACHE`), a class or an enum itself | an error of its own |
//!
//! **What a type does not want is passed over**, of every kind and however deep: unknown fields,
//! constructors that it does not know (`#[serde(other)]`), `serde::de::IgnoredAny`. Types that look
//! before they know what they want (serde's `flatten`, `untagged` and `tag`) are told of
//! everything, too: an enum as serde's buffer has it (a string, or a map from the constructor to
//! its arguments), what cannot be represented in a form that no other type takes for its own.
//!
//! # Limits of reading
//!
//! Each has an error of its own.
//!
//! | what | limit |
//! |---|---|
//! | a string with escapes (a blank is one), and bytes | 4,096 bytes ([`ROOM`]), or `N` of [`from_str_within`], which is taken from the stack; with the feature `alloc` none, longer ones are decoded on the heap. None for a string without escapes, for the name of an enum or class, and for what is not wanted |
//! | different strings, to which a text can refer back | none with the feature `alloc`. Without it, there is none either, but the last row of this table: a text of 10,000 different strings, each of them referred to, is read |
//! | nesting of what is wanted | 128 |
//! | nesting of what is not wanted | none: no stack is used |
//! | strings referred to, bytes on the way to them, nulls in runs | in sum 64 times the length of the text, plus 65,536 |
//!
//! *References to strings.* The places of the first 128 strings are remembered, in 512 bytes. Of
//! more strings it is every second, every fourth one and so on, and the others are found by going
//! on from the nearest one before. With the feature `alloc` the places of all others are on the
//! heap, 4 bytes for each. Instructions on x86-64, for strings of 12 characters:
//!
//! | different strings in the text | for each string written in full | for each reference | with `alloc` |
//! |--:|--:|--:|--:|
//! | up to 128 | 470 | 650 | 650 |
//! | 256 | 470 | 760 | 650 |
//! | 1,000 | 470 | 1,400 | 650 |
//! | 4,000 | 470 | 3,700 | 650 |
//!
//! Reading takes `N` bytes of stack, 600 for itself, and some hundred for each level of nesting
//! that is wanted.

mod de;
mod escape;
mod room;
mod ser;
mod types;
mod value;

pub use types::{Date, Instance, Int64, IntMap, List, Object};
pub use value::Haxe;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The room that [`from_str`] has for a string with escapes, and for bytes: 4,096 bytes.
pub const ROOM: usize = 4_096;

/// Reads a value from a text, which has to be nothing but the value.
///
/// A string without escapes can be borrowed. Others, and bytes, are decoded in a buffer of [`ROOM`]
/// bytes on the stack, from where owned types take them; with the feature `alloc`, longer ones on
/// the heap.
///
/// # Errors
/// The text is wrong, is beyond a limit, or is no value of this type.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    from_str_within::<T, ROOM>(text)
}

/// Reads a value as [`from_str`] does, with room for `N` bytes of a string with escapes.
///
/// # Errors
/// As [`from_str`].
pub fn from_str_within<'de, T: Deserialize<'de>, const N: usize>(text: &'de str) -> Result<T, Error> {
    de::read::<T, N>(text)
}

/// Returns the number of bytes that a value takes.
///
/// # Errors
/// The format cannot represent the value.
pub fn text_len<T: Serialize + ?Sized>(value: &T) -> Result<usize, Error> {
    let mut len = 0usize;
    write(value, |bytes| len = len.saturating_add(bytes.len()))?;
    Ok(len)
}

/// Writes a value piece by piece. All pieces together are text; a piece alone may end anywhere.
///
/// # Errors
/// The format cannot represent the value. Pieces may have been written by then; after a
/// [`text_len`] without error there is none.
pub fn write<T: Serialize + ?Sized>(value: &T, put: impl FnMut(&[u8])) -> Result<(), Error> {
    ser::write(value, put)
}

/// Writes a value to the start of a buffer; returns the text.
///
/// # Errors
/// The format cannot represent the value, or the buffer is too small.
pub fn to_slice<'b, T: Serialize + ?Sized>(value: &T, buffer: &'b mut [u8]) -> Result<&'b str, Error> {
    let buffer = buffer.get_mut(..text_len(value)?).ok_or(crate::pieces::TOO_SMALL)?;
    crate::pieces::collect(buffer, |put| write(value, put))?;
    // all that is written is ASCII
    core::str::from_utf8(buffer).map_err(|_| Error::new("the text is not ASCII"))
}

/// Writes a value to a new string.
///
/// # Errors
/// The format cannot represent the value.
#[cfg(feature = "alloc")]
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<alloc::string::String, Error> {
    let mut text = alloc::vec::Vec::new();
    write(value, |bytes| text.extend_from_slice(bytes))?;
    alloc::string::String::from_utf8(text).map_err(|_| Error::new("the text is not ASCII"))
}
