//! Writing.

mod items;
mod map;
mod structs;

use core::fmt::{self, Write as _};

use serde::ser::{Serialize, SerializeStructVariant, SerializeTupleVariant};

use self::items::Items;
use self::map::Map;
use self::structs::Struct;
use crate::Error;
use crate::haxe::de::{INT64_CLASSES, INT64_FIELDS};
use crate::haxe::escape::{base64_digits, base64_len, escape, escaped_len, is_plain};
use crate::haxe::types::name;

const NO_INT: Error = Error::new("an integer is beyond Int, which has 32 bits: Int64 has 64");

/// Writes a value, piece by piece.
pub(crate) fn write<T: Serialize + ?Sized>(value: &T, put: impl FnMut(&[u8])) -> Result<(), Error> {
    value.serialize(&mut Serializer { put, nulls: 0, is_item: false, form: Form::Usual })
}

/// What the next value is to be written as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Usual,
    Date,
    Int64,
    List,
    IntMap,
    /// The name of a class.
    Class,
    /// An anonymous object, which a map would not be otherwise.
    Object,
    /// The fields of an instance, behind its class.
    Fields,
}

impl Form {
    /// What is wrong where another value comes than this form is of.
    const fn is_missing(self) -> Error {
        Error::new(match self {
            Self::Usual => "the value has no form",
            Self::Date => "a Date is its milliseconds, as f64",
            Self::Int64 => "an Int64 is an i64",
            Self::List => "a List is a sequence",
            Self::IntMap => "an IntMap is a map with integers of 32 bits as keys",
            Self::Class => "the class of an Instance is a string",
            Self::Object => "an Object is a struct, or a map with strings as keys",
            Self::Fields => "the fields of an Instance are a struct, or a map with strings as keys",
        })
    }
}

struct Serializer<P> {
    put: P,
    /// Nulls of an array that have not been written yet: several in a row are written as one.
    nulls: u32,
    /// What comes next is an item of an array.
    is_item: bool,
    form: Form,
}

impl<P: FnMut(&[u8])> fmt::Write for Serializer<P> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.put)(text.as_bytes());
        Ok(())
    }
}

impl<P: FnMut(&[u8])> Serializer<P> {
    /// Writes what is not a null in an array.
    fn put(&mut self, text: fmt::Arguments<'_>) -> Result<(), Error> {
        if self.form != Form::Usual {
            return Err(self.form.is_missing());
        }
        self.is_item = false;
        match core::mem::take(&mut self.nulls) {
            0 => {}
            1 => (self.put)(b"n"),
            nulls => self.write(format_args!("u{nulls}"))?,
        }
        self.write(text)
    }

    fn write(&mut self, text: fmt::Arguments<'_>) -> Result<(), Error> {
        self.write_fmt(text).map_err(|_| Error::new("a number cannot be written"))
    }

    fn put_string(&mut self, string: &str) -> Result<(), Error> {
        self.put(format_args!("y{}:", escaped_len(string)))?;
        let mut rest = string.as_bytes();
        while let [first, behind @ ..] = rest {
            let plain = rest.iter().take_while(|byte| is_plain(**byte)).count();
            if plain == 0 {
                (self.put)(&escape(*first));
                rest = behind;
            } else if let Some((now, behind)) = rest.split_at_checked(plain) {
                (self.put)(now);
                rest = behind;
            }
        }
        Ok(())
    }

    fn put_int(&mut self, int: Option<i32>) -> Result<(), Error> {
        match int.ok_or(NO_INT)? {
            0 => self.put(format_args!("z")),
            int => self.put(format_args!("i{int}")),
        }
    }

    /// Writes a finite float behind a sign.
    fn put_float<F: fmt::Display + fmt::LowerExp>(
        &mut self,
        sign: char,
        float: F,
        size: f64,
    ) -> Result<(), Error> {
        if size == 0.0 || (1e-5..1e16).contains(&size) {
            return self.put(format_args!("{sign}{float}"));
        }
        self.put(format_args!("{sign}"))?;
        // existing programs have a plus in an exponent that is not negative
        let mut text = Exponent { serializer: self, has_plus: size >= 1.0 };
        write!(text, "{float:e}").map_err(|_| Error::new("a number cannot be written"))
    }

    fn put_date(&mut self, millis: f64) -> Result<(), Error> {
        if millis.is_finite() {
            self.put_float('v', millis, millis.abs())
        } else {
            Err(Error::new("a Date whose milliseconds are not finite"))
        }
    }

    fn put_null(&mut self) -> Result<(), Error> {
        if self.form == Form::Usual && core::mem::take(&mut self.is_item) {
            self.nulls = self.nulls.saturating_add(1);
            return Ok(());
        }
        self.put(format_args!("n"))
    }

    fn put_enum(&mut self, name: &str, variant: &str, arguments: usize) -> Result<(), Error> {
        self.put(format_args!("w"))?;
        self.put_string(name)?;
        self.put_string(variant)?;
        self.put(format_args!(":{arguments}"))
    }

