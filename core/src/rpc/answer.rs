//! Answers to calls: what stands for a call at both ends.

use core::fmt;
use core::marker::PhantomData;

use super::{ANSWERS, Call, Remote};
use crate::link::{Out, SendError, Source};
use crate::value::{Decode, DecodeError, Encode, EncodeError, Form, Reader, Sink};

/// Procedure 0 of the object for answers: `answer(call, value)`.
pub(super) const ANSWER: u8 = 0;
/// Procedure 1: `refused(call, code)`.
pub(super) const REFUSED: u8 = 1;
/// Procedure 2: `cancel(call)`.
pub(super) const CANCEL: u8 = 2;

/// A call whose answer is still to come, at the end that called.
///
/// `T` is the type of the answer. It names one call; numbers begin anew after 2^32 calls.
pub struct CallId<T> {
    number: u32,
    answer: PhantomData<fn() -> T>,
}

/// A call that is to be answered, at the end that was called.
///
/// It comes as a parameter of a procedure, which then returns nothing; keep it, and
/// [answer](Self::answer) whenever you like. A ticket that is dropped is never answered: the other
/// end waits until its deadline.
///
/// It names who called by channel and user. Drop it when that user is gone or the channel is closed
/// ([`Ticket::from`]): later the number can be that of another user, who would get the answer.
pub struct Ticket<T> {
    from: Source,
    number: u32,
    answer: PhantomData<fn(T)>,
}

/// An answer that came. `answer.to(id)` reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Answer<'a> {
    pub(super) number: u32,
    pub(super) value: &'a [u8],
}

/// A call that has ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ended {
    pub(super) number: u32,
    /// Why.
    pub why: End,
}

/// Why a call has no answer. It may have been carried out all the same, unless the reason is
/// [`End::WrongArguments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum End {
    /// The peer, its channel or the link is gone.
    Lost,
    /// The answer has not come in time.
    Deadline,
    /// The peer does not want to answer ([`Ticket::refuse`]).
    Refused,
    /// The peer could not send the answer: it is longer than its channel or its transmit ring
    /// allows.
    TooLong,
    /// The arguments do not have the procedure's types. Nothing was called.
    WrongArguments,
}

/// A call that the peer does not want to be answered any more. `cancelled.is(ticket)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cancelled {
    pub(super) from: Source,
    pub(super) number: u32,
}

impl<T> CallId<T> {
    pub(super) const fn new(number: u32) -> Self {
        Self { number, answer: PhantomData }
    }

    /// The number of the call, as the wire carries it.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }
}

impl<'a> Answer<'a> {
    /// Reads the answer if it is the one to this call; `None` if it is another call's.
    #[inline]
    #[must_use]
    pub fn to<T: Decode<'a>>(&self, call: CallId<T>) -> Option<Result<T, DecodeError>> {
        self.is(call).then(|| self.value())
    }

    /// Whether it is the answer to this call. For answers that borrow, whose type [`to`](Self::to)
    /// cannot name: `if answer.is(id) { let name: &str = answer.value()?; … }`.
    #[must_use]
    pub const fn is<T>(&self, call: CallId<T>) -> bool {
        self.number == call.number
    }

    /// Reads the answer.
    ///
    /// # Errors
    /// It is no such value.
    #[inline]
    pub fn value<T: Decode<'a>>(&self) -> Result<T, DecodeError> {
        Reader::new(self.value).only()
    }
}

impl Ended {
    /// Whether it was this call.
    #[must_use]
    pub const fn is<T>(&self, call: CallId<T>) -> bool {
        self.number == call.number
    }

    /// What `refused(call, code)` means. Codes that are not known are a refusal.
    pub(super) const fn refused(number: u32, code: u8) -> Self {
        let why = match code {
            1 => End::TooLong,
            2 => End::WrongArguments,
            _ => End::Refused,
        };
        Self { number, why }
    }
}

