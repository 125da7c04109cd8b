//! How the connection to the relay is doing.

use core::fmt;

use peote_net::time::Instant;

/// How the connection to the relay is doing. A [`Connector`](crate::Connector) knows those from
/// `Connecting` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Progress {
    /// There is no network: the cable is out, or the radio has not joined.
    NetworkDown,
    /// DHCP has not given an address yet.
    NoAddress,
    /// The relay's name is being looked up.
    Resolving,
    /// The relay has been called and has not answered yet.
    Connecting,
    /// The link can be polled. It may still have to find out that the connection was lost.
    Connected,
    /// Between two attempts.
    Waiting {
        /// When the next attempt is made.
        until: Instant,
        /// How the last one ended; `None` if there was none yet.
        failure: Option<Failure>,
    },
    /// There will be no further attempt, because the [`Backoff`](peote_net::reconnect::Backoff)
    /// allows no more. [`Connector::retry_now`](crate::Connector::retry_now) begins anew.
    Ended {
        /// How the last one ended.
        failure: Failure,
    },
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Failure {
    /// No program listens at the relay's address.
    Refused,
    /// The relay did not answer in time.
    NoAnswer,
    /// This device has no address from which the relay's address could be reached, or the relay's
    /// address or port is zero.
    Unaddressable,
    /// The relay's name could not be looked up: there is no such name, or no name server answered.
    NameNotFound,
    /// The relay closed the connection.
    Closed,
    /// The connection broke: it was reset by the relay or something on the way, the socket's own
    /// timeout has passed, or this device has lost its address.
    Broken,
    /// This side gave the connection up, for example because the relay was silent for too long.
    GivenUp,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "no program listens at the relay's address",
            Self::NoAnswer => "the relay did not answer",
            Self::Unaddressable => "there is no address from which the relay could be reached",
            Self::NameNotFound => "the relay's name could not be looked up",
            Self::Closed => "the relay closed the connection",
            Self::Broken => "the connection was reset or lost",
            Self::GivenUp => "the connection was given up",
        })
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NetworkDown => f.write_str("no network"),
            Self::NoAddress => f.write_str("no address yet"),
            Self::Resolving => f.write_str("looking up the relay's name"),
            Self::Connecting => f.write_str("connecting"),
            Self::Connected => f.write_str("connected"),
            Self::Waiting { until, failure: None } => write!(f, "waiting until {} ms", until.as_millis()),
            Self::Waiting { until, failure: Some(failure) } => {
                write!(f, "waiting until {} ms: {failure}", until.as_millis())
            }
            Self::Ended { failure } => write!(f, "no further attempt: {failure}"),
        }
    }
}
