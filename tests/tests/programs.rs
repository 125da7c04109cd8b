//! The programs, end to end: real processes, real TCP connections, on this machine only.
//!
//! The programs have to be built: `cargo test --workspace` does so, because their packages have
//! tests of their own.
#![cfg(unix)]

#[allow(dead_code, reason = "other tests look without waiting")]
#[path = "common/running.rs"]
mod running;

use std::net::TcpListener;
use std::process::{Command, Stdio};

use running::{Ended, Running, program, relay};

#[track_caller]
fn assert_verified(ended: &Ended) {
    let Ended { code, output, errors } = ended;
    assert_eq!(*code, Some(0), "{output}\n{errors}");
    let row = |line: &&str| line.split_whitespace().eq(["errors", "0"]);
    assert!(output.lines().any(|line| row(&line)), "{output}");
    assert!(output.contains("very byte was verified"), "{output}");
}

/// The number in a row of the table.
#[track_caller]
fn messages(ended: &Ended, row: &str) -> u64 {
    let line = ended.output.lines().find_map(|line| line.strip_prefix(row));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    let number = number.unwrap_or_else(|| panic!("no {row:?} in {}", ended.output));
    number.replace(',', "").parse().unwrap()
}

#[test]
fn the_demo_verifies_everything_and_says_so() {
    let ended = Running::start("demo", &["--seconds", "1.5", "--clients", "12", "--seed", "5"]).end();
    assert_verified(&ended);
    assert!(messages(&ended, "sent by clients") >= 12 * 30);
    for row in ["verified by servers", "verified by clients"] {
        assert_eq!(messages(&ended, row), messages(&ended, "sent by clients"), "{row}");
    }
    for row in
        ["broadcast to all users", "broadcast to all but one", "broadcasts verified", "rightly not delivered"]
    {
        assert!(messages(&ended, row) > 0, "{row}");
    }
    // Standard error is not a terminal, so progress is lines.
    assert!(ended.errors.contains(" s: "), "{}", ended.errors);
}

#[test]
fn the_demo_runs_with_other_numbers_too() {
    for arguments in [
        &["--clients", "1", "--servers", "1", "--listeners", "0"][..],
        &["--clients", "128", "--listeners", "1", "--max-bytes", "300"],
    ] {
        assert_verified(&Running::start("demo", &[arguments, &["--seconds", "0.2"]].concat()).end());
    }
}

#[test]
fn stress_verifies_each_pattern_in_one_process() {
    let (_relay, address) = relay();
    for (pattern, row) in [
        ("echo", "verified by clients"),
        ("upload", "verified by servers"),
        ("broadcast", "broadcasts verified"),
    ] {
        let arguments = [
            "--relay",
            &address,
            "--pattern",
            pattern,
            "--servers",
            "3",
            "--clients",
            "12",
            "--duration",
            "1.2",
        ];
        let ended = Running::start("stress", &arguments).end();
        assert_verified(&ended);
        assert!(messages(&ended, row) > 0);
        let is_second =
            |line: &str| line.split_whitespace().next().is_some_and(|word| word.parse::<u32>().is_ok());
        assert!(ended.output.lines().any(is_second), "{}", ended.output);
    }
}

#[test]
fn stress_verifies_chunks_beyond_32_kib_and_of_one_length() {
    let (_relay, address) = relay();
    for range in [["1", "100000"], ["16", "16"], ["32768", "32768"]] {
        let [min, max] = range;
        let arguments = [
            "--relay",
            &address,
            "--min-bytes",
            min,
            "--max-bytes",
            max,
            "--duration",
            "0.5",
            "--delay",
            "1",
        ];
        assert_verified(&Running::start("stress", &arguments).end());
    }
}

