//! Reading.

use serde::de::value::{BorrowedBytesDeserializer, BorrowedStrDeserializer, I8Deserializer};
use serde::de::{
    Deserialize, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::head::{Head, Input};
use crate::Error;
use crate::number::{FRACTION, whole};

/// How deep values that are wanted can be nested: what hostile bytes can take of the stack.
const DEPTH: u8 = 128;

/// The type of an extension that is a timestamp.
const TIMESTAMP: i8 = -1;

/// Reads a value, which has to be all there is.
pub(super) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    let mut deserializer = Deserializer { input: Input(bytes), depth: 0 };
    let value = T::deserialize(&mut deserializer)?;
    if deserializer.input.0.is_empty() {
        Ok(value)
    } else {
        Err(Error::new("something is left behind the MessagePack"))
    }
}

struct Deserializer<'de> {
    input: Input<'de>,
    depth: u8,
}

/// What a type expects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Anything,
    Integer,
    Float,
    Sequence,
    Bytes,
}

impl<'de> Deserializer<'de> {
    fn deeper<R>(&mut self, inside: impl FnOnce(&mut Self) -> Result<R, Error>) -> Result<R, Error> {
        if self.depth >= DEPTH {
            return Err(Error::new("MessagePack is nested more than 128 deep"));
        }
        self.depth = self.depth.wrapping_add(1);
        let result = inside(self);
        self.depth = self.depth.wrapping_sub(1);
        result
    }

    fn items<V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value, Error> {
        self.deeper(|this| {
            let mut items = Values { deserializer: this, left: count };
            let value = visitor.visit_seq(&mut items)?;
            if items.left == 0 { Ok(value) } else { Err(Error::new("an array has more items than expected")) }
        })
    }

    fn entries<V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value, Error> {
        self.deeper(|this| {
            let mut entries = Values { deserializer: this, left: count };
            let value = visitor.visit_map(&mut entries)?;
            if entries.left == 0 {
                Ok(value)
            } else {
                Err(Error::new("a map has more entries than expected"))
            }
        })
    }

    fn value<V: Visitor<'de>>(&mut self, visitor: V, wanted: Wanted) -> Result<V::Value, Error> {
        match self.input.head()? {
            Head::Nil => visitor.visit_unit(),
            Head::Bool(value) => visitor.visit_bool(value),
            Head::Unsigned(int) => visitor.visit_u64(int),
            Head::Signed(int) => visitor.visit_i64(int),
            Head::F32(float) if wanted == Wanted::Integer => integer(float.into(), visitor),
            Head::F64(float) if wanted == Wanted::Integer => integer(float, visitor),
            Head::F32(float) => visitor.visit_f32(float),
            Head::F64(float) => visitor.visit_f64(float),
            Head::Str(bytes) if wanted == Wanted::Bytes => visitor.visit_borrowed_bytes(bytes),
            Head::Str(bytes) => visitor.visit_borrowed_str(utf8(bytes)?),
            Head::Bin(bytes) => visitor.visit_borrowed_bytes(bytes),
            Head::Array(count) => self.items(count, visitor),
            Head::Map(count) => self.entries(count, visitor),
            Head::Extension(kind, data) => extension(kind, data, visitor, wanted),
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    core::str::from_utf8(bytes).map_err(|_| Error::new("a string is not UTF-8"))
}

fn integer<'de, V: Visitor<'de>>(float: f64, visitor: V) -> Result<V::Value, Error> {
    visitor.visit_i64(whole(float).ok_or(FRACTION)?)
}

fn extension<'de, V: Visitor<'de>>(
    kind: i8,
    data: &'de [u8],
    visitor: V,
    wanted: Wanted,
) -> Result<V::Value, Error> {
    let is_time = kind == TIMESTAMP && !matches!(wanted, Wanted::Sequence | Wanted::Bytes);
    if is_time && let Some((seconds, nanos)) = timestamp(data) {
        return time(seconds, nanos, visitor, wanted);
    }
    match wanted {
        Wanted::Sequence => visitor.visit_seq(Extension { kind: Some(kind), data: Some(data) }),
        Wanted::Bytes | Wanted::Anything => visitor.visit_borrowed_bytes(data),
        Wanted::Integer | Wanted::Float => {
            Err(serde::de::Error::invalid_type(Unexpected::Other("extension"), &visitor))
        }
    }
}

/// Seconds since 1970 and nanoseconds of a timestamp, in any of its three forms.
fn timestamp(data: &[u8]) -> Option<(i64, u32)> {
    match *data {
        [a, b, c, d] => Some((u32::from_be_bytes([a, b, c, d]).into(), 0)),
        [a, b, c, d, e, f, g, h] => {
            let both = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            let seconds = i64::try_from(both & 0x3_ffff_ffff).ok()?;
            Some((seconds, u32::try_from(both >> 34).ok()?))
        }
        [a, b, c, d, ref seconds @ ..] => {
            let seconds = i64::from_be_bytes(seconds.try_into().ok()?);
            Some((seconds, u32::from_be_bytes([a, b, c, d])))
        }
        _ => None,
    }
}

/// A time as milliseconds.
#[expect(clippy::cast_precision_loss, reason = "f64 is what is asked for")]
fn time<'de, V: Visitor<'de>>(
    seconds: i64,
    nanos: u32,
    visitor: V,
    wanted: Wanted,
) -> Result<V::Value, Error> {
    let millis =
        seconds.checked_mul(1000).ok_or(Error::new("a timestamp is beyond 64 bits of milliseconds"))?;
    if wanted == Wanted::Integer {
        return visitor.visit_i64(millis.saturating_add(i64::from(nanos / 1_000_000)));
    }
    visitor.visit_f64(millis as f64 + f64::from(nanos) / 1e6)
}

macro_rules! forward {
    ($wanted:ident: $($name:ident)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.value(visitor, Wanted::$wanted)
        }
    )*};
}

