//! A link over embedded-tls over a transport, as a board would have it, against the relay's TLS.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use embedded_tls::pki::CertVerifier;
use embedded_tls::{
    Aes128GcmSha256, Certificate, CryptoProvider, TlsClock, TlsConfig, TlsError, TlsVerifier,
};
use p256::ecdsa::DerSignature;
use peote_net::link::{Channel, Error, Event, Link, LinkBuffers, Mode, SendError};
use peote_net_embedded_tls::{RECORD, TlsTransport};
use peote_net_std::{Clock, TcpError, TcpTransport};
use peote_relay::{Config, Handle, Relay};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

const PATIENCE: Duration = Duration::from_secs(60);

/// The connection to the relay, which gives up after a while.
struct Network {
    transport: TcpTransport,
    deadline: Instant,
}

impl peote_net_embedded_tls::Network for Network {
    type Error = TcpError;
    type Transport<'a> = &'a mut TcpTransport;

    fn transport(&mut self) -> &mut TcpTransport {
        &mut self.transport
    }

    fn poll(&mut self) -> Result<(), TcpError> {
        assert!(Instant::now() < self.deadline, "the relay does not answer");
        Ok(())
    }

    fn sleep(&mut self) {
        std::thread::yield_now();
    }
}

type Tls<'a> = TlsTransport<'a, Network, Aes128GcmSha256>;

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
fn connect(relay: &TlsRelay, root: &[u8], name: &str, then: impl FnOnce(Tls<'_>)) -> Result<(), TlsError> {
    let address = format!("127.0.0.1:{}", relay.port);
    let transport = TcpTransport::connect_blocking(&address, PATIENCE).unwrap();
    let network = RefCell::new(Network { transport, deadline: Instant::now() + PATIENCE });
    let (mut record, mut sent) = (vec![0; RECORD], vec![0; 1024]);
    let config = TlsConfig::new().with_server_name(name);
    let verifier = CertVerifier::new(Certificate::X509(root));
    let provider = Provider { random: rand_core::OsRng, verifier };
    then(TlsTransport::connect(&network, &mut record, &mut sent, &config, provider)?);
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

/// The relay ends with TLS's own word for it, and a link takes that for the end of the connection.
#[test]
fn the_relays_last_word_is_the_end_of_the_connection() {
    let relay = TlsRelay::start("end");
    let mut ended = None;
    connect(&relay, &relay.root, "localhost", |mut tls| {
        let clock = Clock::new();
        let mut link = Box::new(Link::<LinkBuffers<256, 1, 0, 512, 512>>::new());
        link.out().enter("nobody's", Mode::chunks(256)).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while ended.is_none() {
            assert!(Instant::now() < deadline, "the connection does not end");
            let polled = link.poll(&mut tls, clock.now(), |event, _| {
                if matches!(event, Event::Refused { .. }) {
                    relay.handle.stop();
                }
                Ok::<(), SendError>(())
            });
            ended = polled.err();
        }
    })
    .unwrap();
    assert!(matches!(ended, Some(Error::Closed)), "{ended:?}");
}

#[test]
fn a_connection_can_be_closed() {
    let relay = TlsRelay::start("close");
    connect(&relay, &relay.root, "localhost", |tls| tls.close().unwrap()).unwrap();
}
