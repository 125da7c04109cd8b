//! Arrays and lists.

use serde::ser::{Serialize, SerializeSeq, SerializeTuple, SerializeTupleStruct};

use super::{Form, Serializer};
use crate::Error;

/// The items of an array or list.
pub(super) struct Items<'a, P> {
    serializer: &'a mut Serializer<P>,
    /// Nulls in a row are written as one, which a list does not know.
    has_runs: bool,
}

impl<'a, P: FnMut(&[u8])> Items<'a, P> {
    pub(super) fn begin(serializer: &'a mut Serializer<P>) -> Result<Self, Error> {
        let is_list = serializer.takes_form(Form::List);
        serializer.put(format_args!("{}", if is_list { "l" } else { "a" }))?;
        Ok(Self { serializer, has_runs: !is_list })
    }

    fn put<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.serializer.is_item = self.has_runs;
        item.serialize(&mut *self.serializer)?;
        self.serializer.is_item = false;
        Ok(())
    }

    fn finish(self) -> Result<(), Error> {
        self.serializer.put(format_args!("h"))
    }
}

impl<P: FnMut(&[u8])> SerializeSeq for Items<'_, P> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.put(item)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl<P: FnMut(&[u8])> SerializeTuple for Items<'_, P> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.put(item)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl<P: FnMut(&[u8])> SerializeTupleStruct for Items<'_, P> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.put(item)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}
