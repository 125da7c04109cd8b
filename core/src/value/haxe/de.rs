//! Reading.

use serde::de::value::{I32Deserializer, U32Deserializer, UnitDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::Problem;
use super::text::{from_base64, is_plain, unescape};

/// Strings that can be referred to.
const STRINGS: usize = 128;

/// How deep values can be nested: what a hostile text can take of the stack.
const DEPTH: u8 = 32;

const END: Problem = Problem("the text ends too early");
const NUMBER: Problem = Problem("a number is wrong, or beyond Int, which has 32 bits");
const STRING: Problem = Problem("a string is expected");
const ESCAPED: Problem =
    Problem("a string is not UTF-8, has wrong escapes, or more bytes than can be unescaped");
const ENUM: Problem = Problem("an enum of another name");

/// Reads a value, which has to be the whole text.
pub(super) fn read<'de, T: Deserialize<'de>, const N: usize>(text: &'de str) -> Result<T, Problem> {
    let mut deserializer = Deserializer::<N> {
        text: text.as_bytes(),
        at: 0,
        strings: [0; STRINGS],
        string_count: 0,
        depth: 0,
        credit: text.len().saturating_mul(64).saturating_add(65_536),
        room: [0; N],
    };
    let value = T::deserialize(&mut deserializer)?;
    match deserializer.peek() {
        Err(_) => Ok(value),
        Ok(_) => Err(Problem("something is left behind the value")),
    }
}

struct Deserializer<'de, const N: usize> {
    text: &'de [u8],
    at: usize,
    /// Where the first strings are, behind their `y`.
    strings: [u32; STRINGS],
    string_count: usize,
    depth: u8,
    /// Bytes of strings referred to, and nulls of runs, that may still come. A few bytes of a hostile text could stand for millions of them.
    credit: usize,
    /// Where strings are unescaped.
    room: [u8; N],
}

impl<'de, const N: usize> Deserializer<'de, N> {
    fn peek(&self) -> Result<u8, Problem> {
        self.text.get(self.at).copied().ok_or(END)
    }

    fn next(&mut self) -> Result<u8, Problem> {
        let byte = self.peek()?;
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    fn expect(&mut self, byte: u8) -> Result<(), Problem> {
        if self.next()? == byte { Ok(()) } else { Err(Problem("a sign is missing")) }
    }

    /// The characters from here on that `belongs` takes.
    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> Result<&'de str, Problem> {
        let rest = self.text.get(self.at..).ok_or(END)?;
        let len = rest.iter().take_while(|byte| belongs(**byte)).count();
        self.at = self.at.saturating_add(len);
        let run = rest.get(..len).ok_or(END)?;
        core::str::from_utf8(run).map_err(|_| NUMBER)
    }

    fn int(&mut self) -> Result<i32, Problem> {
        self.run(|byte| byte.is_ascii_digit() || byte == b'-')?.parse().map_err(|_| NUMBER)
    }

    fn count(&mut self) -> Result<usize, Problem> {
        self.run(|byte| byte.is_ascii_digit())?.parse().map_err(|_| NUMBER)
    }

    fn float(&mut self) -> Result<f64, Problem> {
        let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        self.run(is_part)?.parse().map_err(|_| NUMBER)
    }

