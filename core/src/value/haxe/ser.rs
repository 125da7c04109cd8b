//! Writing.

use core::fmt::{self, Write as _};

use serde::ser::{
    Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};

use super::super::Sink;
use super::Problem;
use super::text::{base64_digits, base64_len, escape, escaped_len, is_plain};

const NO_INT: Problem = Problem("an integer is beyond Int, which has 32 bits");
const NO_KEY: Problem = Problem("the keys of a map are not all strings, or all integers of 32 bits");

/// Counts bytes.
pub(super) struct Count(pub(super) usize);

impl Sink for Count {
    fn put(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }
}

/// Writes a value.
pub(super) fn write<T: Serialize + ?Sized>(value: &T, sink: &mut impl Sink) -> Result<(), Problem> {
    value.serialize(&mut Serializer { sink, nulls: 0, is_item: false })
}

pub(super) struct Serializer<'s, S> {
    sink: &'s mut S,
    /// Nulls of an array that have not been written yet: several in a row are written as one.
    nulls: u32,
    /// What comes next is an item of an array.
    is_item: bool,
}

impl<S: Sink> fmt::Write for Serializer<'_, S> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.sink.put(text.as_bytes());
        Ok(())
    }
}

impl<S: Sink> Serializer<'_, S> {
    /// Writes what is not a null in an array.
    fn put(&mut self, text: fmt::Arguments<'_>) -> Result<(), Problem> {
        self.is_item = false;
        match core::mem::take(&mut self.nulls) {
            0 => {}
            1 => self.sink.put(b"n"),
            nulls => self.write(format_args!("u{nulls}"))?,
        }
        self.write(text)
    }

    fn write(&mut self, text: fmt::Arguments<'_>) -> Result<(), Problem> {
        self.write_fmt(text).map_err(|_| Problem("a number cannot be written"))
    }

    fn put_string(&mut self, string: &str) -> Result<(), Problem> {
        self.put(format_args!("y{}:", escaped_len(string)))?;
        let mut rest = string.as_bytes();
        while let [first, behind @ ..] = rest {
            let plain = rest.iter().take_while(|byte| is_plain(**byte)).count();
            if plain == 0 {
                self.sink.put(&escape(*first));
                rest = behind;
            } else if let Some((now, behind)) = rest.split_at_checked(plain) {
                self.sink.put(now);
                rest = behind;
            }
        }
        Ok(())
    }

    fn put_int(&mut self, int: Option<i32>) -> Result<(), Problem> {
        match int.ok_or(NO_INT)? {
            0 => self.put(format_args!("z")),
            int => self.put(format_args!("i{int}")),
        }
    }

    fn put_null(&mut self) -> Result<(), Problem> {
        if core::mem::take(&mut self.is_item) {
            self.nulls = self.nulls.saturating_add(1);
            return Ok(());
        }
        self.put(format_args!("n"))
    }

    fn put_enum(&mut self, name: &str, variant: &str, arguments: usize) -> Result<(), Problem> {
        self.put(format_args!("w"))?;
        self.put_string(name)?;
        self.put_string(variant)?;
        self.put(format_args!(":{arguments}"))
    }

    fn put_item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Problem> {
        self.is_item = true;
        item.serialize(&mut *self)?;
        self.is_item = false;
        Ok(())
    }

    fn put_field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Problem> {
        self.put_string(name)?;
        value.serialize(&mut *self)
    }
}

macro_rules! ints {
    ($($name:ident, $type:ty;)*) => {$(
        fn $name(self, int: $type) -> Result<(), Problem> {
            self.put_int(i32::try_from(int).ok())
        }
    )*};
}

macro_rules! float {
    ($name:ident, $type:ty) => {
        fn $name(self, float: $type) -> Result<(), Problem> {
            if float.is_nan() {
                self.put(format_args!("k"))
            } else if float.is_infinite() {
                self.put(format_args!("{}", if float > 0.0 { "p" } else { "m" }))
            } else if float != 0.0 && !(1e-5..1e16).contains(&float.abs()) {
                self.put(format_args!("d{float:e}"))
            } else {
                self.put(format_args!("d{float}"))
            }
        }
    };
}

impl<'a, 's, S: Sink> serde::Serializer for &'a mut Serializer<'s, S> {
    type Ok = ();
    type Error = Problem;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Map<'a, 's, S>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    ints! {
        serialize_i8, i8;
        serialize_i16, i16;
        serialize_i32, i32;
        serialize_i64, i64;
        serialize_i128, i128;
        serialize_u8, u8;
        serialize_u16, u16;
        serialize_u32, u32;
        serialize_u64, u64;
        serialize_u128, u128;
    }
    float!(serialize_f32, f32);
    float!(serialize_f64, f64);

    fn serialize_bool(self, value: bool) -> Result<(), Problem> {
        self.put(format_args!("{}", if value { "t" } else { "f" }))
    }