impl Cancelled {
    /// Whether it is the call that this ticket stands for.
    #[must_use]
    pub fn is<T>(&self, ticket: Ticket<T>) -> bool {
        self.number == ticket.number && self.from == ticket.from
    }
}

impl<T> Ticket<T> {
    pub(super) const fn new(from: Source, number: u32) -> Self {
        Self { from, number, answer: PhantomData }
    }

    /// Who called.
    #[must_use]
    pub const fn from(self) -> Source {
        self.from
    }

    /// Sends the answer. `U` is `T`, or something that is the same on the wire, as `&str` is for a
    /// string; another type does not compile.
    ///
    /// # Errors
    /// Those of [`Out::send`]; after [`SendError::WouldBlock`] try again.
    #[inline]
    pub fn answer<U: Encode + ?Sized>(self, out: &mut Out<'_>, value: &U) -> Result<(), SendError>
    where
        T: Encode,
    {
        const {
            assert!(same(U::FORM, T::FORM), "the answer is not of the type that the ticket has");
        }
        self.send(out, value)
    }

    /// Tells the caller that no answer will come.
    ///
    /// # Errors
    /// Those of [`Out::send`].
    pub fn refuse(self, out: &mut Out<'_>) -> Result<(), SendError> {
        self.refuse_with(out, 0)
    }

    pub(super) fn refuse_with(self, out: &mut Out<'_>, code: u8) -> Result<(), SendError> {
        Remote::assume(self.from, ANSWERS).call(out, REFUSED, &(self.number, code))
    }

    #[inline]
    pub(super) fn send<U: Encode + ?Sized>(self, out: &mut Out<'_>, value: &U) -> Result<(), SendError> {
        let value = Value { number: self.number, len: value.encoded_len()?, value };
        Remote::assume(self.from, ANSWERS).call(out, ANSWER, &value)
    }
}

const fn same(a: Form, b: Form) -> bool {
    a.number() == b.number()
}

/// The arguments of `answer`: the value is a byte string, so that those who wait for answers of
/// different types have one procedure for them.
struct Value<'a, U: ?Sized> {
    number: u32,
    len: usize,
    value: &'a U,
}

/// The bytes that an answer has besides the value's own: object, procedure, call, length.
pub(super) const AROUND: usize = 10;

impl<U: Encode + ?Sized> Encode for Value<'_, U> {
    #[inline]
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        let length = crate::value::len_of_length(self.len)?;
        Ok(self.len.saturating_add(length).saturating_add(4))
    }

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        self.number.encode(sink);
        crate::value::put_length(self.len, sink);
        self.value.encode(sink);
    }
}

/// Takes the number off that stands in front of the arguments of a call with an answer.
#[inline]
pub(super) fn ticket<T>(reader: &mut Reader<'_>, call: &Call<'_>) -> Result<Ticket<T>, DecodeError> {
    Ok(Ticket::new(call.from(), reader.u32()?))
}

impl<T> Clone for CallId<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for CallId<T> {}

impl<T> PartialEq for CallId<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<T> Eq for CallId<T> {}

impl<T> fmt::Debug for CallId<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallId({})", self.number)
    }
}

impl<T> Clone for Ticket<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ticket<T> {}

impl<T> PartialEq for Ticket<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number && self.from == other.from
    }
}

impl<T> Eq for Ticket<T> {}

impl<T> fmt::Debug for Ticket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({} of {})", self.number, self.from)
    }
}

#[cfg(feature = "defmt")]
impl<T> defmt::Format for CallId<T> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "CallId({})", self.number);
    }
}

#[cfg(feature = "defmt")]
impl<T> defmt::Format for Ticket<T> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Ticket({} of {})", self.number, self.from);
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "the peer is gone",
            Self::Deadline => "the answer has not come in time",
            Self::Refused => "the peer does not answer",
            Self::TooLong => "the peer could not send the answer: it is too long",
            Self::WrongArguments => "the peer takes other arguments",
        })
    }
}

impl core::error::Error for End {}
