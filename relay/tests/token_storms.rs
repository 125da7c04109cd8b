//! Many tokens and signed names: how many are checked, when, and what that leaves to others.
#![cfg(feature = "tokens")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::websocket::REQUEST;
use common::{Endpoint, Running, config, start};
use peote_relay::access::{Action, Claims, Keys, unix_now};
use peote_relay::{Access, Closed, Config, Paused, Refused};

const NOT_CREATED: [u8; 3] = [1, 1, 2];

/// A header and claims of a token for Ed25519 without `kid`, and a signature by nobody.
const FORGED: &[u8] = b"eyJhbGciOiJFZERTQSJ9.eyJleHAiOjIwMDAwMDAwMDB9.\
    9LmhMyvzmXh1QMMZiPklYDdG3hgJQGKz0hK5pMRw45ZqMOYQNJ_TSm25HjyVnv8wmx8ZL05eVJtkJ1IxLiGTBA";

/// A file with one key for Ed25519 and so many for HS256, of which the last is `last`; gone with
/// the test.
struct KeyFile(PathBuf);

impl KeyFile {
    fn new(secrets: usize) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("peote-storm-{}-{number}.toml", std::process::id()));
        let mut text = "[[key]]\nid = \"e\"\nalgorithm = \"EdDSA\"\n\
                        public = \"0cjYUdYwOMIOpEAlZggyMdrvHpQUtgePmiohH9C5ON8\"\n"
            .to_owned();
        for number in 1..=secrets {
            let id = if number == secrets { "last".into() } else { format!("key{number}") };
            text += &format!("[[key]]\nid = \"{id}\"\nalgorithm = \"HS256\"\nsecret = \"{id:A<43}\"\n");
        }
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn keys(&self) -> Keys {
        Keys::read(&self.0).unwrap()
    }

    /// A token with which everything may be created.
    fn token(&self) -> Vec<u8> {
        let mut claims = Claims::default();
        (claims.exp, claims.create) = (unix_now() + 1000, vec!["*".into()]);
        self.keys().signing_key("last").unwrap().token(&claims).unwrap().into_bytes()
    }

    fn config(&self) -> Config {
        Config { access: Access::Tokens, access_keys: Some(self.0.clone()), ..config() }
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A hello with this as the last part of a token, or of several.
fn hello(tokens: &[&[u8]]) -> Vec<u8> {
    let items: Vec<u8> =
        tokens.iter().flat_map(|token| [&[5, u8::try_from(token.len()).unwrap()], *token].concat()).collect();
    [&[0, 6, 0, u8::try_from(items.len()).unwrap()], &items[..]].concat()
}

/// A command to create a channel, with tag 1.
fn create(name: &[u8]) -> Vec<u8> {
    [&[0, 0, 1, u8::try_from(name.len()).unwrap()], name].concat()
}

/// Says this on all connections before the relay looks at any.
fn say_at_once(relay: &Running, endpoints: &[Endpoint], bytes: &[u8]) {
    let mut sockets: Vec<_> = endpoints.iter().map(|endpoint| endpoint.socket.try_clone().unwrap()).collect();
    let bytes = bytes.to_vec();
    relay.with(move |_| sockets.iter_mut().for_each(|socket| socket.write_all(&bytes).unwrap()));
}

/// How often the relay has turned.
fn turns(relay: &Running) -> u64 {
    relay.turns.load(Ordering::Relaxed)
}

#[test]
fn each_turn_checks_one_token() {
    let file = KeyFile::new(1);
    let relay = start(file.config());
    let count = 30;
    let mut endpoints: Vec<_> = (0..count).map(|_| relay.connect()).collect();
    relay.until(|stats| stats.connections == count);
    let before = turns(&relay);
    say_at_once(&relay, &endpoints, &[hello(&[FORGED]), create(b"a")].concat());
    for endpoint in &mut endpoints {
        assert_eq!(endpoint.control()[..2], [0, 3], "a hello is answered");
        assert_eq!(endpoint.control(), NOT_CREATED, "it waits until the token is checked");
    }
    let turns = turns(&relay) - before;
    assert!(turns >= count as u64, "{count} tokens in {turns} turns");
    assert_eq!(relay.stats().refused.of(Refused::NotPermitted), count as u64);
}

#[test]
fn a_hello_has_one_token() {
    let file = KeyFile::new(1);
    let relay = start(file.config());
    let mut endpoint = relay.connect();
    let good = file.token();
    endpoint.send(&hello(&[b"x", &good]));
    endpoint.send(&create(b"a"));
    assert_eq!(endpoint.control()[..2], [0, 3]);
    assert_eq!(endpoint.control(), NOT_CREATED, "what is behind the first one is passed over");
    endpoint.send(&hello(&[&good]));
    assert_eq!(endpoint.control()[..2], [0, 3]);
    endpoint.create(b"a");
}

#[test]
fn a_connection_ends_whose_tokens_do_not_count() {
    let file = KeyFile::new(1);
    let relay = start(file.config());
    let mut endpoint = relay.connect();
    // one that counts makes up for those before it
    for token in [FORGED, FORGED, &file.token(), FORGED, FORGED] {
        endpoint.send(&hello(&[token]));
        assert_eq!(endpoint.control()[..2], [0, 3]);
    }
    endpoint.create(b"a");
    let others: Vec<_> = (0..5).map(|_| relay.connect()).collect();
    relay.until(|stats| stats.connections == 6);
    say_at_once(&relay, &others, &hello(&[FORGED]).repeat(100));
    let stats = relay.until(|stats| stats.connections == 1);
    assert_eq!(stats.closed.of(Closed::Token), 5);
    endpoint.send(&hello(&[FORGED]));
    relay.until(|stats| stats.connections == 0 && stats.closed.of(Closed::Token) == 6);
}

#[test]
fn tokens_that_come_too_fast_wait_for_their_network() {
    let file = KeyFile::new(1);
    let burst = Duration::from_secs(1);
    let relay = start(Config { tokens_per_second_per_network: 4, burst, ..file.config() });
    let mut endpoints: Vec<_> = (0..8).map(|_| relay.connect()).collect();
    relay.until(|stats| stats.connections == 8);
    say_at_once(&relay, &endpoints, &hello(&[&file.token()]));
    for (number, endpoint) in endpoints.iter_mut().enumerate() {
        assert_eq!(endpoint.control()[..2], [0, 3], "the answer does not wait");
        endpoint.create(&[u8::try_from(number).unwrap()]);
    }
    let stats = relay.stats();
    assert!(stats.pauses.of(Paused::Tokens) > 0, "{stats:?}");
    assert_eq!(stats.closed.total(), 0);
}

#[test]
fn a_websocket_whose_network_shows_too_many_is_told_so() {
    let file = KeyFile::new(1);
    let burst = Duration::from_secs(60);
    let limited = Config { tokens_per_second_per_network: 1, burst, ..file.config() };
    let relay = start(limited);
    let token = String::from_utf8(file.token()).unwrap();
    let ask = |token: &str| {
        let mut endpoint = relay.connect();
        let request = REQUEST.replacen("GET /", &format!("GET /?token={token}"), 1);
        endpoint.socket.write_all(request.as_bytes()).unwrap();
        let mut status = [0; 12];
        endpoint.socket.read_exact(&mut status).unwrap();
        String::from_utf8(status.to_vec()).unwrap()
    };
    assert_eq!(ask(&token), "HTTP/1.1 101");
    let mut answers: Vec<_> = (0..200).map(|_| ask("x")).collect();
    answers.dedup();
    assert_eq!(answers[..2], ["HTTP/1.1 401", "HTTP/1.1 429"]);
    // one without a token is not meant
    let mut endpoint = relay.connect();
    endpoint.socket.write_all(REQUEST.as_bytes()).unwrap();
    let mut status = [0; 12];
    endpoint.socket.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 101");
}

/// Each of them is tried with each key.
#[test]
fn signed_names_are_work() {
    let file = KeyFile::new(60);
    let relay = start(file.config());
    let mut endpoint = relay.connect();
    endpoint.send(&create(b"a"));
    assert_eq!(endpoint.control(), NOT_CREATED);
    let signed = file.keys().sign_name("last", Action::Create, b"a", unix_now() + 1000).unwrap();
    let before = turns(&relay);
    let count = 40;
    say_at_once(&relay, std::slice::from_ref(&endpoint), &create(&signed).repeat(count));
    assert_eq!(endpoint.control()[..2], [1, 0]);
    for _ in 1..count {
        assert_eq!(endpoint.control(), NOT_CREATED);
    }
    let turns = turns(&relay) - before;
    assert!(turns >= 8, "{count} names in {turns} turns");
}