    fn serialize_char(self, char: char) -> Result<(), Problem> {
        self.put_string(char.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, string: &str) -> Result<(), Problem> {
        self.put_string(string)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Problem> {
        self.put(format_args!("s{}:", base64_len(bytes.len())))?;
        for three in bytes.chunks(3) {
            let digits = base64_digits(three);
            self.sink.put(digits.get(..three.len().saturating_add(1)).unwrap_or(&digits));
        }
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Problem> {
        self.put_null()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Problem> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Problem> {
        self.put_null()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Problem> {
        self.put_null()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Problem> {
        self.put_enum(name, variant, 0)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Problem> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Problem> {
        self.put_enum(name, variant, 1)?;
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Problem> {
        self.put(format_args!("a"))?;
        Ok(self)
    }

    fn serialize_tuple(self, len: usize) -> Result<Self, Problem> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Self, Problem> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self, Problem> {
        self.put_enum(name, variant, len)?;
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Map<'a, 's, S>, Problem> {
        Ok(Map { serializer: self, kind: None })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Problem> {
        self.put(format_args!("o"))?;
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self, Problem> {
        self.put_enum(name, variant, len)?;
        Ok(self)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Problem> {
        Err(Problem("a value that is made a string on the way needs an allocator"))
    }
}

impl<S: Sink> SerializeSeq for &mut Serializer<'_, S> {
    type Ok = ();
    type Error = Problem;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Problem> {
        self.put_item(item)
    }

    fn end(self) -> Result<(), Problem> {
        self.put(format_args!("h"))
    }
}

impl<S: Sink> SerializeTuple for &mut Serializer<'_, S> {
    type Ok = ();
    type Error = Problem;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Problem> {
        self.put_item(item)
    }

    fn end(self) -> Result<(), Problem> {
        self.put(format_args!("h"))
    }
}

impl<S: Sink> SerializeTupleStruct for &mut Serializer<'_, S> {
    type Ok = ();
    type Error = Problem;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Problem> {
        self.put_item(item)
    }

    fn end(self) -> Result<(), Problem> {
        self.put(format_args!("h"))
    }
}

/// The arguments of a constructor, of which the number has been said.
impl<S: Sink> SerializeTupleVariant for &mut Serializer<'_, S> {
    type Ok = ();
    type Error = Problem;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, argument: &T) -> Result<(), Problem> {
        argument.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Problem> {
        Ok(())
    }
}

/// The arguments of a constructor have an order in Haxe, and no names on the wire.
impl<S: Sink> SerializeStructVariant for &mut Serializer<'_, S> {
    type Ok = ();
    type Error = Problem;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        _: &'static str,
        argument: &T,
    ) -> Result<(), Problem> {
        argument.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Problem> {
        Ok(())
    }
}

impl<S: Sink> SerializeStruct for &mut Serializer<'_, S> {
    type Ok = ();
    type Error = Problem;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Problem> {
        self.put_field(name, value)
    }

    fn end(self) -> Result<(), Problem> {
        self.put(format_args!("g"))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Strings,
    Ints,
}

/// A map. Its kind is that of the first key.
pub(super) struct Map<'a, 's, S> {
    serializer: &'a mut Serializer<'s, S>,
    kind: Option<Kind>,
}

impl<S: Sink> SerializeMap for Map<'_, '_, S> {
    type Ok = ();
    type Error = Problem;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Problem> {
        key.serialize(Key(self))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        value.serialize(&mut *self.serializer)
    }

    fn end(mut self) -> Result<(), Problem> {
        if self.kind.is_none() {
            self.begin(Kind::Strings)?;
        }
        self.serializer.put(format_args!("h"))
    }
}

impl<S: Sink> Map<'_, '_, S> {
    fn begin(&mut self, kind: Kind) -> Result<(), Problem> {
        match self.kind.replace(kind) {
            None => self.serializer.put(format_args!("{}", if kind == Kind::Strings { "b" } else { "q" })),
            Some(before) if before == kind => Ok(()),
            Some(_) => Err(NO_KEY),
        }
    }
}

/// A key: a string, or an Int.
struct Key<'k, 'a, 's, S>(&'k mut Map<'a, 's, S>);

impl<S: Sink> Key<'_, '_, '_, S> {
    fn int(self, int: Option<i32>) -> Result<(), Problem> {
        let int = int.ok_or(NO_KEY)?;
        self.0.begin(Kind::Ints)?;
        self.0.serializer.put(format_args!(":{int}"))
    }
}

macro_rules! int_keys {
    ($($name:ident, $type:ty;)*) => {$(
        fn $name(self, int: $type) -> Result<(), Problem> {
            self.int(i32::try_from(int).ok())
        }
    )*};
}

macro_rules! no_keys {
    ($($name:ident($($type:ty),*) -> $out:ty;)*) => {$(
        fn $name(self, $(_: $type),*) -> Result<$out, Problem> {
            Err(NO_KEY)
        }
    )*};
}

impl<S: Sink> serde::Serializer for Key<'_, '_, '_, S> {
    type Ok = ();
    type Error = Problem;
    type SerializeSeq = Impossible<(), Problem>;
    type SerializeTuple = Impossible<(), Problem>;
    type SerializeTupleStruct = Impossible<(), Problem>;
    type SerializeTupleVariant = Impossible<(), Problem>;
    type SerializeMap = Impossible<(), Problem>;
    type SerializeStruct = Impossible<(), Problem>;
    type SerializeStructVariant = Impossible<(), Problem>;

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

    fn serialize_char(self, char: char) -> Result<(), Problem> {
        self.serialize_str(char.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, string: &str) -> Result<(), Problem> {
        self.0.begin(Kind::Strings)?;
        self.0.serializer.put_string(string)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Problem> {
        self.serialize_str(variant)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Problem> {
        Err(NO_KEY)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Problem> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Problem> {
        Err(NO_KEY)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Problem> {
        Err(Problem("a key that is made a string on the way needs an allocator"))
    }
}
