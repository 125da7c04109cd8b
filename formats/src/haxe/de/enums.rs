//! Enums: a constructor and its arguments.

use serde::de::value::U32Deserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::{Deserializer as _, forward_to_deserialize_any};

use super::{Deserializer, NUMBER, TOO_LONG};
use crate::Error;
use crate::haxe::escape::{is_escaped_form_of, unescape, unescaped_len};

const ARGUMENTS: Error = Error::new("a constructor has more or fewer arguments than expected");

/// A constructor.
#[derive(Clone, Copy)]
enum Constructor<'de> {
    /// Its name, with escapes.
    Name(&'de [u8]),
    Index(u32),
}

impl<'de, const N: usize> Deserializer<'de, N> {
    /// The start of an enum behind its name: which constructor, and how many arguments follow.
    fn constructor(&mut self, sign: u8) -> Result<(Constructor<'de>, usize), Error> {
        let constructor = if sign == b'w' {
            let string = self.text.next()?;
            Constructor::Name(self.escaped(string)?)
        } else {
            self.text.expect(b':')?;
            Constructor::Index(u32::try_from(self.text.count()?).map_err(|_| NUMBER)?)
        };
        self.text.expect(b':')?;
        Ok((constructor, self.text.count()?))
    }

    /// An enum for a type that expects one of this name.
    pub(super) fn named_enum<V: Visitor<'de>>(&mut self, name: &str, visitor: V) -> Result<V::Value, Error> {
        let sign = self.text.next()?;
        if !matches!(sign, b'w' | b'j') {
            return Err(Error::new("an enum is expected"));
        }
        let string = self.text.next()?;
        if !is_escaped_form_of(self.escaped(string)?, name) {
            return Err(Error::new("an enum of another name"));
        }
        let (constructor, arguments) = self.constructor(sign)?;
        self.deeper(|this| visitor.visit_enum(Enum { deserializer: this, constructor, arguments }))
    }

    /// An enum for a type that takes anything: a string or number if there are no arguments, else a
    /// map from that to them. This is what serde makes enums of again.
    pub(super) fn any_enum<V: Visitor<'de>>(&mut self, sign: u8, visitor: V) -> Result<V::Value, Error> {
        let string = self.text.next()?;
        self.pass_string(string)?;
        let (constructor, left) = self.constructor(sign)?;
        self.deeper(|this| {
            let mut entry =
                Entry { deserializer: this, constructor: Some(constructor), arguments: Some(left) };
            if left == 0 {
                return Name { deserializer: entry.deserializer, constructor }.deserialize_any(visitor);
            }
            let value = visitor.visit_map(&mut entry)?;
            if entry.arguments.is_some() { Err(ARGUMENTS) } else { Ok(value) }
        })
    }
}

/// The name of a constructor, as a value.
struct Name<'a, 'de, const N: usize> {
    deserializer: &'a mut Deserializer<'de, N>,
    constructor: Constructor<'de>,
}

impl<'de, const N: usize> serde::Deserializer<'de> for Name<'_, 'de, N> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.constructor {
            Constructor::Index(index) => {
                let index: U32Deserializer<Error> = index.into_deserializer();
                index.deserialize_any(visitor)
            }
            Constructor::Name(escaped) => {
                let room = self.deserializer.room.take(unescaped_len(escaped), TOO_LONG)?;
                visitor.visit_str(unescape(escaped, room)?)
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier newtype_struct enum ignored_any option
    }
}

/// A constructor and its arguments, as a map of one entry.
struct Entry<'a, 'de, const N: usize> {
    deserializer: &'a mut Deserializer<'de, N>,
    constructor: Option<Constructor<'de>>,
    /// How many; none when they have been read.
    arguments: Option<usize>,
}

impl<'de, const N: usize> MapAccess<'de> for Entry<'_, 'de, N> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(constructor) = self.constructor.take() else { return Ok(None) };
        seed.deserialize(Name { deserializer: &mut *self.deserializer, constructor }).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        match self.arguments.take() {
            Some(1) => seed.deserialize(&mut *self.deserializer),
            left => seed.deserialize(Arguments {
                deserializer: &mut *self.deserializer,
                left: left.unwrap_or_default(),
            }),
        }
    }
}

/// A constructor and its arguments.
struct Enum<'a, 'de, const N: usize> {
    deserializer: &'a mut Deserializer<'de, N>,
    constructor: Constructor<'de>,
    arguments: usize,
}

impl<'a, 'de, const N: usize> EnumAccess<'de> for Enum<'a, 'de, N> {
    type Error = Error;
    type Variant = Arguments<'a, 'de, N>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), Error> {
        let value =
            seed.deserialize(Name { deserializer: &mut *self.deserializer, constructor: self.constructor })?;
        Ok((value, Arguments { deserializer: self.deserializer, left: self.arguments }))
    }
}

/// The arguments of a constructor.
struct Arguments<'a, 'de, const N: usize> {
    deserializer: &'a mut Deserializer<'de, N>,
    left: usize,
}

impl<const N: usize> Arguments<'_, '_, N> {
    fn check(&self, expected: usize) -> Result<(), Error> {
        if self.left == expected { Ok(()) } else { Err(ARGUMENTS) }
    }
}

impl<'de, const N: usize> VariantAccess<'de> for Arguments<'_, 'de, N> {
    type Error = Error;

    /// Arguments are passed over: those of a constructor that the type does not know
    /// (`#[serde(other)]`).
    fn unit_variant(self) -> Result<(), Error> {
        (0..self.left).try_for_each(|_| self.deserializer.skip())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        self.check(1)?;
        seed.deserialize(self.deserializer)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.check(len)?;
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.check(fields.len())?;
        self.deserialize_any(visitor)
    }
}

impl<'de, const N: usize> serde::Deserializer<'de> for Arguments<'_, 'de, N> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_seq(&mut self)?;
        self.check(0)?;
        Ok(value)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier newtype_struct enum ignored_any option
    }
}

impl<'de, const N: usize> SeqAccess<'de> for Arguments<'_, 'de, N> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.deserializer).map(Some)
    }
}