#[test]
fn stress_verifies_between_processes() {
    let (_relay, address) = relay();
    let common = ["--relay", &address, "--name", "apart", "--servers", "2"];
    let clients = [&common[..], &["--role", "clients", "--clients", "6", "--duration", "1"]].concat();
    // The clients wait until there are servers.
    let mut echo = Running::start("stress", &clients);
    let mut listeners = Running::start("stress", &[&clients, &["--pattern", "broadcast"][..]].concat());
    let mut other_run =
        Running::start("stress", &["--relay", &address, "--name", "other", "--duration", "1"]);
    let servers = [&common[..], &["--role", "servers", "--clients", "12", "--duration", "0"]].concat();
    let mut servers = Running::start("stress", &servers);
    let [echo, listeners] = [&mut echo, &mut listeners].map(|clients| {
        let ended = clients.end();
        assert_verified(&ended);
        ended
    });
    assert_verified(&other_run.end());
    let servers = servers.end();
    assert_verified(&servers);
    assert_eq!(messages(&servers, "verified by servers"), messages(&echo, "verified by clients"));
    assert!(messages(&listeners, "broadcasts verified") > 0);
}

#[test]
fn stress_says_when_servers_or_the_relay_are_gone() {
    let (mut relay, address) = relay();
    let clients = ["--relay", &address, "--role", "clients", "--wait", "0.2"];
    let ended = Running::start("stress", &clients).end();
    assert_one_line(&ended, 1, &["stress: cannot enter channel stress/1: ", "start the servers first"]);

    let mut servers = Running::start("stress", &["--relay", &address, "--role", "servers"]);
    servers.expect("second");
    let ended = Running::start("stress", &["--relay", &address, "--role", "servers"]).end();
    assert_one_line(&ended, 1, &["stress: cannot create channel stress/1: ", "choose another --name"]);
    let mut clients = Running::start("stress", &clients);
    clients.expect("second");
    drop(servers);
    assert_one_line(
        &clients.end(),
        1,
        &["stress: the server of channel stress/", " is gone: the connection was lost"],
    );

    let mut both = Running::start("stress", &["--relay", &address]);
    both.expect("second");
    relay.process.kill().unwrap();
    assert_one_line(&both.end(), 3, &["stress: relay 127.0.0.1:"]);
}

/// A chat whose lines are looked at.
fn chat(address: &str, name: &str, room: &str) -> Running {
    Running::start("chat", &["--relay", address, "--name", name, room])
}

#[test]
fn chat_brings_lines_from_each_to_all_others() {
    let (_relay, address) = relay();
    let mut anna = chat(&address, "anna", "tea");
    anna.expect("-- you are anna, and you run the server of room tea");
    let mut bob = chat(&address, "bob", "tea");
    bob.expect("-- you are bob in room tea; anna runs the server");
    anna.expect("-- bob joined");
    let mut eve = chat(&address, "bob", "tea");
    eve.expect("-- you are bob-2 in room tea");
    anna.expect("-- bob-2 joined");
    bob.expect("-- bob-2 joined");
    let mut elsewhere = chat(&address, "zoe", "coffee");
    elsewhere.expect("you run the server of room coffee");

    anna.type_in("hello");
    bob.expect("<anna> hello");
    eve.expect("<anna> hello");
    bob.type_in("hi \x1b[2J");
    assert_eq!(anna.expect("<bob>"), "<bob> hi \u{fffd}[2J");
    eve.expect("<bob> hi");
    bob.type_in("/me waves");
    anna.expect("* bob waves");
    eve.type_in("/nick anna");
    eve.expect("-- anna is taken");
    eve.type_in("/nick eve");
    eve.expect("-- you are now eve");
    bob.expect("-- bob-2 is now eve");
    for one in [&mut anna, &mut bob, &mut eve] {
        one.type_in("/who");
        one.expect("-- here: anna, bob, eve");
    }
    eve.type_in("/dance");
    eve.expect("-- /dance: not known; there are /who");
    eve.type_in("/quit");
    assert_eq!(eve.end().code, Some(0));
    anna.expect("-- eve left");
    bob.expect("-- eve left");
    bob.process.kill().unwrap();
    anna.expect("-- bob lost the connection");

    // The end of the input is as good as /quit, and what came before it is said.
    assert_eq!(anna.end().code, Some(0));
    elsewhere.type_in("/who");
    elsewhere.expect("-- here: zoe");
    assert!(!elsewhere.seen.iter().any(|line| line.contains("hello")), "{:?}", elsewhere.seen);
}

