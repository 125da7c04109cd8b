//! What the transport promises beyond embedded-io's traits (for those, see the conformance suite of
//! the tests package).

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use common::{LONG, pair, reset};
use embedded_io::{Error as _, ErrorKind, Read as _, ReadReady as _, Write as _, WriteReady as _};
use peote_net_std::TcpTransport;

fn until_readable(transport: &mut TcpTransport) {
    while !transport.read_ready().unwrap() {
        thread::sleep(Duration::from_micros(100));
    }
}

#[test]
fn a_socket_taken_over_does_not_block_and_does_not_delay() {
    let (transport, far) = pair();
    assert_eq!(transport.local_addr().unwrap(), far.peer_addr().unwrap());
    assert_eq!(transport.peer_addr().unwrap(), far.local_addr().unwrap());
    let socket = socket2::SockRef::from(&transport);
    assert!(socket.tcp_nodelay().unwrap());
    #[cfg(unix)]
    assert!(socket.nonblocking().unwrap());
}

#[test]
fn a_blocked_read_goes_on_when_something_comes() {
    let (mut transport, mut far) = pair();
    let writer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        far.write_all(b"late").unwrap();
        far
    });
    let mut buffer = [0; 16];
    assert_eq!(transport.read(&mut buffer).unwrap(), 4);
    writer.join().unwrap();
}

#[test]
fn a_blocked_write_goes_on_when_there_is_room() {
    let (mut transport, mut far) = pair();
    let mut written = 0;
    while transport.write_ready().unwrap() {
        written += transport.write(&[7; 65_536]).unwrap();
    }
    let reader = thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        let mut count = 0;
        let mut buffer = vec![0; 1 << 20];
        loop {
            match far.read(&mut buffer).unwrap() {
                0 => return count,
                some => count += some,
            }
        }
    });
    written += transport.write(&[7; 65_536]).unwrap();
    transport.close().unwrap();
    assert_eq!(reader.join().unwrap(), written);
}

#[test]
fn closing_ends_one_half_and_can_be_repeated() {
    let (mut transport, mut far) = pair();
    transport.write(b"last words").unwrap();
    transport.close().unwrap();
    transport.close().unwrap();
    let mut text = String::new();
    far.read_to_string(&mut text).unwrap();
    assert_eq!(text, "last words");
    // A write neither blocks nor breaks what can still be read.
    assert!(transport.write_ready().unwrap());
    assert_eq!(transport.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    far.write_all(b"answer").unwrap();
    drop(far);
    let mut answer = Vec::new();
    let mut buffer = [0; 16];
    loop {
        match transport.read(&mut buffer).unwrap() {
            0 => break,
            count => answer.extend_from_slice(&buffer[..count]),
        }
    }
    assert_eq!(answer, b"answer");
    transport.close().unwrap();
}

#[test]
fn closing_what_was_reset_is_fine() {
    let (mut transport, far) = pair();
    reset(far);
    until_readable(&mut transport);
    transport.close().unwrap();
    assert!(transport.read(&mut [0; 8]).is_err());
    transport.close().unwrap();
}

#[test]
fn a_reset_stays_one_whoever_hears_of_it_first() {
    let (mut transport, far) = pair();
    reset(far);
    until_readable(&mut transport);
    for _ in 0..3 {
        let error = transport.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert!(transport.read_ready().unwrap());
    }

    let (mut transport, far) = pair();
    reset(far);
    until_readable(&mut transport);
    let error = transport.write(b"x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    for _ in 0..3 {
        // The operating system calls this an end in order.
        let error = transport.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

#[test]
fn an_end_in_order_stays_one_though_writing_fails() {
    let (mut transport, far) = pair();
    drop(far);
    until_readable(&mut transport);
    // The first write draws a reset from the other side's system, the next one meets it.
    while transport.write(b"x").is_ok() {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(transport.read(&mut [0; 8]).unwrap(), 0);
}

#[test]
fn errors_keep_what_the_system_said() {
    let (mut transport, far) = pair();
    reset(far);
    until_readable(&mut transport);
    let error = transport.read(&mut [0; 8]).unwrap_err();
    let code = error.as_io().raw_os_error();
    assert!(code.is_some());
    assert!(error.to_string().starts_with("Connection reset"), "{error}");
    // The remembered one is the same.
    let again = transport.read(&mut [0; 8]).unwrap_err();
    assert_eq!(again.as_io().raw_os_error(), code);
    assert_eq!(std::io::Error::from(again).raw_os_error(), code);
}

#[test]
fn finishing_waits_for_the_other_side() {
    let (mut transport, mut far) = pair();
    transport.write(b"bye").unwrap();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        far.read_to_string(&mut text).unwrap();
        far.write_all(&vec![1; 1 << 20]).unwrap();
        text
    });
    transport.finish(LONG).unwrap();
    assert_eq!(reader.join().unwrap(), "bye");
}

#[test]
fn finishing_gives_up_on_a_silent_and_on_an_endless_other_side() {
    let (transport, _far) = pair();
    let error = transport.finish(Duration::from_millis(30)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);

    let (transport, mut far) = pair();
    let endless = thread::spawn(move || while far.write_all(&[1; 4096]).is_ok() {});
    let error = transport.finish(Duration::from_millis(30)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    endless.join().unwrap();
}

#[test]
fn finishing_reports_a_reset() {
    let (transport, far) = pair();
    reset(far);
    assert_eq!(transport.finish(LONG).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn taking_over_a_reset_socket_leaves_the_error_to_read() {
    let (transport, far) = pair();
    let near: TcpStream = {
        let owned = socket2::SockRef::from(&transport).try_clone().unwrap();
        drop(transport);
        owned.into()
    };
    reset(far);
    thread::sleep(Duration::from_millis(10));
    let mut transport = TcpTransport::try_from(near).unwrap();
    until_readable(&mut transport);
    assert_eq!(transport.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}
