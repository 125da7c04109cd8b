//! Calls with answers, and interfaces that are compared before anything is called.

use super::answer::{ANSWER, CANCEL, REFUSED};
use super::interface::{Described, Description};
use super::offers::{Gone, State};
use super::open::{Open, OpenCalls, sealed};
use super::{
    ANSWERS, Answer, Call, CallId, Cancelled, Ended, Fault, INTERFACES, Interface, Message, Mismatch, Offers,
    OffersFull, Remote, Violation, offer,
};
use crate::link::{Channel, Destination, Event, Out, SendError, Source};
use crate::time::Instant;
use crate::value::{DecodeError, Reader};

/// Procedure 0 of the object for interfaces: `describe(object, version, hashes)`.
const DESCRIBE: u8 = 0;

/// One end of remote procedure calls with all that they can do: it offers the program's objects,
/// compares interfaces, and keeps calls with answers while they are open.
///
/// `OPEN` calls at most are open at a time, a power of two; `PARTIES` peers are remembered, with
/// `OBJECTS` objects each, of which peers of this library take two for themselves. It is a `const`
/// value without pointers to anything but interfaces, and nothing grows.
///
/// Hand every event of the channels that carry calls to [`handle`](Self::handle), and after each
/// poll take out what has ended ([`next_ended`](Self::next_ended)). Say when the program leaves or
/// deletes such a channel itself ([`left`](Self::left)): no event tells.
///
/// ```
/// # #[cfg(feature = "macros")] {
/// use peote_net::link::{Event, Flow, Out, SendError};
/// use peote_net::rpc::{self, CallId, Calls, Heard, remote};
/// use peote_net::time::{Duration, Instant};
///
/// #[remote]
/// trait Thermometer {
///     fn degrees(&self, sensor: u8) -> Option<f32>;
/// }
///
/// const THERMOMETER: u8 = 0;
///
/// /// A user that asks once.
/// struct User {
///     calls: Calls<4>,
///     question: Option<CallId<Option<f32>>>,
/// }
///
/// impl User {
///     fn new() -> Self {
///         Self { calls: Calls::new(&[], &[(THERMOMETER, ThermometerCaller::INTERFACE)]), question: None }
///     }
///
///     fn handle(&mut self, event: Event<'_>, out: &mut Out<'_>, now: Instant) -> Result<(), SendError> {
///         match self.calls.handle(event, out)? {
///             Heard::Offer(remote) => {
///                 let question = ThermometerCaller::new(remote).degrees(out, &mut self.calls, 3)?;
///                 self.calls.set_deadline(question, now + Duration::from_millis(2_000));
///                 self.question = Some(question);
///             }
///             Heard::Answer(answer) => {
///                 if let Some(Ok(degrees)) = self.question.and_then(|question| answer.to(question)) {
///                     println!("{degrees:?}");
///                 }
///             }
///             Heard::Mismatch(mismatch) => println!("{mismatch}"),
///             Heard::Other(event) => event.ok()?, // a channel that is refused, or ends, is an error
///             _ => {}
///         }
///         Ok(())
///     }
///
///     fn after_poll(&mut self, now: Instant) {
///         while let Some(ended) = self.calls.next_ended(now) {
///             println!("no answer: {}", ended.why);
///         }
///     }
/// }
/// # let _ = (User::new, User::handle, User::after_poll);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Calls<const OPEN: usize, const PARTIES: usize = 1, const OBJECTS: usize = 4> {
    offered: &'static [(u8, &'static Interface)],
    expected: &'static [(u8, &'static Interface)],
    offers: Offers<PARTIES, OBJECTS>,
    open: Open<OPEN>,
}

