//! What can go wrong with TLS, and what to do about it.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError, Error};

/// TLS cannot be spoken with a relay, or not any more. Its text names the relay and says what is
/// wrong and what can be done about it.
#[derive(Clone, Debug)]
pub struct TlsError {
    server: Arc<str>,
    kind: TlsErrorKind,
    /// What rustls says.
    cause: Option<Error>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// What was connected to is neither a host name nor an address, so no certificate can be for
    /// it.
    ServerName,
    /// No trusted authority has signed the relay's certificate. If the certificate is known to be
    /// the relay's, trust it as a root.
    UnknownIssuer,
    /// The relay's certificate is not to be accepted: it is for others, has expired, or is no
    /// certificate for a relay.
    Certificate,
    /// What answers does not speak TLS.
    NotTls,
    /// The other side gave up: it said so, or ended the connection during the handshake.
    Refused,
    /// The connection ended without TLS having been ended: what was read before may not be all that
    /// was sent.
    CutOff,
    /// The other side broke the rules, or what it sent was changed on the way.
    Protocol,
}

impl TlsError {
    pub(super) fn new(server: &Arc<str>, kind: TlsErrorKind) -> Self {
        Self { server: Arc::clone(server), kind, cause: None }
    }

    /// What rustls reports, during the handshake or after it.
    pub(super) fn of(server: &Arc<str>, error: Error, is_handshaking: bool) -> Self {
        let kind = match &error {
            // A bad signature is one by another authority that has the name of one that is trusted:
            // it was made anew, perhaps.
            Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
                TlsErrorKind::UnknownIssuer
            }
            Error::InvalidCertificate(_) | Error::NoCertificatesPresented => TlsErrorKind::Certificate,
            Error::AlertReceived(_) => TlsErrorKind::Refused,
            Error::InvalidMessage(_) if is_handshaking => TlsErrorKind::NotTls,
            _ => TlsErrorKind::Protocol,
        };
        Self { server: Arc::clone(server), kind, cause: Some(error) }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> TlsErrorKind {
        self.kind
    }

    /// Returns the name or address that the certificate has to be for.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    pub(crate) fn io_kind(&self) -> io::ErrorKind {
        match self.kind {
            TlsErrorKind::ServerName => io::ErrorKind::InvalidInput,
            TlsErrorKind::Refused => io::ErrorKind::ConnectionAborted,
            TlsErrorKind::CutOff => io::ErrorKind::UnexpectedEof,
            TlsErrorKind::UnknownIssuer
            | TlsErrorKind::Certificate
            | TlsErrorKind::NotTls
            | TlsErrorKind::Protocol => io::ErrorKind::InvalidData,
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, kind, cause } = self;
        write!(f, "TLS with {server}: ")?;
        match (kind, cause) {
            (TlsErrorKind::UnknownIssuer, _) => f.write_str(
                "the certificate is signed by no authority that is trusted here; if that is right, give its authority's \
                 certificate as a root",
            ),
            (_, Some(Error::InvalidCertificate(error))) => explain(f, error),
            (_, Some(Error::AlertReceived(alert))) => {
                write!(f, "the other side gave up: {}", alert_text(*alert))
            }
            (TlsErrorKind::Refused, _) => f.write_str(
                "the other side ended the connection during the handshake; connect to the port on which the relay \
                 speaks TLS, unless it is full or does not let this address in",
            ),
            (TlsErrorKind::NotTls, _) => {
                f.write_str("what answers does not speak TLS; connect to the port on which the relay speaks it")
            }
            (TlsErrorKind::ServerName, _) => {
                f.write_str("neither a host name nor an address, so no certificate can be for it")
            }
            (TlsErrorKind::CutOff, _) => f.write_str(
                "the connection was cut off: it ended without TLS's own end, so something may be missing",
            ),
            (_, Some(error)) => write!(f, "what came breaks the rules, or was changed on the way: {error}"),
            (_, None) => f.write_str("a message is too long"),
        }
    }
}

/// What is wrong with a certificate.
fn explain(f: &mut fmt::Formatter<'_>, error: &CertificateError) -> fmt::Result {
    const CLOCK: &str = "or the clock of this computer is wrong";
    match error {
        CertificateError::ExpiredContext { time, not_after } => {
            let days = time.as_secs().saturating_sub(not_after.as_secs()) / 86_400;
            write!(f, "the certificate expired {days} days ago; the relay needs a new one, {CLOCK}")
        }
        CertificateError::Expired => {
            write!(f, "the certificate has expired; the relay needs a new one, {CLOCK}")
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            let days = not_before.as_secs().saturating_sub(time.as_secs()) / 86_400;
            write!(f, "the certificate is not valid before {days} days from now, {CLOCK}")
        }
        CertificateError::NotValidYet => write!(f, "the certificate is not valid yet, {CLOCK}"),
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            f.write_str("the certificate is for no name at all; the relay needs one with subjectAltName")
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            write!(f, "the certificate is not for this name but for {}", presented.join(", "))
        }
        CertificateError::NotValidForName => f.write_str("the certificate is for another name"),
        CertificateError::Revoked => f.write_str("the certificate was revoked; the relay needs a new one"),
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => f.write_str(
            "the certificate is one for signing others (CA:TRUE) and not one for a server; the relay needs another one",
        ),
        other => write!(f, "the certificate cannot be accepted: {other}"),
    }
}

fn alert_text(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::ProtocolVersion => "it speaks neither TLS 1.2 nor 1.3".into(),
        AlertDescription::HandshakeFailure => "it has nothing in common with this side's ciphers".into(),
        AlertDescription::CertificateRequired => "it wants a certificate of this side, which has none".into(),
        alert => format!("{alert:?}"),
    }
}

/// Its text says all that is known, so it has no source.
impl std::error::Error for TlsError {}

impl From<TlsError> for io::Error {
    /// Of the kind `InvalidInput`, `InvalidData`, `ConnectionAborted` or `UnexpectedEof`.
    fn from(error: TlsError) -> Self {
        Self::new(error.io_kind(), error)
    }
}
