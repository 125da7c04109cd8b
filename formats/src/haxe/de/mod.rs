//! Reading.

mod access;
mod date;
mod enums;
mod instances;
mod skip;
mod strings;
mod text;

use serde::de::value::U32Deserializer;
use serde::de::{Deserialize, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

pub(crate) use self::instances::{INT64_CLASSES, INT64_FIELDS};

use self::access::{Entries, Items};
use self::strings::Strings;
use self::text::{END, NUMBER, Text};
use crate::Error;
use crate::haxe::escape::{base64_room, decode_base64, has_escapes, unescape, unescaped_len};
use crate::haxe::room::Room;
use crate::haxe::types::name;
use crate::number::{FRACTION, whole};

/// How deep values that are wanted can be nested: what a hostile text can take of the stack.
const DEPTH: u8 = 128;

const STRING: Error = Error::new("a string is expected");
const NO_VALUE: Error = Error::new("what begins here is no value");
const TOO_LONG: Error =
    Error::new("a string with escapes, or bytes, are longer than the room to decode them");
const NOT_REFERRED: Error = Error::new("a reference to a string that has not come yet");
const LONG_REFERENCES: Error = Error::new("references to strings stand for too long a text");
const FAR_REFERENCES: Error = Error::new("references to strings take too long to look up");
const LONG_RUNS: Error = Error::new("runs of nulls stand for too long a list");

/// Reads a value, which has to be the whole text.
pub(crate) fn read<'de, T: Deserialize<'de>, const N: usize>(text: &'de str) -> Result<T, Error> {
    let mut deserializer = Deserializer::<N> {
        text: Text::new(text),
        strings: Strings::new(),
        depth: 0,
        credit: text.len().saturating_mul(64).saturating_add(65_536),
        room: Room::new(),
    };
    let value = T::deserialize(&mut deserializer)?;
    if deserializer.text.is_over() {
        Ok(value)
    } else {
        Err(Error::new("something is left behind the value"))
    }
}

struct Deserializer<'de, const N: usize> {
    text: Text<'de>,
    strings: Strings,
    depth: u8,
    /// Bytes of strings referred to and on the way to them, and nulls of runs, that may still come.
    /// A few bytes of a hostile text could stand for millions of them.
    credit: usize,
    /// Where strings are unescaped.
    room: Room<N>,
}

/// What a type expects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Whatever is there.
    Anything,
    /// An integer, which some platforms write as a float; a date is one, too.
    Integer,
    /// A value of another kind.
    Kind,
    /// An object or a map.
    Fields,
}