#[test]
fn chat_goes_on_when_the_one_who_ran_the_server_leaves() {
    let (_relay, address) = relay();
    let mut others: Vec<Running> = Vec::new();
    let mut first = chat(&address, "n0", "tea");
    first.expect("you run the server");
    for number in 1..5 {
        let mut one = chat(&address, &format!("n{number}"), "tea");
        one.expect("n0 runs the server");
        others.push(one);
    }
    // Once on purpose, and once not.
    first.type_in("/quit");
    assert_eq!(first.end().code, Some(0));
    for on_purpose in [true, false] {
        let how = if on_purpose { "has left" } else { "has lost the connection" };
        let place = settle(&mut others, how);
        let mut server = others.remove(place);
        server.type_in("I run it");
        others.iter_mut().for_each(|one| drop(one.expect("I run it")));
        others[0].type_in("thank you");
        server.expect("thank you");
        others[1].expect("thank you");
        if on_purpose {
            server.process.kill().unwrap();
        }
    }
}

#[test]
fn chat_removes_and_blocks() {
    let (_relay, address) = relay();
    let mut anna = chat(&address, "anna", "tea");
    anna.expect("you run the server");
    let mut bob = chat(&address, "bob", "tea");
    bob.expect("-- you are bob");
    let mut eve = chat(&address, "eve", "tea");
    eve.expect("-- you are eve");
    anna.expect("-- eve joined");

    // only for the one who runs the server, who may be called otherwise by now
    anna.type_in("/nick anne");
    bob.expect("-- anna is now anne");
    bob.type_in("/kick eve");
    bob.expect("-- only anne, who runs the server, can do that");
    for (typed, answer) in [
        ("/kick", "-- /kick: not known; there are /who"),
        ("/kick anna", "-- nobody is called anna; /who tells who is here"),
        ("/block a\x1b[2J", "-- nobody is called a\u{fffd}[2J; /who"),
        ("/kick anne", "-- that is you; /quit leaves"),
    ] {
        anna.type_in(typed);
        anna.expect(answer);
    }

    for (typed, round) in [("/kick eve", 0), ("/block eve", 1)] {
        anna.type_in(&format!("round {round}"));
        anna.type_in(typed);
        if round == 1 {
            anna.expect("-- eve is kept out, unless it is with another connection");
        }
        for one in [&mut anna, &mut bob] {
            one.expect("-- eve was removed");
            one.type_in("/who");
            one.expect("-- here: anne, bob");
        }
        // shown all that came before, and does not come back by itself
        eve.expect(&format!("<anne> round {round}"));
        assert_one_line(&eve.end(), 4, &["chat: the one who runs the server of room tea has removed you"]);
        // who comes anew, comes with another connection
        eve = chat(&address, "eve", "tea");
        eve.expect("-- you are eve in room tea; anne runs the server");
        anna.expect("-- eve joined");
    }
    bob.type_in("still here");
    anna.expect("<bob> still here");
}

