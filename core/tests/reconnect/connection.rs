//! Attempts to connect.

use peote_net::protocol::to_relay::Command::Create;
use peote_net::reconnect::{Backoff, Exhausted, Reconnect, Status};
use peote_net::time::{Duration, Instant};

use crate::support::Rig;

fn lost(until: Instant) -> Status {
    Status::Lost { until }
}

#[test]
fn the_first_attempt_is_due_at_once_and_failures_put_the_next_one_off() {
    let mut rig = Rig::new();
    assert_eq!((rig.reconnect.status(), rig.deadline()), (lost(Instant::ZERO), Some(0)));
    for delay in [100, 200, 400, 800, 1000, 1000] {
        assert!(rig.reconnect.start_attempt(rig.now));
        assert_eq!((rig.reconnect.status(), rig.deadline()), (Status::Connecting, None));
        assert!(!rig.reconnect.start_attempt(rig.now), "one at a time");
        rig.pass(37);
        rig.reconnect.failed(rig.now);
        let until = rig.now + Duration::from_millis(delay);
        assert_eq!((rig.reconnect.status(), rig.deadline()), (lost(until), Some(delay)));
        rig.reconnect.failed(rig.now); // nothing has failed since
        assert_eq!(rig.reconnect.status(), lost(until));
        rig.pass(delay - 1);
        assert!(!rig.reconnect.start_attempt(rig.now));
        rig.pass(1);
    }
}

#[test]
fn giving_up_and_trying_again_all_the_same() {
    for (rules, exhausted, attempts) in [
        (Rig::rules().with_most_attempts(3), Exhausted::Attempts, 4),
        (Rig::rules().with_most_attempts(0), Exhausted::Attempts, 1),
        (Rig::rules().with_time_limit(Duration::from_millis(700)), Exhausted::Time, 4),
    ] {
        let mut reconnect = Reconnect::<&str, 1>::new(rules);
        for _ in 0..3 {
            let mut now = Instant::from_millis(1);
            let mut made = 0;
            while let Some(deadline) = reconnect.next_deadline() {
                now = now.max(deadline);
                assert!(reconnect.start_attempt(now));
                made += 1;
                reconnect.failed(now);
            }
            assert_eq!((made, reconnect.status()), (attempts, Status::GivenUp(exhausted)));
            assert!(!reconnect.start_attempt(Instant::from_millis(u64::MAX)));
            reconnect.failed(now);
            assert_eq!(reconnect.status(), Status::GivenUp(exhausted));
            reconnect.try_now();
            assert_eq!(reconnect.status(), lost(Instant::ZERO));
        }
    }
}

#[test]
fn trying_now_does_not_disturb_what_is_under_way() {
    let mut rig = Rig::new();
    assert!(rig.reconnect.start_attempt(rig.now));
    rig.reconnect.try_now();
    assert_eq!(rig.reconnect.status(), Status::Connecting);
    rig.reconnect.connected();
    rig.reconnect.try_now();
    assert_eq!(rig.reconnect.status(), Status::Connected);
    rig.reconnect.failed(rig.now);
    assert_eq!(rig.deadline(), Some(100));
    rig.reconnect.try_now();
    assert!(rig.reconnect.start_attempt(rig.now));
}

/// One that is full or on its way down: that a connection was made is no reason to hurry.
#[test]
fn a_relay_that_accepts_connections_and_closes_them() {
    let mut rig = Rig::new();
    let channel = rig.own("room");
    for delay in [100, 200, 400, 800, 1000] {
        rig.connect();
        rig.asks(&[(Create, "room")]);
        assert_eq!(rig.lose(), []);
        assert_eq!(rig.deadline(), Some(delay));
        rig.pass(delay);
    }
    rig.connect();
    let tag = rig.asks(&[(Create, "room")])[0];
    rig.accepts(tag, 0);
    assert_eq!(rig.lose(), [peote_net::reconnect::Notice::Interrupted { channel }]);
    assert_eq!(rig.deadline(), Some(100));
}

/// Nothing is queued for a connection that is not there.
#[test]
fn nothing_is_asked_for_without_a_connection() {
    let mut rig = Rig::new();
    rig.own("room");
    let free = rig.link.out().free();
    let Rig { reconnect, link, .. } = &mut rig;
    assert_eq!(reconnect.restore(&mut link.out(), Instant::from_millis(1_000_000)), None);
    assert_eq!(rig.link.out().free(), free);
}

/// As documented, on targets of 64 and of 32 bits.
#[test]
fn the_size_follows_from_the_parameters() {
    fn check<N, const CHANNELS: usize>() {
        let words = if cfg!(feature = "admission") { size_of::<N>() } else { 0 };
        let list = if cfg!(feature = "flow") { 8 } else { 0 };
        let size = (CHANNELS * (88 + size_of::<N>() + words) + 176 + list).next_multiple_of(8);
        let actual = size_of::<Reconnect<N, CHANNELS>>();
        if cfg!(target_pointer_width = "64") {
            assert_eq!(actual, size);
        } else {
            assert!(actual <= size, "{actual} > {size}");
        }
    }
    check::<&str, 0>();
    check::<&str, 1>();
    check::<&str, 17>();
    check::<String, 5>();
}

/// It lies in a `static`, and can be moved.
#[test]
fn a_list_in_a_static() {
    static LIST: std::sync::Mutex<Reconnect<&str, 4>> =
        std::sync::Mutex::new(Reconnect::new(Backoff::new()).with_channel_rules(Backoff::new()));
    assert_eq!(LIST.lock().unwrap().status(), lost(Instant::ZERO));
}
