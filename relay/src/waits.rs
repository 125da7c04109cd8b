//! Who waits for whose queue.
//!
//! A connection waits for one other at most, so those that wait form chains. At the end of a chain
//! is a receiver that is read and does not take what is queued for it: that one is timed. Receivers
//! further up may be unable to read because they cannot write; see [`Pace::HeldUp`].
//!
//! A chain can also end in a circle, in which everybody waits for everybody else. Nothing that can
//! be seen tells who began. So those are timed that a channel's server waits for, and those are
//! spared that only users of their channels wait for: whoever ends a user ends one conversation,
//! and a server's end is that of all its users. Where all are of one kind all are timed.

use peote_net::relay::Membership;

use crate::causes::Paused;
use crate::connections::Connections;
use crate::patience::Pace;
use crate::wait::{Circle, Wait};

/// Connections in the longest circle that is looked for. It bounds the work of one that begins to
/// wait. In a longer circle everybody counts as held up.
const LONGEST_CIRCLE: usize = 64;

impl Connections {
    /// Makes a connection wait for room in a receiver's queue; `is_server`: it sends as the server
    /// of a channel.
    pub(crate) fn wait(&mut self, sender: u32, receiver: u32, is_server: bool) {
        let now = self.now;
        self.pass(sender);
        self.pass(receiver);
        let Some(to) = self.get(receiver) else { return };
        if to.wait.first == 0 {
            to.wait.since = now;
        }
        let last = std::mem::replace(&mut to.wait.last, sender + 1);
        if last == 0 {
            to.wait.first = sender + 1;
        } else if let Some(last) = self.get(last - 1) {
            last.wait.next = sender + 1;
        }
        if let Some(from) = self.get(sender) {
            (from.wait.for_whom, from.wait.is_server) = (receiver + 1, is_server);
            (from.wait.previous, from.wait.next, from.wait.began) = (last, 0, now);
            self.paused += 1;
            self.pauses.add(Paused::FullQueue);
        }
        if self.closes_circle(sender) {
            self.mark_circle(sender);
        }
        self.schedule(sender);
        self.schedule(receiver);
    }

    /// A connection that does not take part owes a grant, or does no more.
    pub(crate) fn owes(&mut self, index: u32, owes: bool) {
        self.pass(index);
        let now = self.now;
        let Some(connection) = self.get(index) else { return };
        if owes && !connection.wait.is_awaited() {
            connection.wait.since = now;
        }
        connection.wait.owes = owes;
        self.schedule(index);
    }

    /// Makes a connection wait for the window of a membership.
    ///
    /// It is a budget as that of those who take too little: what it could send since the last time
    /// gives to it.
    pub(crate) fn wait_for_window(&mut self, index: u32, membership: Membership) {
        let (now, terms) = (self.now, self.times.terms);
        let Some(connection) = self.get(index) else { return };
        let received = connection.traffic.received;
        let sent = received - std::mem::replace(&mut connection.wait.received, received);
        connection.wait.window_patience.pass(now, Pace::Rest, terms);
        connection.wait.window_patience.took(usize::try_from(sent).unwrap_or(usize::MAX), terms);
        (connection.wait.for_window, connection.wait.began) = (Some(membership), now);
        self.paused += 1;
        self.pauses.add(Paused::Window);
        self.schedule(index);
    }

    /// Makes a connection wait for no window any more. Says whether it did.
    pub(crate) fn stop_waiting_for_window(&mut self, index: u32) -> bool {
        let (now, terms) = (self.now, self.times.terms);
        let Some(connection) = self.get(index) else { return false };
        let Wait { window_patience: patience, blame, for_window, began, .. } = &mut connection.wait;
        let Some(membership) = for_window.take() else { return false };
        let (began, before) = (*began, patience.gone(terms));
        blame.shrink(before);
        patience.pass(now, Pace::Full, terms);
        blame.add(membership, patience.gone(terms).saturating_sub(before));
        // it was not read meanwhile, which is not its fault
        connection.last_received = now;
        self.paused -= 1;
        self.paused_millis += now.saturating_sub(began);
        self.schedule(index);
        true
    }

    /// Makes a connection wait for no window any more, because that took too long: it begins to be
    /// patient anew. Returns for whom it has waited, for the longest first.
    pub(crate) fn give_up_waiting_for_window(&mut self, index: u32) -> Vec<Membership> {
        let (now, terms) = (self.now, self.times.terms);
        self.stop_waiting_for_window(index);
        let Some(connection) = self.get(index) else { return Vec::new() };
        connection.wait.window_patience.begin_anew(now, terms);
        connection.wait.blame.take()
    }

