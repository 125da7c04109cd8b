//! Words and admission come back with the channels.

use peote_net::Reason;
use peote_net::link::{Admission, Channel, SendError};
use peote_net::protocol::to_endpoint::{self, Capabilities};
use peote_net::protocol::to_relay::Command::{Create, Delete, Enter, Hello, Words};
use peote_net::reconnect::{Cause, Notice};
use peote_net::time::Duration;

use super::support::{MODE, Rig};

fn announcement() -> [u8; 6] {
    to_endpoint::announcement(Capabilities::HELLO.with(Capabilities::REMOVE_USER))
}

#[test]
fn words_are_said_each_time() {
    let mut rig = Rig::new();
    let Rig { reconnect, link, .. } = &mut rig;
    let too_long = reconnect.enter_with(&mut link.out(), "club".into(), MODE, "x".repeat(201));
    assert_eq!(too_long, Err(SendError::WordsTooLong { len: 201 }));
    let words = "swordfish".into();
    let channel = reconnect.enter_with(&mut link.out(), "club".into(), MODE, words).unwrap().into();
    for round in 0..3 {
        rig.connect();
        rig.asks(&[]);
        assert_eq!(rig.wire().outgoing, [0], "the relay is unknown");
        rig.hears(announcement());
        let asked = rig.asked();
        let commands: Vec<_> = asked.iter().map(|asked| asked.command).collect();
        assert_eq!(commands, [Hello, Words, Enter]);
        assert_eq!(asked[1].payload, b"swordfish");
        let notices = rig.hears(to_endpoint::entered(asked[2].tag, 3, 1, 100));
        assert_eq!(notices, [Notice::Opened { channel, first: round == 0 }]);
        rig.lose();
        rig.pass(100);
    }
    // a refusal of the server does not pass by itself
    rig.connect();
    rig.asks(&[]);
    rig.hears(announcement());
    let tag = rig.asked()[2].tag;
    let cause = Cause::Relay(Reason::RefusedByServer);
    assert_eq!(rig.refuses(tag, 7), [Notice::GivenUp { channel, cause, exhausted: None }]);
    assert!(rig.reconnect.retry(channel));
    rig.turns();
    let asked = rig.asked();
    assert_eq!((asked[0].command, &asked[0].payload[..]), (Words, &b"swordfish"[..]));
    // that it has not answered does
    let until = rig.now + Duration::from_millis(100);
    let cause = Cause::Relay(Reason::NoAnswer);
    assert_eq!(rig.refuses(asked[1].tag, 8), [Notice::Waiting { channel, cause, until }]);
}

#[test]
fn who_may_enter_comes_back_with_the_channel() {
    let mut rig = Rig::new();
    let channel = rig.own("club");
    let Channel::Own(own) = channel else { panic!() };
    rig.link.out().set_admission(own, Admission::Ask).unwrap();
    for round in 0..3 {
        rig.connect();
        let tag = rig.asks(&[(Create, "club")])[0];
        rig.hears(announcement());
        assert_eq!(rig.accepts(tag, 3), [], "it opens when the hello is answered");
        let opened = Notice::Opened { channel, first: round == 0 };
        assert_eq!(rig.hears(to_endpoint::hello(0).unwrap()), [opened]);
        rig.lose();
        rig.link.out().set_most_users(own, 9 - round).unwrap();
        rig.pass(100);
    }
    rig.connect();
    let tag = rig.asks(&[(Create, "club")])[0];
    let cause = Cause::Relay(Reason::Unsupported);
    assert_eq!(rig.accepts(tag, 3), [Notice::GivenUp { channel, cause, exhausted: None }]);
    rig.asks(&[(Delete, "\u{3}")]);
}

/// A list with an own channel that is open, at a relay that has announced what it can do.
fn with_a_room() -> Rig {
    let mut rig = Rig::new();
    rig.own("room");
    rig.connect();
    let tag = rig.asks(&[(Create, "room")])[0];
    rig.hears(announcement());
    rig.accepts(tag, 0);
    rig
}

#[test]
fn a_relay_that_drains_says_when_to_come_back() {
    let mut rig = with_a_room();
    assert_eq!(rig.hears(to_endpoint::come_back_in(4000)), []);
    rig.pass(500);
    rig.lose();
    assert_eq!(rig.deadline(), Some(3500));
    // and only once
    rig.pass(3500);
    rig.connect();
    let tag = rig.asks(&[(Create, "room")])[0];
    rig.accepts(tag, 0);
    rig.lose();
    assert_eq!(rig.deadline(), Some(100));
}

/// A broken one does not send a device away for weeks.
#[test]
fn a_relay_that_drains_is_not_stayed_away_from_for_longer_than_an_hour() {
    let mut rig = with_a_room();
    rig.hears(to_endpoint::come_back_in(u32::MAX));
    rig.lose();
    assert_eq!(rig.deadline(), Some(3_600_000));
}
