//! What a desktop link does in a turn: it connects, asks for its channels, and takes note of
//! events.

use std::task::Poll;

use peote_net::link::{Error, Event, Flow, IntoFlow, Out};
use peote_net::offline::Offline;
use peote_net::reconnect::{Notice, Status};
use peote_net::time::Instant;

use super::error::Missing;
use super::refusals::Refusal;
use super::{Change, Channels, DesktopLink, LinkError, Lost, OnChange, Relay, Stage};
use crate::link_transport::{LinkTransport, Unanswering};
use crate::{TcpError, TcpTransport};

impl DesktopLink {
    /// Goes on with connecting, and asks for the channels that are due.
    pub(super) fn begin_turn(&mut self, now: Instant) {
        self.is_unfinished = false;
        self.refused.begin_turn();
        self.advance(now);
        let Stage::Connected(transport) = &mut self.stage else { return };
        transport.begin_turn(self.poll_limit);
        transport.begin_round();
        let mut is_answering = true;
        while let Some(notice) = self.channels.restore(&mut self.link.out(), now) {
            is_answering &= !notice.is_unanswered();
            self.notice(notice);
        }
        if !is_answering && let Stage::Connected(transport) = &mut self.stage {
            **transport = LinkTransport::Unanswering(Unanswering);
        }
    }

    /// Goes on with connecting.
    pub(super) fn advance(&mut self, now: Instant) {
        if self.channels.start_attempt(now) {
            self.stage = self.start();
        }
        let connected = match &mut self.stage {
            Stage::Connecting(connecting) => match connecting.poll() {
                Poll::Ready(connected) => connected,
                Poll::Pending => return,
            },
            Stage::Connected(_) if self.channels.status() == Status::Connecting => {
                self.channels.connected();
                return;
            }
            _ => return,
        };
        match connected {
            Ok(transport) => {
                self.stage = Stage::Connected(Box::new(LinkTransport::tcp_of(transport)));
                self.channels.connected();
                self.change(Change::Connected);
            }
            Err(error) => {
                self.stage = Stage::Nothing;
                self.failed(Missing::Connect(error), now);
            }
        }
    }

    fn start(&mut self) -> Stage {
        match &mut self.relay {
            Relay::Offline => Stage::Connected(Box::new(LinkTransport::offline(Offline::new()))),
            Relay::Given(transport) => match transport.take() {
                Some(transport) => Stage::Connected(Box::new(LinkTransport::tcp_of(*transport))),
                None => Stage::Nothing,
            },
            Relay::At {
                address,
                timeout,
                #[cfg(feature = "tls")]
                tls,
            } => {
                let connecting = TcpTransport::connect(address, *timeout);
                #[cfg(feature = "tls")]
                if let Some(tls) = tls {
                    return Stage::Connecting(Box::new(connecting.with_tls(tls)));
                }
                Stage::Connecting(Box::new(connecting))
            }
        }
    }

    /// Returns true if this turn goes on with another reading.
    pub(super) fn goes_on(&mut self) -> bool {
        let Stage::Connected(transport) = &mut self.stage else { return false };
        if self.link.has_more() {
            self.is_unfinished = true;
            return false;
        }
        let waits = transport.has_read() && self.link.wants_read() && transport.is_readable();
        self.is_unfinished = waits && transport.is_exhausted();
        waits && !self.is_unfinished
    }

    /// What the program has not been told is told by an error.
    pub(super) fn end_turn<H>(&mut self) -> Result<(), LinkError<H>> {
        let Status::GivenUp(exhausted) = self.channels.status() else { return Ok(()) };
        Err(match self.missing.take() {
            None => LinkError::NotConnected,
            Some(missing) if self.is_reconnecting => LinkError::GivenUp { exhausted, cause: missing.into() },
            Some(Missing::Connect(error)) => LinkError::Connect(error),
            Some(Missing::Lost(lost)) => LinkError::Lost(lost),
        })
    }

    /// The program has dealt with a refusal that `next` has returned, or wants it again.
    pub(super) fn settle_returned(&mut self) {
        if let Some(refused) = self.refused.returned.take()
            && self.link.out().take_again()
        {
            self.refused.keep(refused);
        }
    }

