//! A relay that says nothing for too long.

use peote_net::link::{Channel, Error, Event, Mode, SILENCE_LIMIT};
use peote_net::protocol::to_endpoint;
use peote_net::time::{Duration, Instant};

use crate::support::{Rig, Seen, tag};

const fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

#[test]
fn instants_and_durations() {
    assert_eq!(at(5) + Duration::from_secs(2), at(2005));
    assert_eq!(at(u64::MAX) + Duration::from_millis(1), at(u64::MAX));
    assert_eq!(at(7).saturating_since(at(9)), Duration::ZERO);
    assert_eq!(at(9).saturating_since(at(7)).as_millis(), 2);
    assert_eq!(Duration::from_secs(u64::MAX).as_millis(), u64::MAX);
    assert_eq!((Instant::ZERO, Instant::default().as_millis()), (at(0), 0));
    assert_eq!(SILENCE_LIMIT, Duration::from_secs(20));
}

/// A rig that has sent something at time 1000.
fn asked() -> (Rig, peote_net::link::OwnChannel) {
    let mut rig = Rig { now: at(1000), ..Rig::default() };
    assert_eq!(rig.link.next_deadline(), None);
    let channel = rig.out().create("a", Mode::Data).unwrap();
    assert_eq!(rig.link.next_deadline(), None, "a relay is silent until something has been said to it");
    assert_eq!(rig.poll(), []);
    (rig, channel)
}

#[test]
fn counted_from_what_was_said_first() {
    let (mut rig, channel) = asked();
    assert_eq!(rig.link.next_deadline(), Some(at(21_000)));
    rig.now = at(20_999);
    assert_eq!(rig.poll(), []);
    rig.now = at(21_000);
    let (seen, error) = rig.lose();
    assert_eq!(error, Error::Silent { duration: Duration::from_secs(20) });
    let reason = peote_net::Reason::LinkLost;
    assert_eq!(seen, [Seen::Notice(Event::Refused { channel: Channel::Own(channel), reason, words: &[] })]);
    assert_eq!(rig.link.next_deadline(), None);
}

// §4.4-silence
#[test]
fn counted_anew_from_everything_that_is_heard() {
    let (mut rig, _) = asked();
    let whatever = [&to_endpoint::keepalive()[..], &[0], &[4, 0, 255], &[0, 0]];
    for (step, bytes) in (1..).zip(whatever) {
        rig.now = at(1000 + 19_000 * step);
        assert_eq!(rig.hears(bytes), []);
        assert_eq!(rig.link.next_deadline(), Some(rig.now + SILENCE_LIMIT));
    }
    // saying something more changes nothing
    let deadline = rig.link.next_deadline();
    rig.now = at(80_000);
    rig.out().create("b", Mode::Data).unwrap();
    assert_eq!(rig.poll(), []);
    assert_eq!(rig.link.next_deadline(), deadline);
}

/// What has come but has not been read is not silence, however late the poll.
#[test]
fn a_poll_that_comes_late_hears_first() {
    let (mut rig, channel) = asked();
    rig.now = at(500_000);
    assert_eq!(
        rig.hears(to_endpoint::success(tag(1), 0)),
        [Seen::Notice(Event::Opened { channel: Channel::Own(channel) })]
    );
    assert_eq!(rig.link.next_deadline(), Some(at(520_000)));
}

#[test]
fn a_limit_of_ones_own_and_none() {
    let (mut rig, _) = asked();
    rig.link.set_silence_limit(Some(Duration::from_millis(7)));
    assert_eq!(rig.link.next_deadline(), Some(at(1007)));
    rig.link.set_silence_limit(None);
    assert_eq!(rig.link.next_deadline(), None);
    rig.now = at(u64::MAX);
    assert_eq!(rig.poll(), []);
    rig.link.set_silence_limit(Some(Duration::from_millis(7)));
    assert_eq!(rig.lose().1, Error::Silent { duration: Duration::from_millis(u64::MAX - 1000) });
    // it stays for the next connection
    rig.now = at(0);
    rig.out().create("b", Mode::Data).unwrap();
    assert_eq!(rig.poll(), []);
    assert_eq!(rig.link.next_deadline(), Some(at(7)));
}

/// A link that has said nothing expects nothing.
#[test]
fn nothing_said_nothing_expected() {
    let mut rig = Rig::default();
    rig.script.room = 0;
    rig.out().create("a", Mode::Data).unwrap();
    for millis in [0, 30_000, 90_000] {
        rig.now = at(millis);
        assert_eq!(rig.poll(), []);
        assert_eq!(rig.link.next_deadline(), None);
    }
    rig.script.room = 1;
    assert_eq!(rig.poll(), []);
    assert_eq!(rig.link.next_deadline(), Some(at(110_000)));
}
