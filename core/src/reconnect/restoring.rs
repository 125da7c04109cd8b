//! Asking for the channels again, and what their events mean.

use super::entry::NotAsked;
use super::{Cause, ChannelList, Connection, Entries, Entry, Notice};
use crate::Reason;
use crate::link::{Channel, Event, Out};
#[cfg(feature = "flow")]
use crate::time::Duration;
use crate::time::Instant;

/// For how long a relay can have this program stay away.
#[cfg(feature = "flow")]
const LONGEST_BREAK: Duration = Duration::from_secs(3600);

impl<E: Entries> ChannelList<E> {
    /// Asks for the channels that are due, in the order in which they were added, as far as there
    /// is room for the commands. To be called before every poll, until it returns `None`; does
    /// nothing without a connection. Not to be called by a handler.
    ///
    /// A notice says that the link cannot ask for a channel at all, or not now, or that the relay
    /// has not answered for one in time.
    pub fn restore(&mut self, out: &mut Out<'_>, now: Instant) -> Option<Notice>
    where
        E::Name: AsRef<[u8]>,
    {
        self.stuck_at = None;
        if self.is_settled || !matches!(self.connection, Connection::Up) {
            return None;
        }
        self.sweep(out);
        let notice = self.next_unanswered(now).or_else(|| self.ask(out, now));
        self.is_settled = notice.is_none() && !self.is_restoring();
        notice
    }

    fn next_unanswered(&mut self, now: Instant) -> Option<Notice> {
        self.entries.entries_mut().iter_mut().find_map(|entry| {
            let channel = entry.channel?;
            entry.is_unanswered(now).then(|| {
                entry.unanswered(&mut self.retries, now);
                entry.notice(channel, Cause::NoAnswer)
            })
        })
    }

    /// Asks for what is due, up to something that is to be told.
    fn ask(&mut self, out: &mut Out<'_>, now: Instant) -> Option<Notice>
    where
        E::Name: AsRef<[u8]>,
    {
        let mut after = None;
        loop {
            let entries = self.entries.entries_mut().iter_mut();
            // behind those that were tried in this call
            let due = entries.filter(|entry| {
                entry.due().is_some_and(|due| due <= now) && after.is_none_or(|after| entry.order > after)
            });
            let next = due.min_by_key(|entry| entry.order)?;
            let channel = next.channel?;
            after = Some(next.order);
            match next.ask(channel, out, &mut self.retries, now, self.answer_timeout) {
                Ok(()) => {}
                Err(NotAsked::Told(notice)) => return Some(notice),
                Err(NotAsked::Now) => self.stuck_at = Some(now),
            }
        }
    }

    /// Takes note of an event, and says what it means for a channel of the list. To be called with
    /// **every** event of the link, before anything else is done with it; events of other channels
    /// are passed over. [`follow`](Self::follow) is for programs that do not look at notices.
    pub fn observe(&mut self, event: &Event<'_>, now: Instant) -> Option<Notice>
    where
        E::Name: AsRef<[u8]>,
    {
        let (entry, heard) = self.take_note(event, now)?;
        let channel = entry.channel?;
        match heard {
            Heard::Opened => Some(Notice::Opened { channel, first: entry.is_first() }),
            Heard::Lost if matches!(event, Event::Closed { .. }) => Some(Notice::Interrupted { channel }),
            Heard::Lost => None,
            Heard::Ended(reason) => Some(entry.notice(channel, Cause::Relay(reason))),
        }
    }

    /// Takes note of an event. Returns what has been heard of a channel of the list.
    fn take_note(&mut self, event: &Event<'_>, now: Instant) -> Option<(&Entry<E::Name>, Heard)>
    where
        E::Name: AsRef<[u8]>,
    {
        let (channel, reason) = match *event {
            Event::Opened { channel } => (channel, None),
            Event::Refused { channel, reason, .. } | Event::Closed { channel, reason } => {
                (channel, Some(reason))
            }
            #[cfg(feature = "flow")]
            Event::ComeBack { after } => {
                self.come_back = now.saturating_add(after.min(LONGEST_BREAK));
                return None;
            }
            _ => return None,
        };
        if reason != Some(Reason::LinkLost) && matches!(self.connection, Connection::Up) {
            self.attempts.reset();
        }
        let passes = reason.is_some_and(|reason| self.is_left_over(channel, reason));
        let entry = self.entries.entries_mut().iter_mut().find(|entry| entry.channel == Some(channel))?;
        self.is_settled = false;
        let heard = match reason {
            None => {
                entry.opened();
                Heard::Opened
            }
            Some(Reason::LinkLost) => {
                entry.lost();
                Heard::Lost
            }
            Some(reason) => {
                entry.ended(reason, passes, &mut self.retries, now);
                Heard::Ended(reason)
            }
        };
        Some((entry, heard))
    }

    /// Returns true if a channel was refused because of one that this program has given up before
    /// the relay had answered: the link leaves or deletes that as soon as it has.
    #[cold]
    fn is_left_over(&self, channel: Channel, reason: Reason) -> bool
    where
        E::Name: AsRef<[u8]>,
    {
        let is_own = match reason {
            Reason::AlreadyEntered if self.has_dropped_asked => false,
            Reason::OwnChannel if self.has_dropped_asked => true,
            _ => return false,
        };
        let Some(name) = self.entry(channel).and_then(Entry::name_bytes) else { return false };
        // if it is in the list, the program has asked for one thing twice
        !self.entries.entries().iter().any(|other| {
            let is_kind = other.channel.is_some_and(|of| matches!(of, Channel::Own(_)) == is_own);
            let is_there = is_kind && other.channel != Some(channel) && !other.is_given_up();
            is_there && other.name_bytes() == Some(name)
        })
    }

    /// Takes note of an event, and returns it as it is for a program whose channels come back.
    ///
    /// A refusal of a channel that is asked for again is no event for it (`None`). The end of a
    /// channel that is asked for again is [`Event::Away`]. All others stay as they are, so the same
    /// handler does for programs with and without a list. To be called with **every** event of the
    /// link, in place of [`observe`](Self::observe).
    pub fn follow<'e>(&mut self, event: Event<'e>, now: Instant) -> Option<Event<'e>>
    where
        E::Name: AsRef<[u8]>,
    {
        let comes_back = match self.take_note(&event, now) {
            None | Some((_, Heard::Opened)) => false,
            Some((_, Heard::Lost)) => true,
            Some((entry, Heard::Ended(_))) => entry.is_waiting(),
        };
        match event {
            Event::Refused { .. } if comes_back => None,
            Event::Closed { .. } if comes_back => Some(event.away()),
            _ => Some(event),
        }
    }

    /// Returns an event as [`follow`](Self::follow) does, for a program that has called
    /// [`observe`](Self::observe) to look at the notice.
    #[must_use]
    pub fn seen<'e>(&self, event: Event<'e>, notice: Option<Notice>) -> Option<Event<'e>> {
        match (event, notice) {
            (Event::Closed { .. }, Some(Notice::Interrupted { .. } | Notice::Waiting { .. })) => {
                Some(event.away())
            }
            (Event::Refused { .. }, Some(Notice::Waiting { .. })) => None,
            // asked for again on the next connection
            (Event::Refused { channel, reason: Reason::LinkLost, .. }, _)
                if self.entry(channel).is_some() =>
            {
                None
            }
            _ => Some(event),
        }
    }
}

/// What an event says of a channel of the list.
enum Heard {
    Opened,
    /// The link's connection is lost, and the channel with it.
    Lost,
    /// It was refused, or is gone, for another reason.
    Ended(Reason),
}
