//! A relay with TLS, and clients of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use peote_relay::Config;
use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{PATIENCE, config};

pub type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Certificate and key of the relay in files, signed by an authority of their own.
pub struct Files {
    directory: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
    authority: CertificateDer<'static>,
}

impl Files {
    pub fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("peote-relay-tls-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let (certificate, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
        let mut files = Self { directory, certificate, key, authority: CertificateDer::from(Vec::new()) };
        files.renew();
        files
    }

    /// Others in the same files. Clients that are made from now on trust only those.
    pub fn renew(&mut self) {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "authority of a test");
        authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["localhost".into()]).unwrap().signed_by(&key, &issuer).unwrap();
        std::fs::write(&self.certificate, certificate.pem()).unwrap();
        std::fs::write(&self.key, key.serialize_pem()).unwrap();
        self.authority = issuer.der().clone();
    }

    /// A configuration that listens on two ports: the first without TLS, the second with it.
    pub fn config(&self) -> Config {
        Config {
            listen_tls: vec!["127.0.0.1:0".parse().unwrap()],
            tls_certificate: Some(self.certificate.clone()),
            tls_key: Some(self.key.clone()),
            ..config()
        }
    }

    pub fn client(&self) -> ClientConnection {
        self.client_with(&[])
    }

    pub fn client_with(&self, versions: &[&'static rustls::SupportedProtocolVersion]) -> ClientConnection {
        self.client_changed(versions, |_| ())
    }

    /// One with something particular in its configuration.
    pub fn client_changed(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
        change: impl FnOnce(&mut ClientConfig),
    ) -> ClientConnection {
        let versions = if versions.is_empty() { rustls::ALL_VERSIONS } else { versions };
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).unwrap();
        let mut provider = rustls::crypto::ring::default_provider();
        // the ones that records can be sealed for by hand
        let is_chacha = |suite: &rustls::SupportedCipherSuite| format!("{suite:?}").contains("CHACHA20");
        provider.cipher_suites.sort_by_key(|suite| !is_chacha(suite));
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        change(&mut config);
        ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap()
    }

    /// A connection on which the handshake comes with the first read or write.
    pub fn connect(&self, address: SocketAddr) -> Stream {
        self.over(TcpStream::connect(address).unwrap())
    }

    pub fn over(&self, socket: TcpStream) -> Stream {
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        StreamOwned::new(self.client(), socket)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The first flight of a client: its hello.
pub fn hello(client: &mut ClientConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).unwrap();
    }
    bytes
}

/// All that a plain socket still gets, until the other side closes.
pub fn rest(socket: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return bytes,
            Ok(len) => bytes.extend(&buffer[..len]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return bytes,
            Err(error) => panic!("the relay does not close: {error}"),
        }
    }
}

/// Writes as far as the other side takes it: it may have had enough.
pub fn try_write(socket: &mut TcpStream, bytes: &[u8]) {
    let _ = socket.write_all(bytes);
}

/// Puts something else into a file.
pub fn spoil(file: &Path) {
    std::fs::write(file, "this is no PEM file\n").unwrap();
}