    /// Something with its length: `length:bytes`.
    fn counted(&mut self) -> Result<&'de [u8], Problem> {
        let len = self.count()?;
        self.expect(b':')?;
        let bytes = self.text.get(self.at..).and_then(|rest| rest.get(..len)).ok_or(END)?;
        self.at = self.at.saturating_add(len);
        Ok(bytes)
    }

    /// The rest of a string whose sign, `y` or `R`, was read; still with its escapes.
    fn escaped(&mut self, sign: u8) -> Result<&'de [u8], Problem> {
        match sign {
            b'y' => {
                if let Some(place) = self.strings.get_mut(self.string_count) {
                    *place = u32::try_from(self.at).map_err(|_| END)?;
                }
                self.string_count = self.string_count.saturating_add(1);
                self.counted()
            }
            b'R' => {
                let number = self.count()?;
                if number >= self.string_count {
                    return Err(Problem("a reference to a string that has not come yet"));
                }
                let place = self.strings.get(number).copied();
                let place =
                    place.ok_or(Problem("a reference to another string than the first 128 of the text"))?;
                let behind = core::mem::replace(&mut self.at, usize::try_from(place).map_err(|_| END)?);
                let string = self.counted();
                self.at = behind;
                self.spend(string.map_or(0, <[u8]>::len))?;
                string
            }
            _ => Err(STRING),
        }
    }

    /// A string: borrowed where it has no escapes.
    fn string<V: Visitor<'de>>(&mut self, sign: u8, visitor: V) -> Result<V::Value, Problem> {
        let escaped = self.escaped(sign)?;
        // what is escaped for no need is read too, so only these two matter; all others stand for themselves
        if escaped.iter().all(|byte| is_plain(*byte) || !matches!(byte, b'%' | b'+')) {
            let string = core::str::from_utf8(escaped).map_err(|_| ESCAPED)?;
            return visitor.visit_borrowed_str(string);
        }
        visitor.visit_str(unescape(escaped, &mut self.room).ok_or(ESCAPED)?)
    }

    fn spend(&mut self, amount: usize) -> Result<(), Problem> {
        self.credit = self.credit.checked_sub(amount).ok_or(Problem("a short text stands for too much"))?;
        Ok(())
    }

    fn deeper<R>(&mut self, inside: impl FnOnce(&mut Self) -> Result<R, Problem>) -> Result<R, Problem> {
        if self.depth >= DEPTH {
            return Err(Problem("values are nested more than 32 deep"));
        }
        self.depth = self.depth.saturating_add(1);
        let result = inside(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    fn items<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Problem> {
        self.deeper(|this| {
            let mut items = Items { deserializer: this, nulls: 0, is_over: false };
            let value = visitor.visit_seq(&mut items)?;
            if !items.is_over && (items.nulls > 0 || items.deserializer.next()? != b'h') {
                return Err(Problem("a list has more items than expected"));
            }
            Ok(value)
        })
    }

    fn entries<V: Visitor<'de>>(&mut self, kind: u8, visitor: V) -> Result<V::Value, Problem> {
        self.deeper(|this| {
            let end = if kind == b'o' { b'g' } else { b'h' };
            let mut entries = Entries { deserializer: this, end, has_ints: kind == b'q', is_over: false };
            let value = visitor.visit_map(&mut entries)?;
            if !entries.is_over && entries.deserializer.next()? != end {
                return Err(Problem("an object or map has more entries than expected"));
            }
            Ok(value)
        })
    }

    /// The start of an enum: which constructor, and how many arguments follow.
    fn constructor(&mut self, name: &str) -> Result<(Constructor<'de>, usize), Problem> {
        let sign = self.next()?;
        if !matches!(sign, b'w' | b'j') {
            return Err(Problem("an enum is expected"));
        }
        let string = self.next()?;
        let found = self.escaped(string)?;
        if unescape(found, &mut self.room).ok_or(ESCAPED)? != name && !name.is_empty() {
            return Err(ENUM);
        }
        let constructor = if sign == b'w' {
            let string = self.next()?;
            Constructor::Name(self.escaped(string)?)
        } else {
            self.expect(b':')?;
            Constructor::Index(u32::try_from(self.count()?).map_err(|_| NUMBER)?)
        };
        self.expect(b':')?;
        Ok((constructor, self.count()?))
    }

    /// Passes over a value.
    fn skip(&mut self) -> Result<(), Problem> {
        match self.peek()? {
            b'w' | b'j' => {
                let (_, arguments) = self.constructor("")?;
                self.deeper(|this| (0..arguments).try_for_each(|_| this.skip()))
            }
            _ => serde::Deserializer::deserialize_any(self, serde::de::IgnoredAny).map(drop),
        }
    }
}

enum Constructor<'de> {
    /// Its name, with escapes.
    Name(&'de [u8]),
    Index(u32),
}

