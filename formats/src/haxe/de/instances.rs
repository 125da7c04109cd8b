//! Instances of classes, and of the one that is a number.

use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{Deserializer, Wanted};
use crate::Error;
use crate::haxe::escape::is_escaped_form_of;

/// The class of `haxe.Int64`: in Haxe 4, and before.
pub(crate) const INT64_CLASSES: [&str; 2] = ["haxe._Int64.___Int64", "haxe.Int64"];
/// Its fields: the upper and the lower 32 bits.
pub(crate) const INT64_FIELDS: [&str; 2] = ["high", "low"];

const INT64: Error = Error::new("an Int64 has other fields than its two halves");

impl<'de, const N: usize> Deserializer<'de, N> {
    /// An instance whose sign was read: its fields, or a number if it is an Int64 and no fields are
    /// expected.
    pub(super) fn instance<V: Visitor<'de>>(
        &mut self,
        visitor: V,
        wanted: Wanted,
    ) -> Result<V::Value, Error> {
        let sign = self.text.next()?;
        let class = self.escaped(sign)?;
        if wanted != Wanted::Fields && INT64_CLASSES.iter().any(|name| is_escaped_form_of(class, name)) {
            return visitor.visit_i64(self.int64()?);
        }
        self.entries(b'c', visitor)
    }

    /// The fields of an Int64, in either order.
    fn int64(&mut self) -> Result<i64, Error> {
        let (mut high, mut low) = (None, None);
        loop {
            let field = match self.text.next()? {
                b'g' => break,
                sign => self.escaped(sign)?,
            };
            let [high_name, low_name] = INT64_FIELDS;
            let half = if is_escaped_form_of(field, high_name) {
                &mut high
            } else if is_escaped_form_of(field, low_name) {
                &mut low
            } else {
                return Err(INT64);
            };
            *half = Some(<i32 as serde::Deserialize>::deserialize(&mut *self)?);
        }
        let (Some(high), Some(low)) = (high, low) else { return Err(INT64) };
        Ok(i64::from(high) << 32 | i64::from(low.cast_unsigned()))
    }

    /// An instance of a class that has written itself, whose sign was read: a list of what it has
    /// written.
    pub(super) fn custom_instance<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let sign = self.text.next()?;
        self.pass_string(sign)?;
        self.items(b'g', visitor)
    }

    /// An instance together with the name of its class.
    pub(super) fn named_instance<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let kind = self.text.next()?;
        if !matches!(kind, b'c' | b'C') {
            return Err(Error::new("an instance of a class is expected"));
        }
        self.deeper(|this| {
            let mut parts = Parts { deserializer: this, kind, next: Part::Class };
            let value = visitor.visit_seq(&mut parts)?;
            if parts.next == Part::End {
                Ok(value)
            } else {
                Err(Error::new("the fields of an instance are left"))
            }
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Class,
    Fields,
    End,
}

/// The parts of an instance: its class and its fields.
struct Parts<'a, 'de, const N: usize> {
    deserializer: &'a mut Deserializer<'de, N>,
    kind: u8,
    next: Part,
}

impl<'de, const N: usize> SeqAccess<'de> for Parts<'_, 'de, N> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        match self.next {
            Part::Class => {
                self.next = Part::Fields;
                seed.deserialize(&mut *self.deserializer).map(Some)
            }
            Part::Fields => {
                self.next = Part::End;
                let fields = Fields { deserializer: &mut *self.deserializer, kind: self.kind };
                seed.deserialize(fields).map(Some)
            }
            Part::End => Ok(None),
        }
    }
}

/// The fields of an instance, without its class in front.
struct Fields<'a, 'de, const N: usize> {
    deserializer: &'a mut Deserializer<'de, N>,
    kind: u8,
}

impl<'de, const N: usize> serde::Deserializer<'de> for Fields<'_, 'de, N> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.kind {
            b'C' => self.deserializer.items(b'g', visitor),
            kind => self.deserializer.entries(kind, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserializer.skip_fields()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier enum
    }
}
