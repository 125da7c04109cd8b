//! One channel of the list.

use super::backoff::Progress;
use super::{Backoff, Cause, ChannelState, Exhausted, Notice, Place, Retry};
use crate::Reason;
use crate::link::{Channel, Mode, Out, SendError};
use crate::time::{Duration, Instant};

/// How much longer an answer is waited for once its time is over. What came while the program stood
/// still is read in it.
const GRACE: Duration = Duration::from_secs(1);

/// A time in milliseconds that does not come.
pub(super) const NEVER: u64 = u64::MAX;

/// The place of one channel in a list's memory.
#[derive(Clone, Debug)]
pub(super) struct Slot<N> {
    /// `None`: the place is free.
    pub(super) name: Option<N>,
    mode: Mode,
    is_own: bool,
    pub(super) retry: Retry,
    /// Grows with every channel that is added, so that it tells their order, and places apart that
    /// have the same slot.
    pub(super) order: u32,
    openings: Openings,
    progress: Progress,
    state: State,
    /// The handle that was told last to have ended, should the event that did so come again; `None`
    /// when something newer has been told.
    pub(super) ended: Option<Channel>,
}

/// How often a channel has been open since it was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Openings {
    None,
    One,
    More,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Waiting {
        until: Instant,
    },
    /// `until` is when the answer has to have come, [`NEVER`] if there is no limit. `late`: that it
    /// has not come by then has been noticed once.
    Asked {
        handle: Channel,
        until: Instant,
        late: bool,
    },
    Open(Channel),
    GivenUp {
        cause: Cause,
        exhausted: Option<Exhausted>,
    },
}

impl<N> Slot<N> {
    pub(super) const FREE: Self = Self {
        name: None,
        mode: Mode::Data,
        is_own: false,
        retry: Retry::IfOpenedBefore,
        order: 0,
        openings: Openings::None,
        progress: Progress::NONE,
        state: State::Waiting { until: Instant::ZERO },
        ended: None,
    };

    pub(super) fn new(name: N, mode: Mode, is_own: bool, order: u32) -> Self {
        Self { name: Some(name), mode, is_own, order, ..Self::FREE }
    }

    pub(super) const fn handle(&self) -> Option<Channel> {
        match self.state {
            State::Asked { handle, .. } | State::Open(handle) => Some(handle),
            State::Waiting { .. } | State::GivenUp { .. } => None,
        }
    }

    pub(super) const fn state(&self) -> ChannelState {
        match self.state {
            State::Waiting { until } => ChannelState::Waiting { until },
            State::Asked { .. } => ChannelState::Asked,
            State::Open(handle) => ChannelState::Open(handle),
            State::GivenUp { cause, exhausted } => ChannelState::GivenUp { cause, exhausted },
        }
    }

