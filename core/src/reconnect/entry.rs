//! One channel of the list.

use super::backoff::Progress;
use super::{Backoff, Cause, ChannelState, Exhausted, Notice, Retry};
use crate::Reason;
use crate::link::{Channel, Mode, Out, SendError};
use crate::time::{Duration, Instant};

/// How much longer an answer is waited for once its time is over. What came while the program stood
/// still is read in it.
const GRACE: Duration = Duration::from_secs(1);

/// A time in milliseconds that does not come.
pub(super) const NEVER: u64 = u64::MAX;

/// One channel in a list's memory. Opaque.
#[derive(Clone, Debug)]
pub struct Entry<N> {
    /// The handle, which stays the same; `None`: the entry is free.
    pub(super) channel: Option<Channel>,
    pub(super) name: Option<N>,
    mode: Mode,
    /// What is said at the door each time.
    #[cfg(feature = "admission")]
    pub(super) words: Option<N>,
    pub(super) retry: Retry,
    /// Grows with every channel that is added.
    pub(super) order: u32,
    openings: Openings,
    progress: Progress,
    state: State,
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
    /// `unanswered`: the relay has not answered the last time, and the link keeps its command in
    /// mind until it has, or the connection is lost.
    Waiting {
        until: Instant,
        unanswered: bool,
    },
    /// `until` is when the answer has to have come, [`NEVER`] if there is no limit. `late`: that it
    /// has not come by then has been noticed once.
    Asked {
        until: Instant,
        late: bool,
    },
    Open,
    GivenUp {
        cause: Cause,
        exhausted: Option<Exhausted>,
    },
}

impl<N> Entry<N> {
    /// A free entry.
    pub const FREE: Self = Self {
        channel: None,
        name: None,
        mode: Mode::Data,
        #[cfg(feature = "admission")]
        words: None,
        retry: Retry::IfOpenedBefore,
        order: 0,
        openings: Openings::None,
        progress: Progress::NONE,
        state: State::Waiting { until: Instant::ZERO, unanswered: false },
    };

    pub(super) fn new(channel: Channel, name: N, mode: Mode, retry: Retry, order: u32) -> Self {
        Self { channel: Some(channel), name: Some(name), mode, retry, order, ..Self::FREE }
    }

    pub(super) const fn state(&self) -> ChannelState {
        match self.state {
            State::Waiting { until, .. } => ChannelState::Waiting { until },
            State::Asked { .. } => ChannelState::Asked,
            State::Open => ChannelState::Open,
            State::GivenUp { cause, exhausted } => ChannelState::GivenUp { cause, exhausted },
        }
    }

