//! What can go wrong on a connection.

use std::fmt;
use std::io;

/// An error of a [`TcpTransport`](crate::TcpTransport): what the operating system reported, or,
/// with TLS, what is wrong with that.
///
/// ```
/// use embedded_io::Error as _;
/// use peote_net_std::TcpError;
/// let error = TcpError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
/// assert_eq!(error.kind(), embedded_io::ErrorKind::ConnectionReset);
/// ```
#[derive(Debug)]
pub struct TcpError(io::Error);

impl TcpError {
    /// The operating system's error itself, with its number. One of TLS has none.
    #[must_use]
    pub fn as_io(&self) -> &io::Error {
        &self.0
    }

    /// What is wrong with TLS, if it is that.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn as_tls(&self) -> Option<&crate::TlsError> {
        self.0.get_ref().and_then(|error| error.downcast_ref())
    }
}

impl fmt::Display for TcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for TcpError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl embedded_io::Error for TcpError {
    fn kind(&self) -> embedded_io::ErrorKind {
        self.0.kind().into()
    }
}

impl From<io::Error> for TcpError {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

#[cfg(feature = "tls")]
impl From<crate::TlsError> for TcpError {
    fn from(error: crate::TlsError) -> Self {
        Self(error.into())
    }
}

impl From<TcpError> for io::Error {
    fn from(error: TcpError) -> Self {
        error.0
    }
}

/// How a connection broke, kept so that it can be reported again: `io::Error` cannot be copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    code: Option<i32>,
    kind: io::ErrorKind,
}

impl Failure {
    pub(crate) fn of(error: &io::Error) -> Self {
        Self { code: error.raw_os_error(), kind: error.kind() }
    }

    /// The connection was not lost by that: one side of it has ended.
    #[cfg(feature = "tls")]
    pub(crate) fn is_broken_pipe(self) -> bool {
        self.kind == io::ErrorKind::BrokenPipe
    }
}

impl From<Failure> for TcpError {
    fn from(failure: Failure) -> Self {
        Self(failure.code.map_or_else(|| failure.kind.into(), io::Error::from_raw_os_error))
    }
}
