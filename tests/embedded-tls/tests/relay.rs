//! A link over embedded-tls over a transport, as a board would have it, against the relay's TLS.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use embedded_io::{BufRead as _, ErrorType, Read, ReadReady, Write, WriteReady};
use embedded_tls::blocking::TlsConnection;
use embedded_tls::pki::CertVerifier;
use embedded_tls::{
    Aes128GcmSha256, Certificate, CryptoProvider, TlsClock, TlsConfig, TlsContext, TlsError, TlsVerifier,
};
use p256::ecdsa::DerSignature;
use peote_net::link::{Channel, Event, Link, LinkBuffers, Mode};
use peote_net_std::{Clock, TcpError, TcpTransport};
use peote_relay::{Config, Handle, Relay};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

const PATIENCE: Duration = Duration::from_secs(60);
/// The longest record there is. A relay sends what it has, so a shorter buffer would fail some day.
const RECORD: usize = 16_640;

/// A transport that waits, which is what embedded-tls wants.
#[derive(Clone, Copy)]
struct Waiting<'a>(&'a RefCell<TcpTransport>);

impl ErrorType for Waiting<'_> {
    type Error = TcpError;
}

impl Read for Waiting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TcpError> {
        while !self.0.borrow_mut().read_ready()? {
            std::thread::yield_now();
        }
        self.0.borrow_mut().read(buffer)
    }
}

impl Write for Waiting<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, TcpError> {
        while !self.0.borrow_mut().write_ready()? {
            std::thread::yield_now();
        }
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> Result<(), TcpError> {
        self.0.borrow_mut().flush()
    }
}

/// The transport of a link. Ready to be read means: something has been decrypted, or a byte of the
/// next record has come. In the second case `read` waits for the rest of the record.
struct Tls<'a, 'b> {
    socket: Waiting<'a>,
    connection: TlsConnection<'b, Waiting<'a>, Aes128GcmSha256>,
    /// How much of the last record is still to be read.
    decrypted: usize,
}

impl ErrorType for Tls<'_, '_> {
    type Error = TlsError;
}

impl ReadReady for Tls<'_, '_> {
    fn read_ready(&mut self) -> Result<bool, TlsError> {
        let is_ready = || self.socket.0.borrow_mut().read_ready().map_err(|_| TlsError::IoError);
        Ok(self.decrypted > 0 || is_ready()?)
    }
}

impl Read for Tls<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TlsError> {
        let record = self.connection.fill_buf()?;
        let count = record.len().min(buffer.len());
        buffer[..count].copy_from_slice(&record[..count]);
        self.decrypted = record.len() - count;
        self.connection.consume(count);
        Ok(count)
    }
}

impl WriteReady for Tls<'_, '_> {
    fn write_ready(&mut self) -> Result<bool, TlsError> {
        self.socket.0.borrow_mut().write_ready().map_err(|_| TlsError::IoError)
    }
}

impl Write for Tls<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, TlsError> {
        self.connection.write(bytes)
    }

    fn flush(&mut self) -> Result<(), TlsError> {
        self.connection.flush()
    }
}

struct Now;

impl TlsClock for Now {
    fn now() -> Option<u64> {
        SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|time| time.as_secs())
    }
}

struct Provider<'a> {
    random: rand_core::OsRng,
    verifier: CertVerifier<'a, Aes128GcmSha256, Now, 1024>,
}

impl CryptoProvider for Provider<'_> {
    type CipherSuite = Aes128GcmSha256;
    type Signature = DerSignature;

    fn rng(&mut self) -> impl embedded_tls::CryptoRngCore {
        &mut self.random
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Aes128GcmSha256>, TlsError> {
        Ok(&mut self.verifier)
    }
}

/// A relay that listens with TLS, for `localhost`.
struct TlsRelay {
    folder: PathBuf,
    port: u16,
    handle: Handle,
    thread: Option<std::thread::JoinHandle<()>>,
    /// The authority's certificate.
    root: Vec<u8>,
}

