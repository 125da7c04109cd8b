//! A user of a channel, which sends a sensor's readings or goes through the exercise.

use defmt::{debug, info, warn};
use peote_net::link::{Channel, EnteredChannel, Event, Mode, Out, SendError, Source};
use peote_net::time::{Duration, Instant};

use crate::exercise::Exercise;
use crate::sensor::Sensor;

/// How long to wait before a channel that was refused, or has gone, is entered again.
const RETRY: Duration = Duration::from_millis(500);

/// What a client does in its channel.
#[derive(Debug)]
pub(crate) enum Job {
    Sensor(Sensor),
    Exercise(Exercise),
}

/// One user of one channel.
#[derive(Debug)]
pub(crate) struct Client<'a> {
    name: &'a str,
    mode: Mode,
    job: Job,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Outside { enter_at: Instant },
    Entering(EnteredChannel),
    Inside(EnteredChannel),
}

impl<'a> Client<'a> {
    pub(crate) const fn new(name: &'a str, mode: Mode, job: Job) -> Self {
        Self { name, mode, job, state: State::Outside { enter_at: Instant::ZERO } }
    }

    /// Enters the channel, sends what is to be sent. Says whether something is.
    pub(crate) fn turn(&mut self, out: &mut Out<'_>, now: Instant) -> bool {
        match self.state {
            State::Outside { enter_at } if enter_at <= now => match out.enter(self.name, self.mode) {
                Ok(channel) => {
                    self.state = State::Entering(channel);
                    true
                }
                Err(error) => {
                    warn!("channel {=str} cannot be entered: {}", self.name, error);
                    self.state = State::Outside { enter_at: now + RETRY };
                    false
                }
            },
            State::Outside { .. } | State::Entering(_) => false,
            State::Inside(channel) => match &mut self.job {
                Job::Sensor(sensor) => sensor.turn(channel, out, now),
                Job::Exercise(exercise) => exercise.turn(channel, out),
            },
        }
    }

    /// When the next turn is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        match (self.state, &self.job) {
            (State::Outside { enter_at }, _) => Some(enter_at),
            (State::Inside(_), Job::Sensor(sensor)) => Some(sensor.next_reading()),
            _ => None,
        }
    }

    /// The exit code, once the job is done.
    pub(crate) fn finished(&self) -> Option<u8> {
        match &self.job {
            Job::Sensor(sensor) => sensor.finished(),
            Job::Exercise(exercise) => exercise.finished(),
        }
    }

    /// Leaves the channel.
    pub(crate) fn leave(&self, out: &mut Out<'_>) -> Result<(), SendError> {
        match self.state {
            State::Entering(channel) | State::Inside(channel) => out.leave(channel),
            State::Outside { .. } => Ok(()),
        }
    }

    /// Deals with an event, if it is one of this channel's.
    pub(crate) fn handle(&mut self, event: Event<'_>, now: Instant) {
        let (State::Entering(own) | State::Inside(own)) = self.state else { return };
        match event {
            Event::Opened { channel: Channel::Entered(channel) } if channel == own => {
                info!("in channel {=str}", self.name);
                self.state = State::Inside(channel);
                match &mut self.job {
                    Job::Sensor(sensor) => sensor.start(now),
                    Job::Exercise(exercise) => exercise.start(),
                }
            }
            Event::Refused { channel: Channel::Entered(channel), reason, .. } if channel == own => {
                warn!("channel {=str} was refused: {}", self.name, reason);
                self.state = State::Outside { enter_at: now + RETRY };
            }
            Event::Closed { channel: Channel::Entered(channel), reason } if channel == own => {
                warn!("channel {=str} is gone: {}", self.name, reason);
                self.state = State::Outside { enter_at: now + RETRY };
            }
            Event::Malicious { from: Source::Server { channel }, violation } if channel == own => {
                warn!("malicious server of {=str}: {}", self.name, violation);
            }
            Event::Chunk { from: Source::Server { channel }, bytes } if channel == own => {
                debug!("{=usize} bytes from the server of {=str}", bytes.len(), self.name);
                match &mut self.job {
                    Job::Sensor(sensor) => sensor.obey(bytes, now),
                    Job::Exercise(exercise) => exercise.check(bytes),
                }
            }
            _ => {}
        }
    }
}
