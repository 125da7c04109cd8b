//! What the transport promises with TLS beyond what the conformance suite of the tests package
//! checks.

use std::io::{Read as _, Write as _};
use std::thread;
use std::time::Duration;

use embedded_io::{Error as _, ErrorKind, Read as _, ReadReady as _, Write as _, WriteReady as _};
use peote_net::link::{Link, Mode, SendError};
use peote_net::protocol::to_endpoint;
use peote_net_std::{Clock, DesktopLink, HeapBuffers, Sizes, TcpError, TcpTransport, TlsErrorKind};
use rustls::version::{TLS12, TLS13};
use socket2::SockRef;

use super::common::{LONG, reset};
use super::far::{Authority, Far, Got};
use super::{beginning, established, pair, until, until_readable};

fn tls_kind(error: &TcpError) -> TlsErrorKind {
    error.as_tls().unwrap_or_else(|| panic!("{error}")).kind()
}

/// Reads until there is nothing more at the moment.
fn read_all(near: &mut TcpTransport) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 1000];
    while near.read_ready().unwrap() {
        let count = near.read(&mut buffer).unwrap();
        assert_ne!(count, 0);
        all.extend_from_slice(&buffer[..count]);
    }
    all
}

#[test]
fn byte_by_byte_is_the_same() {
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        let identity = authority.certify(&["relay.example"]);
        let (mut near, mut far) = beginning(&identity.config_with(&[version]), &authority.options());
        until("the handshake", || {
            if far.tls.read_tls(&mut far.socket).is_ok() {
                far.tls.process_new_packets().unwrap();
            }
            for byte in far.take_output().unwrap() {
                assert!(!near.read_ready().unwrap());
                (&far.socket).write_all(&[byte]).unwrap();
            }
            near.write_ready().unwrap() && !far.tls.is_handshaking()
        });
        far.tls.writer().write_all(b"a whole record").unwrap();
        let bytes = far.take_output().unwrap();
        for byte in &bytes[..bytes.len() - 1] {
            (&far.socket).write_all(&[*byte]).unwrap();
            assert!(!near.read_ready().unwrap());
        }
        (&far.socket).write_all(&bytes[bytes.len() - 1..]).unwrap();
        until_readable(&mut near);
        assert_eq!(read_all(&mut near), b"a whole record");
    }
}

#[test]
fn many_small_records_that_come_together_are_all_read() {
    let (mut near, mut far) = pair();
    let mut expected = Vec::new();
    for number in 0..2000_u16 {
        let piece = number.to_be_bytes();
        far.tls.writer().write_all(&piece).unwrap();
        expected.extend_from_slice(&piece);
        far.send();
    }
    let mut all = Vec::new();
    until("all records", || {
        all.extend(read_all(&mut near));
        all.len() >= expected.len()
    });
    assert!(all == expected);
}

#[test]
fn keys_are_updated_by_either_side() {
    let (mut near, mut far) = pair();
    for round in 0..100_u8 {
        far.tls.refresh_traffic_keys().unwrap();
        assert_eq!(far.write(&[round]), 1);
        let mut buffer = [0; 8];
        until_readable(&mut near);
        assert_eq!(near.read(&mut buffer).unwrap(), 1);
        assert_eq!(buffer[0], round);
        assert_eq!(near.write(&[round]).unwrap(), 1);
        until("the answer", || far.read(&mut buffer) == Got::Bytes(1));
    }
}

#[test]
fn a_connection_that_is_cut_off_is_not_taken_for_one_that_ended() {
    let (mut near, mut far) = pair();
    far.write(b"before");
    far.socket.shutdown(std::net::Shutdown::Write).unwrap();
    until("the rest", || {
        let mut buffer = [0; 16];
        near.read_ready().unwrap() && near.read(&mut buffer).is_ok_and(|count| &buffer[..count] == b"before")
    });
    for _ in 0..3 {
        until_readable(&mut near);
        let error = near.read(&mut [0; 8]).unwrap_err();
        assert_eq!(tls_kind(&error), TlsErrorKind::CutOff);
        assert!(
            error.to_string().starts_with("TLS with relay.example: the connection was cut off"),
            "{error}"
        );
        assert_eq!(tls_kind(&near.write(b"x").unwrap_err()), TlsErrorKind::CutOff);
    }
    // in the middle of a record
    let (mut near, mut far) = pair();
    far.tls.writer().write_all(&[7; 100]).unwrap();
    let bytes = far.take_output().unwrap();
    (&far.socket).write_all(&bytes[..60]).unwrap();
    drop(far);
    until_readable(&mut near);
    assert_eq!(tls_kind(&near.read(&mut [0; 8]).unwrap_err()), TlsErrorKind::CutOff);
    near.close().unwrap();
}

