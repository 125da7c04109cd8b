//! Simulated lag and bandwidth, on a virtual clock.

use peote_net::link::{Destination, Event, Mode, SendError, SimulatedLine};
use peote_net::time::{Duration, Instant};

use super::support::*;
use crate::support::Seen;

const fn lag(millis: u64) -> SimulatedLine {
    SimulatedLine::new().round_trip(Duration::from_millis(millis))
}

/// Polls at each deadline, and says what came when, from `start` on.
fn timed(rig: &mut LocalRig, start: Instant) -> Vec<(u64, Seen)> {
    let mut seen = Vec::new();
    loop {
        let now = rig.now;
        rig.poll_once(|event, _| seen.push((now.saturating_since(start).as_millis(), event.into()))).unwrap();
        match rig.link.next_deadline() {
            None => return seen,
            Some(deadline) => rig.now = rig.now.max(deadline),
        }
    }
}

#[test]
fn what_a_line_is() {
    assert_eq!(SimulatedLine::default(), SimulatedLine::new());
    assert_eq!(lag(75).one_way(), Duration::from_millis(37));
    assert_eq!(lag(u64::MAX).one_way(), Duration::from_millis(u64::from(u32::MAX) / 2));
    assert_eq!(lag(1 << 32), lag(u64::from(u32::MAX)));
    assert_ne!(lag(4).bytes_per_second(1), lag(4));
}

/// Entering and each message take half a round trip, to the millisecond.
#[test]
fn lag_is_exact() {
    for millis in [0, 8, 81, 5000] {
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 0, CHUNKS);
        rig.out().simulate(channel, lag(millis)).unwrap();
        rig.now = Instant::from_millis(123);
        let entered = rig.out().enter("a", CHUNKS).unwrap();
        let seen = timed(&mut rig, Instant::from_millis(123));
        assert_eq!(seen.len(), 2);
        assert!(seen.iter().all(|(at, _)| *at == millis / 2), "{seen:?}");
        let user = rig.out().users(channel).next().unwrap();
        let start = rig.now;
        rig.out().send(entered, b"1").unwrap();
        rig.poll_once(|_, _| ()).unwrap();
        rig.now = start + Duration::from_millis(millis / 4);
        rig.out().send(entered, b"2").unwrap();
        rig.out().send((channel, user), b"3").unwrap();
        let seen = timed(&mut rig, start);
        let later = millis / 4 + millis / 2;
        if millis / 2 > 0 {
            let up = from_user_of(channel, user);
            assert_eq!(seen[0], (millis / 2, Seen::Chunk(up, b"1".to_vec())));
            let mut rest = seen[1..].to_vec();
            rest.sort_by_key(|(_, seen)| format!("{seen:?}"));
            let mut expected = vec![
                (later, Seen::Chunk(up, b"2".to_vec())),
                (later, Seen::Chunk(from_server_of(entered), b"3".to_vec())),
            ];
            expected.sort_by_key(|(_, seen)| format!("{seen:?}"));
            assert_eq!(rest, expected);
        } else {
            assert!(seen.iter().all(|(at, _)| *at == 0));
        }
    }
}

/// `n` bytes take `n / bandwidth`, one behind the other, each direction and each user by itself; a
/// chunk's length field counts.
#[test]
fn bandwidth_is_exact() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    let users = [0, 1].map(|_| join(&mut rig, b"a", channel, CHUNKS));
    rig.out().simulate(channel, lag(100).bytes_per_second(1000)).unwrap();
    let start = rig.now;
    for (entered, user) in users {
        // 100, 30 and 1 bytes with their lengths
        for len in [99, 29] {
            rig.out().send(entered, &vec![1; len]).unwrap();
            rig.out().send((channel, user), &vec![1; len]).unwrap();
        }
    }
    let seen = timed(&mut rig, start);
    let times: Vec<u64> = seen.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [150, 150, 150, 150, 180, 180, 180, 180]);
    // an idle line starts at once, however long it was idle
    rig.now = rig.now + Duration::from_secs(100);
    let start = rig.now;
    rig.out().send(users[0].0, &[1; 9]).unwrap();
    assert_eq!(timed(&mut rig, start)[0].0, 60);
}

