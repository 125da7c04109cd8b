//! Who may create and enter what: tokens over `WebSocket`, signed names of all endpoints,
//! connections without either.
#![cfg(feature = "tokens")]

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use common::websocket::{Browser, REQUEST, head};
use common::{Endpoint, Running, config, start, talk};
use peote_relay::access::{Action, Claims, Keys, Limits, unix_now};
use peote_relay::{Access, Config, Refused, Revoked};

/// What endpoints are told: creating, as if the name were in use, and entering, as if there were no
/// such channel.
const NOT_CREATED: [u8; 3] = [1, 1, 2];
const NOT_ENTERED: [u8; 3] = [1, 1, 1];

/// A file with keys for HS256, of these ids; gone with the test.
struct KeyFile(PathBuf);

impl KeyFile {
    fn new(ids: &[&str]) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file =
            Self(std::env::temp_dir().join(format!("peote-keys-{}-{number}.toml", std::process::id())));
        file.write(ids);
        file
    }

    fn write(&self, ids: &[&str]) {
        let keys = ids.iter().map(|id| {
            let secret = format!("{id:A<43}");
            format!("[[key]]\nid = \"{id}\"\nalgorithm = \"HS256\"\nsecret = \"{secret}\"\n")
        });
        fs::write(&self.0, keys.collect::<String>()).unwrap();
    }

    fn keys(&self) -> Keys {
        Keys::read(&self.0).unwrap()
    }

    fn sign(&self, action: Action, name: &[u8]) -> Vec<u8> {
        self.keys().sign_name("one", action, name, unix_now() + 1000).unwrap()
    }

    fn token(&self, change: impl Fn(&mut Claims)) -> String {
        let mut claims = Claims::default();
        (claims.sub, claims.exp) = ("ann".into(), unix_now() + 1000);
        (claims.create, claims.enter) = (vec!["a*".into()], vec!["*".into()]);
        change(&mut claims);
        self.keys().signing_key("one").unwrap().token(&claims).unwrap()
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn with(access: Access, path: &Path) -> Config {
    Config { access, access_keys: Some(path.into()), ..config() }
}

/// A command with tag 1, and its answer.
#[track_caller]
fn ask(endpoint: &mut Endpoint, command: u8, name: &[u8]) -> Vec<u8> {
    endpoint.send(&[&[0, command, 1, u8::try_from(name.len()).unwrap()], name].concat());
    endpoint.control()
}

#[track_caller]
fn ask_browser(browser: &mut Browser, command: u8, name: &[u8]) -> Vec<u8> {
    browser.send(&[&[0, command, 1, u8::try_from(name.len()).unwrap()], name].concat());
    browser.control()
}

/// What the relay says to a request for a WebSocket at this target, with these header lines.
fn request(relay: &Running, target: &str, header: &str) -> (Endpoint, String) {
    let mut endpoint = relay.connect();
    let request = REQUEST.replacen("GET /", &format!("GET {target}"), 1);
    let request = request.replacen("\r\nUpgrade", &format!("\r\n{header}Upgrade"), 1);
    endpoint.socket.write_all(request.as_bytes()).unwrap();
    let response = head(&mut endpoint.socket);
    (endpoint, response)
}

#[track_caller]
fn browser(relay: &Running, token: &str) -> Browser {
    let (endpoint, response) = request(relay, &format!("/?token={token}"), "");
    assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
    Browser::behind(endpoint.socket)
}

#[test]
fn signed_names_are_for_every_endpoint_and_stand_for_the_name() {
    let file = KeyFile::new(&["two", "one"]);
    let relay = start(with(Access::Tokens, &file.0));
    let (mut server, mut user) = (relay.connect(), relay.connect());
    server.create(&file.sign(Action::Create, b"a~b"));
    user.enter(&file.sign(Action::Enter, b"a~b"));
    server.control();
    talk(&mut server, &mut user);
    // the same name by another signature is the same channel
    let later = file.keys().sign_name("two", Action::Enter, b"a~b", unix_now() + 5000).unwrap();
    assert_eq!(ask(&mut user, 1, &later), [1, 1, 3]);
    assert_eq!(relay.stats().refused.of(Refused::AlreadyEntered), 1);
}

#[test]
fn refusals_say_nothing_of_what_there_is() {
    let file = KeyFile::new(&["one"]);
    let relay = start(with(Access::Tokens, &file.0));
    let (mut server, mut other) = (relay.connect(), relay.connect());
    server.create(&file.sign(Action::Create, b"a"));
    let create = file.sign(Action::Create, b"a");
    let mut forged = file.sign(Action::Enter, b"a");
    forged[1..].reverse();
    let last = forged.len() - 1;
    let (mut moved, mut changed) = (file.sign(Action::Enter, b"b"), file.sign(Action::Enter, b"a"));
    moved[0] = b'a';
    changed[last] ^= 1;
    let old = file.keys().sign_name("one", Action::Enter, b"a", unix_now() - 20).unwrap();
    for name in [&b"a"[..], b"none", b"", b"a~1~2", &create, &forged, &moved, &changed, &old] {
        assert_eq!(ask(&mut other, 1, name), NOT_ENTERED, "{}", String::from_utf8_lossy(name));
    }
    let enter = file.sign(Action::Enter, b"a");
    for name in [&b"a"[..], b"none", &enter] {
        assert_eq!(ask(&mut other, 0, name), NOT_CREATED, "{}", String::from_utf8_lossy(name));
    }
    let refused = relay.stats().refused;
    assert_eq!(refused.of(Refused::Expired), 1);
    assert_eq!(refused.of(Refused::NotPermitted) + refused.of(Refused::Forged), 11);
    // a clock may be wrong by a little
    let skewed = file.keys().sign_name("one", Action::Enter, b"a", unix_now() - 2).unwrap();
    assert_eq!(ask(&mut other, 1, &skewed), [1, 0, 0]);
}

#[test]
fn a_token_says_what_its_connection_may() {
    let file = KeyFile::new(&["one"]);
    let relay = start(Config { details: true, ..with(Access::Tokens, &file.0) });
    let mut ann = browser(&relay, &file.token(|_| ()));
    assert_eq!(ask_browser(&mut ann, 0, b"abc"), [1, 0, 0]);
    assert_eq!(ask_browser(&mut ann, 0, b"bcd"), NOT_CREATED);
    let (bob, response) = request(&relay, "/", &format!("Authorization: Bearer {}\r\n", file.token(|_| ())));
    assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
    let mut bob = Browser::behind(bob.socket);
    assert_eq!(ask_browser(&mut bob, 1, b"abc"), [1, 0, 0]);
    // one without can do nothing, but come
    let mut nobody = Browser::new(&relay);
    assert_eq!(ask_browser(&mut nobody, 1, b"abc"), NOT_ENTERED);
    assert_eq!(ask_browser(&mut nobody, 1, &file.sign(Action::Enter, b"abc")), [1, 0, 0]);
    assert_eq!((ann.control(), ann.control()), (vec![0, 0, 0, 0], vec![0, 0, 0, 1]));
    // a signed name goes beyond the token
    assert_eq!(ask_browser(&mut ann, 0, &file.sign(Action::Create, b"bcd"))[..2], [1, 0]);
    let page = common::websocket::response(&relay, b"GET /details HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert!(page.contains("\"subject\":\"ann\""), "{page}");
}

