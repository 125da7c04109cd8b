//! What the code that `#[remote]` generates needs. Not part of the public interface: it can change in any version.

pub use crate::link::{Flow, IntoFlow, Out, Payload, SendError};
pub use crate::value::{Decode, Encode, EncodeError, Reader};

use super::{Call, Cause, Context, Error, Remote};

/// Reads the next argument.
#[inline]
pub fn argument<'a, T: Decode<'a>>(reader: &mut Reader<'a>, call: &Call<'_>) -> Result<T, Error> {
    match T::decode(reader) {
        Ok(value) => Ok(value),
        Err(error) => Err(call.violation(Cause::Arguments(error))),
    }
}

/// Nothing may be left behind the last argument.
#[inline]
pub fn end(reader: Reader<'_>, call: &Call<'_>) -> Result<(), Error> {
    reader.finish().map_err(|error| call.violation(Cause::Arguments(error)))
}

/// What a procedure is told besides its arguments.
#[inline]
pub fn context<'a>(call: &Call<'_>, out: &'a mut Out<'_>) -> Context<'a> {
    Context::new(call, out)
}

/// What comes of what a procedure has returned.
#[inline]
pub fn flow<R: IntoFlow<Error = SendError>>(returned: R) -> Result<Flow, Error> {
    Ok(returned.into_flow()?)
}

/// Adds the length of one more argument.
#[inline]
pub fn add<T: Encode + ?Sized>(len: usize, argument: &T) -> Result<usize, SendError> {
    Ok(len.saturating_add(argument.encoded_len()?))
}

/// Calls a procedure.
#[inline]
pub fn call(
    remote: Remote,
    out: &mut Out<'_>,
    procedure: u8,
    len: usize,
    write: impl FnOnce(&mut Payload<'_>),
) -> Result<(), SendError> {
    remote.call_with(out, procedure, len, write)
}