    /// Makes a connection wait for nobody any more. Does nothing if it does not wait.
    pub(crate) fn stop_waiting(&mut self, sender: u32) {
        let now = self.now;
        let Some(from) = self.get(sender).filter(|from| from.wait.for_whom != 0) else { return };
        let receiver = from.wait.for_whom - 1;
        if from.wait.circle != Circle::No {
            let members = self.circle(sender);
            members.into_iter().for_each(|index| self.set_circle(index, Circle::No));
        }
        self.pass(sender);
        self.pass(receiver);
        let Some(from) = self.get(sender) else { return };
        from.wait.for_whom = 0;
        let began = from.wait.began;
        let previous = std::mem::take(&mut from.wait.previous);
        let next = std::mem::take(&mut from.wait.next);
        // it was not read meanwhile, which is not its fault
        from.last_received = now;
        self.paused -= 1;
        self.paused_millis += now.saturating_sub(began);
        match previous.checked_sub(1).and_then(|previous| self.get(previous)) {
            Some(previous) => previous.wait.next = next,
            None => {
                if let Some(to) = self.get(receiver) {
                    to.wait.first = next;
                }
            }
        }
        match next.checked_sub(1).and_then(|next| self.get(next)) {
            Some(next) => next.wait.previous = previous,
            None => {
                if let Some(to) = self.get(receiver) {
                    to.wait.last = previous;
                }
            }
        }
        self.schedule(sender);
        self.schedule(receiver);
    }

    /// Lets all go on that wait for a receiver, in the order in which they began to wait.
    pub(crate) fn wake(&mut self, receiver: u32) {
        while let Some(sender) = self.get(receiver).and_then(|to| to.wait.first.checked_sub(1)) {
            self.stop_waiting(sender);
            self.list(sender);
        }
    }

    /// Counts the time up to now for those that wait for a connection. Comes before anything
    /// changes that its pace depends on.
    fn pass(&mut self, index: u32) {
        let (now, terms) = (self.now, self.times.terms);
        let Some(connection) = self.get(index) else { return };
        let pace = connection.wait.pace();
        connection.wait.patience.pass(now, pace, terms);
    }

    /// A receiver has taken bytes from its queue.
    pub(crate) fn note_taken(&mut self, index: u32, bytes: usize) {
        self.pass(index);
        let terms = self.times.terms;
        if let Some(connection) = self.get(index) {
            connection.wait.patience.took(bytes, terms);
        }
    }

    /// Whether a connection that has begun to wait does so for itself, by way of others.
    fn closes_circle(&mut self, sender: u32) -> bool {
        let mut index = sender;
        for _ in 0..LONGEST_CIRCLE {
            match self.awaited_by(index) {
                Some(next) if next == sender => return true,
                Some(next) => index = next,
                None => return false,
            }
        }
        false
    }

    /// The one that a connection waits for.
    fn awaited_by(&mut self, index: u32) -> Option<u32> {
        self.get(index)?.wait.for_whom.checked_sub(1)
    }

    /// All in the circle that a connection is in, each behind the one that waits for it.
    fn circle(&mut self, one: u32) -> Vec<u32> {
        let mut members = vec![one];
        let mut index = one;
        while let Some(next) = self.awaited_by(index).filter(|next| *next != one)
            && members.len() < LONGEST_CIRCLE
        {
            members.push(next);
            index = next;
        }
        members
    }

    /// Notes of all in a circle that they are in one, and who is timed there.
    fn mark_circle(&mut self, one: u32) {
        let members = self.circle(one);
        let is_server = |index: &u32| self.get(*index).is_some_and(|member| member.wait.is_server);
        let awaited_by_server: Vec<bool> = members.iter().map(is_server).collect();
        let is_mixed = awaited_by_server.contains(&true) && awaited_by_server.contains(&false);
        for (index, by_server) in members.iter().skip(1).chain([&one]).zip(awaited_by_server) {
            let circle = if by_server || !is_mixed { Circle::Timed } else { Circle::Spared };
            self.set_circle(*index, circle);
        }
    }

    fn set_circle(&mut self, index: u32, circle: Circle) {
        self.pass(index);
        if let Some(connection) = self.get(index) {
            connection.wait.circle = circle;
        }
        self.schedule(index);
    }

    /// Sets a connection's deadline to the earliest that it has.
    pub(crate) fn schedule(&mut self, index: u32) {
        let Some(Some(connection)) = self.slots.get(index as usize) else { return };
        if let Some(deadline) = connection.next_deadline(&self.times) {
            self.timers.arm(index, deadline);
        }
    }
}
