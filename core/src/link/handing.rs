//! One event on its way to the program, and what the link does with it afterwards.

use super::Event;
use super::front::Queued;
#[cfg(feature = "flow")]
use super::kept::{kept_event, own_kept_event};
use super::send::Out;
use super::session::Session;
use super::state::{Held, Reading};

/// What the link does with an event after the handler has seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is dealt with.
    Done,
    /// It is to be handed over again in the next round.
    Again,
    /// It is dealt with, and it was the last one of this round. What is queued is written.
    Last,
    /// It is dealt with, and the round is broken off at once.
    Stop,
    /// It stays, and the round goes on later: [`Session::held`] has the event.
    Hold,
}

/// Takes the events.
pub(super) trait Handler: FnMut(Event<'_>, &mut Out<'_>) -> Verdict {}

impl<F: FnMut(Event<'_>, &mut Out<'_>) -> Verdict + ?Sized> Handler for F {}

impl<'a> Session<'a> {
    /// Takes note of what has become of the event that was held.
    #[cfg_attr(not(feature = "speed"), inline(never))]
    pub(super) fn settle_held(&mut self) {
        let again = core::mem::take(&mut self.out.state.again);
        let held = core::mem::replace(&mut self.out.state.held, Held::None);
        if held != Held::None {
            self.settle(held, if again { Verdict::Again } else { Verdict::Done });
        }
    }

    /// Takes note of the verdict on a source's event. Returns true if the handler takes no more.
    #[cfg_attr(not(feature = "speed"), inline(never))]
    pub(super) fn settle(&mut self, source: Held, verdict: Verdict) -> bool {
        if verdict == Verdict::Hold {
            self.out.state.held = source;
            return true;
        }
        let is_again = verdict == Verdict::Again;
        let is_kept = match source {
            #[cfg(feature = "local")]
            Held::Local(line) => self.out.local().settle(line, is_again),
            #[cfg(feature = "flow")]
            Held::Party(slot) => self.settle_kept(slot, verdict),
            #[cfg(all(feature = "admission", feature = "server"))]
            Held::Knock(slot) => self.settle_knock(slot, verdict),
            #[cfg(feature = "flow")]
            Held::Own(slot) => self.settle_own_kept(slot, is_again),
            _ if is_again && self.keep(self.out.state.front.event) => !self.out.state.front.settle(false),
            _ => self.out.state.front.settle(is_again),
        };
        if is_kept {
            self.out.state.room.keep();
        } else {
            self.out.state.tables.kept.progressed();
        }
        if verdict == Verdict::Last {
            self.out.state.reading = Reading::Ending;
            self.out.state.local.take_turns(source.is_of_relay());
        }
        matches!(verdict, Verdict::Last | Verdict::Stop)
    }

    /// Hands a source's event over.
    #[cfg_attr(feature = "speed", inline(always))]
    pub(super) fn hand_over<H: Handler + ?Sized>(&mut self, source: Held, handler: &mut H) -> Verdict {
        let Self { out, inbox } = self;
        #[cfg(feature = "rpc")]
        {
            out.state.is_told_again = was_seen(source, out);
        }
        let kept;
        let event = match source {
            // read where it lies
            Held::Relay => &out.state.front.event,
            _ => {
                kept = event_of(source, out);
                &kept
            }
        };
        inbox.event(event, out).map_or(Verdict::Done, |event| handler(event, out))
    }

    /// Hands the event at the front over, which the relay has just brought. Returns true if nothing
    /// more is to be handed over.
    #[inline]
    pub(super) fn hand_over_new<H: Handler + ?Sized>(&mut self, handler: &mut H) -> Option<bool> {
        let verdict = self.hand_over(Held::Relay, handler);
        if verdict == Verdict::Done {
            self.out.state.front.event = Queued::None;
            return None;
        }
        let is_over = self.settle(Held::Relay, verdict);
        // an event that is kept with its party holds up nothing else
        (is_over || self.out.state.front.has_event()).then_some(is_over)
    }

    /// Returns the event that is held.
    pub(super) fn held(self) -> Option<(Event<'a>, Out<'a>)> {
        let event = event_of(self.out.state.held, &self.out);
        Some((self.inbox.into_event(&event, &self.out)?, self.out))
    }
}

/// Returns true if the program has seen a source's event before, and wanted it again.
#[cfg(feature = "rpc")]
#[inline]
fn was_seen(source: Held, out: &Out<'_>) -> bool {
    match source {
        Held::Relay => out.state.front.was_seen(),
        #[cfg(feature = "local")]
        Held::Local(line) => out.parts.local.was_seen(line),
        #[cfg(feature = "flow")]
        Held::Party(slot) => {
            out.parts.parties.get(usize::from(slot)).is_some_and(|party| party.kept.was_seen())
        }
        _ => false,
    }
}

/// Returns a source's event.
#[cfg_attr(feature = "speed", inline(always))]
fn event_of(source: Held, out: &Out<'_>) -> Queued {
    match source {
        Held::None => Queued::None,
        Held::Relay => out.state.front.event,
        #[cfg(feature = "local")]
        Held::Local(line) => out.parts.local.event(line),
        #[cfg(feature = "flow")]
        Held::Party(slot) => kept_event(&out.parts, slot),
        #[cfg(all(feature = "admission", feature = "server"))]
        Held::Knock(slot) => kept_event(&out.parts, slot),
        #[cfg(feature = "flow")]
        Held::Own(slot) => own_kept_event(&out.parts, slot),
    }
}