impl<'de> serde::Deserializer<'de> for &mut Deserializer<'de> {
    type Error = Error;

    forward! {
        Anything: deserialize_any deserialize_bool deserialize_char deserialize_str deserialize_string
            deserialize_unit deserialize_map deserialize_identifier
    }

    forward! {
        Integer: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
            deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    forward! { Float: deserialize_f32 deserialize_f64 }
    forward! { Sequence: deserialize_seq }
    forward! { Bytes: deserialize_bytes deserialize_byte_buf }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value(visitor, Wanted::Anything)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.value(visitor, Wanted::Sequence)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value(visitor, Wanted::Sequence)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value(visitor, Wanted::Anything)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.input.is_nil() {
            self.input.head()?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.input.head()? {
            Head::Str(name) => visitor.visit_enum(BorrowedStrDeserializer::new(utf8(name)?)),
            Head::Map(1) => self.deeper(|this| visitor.visit_enum(Content { deserializer: this })),
            _ => Err(Error::new("an enum is expected: a string, or a map of one entry")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.input.skip()?;
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The items of an array, or the entries of a map.
struct Values<'a, 'de> {
    deserializer: &'a mut Deserializer<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Values<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.deserializer).map(Some)
    }
}

impl<'de> MapAccess<'de> for Values<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.deserializer)
    }
}

/// An extension as a sequence: its type, then its data.
struct Extension<'de> {
    kind: Option<i8>,
    data: Option<&'de [u8]>,
}

impl<'de> SeqAccess<'de> for Extension<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if let Some(kind) = self.kind.take() {
            return seed.deserialize(I8Deserializer::new(kind)).map(Some);
        }
        self.data.take().map(|data| seed.deserialize(BorrowedBytesDeserializer::new(data))).transpose()
    }
}

/// An enum with content: a map from its constructor to that.
struct Content<'a, 'de> {
    deserializer: &'a mut Deserializer<'de>,
}

impl<'de> EnumAccess<'de> for Content<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        Ok((seed.deserialize(&mut *self.deserializer)?, self))
    }
}

impl<'de> VariantAccess<'de> for Content<'_, 'de> {
    type Error = Error;

    /// Content is passed over: that of a constructor that the type does not know
    /// (`#[serde(other)]`).
    fn unit_variant(self) -> Result<(), Error> {
        self.deserializer.input.skip()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.deserializer)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserializer.value(visitor, Wanted::Sequence)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserializer.value(visitor, Wanted::Anything)
    }
}
