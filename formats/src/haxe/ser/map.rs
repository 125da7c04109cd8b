//! Maps and their keys.

use core::fmt;

use serde::ser::{Impossible, Serialize, SerializeMap};

use super::{Form, Serializer};
use crate::Error;

const NO_KEY: Error = Error::new("the keys of a map are not all strings, or all integers of 32 bits");

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A map; which one, its first key says.
    Unknown,
    Strings,
    Ints,
    /// No map but an object, or the fields of an instance.
    Fields,
}

/// A map.
pub(super) struct Map<'a, P> {
    serializer: &'a mut Serializer<P>,
    kind: Kind,
}

impl<P: FnMut(&[u8])> SerializeMap for Map<'_, P> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        key.serialize(Key(self))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.serializer)
    }

    fn end(mut self) -> Result<(), Error> {
        if self.kind == Kind::Unknown {
            self.has_key(Kind::Strings)?;
        }
        self.serializer.put(format_args!("{}", if self.kind == Kind::Fields { "g" } else { "h" }))
    }
}

impl<'a, P: FnMut(&[u8])> Map<'a, P> {
    pub(super) fn begin(serializer: &'a mut Serializer<P>) -> Result<Self, Error> {
        let kind = if serializer.takes_form(Form::Fields) {
            Kind::Fields
        } else if serializer.takes_form(Form::Object) {
            serializer.put(format_args!("o"))?;
            Kind::Fields
        } else if serializer.takes_form(Form::IntMap) {
            serializer.put(format_args!("q"))?;
            Kind::Ints
        } else {
            Kind::Unknown
        };
        Ok(Self { serializer, kind })
    }

    /// Notes the kind of a key; the first one of a map says which map it is.
    fn has_key(&mut self, key: Kind) -> Result<(), Error> {
        match (self.kind, key) {
            (Kind::Unknown, _) => {
                self.kind = key;
                self.serializer.put(format_args!("{}", if key == Kind::Ints { "q" } else { "b" }))
            }
            (Kind::Fields, Kind::Strings) => Ok(()),
            (Kind::Fields, _) => Err(Error::new("the names of fields are strings")),
            (before, _) if before == key => Ok(()),
            _ => Err(NO_KEY),
        }
    }
}

/// A key: a string, or an Int.
struct Key<'k, 'a, P>(&'k mut Map<'a, P>);

impl<P: FnMut(&[u8])> Key<'_, '_, P> {
    fn int(self, int: Option<i32>) -> Result<(), Error> {
        let int = int.ok_or(NO_KEY)?;
        self.0.has_key(Kind::Ints)?;
        self.0.serializer.put(format_args!(":{int}"))
    }
}

macro_rules! int_keys {
    ($($name:ident, $type:ty;)*) => {$(
        fn $name(self, int: $type) -> Result<(), Error> {
            self.int(i32::try_from(int).ok())
        }
    )*};
}

macro_rules! no_keys {
    ($($name:ident($($type:ty),*) -> $out:ty;)*) => {$(
        fn $name(self, $(_: $type),*) -> Result<$out, Error> {
            Err(NO_KEY)
        }
    )*};
}

impl<P: FnMut(&[u8])> serde::Serializer for Key<'_, '_, P> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    int_keys! {
        serialize_i8, i8;
        serialize_i16, i16;
        serialize_i32, i32;
        serialize_i64, i64;
        serialize_u8, u8;
        serialize_u16, u16;
        serialize_u32, u32;
        serialize_u64, u64;
    }

    no_keys! {
        serialize_bool(bool) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn serialize_char(self, char: char) -> Result<(), Error> {
        self.serialize_str(char.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, string: &str) -> Result<(), Error> {
        self.0.has_key(Kind::Strings)?;
        self.0.serializer.put_string(string)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Error> {
        Err(NO_KEY)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        Err(NO_KEY)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Error> {
        Err(Error::new("a key that is made a string on the way needs an allocator"))
    }
}
