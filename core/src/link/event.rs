//! What a link reports.

use super::{Channel, OwnChannel, SendError, Source, User};
use crate::Reason;
use crate::chunk::Violation;

/// Something that happened on a link.
///
/// ```
/// use peote_net::link::{Channel, Event, Out, SendError};
/// /// Says hello in an entered channel, sends chunks back, and fails when a channel is refused.
/// fn handler(event: Event<'_>, out: &mut Out<'_>) -> Result<(), SendError> {
///     match event {
///         Event::Opened { channel: channel @ Channel::Entered(_) } => out.send(channel, b"hello"),
///         Event::Chunk { from, bytes } => out.send(from, bytes),
///         other => other.ok(),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[repr(u32)] // so that moving one moves whole words
pub enum Event<'a> {
    /// The relay has created an own channel, or let this link enter a channel of another endpoint.
    Opened {
        /// The channel.
        channel: Channel,
    },
    /// The relay refused to create a channel or to let this link enter it, or the connection was
    /// lost before it answered. The handle is no longer valid.
    Refused {
        /// The channel.
        channel: Channel,
        /// Why.
        reason: Reason,
        /// What the channel's server says about it, at most 200 bytes and no more than a party's
        /// slot has. Empty unless the server has refused with words of its own (`Out::refuse`,
        /// feature `admission`).
        words: &'a [u8],
    },
    /// A channel that was open is gone. The handle is no longer valid. The users of an own channel
    /// are gone without further events.
    Closed {
        /// The channel.
        channel: Channel,
        /// Why: [`Reason::OnPurpose`] if the server of an entered channel deleted it,
        /// [`Reason::Kicked`] if it removed this link, [`Reason::ConnectionLost`] if its connection
        /// was lost, [`Reason::LinkLost`] if this link's own was, which is all that closes an own
        /// channel.
        reason: Reason,
    },
    /// A user wants to enter an own channel that [asks](super::Admission::Ask). It is not in yet:
    /// the program lets it in with [`Out::admit`](super::Out::admit) or does not with
    /// [`Out::refuse`](super::Out::refuse), now or later. After 10 s the user is refused with
    /// [`Reason::NoAnswer`]: by the relay, or by the link if it is on the same one.
    ///
    /// [`UserEntered`](Self::UserEntered) follows when it is let in,
    /// [`KnockEnded`](Self::KnockEnded) if it is gone before.
    #[cfg(all(feature = "admission", feature = "server"))]
    Knock {
        /// The channel.
        channel: OwnChannel,
        /// The number that the user will have.
        user: User,
        /// What the user says at the door, at most 200 bytes and no more than a party's slot has.
        /// Empty for existing endpoints.
        words: &'a [u8],
    },
    /// A user that knocked, and was neither let in nor refused, is gone, or its time is over.
    #[cfg(all(feature = "admission", feature = "server"))]
    KnockEnded {
        /// The channel.
        channel: OwnChannel,
        /// The user; from now on the number can mean another user.
        user: User,
    },
    /// A channel of a [list of channels that come back](crate::reconnect) was open, and is asked
    /// for again. The handle stays valid. [`Opened`](Self::Opened) follows, or
    /// [`Closed`](Self::Closed) or [`Refused`](Self::Refused) when it is given up. The users of an
    /// own channel are gone without further events.
    ///
    /// A link by itself never says so:
    /// [`ChannelList::follow`](crate::reconnect::ChannelList::follow) does.
    Away {
        /// The channel.
        channel: Channel,
        /// Why it is not open: as in [`Closed`](Self::Closed).
        reason: Reason,
    },
    /// A user entered an own channel.
    UserEntered {
        /// The channel.
        channel: OwnChannel,
        /// The user.
        user: User,
    },
    /// A user is gone from an own channel.
    UserGone {
        /// The channel.
        channel: OwnChannel,
        /// The user; from now on the number can mean another user.
        user: User,
        /// Why. From an existing relay, "on purpose" and "connection lost" both come for a client
        /// that left its last channel, because such clients close their connection at that moment.
        reason: Reason,
    },
    /// No party slot was free for a new user. Its messages are ignored, it gets broadcasts only,
    /// and no [`UserGone`](Self::UserGone) follows. Increase `PARTIES`.
    ///
    /// Where the relay knows flow control, users that find no slot are refused, without an event.
    /// One that had entered before the relay knew that this link takes part is told so, and the
    /// link has it removed ([`Reason::Kicked`]).
    UserIgnored {
        /// The channel.
        channel: OwnChannel,
        /// The user.
        user: User,
    },
    /// The relay is going to close the connection, because it drains. A program that comes back
    /// does so then, and not at once.
    #[cfg(feature = "flow")]
    ComeBack {
        /// How long from now on.
        after: crate::time::Duration,
    },
    /// The connection to the relay was lost, on purpose or not. The next events tell each channel.
    ///
    /// Nothing of what was sent is sent again. `unsent` bytes (units and commands, as they are on
    /// the wire) never left the transmit ring. Of what was handed to the transport before, the last
    /// part may not have arrived; only the peers can know.
    LinkLost {
        /// Bytes that waited to be written.
        unsent: usize,
    },
    /// Data in a channel of [`Mode::Data`](super::Mode::Data). Where it was cut means nothing.
    Data {
        /// The sender.
        from: Source,
        /// At least one byte.
        bytes: &'a [u8],
    },
    /// A whole chunk in a channel of [`Mode::Chunks`](super::Mode::Chunks).
    Chunk {
        /// The sender.
        from: Source,
        /// 1 byte up to the channel's maximum.
        bytes: &'a [u8],
    },
    /// A message of remote procedure calls, in a channel of [`Mode::Rpc`](super::Mode::Rpc).
    /// [`Message::read`](crate::rpc::Message::read) says what it is.
    #[cfg(feature = "rpc")]
    Rpc {
        /// The sender.
        from: Source,
        /// The message.
        bytes: crate::rpc::Bytes<'a>,
    },
    /// A peer broke the rules of chunks, or sent more than it was granted. All it sends in this
    /// channel is passed over from now on.
    Malicious {
        /// The peer.
        from: Source,
        /// How.
        violation: Violation,
    },
}

