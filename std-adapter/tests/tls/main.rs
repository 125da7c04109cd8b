//! TLS as a client, with a server that is driven by hand.
#![cfg(feature = "tls")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/tls.rs"]
mod far;
mod handshake;
mod hostile;
#[path = "../common/mutation.rs"]
mod mutation;
mod readiness;
mod transport;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use embedded_io::{ReadReady as _, WriteReady as _};
use far::{Authority, Far};
use peote_net_std::{TcpTransport, TlsOptions};
use rustls::ServerConfig;

/// How long anything may take before it is taken for a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "in vain: {what}");
        thread::sleep(Duration::from_micros(100));
    }
}

/// A transport with TLS on its way, and the far end.
fn beginning(config: &Arc<ServerConfig>, options: &TlsOptions) -> (TcpTransport, Far) {
    let (near, far) = common::pair();
    (near.with_tls("relay.example", options).unwrap(), Far::new(config, far))
}

/// A transport with TLS, and the far end.
fn established(config: &Arc<ServerConfig>, options: &TlsOptions) -> (TcpTransport, Far) {
    let (mut near, mut far) = beginning(config, options);
    until("the handshake", || {
        far.advance().unwrap();
        near.write_ready().unwrap() && !far.tls.is_handshaking()
    });
    (near, far)
}

/// The same, with certificates that are as they should be.
fn pair() -> (TcpTransport, Far) {
    let authority = Authority::new();
    established(&authority.certify(&["relay.example"]).config(), &authority.options())
}

fn until_readable(transport: &mut TcpTransport) {
    until("something to read", || transport.read_ready().unwrap());
}
