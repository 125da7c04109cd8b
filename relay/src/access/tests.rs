//! Tokens and signed names that were made elsewhere (Python's hmac, OpenSSL), and what is made of
//! them.

use ring::hmac;

use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Until when everything here holds.
const EXPIRES: u64 = 2_000_000_000;
const NOW: u64 = EXPIRES - 1000;

const KEYS: &str = r#"
[[key]]
id = "h"
algorithm = "HS256"
secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
[[key]]
id = "e"
algorithm = "EdDSA"
public = """
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA0cjYUdYwOMIOpEAlZggyMdrvHpQUtgePmiohH9C5ON8=
-----END PUBLIC KEY-----
"""
"#;

const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIIXbxEYkZv6bWUqTxorRed7spTyBHN8WM87ZvYSiBGHq\n-----END PRIVATE KEY-----\n";

const CREATE_LOBBY: &[u8] = b"lobby~77359400~PM9eSHsSTKPOuQzpbnLYiQ";
const ENTER_LOBBY: &[u8] = b"lobby~77359400~VzsOSSs4FX7X30EKHG_MAg";
const ENTER_EMPTY: &[u8] = b"~77359400~EM_rpmerqrZqexqPpL-npQ";
const ENTER_TILDE: &[u8] = b"a~b~77359400~gsfKMK5-ttAeY1Ln1z3k8A";

/// `{"alg":"HS256","typ":"JWT","kid":"h"}`
/// `{"sub":"ann","exp":2000000000,"create":["game-*"],"enter":"*"}`
const ANN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImgifQ.\
    eyJzdWIiOiJhbm4iLCJleHAiOjIwMDAwMDAwMDAsImNyZWF0ZSI6WyJnYW1lLSoiXSwiZW50ZXIiOiIqIn0.\
    rQO-mtw3WKaqyC3l5aPQHtsif1rhaL-6GQQj1xGaQiE";

/// `{"alg":"EdDSA","kid":"e"}` `{"sub":"bob","exp":2000000000,"enter":["tea"]}`
const BOB: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6ImUifQ.\
    eyJzdWIiOiJib2IiLCJleHAiOjIwMDAwMDAwMDAsImVudGVyIjpbInRlYSJdfQ.\
    9LmhMyvzmXh1QMMZiPklYDdG3hgJQGKz0hK5pMRw45ZqMOYQNJ_TSm25HjyVnv8wmx8ZL05eVJtkJ1IxLiGTBA";

/// HS256 with the public key of `e` as the secret, and `"kid":"e"`.
const CONFUSED: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImUifQ.\
    eyJzdWIiOiJldmUiLCJleHAiOjIwMDAwMDAwMDAsImVudGVyIjpbIioiXX0.\
    yvlG_GHR8PLvp8Az8-kc1_RENWnKyPwCQ_-XPCitryA";

/// `{"alg":"none"}`
const NONE: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJldmUiLCJleHAiOjIwMDAwMDAwMDAsImVudGVyIjpbIioiXX0.";

fn keys() -> Keys {
    Keys::parse(KEYS).unwrap()
}

fn check(token: &str) -> Result<Permit, Denied> {
    keys().check(token.as_bytes(), NOW, 0)
}

