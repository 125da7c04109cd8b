//! How relays of a cluster are let in by NATS: passwords, tokens, credentials, certificates; and
//! what they say where they are not.
#![cfg(all(unix, feature = "cluster", feature = "program"))]

mod cluster_rig;
mod common;
mod program;

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cluster_rig::{Nats, across};
use nkeys::KeyPair;
use program::Running;
use rcgen::{CertificateParams, Issuer, KeyPair as Key};
use serde_json::{Value, json};

/// A folder that is gone with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("peote-access-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_string()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A relay that is to be part of the cluster has the same arguments as these.
fn arguments<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--listen", "127.0.0.1:0", "--cluster", url][..], more].concat()
}

/// What a relay says that starts and is not let in.
#[track_caller]
fn is_not_let_in(url: &str, more: &[&str]) -> String {
    let mut outside = Running::start(&arguments(url, more));
    outside.log_until("NATS cannot be used").pop().unwrap()
}

/// What a relay says that does not start.
#[track_caller]
fn does_not_start(url: &str, more: &[&str]) -> String {
    let (code, errors) = Running::start(&arguments(url, more)).end();
    assert!(matches!(code, Some(1 | 2)), "{code:?} {errors}");
    errors
}

/// A JWT as NATS has them: signed by a key of its own kind.
fn jwt(issuer: &KeyPair, subject: &KeyPair, name: &str, nats: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let claims = json!({
        "jti": name, "iat": 1_700_000_000, "iss": issuer.public_key(), "name": name,
        "sub": subject.public_key(), "nats": nats,
    });
    let signed = format!("{}.{}", part(&header), part(&claims));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(issuer.sign(signed.as_bytes()).unwrap()))
}

/// An operator's server with one account for relays, and credentials of a user of it.
struct Operator {
    config: String,
    account: KeyPair,
}

impl Operator {
    fn new() -> Self {
        let (operator, account, system) =
            (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_account());
        let limits = json!({
            "subs": -1, "conn": -1, "leaf": -1, "imports": -1, "exports": -1, "data": -1, "payload": -1,
            "wildcards": true, "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
        });
        let of_relays = json!({ "type": "account", "version": 2, "limits": limits });
        let of_system = json!({ "type": "account", "version": 2, "limits": {
            "subs": -1, "conn": -1, "leaf": -1, "imports": -1, "exports": -1, "data": -1, "payload": -1,
            "wildcards": true,
        } });
        let config = format!(
            "operator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{\n{}: {}\n{}: {}\n}}\n",
            jwt(&operator, &operator, "operator", &json!({ "type": "operator", "version": 2 })),
            system.public_key(),
            account.public_key(),
            jwt(&operator, &account, "relays", &of_relays),
            system.public_key(),
            jwt(&operator, &system, "system", &of_system),
        );
        Self { config, account }
    }

    /// Credentials of a user, as nsc writes them. It may do what docs/OPERATING.md says that a
    /// relay of this cluster needs.
    fn credentials(&self, cluster: &str) -> String {
        let user = KeyPair::new_user();
        let (traffic, bucket) = (format!("peote.{cluster}.>"), format!("$KV.peote-{cluster}.>"));
        let nats = json!({
            "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1,
            "pub": { "allow": ["$JS.API.>", "$JS.FC.>", bucket, traffic] },
            "sub": { "allow": ["_INBOX.>", traffic] },
        });
        format!(
            "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            jwt(&self.account, &user, "relay", &nats),
            user.seed().unwrap(),
        )
    }
}

#[test]
fn credentials_of_a_user_of_an_operator() {
    let (folder, operator) = (Folder::new("credentials"), Operator::new());
    let config = folder.write("nats.conf", &operator.config);
    let Some(nats) = Nats::start_with("credentials", &["-c", &config]) else { return };
    let (url, good) = (nats.url(), folder.write("good.creds", &operator.credentials("credentials")));
    across(&nats, &url, "credentials", &["--cluster-credentials", &good]);
    // those of another operator, and none
    let strange = folder.write("strange.creds", &Operator::new().credentials("peote"));
    let log = is_not_let_in(&url, &["--cluster-credentials", &strange]);
    assert!(log.contains("strange.creds") && log.contains("does not know the user"), "{log}");
    let log = is_not_let_in(&url, &[]);
    assert!(log.contains("cluster-credentials"), "{log}");
}

/// A relay that cannot use its files does not start, and says which it is. It needs no server for
/// that.
#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = Folder::new("files");
    let url = "nats://127.0.0.1:9";
    let credentials = Operator::new().credentials("peote");
    let seed = credentials.split_once("------END NATS").unwrap().0;
    let half = folder.write("half.creds", seed);
    let empty = folder.write("empty.creds", "");
    let gone = folder.path("gone.creds");
    for (file, words) in [
        (&half, "has to hold"),
        (&empty, "has to hold"),
        (&gone, "has to be there"),
        (&folder.path(""), "read it"),
    ] {
        let errors = does_not_start(url, &["--cluster-credentials", file]);
        assert!(errors.contains(file.as_str()) && errors.contains(words), "{errors}");
        assert!(!errors.contains("eyJ"), "a secret: {errors}");
    }
    let errors = does_not_start(url, &["--cluster-ca", &empty]);
    assert!(errors.contains("cluster-ca") && errors.contains("no PEM file"), "{errors}");
    let errors = does_not_start(url, &["--cluster-certificate", &gone, "--cluster-key", &gone]);
    assert!(errors.contains("cluster-certificate") && errors.contains("gone.creds"), "{errors}");
}

