//! Maps that stay where they are.

use core::fmt;

use super::{Decode, DecodeError, Encode, EncodeError, Form, List, ListIter, Reader, Sink};

/// A map that stays in the message it came in, or a slice of entries that is to be sent. What a
/// [`List`] is for lists.
///
/// Nothing is sorted or hashed: finding an entry goes through them.
///
/// ```
/// use peote_net::value::{Map, Reader};
/// let ages: Map<'_, &str, u8> = Reader::new(&[2, 3, b'a', b'n', b'n', 40, 3, b'b', b'o', b'b', 39]).only()?;
/// assert_eq!(ages.get(&"bob"), Some(39));
/// for (name, age) in ages {
///     println!("{name} is {age}");
/// }
/// # Ok::<(), peote_net::value::DecodeError>(())
/// ```
pub struct Map<'a, K, V> {
    entries: List<'a, (K, V)>,
}

impl<K, V> Clone for Map<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Map<'_, K, V> {}

impl<K, V> Default for Map<'_, K, V> {
    fn default() -> Self {
        Self { entries: List::default() }
    }
}

impl<'a, K, V> From<&'a [(K, V)]> for Map<'a, K, V> {
    fn from(entries: &'a [(K, V)]) -> Self {
        Self { entries: List::from(entries) }
    }
}

impl<'a, K, V, const N: usize> From<&'a [(K, V); N]> for Map<'a, K, V> {
    fn from(entries: &'a [(K, V); N]) -> Self {
        Self { entries: List::from(entries) }
    }
}

impl<K, V> Map<'_, K, V> {
    /// The number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<'a, K: Decode<'a> + Clone, V: Decode<'a> + Clone> Map<'a, K, V> {
    /// The entries, in the order in which they were written. A hostile sender can write a key
    /// twice.
    #[must_use]
    pub fn iter(&self) -> MapIter<'a, K, V> {
        self.entries.iter()
    }

    /// The value of a key; of several, the last one.
    pub fn get(&self, key: &K) -> Option<V>
    where
        K: PartialEq,
    {
        self.iter().filter(|entry| entry.0 == *key).map(|(_, value)| value).last()
    }
}

/// The entries of a [`Map`].
pub type MapIter<'a, K, V> = ListIter<'a, (K, V)>;

impl<'a, K: Decode<'a> + Clone, V: Decode<'a> + Clone> IntoIterator for Map<'a, K, V> {
    type Item = (K, V);
    type IntoIter = MapIter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, K: Decode<'a> + Clone, V: Decode<'a> + Clone> IntoIterator for &Map<'a, K, V> {
    type Item = (K, V);
    type IntoIter = MapIter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, K: Decode<'a> + Clone + fmt::Debug, V: Decode<'a> + Clone + fmt::Debug> fmt::Debug
    for Map<'a, K, V>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(feature = "defmt")]
impl<K, V> defmt::Format for Map<'_, K, V> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Map({} entries)", self.len());
    }
}

impl<'a, K: Decode<'a>, V: Decode<'a>> Decode<'a> for Map<'a, K, V> {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { entries: reader.read()? })
    }
}

impl<K: Encode, V: Encode> Encode for Map<'_, K, V> {
    const FORM: Form = Form::of("map", &[K::FORM, V::FORM]);

    #[inline]
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        self.entries.encoded_len()
    }

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        self.entries.encode(sink);
    }
}
