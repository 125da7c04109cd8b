//! Typed messages: values in bytes and back, with or without
//! remote procedure calls (`rpc`). PROTOCOL.md, section 7, has the bytes.
//!
//! # Messages of a program
//!
//! A message is a struct or an enum. [`Out::send_value`](crate::link::Out::send_value) sends it,
//! and [`Decode::from_bytes`] reads a chunk. Nothing is allocated or copied in between.
//!
//! ```
//! # #[cfg(feature = "macros")] {
//! use peote_net::link::{Event, Out, SendError};
//! use peote_net::value::{Decode, DecodeError, Encode};
//!
//! #[derive(Encode, Decode)]
//! enum Message<'a> {
//!     Move { x: f32, y: f32 },
//!     Say(&'a str),
//! }
//!
//! /// Answers what was said, and passes over what is no message.
//! fn handle(event: Event<'_>, out: &mut Out<'_>) -> Result<(), SendError> {
//!     let Event::Chunk { from, bytes } = event else { return event.ok() };
//!     match Message::from_bytes(bytes) {
//!         Ok(Message::Say(_)) => out.send_value(from, &Message::Say("hello")),
//!         Ok(Message::Move { .. }) | Err(_) => Ok(()),
//!     }
//! }
//! # }
//! ```
//!
//! - A struct is its fields, one after another.
//! - An enum is one byte with the number of the variant, then its fields. Variants are numbered in
//!   their order, from 0; `Variant = 7` gives a number, and the next one follows on. A variant
//!   added at the end leaves the others as they are. An older peer reads
//!   [`DecodeError::UnknownVariant`].
//! - A type that borrows has one lifetime, that of the message.
//! - Type parameters have to be values themselves.
//! - The derives are of the feature `macros`. `#[value(crate = path)]` names this crate where it is
//!   reached by another path.
//!
//! With the package `peote-net-formats` every type of serde is a value:
//! `out.send_value(to, &MessagePack(&message))`. It takes more bytes and time, and tolerates
//! fields that only one side knows.
//!
//! # By hand
//!
//! One value after another into a buffer and out of it:
//!
//! ```
//! use peote_net::value::{Reader, Writer};
//!
//! let mut buffer = [0; 32];
//! let mut writer = Writer::new(&mut buffer);
//! writer.u8(7)?;
//! writer.i32(-5)?;
//! writer.string("hi ✓")?;
//! let message = writer.finish();
//! assert_eq!(message, b"\x07\xfb\xff\xff\xff\x06hi \xe2\x9c\x93");
//!
//! let mut reader = Reader::new(message);
//! assert_eq!((reader.u8()?, reader.i32()?, reader.string()?), (7, -5, "hi ✓"));
//! reader.finish()?; // an error if bytes were left over
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Values are nested at will:
//!
//! ```
//! use peote_net::link::{EnteredChannel, Out, SendError};
//! use peote_net::value::{Decode, List};
//!
//! fn send_reading(
//!     out: &mut Out<'_>, channel: EnteredChannel, name: &str, values: &[i16],
//! ) -> Result<(), SendError> {
//!     out.send_value(channel, &(name, values))
//! }
//!
//! /// The sum of a list that may be longer than any buffer of this program.
//! fn sum(message: &[u8]) -> Option<i32> {
//!     let (_name, values) = <(&str, List<'_, i16>)>::from_bytes(message).ok()?;
//!     Some(values.iter().map(i32::from).sum())
//! }
//! assert_eq!(sum(&[1, b'x', 3, 1, 0, 2, 0, 0xff, 0xff]), Some(2));
//! ```
//!
//! # Types
//!
//! | Rust | on the wire | existing peers |
//! |---|---|---|
//! | `bool` | 1 byte, 0 is false, all others are true | Bool |
//! | `u8`, `u16`, `i16`, `i32`, `f32`, `f64` | little end first | `Byte`, `UInt16`, `Int16`, `Int`, `Float`, `Double` |
//! | `i8`, [`U24`], [`I24`] | little end first | yes, outside of remote procedure calls |
//! | `u32`, `i64`, `u64` | little end first | no: among programs of this library only |
//! | [`BigEndian`] of a number | big end first | yes, outside of remote procedure calls |
//! | `&str`, [`heapless::String`] | length in bytes, UTF-8 | String |
//! | `&[u8]`, [`List`] or [`heapless::Vec`] of `u8` | length, bytes | Bytes |
//! | [`Counted`] of a string | as a string, with a length of 1 to 4 bytes | yes, outside of remote procedure calls |
//! | [`List`], [`heapless::Vec`], `[T; N]`; slices, to encode | length in items, items | Array, List, Vector |
//! | [`Map`], [`heapless::LinearMap`] | length in entries; key, value, key, value … | Map |
//! | tuples of 1 to 12, structs | their values, nothing in between | as that many values |
//! | enums | the variant's number in 1 byte, its fields | no: among programs of this library only |
//! | `Option` | a bool, then the value if there is one | no: among programs of this library only |
//! | `Result` | a bool, which is true for `Ok`, then the value or the error | no: among programs of this library only |
//! | `()` | nothing | as no value |
//!
//! Types beyond these travel through serde as text of `haxe.Serializer`, or as `MessagePack`: the
//! package `peote-net-formats` has both, as `haxe::Haxe` and `messagepack::MessagePack`. Other
//! packages can do the same with [`Encode`], [`Decode`], [`len_of_length`] and [`put_length`].
//!
//! A tuple or an array is not a value of its own to existing peers: the first is one value after
//! another, the second is an array whose length has to be `N`.
//!
//! # Hostile bytes
//!
//! Decoding never panics, never allocates, and takes time in proportion to the bytes that are
//! there, not to the lengths that they claim: a list is refused before its first item if its items
//! could not fit into what follows.

mod bytes;
mod collections;
mod counted;
mod decode;
mod encode;
mod error;
pub(crate) mod form;
mod int24;
mod length;
mod list;
mod map;
mod plain;
mod reader;
mod room;
mod sink;
mod tuple;
mod writer;

pub use counted::Counted;
pub use decode::Decode;
pub use encode::Encode;

pub use error::{DecodeError, EncodeError};
pub use form::Form;
pub use int24::{I24, U24};
pub use length::{MAX_LENGTH, len_of_length, put_length};
pub use list::{List, ListIter};
pub use map::{Map, MapIter};
#[cfg(feature = "macros")]
pub use peote_net_macros::{Decode, Encode};
pub use plain::BigEndian;
pub use reader::Reader;
pub use room::{Fixed, Room};
pub use sink::Sink;
pub use writer::Writer;