    /// Returns when it is to be asked for, if it is.
    pub(super) const fn due(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { until, unanswered: false } if self.channel.is_some() => Some(until),
            _ => None,
        }
    }

    pub(super) fn name_bytes(&self) -> Option<&[u8]>
    where
        N: AsRef<[u8]>,
    {
        self.name.as_ref().map(AsRef::as_ref)
    }

    pub(super) const fn awaits_answer(&self) -> bool {
        matches!(self.state, State::Asked { .. } | State::Waiting { unanswered: true, .. })
    }

    pub(super) const fn is_given_up(&self) -> bool {
        matches!(self.state, State::GivenUp { .. })
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.channel.is_some() && matches!(self.state, State::Waiting { .. })
    }

    pub(super) const fn is_being_restored(&self) -> bool {
        self.channel.is_some() && matches!(self.state, State::Waiting { .. } | State::Asked { .. })
    }

    /// Returns when the answer has to have come, if it is waited for.
    pub(super) const fn answer_due(&self) -> Option<Instant> {
        match self.state {
            State::Asked { until, .. } if until.as_millis() < NEVER => Some(until),
            _ => None,
        }
    }

    /// Returns true if the answer has not come in time, and what has come since was read.
    pub(super) fn is_unanswered(&mut self, now: Instant) -> bool {
        match &mut self.state {
            State::Asked { until, late } if until.as_millis() < NEVER && *until <= now => {
                let is_over = *late;
                *late = true;
                *until = now.saturating_add(GRACE);
                is_over
            }
            _ => false,
        }
    }

    /// The relay does not answer.
    pub(super) fn unanswered(&mut self, rules: &mut Backoff, now: Instant) {
        self.not_open(Cause::NoAnswer, true, self.retry, rules, now);
    }

    /// Returns what is told of a channel that has been asked for in vain, or has ended, for this
    /// `cause`. Programs that do not look at notices have none built.
    #[inline]
    pub(super) fn notice(&self, channel: Channel, cause: Cause) -> Notice {
        match self.state {
            State::Waiting { until, .. } => Notice::Waiting { channel, cause, until },
            State::GivenUp { cause, exhausted } => Notice::GivenUp { channel, cause, exhausted },
            // it has been opened since, or is lost
            State::Open | State::Asked { .. } => Notice::Interrupted { channel },
        }
    }

    /// Returns true if it is open for the first time.
    pub(super) const fn is_first(&self) -> bool {
        matches!(self.openings, Openings::One)
    }

    /// To be asked for at once.
    pub(super) const fn ask_anew(&mut self) {
        self.progress = Progress::NONE;
        self.state = State::Waiting { until: Instant::ZERO, unanswered: false };
    }

    /// The program wants it tried again.
    pub(super) const fn retry(&mut self) {
        if matches!(self.state, State::Waiting { unanswered: false, .. } | State::GivenUp { .. }) {
            self.ask_anew();
        }
    }

    /// The relay has let the link create or enter it.
    pub(super) const fn opened(&mut self) {
        // else the event has come again
        if !matches!(self.state, State::Open) {
            self.progress = Progress::NONE;
            self.state = State::Open;
            self.openings = match self.openings {
                Openings::None => Openings::One,
                Openings::One | Openings::More => Openings::More,
            };
        }
    }

    /// The link's connection is lost, and this was open or had been asked for.
    pub(super) const fn lost(&mut self) {
        if matches!(self.state, State::Open | State::Asked { .. } | State::Waiting { unanswered: true, .. }) {
            self.ask_anew();
        }
    }

    /// It was refused, or is gone, for another reason. `passes`: that is over soon, whatever it is.
    pub(super) fn ended(&mut self, reason: Reason, passes: bool, rules: &mut Backoff, now: Instant) {
        if let State::Waiting { unanswered, .. } = &mut self.state {
            *unanswered = false; // the event has come again, or late
        } else if matches!(self.state, State::Open | State::Asked { .. }) {
            let may_pass = matches!(
                reason,
                Reason::NameInUse
                    | Reason::NoSuchChannel
                    | Reason::ChannelFull
                    | Reason::ConnectionLost
                    | Reason::NoAnswer
                    | Reason::TooSlow
            );
            let retry = if passes { Retry::Always } else { self.retry };
            self.not_open(Cause::Relay(reason), may_pass || passes, retry, rules, now);
        }
    }

    /// Asks the relay for it.
    ///
    /// # Errors
    /// It cannot be done, or not now.
    pub(super) fn ask(
        &mut self,
        channel: Channel,
        out: &mut Out<'_>,
        rules: &mut Backoff,
        now: Instant,
        answer_timeout: Duration,
    ) -> Result<(), NotAsked>
    where
        N: AsRef<[u8]>,
    {
        let Some(name) = self.name_bytes() else { return Ok(()) };
        let asked = match channel {
            #[cfg(feature = "server")]
            Channel::Own(channel) => out.create_again(channel, name, self.mode),
            #[cfg(not(feature = "server"))]
            Channel::Own(_) => Ok(()),
            #[cfg(feature = "admission")]
            Channel::Entered(channel) => match &self.words {
                Some(words) => out.enter_again_saying(channel, name, self.mode, words.as_ref()),
                None => out.enter_again(channel, name, self.mode),
            },
            #[cfg(not(feature = "admission"))]
            Channel::Entered(channel) => out.enter_again(channel, name, self.mode),
        };
        match asked {
            Ok(()) => {
                let until = now.saturating_add(answer_timeout);
                self.state = State::Asked { until, late: false };
                Ok(())
            }
            Err(SendError::WouldBlock | SendError::TooManyCommands) => Err(NotAsked::Now),
            Err(error) => {
                let may_pass =
                    matches!(error, SendError::TooManyLocalUsers | SendError::TooManyEnteredChannels);
                let cause = Cause::Link(error);
                self.not_open(cause, may_pass, self.retry, rules, now);
                Err(NotAsked::Told(self.notice(channel, cause)))
            }
        }
    }

    fn not_open(&mut self, cause: Cause, may_pass: bool, retry: Retry, rules: &mut Backoff, now: Instant) {
        let retry = may_pass
            && match retry {
                Retry::Never => false,
                Retry::IfOpenedBefore => self.openings != Openings::None,
                Retry::Always => true,
            };
        let next = if retry { rules.next_of(&mut self.progress, now).map_err(Some) } else { Err(None) };
        self.state = match next {
            Ok(until) => State::Waiting { until, unanswered: matches!(cause, Cause::NoAnswer) },
            Err(exhausted) => State::GivenUp { cause, exhausted },
        };
    }
}

/// Why a channel has not been asked for.
pub(super) enum NotAsked {
    /// The transmit queue has no room for a command now, as many as possible wait for their
    /// answers, or what told the channel's end has not been dealt with.
    Now,
    /// The link cannot ask for it, which is to be told.
    Told(Notice),
}
