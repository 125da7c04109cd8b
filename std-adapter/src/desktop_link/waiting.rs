//! Sleeping, and the end.

use std::io;
use std::time::Duration;

use peote_net::reconnect::Status;
use peote_net::time::Instant;

use super::{DesktopLink, LinkError, Lost, Stage};
use crate::link_transport::LinkTransport;
use crate::{Interest, Watch, Woken};

/// How long a refusal waits that the program wants again.
const KEPT: Duration = Duration::from_millis(100);

impl DesktopLink {
    /// **Blocks** until there is something to poll for, or a [`Waker`](crate::Waker) is called.
    /// Costs no processor time meanwhile.
    ///
    /// # Errors
    /// Those of [`Waiter::wait`](crate::Waiter::wait).
    pub fn wait(&mut self) -> io::Result<Woken> {
        self.wait_for(&mut [], None)
    }

    /// **Blocks** until there is something to poll for, one of `others` is ready, `deadline` has
    /// come, or a [`Waker`](crate::Waker) is called. Costs no processor time meanwhile.
    ///
    /// A handler that asks for an event again is asked again after the next wait that ends. When it
    /// waits for something other than room to send in, the program has to see to it that the wait
    /// ends: by a deadline or a waker.
    ///
    /// # Errors
    /// Those of [`Waiter::wait`](crate::Waiter::wait).
    pub fn wait_for(&mut self, others: &mut [Watch<'_>], deadline: Option<Instant>) -> io::Result<Woken> {
        let is_over = matches!(self.channels.status(), Status::GivenUp(_));
        let mut at_once = self.is_unfinished || is_over || self.refused.is_due();
        let mut own = None;
        let mut of_link = None;
        match &mut self.stage {
            Stage::Nothing => {}
            Stage::Connecting(connecting) => own = Some(Watch::connecting(connecting)),
            Stage::Connected(transport) => {
                let interest = Interest { read: self.link.wants_read(), write: self.link.wants_write() };
                of_link = self.link.next_deadline();
                match &mut **transport {
                    LinkTransport::Tcp { transport, .. } => own = Some(Watch::transport(transport, interest)),
                    other => at_once |= interest.write || (interest.read && other.is_readable()),
                }
            }
        }
        let at_once = at_once.then_some(Instant::ZERO);
        // what a refusal waits for that was kept need not wake anything
        let kept = self.refused.is_kept().then(|| self.clock.after(KEPT));
        let deadlines = [at_once, deadline, of_link, kept, self.channels.next_deadline()];
        self.waiter.wait_for(own.as_mut_slice(), others, deadlines.into_iter().flatten().min())
    }

    /// Sends what is queued, ends the connection in order and waits until the relay has ended it as
    /// well. **Blocks**, for `timeout` at most. Events that come meanwhile are thrown away. Without
    /// a connection there is nothing to do.
    ///
    /// # Errors
    /// How the connection was lost before that; [`Lost::Transport`] of the kind `TimedOut` when it
    /// took longer than `timeout`.
    pub fn close(mut self, timeout: Duration) -> Result<(), LinkError> {
        let start = std::time::Instant::now();
        if let Some(error) = self.is_losing.take() {
            return Err(LinkError::Lost(self.end_connection(error)));
        }
        // what was asked for last, as well
        self.begin_turn(self.clock.now());
        while let Stage::Connected(transport) = &mut self.stage {
            transport.begin_turn(0);
            let now = self.clock.now();
            let polled = self.link.poll(&mut **transport, now, |_, _| ());
            polled.map_err(|error| LinkError::Lost(error.into()))?;
            let left = timeout.saturating_sub(start.elapsed());
            if !self.link.wants_write() {
                break;
            }
            if left.is_zero() {
                let error = io::Error::from(io::ErrorKind::TimedOut);
                return Err(LinkError::Lost(Lost::Transport(error.into())));
            }
            let LinkTransport::Tcp { transport, .. } = &mut **transport else { return Ok(()) };
            // what channels and refusals wait for matters no more
            let interest = Interest { read: self.link.wants_read(), write: true };
            let deadlines = [self.link.next_deadline(), Some(self.clock.after(left))];
            let deadline = deadlines.into_iter().flatten().min();
            let mut own = [Watch::transport(transport, interest)];
            self.waiter.wait(&mut own, deadline).map_err(LinkError::System)?;
        }
        let Stage::Connected(transport) = self.stage else { return Ok(()) };
        let LinkTransport::Tcp { transport, .. } = *transport else { return Ok(()) };
        let left = timeout.saturating_sub(start.elapsed());
        transport.finish(left).map_err(|error| LinkError::Lost(Lost::Transport(error)))
    }
}
