//! Certificates of a test, and the other side of TLS, driven by hand.
#![allow(dead_code, reason = "no test needs all of it")]

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use peote_net_std::TlsOptions;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

/// An authority that signs what a test needs.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate, with its key.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) pem: String,
    pub(crate) key_pem: String,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// What trusts it.
    pub(crate) fn options(&self) -> TlsOptions {
        TlsOptions::with_roots(self.pem().as_bytes()).unwrap()
    }

    /// A certificate for these names and addresses.
    pub(crate) fn certify(&self, names: &[&str]) -> Identity {
        self.certify_with(names, |_| ())
    }

    /// The same with something particular.
    pub(crate) fn certify_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let mut params = params(names);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Identity::of(&params.signed_by(&key, &self.0).unwrap(), &key)
    }
}

fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().copied().map(String::from).collect::<Vec<_>>()).unwrap()
}

impl Identity {
    /// A certificate that has signed itself.
    pub(crate) fn self_signed(names: &[&str], is_ca: bool) -> Self {
        let mut params = params(names);
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let key = KeyPair::generate().unwrap();
        Self::of(&params.self_signed(&key).unwrap(), &key)
    }

    fn of(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            certificate: certificate.der().clone(),
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.config_with(rustls::ALL_VERSIONS)
    }

    /// What a server is made with that shows it.
    pub(crate) fn config_with(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key())
            .unwrap();
        Arc::new(config)
    }
}

/// The far end of a connection with TLS. It does not block if its socket does not.
pub(crate) struct Far {
    pub(crate) tls: ServerConnection,
    pub(crate) socket: TcpStream,
    is_closing: bool,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Bytes(usize),
    Nothing,
    /// TLS has been ended.
    End,
    /// TCP has ended, and TLS has not.
    CutOff,
}

impl Far {
    pub(crate) fn new(config: &Arc<ServerConfig>, socket: TcpStream) -> Self {
        socket.set_nonblocking(true).unwrap();
        socket.set_nodelay(true).unwrap();
        Self { tls: ServerConnection::new(Arc::clone(config)).unwrap(), socket, is_closing: false }
    }

    /// Sends what waits, and reads what has come. Fails as rustls does.
    pub(crate) fn advance(&mut self) -> Result<(), rustls::Error> {
        self.send();
        if !self.is_full() {
            match self.tls.read_tls(&mut self.socket) {
                Ok(_) => {
                    self.tls.process_new_packets()?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
                Err(error) => panic!("{error}"),
            }
        }
        self.send();
        Ok(())
    }

    fn is_full(&mut self) -> bool {
        use std::io::BufRead as _;
        self.tls.reader().fill_buf().is_ok_and(|piece| !piece.is_empty())
    }

    pub(crate) fn send(&mut self) {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return,
            }
        }
        if self.is_closing {
            let _ = self.socket.shutdown(std::net::Shutdown::Write);
        }
    }

    /// How many bytes were taken; none when there is no room.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        self.send();
        if self.tls.wants_write() {
            return 0;
        }
        let count = self.tls.writer().write(&bytes[..bytes.len().min(16_384)]).unwrap();
        self.send();
        count
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Got {
        self.advance().unwrap();
        match self.tls.reader().read(buffer) {
            Ok(0) if !buffer.is_empty() => Got::End,
            Ok(count) => Got::Bytes(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Got::Nothing,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Got::CutOff,
            Err(error) => panic!("{error}"),
        }
    }

    /// Ends TLS and the sending direction.
    pub(crate) fn close(&mut self) {
        self.tls.send_close_notify();
        self.is_closing = true;
        self.send();
    }

    /// What has been said and not been sent, to be sent otherwise.
    pub(crate) fn take_output(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut bytes)?;
        }
        Ok(bytes)
    }
}
