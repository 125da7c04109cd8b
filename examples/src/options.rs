//! Values on the command line.

use std::path::PathBuf;
use std::time::Duration;

use peote_net_std::{Connecting, TcpTransport, TlsOptions, describe};

use crate::Failure;
pub use peote_net_demo::options::{between, seconds};

/// Which relay, and whether to speak TLS with it.
#[derive(Clone, Debug, clap::Args)]
pub struct RelayOptions {
    /// The relay
    #[arg(long, default_value = "127.0.0.1:7680", value_name = "HOST:PORT")]
    pub relay: String,

    /// Speak TLS, which needs the port on which the relay does; its certificate has to be for HOST
    #[arg(long)]
    tls: bool,

    /// With --tls: trust the certificates in this PEM file, and no others [default: trust those
    /// that the system trusts]
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca: Option<PathBuf>,
}

impl RelayOptions {
    /// How TLS is to be spoken, if it is.
    ///
    /// # Errors
    /// The file with the certificates, or the system's, cannot be used.
    pub fn tls(&self) -> Result<Option<TlsOptions>, Failure> {
        let options = match &self.ca {
            _ if !self.tls => return Ok(None),
            Some(file) => TlsOptions::with_roots_from(file)
                .map_err(|error| Failure::Usage(format!("--ca {}", describe(&error))))?,
            None => TlsOptions::with_system_roots()
                .map_err(|error| Failure::Failed(format!("{}; --ca FILE gives them", describe(&error))))?,
        };
        Ok(Some(options))
    }

    /// Starts to connect, with what [`tls`](Self::tls) has answered.
    #[must_use]
    pub fn connect(&self, tls: Option<&TlsOptions>, timeout: Duration) -> Connecting {
        let connecting = TcpTransport::connect(&self.relay, timeout);
        match tls {
            Some(tls) => connecting.with_tls(tls),
            None => connecting,
        }
    }
}
