//! The server of two channels: one echoes, in the other each chunk goes to all other users.

use defmt::{info, warn};
use peote_net::link::{Channel, Destination, Event, Mode, Out, OwnChannel, SendError, Source, User};
use peote_net::time::{Duration, Instant};

/// How long to wait before a channel that was refused is asked for again.
const RETRY: Duration = Duration::from_secs(1);

/// What becomes of a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Service {
    /// It goes back to its sender.
    Echo,
    /// It goes to all users but its sender.
    Chat,
}

/// One channel and its server.
#[derive(Debug)]
pub(crate) struct Server<'a> {
    service: Service,
    name: &'a str,
    mode: Mode,
    channel: Option<OwnChannel>,
    /// When to ask for the channel, while there is none.
    create_at: Instant,
    /// The last chunk could not be sent on, which the log has been told.
    is_blocked: bool,
}

impl<'a> Server<'a> {
    pub(crate) const fn new(service: Service, name: &'a str, mode: Mode) -> Self {
        Self { service, name, mode, channel: None, create_at: Instant::ZERO, is_blocked: false }
    }

    /// Asks for the channel when there is none. Says whether something is to be sent.
    pub(crate) fn turn(&mut self, out: &mut Out<'_>, now: Instant) -> bool {
        if self.channel.is_some() || now < self.create_at {
            return false;
        }
        match out.create(self.name, self.mode) {
            Ok(channel) => self.channel = Some(channel),
            Err(error) => {
                warn!("channel {=str} cannot be asked for: {}", self.name, error);
                self.create_at = now + RETRY;
            }
        }
        self.channel.is_some()
    }

    /// When the next turn is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.channel.is_none().then_some(self.create_at)
    }

    /// Deals with an event, if it is one of this channel's.
    pub(crate) fn handle(
        &mut self,
        event: Event<'_>,
        out: &mut Out<'_>,
        now: Instant,
    ) -> Result<(), SendError> {
        let Some(own) = self.channel else { return Ok(()) };
        match event {
            Event::Opened { channel: Channel::Own(channel) } if channel == own => {
                info!("channel {=str} is open", self.name);
            }
            Event::Refused { channel: Channel::Own(channel), reason, .. } if channel == own => {
                warn!("channel {=str} was refused: {}", self.name, reason);
                self.channel = None;
                self.create_at = now + RETRY;
            }
            Event::Closed { channel: Channel::Own(channel), .. } if channel == own => {
                warn!("channel {=str} is lost", self.name);
                self.channel = None;
                self.create_at = now;
            }
            Event::UserEntered { channel, user } if channel == own => {
                info!("user {=u16} in {=str}", user.number(), self.name);
            }
            Event::UserGone { channel, user, reason } if channel == own => {
                info!("user {=u16} out of {=str}: {}", user.number(), self.name, reason);
            }
            Event::UserIgnored { channel, user } if channel == own => {
                warn!("no room for user {=u16} in {=str}", user.number(), self.name);
            }
            Event::Malicious { from: Source::User { channel, user }, violation } if channel == own => {
                warn!("malicious user {=u16} in {=str}: {}", user.number(), self.name, violation);
            }
            Event::Chunk { from: Source::User { channel, user }, bytes } if channel == own => {
                return self.serve(user, bytes, own, out);
            }
            _ => {}
        }
        Ok(())
    }

    fn serve(
        &mut self,
        user: User,
        bytes: &[u8],
        channel: OwnChannel,
        out: &mut Out<'_>,
    ) -> Result<(), SendError> {
        let to = match self.service {
            Service::Echo => Destination::User(channel, user),
            Service::Chat => Destination::AllBut(channel, user),
        };
        let result = out.send(to, bytes);
        let is_blocked = result == Err(SendError::WouldBlock);
        if is_blocked && !self.is_blocked {
            info!(
                "would block: {=usize} bytes from user {=u16} in {=str} wait",
                bytes.len(),
                user.number(),
                self.name
            );
        }
        self.is_blocked = is_blocked;
        result
    }
}
