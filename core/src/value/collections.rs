//! Collections of fixed capacity. More items than one can hold are an error before anything is
//! read.

use heapless::{LinearMap, String, Vec};

use super::form::most_of_items;
use super::length::{len_of_length, put_length};
use super::{Decode, DecodeError, Encode, EncodeError, Form, Map, Reader, Sink};

impl<T: Encode, const N: usize> Encode for Vec<T, N> {
    const FORM: Form = <[T]>::FORM;
    const MOST: usize = most_of_items(N, T::MOST);

    #[inline]
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        self.as_slice().encoded_len()
    }

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        self.as_slice().encode(sink);
    }
}

impl<'a, T: Decode<'a>, const N: usize> Decode<'a> for Vec<T, N> {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let items = room::<T>(reader, N)?;
        let mut vec = Self::new();
        for _ in 0..items {
            // there is room
            let _ = vec.push(T::decode(reader)?);
        }
        Ok(vec)
    }
}

impl<const N: usize> Encode for String<N> {
    const FORM: Form = str::FORM;
    const MOST: usize = most_of_items(N, 1);

    #[inline]
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        self.as_str().encoded_len()
    }

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        self.as_str().encode(sink);
    }
}

impl<'a, const N: usize> Decode<'a> for String<N> {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let string = reader.string()?;
        Self::try_from(string).map_err(|_| DecodeError::Capacity { items: string.len(), capacity: N })
    }
}

/// In the order of the entries.
impl<K: Encode + Eq, V: Encode, const N: usize> Encode for LinearMap<K, V, N> {
    const FORM: Form = Map::<'_, K, V>::FORM;
    const MOST: usize = most_of_items(N, K::MOST.saturating_add(V::MOST));

    fn encoded_len(&self) -> Result<usize, EncodeError> {
        let length = len_of_length(self.len())?;
        self.iter().try_fold(length, |len, entry| Ok(len.saturating_add(entry.encoded_len()?)))
    }

    fn encode(&self, sink: &mut impl Sink) {
        put_length(self.len(), sink);
        self.iter().for_each(|entry| entry.encode(sink));
    }
}

/// Of several entries with one key, the last one counts.
impl<'a, K: Decode<'a> + Eq, V: Decode<'a>, const N: usize> Decode<'a> for LinearMap<K, V, N> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let entries = room::<(K, V)>(reader, N)?;
        let mut map = Self::new();
        for _ in 0..entries {
            let (key, value) = reader.read()?;
            // there is room
            let _ = map.insert(key, value);
        }
        Ok(map)
    }
}

/// Reads the length of a collection that has room for `capacity` items.
#[inline]
fn room<'a, T: Decode<'a>>(reader: &mut Reader<'a>, capacity: usize) -> Result<usize, DecodeError> {
    let items = reader.items::<T>()?;
    if items > capacity { Err(DecodeError::Capacity { items, capacity }) } else { Ok(items) }
}
