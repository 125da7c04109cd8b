//! A relay that was built without TLS says so when it is to speak it.
#![cfg(not(feature = "tls"))]

mod program;

use std::io::ErrorKind;

use peote_relay::{Config, Relay};

const WHAT: &str =
    "listen-tls: this relay was built without TLS; build it with the feature tls, or remove listen-tls";

#[test]
fn listening_with_tls_is_refused() {
    let config = Config {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        listen_tls: vec!["127.0.0.1:0".parse().unwrap()],
        tls_certificate: Some("certificate.pem".into()),
        tls_key: Some("key.pem".into()),
        ..Config::default()
    };
    let error = Relay::bind(config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), WHAT);
    assert!(
        Relay::bind(Config { listen: vec!["127.0.0.1:0".parse().unwrap()], ..Config::default() }).is_ok()
    );
}

#[test]
fn the_program_says_so_too() {
    let output = program::output(&[
        "--listen-tls",
        "127.0.0.1:0",
        "--tls-certificate",
        "certificate.pem",
        "--tls-key",
        "key.pem",
    ]);
    assert_eq!(program::text(&output.stderr), format!("peote-relay: {WHAT}\n"));
    assert_eq!(output.status.code(), Some(2));
}
