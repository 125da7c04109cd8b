//! `peote-relay token`: what it makes is good, and what it says of it is true.
#![cfg(all(feature = "tokens", feature = "program"))]

mod program;

use program::{file, output, text};

/// Standard output of a command that succeeds.
#[track_caller]
fn run(arguments: &[&str]) -> String {
    let output = output(&[&["token"], arguments].concat());
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    text(&output.stdout)
}

/// The line on standard error of a command that fails.
#[track_caller]
fn fails(arguments: &[&str], code: i32) -> String {
    let output = output(&[&["token"], arguments].concat());
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
    text(&output.stderr)
}

#[test]
fn keys_tokens_and_signed_names_are_made_and_explained() {
    let (one, two) = (run(&["key", "one"]), run(&["key", "one"]));
    assert_ne!(one, two, "a key is random");
    let keys = file("token-keys.toml", &one);
    let other = file("token-other.toml", &two);
    let (keys, other) = (keys.to_str().unwrap(), other.to_str().unwrap());
    let signer = ["--keys", keys, "--key", "one"];
    let more = ["--subject", "ann", "--create", "a*", "--enter", "*", "--max-channels", "2"];
    let token = run(&[&["make"], &signer[..], &more].concat());
    let token = token.trim();
    let said = run(&["explain", "--keys", keys, token]);
    for part in ["HS256", "subject: \"ann\"", "may create: [\"a*\"]", "{\"channels\":2}", "signature: good"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(run(&["explain", "--keys", other, token]).contains("not good: made by no key"));
    assert!(!run(&["explain", token]).contains("signature"));

    let name = run(&[&["sign"], &signer[..], &["--enter", "lobby", "--expires-in", "1h"]].concat());
    let said = run(&["explain", "--keys", keys, name.trim()]);
    assert!(said.contains("name: \"lobby\"") && said.contains("good, for entering"), "{said}");
    let old = run(&[&["sign"], &signer[..], &["--create", "lobby", "--expires-in", "0"]].concat());
    let said = run(&["explain", "--keys", keys, old.trim()]);
    assert!(said.contains("good, for creating") || said.contains("expired"), "{said}");
}

#[test]
fn a_token_that_allows_nothing_is_warned_of_and_a_missing_key_is_looked_for_in_a_file() {
    let keys = file("token-bare.toml", &run(&["key", "one"]));
    let keys = keys.to_str().unwrap();
    let made = output(&["token", "make", "--keys", keys, "--key", "one"]);
    assert_eq!(made.status.code(), Some(0));
    assert!(text(&made.stderr).starts_with("peote-relay: this token allows nothing; say with --create"));
    assert!(run(&["explain", text(&made.stdout).trim()]).contains("may create: []"));
    let said = fails(&["make", "--keys", keys, "--key", "two"], 1);
    assert_eq!(said, format!("peote-relay: {keys}: there is no key with the id \"two\"\n"));
}

#[test]
fn a_private_key_signs_for_its_public_half() {
    let private = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIIXbxEYkZv6bWUqTxorRed7spTyBHN8WM87ZvYSiBGHq\n-----END PRIVATE KEY-----\n";
    let public = "0cjYUdYwOMIOpEAlZggyMdrvHpQUtgePmiohH9C5ON8";
    let key = format!("[[key]]\nid = \"e\"\nalgorithm = \"EdDSA\"\npublic = \"{public}\"\n");
    let (private, keys) = (file("token-private.pem", private), file("token-public.toml", &key));
    let (private, keys) = (private.to_str().unwrap(), keys.to_str().unwrap());
    let token = run(&["make", "--private-key", private, "--key", "e", "--enter", "*"]);
    let said = run(&["explain", "--keys", keys, token.trim()]);
    assert!(said.contains("EdDSA") && said.contains("signature: good"), "{said}");
    assert!(fails(&["make", "--keys", keys, "--key", "e"], 1).contains("give the private one"));
    assert!(fails(&["sign", "--keys", keys, "--key", "e", "--enter", "a"], 1).contains("for EdDSA"));
}

#[test]
fn what_is_wrong_is_one_line() {
    for (arguments, code, expected) in [
        (&["explain", "lobby"][..], 1, "neither a signed name (NAME~EXPIRY~MAC) nor a token"),
        (&["make", "--key", "one"], 2, "--keys"),
        (&["make", "--keys", "/nowhere.toml", "--key", "one"], 1, "cannot be read"),
        (&["mke"], 2, "mke"),
        (&[], 2, "peote-relay: a command is missing; see --help"),
    ] {
        let said = fails(arguments, code);
        assert!(said.contains(expected) && said.lines().count() == 1, "{said}");
    }
}