impl<'de, const N: usize> serde::Deserializer<'de> for &mut Deserializer<'de, N> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.next()? {
            b'n' => visitor.visit_unit(),
            b't' => visitor.visit_bool(true),
            b'f' => visitor.visit_bool(false),
            b'z' => visitor.visit_i32(0),
            b'i' => visitor.visit_i32(self.int()?),
            b'd' => visitor.visit_f64(self.float()?),
            b'k' => visitor.visit_f64(f64::NAN),
            b'm' => visitor.visit_f64(f64::NEG_INFINITY),
            b'p' => visitor.visit_f64(f64::INFINITY),
            sign @ (b'y' | b'R') => self.string(sign, visitor),
            b'a' | b'l' => self.items(visitor),
            kind @ (b'o' | b'b' | b'q') => self.entries(kind, visitor),
            b's' => {
                let digits = self.counted()?;
                let bytes = from_base64(digits, &mut self.room);
                visitor.visit_bytes(bytes.ok_or(Problem("bytes are wrong, or more than can be read"))?)
            }
            b'w' | b'j' => Err(Problem("an enum where none is expected")),
            b'r' => Err(Problem("a reference to an object (Serializer.USE_CACHE) cannot be read")),
            b'c' | b'C' => Err(Problem("an instance of a class cannot be read")),
            b'A' | b'B' => Err(Problem("a class or an enum itself cannot be read")),
            b'v' => Err(Problem("a date cannot be read")),
            b'x' => Err(Problem("an exception cannot be read")),
            b'M' => Err(Problem("a map with objects as keys cannot be read")),
            _ => Err(Problem("what begins here is no value")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.peek()? == b'n' {
            self.at = self.at.saturating_add(1);
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let (constructor, arguments) = self.constructor(name)?;
        self.deeper(|this| visitor.visit_enum(Enum { deserializer: this, constructor, arguments }))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if matches!(self.peek()?, b'w' | b'j') {
            self.skip()?;
            return visitor.visit_unit();
        }
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}

/// The items of an array or list.
struct Items<'a, 'de, const N: usize> {
    deserializer: &'a mut Deserializer<'de, N>,
    /// Nulls of a run that are still to come.
    nulls: usize,
    is_over: bool,
}

impl<'de, const N: usize> SeqAccess<'de> for Items<'_, 'de, N> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        if self.is_over {
            return Ok(None);
        }
        if self.nulls == 0 {
            match self.deserializer.peek()? {
                b'h' => {
                    self.deserializer.next()?;
                    self.is_over = true;
                    return Ok(None);
                }
                b'u' => {
                    self.deserializer.next()?;
                    self.nulls = self.deserializer.count()?;
                    if self.nulls == 0 {
                        return Err(NUMBER);
                    }
                    self.deserializer.spend(self.nulls)?;
                }
                _ => return seed.deserialize(&mut *self.deserializer).map(Some),
            }
        }
        self.nulls = self.nulls.saturating_sub(1);
        seed.deserialize(Null).map(Some)
    }
}

/// A null of a run.
struct Null;

impl<'de> serde::Deserializer<'de> for Null {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        UnitDeserializer::new().deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier newtype_struct enum ignored_any
    }
}

/// The entries of an object or map.
struct Entries<'a, 'de, const N: usize> {
    deserializer: &'a mut Deserializer<'de, N>,
    end: u8,
    has_ints: bool,
    is_over: bool,
}

impl<'de, const N: usize> MapAccess<'de> for Entries<'_, 'de, N> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        if self.is_over {
            return Ok(None);
        }
        if self.deserializer.peek()? == self.end {
            self.deserializer.next()?;
            self.is_over = true;
            return Ok(None);
        }
        if self.has_ints {
            self.deserializer.expect(b':')?;
            return seed.deserialize(I32Deserializer::new(self.deserializer.int()?)).map(Some);
        }
        match self.deserializer.peek()? {
            b'y' | b'R' => seed.deserialize(&mut *self.deserializer).map(Some),
            _ => Err(STRING),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Problem> {
        seed.deserialize(&mut *self.deserializer)
    }
}

/// A constructor and its arguments.
struct Enum<'a, 'de, const N: usize> {
    deserializer: &'a mut Deserializer<'de, N>,
    constructor: Constructor<'de>,
    arguments: usize,
}

impl<'a, 'de, const N: usize> EnumAccess<'de> for Enum<'a, 'de, N> {
    type Error = Problem;
    type Variant = Arguments<'a, 'de, N>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), Problem> {
        let value = match self.constructor {
            Constructor::Index(index) => {
                seed.deserialize(IntoDeserializer::<Problem>::into_deserializer(index) as U32Deserializer<_>)?
            }
            Constructor::Name(escaped) => {
                let name = unescape(escaped, &mut self.deserializer.room).ok_or(ESCAPED)?;
                seed.deserialize(IntoDeserializer::<Problem>::into_deserializer(name))?
            }
        };
        Ok((value, Arguments { deserializer: self.deserializer, left: self.arguments }))
    }
}

/// The arguments of a constructor.
struct Arguments<'a, 'de, const N: usize> {
    deserializer: &'a mut Deserializer<'de, N>,
    left: usize,
}

impl<const N: usize> Arguments<'_, '_, N> {
    fn check(&self, expected: usize) -> Result<(), Problem> {
        if self.left == expected {
            Ok(())
        } else {
            Err(Problem("a constructor has more or fewer arguments than expected"))
        }
    }
}

impl<'de, const N: usize> VariantAccess<'de> for Arguments<'_, 'de, N> {
    type Error = Problem;

    fn unit_variant(self) -> Result<(), Problem> {
        self.check(0)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Problem> {
        self.check(1)?;
        seed.deserialize(self.deserializer)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Problem> {
        self.check(len)?;
        visitor.visit_seq(self)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.check(fields.len())?;
        visitor.visit_seq(self)
    }
}

impl<'de, const N: usize> SeqAccess<'de> for Arguments<'_, 'de, N> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.deserializer).map(Some)
    }
}