/// Fractions of a millisecond add up, and an arrival is never early.
#[test]
fn fractions_of_milliseconds() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, Mode::Data);
    let (entered, _) = join(&mut rig, b"a", channel, Mode::Data);
    rig.out().simulate(channel, SimulatedLine::new().bytes_per_second(3000)).unwrap();
    let start = rig.now;
    for _ in 0..20 {
        rig.out().send(entered, b"x").unwrap();
    }
    let times: Vec<u64> = timed(&mut rig, start).iter().map(|(at, _)| *at).collect();
    // one byte takes 333 µs, as whole microseconds are counted
    let expected: Vec<u64> = (1..=20).map(|n: u64| (n * 333).div_ceil(1000)).collect();
    assert_eq!(times, expected);
}

/// Slow and then fast: nothing overtakes what was sent before.
#[test]
fn order_is_kept_when_the_line_changes() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
    let start = rig.now;
    let lines = [lag(1000), lag(0), lag(400).bytes_per_second(100), SimulatedLine::new(), lag(10)];
    for (number, line) in (0u8..).zip(lines) {
        rig.out().simulate(channel, line).unwrap();
        rig.out().send(entered, &[number; 9]).unwrap();
        rig.out().send((channel, user), &[number; 9]).unwrap();
        assert_eq!(rig.poll(), []);
    }
    let seen = timed(&mut rig, start);
    for source in [from_user_of(channel, user), from_server_of(entered)] {
        let numbers: Vec<(u64, u8)> = seen
            .iter()
            .filter_map(|(at, seen)| match seen {
                Seen::Chunk(from, bytes) if *from == source => Some((*at, bytes[0])),
                _ => None,
            })
            .collect();
        assert_eq!(numbers, [(500, 0), (500, 1), (500, 2), (500, 3), (500, 4)]);
    }
    // the line of a user that enters is that of its channel, and a new channel's is fast again
    rig.out().simulate(channel, lag(60)).unwrap();
    let start = rig.now;
    rig.out().enter("a", CHUNKS).unwrap();
    assert!(timed(&mut rig, start).iter().all(|(at, _)| *at == 30));
    rig.out().delete(channel).unwrap();
    settle(&mut rig);
    let channel = open(&mut rig, b"a", 1, CHUNKS);
    let start = rig.now;
    rig.out().enter("a", CHUNKS).unwrap();
    assert!(timed(&mut rig, start).iter().all(|(at, _)| *at == 0));
    // it can be set before the channel is there
    let early = rig.out().create("b", CHUNKS).unwrap();
    rig.out().simulate(early, lag(20)).unwrap();
    let _ = channel;
}

/// What is under way fills the line, and sending says so until something has arrived.
#[test]
fn a_full_line() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
    rig.out().simulate(channel, lag(200)).unwrap();
    let mut sent = 0;
    let error = loop {
        match rig.out().send(entered, &[1; 87]) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    // a record takes 12 bytes and the chunk 1 or 2 for its length; 12 are kept
    assert_eq!((error, sent), (SendError::WouldBlock, (LINE - RECORD) / (87 + 1 + RECORD)));
    assert!(!rig.out().can_send(entered, 87) && rig.out().can_send((channel, user), 87));
    for millis in [0, 50, 99] {
        rig.now = Instant::from_millis(millis);
        assert_eq!(rig.poll(), []);
        assert_eq!(rig.out().send(entered, &[1; 87]), Err(SendError::WouldBlock));
        assert_eq!(rig.link.next_deadline(), Some(Instant::from_millis(100)));
    }
    rig.now = Instant::from_millis(100);
    let mut came = 0;
    rig.poll_once(|event, out| {
        assert!(matches!(event, Event::Chunk { .. }));
        came += 1;
        assert!(out.can_send(entered, 87), "there is room as soon as it has arrived");
    })
    .unwrap();
    assert_eq!((came, rig.link.next_deadline()), (sent, None));
}

