//! Plain values: bool and numbers.

use super::{Decode, DecodeError, Encode, EncodeError, Form, I24, Reader, Sink, U24};

/// A number that travels big end first. Existing remote procedure calls have none.
///
/// ```
/// use peote_net::value::{BigEndian, Encode, List, Reader, Writer};
/// let mut buffer = [0; 8];
/// let mut writer = Writer::new(&mut buffer);
/// writer.write(&[BigEndian(1u16), BigEndian(0x0203)])?;
/// assert_eq!(writer.finish(), [2, 0, 1, 2, 3]);
/// # Ok::<(), peote_net::value::EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BigEndian<T>(
    /// The number.
    pub T,
);

macro_rules! fixed_len {
    ($len:expr) => {
        const MOST: usize = $len;

        #[inline]
        fn encoded_len(&self) -> Result<usize, EncodeError> {
            Ok($len)
        }

        #[inline]
        fn items_len(items: &[Self]) -> Result<usize, EncodeError> {
            Ok(items.len().saturating_mul($len))
        }
    };
}
macro_rules! any_bytes {
    ($len:expr) => {
        const MIN_LEN: usize = $len;

        #[inline]
        fn skip(reader: &mut Reader<'a>, count: usize) -> Result<(), DecodeError> {
            reader.bytes(count.saturating_mul($len)).map(drop)
        }
    };
}
macro_rules! numbers {
    ($($type:ty, $name:ident, $name_be:ident;)*) => {$(
        impl Encode for $type {
            const FORM: Form = Form::named(stringify!($type));

            fixed_len!(size_of::<$type>());

            #[inline]
            fn encode(&self, sink: &mut impl Sink) {
                sink.put(&self.to_le_bytes());
            }
        }

        impl<'a> Decode<'a> for $type {
            any_bytes!(size_of::<$type>());

            #[inline]
            fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
                reader.$name()
            }
        }

        impl Encode for BigEndian<$type> {
            const FORM: Form = Form::of("big-endian", &[<$type>::FORM]);

            fixed_len!(size_of::<$type>());

            #[inline]
            fn encode(&self, sink: &mut impl Sink) {
                sink.put(&self.0.to_be_bytes());
            }
        }

        impl<'a> Decode<'a> for BigEndian<$type> {
            any_bytes!(size_of::<$type>());

            #[inline]
            fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
                reader.$name_be().map(Self)
            }
        }
    )*};
}

numbers! {
    u16, u16, u16_be;
    i16, i16, i16_be;
    u32, u32, u32_be;
    i32, i32, i32_be;
    u64, u64, u64_be;
    i64, i64, i64_be;
    f32, f32, f32_be;
    f64, f64, f64_be;
}

impl Encode for bool {
    const FORM: Form = Form::named("bool");

    fixed_len!(1);

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        sink.put(&[u8::from(*self)]);
    }
}

impl<'a> Decode<'a> for bool {
    any_bytes!(1);

    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.bool()
    }
}

impl Encode for u8 {
    const FORM: Form = Form::named("u8");

    fixed_len!(1);

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        sink.put(&[*self]);
    }

    #[inline]
    fn encode_items(items: &[Self], sink: &mut impl Sink) {
        sink.put(items);
    }
}

impl<'a> Decode<'a> for u8 {
    any_bytes!(1);

    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.u8()
    }
}

impl Encode for i8 {
    const FORM: Form = Form::named("i8");

    fixed_len!(1);

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        sink.put(&self.to_le_bytes());
    }
}

impl<'a> Decode<'a> for i8 {
    any_bytes!(1);

    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.i8()
    }
}

macro_rules! three_bytes {
    ($($type:ident $name:literal),*) => {$(
        impl Encode for $type {
            const FORM: Form = Form::named($name);

            fixed_len!(3);

            #[inline]
            fn encode(&self, sink: &mut impl Sink) {
                sink.put(&self.to_le_bytes());
            }
        }

        impl<'a> Decode<'a> for $type {
            any_bytes!(3);

            #[inline]
            fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
                reader.array().map(Self::from_le_bytes)
            }
        }

        impl Encode for BigEndian<$type> {
            const FORM: Form = Form::of("big-endian", &[<$type>::FORM]);

            fixed_len!(3);

            #[inline]
            fn encode(&self, sink: &mut impl Sink) {
                sink.put(&self.0.to_be_bytes());
            }
        }

        impl<'a> Decode<'a> for BigEndian<$type> {
            any_bytes!(3);

            #[inline]
            fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
                reader.array().map($type::from_be_bytes).map(Self)
            }
        }
    )*};
}

three_bytes!(U24 "u24", I24 "i24");