#[test]
fn a_token_that_does_not_count_is_no_way_in() {
    let file = KeyFile::new(&["one"]);
    let other = KeyFile::new(&["one"]);
    fs::write(&other.0, fs::read_to_string(&file.0).unwrap().replace("AAA", "BBB")).unwrap();
    let mixed = Config { anonymous_enter: vec!["*".into()], ..with(Access::Mixed, &file.0) };
    for config in [with(Access::Tokens, &file.0), mixed] {
        let relay = start(config);
        let expired = file.token(|claims| claims.exp = unix_now() - 100);
        let early = file.token(|claims| claims.nbf = unix_now() + 100);
        let huge = "a".repeat(8000);
        for token in [&other.token(|_| ()), &expired, &early, "", "x", &huge, "eyJhbGciOiJub25lIn0.e30."] {
            let (_, response) = request(&relay, &format!("/?token={token}"), "");
            assert!(response.starts_with("HTTP/1.1 401 "), "{token}: {response}");
            assert!(response.contains("\r\nWWW-Authenticate: Bearer"), "{response}");
        }
        let (_, response) = request(&relay, "/", "Authorization: Bearer x\r\n");
        assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
    }
    // where access is open nobody looks
    let relay = start(config());
    let (_, response) = request(&relay, "/?token=x", "");
    assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
    assert_eq!(relay.connect().create(b"a~1~VzsOSSs4FX7X30EKHG_MAg"), 0);
}