#[test]
fn what_came_before_something_wrong_is_read_first() {
    let (mut near, mut far) = pair();
    for piece in [[1; 3], [2; 3], [3; 3]] {
        far.tls.writer().write_all(&piece).unwrap();
    }
    let mut bytes = far.take_output().unwrap();
    bytes.extend_from_slice(&[23, 3, 3, 0, 40]);
    bytes.extend_from_slice(&[9; 40]);
    far.socket.write_all(&bytes).unwrap();
    let mut all = Vec::new();
    let error = loop {
        let mut buffer = [0; 2];
        until_readable(&mut near);
        match near.read(&mut buffer) {
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) => break error,
        }
    };
    assert_eq!(all, [1, 1, 1, 2, 2, 2, 3, 3, 3]);
    assert_eq!(tls_kind(&error), TlsErrorKind::Protocol);
    assert!(error.to_string().contains("breaks the rules, or was changed on the way"), "{error}");
    until("the alert", || matches!(far.advance(), Err(rustls::Error::AlertReceived(_))));
}

#[test]
fn closing_ends_tls_and_tcp_and_can_be_repeated() {
    let (mut near, mut far) = pair();
    near.write(b"last words").unwrap();
    near.close().unwrap();
    near.close().unwrap();
    let mut buffer = [0; 64];
    until("the last words", || far.read(&mut buffer) == Got::Bytes(10));
    assert_eq!(far.read(&mut buffer), Got::End);
    assert_eq!((&far.socket).read(&mut buffer).unwrap(), 0);
    assert!(near.write_ready().unwrap());
    assert_eq!(near.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    far.write(b"answer");
    until_readable(&mut near);
    assert_eq!(near.read(&mut buffer).unwrap(), 6);
    far.close();
    until_readable(&mut near);
    assert_eq!(near.read(&mut buffer).unwrap(), 0);
}

#[test]
fn something_wrong_after_this_sides_end_is_an_error_as_before_it() {
    for wrong in [&[23, 3, 3, 0, 3, 1, 2, 3][..], b"HTTP/1.1 400 Bad Request", &[22, 3, 3, 0, 1, 1]] {
        let (mut near, mut far) = pair();
        far.write(b"before");
        near.close().unwrap();
        far.socket.write_all(wrong).unwrap();
        let mut buffer = [0; 16];
        until_readable(&mut near);
        assert_eq!(near.read(&mut buffer).unwrap(), 6);
        until_readable(&mut near);
        assert_eq!(tls_kind(&near.read(&mut buffer).unwrap_err()), TlsErrorKind::Protocol);
        assert_eq!(near.finish(LONG).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}

#[test]
fn dropping_it_is_an_end_and_not_a_cut() {
    let (mut near, mut far) = pair();
    near.write(b"x").unwrap();
    drop(near);
    let mut buffer = [0; 8];
    until("the last byte", || far.read(&mut buffer) == Got::Bytes(1));
    assert_eq!(far.read(&mut buffer), Got::End);
}

/// Fills every buffer on the way out.
fn fill(near: &mut TcpTransport) -> usize {
    let mut written = 0;
    while near.write_ready().unwrap() {
        written += near.write(&[7; 30_000]).unwrap();
    }
    written
}

/// Reads at the far end, in a thread, until TLS ends.
fn reader(mut far: Far) -> thread::JoinHandle<usize> {
    far.socket.set_nonblocking(false).unwrap();
    far.socket.set_read_timeout(Some(LONG)).unwrap();
    thread::spawn(move || {
        let mut count = 0;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match far.read(&mut buffer) {
                Got::Bytes(some) => count += some,
                Got::Nothing => {}
                Got::End => {
                    far.close();
                    return count;
                }
                Got::CutOff => panic!("cut off after {count}"),
            }
        }
    })
}

#[test]
fn what_waits_for_the_socket_is_sent_before_the_end() {
    let (mut near, far) = pair();
    let written = fill(&mut near);
    near.close().unwrap();
    let reader = reader(far);
    near.finish(LONG).unwrap();
    assert_eq!(reader.join().unwrap(), written);
}

#[test]
fn blocked_writes_go_on_when_there_is_room() {
    let (mut near, far) = pair();
    assert!(!near.has_unsent());
    let mut written = fill(&mut near);
    assert!(near.has_unsent());
    let reader = reader(far);
    written += near.write(&[8; 5000]).unwrap();
    near.flush().unwrap();
    near.finish(LONG).unwrap();
    assert_eq!(reader.join().unwrap(), written);
}

/// A link calls `flush` after writing, and its polls do not wait.
#[test]
fn a_poll_of_a_link_does_not_wait_for_a_relay_that_reads_nothing() {
    let (mut near, mut far) = pair();
    let (done, is_done) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut link = Link::with_buffers(HeapBuffers::new(Sizes::default()).unwrap());
        let clock = Clock::new();
        let channel = link.out().enter("c", Mode::Data).unwrap();
        let mut command = [0; 5];
        until("the command", || {
            link.poll(&mut near, clock.now(), |_, _| ()).unwrap();
            matches!(far.read(&mut command), Got::Bytes(5))
        });
        far.write(&to_endpoint::success(command[2], 0));
        until("the channel", || {
            link.poll(&mut near, clock.now(), |_, _| ()).unwrap();
            link.out().can_send(channel, 1000)
        });
        let mut refused = 0;
        while refused < 100 {
            match link.out().send(channel, &[7; 1000]) {
                Ok(()) => refused = 0,
                Err(SendError::WouldBlock) => refused += 1,
                Err(error) => panic!("{error}"),
            }
            link.poll(&mut near, clock.now(), |_, _| ()).unwrap();
        }
        done.send(()).unwrap();
    });
    assert_eq!(is_done.recv_timeout(LONG), Ok(()), "it waits");
}

