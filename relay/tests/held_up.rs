//! An endpoint that the relay does not read from may be unable to read before it can write. The
//! system must not give it up for that.
#![cfg(target_os = "linux")]

mod common;

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{PATIENCE, config, pattern, start, talk, to_server, to_user};
use peote_relay::Config;

/// How long it is held up: longer than the system would wait by itself.
const HELD_UP: Duration = Duration::from_secs(6);

#[test]
fn a_server_that_is_held_up_by_a_slow_user_is_not_lost() {
    let relay = start(Config {
        tcp_keepalive: Duration::from_secs(1),
        keepalive_interval: Duration::from_millis(100),
        stall_timeout: Duration::from_secs(2),
        // a single byte in that time is enough
        slow_receiver_bytes_per_second: 0,
        queue_bytes: 64 << 10,
        ..config()
    });
    let (mut bystander, mut guest) = relay.pair(b"others");
    let (mut server, mut slow) = (relay.connect_small(), relay.connect_small());
    let mut fast = relay.connect();
    server.create(b"a");
    slow.enter(b"a");
    server.control();
    fast.enter(b"a");
    server.control();
    let is_over = AtomicBool::new(false);
    let (to_slow, to_us) = (to_user(0, 0, &pattern(4 << 20, 1)), to_server(0, &pattern(2 << 20, 2)));
    std::thread::scope(|scope| {
        // a server that writes before it reads
        let mut writing = server.socket.try_clone().unwrap();
        let written = scope.spawn(move || writing.write_all(&to_slow));
        let mut reading = slow.socket.try_clone().unwrap();
        let is_over = &is_over;
        scope.spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let _ = reading.read(&mut [0; 4096]).unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
            // the relay says something all the time, so the end of this does not depend on it
            let begin = Instant::now();
            while begin.elapsed() < PATIENCE && reading.read(&mut [0; 1 << 16]).is_ok_and(|len| len > 0) {}
        });
        relay.until(|stats| stats.paused >= 1);
        // what is sent to it fills all that there is on the way
        let mut sending = fast.socket.try_clone().unwrap();
        let sent = scope.spawn(move || sending.write_all(&to_us));
        relay.until(|stats| stats.paused >= 2);
        let begin = Instant::now();
        while begin.elapsed() < HELD_UP {
            let stats = relay.stats();
            assert_eq!((stats.connections, stats.dropped), (5, 0), "{stats:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
        talk(&mut bystander, &mut guest);
        // everything comes once the user reads
        is_over.store(true, Ordering::Relaxed);
        assert!(server.data(true, 0, 1, 2 << 20) == pattern(2 << 20, 2));
        written.join().unwrap().unwrap();
        sent.join().unwrap().unwrap();
        slow.socket.shutdown(std::net::Shutdown::Both).unwrap();
    });
}
