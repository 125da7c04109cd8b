//! Waiting: what ends a wait, what does not, and that nothing is missed.

mod common;

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{LONG, pair, reset};
use embedded_io::{Read as _, ReadReady as _, Write as _, WriteReady as _};
use peote_net::time::{Duration, Instant};
use peote_net_std::{Clock, Interest, TcpTransport, Waiter, Watch, Woken};

struct Fixture {
    clock: Clock,
    waiter: Waiter,
    transport: TcpTransport,
    far: TcpStream,
}

fn fixture() -> Fixture {
    let clock = Clock::new();
    let (transport, far) = pair();
    Fixture { clock, waiter: Waiter::new(clock).unwrap(), transport, far }
}

impl Fixture {
    /// Waits for the transport and nothing else; for what must come.
    fn wait(&mut self, interest: Interest) -> Woken {
        let deadline = self.clock.now() + Duration::from_secs(60);
        self.wait_until(interest, deadline)
    }

    /// The same, for what must not come.
    fn wait_shortly(&mut self, interest: Interest) -> Woken {
        let deadline = self.clock.now() + Duration::from_millis(30);
        self.wait_until(interest, deadline)
    }

    fn wait_until(&mut self, interest: Interest, deadline: Instant) -> Woken {
        self.waiter.wait(&mut [Watch::transport(&mut self.transport, interest)], Some(deadline)).unwrap()
    }

    /// Writes until there is no room, and none comes from what is still on its way to the far end.
    fn fill(&mut self) {
        loop {
            while self.transport.write_ready().unwrap() {
                self.transport.write(&[7; 65_536]).unwrap();
            }
            // Longer than a TCP delays its acknowledgements.
            let deadline = self.clock.now() + Duration::from_millis(300);
            if is_deadline_only(self.wait_until(Interest::WRITE, deadline)) {
                return;
            }
        }
    }
}

fn is_ready_only(woken: Woken) -> bool {
    woken.ready == 1 && !woken.waker && !woken.deadline
}

fn is_deadline_only(woken: Woken) -> bool {
    woken.ready == 0 && !woken.waker && woken.deadline
}

#[test]
fn data_wakes() {
    let mut f = fixture();
    let mut far = f.far.try_clone().unwrap();
    let writer = thread::spawn(move || {
        thread::sleep(std::time::Duration::from_millis(20));
        far.write_all(b"x").unwrap();
    });
    assert!(is_ready_only(f.wait(Interest::READ)));
    assert!(f.transport.read_ready().unwrap());
    assert_eq!(f.transport.read(&mut [0; 8]).unwrap(), 1);
    assert!(is_deadline_only(f.wait_shortly(Interest::READ)));
    writer.join().unwrap();
}

#[test]
fn what_is_left_unread_ends_every_wait() {
    let mut f = fixture();
    f.far.write_all(&[1; 100]).unwrap();
    for _ in 0..100 {
        assert!(is_ready_only(f.wait(Interest::READ)));
        // Twice, and with a question in between: nothing about a wait uses readiness up.
        assert!(is_ready_only(f.wait(Interest::READ)));
        assert!(f.transport.read_ready().unwrap());
        assert!(is_ready_only(f.wait(Interest::READ)));
        assert_eq!(f.transport.read(&mut [0; 1]).unwrap(), 1);
    }
    assert!(is_deadline_only(f.wait_shortly(Interest::READ)));
}

#[test]
fn readiness_seen_with_another_interest_is_not_lost() {
    let mut f = fixture();
    f.far.write_all(b"x").unwrap();
    assert!(is_ready_only(f.wait(Interest::READ)));
    assert!(is_ready_only(f.wait(Interest::WRITE)));
    assert!(is_deadline_only(f.wait_shortly(Interest::NONE)));
    assert!(is_ready_only(f.wait(Interest::BOTH)));
    assert!(is_ready_only(f.wait(Interest::READ)));
}