#[test]
fn a_blocked_read_goes_on_when_something_comes() {
    let (mut near, mut far) = pair();
    let writer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        far.write(b"late");
        far
    });
    assert_eq!(near.read(&mut [0; 16]).unwrap(), 4);
    writer.join().unwrap();
}

#[test]
fn finishing_gives_up_on_silence_and_reports_resets_and_cuts() {
    let (near, _far) = pair();
    assert_eq!(near.finish(Duration::from_millis(30)).unwrap_err().kind(), ErrorKind::TimedOut);
    // nobody takes what waits
    let (mut near, _far) = pair();
    fill(&mut near);
    assert_eq!(near.finish(Duration::from_millis(30)).unwrap_err().kind(), ErrorKind::TimedOut);
    let (near, far) = pair();
    reset(far.socket);
    assert_eq!(near.finish(LONG).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let (near, far) = pair();
    let cutter = thread::spawn(move || {
        far.socket.set_nonblocking(false).unwrap();
        let _ = (&far.socket).read_to_end(&mut Vec::new());
    });
    assert_eq!(tls_kind(&near.finish(LONG).unwrap_err()), TlsErrorKind::CutOff);
    cutter.join().unwrap();
}

#[test]
fn tiny_buffers_of_the_sockets_do_not_stop_it() {
    const LEN: usize = 200_000;
    let authority = Authority::new();
    let (mut near, mut far) =
        established(&authority.certify(&["relay.example"]).config(), &authority.options());
    for socket in [SockRef::from(&near), SockRef::from(&far.socket)] {
        socket.set_send_buffer_size(8192).unwrap();
        socket.set_recv_buffer_size(8192).unwrap();
    }
    let out: Vec<u8> = (0..LEN).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let back: Vec<u8> = (0..LEN).map(|at| u8::try_from(at % 241).unwrap()).collect();
    let (mut written, mut far_written) = (0, 0);
    let (mut got, mut far_got) = (Vec::new(), Vec::new());
    let mut buffer = vec![0; 20_000];
    until("everything", || {
        if written < LEN && near.write_ready().unwrap() {
            written += near.write(&out[written..]).unwrap();
        }
        far_written += far.write(&back[far_written..]);
        if near.read_ready().unwrap() {
            let count = near.read(&mut buffer).unwrap();
            got.extend_from_slice(&buffer[..count]);
        }
        if let Got::Bytes(count) = far.read(&mut buffer) {
            far_got.extend_from_slice(&buffer[..count]);
        }
        got.len() == LEN && far_got.len() == LEN
    });
    assert!(got == back && far_got == out);
}

/// A link that is told to speak TLS does so over a connection that the program has made, too.
#[test]
fn a_link_over_a_given_connection_speaks_tls_if_told_to() {
    let authority = Authority::new();
    let config = authority.certify(&["relay.example"]).config();
    for is_begun in [false, true] {
        let (near, far) = super::common::pair();
        let mut far = Far::new(&config, far);
        let options = authority.options().with_server_name("relay.example").unwrap();
        let near = if is_begun { near.with_tls("relay.example", &options).unwrap() } else { near };
        let mut link = DesktopLink::builder().tls(options).transport(near).unwrap();
        link.create("echo", Mode::default()).unwrap();
        let (mut heard, mut buffer) = (Vec::new(), [0; 64]);
        until("the command", || {
            link.poll(|_, _| ()).unwrap();
            if let Got::Bytes(count) = far.read(&mut buffer) {
                heard.extend_from_slice(&buffer[..count]);
            }
            heard == [0, 0, 1, 4, b'e', b'c', b'h', b'o']
        });
    }
}