/// A relay that knows no more than the original protocol: it would close the connection because of
/// an unknown command.
#[test]
fn chat_says_when_the_relay_cannot_remove_anybody() {
    use std::io::{Read, Write};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let relay = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
        let mut command = [0; 4 + "chat/tea".len()];
        // first it is entered, and there is no such channel; then created as own channel 0
        for (code, answer) in [(1, [1, 1]), (0, [0, 0])] {
            stream.read_exact(&mut command).unwrap();
            let [0, found, tag, ..] = command else { panic!("no command: {command:?}") };
            assert_eq!(found, code);
            stream.write_all(&[&[0, 3, tag], &answer[..]].concat()).unwrap();
        }
        stream.write_all(&[0, 4, 0, 255, 0, 0]).unwrap(); // an ordinary keepalive
        // user 5 enters, and says hello: a chunk of 6 bytes
        stream.write_all(b"\0\x04\0\0\0\x05\x09\x80\x05\x05\x01\x01\x03bob").unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        rest
    });
    let mut anna = chat(&address, "anna", "tea");
    anna.expect("-- bob joined");
    for typed in ["/kick bob", "/block bob"] {
        anna.type_in(typed);
        anna.expect("-- this relay cannot remove anybody; peote-relay can");
    }
    anna.type_in("hello, bob");
    anna.type_in("/quit");
    assert_eq!(anna.end().code, Some(0));
    let rest = relay.join().unwrap();
    assert!(!rest.windows(3).any(|head| matches!(head, [0, 4 | 5, 0])), "{rest:?}");
    assert!(rest.ends_with(&[0, 3, 0, 1, 0]), "the channel is deleted in the end: {rest:?}");
}

#[test]
fn chat_comes_back_when_the_relay_is_restarted() {
    let (mut relay, address) = relay();
    let mut anna = chat(&address, "anna", "tea");
    anna.expect("-- you are anna, and you run the server of room tea");
    let mut bob = chat(&address, "bob", "tea");
    bob.expect("-- you are bob in room tea; anna runs the server");
    anna.expect("-- bob joined");
    anna.type_in("/nick annika");
    bob.expect("-- anna is now annika");
    for round in 0..2 {
        relay.process.kill().unwrap();
        relay.process.wait().unwrap();
        for one in [&mut anna, &mut bob] {
            one.expect("; trying to connect again");
        }
        relay = Running::start("peote-relay", &["--listen", &address, "--log-level", "error"]);
        let mut servers = 0;
        for (one, name) in [(&mut anna, "annika"), (&mut bob, "bob")] {
            one.expect("-- connected again");
            // names are kept
            let line = one.expect(&format!("-- you are {name}"));
            servers += usize::from(line.contains("you run the server"));
        }
        assert_eq!(servers, 1);
        bob.type_in(&format!("hi {round}"));
        anna.expect(&format!("<bob> hi {round}"));
        anna.type_in(&format!("hi to you {round}"));
        bob.expect(&format!("<annika> hi to you {round}"));
    }
    bob.type_in("/quit");
    assert_eq!(bob.end().code, Some(0));
}

#[test]
fn chat_ends_when_the_relay_does_not_come_back_and_nothing_is_left_to_say() {
    let (mut relay, address) = relay();
    let mut anna = chat(&address, "anna", "tea");
    anna.expect("you run the server");
    relay.process.kill().unwrap();
    relay.process.wait().unwrap();
    anna.expect("; trying to connect again");
    anna.type_in("/quit");
    assert_eq!(anna.end().code, Some(0));
}

/// Waits until all are in the room again, and says which one runs the server.
fn settle(chats: &mut [Running], how: &str) -> usize {
    let mut servers = Vec::new();
    for (place, one) in chats.iter_mut().enumerate() {
        one.expect(&format!("-- the one who ran the server {how}"));
        if one.expect("-- you are n").contains("you run the server") {
            servers.push(place);
        }
    }
    assert_eq!(servers.len(), 1, "{servers:?}");
    // The server has said welcome to all; it may not have shown it yet.
    for _ in 1..chats.len() {
        chats[servers[0]].expect(" joined");
    }
    servers[0]
}

#[test]
fn chat_takes_its_lines_from_a_file_as_well() {
    let (_relay, address) = relay();
    let mut anna = chat(&address, "anna", "tea");
    anna.expect("you run the server");
    let path = std::env::temp_dir().join(format!("peote-net-chat-{}.txt", std::process::id()));
    std::fs::write(&path, "one\ntwo\nthree without an end").unwrap();
    let status = Command::new(program("chat"))
        .args(["--relay", &address, "--name", "bob", "tea"])
        .stdin(std::fs::File::open(&path).unwrap())
        .stdout(Stdio::null())
        .status();
    std::fs::remove_file(&path).unwrap();
    assert!(status.unwrap().success());
    for line in ["-- bob joined", "<bob> one", "<bob> two", "<bob> three without an end", "-- bob left"] {
        assert_eq!(anna.next_line().as_deref(), Some(line));
    }
}