    /// Ends a turn of `next` that the program does not go on with. What is left to be told of a
    /// loss is told to `handler`, whatever that says to it, as by a poll that has found the loss.
    pub(super) fn end_turn_of_next<R: IntoFlow>(
        &mut self,
        now: Instant,
        handler: &mut impl FnMut(Event<'_>, &mut Out<'_>) -> R,
    ) {
        self.settle_returned();
        self.is_in_turn = false;
        while self.is_losing.is_some()
            && let Some(is_away) = self.find(now)
            && let Some((event, mut out)) = self.link.found()
        {
            if let Ok(Flow::Again) = handler(told(event, is_away), &mut out).into_flow() {
                out.again();
            }
        }
    }

    pub(super) fn lost(&mut self, error: Error<TcpError>, now: Instant) {
        let lost = self.end_connection(error);
        self.failed(Missing::Lost(lost), now);
    }

    /// There is no connection any more. Returns how that came.
    pub(super) fn end_connection(&mut self, error: Error<TcpError>) -> Lost {
        match std::mem::replace(&mut self.stage, Stage::Nothing) {
            Stage::Connected(transport) => match *transport {
                LinkTransport::Unanswering(_) => Lost::NoAnswer,
                transport if transport.has_heard_nothing() && is_end(&error) => Lost::TurnedAway,
                _ => error.into(),
            },
            _ => error.into(),
        }
    }

    /// An attempt has failed, or the connection is lost.
    fn failed(&mut self, missing: Missing, now: Instant) {
        self.channels.failed(now);
        if matches!(self.channels.status(), Status::GivenUp(_)) {
            self.missing = Some(missing);
        } else {
            self.change(match missing {
                Missing::Connect(error) => Change::ConnectFailed(error),
                Missing::Lost(lost) => Change::Lost(lost),
            });
        }
    }

    fn notice(&mut self, notice: Notice) {
        if let Notice::GivenUp { channel, cause, .. } = notice {
            self.refused.push(Refusal::new(channel, cause));
        }
        tell_waiting(&self.channels, &mut self.on_change, Some(notice));
    }

    fn change(&mut self, change: Change) {
        if let Some(on_change) = &mut self.on_change {
            on_change(change);
        }
    }
}

/// Returns true if the relay has ended the connection. The system resets one that is closed while
/// unread bytes lie in it.
fn is_end(error: &Error<TcpError>) -> bool {
    use embedded_io::{Error as _, ErrorKind};
    match error {
        Error::Closed => true,
        Error::Transport(error) => {
            matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
        }
        _ => false,
    }
}

/// Returns an event as the program is to see it, whose channel comes back perhaps.
pub(super) fn told(event: Event<'_>, is_away: bool) -> Event<'_> {
    match event {
        Event::Closed { channel, reason } if is_away => Event::Away { channel, reason },
        event => event,
    }
}

/// Returns the name of the channel that an event ends. The list may have forgotten it afterwards.
pub(super) fn name_of_ended(channels: &Channels, event: &Event<'_>) -> Option<String> {
    match *event {
        Event::Refused { channel, .. } | Event::Closed { channel, .. } => channels.name(channel).cloned(),
        _ => None,
    }
}

/// Takes note of an event. Returns it as the program is to see it.
pub(super) fn follow<'e>(
    channels: &mut Channels,
    on_change: &mut Option<OnChange>,
    event: Event<'e>,
    now: Instant,
) -> Option<Event<'e>> {
    let notice = channels.observe(&event, now);
    tell_waiting(channels, on_change, notice);
    channels.seen(event, notice)
}

fn tell_waiting(channels: &Channels, on_change: &mut Option<OnChange>, notice: Option<Notice>) {
    let Some(Notice::Waiting { channel, cause, .. }) = notice else { return };
    if let Some(on_change) = on_change {
        let name = channels.name(channel).cloned().unwrap_or_default();
        on_change(Change::Waiting { channel, name, cause });
    }
}