    /// When it is to be asked for, if it is.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { until } if self.name.is_some() => Some(until),
            _ => None,
        }
    }

    pub(super) fn is_being_restored(&self) -> bool {
        self.name.is_some() && matches!(self.state, State::Waiting { .. } | State::Asked { .. })
    }

    /// When the answer has to have come, if it is waited for.
    pub(super) const fn answer_due(&self) -> Option<Instant> {
        match self.state {
            State::Asked { until, .. } if until.as_millis() < NEVER => Some(until),
            _ => None,
        }
    }

    /// Whether the answer has not come in time, and what has come since was read.
    pub(super) fn is_unanswered(&mut self, now: Instant) -> bool {
        match &mut self.state {
            State::Asked { until, late, .. } if until.as_millis() < NEVER && *until <= now => {
                let is_over = *late;
                *late = true;
                *until = now.saturating_add(GRACE);
                is_over
            }
            _ => false,
        }
    }

    /// The relay does not answer: the link forgets that it has asked.
    pub(super) fn unanswered(
        &mut self,
        place: Place,
        out: &mut Out<'_>,
        rules: &mut Backoff,
        now: Instant,
    ) -> Notice {
        // A channel without an answer is dropped without a command.
        let _ = match self.handle() {
            #[cfg(feature = "server")]
            Some(Channel::Own(channel)) => out.delete(channel),
            #[cfg(not(feature = "server"))]
            Some(Channel::Own(_)) => Ok(()),
            Some(Channel::Entered(channel)) => out.leave(channel),
            None => Ok(()),
        };
        self.ended = None;
        self.not_open(place, Cause::NoAnswer, true, rules, now)
    }

    /// To be asked for at once.
    pub(super) const fn ask_anew(&mut self) {
        self.progress = Progress::NONE;
        self.state = State::Waiting { until: Instant::ZERO };
    }

    /// The relay has let the link create or enter it.
    pub(super) fn opened(&mut self, place: Place, handle: Channel) -> Option<Notice> {
        match self.state {
            State::Asked { handle: asked, .. } if asked == handle => {
                self.progress = Progress::NONE;
                self.state = State::Open(handle);
                self.ended = None;
                self.openings = match self.openings {
                    Openings::None => Openings::One,
                    Openings::One | Openings::More => Openings::More,
                };
            }
            // the event has come again
            State::Open(open) if open == handle => {}
            _ => return None,
        }
        Some(Notice::Opened { place, first: self.openings == Openings::One })
    }

    /// It was refused, or is gone.
    pub(super) fn ended(
        &mut self,
        place: Place,
        handle: Channel,
        reason: Reason,
        rules: &mut Backoff,
        now: Instant,
    ) -> Option<Notice> {
        if self.handle() != Some(handle) {
            return self.ended_again(place, reason);
        }
        if reason == Reason::LinkLost {
            let was_open = matches!(self.state, State::Open(_));
            self.ask_anew();
            self.ended = was_open.then_some(handle);
            return was_open.then_some(Notice::Interrupted { place });
        }
        self.ended = Some(handle);
        let may_pass = matches!(
            reason,
            Reason::NameInUse | Reason::NoSuchChannel | Reason::ChannelFull | Reason::ConnectionLost
        );
        Some(self.not_open(place, Cause::Relay(reason), may_pass, rules, now))
    }

    /// What the event that told its end last means by now: perhaps the program, or the next
    /// connection, has had it asked for anew.
    const fn ended_again(&self, place: Place, reason: Reason) -> Option<Notice> {
        let cause = Cause::Relay(reason);
        match self.state {
            State::GivenUp { cause, exhausted } => Some(Notice::GivenUp { place, cause, exhausted }),
            _ if matches!(reason, Reason::LinkLost) => Some(Notice::Interrupted { place }),
            State::Waiting { until } => Some(Notice::Waiting { place, cause, until }),
            State::Asked { .. } => Some(Notice::Waiting { place, cause, until: Instant::ZERO }),
            State::Open(_) => None,
        }
    }

    /// Asks the relay for it. `Ok`: the command is queued, or there is something to tell.
    ///
    /// # Errors
    /// There is no room for it now.
    pub(super) fn ask(
        &mut self,
        place: Place,
        out: &mut Out<'_>,
        rules: &mut Backoff,
        now: Instant,
        answer_timeout: Duration,
    ) -> Result<Option<Notice>, NoRoom>
    where
        N: AsRef<[u8]>,
    {
        let Some(name) = &self.name else { return Ok(None) };
        let asked = match self.is_own {
            #[cfg(feature = "server")]
            true => out.create(name, self.mode).map(Channel::Own),
            _ => out.enter(name, self.mode).map(Channel::Entered),
        };
        match asked {
            Ok(handle) => {
                let until = now.saturating_add(answer_timeout);
                self.state = State::Asked { handle, until, late: false };
                Ok(None)
            }
            Err(SendError::WouldBlock | SendError::TooManyCommands) => Err(NoRoom),
            Err(error) => {
                self.ended = None;
                let may_pass = matches!(
                    error,
                    SendError::TooManyOwnChannels
                        | SendError::TooManyParties
                        | SendError::TooManyEnteredChannels
                );
                Ok(Some(self.not_open(place, Cause::Link(error), may_pass, rules, now)))
            }
        }
    }

    fn not_open(
        &mut self,
        place: Place,
        cause: Cause,
        may_pass: bool,
        rules: &mut Backoff,
        now: Instant,
    ) -> Notice {
        let retry = may_pass
            && match self.retry {
                Retry::Never => false,
                Retry::IfOpenedBefore => self.openings != Openings::None,
                Retry::Always => true,
            };
        let next = if retry { rules.next_of(&mut self.progress, now).map_err(Some) } else { Err(None) };
        match next {
            Ok(until) => {
                self.state = State::Waiting { until };
                Notice::Waiting { place, cause, until }
            }
            Err(exhausted) => {
                self.state = State::GivenUp { cause, exhausted };
                Notice::GivenUp { place, cause, exhausted }
            }
        }
    }
}

/// The transmit ring has no room for a command now, or as many as possible wait for their answers.
pub(super) struct NoRoom;