impl TlsRelay {
    fn start(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("peote-embedded-tls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "localhost");
        let certificate = params.signed_by(&key, &authority).unwrap();
        let (certificate_file, key_file) = (folder.join("certificate.pem"), folder.join("key.pem"));
        std::fs::write(&certificate_file, certificate.pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        let config = Config {
            listen: Vec::new(),
            listen_tls: vec!["127.0.0.1:0".parse().unwrap()],
            tls_certificate: Some(certificate_file),
            tls_key: Some(key_file),
            ..Config::default()
        };
        let mut relay = Relay::bind(config).unwrap();
        let (port, handle) = (relay.local_addrs()[0].port(), relay.handle());
        let thread = Some(std::thread::spawn(move || relay.run().unwrap()));
        Self { folder, port, handle, thread, root: authority.der().to_vec() }
    }
}

impl Drop for TlsRelay {
    fn drop(&mut self) {
        self.handle.stop();
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Connects with this root and name, and does something with the connection.
fn connect(
    relay: &TlsRelay,
    root: &[u8],
    name: &str,
    then: impl FnOnce(Tls<'_, '_>),
) -> Result<(), TlsError> {
    let address = format!("127.0.0.1:{}", relay.port);
    let transport = RefCell::new(TcpTransport::connect_blocking(&address, PATIENCE).unwrap());
    let socket = Waiting(&transport);
    let (mut read, mut write) = (vec![0; RECORD], vec![0; 2048]);
    let mut connection = TlsConnection::new(socket, &mut read, &mut write);
    let config = TlsConfig::new().with_server_name(name);
    let verifier = CertVerifier::new(Certificate::X509(root));
    let provider = Provider { random: rand_core::OsRng, verifier };
    let start = Instant::now();
    connection.open(TlsContext::new(&config, provider))?;
    println!("handshake: {:?}, the connection takes {} bytes", start.elapsed(), size_of_val(&connection));
    then(Tls { socket, connection, decrypted: 0 });
    Ok(())
}

#[test]
fn a_link_over_embedded_tls_has_its_channels() {
    let relay = TlsRelay::start("link");
    let talked = Cell::new(false);
    connect(&relay, &relay.root, "localhost", |mut server| {
        connect(&relay, &relay.root, "localhost", |mut user| {
            let clock = Clock::new();
            let mut owner = Box::new(Link::<LinkBuffers<256, 1, 1, 512, 512>>::new());
            let mut board = Box::new(Link::<LinkBuffers<256, 1, 1, 512, 512>>::new());
            owner.out().create("echo", Mode::chunks(256)).unwrap();
            let (mut is_open, mut heard) = (false, None);
            let deadline = Instant::now() + PATIENCE;
            while heard.is_none() {
                assert!(Instant::now() < deadline, "nothing has come back");
                let mut opened = false;
                owner
                    .poll(&mut server, clock.now(), |event, out| match event {
                        Event::Chunk { from, bytes } => out.send(from, bytes),
                        Event::Opened { .. } => {
                            opened = true;
                            Ok(())
                        }
                        other => other.ok(),
                    })
                    .unwrap();
                if opened && !is_open {
                    is_open = true;
                    board.out().enter("echo", Mode::chunks(256)).unwrap();
                }
                board
                    .poll(&mut user, clock.now(), |event, out| match event {
                        Event::Opened { channel: Channel::Entered(channel) } => out.send(channel, &[7; 200]),
                        Event::Chunk { bytes, .. } => {
                            heard = Some(bytes.to_vec());
                            Ok(())
                        }
                        other => other.ok(),
                    })
                    .unwrap();
            }
            assert_eq!(heard, Some(vec![7; 200]));
            talked.set(true);
        })
        .unwrap();
    })
    .unwrap();
    assert!(talked.get());
}

#[test]
fn another_authority_and_another_name_are_refused() {
    let (relay, other) = (TlsRelay::start("one"), TlsRelay::start("other"));
    assert!(connect(&relay, &other.root, "localhost", |_| ()).is_err());
    assert!(connect(&relay, &relay.root, "elsewhere", |_| ()).is_err());
    assert!(connect(&relay, &relay.root, "localhost", |_| ()).is_ok());
}
