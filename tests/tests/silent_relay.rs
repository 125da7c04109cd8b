//! The programs with relays that do not do their part: nothing waits for ever, and the chat reads
//! the keyboard whatever happens.
#![cfg(unix)]

#[path = "common/running.rs"]
#[allow(dead_code, reason = "other tests look at more")]
mod running;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use running::{PATIENCE, Running, program};
use socket2::{Domain, Socket, Type};

/// Section 4.6 of docs/PROTOCOL.md.
const KEEPALIVE: [u8; 6] = [0, 4, 0, 255, 0, 0];

/// A listener that is the relay, and where.
fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn accept(listener: &TcpListener) -> TcpStream {
    let connection = listener.accept().unwrap().0;
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    connection.set_write_timeout(Some(PATIENCE)).unwrap();
    connection
}

/// A chat in room tea, as entered channel 3 of its connection, whose server is called eve.
fn inside(listener: &TcpListener) -> TcpStream {
    let mut relay = accept(listener);
    let mut enter = [0; 12];
    relay.read_exact(&mut enter).unwrap();
    assert_eq!((&enter[..2], &enter[3..]), (&[0, 1][..], &b"\x08chat/tea"[..]));
    relay.write_all(&[0, 3, enter[2], 0, 3]).unwrap();
    let mut hello = [0; 10];
    relay.read_exact(&mut hello).unwrap();
    assert_eq!(&hello, b"\x09\x03\x06\x01\x01\x04anna");
    relay.write_all(b"\x0d\x03\x0a\x01\x41\x04anna\x03eve").unwrap();
    relay
}

/// What is between the keyboard and a room: nothing is answered, and the one at the keyboard has
/// had enough.
fn quits(listener: &TcpListener, address: &str, options: &[&str]) {
    let mut chat =
        Running::start("chat", &[&["--relay", address, "--name", "anna"], options, &["tea"]].concat());
    let mut silent = accept(listener);
    let mut first = [0];
    silent.read_exact(&mut first).unwrap();
    chat.type_in("/quit");
    let ended = chat.end();
    assert_eq!((ended.code, ended.errors), (Some(0), String::new()));
}

#[test]
fn quitting_while_the_relay_is_silent() {
    let (listener, address) = listener();
    quits(&listener, &address, &[]);
}

#[test]
fn quitting_while_connecting() {
    let (listener, address) = listener();
    // nobody answers its hello
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert;
    let file = std::env::temp_dir().join(format!("peote-net-chat-{}.pem", std::process::id()));
    std::fs::write(&file, certificate.pem()).unwrap();
    quits(&listener, &address, &["--tls", "--ca", file.to_str().unwrap()]);
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn what_could_not_be_said_is_told() {
    let (listener, address) = listener();
    let mut chat = Running::start("chat", &["--relay", &address, "--name", "anna", "tea"]);
    let _silent = accept(&listener);
    chat.type_in("hello");
    chat.type_in("is anybody there?");
    chat.type_in("/quit");
    let ended = chat.end();
    assert_eq!(
        (ended.code, ended.errors.as_str()),
        (Some(1), "chat: 2 lines that were typed were not said\n")
    );
}

/// Every program that asks a relay for channels, at the same time, because it takes as long as an
/// answer may take.
#[test]
fn a_relay_that_answers_nothing_is_given_up() {
    let programs: [(&str, &[&str], &[&str]); 4] = [
        ("chat", &[], &["--name", "anna", "tea"]),
        ("rpc", &["serve"], &[]),
        ("rpc", &["join"], &[]),
        ("stress", &[], &["--role", "servers"]),
    ];
    std::thread::scope(|scope| {
        for (name, command, options) in programs {
            scope.spawn(move || {
                let (listener, address) = listener();
                let mut program = Running::start(name, &[command, &["--relay", &address], options].concat());
                scope.spawn(move || {
                    let deadline = Instant::now() + PATIENCE;
                    let mut relay = accept(&listener);
                    while relay.write_all(&KEEPALIVE).is_ok() && Instant::now() < deadline {
                        std::thread::sleep(Duration::from_millis(500));
                    }
                });
                while program.next_line().is_some() {}
                let ended = program.end();
                let text =
                    format!("{name}: relay {address}: it says that it is there, and does not answer\n");
                assert_eq!((ended.code, ended.errors), (Some(3), text));
            });
        }
    });
}

/// A process whose output nobody reads. Ended when dropped.
struct Unread(Child);

impl Unread {
    fn start(address: &str) -> Self {
        let mut chat = Command::new(program("chat"));
        chat.args(["--relay", address, "--name", "anna", "tea"]);
        Self(chat.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn type_in(&mut self, line: &str) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    fn code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it does not end");
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn quitting_while_nobody_reads_what_is_shown() {
    let (listener, address) = listener();
    let mut chat = Unread::start(&address);
    let mut relay = inside(&listener);
    // far more than a pipe takes: the chat stops taking it, and is there all the same
    let said = [&b"\x80\x6f\x03\x6c\x01\x42\x03eve"[..], &[b'x'; 103]].concat();
    relay.set_nonblocking(true).unwrap();
    let (mut sent, deadline) = (0, Instant::now() + PATIENCE);
    while sent < 32 << 20 && Instant::now() < deadline {
        match relay.write(&said[sent % said.len()..]) {
            Ok(count) => sent += count,
            Err(_) if sent > 1 << 20 => break,
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    assert!((1 << 20..32 << 20).contains(&sent), "{sent}");
    chat.type_in("/quit");
    relay.set_nonblocking(false).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut heard = Vec::new();
            let _ = relay.read_to_end(&mut heard);
            assert!(heard.ends_with(&[0, 2, 0, 1, 3]), "it has left: {heard:?}");
            drop(relay);
        });
        assert_eq!(chat.code(), Some(0));
    });
}

#[test]
fn quitting_while_the_relay_takes_nothing() {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    // as little as can be is on the way
    socket.set_recv_buffer_size(1).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(1).unwrap();
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().unwrap().to_string();
    let mut chat = Unread::start(&address);
    let _relay = inside(&listener);
    // more than goes on its way, and no more than the chat keeps
    let line = "\u{1f600}".repeat(2_000);
    for _ in 0..(1_000_000 / line.len()) {
        chat.type_in(&line);
    }
    chat.type_in("/quit");
    assert_eq!(chat.code(), Some(3));
    let mut errors = String::new();
    chat.0.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains("timed out"), "{errors}");
}
