//! Structs: anonymous objects, and instances of classes.

use serde::ser::{Serialize, SerializeStruct};

use super::{Form, Serializer};
use crate::Error;
use crate::haxe::types::name;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An anonymous object, or the fields of an instance.
    Fields,
    /// An [`Instance`](crate::haxe::Instance): a class, and what has the fields.
    Instance,
}

/// A struct.
pub(super) struct Struct<'a, P> {
    serializer: &'a mut Serializer<P>,
    kind: Kind,
}

impl<'a, P: FnMut(&[u8])> Struct<'a, P> {
    pub(super) fn begin(serializer: &'a mut Serializer<P>, name: &str) -> Result<Self, Error> {
        let kind = if name == name::INSTANCE {
            serializer.put(format_args!("c"))?;
            Kind::Instance
        } else {
            if !serializer.takes_form(Form::Fields) {
                serializer.takes_form(Form::Object);
                serializer.put(format_args!("o"))?;
            }
            Kind::Fields
        };
        Ok(Self { serializer, kind })
    }

    /// A part of an instance.
    fn part<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        if name == name::FIELDS {
            self.serializer.form = Form::Fields;
            return value.serialize(&mut *self.serializer);
        }
        self.serializer.form = Form::Class;
        value.serialize(&mut *self.serializer)
    }
}

impl<P: FnMut(&[u8])> SerializeStruct for Struct<'_, P> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if self.kind == Kind::Instance {
            return self.part(name, value);
        }
        self.serializer.put_string(name)?;
        value.serialize(&mut *self.serializer)
    }

    fn end(self) -> Result<(), Error> {
        // that of an instance has been written by its fields
        if self.kind == Kind::Fields { self.serializer.put(format_args!("g")) } else { Ok(()) }
    }
}