/// One line on standard error that has all of `parts` in it, after whatever progress there was, and
/// an exit code.
#[track_caller]
fn assert_one_line(ended: &Ended, code: i32, parts: &[&str]) {
    let Ended { code: found, output, errors } = ended;
    assert_eq!(*found, Some(code), "{output}\n{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    for part in parts {
        assert!(errors.contains(part), "no {part:?} in {errors}");
    }
}

#[test]
fn what_makes_no_sense_is_said_in_one_line() {
    let long = "x".repeat(260);
    for (name, arguments, parts) in [
        ("demo", &["--second", "5"][..], &["demo: unexpected argument '--second' found; see --help"][..]),
        ("demo", &["--clients", "129"], &["demo: invalid value '129' for '--clients <NUMBER>'", "1..=128"]),
        ("demo", &["--seconds", "-1"], &["demo: ", "seconds from 0 to 86400"]),
        ("stress", &["--pattern", "shout"], &["stress: invalid value 'shout'", "echo, upload, broadcast"]),
        (
            "stress",
            &["--min-bytes", "10", "--max-bytes", "5"],
            &["stress: --min-bytes 10 is above --max-bytes 5"],
        ),
        ("stress", &["--connections", "1"], &["stress: --connections 1 is too few", "at least 4"]),
        ("stress", &["--relay", "nowhere:port"], &["stress: --relay nowhere:port: \"port\" is not a port"]),
        ("chat", &[], &["chat: ", "<ROOM>"]),
        ("rpc", &[], &["rpc: a command is missing; see --help"]),
        ("chat", &["--name", "two words", "tea"], &["chat: --name: a name has neither spaces"]),
        ("chat", &["--relay", "ws://[::1]", "tea"], &["chat: --relay ws://[::1]: \"ws://\" is for browsers"]),
    ] {
        assert_one_line(&Running::start(name, arguments).end(), 2, parts);
    }
    let (_relay, address) = relay();
    let room = Running::start("chat", &["--relay", &address, "--name", "anna", &long]).end();
    assert_one_line(&room, 2, &["chat: ROOM: a name of 260 bytes; at most 250"]);
    let name = Running::start("stress", &["--relay", &address, "--name", &long]).end();
    assert_one_line(&name, 2, &["stress: --name: a channel name of 262 bytes; at most 255"]);
}

#[test]
fn a_relay_that_is_not_there_is_said_in_one_line() {
    // A port on which no program listens any more.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let parts = [&*format!("cannot connect to {address}: "), "start the relay, or mind the port"];
    for (name, arguments) in
        [("stress", &["--relay", &address][..]), ("chat", &["--relay", &address, "--name", "a", "tea"])]
    {
        assert_one_line(&Running::start(name, arguments).end(), 3, &parts);
    }
}

#[test]
fn every_program_explains_itself() {
    for (name, words) in [
        ("demo", &["--seconds", "--clients", "Exit codes:", "[default: 60]"][..]),
        ("stress", &["--role", "--pattern", "Examples:", "Exit codes:", "[default: 127.0.0.1:7680]"]),
        ("chat", &["ROOM", "/nick", "Exit codes:"]),
    ] {
        let ended = Running::start(name, &["--help"]).end();
        assert_eq!((ended.code, &*ended.errors), (Some(0), ""));
        // The width of the terminal breaks lines.
        let text = ended.output.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(text.contains(word), "{name}: no {word:?} in {}", ended.output);
        }
        let version = Running::start(name, &["--version"]).end();
        assert_eq!(
            (version.code, version.output),
            (Some(0), format!("{name} {}", env!("CARGO_PKG_VERSION")))
        );
    }
}