/// A token with this header and these claims, properly signed by key `h`.
fn signed(header: &str, claims: &str) -> String {
    let secret: Vec<u8> = (0..32).collect();
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

#[test]
fn tokens_of_others_are_understood() {
    let ann = check(ANN).unwrap();
    assert_eq!((ann.subject(), ann.expires()), ("ann", EXPIRES));
    for (action, name, expected) in [
        (Action::Create, &b"game-1"[..], Ok(())),
        (Action::Create, b"lobby", Err(Denied::Pattern)),
        (Action::Enter, b"lobby", Ok(())),
        (Action::Enter, b"", Ok(())),
    ] {
        assert_eq!(ann.allows(action, name, NOW, 0), expected);
    }
    let bob = check(BOB).unwrap();
    assert_eq!(bob.allows(Action::Enter, b"tea", NOW, 0), Ok(()));
    assert_eq!(bob.allows(Action::Enter, b"teas", NOW, 0), Err(Denied::Pattern));
    assert_eq!(bob.allows(Action::Create, b"tea", NOW, 0), Err(Denied::Pattern));
}

/// To try a key for Ed25519 takes long.
#[test]
fn only_so_many_keys_are_tried_with_a_token_that_names_none() {
    let of = |count: usize, algorithm: &str, key: &str| -> String {
        let key =
            |number| format!("[[key]]\nid = \"{algorithm}{number}\"\nalgorithm = \"{algorithm}\"\n{key}\n");
        (0..count).map(key).collect()
    };
    let secret = "secret = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"";
    let public = "public = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"";
    let claims = r#"{"exp":2000000000,"enter":"*"}"#;
    let (named, unnamed) = (r#"{"alg":"HS256","kid":"HS2560"}"#, r#"{"alg":"HS256"}"#);
    for (secrets, expected) in [(0, Err(Denied::Forged)), (8, Ok(())), (9, Err(Denied::NoKey))] {
        let text = of(secrets, "HS256", secret) + &of(50, "EdDSA", public);
        let keys = Keys::parse(&text).unwrap();
        let check = |token: &str| keys.check(token.as_bytes(), NOW, 0).map(|_| ());
        assert_eq!(check(&signed(unnamed, claims)), expected, "{secrets}");
        assert_eq!(check(&signed(named, claims)).is_ok(), secrets > 0, "{secrets}");
        let (head, rest) = BOB.split_once('.').unwrap();
        assert_eq!(check(&format!("{head}.{rest}")), Err(Denied::Forged), "of another key");
        let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#);
        assert_eq!(check(&format!("{head}.{rest}")), Err(Denied::NoKey));
    }
}

#[test]
fn no_bit_of_a_token_can_be_changed() {
    for token in [ANN, BOB] {
        for place in 0..token.len() {
            let mut changed = token.as_bytes().to_vec();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            // the last digit of a signature has bits that stand for nothing, which have to be 0
            assert!(keys().check(&changed, NOW, 0).is_err(), "{place}");
        }
        for len in 0..token.len() {
            assert!(keys().check(&token.as_bytes()[..len], NOW, 0).is_err(), "{len}");
        }
    }
}

#[test]
fn a_key_is_good_for_its_own_algorithm_only() {
    assert_eq!(check(NONE), Err(Denied::Algorithm));
    assert_eq!(check(CONFUSED), Err(Denied::Algorithm));
    let claims = r#"{"exp":2000000000,"enter":"*"}"#;
    assert!(check(&signed(r#"{"alg":"HS256"}"#, claims)).is_ok());
    for header in [
        r#"{"alg":"none","kid":"h"}"#,
        r#"{"alg":"NONE"}"#,
        r#"{"alg":"HS384","kid":"h"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"EdDSA","kid":"h"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"kid":"h"}"#,
    ] {
        assert!(check(&signed(header, claims)).is_err(), "{header}");
    }
    // a key of the relay's own choice, and extensions that have to be understood
    assert_eq!(check(&signed(r#"{"alg":"HS256","kid":"e"}"#, claims)), Err(Denied::Algorithm));
    assert_eq!(check(&signed(r#"{"alg":"HS256","kid":"x"}"#, claims)), Err(Denied::Forged));
    assert!(check(&signed(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, claims)).is_err());
}

#[test]
fn what_is_no_token_is_refused_whatever_its_length() {
    let long = "a".repeat(1 << 20);
    let dots = ".".repeat(MAX_TOKEN);
    for token in ["", ".", "..", "...", "a.b.c", "\0", &long, &dots, "eyJhbGciOiJIUzI1NiJ9..", "ä.ö.ü"] {
        assert!(check(token).is_err());
    }
    assert_eq!(check(""), Err(Denied::NoToken));
    assert_eq!(check(&long), Err(Denied::NoToken));
    let patterns = vec!["x".repeat(200); 20];
    let claims = format!("{{\"exp\":{EXPIRES},\"enter\":{patterns:?}}}");
    assert_eq!(check(&signed(r#"{"alg":"HS256"}"#, &claims)), Err(Denied::NoToken));
}

#[test]
fn times_are_kept_to_with_some_leeway() {
    let keys = keys();
    let at = |now, leeway| keys.check(ANN.as_bytes(), now, leeway).map(|_| ());
    assert_eq!(at(EXPIRES - 1, 0), Ok(()));
    assert_eq!(at(EXPIRES, 0), Err(Denied::Expired));
    assert_eq!(at(EXPIRES + 9, 10), Ok(()));
    assert_eq!(at(EXPIRES + 10, 10), Err(Denied::Expired));
    assert_eq!(at(0, u64::MAX), Ok(()));
    let later = signed(r#"{"alg":"HS256"}"#, r#"{"exp":2000000000,"nbf":1999999000.5,"enter":"*"}"#);
    let at = |now, leeway| keys.check(later.as_bytes(), now, leeway).map(|_| ());
    assert_eq!(at(1_999_999_000, 0), Ok(()));
    assert_eq!(at(1_999_998_999, 0), Err(Denied::NotYet));
    assert_eq!(at(1_999_998_990, 10), Ok(()));
    assert_eq!(at(1_999_998_989, 10), Err(Denied::NotYet));
    // a permit that was good when it was shown ends as well
    let permit = keys.check(ANN.as_bytes(), NOW, 0).unwrap();
    assert_eq!(permit.allows(Action::Enter, b"a", EXPIRES, 0), Err(Denied::Expired));
}

#[test]
fn claims_have_to_be_as_they_should_be() {
    let header = r#"{"alg":"HS256","kid":"h"}"#;
    for (claims, expected) in [
        (r#"{"enter":"*"}"#, Denied::Claim),
        (r#"{"exp":"2000000000","enter":"*"}"#, Denied::Claim),
        (r#"{"exp":-1,"enter":"*"}"#, Denied::Claim),
        (r#"{"exp":1e300,"enter":"*"}"#, Denied::Claim),
        (r#"{"exp":null,"enter":"*"}"#, Denied::Claim),
        (r#"{"exp":2000000000,"enter":7}"#, Denied::Claim),
        (r#"{"exp":2000000000,"limits":{"chanels":1}}"#, Denied::Claim),
        (r#"{"exp":2000000000,"aud":"another","enter":"*"}"#, Denied::Claim),
        ("[]", Denied::Claim),
        ("{", Denied::Claim),
    ] {
        assert_eq!(check(&signed(header, claims)), Err(expected), "{claims}");
    }
    let good =
        r#"{"exp":2000000000.0,"aud":["x","peote-relay"],"iss":"us","limits":{"channels":2,"bytes":0}}"#;
    let permit = check(&signed(header, good)).unwrap();
    assert_eq!(permit.limits(), Limits { channels: Some(2), bytes: Some(0), ..Limits::default() });
    assert_eq!(permit.allows(Action::Enter, b"", NOW, 0), Err(Denied::Pattern), "no pattern, no name");
}

#[test]
fn signed_names_of_others_are_understood() {
    let keys = keys();
    for (action, given, name) in [
        (Action::Create, CREATE_LOBBY, &b"lobby"[..]),
        (Action::Enter, ENTER_LOBBY, b"lobby"),
        (Action::Enter, ENTER_EMPTY, b""),
        (Action::Enter, ENTER_TILDE, b"a~b"),
    ] {
        let checked = keys.check_name(action, given, NOW, 0).map(|(name, _)| name);
        assert_eq!(checked, Ok(name));
        assert_eq!(keys.sign_name("h", action, name, EXPIRES).unwrap(), given);
        let other = if action == Action::Create { Action::Enter } else { Action::Create };
        assert_eq!(keys.check_name(other, given, NOW, 0), Err(Denied::Forged));
        assert_eq!(keys.check_name(action, given, EXPIRES, 0), Err(Denied::Expired));
        assert!(keys.check_name(action, given, EXPIRES + 5, 10).is_ok());
    }
}

#[test]
fn no_byte_of_a_signed_name_can_be_changed() {
    let keys = keys();
    for place in 0..ENTER_LOBBY.len() {
        for byte in [b'A', b'f', b'0', b'~', 0xff] {
            let mut changed = ENTER_LOBBY.to_vec();
            if std::mem::replace(&mut changed[place], byte) != byte {
                assert!(keys.check_name(Action::Enter, &changed, NOW, 0).is_err(), "{place} {byte}");
            }
        }
    }
    let moved = [b"lobby2", &ENTER_LOBBY[5..]].concat();
    assert_eq!(keys.check_name(Action::Enter, &moved, NOW, 0), Err(Denied::Forged));
    // what is signed is one text: nothing can be moved over the border between name and expiry
    let longer = [b"lobby~7", &ENTER_LOBBY[6..]].concat();
    assert!(keys.check_name(Action::Enter, &longer, NOW, 0).is_err());
}

#[test]
fn names_with_tildes_are_names() {
    for name in [
        &b"a~b"[..],
        b"~",
        b"~~",
        b"",
        b"lobby~77359400~",
        b"lobby~77359400~VzsOSSs4FX7X30EKHG_MA",
        b"lobby~77359400~VzsOSSs4FX7X30EKHG_MAgg",
        b"lobby~7735940G~VzsOSSs4FX7X30EKHG_MAg",
        b"lobby~7735940F~VzsOSSs4FX7X30EKHG_MAg",
        b"lobby~~VzsOSSs4FX7X30EKHG_MAg",
        b"lobby~12345678123456781~VzsOSSs4FX7X30EKHG_MAg",
        b"lobby~77359400~VzsOSSs4FX7X30EKHG+MAg",
        b"77359400~VzsOSSs4FX7X30EKHG_MAg",
        b"lobby~77359400~VzsOSSs4FX7X30EKHG_M\xc3\xa4",
    ] {
        assert_eq!(split(name), None, "{}", String::from_utf8_lossy(name));
        assert_eq!(keys().check_name(Action::Enter, name, NOW, 0), Err(Denied::Nothing));
    }
    assert_eq!(split(ENTER_TILDE), Some((&b"a~b"[..], "77359400", "gsfKMK5-ttAeY1Ln1z3k8A")));
}

#[test]
fn tokens_that_are_made_here_are_good_here() {
    let keys = keys();
    let claims = Claims {
        sub: "cat".into(),
        exp: EXPIRES,
        nbf: NOW,
        create: vec!["a*".into()],
        limits: Limits { channels: Some(3), ..Limits::default() },
        ..Claims::default()
    };
    for key in
        [keys.signing_key("h").unwrap(), SigningKey::from_private_pem("e", PRIVATE.as_bytes()).unwrap()]
    {
        let token = key.token(&claims).unwrap();
        let permit = keys.check(token.as_bytes(), NOW, 0).unwrap();
        assert_eq!(permit.subject(), "cat");
        assert_eq!(permit.allows(Action::Create, b"abc", NOW, 0), Ok(()));
        let explained = Keys::explain(token.as_bytes()).unwrap();
        assert_eq!(explained.claims, claims);
        assert_eq!(keys.check(token.as_bytes(), NOW - 1, 0), Err(Denied::NotYet));
    }
    assert!(keys.signing_key("e").unwrap_err().contains("private"));
    assert!(keys.sign_name("e", Action::Create, b"a", EXPIRES).is_err());
    assert!(keys.sign_name("h", Action::Create, &[b'x'; 224], EXPIRES).is_err());
}

#[test]
fn what_is_wrong_with_a_file_is_said_and_no_secret() {
    let key = |rest: &str| format!("[[key]]\nid = \"a\"\n{rest}\n");
    for (text, expected) in [
        (String::new(), "there is no [[key]]"),
        ("x".into(), "line 1: "),
        (key("algorithm = \"HS256\"\nsecrat = \"QUJDQUJDQUJDQUJDQUJDQQ\""), "unknown field `secrat`"),
        (key("algorithm = \"HS256\"\nsecret = \"QUJDQUJDQUJDQUJDQUJDQQ"), "line 4: "),
        (key("algorithm = \"HS256\"\nsecret = \"QUJD\""), "less than 16 bytes"),
        (key("algorithm = \"HS256\"\nsecret = \"QUJD!\""), "not base64url"),
        (key("algorithm = \"HS256\"\npublic = \"QUJD\""), "HS256 needs secret"),
        (key("algorithm = \"EdDSA\"\nsecret = \"QUJD\""), "EdDSA needs public"),
        (key("algorithm = \"EdDSA\"\npublic = \"QUJD\""), "not a key for Ed25519"),
        (key("algorithm = \"none\""), "neither HS256 nor EdDSA"),
        (KEYS.replace("\"e\"", "\"h\""), "another one with this id"),
    ] {
        let what = Keys::parse(&text).unwrap_err();
        assert!(what.contains(expected), "{what}");
        assert!(!what.contains("QUJD"), "{what}");
    }
    let many: String = (0..65)
        .map(|id| format!("[[key]]\nid = \"{id}\"\nalgorithm = \"HS256\"\nsecret = \"{}\"\n", "A".repeat(43)))
        .collect();
    assert!(Keys::parse(&many).unwrap_err().contains("more than 64"));
    assert!(!format!("{:?}", keys()).contains("secret"));
}

#[test]
fn a_key_is_known_by_all_that_it_is() {
    let before = keys();
    let after = Keys::parse(&KEYS.replace("AAEC", "BBEC")).unwrap();
    assert_ne!(before.keys[0].fingerprint, after.keys[0].fingerprint);
    assert!(after.has(before.keys[1].fingerprint) && !after.has(before.keys[0].fingerprint));
    // raw and DER in base64url are the same key as PEM
    let pem = &KEYS[KEYS.find("\"\"\"").unwrap()..];
    for text in [
        "0cjYUdYwOMIOpEAlZggyMdrvHpQUtgePmiohH9C5ON8",
        "MCowBQYDK2VwAyEA0cjYUdYwOMIOpEAlZggyMdrvHpQUtgePmiohH9C5ON8=",
    ] {
        let again = Keys::parse(&KEYS.replace(pem, &format!("\"{text}\"\n"))).unwrap();
        assert!(again.has(before.keys[1].fingerprint));
    }
}
