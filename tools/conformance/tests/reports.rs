//! What a report says of a relay that is wrong, and the program's options and exit codes.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::Duration;

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

/// A relay that answers nothing but the first connection, and says `endlessly` to the others again
/// and again.
fn relay_that_says(endlessly: &'static [u8]) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (at, mut socket) in listener.incoming().flatten().enumerate() {
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while socket.read(&mut bytes).is_ok_and(|count| count > 0) {
                    while at > 0 && socket.write_all(endlessly).is_ok() {
                        std::thread::sleep(Duration::from_millis(100));
                    }
                    let _ = socket.write_all(&[0, 3, 255, 1, 1]);
                }
            });
        }
    });
    address
}

/// A unit has one time, however much comes meanwhile that is passed over.
#[test]
fn a_relay_that_only_keeps_alive_fails() {
    // a keepalive; a byte at a time, of a unit that would take 25 s
    for endlessly in [&[0, 4, 0, 255, 0, 0][..], &[100]] {
        let address = relay_that_says(endlessly);
        let (done, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let select = Select { patterns: vec!["4.2-success".into()], ..Select::default() };
            let options = Options { patience: Duration::from_secs(1), jobs: 1 };
            let cases = select.of(Subject::Relay);
            let _ = done.send(run(&Peer::Relay(address), &cases, options, &|_| {}));
        });
        let report = ended.recv_timeout(Duration::from_secs(60)).expect("the case ends").unwrap();
        assert_eq!(report.counts(), [0, 1, 0]);
        let why = format!("{:?}", report.tried[0].outcome);
        assert!(why.contains("nothing came within 1s") || why.contains("was expected"), "{why}");
    }
}

/// No case takes a closed connection alone for what it wants.
#[test]
fn a_relay_that_closes_whatever_comes_passes_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (at, mut socket) in listener.incoming().flatten().enumerate() {
            let mut bytes = [0; 4096];
            // the first one asks what there is
            while at == 0 && socket.read(&mut bytes).is_ok_and(|count| count > 0) {
                let _ = socket.write_all(&[0, 4, 0, 255, 0x50, 7, 0, 3, 255, 1, 1]);
            }
        }
    });
    let options = Options { patience: Duration::from_secs(5), jobs: 4 };
    let report = run(&Peer::Relay(address), &Select::default().of(Subject::Relay), options, &|_| {}).unwrap();
    let [passed, failed, _] = report.counts();
    assert_eq!(passed, 0, "{report}");
    assert!(failed > 60, "{report}");
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
    assert_eq!(program(&["relay", &wrong, "--only", "no such case"]).status.code(), Some(2));
    // a port that was free a moment ago
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let ran = program(&["relay", &free, "--junit", file.to_str().unwrap()]);
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    let xml = std::fs::read_to_string(&file).unwrap();
    assert!(
        xml.contains("errors=\"1\"") && xml.contains("refused") && xml.ends_with("</testsuite>\n"),
        "{xml}"
    );
    std::fs::remove_file(file).unwrap();
    // a report that cannot be written is told before anything is tried
    let ran = program(&["relay", &wrong, "--only", "4.2-success", "--junit", "/no such folder/report.xml"]);
    assert_eq!((ran.status.code(), ran.stdout.len()), (Some(2), 0), "{ran:?}");
    // the relay does not announce it, so all is skipped
    let ran = program(&["relay", &wrong, "--only", "11.2-remove"]);
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    let listed = program(&["endpoint", "--list", "--only", "6.2"]);
    assert_eq!(listed.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&listed.stdout).contains("strict    6.2-overlong: "), "{listed:?}");
}
