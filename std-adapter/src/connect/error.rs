//! Why there is no connection.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::describe;

/// A connection could not be made. Its text says what was to be connected to; that of its
/// [source](std::error::Error::source) which addresses were tried, and why each failed.
pub struct ConnectError {
    address: String,
    kind: ConnectErrorKind,
}

/// Why there is no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The address cannot be understood: what is wrong with it, and what to write instead.
    Address(String),
    /// The host name could not be looked up.
    Resolve(io::Error),
    /// The host name was not looked up within the timeout, which is given.
    ResolveTimedOut(Duration),
    /// All addresses have failed. Empty when the host has no address.
    Failed(Vec<Attempt>),
    /// No address has answered within the timeout, which is given. These were tried so far.
    TimedOut(Duration, Vec<Attempt>),
    /// TCP was connected, and the TLS handshake failed:
    /// [`TcpError::as_tls`](crate::TcpError::as_tls) says why, unless TCP broke.
    #[cfg(feature = "tls")]
    Tls(crate::TcpError),
    /// TCP was connected, and the TLS handshake was not over within the timeout, which is given.
    #[cfg(feature = "tls")]
    TlsTimedOut(Duration),
    /// The attempt was over already when it was polled.
    Finished,
}

/// One address that was tried in vain.
#[derive(Debug)]
pub struct Attempt {
    address: SocketAddr,
    error: io::Error,
}

impl ConnectError {
    pub(super) fn new(address: String, kind: ConnectErrorKind) -> Self {
        Self { address, kind }
    }

    /// What was to be connected to, as the caller gave it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Why it failed.
    #[must_use]
    pub fn kind(&self) -> &ConnectErrorKind {
        &self.kind
    }

    /// The addresses that were tried, in the order in which they failed.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        match &self.kind {
            ConnectErrorKind::Failed(attempts) | ConnectErrorKind::TimedOut(_, attempts) => attempts,
            _ => &[],
        }
    }
}

impl Attempt {
    pub(super) fn new(address: SocketAddr, error: io::Error) -> Self {
        Self { address, error }
    }

    /// The address that was tried.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Why it failed; of the kind `TimedOut` when it had not answered when the whole attempt ended.
    #[must_use]
    pub fn error(&self) -> &io::Error {
        &self.error
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot connect to {}", self.address)
    }
}

/// As it is seen when `main` returns the error.
impl fmt::Debug for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&describe(self))
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.kind)
    }
}

impl fmt::Display for ConnectErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(problem) => f.write_str(problem),
            Self::Resolve(_) => f.write_str("the name was not found"),
            Self::ResolveTimedOut(timeout) => write!(f, "the name was not found within {timeout:?}"),
            Self::Failed(attempts) if attempts.is_empty() => f.write_str("the host has no address"),
            Self::Failed(attempts) => list(f, attempts),
            Self::TimedOut(timeout, attempts) if attempts.is_empty() => {
                write!(f, "not connected within {timeout:?}")
            }
            Self::TimedOut(timeout, attempts) => {
                write!(f, "not connected within {timeout:?}: ")?;
                list(f, attempts)
            }
            #[cfg(feature = "tls")]
            Self::Tls(error) if error.as_tls().is_some() => write!(f, "{error}"),
            #[cfg(feature = "tls")]
            Self::Tls(_) => f.write_str(
                "lost during the TLS handshake; connect to the port on which the relay speaks TLS, unless it is full \
                 or does not let this address in",
            ),
            #[cfg(feature = "tls")]
            Self::TlsTimedOut(timeout) => write!(
                f,
                "the TLS handshake was not over within {timeout:?}; connect to the port on which the relay speaks TLS"
            ),
            Self::Finished => f.write_str("the attempt was over already"),
        }
    }
}

/// Attempts are in the text: there can be several.
impl std::error::Error for ConnectErrorKind {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Resolve(error) => Some(error),
            #[cfg(feature = "tls")]
            Self::Tls(error) if error.as_tls().is_some() => error.source(),
            #[cfg(feature = "tls")]
            Self::Tls(error) => Some(error),
            _ => None,
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, attempts: &[Attempt]) -> fmt::Result {
    for (index, attempt) in attempts.iter().enumerate() {
        let separator = if index == 0 { "" } else { "; " };
        write!(f, "{separator}{}: {}", attempt.address, attempt.error)?;
    }
    if attempts.iter().all(|attempt| attempt.error.kind() == io::ErrorKind::ConnectionRefused) {
        f.write_str("; no program listens there: start the relay, or mind the port")?;
    }
    Ok(())
}
