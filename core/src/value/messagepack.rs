//! Values as `MessagePack`, through serde: feature `messagepack`.
//!
//! [`MessagePack`] carries any type that serde knows through a remote procedure call to programs written in Haxe that were built with their
//! `MessagePack` library; and between programs of this library, where it is shorter and quicker than the text of `haxe.Serializer`. It is a byte string on
//! the wire.
//!
//! ```
//! use peote_net::value::messagepack::MessagePack;
//! use peote_net::value::{Reader, Writer};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Player<'a> {
//!     name: &'a str,
//!     position: (i32, f64),
//! }
//!
//! let mut buffer = [0; 40];
//! let mut writer = Writer::new(&mut buffer);
//! writer.write(&MessagePack(Player { name: "anna", position: (3, 0.1) }))?;
//! let bytes = writer.finish();
//! assert_eq!(&bytes[1..12], b"\x82\xa4name\xa4anna");
//!
//! let MessagePack::<Player>(player) = Reader::new(bytes).only()?;
//! assert_eq!((player.name, player.position), ("anna", (3, 0.1)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A struct is a map from its fields' names, numbers take as few bytes as they can without loss, an enum is its constructor's name, or a map from that name to its
//! content. Sequences and maps have to know their length beforehand, as those in memory do.
//!
//! Nothing is allocated. Writing goes through the value twice, to count and to write. Reading borrows strings and byte strings; values can be nested 256 deep,
//! which is a matter of the stack for types that are recursive, or that pass over unknown fields.

use messagepack_serde::messagepack_core::io::{IoRead, IoWrite, RError, Reference, WError};
use messagepack_serde::{de, ser};
use serde::{Deserialize, Serialize};

use super::length::{len_of_length, put_length};
use super::{Decode, DecodeError, Encode, EncodeError, Reader, Sink};

/// A value that travels as `MessagePack`, as a byte string. See the [module](self).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MessagePack<T>(
    /// The value.
    pub T,
);

struct Count(usize);

impl IoWrite for Count {
    type Error = WError;

    fn write(&mut self, bytes: &[u8]) -> Result<(), WError> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(())
    }
}

struct ToSink<'a, S>(&'a mut S);

impl<S: Sink> IoWrite for ToSink<'_, S> {
    type Error = WError;

    fn write(&mut self, bytes: &[u8]) -> Result<(), WError> {
        self.0.put(bytes);
        Ok(())
    }
}

impl<T: Serialize> MessagePack<T> {
    /// The number of bytes it takes, without the length in front.
    fn content_len(&self) -> Result<usize, EncodeError> {
        let mut count = Count(0);
        match ser::to_core_writer(&self.0, &mut count) {
            Ok(_) => Ok(count.0),
            Err(ser::Error::SeqLenNone) => {
                Err(EncodeError::Inner("a sequence or map does not know its length"))
            }
            Err(_) => Err(EncodeError::Inner("the type refuses to be written")),
        }
    }
}

impl<T: Serialize> Encode for MessagePack<T> {
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        let len = self.content_len()?;
        Ok(len_of_length(len)?.saturating_add(len))
    }

    fn encode(&self, sink: &mut impl Sink) {
        let Ok(len) = self.content_len() else { return };
        put_length(len, sink);
        // it has been counted, so it can be written
        let _ = ser::to_core_writer(&self.0, &mut ToSink(sink));
    }
}

/// Reads from a slice that its owner sees shrink.
struct FromReader<'r, 'de>(&'r mut Reader<'de>);

impl<'de> IoRead<'de> for FromReader<'_, 'de> {
    type Error = RError;

    fn read_slice<'a>(&'a mut self, len: usize) -> Result<Reference<'de, 'a>, RError> {
        self.0.bytes(len).map(Reference::Borrowed).map_err(|_| RError::BufferEmpty)
    }
}

impl<'a, T: Deserialize<'a>> Decode<'a> for MessagePack<T> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut content = Reader::new(reader.byte_string()?);
        let value = de::from_core_reader(FromReader(&mut content)).map_err(|error| {
            DecodeError::Inner(match error {
                de::Error::Decode(_) => "MessagePack that is wrong, or ends too early",
                de::Error::RecursionLimitExceeded => "MessagePack is nested more than 256 deep",
                _ => "the value is not one of this type",
            })
        })?;
        match content.finish() {
            Ok(()) => Ok(Self(value)),
            Err(_) => Err(DecodeError::Inner("something is left behind the MessagePack")),
        }
    }
}