impl<'de, const N: usize> Deserializer<'de, N> {
    /// The rest of a string whose sign, `y` or `R`, was read; still with its escapes.
    fn escaped(&mut self, sign: u8) -> Result<&'de [u8], Error> {
        match sign {
            b'y' => {
                self.strings.add(self.text.at).ok_or(END)?;
                self.text.counted()
            }
            b'R' => self.referred(),
            _ => Err(STRING),
        }
    }

    /// The string that a reference stands for, whose sign was read.
    fn referred(&mut self) -> Result<&'de [u8], Error> {
        let number = self.text.count()?;
        let (place, further) = self.strings.nearest(number).ok_or(NOT_REFERRED)?;
        let behind = core::mem::replace(&mut self.text.at, place);
        for _ in 0..further {
            let before = self.text.at;
            self.text.counted()?;
            self.text.find_string()?;
            self.spend(self.text.at.saturating_sub(before), FAR_REFERENCES)?;
        }
        let string = self.text.counted()?;
        self.text.at = behind;
        self.spend(string.len(), LONG_REFERENCES)?;
        Ok(string)
    }

    /// Passes over the rest of a string whose sign was read.
    fn pass_string(&mut self, sign: u8) -> Result<(), Error> {
        if sign != b'R' {
            return self.escaped(sign).map(drop);
        }
        let number = self.text.count()?;
        if number < self.strings.count() { Ok(()) } else { Err(NOT_REFERRED) }
    }

    /// A string: borrowed where it has no escapes.
    fn string<V: Visitor<'de>>(&mut self, sign: u8, visitor: V) -> Result<V::Value, Error> {
        let escaped = self.escaped(sign)?;
        if has_escapes(escaped) {
            let room = self.room.take(unescaped_len(escaped), TOO_LONG)?;
            visitor.visit_str(unescape(escaped, room)?)
        } else {
            visitor.visit_borrowed_str(core::str::from_utf8(escaped).map_err(|_| END)?)
        }
    }

    fn bytes<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let digits = self.text.counted()?;
        let room = self.room.take(base64_room(digits.len()), TOO_LONG)?;
        visitor.visit_bytes(decode_base64(digits, room)?)
    }

    fn spend(&mut self, amount: usize, error: Error) -> Result<(), Error> {
        self.credit = self.credit.checked_sub(amount).ok_or(error)?;
        Ok(())
    }

    fn deeper<R>(&mut self, inside: impl FnOnce(&mut Self) -> Result<R, Error>) -> Result<R, Error> {
        if self.depth >= DEPTH {
            return Err(Error::new("values are nested more than 128 deep"));
        }
        self.depth = self.depth.wrapping_add(1);
        let result = inside(self);
        self.depth = self.depth.wrapping_sub(1);
        result
    }

    /// A list, until the sign of its end.
    fn items<V: Visitor<'de>>(&mut self, end: u8, visitor: V) -> Result<V::Value, Error> {
        self.deeper(|this| {
            let mut items = Items::new(this, end);
            let value = visitor.visit_seq(&mut items)?;
            items.end()?;
            Ok(value)
        })
    }

    /// An object, a map, or the fields of an instance, by the sign of their start.
    fn entries<V: Visitor<'de>>(&mut self, kind: u8, visitor: V) -> Result<V::Value, Error> {
        self.deeper(|this| {
            let mut entries = Entries::new(this, kind);
            let value = visitor.visit_map(&mut entries)?;
            entries.end()?;
            Ok(value)
        })
    }

    fn value<V: Visitor<'de>>(&mut self, visitor: V, wanted: Wanted) -> Result<V::Value, Error> {
        match self.text.next()? {
            b'n' => visitor.visit_unit(),
            b't' => visitor.visit_bool(true),
            b'f' => visitor.visit_bool(false),
            b'z' => visitor.visit_i32(0),
            b'i' => visitor.visit_i32(self.text.int()?),
            b'd' => float(self.text.float()?, visitor, wanted),
            b'v' => float(self.text.date()?, visitor, wanted),
            b'k' => visitor.visit_f64(f64::NAN),
            b'm' => visitor.visit_f64(f64::NEG_INFINITY),
            b'p' => visitor.visit_f64(f64::INFINITY),
            sign @ (b'y' | b'R') => self.string(sign, visitor),
            b's' => self.bytes(visitor),
            b'a' | b'l' => self.items(b'h', visitor),
            kind @ (b'o' | b'b' | b'q' | b'M') => self.entries(kind, visitor),
            b'c' => self.instance(visitor, wanted),
            b'C' => self.custom_instance(visitor),
            sign if wanted == Wanted::Anything => self.odd_value(sign, visitor),
            b'w' | b'j' => Err(Error::new("an enum where none is expected")),
            b'x' => Err(Error::new("an exception where a value is expected")),
            b'r' => Err(Error::new("a reference to an object (Serializer.USE_CACHE) cannot be read")),
            b'A' | b'B' => Err(Error::new("a class or an enum itself cannot be read")),
            _ => Err(NO_VALUE),
        }
    }

    /// What only a type that takes anything takes, such as serde's buffer of fields that may turn
    /// out not to be wanted: in a form that no other type takes for its own.
    fn odd_value<V: Visitor<'de>>(&mut self, sign: u8, visitor: V) -> Result<V::Value, Error> {
        match sign {
            b'w' | b'j' => self.any_enum(sign, visitor),
            // a class or an enum itself is its name
            b'A' | b'B' if !matches!(self.text.peek()?, b'y' | b'R') => Err(STRING),
            b'x' | b'A' | b'B' => self.deeper(|this| visitor.visit_newtype_struct(&mut *this)),
            b'r' => {
                let number = u32::try_from(self.text.count()?).map_err(|_| NUMBER)?;
                let number: U32Deserializer<Error> = number.into_deserializer();
                visitor.visit_newtype_struct(number)
            }
            _ => Err(NO_VALUE),
        }
    }
}

/// A number that may be a float on the wire only.
fn float<'de, V: Visitor<'de>>(float: f64, visitor: V, wanted: Wanted) -> Result<V::Value, Error> {
    if wanted != Wanted::Integer {
        return visitor.visit_f64(float);
    }
    visitor.visit_i64(whole(float).ok_or(FRACTION)?)
}

macro_rules! forward {
    ($wanted:ident: $($name:ident)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.value(visitor, Wanted::$wanted)
        }
    )*};
}

impl<'de, const N: usize> serde::Deserializer<'de> for &mut Deserializer<'de, N> {
    type Error = Error;

    forward! { Anything: deserialize_any }

    forward! {
        Integer: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
            deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    forward! {
        Kind: deserialize_bool deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string
            deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_seq deserialize_identifier
    }

    forward! { Fields: deserialize_map }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value(visitor, Wanted::Kind)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.value(visitor, Wanted::Kind)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value(visitor, Wanted::Kind)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == name::INSTANCE {
            self.named_instance(visitor)
        } else {
            self.value(visitor, Wanted::Fields)
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.text.peek()? == b'n' {
            self.text.next()?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let sign = self.text.peek()?;
        match name {
            name::DATE if sign != b'v' => Err(Error::new("a date is expected")),
            name::INT64 if !matches!(sign, b'i' | b'z' | b'd' | b'c') => {
                Err(Error::new("an Int64 is expected"))
            }
            name::OBJECT if !matches!(sign, b'o' | b'c') => {
                Err(Error::new("an anonymous object is expected"))
            }
            name::LIST if !matches!(sign, b'a' | b'l') => Err(Error::new("a list is expected")),
            name::INT_MAP if sign != b'q' => Err(Error::new("an IntMap is expected")),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.named_enum(name, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.skip()?;
        visitor.visit_unit()
    }
}

/// A null of a run.
struct Null;

impl<'de> serde::Deserializer<'de> for Null {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier newtype_struct enum ignored_any
    }
}
