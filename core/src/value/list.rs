//! Lists that stay where they are.

use core::fmt;
use core::marker::PhantomData;

use super::length::{len_of_length, put_length};
use super::{Decode, DecodeError, Encode, EncodeError, Form, Reader, Sink};

/// A list of values that stays in the message it came in, or a slice that is to be sent: for lists
/// of any length, without a buffer for them.
///
/// Decoding goes through the items once and checks them, so that iterating yields values and not
/// results. (Lists of numbers are checked by their length alone.) Each iteration decodes anew.
///
/// ```
/// use peote_net::value::{List, Reader};
/// // a list of two lists
/// let mut reader = Reader::new(&[2, 2, 1, 0, 2, 0, 0]);
/// let rows: List<'_, List<'_, u16>> = reader.read()?;
/// assert_eq!(rows.len(), 2);
/// let sums: Vec<u16> = rows.iter().map(|row| row.iter().sum()).collect();
/// assert_eq!(sums, [3, 0]);
/// // to send: from slices and arrays
/// assert_eq!(List::from(&[1, 2, 3]).iter().sum::<i32>(), 6);
/// # Ok::<(), peote_net::value::DecodeError>(())
/// ```
pub struct List<'a, T> {
    items: Items<'a, T>,
}

enum Items<'a, T> {
    /// As many items as `len` says, already checked.
    Encoded {
        len: usize,
        bytes: &'a [u8],
    },
    Slice(&'a [T]),
}

impl<T> Clone for Items<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Items<'_, T> {}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self { items: Items::Slice(&[]) }
    }
}

impl<'a, T> From<&'a [T]> for List<'a, T> {
    fn from(items: &'a [T]) -> Self {
        Self { items: Items::Slice(items) }
    }
}

impl<'a, T, const N: usize> From<&'a [T; N]> for List<'a, T> {
    fn from(items: &'a [T; N]) -> Self {
        Self::from(items.as_slice())
    }
}

impl<'a, T, const N: usize> From<&'a heapless::Vec<T, N>> for List<'a, T> {
    fn from(items: &'a heapless::Vec<T, N>) -> Self {
        Self::from(items.as_slice())
    }
}

impl<'a, T> List<'a, T> {
    /// The number of items.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.items {
            Items::Encoded { len, .. } => len,
            Items::Slice(items) => items.len(),
        }
    }

    /// Whether there are no items.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items.
    #[must_use]
    pub fn iter(&self) -> ListIter<'a, T>
    where
        T: Decode<'a> + Clone,
    {
        let items = match self.items {
            Items::Encoded { len, bytes } => IterItems::Encoded { left: len, reader: Reader::new(bytes) },
            Items::Slice(items) => IterItems::Slice(items.iter()),
        };
        ListIter { items, marker: PhantomData }
    }
}

impl<'a, T: Decode<'a> + Clone> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = ListIter<'a, T>;

    fn into_iter(self) -> ListIter<'a, T> {
        self.iter()
    }
}

impl<'a, T: Decode<'a> + Clone> IntoIterator for &List<'a, T> {
    type Item = T;
    type IntoIter = ListIter<'a, T>;

    fn into_iter(self) -> ListIter<'a, T> {
        self.iter()
    }
}

impl<'a, T: Decode<'a> + Clone + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<'a, T: Decode<'a> + Clone + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(feature = "defmt")]
impl<T> defmt::Format for List<'_, T> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "List({} items)", self.len());
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for List<'a, T> {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let len = reader.items::<T>()?;
        let all = reader.remaining();
        T::skip(reader, len)?;
        let used = all.len().saturating_sub(reader.remaining().len());
        let bytes = all.get(..used).unwrap_or(all);
        Ok(Self { items: Items::Encoded { len, bytes } })
    }
}

impl<T: Encode> Encode for List<'_, T> {
    const FORM: Form = <[T]>::FORM;

    #[inline]
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        match self.items {
            Items::Encoded { len, bytes } => Ok(len_of_length(len)?.saturating_add(bytes.len())),
            Items::Slice(items) => items.encoded_len(),
        }
    }

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        match self.items {
            Items::Encoded { len, bytes } => {
                put_length(len, sink);
                sink.put(bytes);
            }
            Items::Slice(items) => items.encode(sink),
        }
    }
}

/// The items of a [`List`].
#[derive(Clone)]
pub struct ListIter<'a, T> {
    items: IterItems<'a, T>,
    marker: PhantomData<fn() -> T>,
}

#[derive(Clone)]
enum IterItems<'a, T> {
    Encoded { left: usize, reader: Reader<'a> },
    Slice(core::slice::Iter<'a, T>),
}

impl<T> fmt::Debug for ListIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = match &self.items {
            IterItems::Encoded { left, .. } => *left,
            IterItems::Slice(items) => items.len(),
        };
        f.debug_struct("ListIter").field("left", &left).finish_non_exhaustive()
    }
}

impl<'a, T: Decode<'a> + Clone> Iterator for ListIter<'a, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        match &mut self.items {
            IterItems::Encoded { left, reader } => {
                *left = left.checked_sub(1)?;
                // it has been decoded once before
                T::decode(reader).ok()
            }
            IterItems::Slice(items) => items.next().cloned(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.items {
            IterItems::Encoded { left, .. } => *left,
            IterItems::Slice(items) => items.len(),
        };
        (left, Some(left))
    }
}

impl<'a, T: Decode<'a> + Clone> ExactSizeIterator for ListIter<'a, T> {}
impl<'a, T: Decode<'a> + Clone> core::iter::FusedIterator for ListIter<'a, T> {}