impl Event<'_> {
    /// Returns the channel that the event is about; `None` for events about the connection.
    #[must_use]
    pub const fn channel(&self) -> Option<Channel> {
        match *self {
            Self::Opened { channel }
            | Self::Refused { channel, .. }
            | Self::Closed { channel, .. }
            | Self::Away { channel, .. } => Some(channel),
            Self::UserEntered { channel, .. }
            | Self::UserGone { channel, .. }
            | Self::UserIgnored { channel, .. } => Some(Channel::Own(channel)),
            #[cfg(all(feature = "admission", feature = "server"))]
            Self::Knock { channel, .. } | Self::KnockEnded { channel, .. } => Some(Channel::Own(channel)),
            #[cfg(feature = "flow")]
            Self::ComeBack { .. } => None,
            Self::Data { from, .. } | Self::Chunk { from, .. } | Self::Malicious { from, .. } => {
                Some(from.channel())
            }
            #[cfg(feature = "rpc")]
            Self::Rpc { from, .. } => Some(from.channel()),
            Self::LinkLost { .. } => None,
        }
    }

    /// Returns the end of a channel as that of one that is asked for again.
    pub(crate) const fn away(self) -> Self {
        match self {
            Self::Closed { channel, reason } => Self::Away { channel, reason },
            other => other,
        }
    }

    /// Ends a handler's `match`: what the handler does not look at is fine, unless it means that a
    /// channel will not work.
    ///
    /// # Errors
    /// [`SendError::Refused`] for a refusal, [`SendError::Closed`] for a channel that is gone. None
    /// if the reason is [`Reason::LinkLost`]: that is an error of the poll.
    pub fn ok(self) -> Result<(), SendError> {
        match self {
            Self::Refused { reason: Reason::LinkLost, .. }
            | Self::Closed { reason: Reason::LinkLost, .. } => Ok(()),
            Self::Refused { channel, reason, .. } => Err(SendError::Refused { channel, reason }),
            Self::Closed { channel, reason } => Err(SendError::Closed { channel, reason }),
            _ => Ok(()),
        }
    }
}