/// What an event means for remote procedure calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Heard<'a> {
    /// An object of a peer can be called from now on. If the peer describes its objects, it is what
    /// this end expects.
    Offer(Remote),
    /// A peer has offered an object that is not what this end expects. It cannot be called.
    Mismatch(Mismatch<'a>),
    /// A peer has offered an object, and there is no room to remember it: raise `PARTIES` or
    /// `OBJECTS`. It cannot be called.
    NotRemembered(Source, OffersFull),
    /// A peer calls an object of this end: hand it to `dispatch`.
    Call(Call<'a>),
    /// The answer to a call. It is told once, and again with its event if the handler has kept
    /// that.
    Answer(Answer<'a>),
    /// A call will not be answered: the peer says so.
    Ended(Ended),
    /// A peer does not wait for the answer to a call any more.
    Cancelled(Cancelled),
    /// A peer has broken the rules. Nothing was called.
    Violation(Violation),
    /// It was dealt with, and means nothing to the program.
    Nothing,
    /// It is no message. What concerns calls was taken note of.
    Other(Event<'a>),
}

impl<const OPEN: usize, const PARTIES: usize, const OBJECTS: usize> Calls<OPEN, PARTIES, OBJECTS> {
    /// Nothing is open. `offered` are the objects of this end, `expected` the objects that other
    /// ends may offer; an offer of another number is passed on unseen.
    #[must_use]
    pub const fn new(
        offered: &'static [(u8, &'static Interface)],
        expected: &'static [(u8, &'static Interface)],
    ) -> Self {
        Self { offered, expected, offers: Offers::new(), open: Open::new() }
    }

    /// Takes note of an event and says what it means for calls. Offers this end's objects to a user
    /// that has entered, and to the server of a channel that is open.
    ///
    /// # Errors
    /// [`SendError::WouldBlock`] and others of [`Out::send`]. A handler returns them, and hands the
    /// event here again when it comes again.
    #[inline]
    pub fn handle<'a>(&mut self, event: Event<'a>, out: &mut Out<'_>) -> Result<Heard<'a>, SendError> {
        match event {
            Event::Rpc { from, bytes } => match Message::read(from, bytes) {
                Message::Call(call) => match call.object() {
                    ANSWERS => Ok(self.answered(call, out.is_told_again())),
                    INTERFACES => Ok(self.described(call, out.is_told_again())),
                    _ => Ok(Heard::Call(call)),
                },
                Message::Offer(remote) => self.offered(from, remote, out),
            },
            event => {
                self.follow(&event);
                self.introduce(&event, out)?;
                Ok(Heard::Other(event))
            }
        }
    }

    /// Takes a call out that has ended without an answer: the peer, its channel or the link is
    /// gone, or its deadline has come. To be asked until there is none, after each poll.
    pub fn next_ended(&mut self, now: Instant) -> Option<Ended> {
        self.open.next_ended(now)
    }

    /// Returns when [`next_ended`](Self::next_ended) has something to say, at the earliest.
    #[must_use]
    pub const fn next_deadline(&self) -> Option<Instant> {
        self.open.next_deadline()
    }

    /// The call is to end if it has not been answered at `deadline`. Without it, a call waits as
    /// long as its peer is there. A call that is not open is passed over.
    pub fn set_deadline<T>(&mut self, call: CallId<T>, deadline: Instant) {
        self.open.set_deadline(call.number(), deadline);
    }

    /// Forgets a call and tells the peer that its answer is not wanted any more. An answer that
    /// comes all the same is passed over. A call that is not open is passed over.
    ///
    /// # Errors
    /// Those of [`Out::send`]. The call is forgotten then, and the peer does not know.
    pub fn cancel<T>(&mut self, call: CallId<T>, out: &mut Out<'_>) -> Result<(), SendError> {
        match self.open.forget(call.number()) {
            Some(to) => Remote::assume(to, ANSWERS).call(out, CANCEL, &call.number()),
            None => Ok(()),
        }
    }

    /// The number of calls that are open.
    #[must_use]
    pub const fn open_calls(&self) -> usize {
        self.open.len()
    }

    /// The objects that peers have offered, and that can be called.
    #[must_use]
    pub const fn offers(&self) -> &Offers<PARTIES, OBJECTS> {
        &self.offers
    }

    /// The program has left or deleted a channel, of which no event tells: what its peers have
    /// offered is forgotten, and calls to them end ([`next_ended`](Self::next_ended)).
    pub fn left(&mut self, channel: impl Into<Channel>) {
        self.lose(Gone::with(channel.into()));
    }

    #[cold]
    fn follow(&mut self, event: &Event<'_>) {
        if let Some(gone) = Gone::by(event) {
            self.lose(gone);
        }
    }

    fn lose(&mut self, gone: Gone) {
        self.offers.lose(gone);
        self.open.lose(|peer| gone.includes(peer));
    }

    /// Offers this end's objects to a peer that has come. The offers of the two special objects
    /// come first, so that a peer knows what the others are worth.
    #[cold]
    fn introduce(&self, event: &Event<'_>, out: &mut Out<'_>) -> Result<(), SendError> {
        let to = match *event {
            Event::UserEntered { channel, user, .. } => Destination::User(channel, user),
            Event::Opened { channel: Channel::Entered(channel) } => Destination::Server(channel),
            _ => return Ok(()),
        };
        match offer(out, to, INTERFACES) {
            // a channel of another mode
            Err(SendError::NotRpc) => return Ok(()),
            other => other?,
        }
        offer(out, to, ANSWERS)?;
        self.offered.iter().try_for_each(|&(object, _)| offer(out, to, object))
    }

    #[cold]
    fn offered<'a>(
        &mut self,
        from: Source,
        remote: Remote,
        out: &mut Out<'_>,
    ) -> Result<Heard<'a>, SendError> {
        let object = remote.object();
        let is_known = self.offers.state(from, object).is_some();
        let is_described = self.offers.state(from, INTERFACES).is_some();
        let is_special = object == ANSWERS || object == INTERFACES;
        let state = if is_described && !is_special { State::Held } else { State::Offered };
        if object == INTERFACES && !is_described {
            self.describe(from, out)?;
        }
        if let Err(full) = self.offers.add_as(remote, state) {
            return Ok(Heard::NotRemembered(from, full));
        }
        if is_special || state == State::Held || (is_known && !out.is_told_again()) {
            return Ok(Heard::Nothing);
        }
        Ok(self.offers.remote(from, object).map_or(Heard::Nothing, Heard::Offer))
    }

    /// Describes this end's objects to a peer that wants it.
    fn describe(&self, to: Source, out: &mut Out<'_>) -> Result<(), SendError> {
        let remote = Remote::assume(to, INTERFACES);
        let mut described = self.offered.iter().map(|&(object, interface)| Described(object, interface));
        described.try_for_each(|described| remote.call(out, DESCRIBE, &described))
    }

    /// A peer has described an object of its own.
    #[cold]
    fn described<'a>(&mut self, call: Call<'a>, is_told_again: bool) -> Heard<'a> {
        if call.procedure() != DESCRIBE {
            return Heard::Violation(call.violated(Fault::UnknownProcedure));
        }
        let from = call.from();
        let description = match Description::read(call.arguments()) {
            Ok(description) => description,
            Err(error) => return Heard::Violation(call.violated(Fault::Arguments(error))),
        };
        let object = description.object;
        let expected = self.expected.iter().find(|(number, _)| *number == object);
        let mismatch = expected.and_then(|(_, ours)| description.mismatch(from, ours));
        let state = if mismatch.is_some() { State::Differs } else { State::Offered };
        // else it has not been offered, or has been described before
        if !self.offers.decide(from, object, state, is_told_again) {
            return Heard::Nothing;
        }
        match mismatch {
            Some(mismatch) => Heard::Mismatch(mismatch),
            None => self.offers.remote(from, object).map_or(Heard::Nothing, Heard::Offer),
        }
    }

    /// A peer calls the object for answers. An answer that is not waited for is passed over: the
    /// call may have been cancelled meanwhile.
    #[inline]
    fn answered<'a>(&mut self, call: Call<'a>, is_told_again: bool) -> Heard<'a> {
        match short_answer(&call) {
            Some(answer) if self.open.close(answer.number, call.from(), is_told_again) => {
                Heard::Answer(answer)
            }
            _ => self.answered_otherwise(call, is_told_again),
        }
    }

    #[cold]
    fn answered_otherwise<'a>(&mut self, call: Call<'a>, is_told_again: bool) -> Heard<'a> {
        match read_answer(&call) {
            Ok(Heard::Answer(Answer { number, .. }) | Heard::Ended(Ended { number, .. }))
                if !self.open.close(number, call.from(), is_told_again) =>
            {
                Heard::Nothing
            }
            Ok(heard) => heard,
            Err(cause) => Heard::Violation(call.violated(cause)),
        }
    }
}