    /// Writes an Int64, which is an instance.
    fn put_int64(&mut self, int: i64) -> Result<(), Error> {
        let ([class, _], [high, low]) = (INT64_CLASSES, INT64_FIELDS);
        self.put(format_args!("c"))?;
        self.put_string(class)?;
        self.put_string(high)?;
        self.put_int(i32::try_from(int >> 32).ok())?;
        self.put_string(low)?;
        self.put_int(Some(low_half(int)))?;
        self.put(format_args!("g"))
    }

    /// Whether the next value is to be written in this form; then that is done with.
    fn takes_form(&mut self, form: Form) -> bool {
        let is_form = self.form == form;
        if is_form {
            self.form = Form::Usual;
        }
        is_form
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
const fn low_half(int: i64) -> i32 {
    int as i32
}

/// Takes the text of a number with an exponent.
struct Exponent<'s, P> {
    serializer: &'s mut Serializer<P>,
    has_plus: bool,
}

impl<P: FnMut(&[u8])> fmt::Write for Exponent<'_, P> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive('e') {
            self.serializer.write_str(part)?;
            if self.has_plus && part.ends_with('e') {
                self.serializer.write_str("+")?;
            }
        }
        Ok(())
    }
}

macro_rules! ints {
    ($($name:ident, $type:ty;)*) => {$(
        fn $name(self, int: $type) -> Result<(), Error> {
            self.put_int(i32::try_from(int).ok())
        }
    )*};
}

macro_rules! float {
    ($name:ident, $type:ty) => {
        fn $name(self, float: $type) -> Result<(), Error> {
            if self.takes_form(Form::Date) {
                self.put_date(f64::from(float))
            } else if float.is_nan() {
                self.put(format_args!("k"))
            } else if float.is_infinite() {
                self.put(format_args!("{}", if float > 0.0 { "p" } else { "m" }))
            } else {
                self.put_float('d', float, f64::from(float.abs()))
            }
        }
    };
}

impl<'a, P: FnMut(&[u8])> serde::Serializer for &'a mut Serializer<P> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Items<'a, P>;
    type SerializeTuple = Items<'a, P>;
    type SerializeTupleStruct = Items<'a, P>;
    type SerializeTupleVariant = Self;
    type SerializeMap = Map<'a, P>;
    type SerializeStruct = Struct<'a, P>;
    type SerializeStructVariant = Self;

    ints! {
        serialize_i8, i8;
        serialize_i16, i16;
        serialize_i32, i32;
        serialize_i128, i128;
        serialize_u8, u8;
        serialize_u16, u16;
        serialize_u32, u32;
        serialize_u64, u64;
        serialize_u128, u128;
    }

    fn serialize_i64(self, int: i64) -> Result<(), Error> {
        if self.takes_form(Form::Int64) { self.put_int64(int) } else { self.put_int(i32::try_from(int).ok()) }
    }

    float!(serialize_f32, f32);
    float!(serialize_f64, f64);

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.put(format_args!("{}", if value { "t" } else { "f" }))
    }

    fn serialize_char(self, char: char) -> Result<(), Error> {
        self.put_string(char.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, string: &str) -> Result<(), Error> {
        self.takes_form(Form::Class);
        self.put_string(string)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        self.put(format_args!("s{}:", base64_len(bytes.len())))?;
        for three in bytes.chunks(3) {
            let digits = base64_digits(three);
            (self.put)(digits.get(..three.len().saturating_add(1)).unwrap_or(&digits));
        }
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.put_null()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.put_null()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.put_null()
    }

    fn serialize_unit_variant(self, name: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.put_enum(name, variant, 0)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let form = match name {
            name::DATE => Form::Date,
            name::INT64 => Form::Int64,
            name::LIST => Form::List,
            name::INT_MAP => Form::IntMap,
            name::OBJECT => Form::Object,
            _ => return value.serialize(self),
        };
        if self.form != Form::Usual {
            return Err(self.form.is_missing());
        }
        self.form = form;
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.put_enum(name, variant, 1)?;
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a, P>, Error> {
        Items::begin(self)
    }

    fn serialize_tuple(self, len: usize) -> Result<Items<'a, P>, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items<'a, P>, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self, Error> {
        self.put_enum(name, variant, len)?;
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Map<'a, P>, Error> {
        Map::begin(self)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Struct<'a, P>, Error> {
        Struct::begin(self, name)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self, Error> {
        self.put_enum(name, variant, len)?;
        Ok(self)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Error> {
        Err(Error::new("a value that is made a string on the way needs an allocator"))
    }
}

/// The arguments of a constructor, of which the number has been said.
impl<P: FnMut(&[u8])> SerializeTupleVariant for &mut Serializer<P> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, argument: &T) -> Result<(), Error> {
        argument.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

/// The arguments of a constructor have an order in Haxe, and no names on the wire.
impl<P: FnMut(&[u8])> SerializeStructVariant for &mut Serializer<P> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, argument: &T) -> Result<(), Error> {
        argument.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}
