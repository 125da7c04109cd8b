//! Certificates that TLS trusts, and the name that it expects.

use std::fmt;
use std::fs;
use std::net::Ipv6Addr;
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;

use super::options_error::{TlsOptionsError, TlsOptionsErrorKind as Kind};

/// How TLS is spoken with a relay: which certificates are trusted, and which name the relay's has
/// to be for.
///
/// Make one and use it for all connections: reading the roots takes some milliseconds. Clones share
/// them.
///
/// TLS 1.3 and 1.2, nothing older. Every connection is a full handshake, so the relay's certificate
/// is looked at each time. This check cannot be switched off: without it, an attacker on the way
/// can pose as the relay. A relay without a certificate from an authority makes one of its own,
/// which the clients [are given](Self::with_roots).
///
/// ```no_run
/// use peote_net_std::{DesktopLink, TlsOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = TlsOptions::with_system_roots()?;
/// let link = DesktopLink::builder().tls(tls).connect("relay.example:7681")?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TlsOptions {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

impl TlsOptions {
    /// Trusts what the system trusts, in the way of the system: on Windows, macOS and iOS it looks
    /// at the certificates itself, elsewhere its file of root certificates is read, once, here. On
    /// Unix the variable `SSL_CERT_FILE` names another file.
    ///
    /// On Android the program has to set `rustls-platform-verifier` up before, as its documentation
    /// has it.
    ///
    /// # Errors
    ///
    /// The system has no root certificates; says what can be done.
    pub fn with_system_roots() -> Result<Self, TlsOptionsError> {
        let wrong = |error| TlsOptionsError::new(Kind::SystemRoots).because(error);
        let builder = builder().and_then(BuilderVerifierExt::with_platform_verifier).map_err(wrong)?;
        Ok(Self::new(builder.with_no_client_auth()))
    }

    /// Trusts these certificates and no others: one or more, as a PEM text.
    ///
    /// They are those of authorities, or the relay's own if it has signed it itself. Such a
    /// certificate must not be one for signing others (`CA:FALSE`), and says for which names it is
    /// (`subjectAltName`), like any other.
    ///
    /// # Errors
    ///
    /// There is no certificate in the text, or one that cannot be read.
    pub fn with_roots(pem: &[u8]) -> Result<Self, TlsOptionsError> {
        // a mark that some editors write in front of text
        let pem = pem.strip_prefix("\u{feff}".as_bytes()).unwrap_or(pem);
        let certificates: Result<Vec<CertificateDer<'static>>, _> =
            CertificateDer::pem_slice_iter(pem).collect();
        let certificates = certificates.map_err(|error| TlsOptionsError::new(Kind::NotPem).because(error))?;
        if certificates.is_empty() {
            return Err(TlsOptionsError::new(Kind::NoCertificate { instead: instead(pem) }));
        }
        let mut roots = RootCertStore::empty();
        for (certificate, number) in certificates.into_iter().zip(1..) {
            let wrong = |error| TlsOptionsError::new(Kind::NoRoot { number }).because(error);
            roots.add(certificate).map_err(wrong)?;
        }
        let builder = builder().map_err(|error| TlsOptionsError::new(Kind::SystemRoots).because(error))?;
        Ok(Self::new(builder.with_root_certificates(roots).with_no_client_auth()))
    }

    /// The same from a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or those of [`with_roots`](Self::with_roots); names the file.
    pub fn with_roots_from(file: impl AsRef<Path>) -> Result<Self, TlsOptionsError> {
        let file = file.as_ref();
        let pem = fs::read(file)
            .map_err(|error| TlsOptionsError::new(Kind::Unreadable(error.kind())).because(error));
        pem.and_then(|pem| Self::with_roots(&pem)).map_err(|error| error.in_file(file))
    }

    /// The name, or address, that the relay's certificate has to be for. Without this it is the
    /// host that is connected to; set it if the relay is reached by another address than its
    /// certificate names.
    ///
    /// # Errors
    ///
    /// This is neither a host name nor an address.
    pub fn with_server_name(mut self, name: &str) -> Result<Self, TlsOptionsError> {
        self.server_name = Some(server_name(name)?);
        Ok(self)
    }

