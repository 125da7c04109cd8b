//! What the link has heard from the relay, and what follows for what it tells.

use std::collections::{HashMap, HashSet, VecDeque};

use peote_net::Reason;
use peote_net::protocol::MAX_CHANNELS;
use peote_net::protocol::to_endpoint::{Capabilities, Decoder, Unit};

/// Something that ends or refuses a channel, or ends a user, as it is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The create or enter command with this tag was refused.
    Refused(u8),
    /// A user of this own channel is gone.
    User(u8, u8),
    /// This entered channel is gone.
    Channel(u8),
}

/// What the link has read on one connection.
#[derive(Debug, Default)]
pub(super) struct Heard {
    decoder: Decoder,
    /// Tags of commands that were written and not answered.
    pub(super) awaited: HashSet<u8>,
    /// The channel numbers in the answers.
    pub(super) numbers: HashMap<u8, u8>,
    /// Something was answered that had not been asked. From then on it cannot be said which numbers
    /// the link takes for which channels.
    pub(super) blind: bool,
    /// All that the relay has announced, the latest last. The link may not have come so far.
    announced: Vec<Capabilities>,
    /// Ends that the link has not told of yet, or has passed over, with their codes.
    ends: VecDeque<(End, u8)>,
}

impl Heard {
    /// Whether the relay has ever announced that it knows hello.
    pub(super) fn has_hello(&self) -> bool {
        self.announced.iter().any(|known| known.contains(Capabilities::HELLO))
    }

    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while let Some((used, unit)) = self.decoder.decode(bytes) {
            bytes = &bytes[used..];
            match unit {
                Unit::Success { tag, channel } | Unit::Entered { tag, channel, .. } => {
                    self.blind |= !self.awaited.remove(&tag);
                    if usize::from(channel) < MAX_CHANNELS {
                        self.numbers.insert(tag, channel);
                    } else {
                        // no relay gives out such a number; it counts as a refusal
                        self.ends.push_back((End::Refused(tag), channel));
                    }
                }
                Unit::Refused { tag, code, .. } => {
                    self.blind |= !self.awaited.remove(&tag);
                    self.ends.push_back((End::Refused(tag), code));
                }
                Unit::UserGone { channel, user, reason } => {
                    self.ends.push_back((End::User(channel, user), reason));
                }
                Unit::ChannelGone { channel, reason } => {
                    self.ends.push_back((End::Channel(channel), reason));
                }
                Unit::Keepalive { last: [0x50, bits] } => self.announced.push(capabilities(bits)),
                _ => {}
            }
        }
    }

    /// Panics if the link cannot know that the relay has these capabilities; `is_all`: all that was
    /// read has been gone through.
    pub(super) fn check_capabilities(&self, known: Capabilities, is_all: bool) {
        let latest = self.announced.last().copied().unwrap_or(Capabilities::NONE);
        let was_announced = known == Capabilities::NONE || self.announced.contains(&known);
        assert!(if is_all { known == latest } else { was_announced }, "{known:?} was not announced");
    }

    /// The link tells of an end. Panics if none that was read, and has not been told of, means just
    /// that.
    pub(super) fn told(&mut self, end: End, reason: Reason, mean: fn(u8) -> Reason) {
        let this = |&(known, code): &(End, u8)| known == end && mean(code) == reason;
        let at = self.ends.iter().position(this);
        // others' ends can be told later, and some were about somebody who was not there
        self.ends.remove(at.unwrap_or_else(|| panic!("{end:?} because of {reason:?} was not said")));
    }
}

fn capabilities(bits: u8) -> Capabilities {
    Capabilities::from_keepalive([0x50, bits]).expect("the mark of an announcement")
}

/// What the code of a refused create command means.
pub(super) fn create_refused(code: u8) -> Reason {
    match code {
        1 => Reason::TooManyChannels,
        2 => Reason::NameInUse,
        other => Reason::Other(other),
    }
}

/// What the code of a refused enter command means.
pub(super) fn enter_refused(code: u8) -> Reason {
    match code {
        1 => Reason::NoSuchChannel,
        2 => Reason::OwnChannel,
        3 => Reason::AlreadyEntered,
        4 => Reason::ChannelFull,
        5 => Reason::TooManyChannels,
        6 => Reason::Blocked,
        7 => Reason::RefusedByServer,
        8 => Reason::NoAnswer,
        other => Reason::Other(other),
    }
}

/// What the reason of an event means.
pub(super) fn gone(code: u8) -> Reason {
    match code {
        0 => Reason::OnPurpose,
        1 => Reason::ConnectionLost,
        2 => Reason::Kicked,
        3 => Reason::TooSlow,
        other => Reason::Other(other),
    }
}
