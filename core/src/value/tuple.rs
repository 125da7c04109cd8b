//! Several values one after another.

use super::{Decode, DecodeError, Encode, EncodeError, Form, Reader, Sink};

/// No bytes at all. A list of it cannot be read: it would have a length and no bytes.
impl Encode for () {
    const FORM: Form = Form::named("nothing");
    const MOST: usize = 0;

    #[inline]
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        Ok(0)
    }

    #[inline]
    fn encode(&self, _: &mut impl Sink) {}
}

impl Decode<'_> for () {
    const MIN_LEN: usize = 0;

    #[inline]
    fn decode(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(())
    }
}

macro_rules! tuples {
    ($($($name:ident)+;)*) => {$(
        impl<$($name: Encode),+> Encode for ($($name,)+) {
            const FORM: Form = Form::of("tuple", &[$($name::FORM),+]);
            const MOST: usize = 0usize $(.saturating_add($name::MOST))+;

            #[inline]
            #[expect(non_snake_case, reason = "a variable for each type")]
            fn encoded_len(&self) -> Result<usize, EncodeError> {
                let ($($name,)+) = self;
                let len = 0usize;
                $(let len = len.saturating_add($name.encoded_len()?);)+
                Ok(len)
            }

            #[inline]
            #[expect(non_snake_case, reason = "a variable for each type")]
            fn encode(&self, sink: &mut impl Sink) {
                let ($($name,)+) = self;
                $($name.encode(sink);)+
            }
        }

        impl<'a, $($name: Decode<'a>),+> Decode<'a> for ($($name,)+) {
            const MIN_LEN: usize = 0usize $(.saturating_add($name::MIN_LEN))+;

            #[inline]
            fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
                Ok(($($name::decode(reader)?,)+))
            }
        }
    )*};
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
    A B C D E F G H I;
    A B C D E F G H I J;
    A B C D E F G H I J K;
    A B C D E F G H I J K L;
}
