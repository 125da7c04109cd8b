//! Writing values by their type.

use super::form::most_of_items;
use super::length::{len_of_length, put_length};
use super::{EncodeError, Form, Sink};

/// A value that can be written.
///
/// Writing is in two steps, so that a value goes into the transmit ring whole or not at all,
/// without a copy in between: its length, which is where everything that can be wrong shows up,
/// then exactly as many bytes.
///
/// A type of your own writes its parts, one after another:
///
/// ```
/// use peote_net::value::{Encode, EncodeError, Sink};
///
/// struct Point { x: i16, y: i16 }
///
/// impl Encode for Point {
///     fn encoded_len(&self) -> Result<usize, EncodeError> {
///         (self.x, self.y).encoded_len()
///     }
///     fn encode(&self, sink: &mut impl Sink) {
///         (self.x, self.y).encode(sink);
///     }
/// }
///
/// let mut buffer = [0; 8];
/// let mut writer = peote_net::value::Writer::new(&mut buffer);
/// writer.write(&[Point { x: 1, y: -1 }])?;
/// assert_eq!(writer.finish(), [1, 1, 0, 0xff, 0xff]);
/// # Ok::<(), EncodeError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a typed value",
    label = "cannot be sent",
    note = "typed values are bool, u8 to u64, i8 to i64, U24, I24, f32, f64, &str, &[u8], List, Map, and tuples, arrays and heapless collections of \
            them; others travel in haxe::Haxe or messagepack::MessagePack, or implement Encode and Decode"
)]
pub trait Encode {
    /// What values are on the wire, for the check of interfaces. A type of your own can name what
    /// it is made of: `const FORM: Form = <(i16, i16)>::FORM`.
    const FORM: Form = Form::OWN;

    /// The most bytes that a value takes; `usize::MAX` if that is not known.
    ///
    /// A procedure whose answer has such a type is called when there is room for as many.
    const MOST: usize = usize::MAX;

    /// The number of bytes that [`encode`](Self::encode) writes.
    ///
    /// # Errors
    /// The value cannot be written at all; [`EncodeError::Full`] is never among the reasons.
    fn encoded_len(&self) -> Result<usize, EncodeError>;

    /// Writes the value: as many bytes as [`encoded_len`](Self::encoded_len) says, if that was not
    /// an error.
    fn encode(&self, sink: &mut impl Sink);

    /// The number of bytes that [`encode_items`](Self::encode_items) writes.
    ///
    /// # Errors
    /// As [`encoded_len`](Self::encoded_len).
    #[doc(hidden)]
    #[inline]
    fn items_len(items: &[Self]) -> Result<usize, EncodeError>
    where
        Self: Sized,
    {
        items.iter().try_fold(0usize, |len, item| Ok(len.saturating_add(item.encoded_len()?)))
    }

    /// Writes items one after another, without a length; types whose values lie in memory as they
    /// do on the wire do it at once.
    #[doc(hidden)]
    #[inline]
    fn encode_items(items: &[Self], sink: &mut impl Sink)
    where
        Self: Sized,
    {
        items.iter().for_each(|item| item.encode(sink));
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    const FORM: Form = T::FORM;
    const MOST: usize = T::MOST;

    #[inline]
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        T::encoded_len(self)
    }

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        T::encode(self, sink);
    }
}

impl<T: Encode> Encode for [T] {
    const FORM: Form = Form::of("list", &[T::FORM]);

    #[inline]
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        Ok(len_of_length(self.len())?.saturating_add(T::items_len(self)?))
    }

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        put_length(self.len(), sink);
        T::encode_items(self, sink);
    }
}

impl<T: Encode, const N: usize> Encode for [T; N] {
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

impl Encode for str {
    const FORM: Form = Form::named("string");

    #[inline]
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        self.as_bytes().encoded_len()
    }

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        self.as_bytes().encode(sink);
    }
}

/// A bool, then the value if there is one.
impl<T: Encode> Encode for Option<T> {
    const FORM: Form = Form::of("option", &[T::FORM]);
    const MOST: usize = T::MOST.saturating_add(1);

    #[inline]
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        match self {
            Some(value) => Ok(value.encoded_len()?.saturating_add(1)),
            None => Ok(1),
        }
    }

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        self.is_some().encode(sink);
        if let Some(value) = self {
            value.encode(sink);
        }
    }
}

/// A bool, which is true for `Ok`, then the value or the error.
impl<T: Encode, E: Encode> Encode for Result<T, E> {
    const FORM: Form = Form::of("result", &[T::FORM, E::FORM]);
    const MOST: usize = if T::MOST > E::MOST { T::MOST } else { E::MOST }.saturating_add(1);

    #[inline]
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        let len = match self {
            Ok(value) => value.encoded_len(),
            Err(error) => error.encoded_len(),
        };
        Ok(len?.saturating_add(1))
    }

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        self.is_ok().encode(sink);
        match self {
            Ok(value) => value.encode(sink),
            Err(error) => error.encode(sink),
        }
    }
}