/// A poll that comes late finds everything, in order, and no more than what is due.
#[test]
fn polling_seldom() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    let (entered, _) = join(&mut rig, b"a", channel, CHUNKS);
    rig.out().simulate(channel, lag(20).bytes_per_second(1000)).unwrap();
    for number in 0..10 {
        rig.out().send(entered, &[number; 9]).unwrap();
    }
    let mut got = Vec::new();
    for millis in (0..200).step_by(33) {
        rig.now = Instant::from_millis(millis);
        rig.poll_once(|event, _| {
            let Event::Chunk { bytes, .. } = event else { panic!("{event:?}") };
            got.push(bytes[0]);
        })
        .unwrap();
        let due = millis.saturating_sub(10) / 10;
        assert_eq!(got.len(), usize::try_from(due).unwrap().min(10), "at {millis} ms");
    }
    assert_eq!(got, (0..10).collect::<Vec<u8>>());
}

/// Users with fast lines are not kept waiting by one with a slow line, and one that sends much does
/// not silence the others.
#[test]
fn lines_do_not_wait_for_each_other() {
    let mut rig = rig();
    let slow = open(&mut rig, b"slow", 0, CHUNKS);
    let fast = open(&mut rig, b"fast", 1, CHUNKS);
    let (slow_user, _) = join(&mut rig, b"slow", slow, CHUNKS);
    let users: Vec<_> = (0..3).map(|_| join(&mut rig, b"fast", fast, CHUNKS)).collect();
    rig.out().simulate(slow, lag(0).bytes_per_second(1)).unwrap();
    rig.out().send(slow_user, &[0; 9]).unwrap();
    for number in 0..10u8 {
        for (entered, _) in &users {
            rig.out().send(*entered, &[number; 20]).unwrap();
        }
    }
    // in turns, not one line after the other
    let seen = timed(&mut rig, Instant::ZERO);
    let (last, fast_ones) = seen.split_last().unwrap();
    assert_eq!(last.0, 10_000);
    assert_eq!(fast_ones.len(), 30);
    for (turn, three) in fast_ones.chunks(3).enumerate() {
        let Seen::Chunk(_, first) = &three[0].1 else { panic!() };
        assert_eq!(usize::from(first[0]), turn);
        assert!(
            three
                .iter()
                .all(|(at, seen)| *at == 0 && matches!(seen, Seen::Chunk(_, bytes) if bytes == first))
        );
    }
    let _ = fast;
}

/// The same run, twice, with everything in it.
#[test]
fn a_run_can_be_repeated() {
    let run = || {
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 0, CHUNKS);
        rig.out().simulate(channel, lag(37).bytes_per_second(2_345)).unwrap();
        let users: Vec<_> = (0..3).map(|_| join(&mut rig, b"a", channel, CHUNKS)).collect();
        let mut seen: Vec<(Instant, Seen)> = Vec::new();
        for step in 0..200u64 {
            let (entered, _) = users[usize::try_from(step % 3).unwrap()];
            let _ = rig.out().send(entered, &vec![1; usize::try_from(step * 7 % 90).unwrap() + 1]);
            if step % 11 == 0 {
                let _ = rig.out().send(Destination::All(channel), &[2; 33]);
            }
            let now = rig.now;
            rig.poll_once(|event, out| {
                if let Event::Chunk { from: from @ peote_net::link::Source::User { .. }, bytes } = event {
                    let _ = out.send(from, bytes);
                }
                seen.push((now, event.into()));
            })
            .unwrap();
            rig.now = rig.now + Duration::from_millis(step * 5 % 13);
        }
        (seen, rig.script.outgoing)
    };
    let first = run();
    assert_eq!(first, run());
    assert!(first.0.len() > 100);
}

/// Times far beyond all there are do not overflow.
#[test]
fn the_end_of_time() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    let (entered, _) = join(&mut rig, b"a", channel, CHUNKS);
    rig.out().simulate(channel, lag(u64::MAX).bytes_per_second(1)).unwrap();
    for _ in 0..3 {
        rig.now = Instant::from_millis(u64::MAX - 5);
        rig.out().send(entered, &[1; 100]).unwrap();
        rig.poll_once(|_, _| ()).unwrap();
        rig.now = Instant::from_millis(u64::MAX);
        rig.poll_once(|_, _| ()).unwrap();
    }
    // all that is due by then has come, and nothing is left to be woken for
    assert_eq!(rig.link.next_deadline(), None);
}
