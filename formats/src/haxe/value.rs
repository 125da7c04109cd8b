//! The format as a value of remote procedure calls.

use peote_net::value::{
    Decode, DecodeError, Encode, EncodeError, Form, Reader, Sink, len_of_length, put_length,
};
use serde::{Deserialize, Serialize};

use super::{ROOM, from_str_within, text_len, write};

/// A value of `peote-net` that travels in the format of `haxe.Serializer`, as a string.
///
/// It carries any type that serde knows through a remote procedure call to programs written in
/// Haxe, whose compiler sends values without a type of their own on the wire this way.
///
/// ```
/// use peote_net::value::{Reader, Writer};
/// use peote_net_formats::haxe::Haxe;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Player<'a> {
///     name: &'a str,
///     position: (i32, f64),
///     weapon: Option<i32>,
/// }
///
/// let mut buffer = [0; 80];
/// let mut writer = Writer::new(&mut buffer);
/// writer.write(&Haxe::new(Player { name: "anna", position: (3, 0.5), weapon: None }))?;
/// let bytes = writer.finish();
/// assert_eq!(&bytes[1..], b"oy4:namey4:annay8:positionai3d0.5hy6:weaponng");
///
/// let read: Haxe<Player> = Reader::new(bytes).only()?;
/// assert_eq!((read.0.name, read.0.position), ("anna", (3, 0.5)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Writing goes through the value twice, to count and to write. Reading needs a buffer of `N` bytes
/// on the stack, and some 600 bytes besides.
///
/// `N` is the number of bytes that a string with escapes (a blank is one), and bytes, can have when
/// they are read; they are decoded in a buffer of that size on the stack. With the feature `alloc`,
/// longer ones are decoded on the heap. As an argument of a procedure `Haxe(value)` is enough;
/// elsewhere [`Haxe::new`] chooses the default of 4,096. A microcontroller names less:
/// `Haxe<Player, 64>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Haxe<T, const N: usize = ROOM>(
    /// The value.
    pub T,
);

impl<T> Haxe<T> {
    /// This value, where the compiler cannot know the size of the buffer otherwise.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T: Serialize, const N: usize> Encode for Haxe<T, N> {
    const FORM: Form = Form::named("haxe");

    fn encoded_len(&self) -> Result<usize, EncodeError> {
        let len = text_len(&self.0).map_err(|error| EncodeError::Inner(error.as_str()))?;
        Ok(len_of_length(len)?.saturating_add(len))
    }

    fn encode(&self, sink: &mut impl Sink) {
        let Ok(len) = text_len(&self.0) else { return };
        put_length(len, sink);
        // it has been counted, so it can be written
        let _ = write(&self.0, |bytes| sink.put(bytes));
    }
}

impl<'a, T: Deserialize<'a>, const N: usize> Decode<'a> for Haxe<T, N> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let text = reader.string()?;
        from_str_within::<T, N>(text).map(Self).map_err(|error| DecodeError::Inner(error.as_str()))
    }
}
