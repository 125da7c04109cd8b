//! Handshakes that succeed, and those that fail, with what is said then.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use embedded_io::{Error as _, Read as _, Write as _};
use peote_net_std::{
    Clock, ConnectError, ConnectErrorKind, Connecting, TcpError, TcpTransport, TlsErrorKind, TlsOptions,
    Waiter, Watch, describe,
};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

use super::common::{LONG, listener, reset};
use super::far::{Authority, Identity};

/// Accepts one connection and answers it with what it says.
fn echo_server(config: &Arc<ServerConfig>) -> (SocketAddr, JoinHandle<Option<rustls::ProtocolVersion>>) {
    let (listener, address) = listener();
    (address, echo_on(listener, config))
}

fn echo_on(listener: TcpListener, config: &Arc<ServerConfig>) -> JoinHandle<Option<rustls::ProtocolVersion>> {
    let tls = ServerConnection::new(Arc::clone(config)).unwrap();
    thread::spawn(move || {
        let socket = listener.accept().unwrap().0;
        socket.set_read_timeout(Some(LONG)).unwrap();
        let mut stream = rustls::StreamOwned::new(tls, socket);
        let mut buffer = [0; 64];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            stream.write_all(&buffer[..count]).unwrap();
        }
        stream.conn.send_close_notify();
        let _ = stream.flush();
        stream.conn.protocol_version()
    })
}

/// Accepts one connection and does this with it.
fn server(then: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let (listener, address) = listener();
    thread::spawn(move || then(listener.accept().unwrap().0));
    address
}

/// Polls, and sleeps meanwhile, as programs do.
fn drive(mut connecting: Connecting) -> Result<TcpTransport, ConnectError> {
    let mut waiter = Waiter::new(Clock::new()).unwrap();
    loop {
        if let Poll::Ready(result) = connecting.poll() {
            return result;
        }
        waiter.wait(&mut [Watch::connecting(&connecting)], None).unwrap();
    }
}

fn connect(address: &str, options: &TlsOptions) -> Result<TcpTransport, ConnectError> {
    drive(TcpTransport::connect(address, LONG).with_tls(options))
}

/// Connects in vain; answers with the text.
fn refused(address: SocketAddr, options: &TlsOptions, kind: TlsErrorKind) -> String {
    let error = connect(&address.to_string(), options).unwrap_err();
    let ConnectErrorKind::Tls(cause) = error.kind() else { panic!("{error:?}") };
    assert_eq!(cause.as_tls().unwrap().kind(), kind, "{error}");
    let told = describe(&error);
    assert!(told.starts_with(&format!("cannot connect to {address}: TLS with ")), "{told}");
    told
}

/// Why a relay with this certificate is not accepted at 127.0.0.1.
fn unacceptable(identity: &Identity, options: &TlsOptions, kind: TlsErrorKind) -> String {
    let (address, server) = echo_server(&identity.config());
    let text = refused(address, options, kind);
    assert!(text.contains("TLS with 127.0.0.1: the certificate "), "{text}");
    server.join().unwrap();
    text
}

fn talk(transport: &mut TcpTransport) {
    assert_eq!(transport.write(b"hello").unwrap(), 5);
    let mut buffer = [0; 16];
    assert_eq!(transport.read(&mut buffer).unwrap(), 5);
    assert_eq!(&buffer[..5], b"hello");
}

#[test]
fn names_and_addresses_are_looked_for_in_the_certificate() {
    let authority = Authority::new();
    let config = authority.certify(&["localhost", "127.0.0.1", "::1"]).config();
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        let listener = match TcpListener::bind((host.trim_matches(['[', ']']), 0)) {
            Ok(listener) => listener,
            Err(_) if host == "[::1]" => continue, // a machine without IPv6
            Err(error) => panic!("{error}"),
        };
        let port = listener.local_addr().unwrap().port();
        let server = echo_on(listener, &config);
        let mut transport = connect(&format!("{host}:{port}"), &authority.options()).unwrap();
        talk(&mut transport);
        transport.finish(LONG).unwrap();
        assert!(server.join().unwrap().is_some());
    }
}