#[test]
fn those_without_have_names_and_limits_of_their_own() {
    let file = KeyFile::new(&["one"]);
    let relay = start(Config {
        anonymous_create: vec!["pub-*".into()],
        anonymous_enter: vec!["pub-*".into(), "lobby".into()],
        anonymous_max_channels: 1,
        ..with(Access::Mixed, &file.0)
    });
    let mut server = relay.connect();
    assert_eq!(ask(&mut server, 0, b"lobby"), NOT_CREATED);
    server.create(b"pub-1");
    assert_eq!(ask(&mut server, 0, b"pub-2"), [1, 1, 1], "too many channels");
    // who shows something is no longer among them
    server.create(&file.sign(Action::Create, b"lobby"));
    assert_eq!(ask(&mut server, 0, b"pub-2"), [1, 0, 2]);
    let mut user = relay.connect();
    assert_eq!(ask(&mut user, 1, b"lobby"), [1, 0, 0]);
    assert_eq!(ask(&mut user, 1, b"pub-1"), [1, 1, 5]);
    let mut ann = browser(&relay, &file.token(|claims| claims.enter.clear()));
    assert_eq!(ask_browser(&mut ann, 1, b"pub-1"), [1, 0, 0], "what everybody may");
    assert_eq!(ask_browser(&mut ann, 1, b"lobby"), [1, 0, 1]);
    assert_eq!(ask_browser(&mut ann, 1, b"other"), NOT_ENTERED);
}

#[test]
fn a_token_has_limits_of_its_own() {
    let file = KeyFile::new(&["one"]);
    let relay = start(with(Access::Tokens, &file.0));
    let token = file.token(|claims| {
        let mut limits = Limits::default();
        (limits.channels, limits.connections) = (Some(2), Some(2));
        claims.limits = limits;
    });
    let mut ann = browser(&relay, &token);
    assert_eq!(ask_browser(&mut ann, 0, b"a1"), [1, 0, 0]);
    assert_eq!(ask_browser(&mut ann, 0, b"a2"), [1, 0, 1]);
    assert_eq!(ask_browser(&mut ann, 0, b"a3"), [1, 1, 1]);
    let again = browser(&relay, &token);
    let (_, response) = request(&relay, &format!("/?token={token}"), "");
    assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
    drop(again);
    relay.until(|stats| stats.connections == 1);
    browser(&relay, &token);
}

