//! Asking for the channels again, and what their events mean.

use super::entry::NotNow;
use super::{ChannelList, Connection, Entries, Notice};
use crate::Reason;
use crate::link::{Event, Out};
use crate::time::Instant;

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
            entry.is_unanswered(now).then(|| entry.unanswered(channel, &mut self.retries, now))
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
                Ok(None) => {}
                Ok(notice) => return notice,
                Err(NotNow) => self.stuck_at = Some(now),
            }
        }
    }

    /// Takes note of an event, and says what it means for a channel of the list. To be called with
    /// **every** event of the link, before anything else is done with it; events of other channels
    /// are passed over. [`follow`](Self::follow) is for programs that do not look at notices.
    pub fn observe(&mut self, event: &Event<'_>, now: Instant) -> Option<Notice> {
        let (channel, reason) = match *event {
            Event::Opened { channel } => (channel, None),
            Event::Refused { channel, reason, .. } | Event::Closed { channel, reason } => {
                (channel, Some(reason))
            }
            #[cfg(feature = "flow")]
            Event::ComeBack { after } => {
                self.come_back = now.saturating_add(after);
                return None;
            }
            _ => return None,
        };
        if reason != Some(Reason::LinkLost) && matches!(self.connection, Connection::Up) {
            self.attempts.reset();
        }
        let entry = self.entries.entries_mut().iter_mut().find(|entry| entry.channel == Some(channel))?;
        self.is_settled = false;
        match reason {
            None => Some(entry.opened(channel)),
            Some(Reason::LinkLost) => entry.lost(channel, matches!(event, Event::Closed { .. })),
            Some(reason) => Some(entry.ended(channel, reason, &mut self.retries, now)),
        }
    }

    /// Takes note of an event, and returns it as it is for a program whose channels come back.
    ///
    /// A refusal of a channel that is asked for again is no event for it (`None`). The end of a
    /// channel that is asked for again is [`Event::Away`]. All others stay as they are, so the same
    /// handler does for programs with and without a list. To be called with **every** event of the
    /// link, in place of [`observe`](Self::observe).
    pub fn follow<'e>(&mut self, event: Event<'e>, now: Instant) -> Option<Event<'e>> {
        let notice = self.observe(&event, now);
        self.seen(event, notice)
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
