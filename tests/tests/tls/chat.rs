//! Chats over TLS, beside those without.

use super::Files;
use super::running::{Ended, Running};

/// A relay with a port without TLS and one with it: itself, and both ports as what `--relay` takes.
fn relay(files: &Files, listen_tls: &str) -> (Running, String, String) {
    let (certificate, key) = (files.certificate(), files.key());
    let mut relay = Running::start(
        "peote-relay",
        &[
            "--listen",
            "127.0.0.1:0",
            "--listen-tls",
            listen_tls,
            "--tls-certificate",
            certificate.to_str().unwrap(),
            "--tls-key",
            key.to_str().unwrap(),
            "--log-level",
            "error",
        ],
    );
    let mut port = |text: &str| {
        let line = relay.expect("listening on ");
        let address = line.split_whitespace().find(|word| word.starts_with("127.0.0.1:")).unwrap();
        assert_eq!(line.contains("with TLS"), text == "TLS", "{line}");
        address.rsplit(':').next().unwrap().to_owned()
    };
    let (plain, tls) = (port("plain"), port("TLS"));
    (relay, format!("127.0.0.1:{plain}"), format!("localhost:{tls}"))
}

fn chat(relay: &str, name: &str, others: &[&str]) -> Running {
    Running::start("chat", &[&["--relay", relay, "--name", name][..], others, &["tea"]].concat())
}

#[test]
fn chats_with_and_without_tls_are_in_one_room_and_come_back() {
    let files = Files::new();
    let ca = files.ca();
    let tls = ["--tls", "--ca", ca.to_str().unwrap()];
    let (relay_program, plain_address, tls_address) = relay(&files, "127.0.0.1:0");
    let mut anna = chat(&tls_address, "anna", &tls);
    anna.expect("-- you are anna, and you run the server of room tea");
    let mut bob = chat(&plain_address, "bob", &[]);
    bob.expect("-- you are bob in room tea; anna runs the server");
    anna.expect("-- bob joined");
    // what the system trusts, by way of the environment
    let trusting = [("SSL_CERT_FILE", ca.to_str().unwrap())];
    let arguments = ["--relay", &tls_address, "--name", "eve", "--tls", "tea"];
    let mut eve = Running::start_in("chat", &arguments, &trusting);
    eve.expect("-- you are eve in room tea; anna runs the server");
    anna.type_in("hello");
    bob.expect("<anna> hello");
    eve.expect("<anna> hello");
    bob.type_in("hi");
    anna.expect("<bob> hi");
    eve.expect("<bob> hi");
    bob.type_in("/quit");
    assert_eq!(bob.end().code, Some(0));
    anna.expect("-- bob left");

    drop(relay_program);
    for one in [&mut anna, &mut eve] {
        one.expect("; trying to connect again");
    }
    let port = tls_address.rsplit(':').next().unwrap();
    let (_relay, ..) = relay(&files, &format!("127.0.0.1:{port}"));
    for one in [&mut anna, &mut eve] {
        one.expect("-- connected again");
        one.expect("-- you are ");
    }
    anna.type_in("again");
    eve.expect("<anna> again");
    // the end of the input is as good as /quit
    for mut one in [eve, anna] {
        assert_eq!(one.end().code, Some(0));
    }
}

/// One line on standard error with `parts` in it, and an exit code.
#[track_caller]
fn assert_refused(mut chat: Running, code: i32, parts: &[&str]) {
    let Ended { code: found, output, errors } = chat.end();
    assert_eq!(found, Some(code), "{output}\n{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    for part in parts {
        assert!(errors.contains(part), "no {part:?} in {errors}");
    }
}

#[test]
fn what_keeps_chat_from_tls_is_said_in_one_line() {
    let files = Files::new();
    let (_relay, plain, tls) = relay(&files, "127.0.0.1:0");
    let (ca, key) = (files.ca(), files.key());
    let (ca, key) = (ca.to_str().unwrap(), key.to_str().unwrap());
    let other = Files::new();
    let other_ca = other.ca();
    let unknown =
        ["cannot connect to localhost:", "signed by no authority that is trusted here", "(--ca FILE)"];
    assert_refused(chat(&tls, "a", &["--tls", "--ca", other_ca.to_str().unwrap()]), 3, &unknown);
    let by_number = tls.replace("localhost", "127.0.0.1");
    let not_for_it = ["TLS with 127.0.0.1: the certificate is not for this name but for ", "localhost"];
    assert_refused(chat(&by_number, "a", &["--tls", "--ca", ca]), 3, &not_for_it);
    let not_tls = [
        "TLS with 127.0.0.1: the other side ended the connection",
        "connect to the port on which the relay speaks TLS",
    ];
    assert_refused(chat(&plain, "a", &["--tls", "--ca", ca]), 3, &not_tls);
    assert_refused(chat(&tls, "a", &["--ca", ca]), 2, &["not provided: --tls"]);
    assert_refused(chat(&tls, "a", &["--tls", "--ca", key]), 2, &["--ca ", "no certificate in it"]);
    assert_refused(chat(&tls, "a", &["--tls", "--ca", "/no/such"]), 2, &["--ca /no/such: cannot be read"]);
    // a system that trusts somebody else
    let variables = [("SSL_CERT_FILE", other_ca.to_str().unwrap())];
    let arguments = ["--relay", &tls, "--name", "a", "--tls", "tea"];
    assert_refused(Running::start_in("chat", &arguments, &variables), 3, &unknown);
    let variables = [("SSL_CERT_FILE", "/no/such"), ("SSL_CERT_DIR", "/no/such")];
    let parts = ["the system's root certificates cannot be used: ", "--ca FILE gives them"];
    assert_refused(Running::start_in("chat", &arguments, &variables), 1, &parts);
}
