//! The least of what programs of before need: a former name.

use std::io;

use peote_net::link::{Event, IntoFlow, Mode, OwnChannel, SendError};
use peote_net::reconnect::Backoff;
use peote_net::time::Instant;

use crate::{DesktopLink, LinkError, Watch, Woken};

/// [`DesktopLink`] with [`reconnect`](crate::LinkBuilder::reconnect), by its former name.
#[doc(hidden)]
#[deprecated(note = "it is `DesktopLink::builder().reconnect(rules)` now")]
#[derive(Debug)]
pub struct ReconnectingLink<const CHANNELS: usize = 8>(DesktopLink);

#[doc(hidden)]
#[expect(deprecated, reason = "it is the deprecated type's own")]
#[allow(clippy::missing_errors_doc, reason = "see `DesktopLink`")]
impl<const CHANNELS: usize> ReconnectingLink<CHANNELS> {
    pub fn new(relay: &str, rules: Backoff) -> Result<Self, LinkError> {
        DesktopLink::builder().reconnect(rules).connect(relay).map(Self)
    }

    pub fn add_own(&mut self, name: impl Into<String>, mode: Mode) -> Result<OwnChannel, SendError> {
        self.0.create(name, mode)
    }

    pub fn poll<R: IntoFlow>(
        &mut self,
        mut handler: impl FnMut(Event<'_>, ()) -> R,
    ) -> Result<bool, LinkError<R::Error>> {
        self.0.poll(|event, _| handler(event, ()))
    }

    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    pub fn wait(&mut self, others: &mut [Watch<'_>], deadline: Option<Instant>) -> io::Result<Woken> {
        self.0.wait_for(others, deadline)
    }
}
