//! What a report says of a relay that is wrong, and the program's options and exit codes.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};

use peote_conformance::{Level, Options, Outcome, Peer, Select, Subject, junit, run};

/// A relay that refuses each command, whatever its tag, with "the name is in use".
fn wrong_relay() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while socket.read(&mut bytes).is_ok_and(|count| count > 0) {
                    let probe = if bytes[2] == 255 { [0, 3, 255, 1, 1] } else { [0, 3, 1, 1, 2] };
                    let _ = socket.write_all(&probe);
                }
            });
        }
    });
    address
}

#[test]
fn a_wrong_relay_fails_and_the_bytes_are_shown() {
    let select = Select { patterns: vec!["4.2-success".into(), "11.2-remove".into()], ..Select::default() };
    let cases = select.of(Subject::Relay);
    let report = run(&Peer::Relay(wrong_relay()), &cases, Options::default(), &|_| {}).unwrap();
    assert_eq!(report.counts(), [0, 1, 1]);
    assert!(matches!(&report.tried[0].outcome, Outcome::Failed(why) if why.contains("code 2")));
    let text = report.to_string();
    assert!(text.contains("FAIL tolerant  4.2-success: "), "{text}");
    assert!(text.contains("0 > 00 00 01 "), "{text}");
    assert!(text.contains("0 < 00 03 01 01 02\n"), "{text}");
    assert!(text.ends_with("0 passed, 1 failed, 1 skipped\n"), "{text}");
    let xml = junit(&report);
    assert!(xml.contains("tests=\"2\" failures=\"1\" skipped=\"1\""), "{xml}");
    assert!(xml.contains("<testcase classname=\"tolerant.section_4_2\" name=\"4.2-success\""), "{xml}");
    assert!(xml.contains("0 &lt; 00 03 01 01 02\n"), "{xml}");
}

#[test]
fn groups_and_patterns_choose_cases() {
    let count = |select: Select| select.of(Subject::Relay).len();
    let all = count(Select::default());
    let tolerant = count(Select { level: Level::Tolerant, ..Select::default() });
    let basic = count(Select { extensions: false, ..Select::default() });
    let broadcasts = count(Select { patterns: vec!["§3.4".into()], ..Select::default() });
    let others = count(Select { skip: vec!["3.4".into()], ..Select::default() });
    assert!(tolerant < basic && basic < all);
    assert!(broadcasts > 0);
    assert_eq!(broadcasts + others, all);
}

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_peote-conformance")).args(arguments).output().unwrap()
}

#[test]
fn exit_codes() {
    let wrong = wrong_relay().to_string();
    let file = std::env::temp_dir().join(format!("peote-conformance-{}.xml", std::process::id()));
    let ran = program(&["relay", &wrong, "--only", "4.2-success", "--junit", file.to_str().unwrap()]);
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    assert!(std::fs::read_to_string(&file).unwrap().contains("<failure"));
    std::fs::remove_file(file).unwrap();
    assert_eq!(program(&["relay", &wrong, "--only", "no such case"]).status.code(), Some(2));
    // a port that was free a moment ago
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    assert_eq!(program(&["relay", &free]).status.code(), Some(2));
    let listed = program(&["endpoint", "--list", "--only", "6.2"]);
    assert_eq!(listed.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&listed.stdout).contains("strict    6.2-overlong: "), "{listed:?}");
}