/// A relay whose credentials are replaced by others that are good goes on without a restart.
#[test]
fn credentials_are_read_again() {
    let (folder, operator) = (Folder::new("again"), Operator::new());
    let config = folder.write("nats.conf", &operator.config);
    let Some(nats) = Nats::start_with("again", &["-c", &config]) else { return };
    let file = folder.write("relay.creds", &Operator::new().credentials("peote"));
    let mut relay = Running::start(&arguments(&nats.url(), &["--cluster-credentials", &file]));
    relay.log_until("NATS cannot be used");
    std::fs::remove_file(&file).unwrap();
    let log = relay.log_until("has to be there").pop().unwrap();
    assert!(log.contains("relay.creds"), "{log}");
    folder.write("relay.creds", &operator.credentials("peote"));
    relay.log_until("part of the cluster");
}

#[test]
fn a_token() {
    let Some(nats) = Nats::start_with("token", &["--auth", "let me/in"]) else { return };
    let url = |token: &str| format!("nats://{token}@127.0.0.1:{}", nats.port);
    across(&nats, &url("let%20me%2Fin"), "token", &[]);
    let log = is_not_let_in(&url("wrong-token"), &[]);
    assert!(log.to_lowercase().contains("authorization") && !log.contains("wrong-token"), "{log}");
}

#[test]
fn tls_with_a_user_and_a_password() {
    let folder = Folder::new("tls");
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let cert = folder.write("cert.pem", &made.cert.pem());
    let key = folder.write("key.pem", &made.signing_key.serialize_pem());
    let arguments = ["--tls", "--tlscert", &cert, "--tlskey", &key, "--user", "relay", "--pass", "sec:ret"];
    let Some(nats) = Nats::start_with("tls", &arguments) else { return };
    let url = |who: &str| format!("tls://{who}localhost:{}", nats.port);
    across(&nats, &url("relay:sec%3Aret@"), "tls", &["--cluster-ca", &cert]);
    // without the password, or with another root, it is not let in, and says why
    let strange = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let other = folder.write("other.pem", &strange.cert.pem());
    for (url, root, word) in
        [(url("relay:wrong@"), &cert, "authorization"), (url("relay:sec%3Aret@"), &other, "certificate")]
    {
        let log = is_not_let_in(&url, &["--cluster-ca", root]);
        assert!(log.to_lowercase().contains(word), "{log}");
        assert!(!log.contains("ret@") && !log.contains("wrong"), "{log}");
    }
}

#[test]
fn a_certificate_of_the_relay() {
    let folder = Folder::new("verify");
    let (root_key, mut root) = (Key::generate().unwrap(), CertificateParams::new([]).unwrap());
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root_pem = folder.write("root.pem", &root.self_signed(&root_key).unwrap().pem());
    let issuer = Issuer::new(root, root_key);
    let signed = |name: &str| {
        let key = Key::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_string()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        (
            folder.write(&format!("{name}.pem"), &certificate.pem()),
            folder.write(&format!("{name}-key.pem"), &key.serialize_pem()),
        )
    };
    let ((server, server_key), (relay, relay_key)) = (signed("server"), signed("relay"));
    let arguments = ["--tlsverify", "--tlscert", &server, "--tlskey", &server_key, "--tlscacert", &root_pem];
    let Some(nats) = Nats::start_with("verify", &arguments) else { return };
    let url = format!("tls://localhost:{}", nats.port);
    let more = ["--cluster-ca", &root_pem, "--cluster-certificate", &relay, "--cluster-key", &relay_key];
    across(&nats, &url, "verify", &more);
    let log = is_not_let_in(&url, &["--cluster-ca", &root_pem]);
    assert!(log.to_lowercase().contains("certificate"), "{log}");
    let errors = does_not_start(&url, &more[..4]);
    assert!(errors.contains("cluster-certificate needs cluster-key; set it"), "{errors}");
}

/// A log is read by more people than the file with the settings.
#[test]
fn no_password_comes_into_the_log() {
    let folder = Folder::new("password");
    let settings = |password: &str| {
        format!("listen = [\"127.0.0.1:0\"]\ncluster = [\"nats://ann:{password}@127.0.0.1:9\"]\n")
    };
    let path = folder.write("relay.toml", &settings("first-secret"));
    let mut relay = Running::start(&["--config", &path, "--log-level", "debug"]);
    let mut log = relay.log_until("NATS cannot be used");
    folder.write("relay.toml", &settings("second-secret"));
    relay.signal(rustix::process::Signal::HUP);
    log.extend(relay.log_until("configuration read again"));
    let change = log.iter().find(|line| line.contains("takes effect at the next start")).unwrap();
    assert!(change.contains("nats://…@127.0.0.1:9"), "{change}");
    assert!(!log.iter().any(|line| line.contains("secret")), "{log:#?}");
    let errors = does_not_start("nats://ann:secret@a b:1", &[]);
    assert!(errors.contains("no address of a NATS server") && !errors.contains("secret"), "{errors}");
}
