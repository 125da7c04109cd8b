//! The format as a value of remote procedure calls.

use peote_net::value::{
    Decode, DecodeError, Encode, EncodeError, Form, Reader, Sink, len_of_length, put_length,
};
use serde::{Deserialize, Serialize};

use super::{encoded_len, from_slice, write};

/// A value of `peote-net` that travels as `MessagePack`, as a byte string.
///
/// It carries any type that serde knows through a remote procedure call to programs written in Haxe
/// that were built with their `MessagePack` library; and between programs of `peote-net`, where it
/// is shorter and quicker than the text of `haxe.Serializer`.
///
/// ```
/// use peote_net::value::{Reader, Writer};
/// use peote_net_formats::messagepack::MessagePack;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Player<'a> {
///     name: &'a str,
///     position: (i32, f64),
/// }
///
/// let mut buffer = [0; 40];
/// let mut writer = Writer::new(&mut buffer);
/// writer.write(&MessagePack(Player { name: "anna", position: (3, 0.1) }))?;
/// let bytes = writer.finish();
/// assert_eq!(&bytes[1..12], b"\x82\xa4name\xa4anna");
///
/// let MessagePack::<Player>(player) = Reader::new(bytes).only()?;
/// assert_eq!((player.name, player.position), ("anna", (3, 0.1)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Nothing is allocated. Writing goes through the value twice, to count and to write. Reading
/// borrows strings and byte strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MessagePack<T>(
    /// The value.
    pub T,
);

impl<T: Serialize> Encode for MessagePack<T> {
    const FORM: Form = Form::named("messagepack");

    fn encoded_len(&self) -> Result<usize, EncodeError> {
        let len = encoded_len(&self.0).map_err(|error| EncodeError::Inner(error.as_str()))?;
        Ok(len_of_length(len)?.saturating_add(len))
    }

    fn encode(&self, sink: &mut impl Sink) {
        let Ok(len) = encoded_len(&self.0) else { return };
        put_length(len, sink);
        // it has been counted, so it can be written
        let _ = write(&self.0, |bytes| sink.put(bytes));
    }
}

impl<'a, T: Deserialize<'a>> Decode<'a> for MessagePack<T> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let bytes = reader.byte_string()?;
        from_slice(bytes).map(Self).map_err(|error| DecodeError::Inner(error.as_str()))
    }
}
