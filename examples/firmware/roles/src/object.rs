//! The server of a channel whose users call an object of the board, and are called back.

use defmt::{info, warn};
use peote_net::link::{Channel, Event, Flow, Mode, Out, OwnChannel, SendError};
use peote_net::rpc::{CallId, Calls, Error, Heard};
use peote_net::time::{Duration, Instant};
use peote_net::value::List;

use crate::lamp::{LAMP, Lamp, LampCaller, PANEL, PanelCaller};

/// How long to wait before a channel that was refused is asked for again.
const RETRY: Duration = Duration::from_secs(1);

/// Calls that are open at a time.
const OPEN: usize = 8;

/// A lamp and its channel.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    name: &'a str,
    mode: Mode,
    channel: Option<OwnChannel>,
    /// When to ask for the channel, while there is none.
    create_at: Instant,
    calls: Calls<OPEN, 8, 4>,
    shown: [Option<CallId<u32>>; OPEN],
    lamp: Light,
}

/// The lamp itself.
#[derive(Debug)]
struct Light {
    level: u8,
}

impl Lamp for Light {
    fn set(&mut self, level: u8) {
        info!("the lamp is at {=u8} %", level);
        self.level = level;
    }

    fn level(&self) -> u8 {
        self.level
    }

    fn average(&mut self, levels: List<'_, u8>) -> Option<u8> {
        let (sum, count) =
            levels.iter().fold((0u32, 0u32), |(sum, count), level| (sum + u32::from(level), count + 1));
        let average = u8::try_from(sum.checked_div(count)?).ok()?;
        self.set(average);
        Some(average)
    }
}

impl<'a> Object<'a> {
    pub(crate) fn new(name: &'a str, mode: Mode) -> Self {
        let calls = Calls::new(&[(LAMP, LampCaller::INTERFACE)], &[(PANEL, PanelCaller::INTERFACE)]);
        let lamp = Light { level: 0 };
        Self { name, mode, channel: None, create_at: Instant::ZERO, calls, shown: [None; OPEN], lamp }
    }

    /// Asks for the channel when there is none. Says whether something is to be sent.
    pub(crate) fn turn(&mut self, out: &mut Out<'_>, now: Instant) -> bool {
        while let Some(ended) = self.calls.next_ended(now) {
            warn!("no answer: {}", ended.why);
        }
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

    /// Deals with an event, all of which are this channel's.
    pub(crate) fn handle(
        &mut self,
        event: Event<'_>,
        out: &mut Out<'_>,
        now: Instant,
    ) -> Result<Flow, SendError> {
        match self.calls.handle(event, out)? {
            Heard::Call(call) if call.object() == LAMP => {
                return self.lamp.dispatch(&call, out).or_else(Error::pass_over);
            }
            Heard::Offer(remote) if remote.object() == PANEL => {
                let call = PanelCaller::new(remote).show(out, &mut self.calls, self.lamp.level)?;
                let place = self.shown.iter_mut().find(|place| place.is_none());
                if let Some(place) = place {
                    *place = Some(call);
                }
            }
            Heard::Answer(answer) => {
                for place in &mut self.shown {
                    if let Some(Ok(pressed)) = place.and_then(|call| answer.to(call)) {
                        info!("a panel was pressed {=u32} times", pressed);
                        *place = None;
                    }
                }
            }
            Heard::Mismatch(mismatch) => warn!("{=str} means something else there", mismatch.name),
            Heard::Other(event) => self.note(event, now),
            _ => {}
        }
        Ok(Flow::Continue)
    }

    fn note(&mut self, event: Event<'_>, now: Instant) {
        match event {
            Event::Opened { channel: Channel::Own(_) } => info!("channel {=str} is open", self.name),
            Event::Refused { reason, .. } => {
                warn!("channel {=str} was refused: {}", self.name, reason);
                (self.channel, self.create_at) = (None, now + RETRY);
            }
            Event::Closed { .. } => {
                warn!("channel {=str} is lost", self.name);
                (self.channel, self.create_at) = (None, now);
            }
            Event::UserEntered { user, .. } => info!("user {=u16} in {=str}", user.number(), self.name),
            Event::UserGone { user, .. } => info!("user {=u16} out of {=str}", user.number(), self.name),
            _ => {}
        }
    }
}