#[test]
fn what_is_of_no_interest_does_not_wake() {
    let mut f = fixture();
    // There is room to write.
    assert!(is_deadline_only(f.wait_shortly(Interest::READ)));
    // There is something to read.
    f.far.write_all(b"x").unwrap();
    assert!(is_ready_only(f.wait(Interest::READ)));
    f.fill();
    assert!(is_deadline_only(f.wait_shortly(Interest::WRITE)));
    assert!(is_deadline_only(f.wait_shortly(Interest::NONE)));
    // The connection is broken.
    let far = std::mem::replace(&mut f.far, pair().1);
    reset(far);
    assert!(is_deadline_only(f.wait_shortly(Interest::NONE)));
}

#[test]
fn room_wakes() {
    let mut f = fixture();
    f.fill();
    let mut far = f.far.try_clone().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let stop = done.clone();
    far.set_read_timeout(Some(std::time::Duration::from_millis(20))).unwrap();
    let reader = thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            let _ = std::io::Read::read(&mut far, &mut [0; 65_536]);
        }
    });
    assert!(is_ready_only(f.wait(Interest::WRITE)));
    assert!(f.transport.write_ready().unwrap());
    assert!(f.transport.write(b"x").unwrap() == 1);
    done.store(true, Ordering::Relaxed);
    reader.join().unwrap();
}

#[test]
fn the_end_wakes_and_so_does_a_reset_in_both_directions() {
    for interest in [Interest::READ, Interest::BOTH] {
        let mut f = fixture();
        let far = std::mem::replace(&mut f.far, pair().1);
        drop(far);
        assert!(is_ready_only(f.wait(interest)));
        assert!(f.transport.read_ready().unwrap());
        assert_eq!(f.transport.read(&mut [0; 8]).unwrap(), 0);
        assert!(is_ready_only(f.wait(interest)));
    }
    for interest in [Interest::READ, Interest::WRITE, Interest::BOTH] {
        let mut f = fixture();
        f.fill();
        let far = std::mem::replace(&mut f.far, pair().1);
        reset(far);
        assert!(is_ready_only(f.wait(interest)));
        if interest.read {
            assert!(f.transport.read(&mut [0; 8]).is_err());
        } else {
            assert!(f.transport.write_ready().unwrap());
            assert!(f.transport.write(b"x").is_err());
        }
        assert!(is_ready_only(f.wait(interest)));
    }
}

#[test]
fn data_and_end_that_come_together_are_both_seen() {
    for _ in 0..200 {
        let mut f = fixture();
        let mut far = std::mem::replace(&mut f.far, pair().1);
        far.write_all(b"x").unwrap();
        drop(far);
        assert!(is_ready_only(f.wait(Interest::READ)));
        assert_eq!(f.transport.read(&mut [0; 8]).unwrap(), 1);
        assert!(is_ready_only(f.wait(Interest::READ)));
        assert_eq!(f.transport.read(&mut [0; 8]).unwrap(), 0);
    }
}

#[test]
fn a_deadline_ends_a_wait_and_not_before_it_comes() {
    let mut f = fixture();
    for milliseconds in [0, 1, 2, 7, 20] {
        let deadline = f.clock.now() + Duration::from_millis(milliseconds);
        assert!(is_deadline_only(f.wait_until(Interest::READ, deadline)));
        assert!(f.clock.now() >= deadline);
    }
    // One that is over already, with nothing to wait for.
    assert!(is_deadline_only(f.waiter.wait(&mut [], Some(Instant::ZERO)).unwrap()));
}

#[test]
fn a_deadline_in_the_past_does_not_hide_what_is_ready() {
    let mut f = fixture();
    f.far.write_all(b"x").unwrap();
    assert!(is_ready_only(f.wait(Interest::READ)));
    let woken = f.wait_until(Interest::READ, Instant::ZERO);
    assert!(woken.ready == 1 && woken.deadline);
}

#[test]
fn a_deadline_beyond_all_time_is_none() {
    let mut f = fixture();
    f.waiter.waker().wake();
    let woken = f.wait_until(Interest::READ, Instant::from_millis(u64::MAX));
    assert!(woken.waker && !woken.deadline);
}

