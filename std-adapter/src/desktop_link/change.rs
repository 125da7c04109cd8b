//! What happens that no event tells.

use std::fmt;

use peote_net::link::Channel;
use peote_net::reconnect::Cause;

use super::Lost;
use crate::{ConnectError, describe};

/// What happens with a connection and its channels that no event tells; see
/// [`LinkBuilder::on_change`](super::LinkBuilder::on_change). Its text is for people.
#[derive(Debug)]
#[non_exhaustive]
pub enum Change {
    /// There is a connection. The channels are being asked for.
    Connected,
    /// An attempt to connect has failed, and there will be another.
    ConnectFailed(ConnectError),
    /// The connection is lost, and there will be another attempt.
    Lost(Lost),
    /// A channel is not open, for a reason that may pass. It is asked for again.
    Waiting {
        /// The channel.
        channel: Channel,
        /// Its name.
        name: String,
        /// Why it is not open.
        cause: Cause,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("connected to the relay"),
            Self::ConnectFailed(error) => write!(f, "{}; trying again", describe(error)),
            Self::Lost(lost) => write!(f, "{}; connecting again", describe(lost)),
            Self::Waiting { name, cause, .. } => {
                write!(f, "channel {name:?} is not there yet: {cause}; asking again")
            }
        }
    }
}