#[test]
fn both_versions_are_spoken() {
    let authority = Authority::new();
    let identity = authority.certify(&["127.0.0.1"]);
    let versions: [&'static SupportedProtocolVersion; 2] = [&TLS12, &TLS13];
    for version in versions {
        let (address, server) = echo_server(&identity.config_with(&[version]));
        let mut transport = connect(&address.to_string(), &authority.options()).unwrap();
        talk(&mut transport);
        drop(transport);
        assert_eq!(server.join().unwrap(), Some(version.version));
    }
}

#[test]
fn a_blocking_connect_is_one() {
    let authority = Authority::new();
    let (address, _server) = echo_server(&authority.certify(&["127.0.0.1"]).config());
    let connecting = TcpTransport::connect(&address.to_string(), LONG).with_tls(&authority.options());
    talk(&mut connecting.wait().unwrap());
}

#[test]
fn the_certificate_may_be_for_another_name_if_that_is_said() {
    let authority = Authority::new();
    let config = authority.certify(&["relay.example"]).config();
    let options = authority.options().with_server_name("relay.example").unwrap();
    let (address, _server) = echo_server(&config);
    talk(&mut connect(&address.to_string(), &options).unwrap());
    // and where there is no one host
    let (address, _server) = echo_server(&config);
    talk(&mut drive(TcpTransport::connect_to_any(&[address, address], LONG).with_tls(&options)).unwrap());
    let connecting = TcpTransport::connect_to_any(&[address, address], LONG);
    assert!(drive(connecting.with_tls(&authority.options())).is_err());
    assert!(authority.options().with_server_name("not a name").is_err());
}

#[test]
fn what_is_no_host_is_no_name() {
    let authority = Authority::new();
    let (near, _far) = super::common::pair();
    let error = near.with_tls("not a name", &authority.options()).unwrap_err();
    assert_eq!(error.as_tls().unwrap().kind(), TlsErrorKind::ServerName);
    assert!(
        error.to_string().starts_with("TLS with not a name: neither a host name nor an address"),
        "{error}"
    );
}

/// A name or a number: a port has to be there, or it is that of relays without TLS.
#[test]
fn an_address_without_a_port_is_refused() {
    let options = Authority::new().options();
    for address in ["relay.example", "127.0.0.1", "::1", "[::1]"] {
        let error = connect(address, &options).unwrap_err();
        assert!(matches!(error.kind(), ConnectErrorKind::Address(_)), "{error:?}");
        assert!(describe(&error).contains("the port is missing"), "{error:?}");
    }
}

#[test]
fn wrong_certificates_are_told() {
    let authority = Authority::new();
    let options = authority.options();
    let text = unacceptable(
        &authority.certify(&["other.example", "127.0.0.2"]),
        &options,
        TlsErrorKind::Certificate,
    );
    assert!(text.contains("is not for this name but for "), "{text}");
    assert!(text.contains("other.example") && text.contains("127.0.0.2"), "{text}");

    let text = unacceptable(&authority.certify(&[]), &options, TlsErrorKind::Certificate);
    assert!(text.contains("for no name at all"), "{text}");

    let day = Duration::from_secs(86_400);
    let now = SystemTime::now();
    let expired = authority.certify_with(&["127.0.0.1"], |params| {
        params.not_before = (now - 20 * day).into();
        params.not_after = (now - 10 * day - day / 2).into();
    });
    let text = unacceptable(&expired, &options, TlsErrorKind::Certificate);
    assert!(text.contains("expired 10 days ago; the relay needs a new one"), "{text}");

    let early = authority.certify_with(&["127.0.0.1"], |params| {
        params.not_before = (now + 10 * day + day / 2).into();
        params.not_after = (now + 20 * day).into();
    });
    let text = unacceptable(&early, &options, TlsErrorKind::Certificate);
    assert!(text.contains("not valid before 10 days from now"), "{text}");

    let text = unacceptable(&Authority::new().certify(&["127.0.0.1"]), &options, TlsErrorKind::UnknownIssuer);
    assert!(text.contains("signed by no authority that is trusted here"), "{text}");
}

#[test]
fn a_relay_may_have_signed_its_certificate_itself_but_not_as_an_authority() {
    let identity = Identity::self_signed(&["127.0.0.1"], false);
    let options = TlsOptions::with_roots(identity.pem.as_bytes()).unwrap();
    let (address, _server) = echo_server(&identity.config());
    talk(&mut connect(&address.to_string(), &options).unwrap());
    // another one of the same name is not trusted
    unacceptable(&Identity::self_signed(&["127.0.0.1"], false), &options, TlsErrorKind::UnknownIssuer);

    let identity = Identity::self_signed(&["127.0.0.1"], true);
    let options = TlsOptions::with_roots(identity.pem.as_bytes()).unwrap();
    let text = unacceptable(&identity, &options, TlsErrorKind::Certificate);
    assert!(text.contains("one for signing others (CA:TRUE)"), "{text}");
}

#[test]
fn several_roots_are_trusted_together() {
    let (one, other) = (Authority::new(), Authority::new());
    let both = TlsOptions::with_roots((one.pem() + &other.pem()).as_bytes()).unwrap();
    for authority in [one, other] {
        let (address, _server) = echo_server(&authority.certify(&["127.0.0.1"]).config());
        talk(&mut connect(&address.to_string(), &both).unwrap());
    }
}

#[test]
fn who_does_not_speak_tls_is_told_from_who_has_a_wrong_certificate() {
    let options = Authority::new().options();
    for answer in [&b"\x00\x06\x03\x00\x00\x00"[..], b"HTTP/1.1 400 Bad Request\r\n\r\n", &[0; 20_000]] {
        let address = server(|mut socket| {
            let _ = socket.write_all(answer);
            let _ = socket.read_to_end(&mut Vec::new());
        });
        let text = refused(address, &options, TlsErrorKind::NotTls);
        assert!(text.contains("does not speak TLS; connect to the port"), "{text}");
    }
    let address = server(|mut socket| {
        socket.read_exact(&mut [0; 50]).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let _ = socket.read_to_end(&mut Vec::new());
    });
    let text = refused(address, &options, TlsErrorKind::Refused);
    assert!(text.contains("ended the connection during the handshake; connect to the port"), "{text}");
    assert!(text.contains(", unless it is full"), "{text}");
    // an alert
    for (alert, expected) in [
        ([2, 70], "gave up: it speaks neither TLS 1.2 nor 1.3"),
        ([2, 40], "gave up: it has nothing in common"),
        ([2, 80], "gave up: InternalError"),
    ] {
        let address = server(move |mut socket| {
            socket.write_all(&[&[21, 3, 3, 0, 2], &alert[..]].concat()).unwrap();
            let _ = socket.read_to_end(&mut Vec::new());
        });
        let text = refused(address, &options, TlsErrorKind::Refused);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_handshake_that_is_reset_or_not_answered_is_a_failed_attempt() {
    let options = Authority::new().options();
    let address = server(|mut socket| {
        socket.read_exact(&mut [0; 50]).unwrap();
        reset(socket);
    });
    let error = connect(&address.to_string(), &options).unwrap_err();
    assert!(matches!(error.kind(), ConnectErrorKind::Tls(cause) if cause.as_tls().is_none()), "{error:?}");
    let told = describe(&error);
    assert!(told.contains(": lost during the TLS handshake; connect to the port on which"), "{told}");
    assert!(told.contains(" does not let this address in: Connection reset"), "{told}");

    let (_silent, address) = listener();
    let timeout = Duration::from_millis(50);
    let error = drive(TcpTransport::connect(&address.to_string(), timeout).with_tls(&options)).unwrap_err();
    assert!(matches!(error.kind(), ConnectErrorKind::TlsTimedOut(given) if *given == timeout), "{error:?}");
    assert!(describe(&error).contains("the TLS handshake was not over within 50ms"), "{error:?}");
}

#[test]
fn a_failed_handshake_stays_one_for_reading_and_writing() {
    let authority = Authority::new();
    let (mut near, mut far) =
        super::beginning(&Authority::new().certify(&["relay.example"]).config(), &authority.options());
    super::until("the end of the handshake", || {
        use embedded_io::ReadReady as _;
        let _ = far.advance();
        near.read_ready().unwrap()
    });
    let is_certificate =
        |error: &TcpError| error.as_tls().is_some_and(|error| error.kind() == TlsErrorKind::UnknownIssuer);
    for _ in 0..3 {
        let error = near.read(&mut [0; 8]).unwrap_err();
        assert!(is_certificate(&error), "{error}");
        assert_eq!(error.kind(), embedded_io::ErrorKind::InvalidData);
        assert!(error.to_string().starts_with("TLS with relay.example: the certificate "), "{error}");
        assert!(is_certificate(&near.write(b"x").unwrap_err()));
        assert!(is_certificate(&near.flush().unwrap_err()));
    }
    // the other side is told why
    super::until("the alert", || matches!(far.advance(), Err(rustls::Error::AlertReceived(_))));
}

#[test]
fn a_blocking_read_or_write_shakes_hands_first() {
    let authority = Authority::new();
    let config = authority.certify(&["127.0.0.1"]).config();
    for writes_first in [true, false] {
        let (listener, address) = listener();
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let server = thread::spawn(move || {
            let mut stream = rustls::StreamOwned::new(tls, listener.accept().unwrap().0);
            let mut buffer = [0; 5];
            if writes_first {
                stream.read_exact(&mut buffer).unwrap();
                assert_eq!(&buffer, b"hello");
            }
            stream.write_all(b"welcome").unwrap();
            let _ = stream.read(&mut buffer);
        });
        let near = TcpTransport::new(TcpStream::connect(address).unwrap()).unwrap();
        let mut near = near.with_tls("127.0.0.1", &authority.options()).unwrap();
        if writes_first {
            assert_eq!(near.write(b"hello").unwrap(), 5);
        }
        let mut buffer = [0; 16];
        assert_eq!(near.read(&mut buffer).unwrap(), 7);
        assert_eq!(&buffer[..7], b"welcome");
        drop(near);
        server.join().unwrap();
    }
}
