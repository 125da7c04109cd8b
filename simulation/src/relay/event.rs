//! What the relay has done.

use peote_net::Reason;
use peote_net::relay::{CloseReason, ConnectionId, Note, Request};

use crate::line::LineId;

/// Something that the relay has done, in the order in which it did it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelayEvent {
    /// A channel was created.
    Created {
        /// The connection of the channel's server.
        server: LineId,
        /// The channel's number there, 0 to 127.
        channel: u8,
        /// The channel's name.
        name: Vec<u8>,
    },
    /// A channel is gone. A [`RelayEvent::Left`] for each of its users came before.
    Deleted {
        /// The connection of the channel's server.
        server: LineId,
        /// The channel's number there, 0 to 127.
        channel: u8,
        /// The channel's name.
        name: Vec<u8>,
        /// [`Reason::OnPurpose`] or [`Reason::ConnectionLost`].
        reason: Reason,
    },
    /// A connection has entered a channel.
    Entered {
        /// The connection of the user.
        user: LineId,
        /// The user's number in the channel.
        number: u8,
        /// The connection of the channel's server.
        server: LineId,
        /// The channel's name.
        name: Vec<u8>,
    },
    /// A connection knocks at a channel whose server takes part: that is asked.
    Knocked {
        /// The connection of the user.
        user: LineId,
        /// The number that is reserved for it.
        number: u8,
        /// The connection of the channel's server.
        server: LineId,
        /// The channel's name.
        name: Vec<u8>,
    },
    /// A connection that knocked is not let in. A [`RelayEvent::EnterRefused`] follows if the
    /// server has refused it or has not answered.
    NotAdmitted {
        /// The connection of the user.
        user: LineId,
        /// The number that was reserved for it.
        number: u8,
        /// The connection of the channel's server.
        server: LineId,
        /// The channel's name.
        name: Vec<u8>,
        /// [`Reason::Kicked`] if the server has refused it, [`Reason::ConnectionLost`] if it has
        /// gone or the server has not answered, [`Reason::NoSuchChannel`] if the channel has ended.
        reason: Reason,
    },
    /// A connection is no longer in a channel.
    Left {
        /// The connection of the user.
        user: LineId,
        /// The user's number in the channel.
        number: u8,
        /// The connection of the channel's server.
        server: LineId,
        /// The channel's name.
        name: Vec<u8>,
        /// [`Reason::OnPurpose`] or [`Reason::ConnectionLost`], of the user or of the channel's
        /// server; [`Reason::TooSlow`] if its window stayed used up.
        reason: Reason,
    },
    /// A channel was not created.
    CreateRefused {
        /// The connection that asked for it.
        line: LineId,
        /// The channel's name.
        name: Vec<u8>,
        /// Why.
        reason: Reason,
    },
    /// A connection was not let into a channel.
    EnterRefused {
        /// The connection that asked for it.
        line: LineId,
        /// The channel's name.
        name: Vec<u8>,
        /// Why.
        reason: Reason,
    },
    /// A connection is closed for what it has sent.
    Closing {
        /// The connection.
        line: LineId,
        /// Why.
        cause: CloseReason,
    },
    /// The relay was [stopped](crate::Network::stop_relay). Nothing of what it knew is left.
    Stopped,
}

impl RelayEvent {
    /// The same in the relay's words; `None` for what has no meaning here.
    pub(super) fn of(note: &Note<'_>, line: impl Fn(ConnectionId) -> Option<LineId>) -> Option<Self> {
        Some(match *note {
            Note::Created { server, channel, name } => {
                Self::Created { server: line(server)?, channel, name: name.to_vec() }
            }
            Note::Deleted { server, channel, name, reason } => {
                Self::Deleted { server: line(server)?, channel, name: name.to_vec(), reason }
            }
            Note::Entered { user, number, server, name } => {
                Self::Entered { user: line(user)?, number, server: line(server)?, name: name.to_vec() }
            }
            Note::Knocked { user, number, server, name } => {
                Self::Knocked { user: line(user)?, number, server: line(server)?, name: name.to_vec() }
            }
            Note::NotAdmitted { user, number, server, name, reason } => {
                let name = name.to_vec();
                Self::NotAdmitted { user: line(user)?, number, server: line(server)?, name, reason }
            }
            Note::Left { user, number, server, name, reason } => {
                let name = name.to_vec();
                Self::Left { user: line(user)?, number, server: line(server)?, name, reason }
            }
            Note::Refused { connection, request: Request::Create { name, .. }, reason } => {
                Self::CreateRefused { line: line(connection)?, name: name.to_vec(), reason }
            }
            Note::Refused { connection, request: Request::Enter { name, .. }, reason } => {
                Self::EnterRefused { line: line(connection)?, name: name.to_vec(), reason }
            }
            Note::Closing { connection, cause } => Self::Closing { line: line(connection)?, cause },
            _ => return None,
        })
    }
}