    fn new(mut config: ClientConfig) -> Self {
        // A relay is connected to seldom and for long, and what a resumed session is spared is a
        // look at the certificate.
        config.resumption = Resumption::disabled();
        Self { config: Arc::new(config), server_name: None }
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// The name that the certificate has to be for, when `host` was connected to.
    pub(super) fn name_for(&self, host: &str) -> Result<ServerName<'static>, TlsOptionsError> {
        self.server_name.clone().map_or_else(|| server_name(host), Ok)
    }
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

/// What there is where no certificate is.
fn instead(pem: &[u8]) -> String {
    let text = String::from_utf8_lossy(pem);
    let labels =
        text.lines().filter_map(|line| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----"));
    let labels: Vec<_> = labels.collect();
    if !labels.is_empty() {
        return format!(", but {}", labels.join(", "));
    }
    if pem.trim_ascii().is_empty() {
        return ": it is empty; it has to be a PEM file".into();
    }
    if pem.starts_with(&[0x30]) && text.contains(['\u{fffd}', '\0']) {
        return ": it is DER and not PEM; convert it with openssl x509 -inform der".into();
    }
    "; it has to be a PEM file".into()
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13, &TLS12])
}

/// Named here rather than taken from the process, which may have another one, or none.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::ring::default_provider();
    // A relay takes the first of a client's that it knows. AES with a key of 128 bits takes a tenth
    // less of both than one of 256.
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    Arc::new(provider)
}

/// A host as the name in a certificate.
fn server_name(host: &str) -> Result<ServerName<'static>, TlsOptionsError> {
    // The name of an interface behind an address means something on this machine only.
    let host = match host.split_once('%') {
        Some((address, _)) if address.parse::<Ipv6Addr>().is_ok() => address,
        _ => host,
    };
    let name = ServerName::try_from(host.to_owned());
    name.map_err(|_| TlsOptionsError::new(Kind::ServerName { name: host.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe;

    #[test]
    fn hosts_are_names_or_addresses() {
        let name = |host| server_name(host).unwrap().to_str().into_owned();
        assert_eq!(name("relay.example"), "relay.example");
        assert_eq!(name("127.0.0.1"), "127.0.0.1");
        assert_eq!(name("::1"), "::1");
        assert_eq!(name("fe80::1%eth0"), "fe80::1");
        for host in ["", "a b", "relay..example", "a%eth0", "\u{e4}.example"] {
            let error = server_name(host).unwrap_err();
            assert!(error.to_string().contains("neither a host name nor an address"), "{error}");
        }
    }

    #[test]
    fn wrong_roots_are_told() {
        let wrong = |pem: &[u8]| describe(&TlsOptions::with_roots(pem).unwrap_err());
        assert_eq!(wrong(b"nothing"), "the root certificates: no certificate in it; it has to be a PEM file");
        assert_eq!(
            wrong(b" \n"),
            "the root certificates: no certificate in it: it is empty; it has to be a PEM file"
        );
        let der = wrong(&[&[0x30, 0x82, 2, 1, 0xa5][..], &[0; 40]].concat());
        assert!(der.contains("it is DER and not PEM"), "{der}");
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(wrong(key.as_bytes()), "the root certificates: no certificate in it, but PRIVATE KEY");
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        // whatever the line ends are, and whatever an editor has put in front
        for text in [broken.to_string(), broken.replace('\n', "\r\n"), format!("\u{feff}{broken}")] {
            let error = wrong(text.as_bytes());
            assert!(error.starts_with("the root certificates: certificate 1 cannot be a root: "), "{error}");
        }
        let error = wrong(broken.as_bytes());
        assert!(error.starts_with("the root certificates: certificate 1 cannot be a root: "), "{error}");
        let error = wrong(b"-----BEGIN CERTIFICATE-----\nAAAA\n");
        assert!(error.starts_with("the root certificates: not a PEM file: "), "{error}");
        let error = TlsOptions::with_roots_from("/no/such/file.pem").unwrap_err();
        assert_eq!(*error.kind(), Kind::Unreadable(std::io::ErrorKind::NotFound));
        assert_eq!(error.file(), Some(Path::new("/no/such/file.pem")));
        assert_eq!(error.to_string(), "/no/such/file.pem: cannot be read");
        let error = describe(&error);
        assert!(error.starts_with("/no/such/file.pem: cannot be read: "), "{error}");
    }
}