#[test]
fn a_key_that_is_taken_away_opens_nothing_more() {
    let file = KeyFile::new(&["one", "two"]);
    let relay = start(with(Access::Tokens, &file.0));
    let token = file.token(|_| ());
    let signed = file.sign(Action::Enter, b"a1");
    let mut ann = browser(&relay, &token);
    assert_eq!(ask_browser(&mut ann, 0, b"a1"), [1, 0, 0]);
    let (mut user, mut bystander) = (relay.connect(), relay.connect());
    assert_eq!(ask(&mut user, 1, &signed), [1, 0, 0]);
    assert_eq!(ann.control(), [0, 0, 0, 0]);
    bystander.create(&by_two(b"b"));
    let reload = |revoked| {
        let config = Config { access_revoked: revoked, ..with(Access::Tokens, &file.0) };
        relay.with(|relay| relay.reconfigure(config).map(|_| ()))
    };

    // those in stay
    file.write(&["two"]);
    assert_eq!(reload(Revoked::Keep), Ok(()));
    assert_eq!(ask_browser(&mut ann, 0, b"a2"), NOT_CREATED);
    user.send(&common::to_server(0, b"hello"));
    assert_eq!(ann.bytes(8), [&[7, 128, 0][..], b"hello"].concat());
    let (_, response) = request(&relay, &format!("/?token={token}"), "");
    assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
    assert_eq!(ask(&mut bystander, 1, &signed), NOT_ENTERED);

    // a file that is wrong changes nothing
    fs::write(&file.0, "nonsense").unwrap();
    assert!(reload(Revoked::Close).is_err());
    bystander.create(&by_two(b"c"));

    // those in go
    file.write(&["two"]);
    assert_eq!(reload(Revoked::Close), Ok(()));
    ann.is_closed(Some(1008));
    user.is_closed();
    assert_eq!(ask(&mut bystander, 0, &by_two(b"d"))[..2], [1, 0]);
}

/// A name that key `two` has signed: keys are the same in every file.
fn by_two(name: &[u8]) -> Vec<u8> {
    let file = KeyFile::new(&["two"]);
    file.keys().sign_name("two", Action::Create, name, unix_now() + 1000).unwrap()
}

/// A hello with these items, each a kind and its bytes.
fn hello(items: &[(u8, &[u8])]) -> Vec<u8> {
    let items: Vec<u8> = items
        .iter()
        .flat_map(|(kind, bytes)| [&[*kind, u8::try_from(bytes.len()).unwrap()], *bytes].concat())
        .collect();
    [&[0, 6, 0, u8::try_from(items.len()).unwrap()], &items[..]].concat()
}

/// Says hello with this token, in parts of so many bytes, and takes the answers.
fn say_hello(endpoint: &mut Endpoint, token: &[u8], part: usize) {
    let parts: Vec<_> = token.chunks(part).collect();
    let (last, parts) = parts.split_last().unwrap();
    for part in parts {
        endpoint.send(&hello(&[(4, part)]));
    }
    endpoint.send(&hello(&[(5, last)]));
    for _ in 0..=parts.len() {
        assert_eq!(endpoint.control()[..2], [0, 3], "a hello is answered");
    }
}

#[test]
fn a_token_comes_in_the_hello_whole_or_in_parts() {
    let file = KeyFile::new(&["one"]);
    let relay = start(with(Access::Tokens, &file.0));
    let token = file.token(|_| ());
    for part in [245, 100, 1] {
        if token.len() > part * 300 {
            continue;
        }
        let mut endpoint = relay.connect();
        assert_eq!(ask(&mut endpoint, 0, b"abc"), NOT_CREATED);
        say_hello(&mut endpoint, token.as_bytes(), part);
        endpoint.create(b"abc");
        assert_eq!(ask(&mut endpoint, 0, b"bcd"), NOT_CREATED);
        drop(endpoint);
        relay.until(|stats| stats.channels == 0);
    }
}

#[test]
fn a_token_in_a_hello_that_does_not_count_changes_nothing() {
    let file = KeyFile::new(&["one"]);
    let relay = start(with(Access::Tokens, &file.0));
    let expired = file.token(|claims| claims.exp = unix_now() - 100);
    let long = vec![b'a'; 100_000];
    for token in [expired.as_bytes(), &long, b"x"] {
        let mut endpoint = relay.connect();
        say_hello(&mut endpoint, token, 200);
        assert_eq!(ask(&mut endpoint, 0, b"abc"), NOT_CREATED);
        // nor is anything left of it
        say_hello(&mut endpoint, file.token(|_| ()).as_bytes(), 100);
        endpoint.create(b"abc");
        say_hello(&mut endpoint, token, 200);
        endpoint.create(b"abd");
        drop(endpoint);
        relay.until(|stats| stats.channels == 0);
    }
    assert_eq!(relay.stats().queued_bytes, 0);
}
