//! What is inside of lists, objects and maps.

use serde::de::value::I32Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::{Deserializer, LONG_RUNS, NUMBER, Null, STRING};
use crate::Error;

/// The items of a list.
pub(super) struct Items<'a, 'de, const N: usize> {
    deserializer: &'a mut Deserializer<'de, N>,
    end: u8,
    /// Nulls of a run that are still to come.
    nulls: usize,
    is_over: bool,
}

impl<'a, 'de, const N: usize> Items<'a, 'de, N> {
    pub(super) fn new(deserializer: &'a mut Deserializer<'de, N>, end: u8) -> Self {
        Self { deserializer, end, nulls: 0, is_over: false }
    }

    /// Takes the end, where that has not been seen yet.
    pub(super) fn end(self) -> Result<(), Error> {
        if !self.is_over && (self.nulls > 0 || self.deserializer.text.next()? != self.end) {
            return Err(Error::new("a list has more items than expected"));
        }
        Ok(())
    }
}

impl<'de, const N: usize> SeqAccess<'de> for Items<'_, 'de, N> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.is_over {
            return Ok(None);
        }
        if self.nulls == 0 {
            match self.deserializer.text.peek()? {
                end if end == self.end => {
                    self.deserializer.text.next()?;
                    self.is_over = true;
                    return Ok(None);
                }
                b'u' => {
                    self.deserializer.text.next()?;
                    self.nulls = self.deserializer.text.count()?;
                    if self.nulls == 0 {
                        return Err(NUMBER);
                    }
                    self.deserializer.spend(self.nulls, LONG_RUNS)?;
                }
                _ => return seed.deserialize(&mut *self.deserializer).map(Some),
            }
        }
        self.nulls = self.nulls.wrapping_sub(1);
        seed.deserialize(Null).map(Some)
    }
}

/// The entries of an object or map.
pub(super) struct Entries<'a, 'de, const N: usize> {
    deserializer: &'a mut Deserializer<'de, N>,
    kind: u8,
    is_over: bool,
}

impl<'a, 'de, const N: usize> Entries<'a, 'de, N> {
    pub(super) fn new(deserializer: &'a mut Deserializer<'de, N>, kind: u8) -> Self {
        Self { deserializer, kind, is_over: false }
    }

    /// The sign of the end.
    const fn end_sign(&self) -> u8 {
        if matches!(self.kind, b'o' | b'c') { b'g' } else { b'h' }
    }

    /// Takes the end, where that has not been seen yet.
    pub(super) fn end(self) -> Result<(), Error> {
        if !self.is_over && self.deserializer.text.next()? != self.end_sign() {
            return Err(Error::new("an object or map has more entries than expected"));
        }
        Ok(())
    }
}

impl<'de, const N: usize> MapAccess<'de> for Entries<'_, 'de, N> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let sign = self.deserializer.text.peek()?;
        if sign == self.end_sign() {
            self.deserializer.text.next()?;
            self.is_over = true;
            return Ok(None);
        }
        match self.kind {
            b'q' => {
                self.deserializer.text.expect(b':')?;
                seed.deserialize(I32Deserializer::<Error>::new(self.deserializer.text.int()?)).map(Some)
            }
            b'M' => seed.deserialize(&mut *self.deserializer).map(Some),
            _ if matches!(sign, b'y' | b'R') => seed.deserialize(&mut *self.deserializer).map(Some),
            _ => Err(STRING),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.deserializer)
    }
}
