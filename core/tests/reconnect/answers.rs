//! A relay that says that it is there, and does not answer.

use peote_net::protocol::to_relay::Command::{Create, Enter};
use peote_net::reconnect::{Cause, ChannelState, Notice, Retry, Status};
use peote_net::time::Duration;

use crate::channels::{NAME_IN_USE, opened, own_that_returns};
use crate::support::Rig;

/// Section 4.6 of PROTOCOL.md.
const KEEPALIVE: [u8; 6] = [0, 4, 0, 255, 0, 0];

/// Sleeps until the list has something to do, hears a keepalive, and does it.
fn sleep(rig: &mut Rig) -> Vec<Notice> {
    let millis = rig.deadline().expect("the list has something to do");
    rig.pass(millis);
    rig.hears(KEEPALIVE)
}

#[test]
fn an_answer_that_does_not_come_is_told_and_the_channel_given_up() {
    let mut rig = Rig::new();
    let (own, entered) = (rig.own("room"), rig.enter("news"));
    rig.connect();
    let tags = rig.asks(&[(Create, "room"), (Enter, "news")]);
    assert_eq!(rig.deadline(), Some(15_000));
    // it is noticed once before it is told, so that what has come is read first
    assert_eq!(sleep(&mut rig), []);
    assert_eq!(rig.deadline(), Some(1_000));
    let given_up = |channel| Notice::GivenUp { channel, cause: Cause::NoAnswer, exhausted: None };
    assert_eq!(sleep(&mut rig), [given_up(own), given_up(entered)]);
    let state = ChannelState::GivenUp { cause: Cause::NoAnswer, exhausted: None };
    assert_eq!((rig.reconnect.state(own), rig.reconnect.state(entered)), (Some(state), Some(state)));
    assert_eq!((rig.reconnect.status(), rig.deadline()), (Status::Connected, None));
    // answers that come all the same count
    assert_eq!(rig.accepts(tags[0], 4), opened(own, true));
    assert_eq!(rig.accepts(tags[1], 5), opened(entered, true));
    assert_eq!(rig.asked(), []);
}

/// But not on this connection: the relay obeys commands in their order.
#[test]
fn one_that_was_open_before_is_asked_for_again() {
    let mut rig = Rig::new();
    let (channel, _) = own_that_returns(&mut rig);
    assert_eq!(sleep(&mut rig), []);
    let until = rig.now + Duration::from_millis(1_000 + 100);
    assert_eq!(sleep(&mut rig), [Notice::Waiting { channel, cause: Cause::NoAnswer, until }]);
    assert_eq!(rig.deadline(), None, "nothing but an answer, or a loss, changes that");
    rig.pass(100);
    rig.asks(&[]);
    assert_eq!((rig.reconnect.retry(channel), rig.deadline()), (true, None));
    assert_eq!(rig.lose(), []);
    rig.pass(1_000);
    rig.connect();
    let tag = rig.asks(&[(Create, "room")])[0];
    assert_eq!(rig.accepts(tag, 4), opened(channel, false));
    assert_eq!(rig.deadline(), None);
}

/// A refusal that comes late says that it can be asked for again.
#[test]
fn one_that_is_refused_late_is_asked_for_again() {
    let mut rig = Rig::new();
    let (channel, tag) = own_that_returns(&mut rig);
    assert_eq!(sleep(&mut rig), []);
    assert_eq!(sleep(&mut rig).len(), 1);
    rig.pass(1000);
    rig.asks(&[]);
    rig.refuses(tag, NAME_IN_USE);
    assert_eq!(rig.deadline(), Some(0));
    let tag = rig.asks(&[(Create, "room")])[0];
    assert_eq!(rig.accepts(tag, 4), opened(channel, false));
}

#[test]
fn how_long_it_may_take_can_be_chosen() {
    for timeout in [Some(1), Some(2_000), Some(3_600_000), None] {
        let mut rig = Rig::new();
        rig.reconnect.set_answer_timeout(timeout.map(Duration::from_millis));
        let channel = rig.own("room");
        rig.reconnect.set_retry(channel, Retry::Always);
        rig.connect();
        rig.asks(&[(Create, "room")]);
        assert_eq!(rig.deadline(), timeout);
        if timeout.is_none() {
            rig.pass(u64::MAX / 2);
            assert_eq!((rig.hears(KEEPALIVE), rig.deadline()), (vec![], None));
            continue;
        }
        assert_eq!(sleep(&mut rig), []);
        assert!(matches!(sleep(&mut rig)[..], [Notice::Waiting { cause: Cause::NoAnswer, .. }]));
    }
}

/// The process stood still for an hour, and the answer has come meanwhile.
#[test]
fn an_answer_that_is_there_has_come_in_time() {
    let mut rig = Rig::new();
    let channel = rig.own("room");
    rig.connect();
    let tag = rig.asks(&[(Create, "room")])[0];
    rig.pass(3_600_000);
    assert_eq!(rig.accepts(tag, 4), opened(channel, true));
}

/// Nor does the time go on without a connection.
#[test]
fn after_a_loss_the_time_begins_anew() {
    let mut rig = Rig::new();
    let channel = rig.own("room");
    rig.connect();
    rig.asks(&[(Create, "room")]);
    rig.pass(14_000);
    assert_eq!(rig.lose(), []);
    rig.pass(100);
    rig.connect();
    let tag = rig.asks(&[(Create, "room")])[0];
    assert_eq!(rig.deadline(), Some(15_000));
    rig.pass(14_000);
    assert_eq!(rig.accepts(tag, 4), opened(channel, true));
}
