//! Waiting for other descriptors than sockets, and reading lines from them.
#![cfg(unix)]

use std::fs::File;
use std::io::{PipeWriter, Read, Write as _, pipe};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::task::Poll;

use peote_net::time::Duration;
use peote_net_std::{Clock, Interest, Lines, Waiter, Watch, Woken};

fn wait(watch: Watch<'_>) -> Woken {
    let clock = Clock::new();
    let deadline = clock.now() + Duration::from_millis(30);
    Waiter::new(clock).unwrap().wait(&mut [watch], Some(deadline)).unwrap()
}

fn wakes(descriptor: &impl AsFd, interest: Interest) -> bool {
    wait(Watch::descriptor(descriptor, interest)).ready == 1
}

fn this_file() -> File {
    File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/descriptors.rs")).unwrap()
}

#[test]
fn a_pipe() {
    let (mut reader, mut writer) = pipe().unwrap();
    assert!(!wakes(&reader, Interest::READ));
    assert!(wakes(&writer, Interest::WRITE));
    writer.write_all(b"x").unwrap();
    assert!(wakes(&reader, Interest::READ));
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 1);
    assert!(!wakes(&reader, Interest::READ));
    drop(writer);
    assert!(wakes(&reader, Interest::READ), "the end");
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
    assert!(!wakes(&reader, Interest::NONE), "left out");
}

#[test]
fn a_regular_file_is_always_ready() {
    let mut file = this_file();
    assert!(wakes(&file, Interest::READ));
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert!(wakes(&file, Interest::READ));
}

#[test]
fn the_null_device_is_always_ready() {
    if cfg!(target_os = "macos") {
        return;
    }
    assert!(wakes(&File::open("/dev/null").unwrap(), Interest::READ));
}

fn lines(pieces: impl FnOnce(&mut PipeWriter)) -> Vec<String> {
    let (reader, mut writer) = pipe().unwrap();
    pieces(&mut writer);
    drop(writer);
    let mut lines = Lines::new(reader);
    let mut all = Vec::new();
    loop {
        match lines.poll_line().unwrap() {
            Poll::Ready(Some(line)) => all.push(line),
            Poll::Ready(None) => break,
            Poll::Pending => assert_eq!(wait(lines.watch()).ready, 1),
        }
    }
    assert!(lines.has_ended());
    assert_eq!(lines.poll_line().unwrap(), Poll::Ready(None));
    assert_eq!(wait(lines.watch()).ready, 0, "nothing to wait for behind the end");
    all
}

#[test]
fn lines_of_a_pipe() {
    assert_eq!(lines(|_| {}), [""; 0]);
    assert_eq!(lines(|w| w.write_all(b"one\ntwo\r\n\nlast").unwrap()), ["one", "two", "", "last"]);
    assert_eq!(lines(|w| w.write_all(b"\n\n").unwrap()), ["", ""]);
    assert_eq!(lines(|w| w.write_all(b"caf\xc3\xa9 \xff\n").unwrap()), ["café \u{fffd}"]);
    let long = "x".repeat(60_000);
    assert_eq!(lines(|w| w.write_all(long.as_bytes()).unwrap()), [long]);
}

#[test]
fn lines_come_as_they_are_typed() {
    let (reader, mut writer) = pipe().unwrap();
    let mut lines = Lines::new(reader);
    assert_eq!(lines.poll_line().unwrap(), Poll::Pending);
    writer.write_all(b"hel").unwrap();
    assert_eq!(lines.poll_line().unwrap(), Poll::Pending);
    assert_eq!(wait(lines.watch()).ready, 0);
    writer.write_all(b"lo\nand\nso").unwrap();
    assert_eq!(lines.poll_line().unwrap(), Poll::Ready(Some("hello".into())));
    assert_eq!(lines.poll_line().unwrap(), Poll::Ready(Some("and".into())));
    assert_eq!(lines.poll_line().unwrap(), Poll::Pending);
}

#[test]
fn lines_of_a_file_and_of_a_socket_that_does_not_block() {
    let mut lines = Lines::new(this_file());
    assert!(matches!(lines.poll_line().unwrap(), Poll::Ready(Some(line)) if line.starts_with("//! Waiting")));

    let (near, mut far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let mut lines = Lines::new(near);
    assert_eq!(lines.poll_line().unwrap(), Poll::Pending);
    far.write_all(b"x\n").unwrap();
    assert_eq!(lines.poll_line().unwrap(), Poll::Ready(Some("x".into())));
}

#[test]
fn a_line_without_end_is_an_error_and_takes_no_more_memory() {
    let (near, mut far) = UnixStream::pair().unwrap();
    let mut lines = Lines::new(near);
    let mut read = 0;
    let error = loop {
        far.write_all(&[b'x'; 4096]).unwrap();
        read += 4096;
        match lines.poll_line() {
            Ok(line) => assert_eq!(line, Poll::Pending),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert!(read <= Lines::<UnixStream>::MAX_LINE + 2 * 4096);
    // what is left of it is no line of its own
    far.write_all(b"/quit").unwrap();
    assert_eq!(lines.poll_line().unwrap(), Poll::Pending);
    far.write_all(b"\nnext\n").unwrap();
    assert_eq!(lines.poll_line().unwrap(), Poll::Ready(Some("next".into())));
    assert_eq!(lines.poll_line().unwrap(), Poll::Pending);
}

/// A line that is too long and ends in the piece that shows it, or at the end of the input.
#[test]
fn the_longest_line_has_as_many_bytes_as_is_said() {
    const MOST: usize = Lines::<File>::MAX_LINE;
    let path = std::env::temp_dir().join(format!("peote-net-lines-{}", std::process::id()));
    for (len, end) in
        [(MOST, "\nnext"), (MOST + 1, "\nnext"), (MOST + 4096, "\nnext"), (MOST, ""), (MOST + 1, "")]
    {
        std::fs::write(&path, "x".repeat(len) + end).unwrap();
        let mut lines = Lines::new(File::open(&path).unwrap());
        let mut told = Vec::new();
        loop {
            match lines.poll_line() {
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(None)) => break,
                Ok(Poll::Ready(Some(line))) => told.push(line.len()),
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
                    told.push(0);
                }
            }
        }
        let first = if len > MOST { 0 } else { len };
        let expected = if end.is_empty() { vec![first] } else { vec![first, 4] };
        assert_eq!(told, expected, "{len} and {end:?}");
    }
    std::fs::remove_file(&path).unwrap();
}
