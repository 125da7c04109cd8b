//! A board with TLS, against the relay's.

use std::net::{Ipv4Addr, SocketAddr};

use peote_net::link::Destination;
use peote_relay::Config;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::image::Board;
use crate::machine::{Folder, Machine, Network};
use crate::peer::{Peer, Seen};
use crate::relay_thread::RelayThread;

/// An authority whose certificate is a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    root: String,
}

impl Authority {
    fn new(folder: &Folder, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let root = folder.0.join(name);
        std::fs::write(&root, issuer.der()).unwrap();
        Self { issuer, root: format!("root={}", root.display()) }
    }

    /// A relay with a certificate for `localhost`, which also listens without TLS, and how a board
    /// reaches it.
    fn relay(&self, folder: &Folder) -> (RelayThread, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "localhost");
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let (certificate_file, key_file) = (folder.0.join("certificate.pem"), folder.0.join("key.pem"));
        std::fs::write(&certificate_file, certificate.pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let relay = RelayThread::with(Config {
            listen: vec![free],
            listen_tls: vec![free],
            tls_certificate: Some(certificate_file),
            tls_key: Some(key_file),
            ..Config::default()
        });
        let argument = format!("relay=10.0.2.2:{}", relay.addresses()[1].port());
        (relay, argument)
    }
}

#[test]
fn a_board_with_tls_has_its_channel() {
    let folder = Folder::new();
    let authority = Authority::new(&folder, "authority");
    let (relay, argument) = authority.relay(&folder);
    let board = Board::Mps2An385Tls;
    let (mut server, channel) = Peer::server(relay.address(), "echo", board.chunk());
    let mut machine = Machine::start(
        board,
        &Network::User,
        &[&argument, "server=localhost", &authority.root, "exercise=200"],
    );
    let Seen::In(user) = server.next() else { panic!("the firmware has not come") };
    for _ in 0..200 {
        let (_, bytes) = server.next_chunk();
        server.send(Destination::User(channel, user), &bytes);
    }
    println!("{}", machine.wait_for("handshake"));
    machine.wait_for("200 chunks came back right");
    assert_eq!(machine.exit_code(), 0);
}

#[test]
fn another_authority_and_another_name_are_refused_by_a_board() {
    let folder = Folder::new();
    let (authority, other) = (Authority::new(&folder, "authority"), Authority::new(&folder, "other"));
    let (_relay, argument) = authority.relay(&folder);
    for (server, root) in [("server=localhost", &other.root), ("server=elsewhere", &authority.root)] {
        let mut machine =
            Machine::start(Board::Mps2An385Tls, &Network::User, &[&argument, server, root, "exercise=1"]);
        machine.wait_for("the relay's certificate is refused");
        assert_eq!(machine.exit_code(), 3);
    }
}
