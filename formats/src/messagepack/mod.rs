//! [`MessagePack`](https://msgpack.org): feature `messagepack`.
//!
//! ```
//! use peote_net_formats::messagepack::{from_slice, to_slice};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Player<'a> {
//!     name: &'a str,
//!     position: (i32, f64),
//! }
//!
//! let player = Player { name: "anna", position: (3, 0.1) };
//! let mut buffer = [0; 40];
//! let bytes = to_slice(&player, &mut buffer)?;
//! assert_eq!(&bytes[..11], b"\x82\xa4name\xa4anna");
//! assert_eq!(from_slice(bytes), Ok(player));
//! # Ok::<(), peote_net_formats::Error>(())
//! ```
//!
//! | serde, and Rust | as `MessagePack` | read as well |
//! |---|---|---|
//! | `None`, `()` | nil | |
//! | integers | in as few bytes as they fit into | whole floats; timestamps, as milliseconds rounded down |
//! | `f64`, `f32` | f32 where that is without loss, else f64 | integers; timestamps, as milliseconds |
//! | strings, `char` | str | bin that is UTF-8 |
//! | byte strings of serde (`serde_bytes`) | bin | str; the data of an extension |
//! | sequences, tuples | array | an extension: its type, as `i8`, and its data |
//! | struct, map | map | an array, for a struct |
//! | enum | the name of the constructor; with content, a map from the name to it | |
//! | extension | with the types of `messagepack_serde::extension` | with those, too |
//!
//! Writing is that of the package `messagepack-serde`. Sequences and maps have to know their length
//! beforehand, as those in memory do.
//!
//! **What a type does not want is passed over**, extensions included, however deep and without
//! stack. What is wanted can be nested 128 deep. Everything is borrowed, so nothing else has a
//! limit. A length is believed only as far as the bytes go.

mod de;
mod head;
mod value;

pub use value::MessagePack;

use messagepack_serde::messagepack_core::io::{IoWrite, WError};
use messagepack_serde::ser;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Reads a value from bytes, which have to be nothing but the value. Strings and byte strings can
/// be borrowed.
///
/// # Errors
/// The bytes are wrong, are beyond a limit, or are no value of this type.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    de::read(bytes)
}

/// Takes what is written.
struct Pieces<P>(P);

impl<P: FnMut(&[u8])> IoWrite for Pieces<P> {
    type Error = WError;

    fn write(&mut self, bytes: &[u8]) -> Result<(), WError> {
        (self.0)(bytes);
        Ok(())
    }
}

/// Writes a value piece by piece.
///
/// # Errors
/// The format cannot represent the value. Pieces may have been written by then; after an
/// [`encoded_len`] without error there is none.
pub fn write<T: Serialize + ?Sized>(value: &T, put: impl FnMut(&[u8])) -> Result<(), Error> {
    match ser::to_core_writer(&value, &mut Pieces(put)) {
        Ok(_) => Ok(()),
        Err(ser::Error::SeqLenNone) => Err(Error::new("a sequence or map does not know its length")),
        Err(_) => Err(Error::new("the type refuses to be written")),
    }
}

/// Returns the number of bytes that a value takes.
///
/// # Errors
/// The format cannot represent the value.
pub fn encoded_len<T: Serialize + ?Sized>(value: &T) -> Result<usize, Error> {
    let mut len = 0usize;
    write(value, |bytes| len = len.saturating_add(bytes.len()))?;
    Ok(len)
}

/// Writes a value to the start of a buffer; returns what has been written.
///
/// # Errors
/// The format cannot represent the value, or the buffer is too small.
pub fn to_slice<'b, T: Serialize + ?Sized>(value: &T, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
    let buffer = buffer.get_mut(..encoded_len(value)?).ok_or(crate::pieces::TOO_SMALL)?;
    crate::pieces::collect(buffer, |put| write(value, put))?;
    Ok(buffer)
}