/// An answer whose length takes one byte, as most have it.
#[inline]
fn short_answer<'a>(call: &Call<'a>) -> Option<Answer<'a>> {
    let [a, b, c, d, len, value @ ..] = call.arguments().remaining() else { return None };
    let is_one = call.procedure() == ANSWER && *len < 0x80 && usize::from(*len) == value.len();
    is_one.then_some(Answer { number: u32::from_le_bytes([*a, *b, *c, *d]), value })
}

fn read_answer<'a>(call: &Call<'a>) -> Result<Heard<'a>, Fault> {
    let mut reader = call.arguments();
    let heard = match call.procedure() {
        ANSWER => {
            let answer = |reader: &mut Reader<'a>| {
                Ok::<_, DecodeError>(Answer { number: reader.u32()?, value: reader.byte_string()? })
            };
            Heard::Answer(answer(&mut reader)?)
        }
        REFUSED => {
            let (number, code) = reader.read()?;
            Heard::Ended(Ended::refused(number, code))
        }
        CANCEL => Heard::Cancelled(Cancelled { from: call.from(), number: reader.u32()? }),
        _ => return Err(Fault::UnknownProcedure),
    };
    reader.finish()?;
    Ok(heard)
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::Arguments(error)
    }
}

impl<const OPEN: usize, const PARTIES: usize, const OBJECTS: usize> sealed::Sealed
    for Calls<OPEN, PARTIES, OBJECTS>
{
}

impl<const OPEN: usize, const PARTIES: usize, const OBJECTS: usize> OpenCalls
    for Calls<OPEN, PARTIES, OBJECTS>
{
    #[inline]
    fn reserve(&mut self, remote: Remote) -> Result<u32, SendError> {
        if remote.answers() { self.open.reserve() } else { Err(SendError::NoAnswers) }
    }

    #[inline]
    fn open<T>(&mut self, number: u32, remote: Remote) -> CallId<T> {
        self.open.open(number, remote.destination());
        CallId::new(number)
    }
}
