//! Certificate and key, from their files.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{Error, ServerConfig};

use super::Credentials;
use super::pem::Pem;
use crate::config::InvalidConfig;

/// The one protocol that a WebSocket over TLS can ask for (RFC 7301). Endpoints that are none ask
/// for nothing.
const ALPN: &[u8] = b"http/1.1";

/// Reads a certificate with those that lead to its root, and its key.
///
/// # Errors
/// Says which file is wrong and why.
pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Credentials, InvalidConfig> {
    let of_certificate = |what: String| InvalidConfig::file("tls_certificate", certificate, what);
    let of_key = |what: String| InvalidConfig::file("tls_key", key, what);
    let chain = Pem::read(certificate).and_then(|pem| pem.certificates()).map_err(of_certificate)?;
    let private = Pem::read(key).and_then(|pem| pem.key()).map_err(of_key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let signing = provider.key_provider.load_private_key(private).map_err(|_| {
        of_key("of no kind that is known here: RSA from 2048 bits, ECDSA with P-256 or P-384, Ed25519".into())
    })?;
    let keys = CertifiedKey::new(chain, Arc::clone(&signing));
    match keys.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(Error::InconsistentKeys(_)) => return Err(of_key(mismatch(&keys.cert, &signing, certificate))),
        Err(error) => return Err(of_certificate(format!("not a certificate: {error}"))),
    }
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| of_key(error.to_string()))?.with_no_client_auth();
    let mut config = builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(keys)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

/// Why a key is not the one of the first certificate.
fn mismatch(chain: &[CertificateDer<'static>], key: &Arc<dyn SigningKey>, certificate: &Path) -> String {
    let is_of = |one: &CertificateDer<'static>| {
        CertifiedKey::new(vec![one.clone()], Arc::clone(key)).keys_match().is_ok()
    };
    let certificate = certificate.display();
    match chain.iter().position(is_of) {
        Some(place) => format!(
            "the key of certificate number {} in {certificate}; the relay's own has to be the first there",
            place + 1
        ),
        None => format!("not the key of the certificate in {certificate}"),
    }
}
