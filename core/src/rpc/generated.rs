//! What the code that `#[remote]` generates needs. Not part of the public interface: it can change
//! in any version.

pub use crate::link::{Flow, IntoFlow, Out, Payload, SendError};
pub use crate::value::{Decode, Encode, EncodeError, Form, Reader};

use super::answer::AROUND;
pub use super::remote::Small;
use super::{Call, Context, Error, Fault, Remote, Ticket};

/// Reads the next argument.
#[inline]
pub fn argument<'a, T: Decode<'a>>(reader: &mut Reader<'a>, call: &Call<'_>) -> Result<T, Error> {
    match T::decode(reader) {
        Ok(value) => Ok(value),
        Err(error) => Err(call.violation(Fault::Arguments(error))),
    }
}

/// Nothing may be left behind the last argument.
#[inline]
pub fn end(reader: Reader<'_>, call: &Call<'_>) -> Result<(), Error> {
    reader.finish().map_err(|error| call.violation(Fault::Arguments(error)))
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
    small: impl FnOnce(&mut Small),
    write: impl FnOnce(&mut Payload<'_>),
) -> Result<(), SendError> {
    remote.call_with(out, procedure, len, small, write)
}

/// Takes the number off that stands in front of the arguments of a call with an answer.
#[inline]
pub fn ticket<T>(reader: &mut Reader<'_>, call: &Call<'_>) -> Result<Ticket<T>, Error> {
    match super::answer::ticket(reader, call) {
        Ok(ticket) => Ok(ticket),
        Err(error) => Err(call.violation(Fault::Arguments(error))),
    }
}

/// The arguments of a call with an answer are wrong: nothing is called, and both ends know.
#[cold]
pub fn wrong<T>(ticket: Ticket<T>, out: &mut Out<'_>, error: Error) -> Result<Flow, Error> {
    // what breaks the rules is not waited for
    let _ = ticket.refuse_with(out, 2);
    Err(error)
}

/// Whether a procedure has to wait because its answer would not fit.
#[inline]
#[must_use]
pub fn has_to_wait<T: Encode>(call: &Call<'_>, out: &mut Out<'_>) -> bool {
    out.may_have_to_wait(call.from().into(), T::MOST.saturating_add(AROUND))
}

/// Answers with what a procedure has returned.
#[inline]
pub fn answer<U, T: Encode>(ticket: Ticket<U>, out: &mut Out<'_>, value: &T) -> Result<Flow, Error> {
    if let Err(error) = ticket.send(out, value) {
        unanswered(ticket, out, error);
    }
    Ok(Flow::Continue)
}

/// The answer cannot be sent, and the procedure must not be called again.
#[cold]
fn unanswered<T>(ticket: Ticket<T>, out: &mut Out<'_>, error: SendError) {
    let told = ticket.refuse_with(out, 1).is_ok();
    warning!("an answer was not sent ({}); the caller has been told: {}", error, told);
}
