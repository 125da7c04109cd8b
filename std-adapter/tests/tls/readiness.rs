//! Waiting: for what is meant, and not for what the socket carries.

use std::io::Write as _;

use embedded_io::{Read as _, ReadReady as _, Write as _, WriteReady as _};
use peote_net::time::Duration;
use peote_net_std::{Clock, Interest, TcpTransport, Waiter, Watch};

use super::far::{Authority, Far, Got};
use super::{beginning, pair, until, until_readable};

struct Waiting {
    clock: Clock,
    waiter: Waiter,
}

impl Waiting {
    fn new() -> Self {
        let clock = Clock::new();
        Self { clock, waiter: Waiter::new(clock).unwrap() }
    }

    /// Waits for a millisecond. Whether the transport is ready.
    fn briefly(&mut self, near: &mut TcpTransport, interest: Interest) -> bool {
        let deadline = self.clock.now() + Duration::from_millis(1);
        let mut watches = [Watch::transport(near, interest)];
        let woken = self.waiter.wait(&mut watches, Some(deadline)).unwrap();
        assert_eq!(woken.ready == 1, watches[0].is_ready());
        assert!(woken.ready == 1 || woken.deadline, "{woken:?}");
        watches[0].is_ready()
    }

    /// Waits until it is ready, which it has to become.
    fn long(&mut self, near: &mut TcpTransport, interest: Interest) {
        let deadline = self.clock.now() + Duration::from_secs(60);
        let mut watches = [Watch::transport(near, interest)];
        assert_eq!(self.waiter.wait(&mut watches, Some(deadline)).unwrap().ready, 1);
    }
}

#[test]
fn decrypted_bytes_end_a_wait_though_the_socket_is_empty() {
    let (mut near, mut far) = pair();
    let mut waiting = Waiting::new();
    far.write(b"abc");
    waiting.long(&mut near, Interest::READ);
    for expected in b"abc" {
        // the whole record is out of the socket by now
        waiting.long(&mut near, Interest::READ);
        assert!(near.read_ready().unwrap());
        let mut byte = [0];
        assert_eq!(near.read(&mut byte).unwrap(), 1);
        assert_eq!(byte[0], *expected);
    }
    assert!(!waiting.briefly(&mut near, Interest::READ));
}

#[test]
fn half_a_record_is_nothing_to_read() {
    let (mut near, mut far) = pair();
    let mut waiting = Waiting::new();
    far.tls.writer().write_all(b"hello").unwrap();
    let bytes = far.take_output().unwrap();
    let (first, second) = bytes.split_at(10);
    far.socket.write_all(first).unwrap();
    assert!(!waiting.briefly(&mut near, Interest::READ));
    far.socket.write_all(second).unwrap();
    waiting.long(&mut near, Interest::READ);
    assert_eq!(near.read(&mut [0; 8]).unwrap(), 5);
}

#[test]
fn a_handshake_goes_on_by_waiting_alone() {
    let authority = Authority::new();
    for interest in [Interest::READ, Interest::WRITE, Interest::BOTH] {
        let config = authority.certify(&["relay.example"]).config();
        let (mut near, mut far) = beginning(&config, &authority.options());
        let mut waiting = Waiting::new();
        until("the handshake", || {
            let is_ready = waiting.briefly(&mut near, interest);
            far.advance().unwrap();
            assert!(!is_ready || interest.write);
            is_ready || (!interest.write && !far.tls.is_handshaking())
        });
        far.write(b"x");
        until_readable(&mut near);
        assert!(near.write_ready().unwrap());
    }
}

fn fill(near: &mut TcpTransport) -> usize {
    let mut written = 0;
    while near.write_ready().unwrap() {
        written += near.write(&[7; 30_000]).unwrap();
    }
    written
}

/// Reads at the far end as long as something is there.
fn drain(far: &mut Far) -> usize {
    let mut all = 0;
    let mut buffer = vec![0; 1 << 16];
    while let Got::Bytes(count) = far.read(&mut buffer) {
        all += count;
    }
    all
}

#[test]
fn what_was_written_goes_out_during_any_wait() {
    for interest in [Interest::NONE, Interest::READ] {
        let (mut near, mut far) = pair();
        let mut waiting = Waiting::new();
        let written = fill(&mut near);
        let mut arrived = 0;
        until("everything", || {
            assert!(!waiting.briefly(&mut near, interest));
            arrived += drain(&mut far);
            arrived == written
        });
        waiting.long(&mut near, Interest::WRITE);
    }
}

#[test]
fn room_to_write_ends_a_wait_when_it_is_there() {
    let (mut near, mut far) = pair();
    let mut waiting = Waiting::new();
    waiting.long(&mut near, Interest::WRITE);
    fill(&mut near);
    assert!(!waiting.briefly(&mut near, Interest::WRITE));
    until("room", || {
        drain(&mut far);
        waiting.briefly(&mut near, Interest::WRITE)
    });
    near.write(b"x").unwrap();
}

#[test]
fn an_update_of_keys_is_answered_without_anything_to_say() {
    let (mut near, mut far) = pair();
    let mut waiting = Waiting::new();
    far.tls.refresh_traffic_keys().unwrap();
    far.send();
    assert!(!waiting.briefly(&mut near, Interest::READ));
    // the answer comes with the next thing that is said
    near.write(b"x").unwrap();
    until("what was said", || far.read(&mut [0; 8]) == Got::Bytes(1));
}

#[test]
fn a_broken_connection_wakes_who_is_interested_and_nobody_else() {
    for is_full in [false, true] {
        let (mut near, far) = pair();
        let mut waiting = Waiting::new();
        if is_full {
            fill(&mut near);
        }
        super::common::reset(far.socket);
        assert!(!waiting.briefly(&mut near, Interest::NONE));
        assert!(!waiting.briefly(&mut near, Interest::NONE));
        waiting.long(&mut near, Interest::READ);
        assert!(near.read(&mut [0; 8]).is_err());
        waiting.long(&mut near, Interest::WRITE);
        assert!(near.write(b"x").is_err());
    }
}

#[test]
fn the_end_and_a_cut_wake_who_reads() {
    for is_cut in [false, true] {
        let (mut near, mut far) = pair();
        if is_cut {
            far.socket.shutdown(std::net::Shutdown::Write).unwrap();
        } else {
            far.close();
        }
        let mut waiting = Waiting::new();
        for _ in 0..3 {
            waiting.long(&mut near, Interest::READ);
            assert_eq!(near.read(&mut [0; 8]).is_err(), is_cut);
        }
        assert!(!waiting.briefly(&mut near, Interest::NONE));
    }
}
