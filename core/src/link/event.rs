//! What a link reports, and what a handler answers.

use super::{EnteredChannel, OwnChannel, SendError, Source, User};
use crate::Reason;
use crate::chunk::Violation;

/// Something that happened on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<'a> {
    /// The relay created a channel. From now on users can enter it.
    Created {
        /// The channel.
        channel: OwnChannel,
    },
    /// The relay refused to create a channel, or the connection was lost before it answered. The handle is no longer valid.
    CreateRefused {
        /// The channel.
        channel: OwnChannel,
        /// Why.
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
        /// The user; from now on the number can mean somebody else.
        user: User,
        /// Why. From an existing relay, "on purpose" and "connection lost" both come for a client that left its last
        /// channel, because such clients close their connection at that moment.
        reason: Reason,
    },
    /// A user entered an own channel, but all of the link's party slots are taken. What it sends is passed over, it hears
    /// broadcasts only, and there is no event when it goes.
    Exhausted {
        /// The channel.
        channel: OwnChannel,
        /// The user.
        user: User,
    },
    /// An own channel is gone because the connection was lost. The handle is no longer valid, and its users are gone without
    /// further events.
    OwnChannelLost {
        /// The channel.
        channel: OwnChannel,
    },
    /// The connection to the relay was lost, on purpose or not. The next events tell each channel.
    ///
    /// Nothing of what was sent is sent again. `unsent` bytes (units and commands, as they are on the wire) never left the transmit ring. Of what was handed
    /// to the transport before, the last part may not have arrived; only the peers can know.
    LinkLost {
        /// Bytes that waited to be written.
        unsent: usize,
    },
    /// The link has entered a channel.
    Entered {
        /// The channel.
        channel: EnteredChannel,
    },
    /// The relay refused to let this link into a channel, or the connection was lost before it answered. The handle is no longer valid.
    EnterRefused {
        /// The channel.
        channel: EnteredChannel,
        /// Why.
        reason: Reason,
    },
    /// An entered channel is gone. The handle is no longer valid.
    ChannelGone {
        /// The channel.
        channel: EnteredChannel,
        /// Why: [`Reason::OnPurpose`] if its server deleted it, [`Reason::ConnectionLost`] if its server's connection was lost,
        /// [`Reason::LinkLost`] if this link's own was.
        reason: Reason,
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
    /// A peer broke the rules of chunks. All it sends in this channel is passed over from now on.
    Malicious {
        /// The peer.
        from: Source,
        /// How.
        violation: Violation,
    },
}

/// What a handler wants to happen after it has seen an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Flow {
    /// The event is dealt with; go on.
    Continue,
    /// The event could not be dealt with: deliver it again at the next poll, and read no further until then.
    Again,
}

/// What a handler can return.
///
/// `()` and [`Flow::Continue`] go on; [`Flow::Again`] and `Err(SendError::WouldBlock)` have the event delivered again at the next poll; any
/// other error ends the poll with [`Error::Handler`](super::Error::Handler), the event counting as dealt with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a handler or a remote procedure can return",
    label = "not a flow",
    note = "return nothing, `Flow`, or `Result<_, SendError>` of one of them; a remote procedure answers with a call of its own"
)]
pub trait IntoFlow {
    /// The flow it stands for.
    ///
    /// # Errors
    /// Any [`SendError`] but [`SendError::WouldBlock`].
    fn into_flow(self) -> Result<Flow, SendError>;
}

impl IntoFlow for () {
    fn into_flow(self) -> Result<Flow, SendError> {
        Ok(Flow::Continue)
    }
}

impl IntoFlow for Flow {
    fn into_flow(self) -> Result<Flow, SendError> {
        Ok(self)
    }
}

impl<T: IntoFlow> IntoFlow for Result<T, SendError> {
    fn into_flow(self) -> Result<Flow, SendError> {
        match self {
            Ok(value) => value.into_flow(),
            Err(SendError::WouldBlock) => Ok(Flow::Again),
            Err(error) => Err(error),
        }
    }
}