#[test]
fn another_thread_ends_a_wait() {
    let mut f = fixture();
    let waker = f.waiter.waker();
    let mail = Arc::new(AtomicBool::new(false));
    let theirs = mail.clone();
    let caller = thread::spawn(move || {
        thread::sleep(std::time::Duration::from_millis(20));
        theirs.store(true, Ordering::Relaxed);
        waker.wake();
    });
    let woken = f.wait(Interest::READ);
    assert!(woken.waker && woken.ready == 0);
    assert!(mail.load(Ordering::Relaxed));
    // It was one call.
    assert!(is_deadline_only(f.wait_shortly(Interest::READ)));
    caller.join().unwrap();
}

#[test]
fn calls_before_the_wait_end_it_once() {
    let mut f = fixture();
    let waker = f.waiter.waker();
    for _ in 0..1000 {
        waker.clone().wake();
    }
    assert!(f.wait(Interest::READ).waker);
    assert!(is_deadline_only(f.wait_shortly(Interest::READ)));
}

#[test]
fn no_call_is_lost() {
    const CALLS: usize = 20_000;
    let mut f = fixture();
    let waker = f.waiter.waker();
    let (sender, mail) = std::sync::mpsc::channel();
    let caller = thread::spawn(move || {
        for number in 0..CALLS {
            sender.send(number).unwrap();
            waker.wake();
        }
    });
    let mut received = 0;
    while received < CALLS {
        assert!(f.wait(Interest::READ).waker);
        received += mail.try_iter().count();
    }
    caller.join().unwrap();
}

#[test]
fn says_which_of_many() {
    let mut f = fixture();
    let mut pairs: Vec<_> = (0..50).map(|_| pair()).collect();
    for ready in [3, 49, 0] {
        pairs[ready].1.write_all(b"x").unwrap();
        let deadline = f.clock.now() + Duration::from_secs(60);
        let mut watches: Vec<Watch<'_>> =
            pairs.iter_mut().map(|(near, _)| Watch::transport(near, Interest::READ)).collect();
        let woken = f.waiter.wait(&mut watches, Some(deadline)).unwrap();
        assert!(is_ready_only(woken));
        let which: Vec<usize> = (0..50).filter(|index| watches[*index].is_ready()).collect();
        assert_eq!(which, [ready]);
        // The same again, with nothing ready any more.
        drop(watches);
        assert_eq!(pairs[ready].0.read(&mut [0; 8]).unwrap(), 1);
    }
    let mut watch = [Watch::transport(&mut f.transport, Interest::WRITE)];
    assert_eq!(f.waiter.wait(&mut watch, None).unwrap().ready, 1);
    assert!(watch[0].is_ready());
}

#[test]
fn a_waiter_can_be_dropped_while_others_call() {
    let f = fixture();
    let waker = f.waiter.waker();
    drop(f.waiter);
    waker.wake();
}

/// Processor time of this thread so far, in nanoseconds.
#[cfg(target_os = "linux")]
fn processor_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn waiting_costs_no_processor_time() {
    let dead = common::unanswering();
    let mut f = fixture();
    f.far.write_all(b"x").unwrap();
    f.fill();
    let connecting = TcpTransport::connect(&dead.address.to_string(), LONG);
    let mut connecting = connecting;
    assert!(connecting.poll().is_pending());
    let (mut quiet, _far) = pair();
    let (mut broken, far) = pair();
    reset(far);
    let deadline = f.clock.now() + Duration::from_millis(500);
    let before = processor_time();
    let mut waits = 0;
    // Everything that could keep it awake: room nobody wants, data nobody wants, a broken
    // connection nobody asks about.
    loop {
        let mut watches = [
            Watch::transport(&mut f.transport, Interest::WRITE),
            Watch::transport(&mut quiet, Interest::READ),
            Watch::transport(&mut broken, Interest::NONE),
            Watch::connecting(&connecting),
        ];
        waits += 1;
        if f.waiter.wait(&mut watches, Some(deadline)).unwrap().deadline {
            break;
        }
    }
    assert_eq!(waits, 1);
    assert!(processor_time() - before < 100_000_000, "awake during half a second of waiting");
}
