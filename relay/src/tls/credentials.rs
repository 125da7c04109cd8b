//! Certificate and key, from their files.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error, ServerConfig};

use super::Credentials;

/// The one protocol that a WebSocket over TLS can ask for (RFC 7301). Endpoints that are none ask for nothing.
const ALPN: &[u8] = b"http/1.1";

/// Reads a certificate with those that lead to its root, and its key.
///
/// # Errors
/// Says which file is wrong and why.
pub(crate) fn load(certificate: &Path, key: &Path) -> io::Result<Credentials> {
    let wrong = |what: &str, file: &Path, error: &dyn std::fmt::Display| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{what} {}: {error}", file.display()))
    };
    let of_certificate = |error| wrong("tls-certificate", certificate, &explain(&error, "certificate"));
    let chain = CertificateDer::pem_file_iter(certificate)
        .map_err(of_certificate)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(of_certificate)?;
    if chain.is_empty() {
        return Err(of_certificate(pem::Error::NoItemsFound));
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| wrong("tls-key", key, &explain(&error, "private key")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, private);
    let mut config = config.map_err(|error| match error {
        Error::InconsistentKeys(_) => wrong(
            "tls-key",
            key,
            &format_args!("not the key of the certificate in {}", certificate.display()),
        ),
        Error::InvalidCertificate(_) => wrong("tls-certificate", certificate, &error),
        _ => wrong("tls-key", key, &error),
    })?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

fn explain(error: &pem::Error, what: &str) -> String {
    match error {
        pem::Error::Io(error) => format!("cannot be read: {error}"),
        pem::Error::NoItemsFound => format!("no {what} in it; it has to be a PEM file"),
        error => format!("not a PEM file: {error}"),
    }
}
