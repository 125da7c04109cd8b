//! What is wrong with options for TLS.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::describe::chain;

/// Why [`TlsOptions`](super::TlsOptions) could not be made. Its text names the file, if it is about
/// one; [`source`](Error::source) has the cause.
pub struct TlsOptionsError {
    kind: TlsOptionsErrorKind,
    file: Option<PathBuf>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// What is wrong with options for TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsOptionsErrorKind {
    /// The system has no root certificates, or none that can be used.
    SystemRoots,
    /// The file cannot be read.
    Unreadable(io::ErrorKind),
    /// The text is damaged: not what PEM has between its marks.
    NotPem,
    /// There is no certificate in the text.
    NoCertificate {
        /// What is there instead, and what to do; may be empty.
        instead: String,
    },
    /// A certificate cannot be read, or cannot be a root.
    NoRoot {
        /// Which one of the text, counted from 1.
        number: usize,
    },
    /// This is neither a host name nor an address, so no certificate can be for it.
    ServerName {
        /// The name.
        name: String,
    },
}

impl TlsOptionsError {
    pub(super) const fn new(kind: TlsOptionsErrorKind) -> Self {
        Self { kind, file: None, cause: None }
    }

    pub(super) fn because(self, cause: impl Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Box::new(cause)), ..self }
    }

    pub(super) fn in_file(self, file: &Path) -> Self {
        Self { file: Some(file.into()), ..self }
    }

    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> &TlsOptionsErrorKind {
        &self.kind
    }

    /// Returns the file that this is about, if it is about one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl fmt::Display for TlsOptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.kind, &self.file) {
            (TlsOptionsErrorKind::ServerName { .. } | TlsOptionsErrorKind::SystemRoots, _) => {}
            (_, Some(file)) => write!(f, "{}: ", file.display())?,
            (_, None) => f.write_str("the root certificates: ")?,
        }
        match &self.kind {
            TlsOptionsErrorKind::SystemRoots => f.write_str(
                "the system's root certificates cannot be used: install them (package ca-certificates), or \
                 give roots of your own",
            ),
            TlsOptionsErrorKind::Unreadable(_) => f.write_str("cannot be read"),
            TlsOptionsErrorKind::NotPem => f.write_str("not a PEM file"),
            TlsOptionsErrorKind::NoCertificate { instead } => write!(f, "no certificate in it{instead}"),
            TlsOptionsErrorKind::NoRoot { number } => write!(f, "certificate {number} cannot be a root"),
            TlsOptionsErrorKind::ServerName { name } => {
                write!(f, "{name:?} is neither a host name nor an address, so no certificate can be for it")
            }
        }
    }
}

/// The text and its cause: it is what is seen when `main` returns the error.
impl fmt::Debug for TlsOptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        chain(f, self.source())
    }
}

impl Error for TlsOptionsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}
