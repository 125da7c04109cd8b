//! The channels of the list: asked for in order, refused, gone, and back.

use peote_net::Reason;
use peote_net::link::{Channel, SendError};
use peote_net::protocol::to_endpoint::channel_gone;
use peote_net::protocol::to_relay::Command::{Create, Delete, Enter, Leave};
use peote_net::reconnect::{Cause, ChannelState, Exhausted, Notice, Reconnect, Retry, Status};
use peote_net::time::{Duration, Instant};

use crate::support::{MODE, Rig};

pub(crate) const TOO_MANY: u8 = 1;
pub(crate) const NAME_IN_USE: u8 = 2;
const NO_SUCH_CHANNEL: u8 = 1;

pub(crate) fn opened(channel: Channel, first: bool) -> Vec<Notice> {
    vec![Notice::Opened { channel, first }]
}

pub(crate) fn given_up(channel: Channel, reason: Reason) -> Vec<Notice> {
    vec![Notice::GivenUp { channel, cause: Cause::Relay(reason), exhausted: None }]
}

/// One own channel that has been open, whose connection was lost, and another connection, on which
/// it has been asked for; the tag.
pub(crate) fn own_that_returns(rig: &mut Rig) -> (Channel, u8) {
    let channel = rig.own("room");
    rig.connect();
    let tag = rig.asks(&[(Create, "room")])[0];
    assert_eq!(rig.accepts(tag, 0), opened(channel, true));
    assert_eq!(rig.lose(), [Notice::Interrupted { channel }]);
    rig.pass(100);
    rig.connect();
    (channel, rig.asks(&[(Create, "room")])[0])
}

fn entered_that_returns(rig: &mut Rig) -> (Channel, u8) {
    let channel = rig.enter("news");
    rig.connect();
    let tag = rig.asks(&[(Enter, "news")])[0];
    assert_eq!(rig.accepts(tag, 0), opened(channel, true));
    assert_eq!(rig.lose(), [Notice::Interrupted { channel }]);
    rig.pass(100);
    rig.connect();
    (channel, rig.asks(&[(Enter, "news")])[0])
}

/// A refusal that may pass, from now: asked again in so many milliseconds.
fn waits(rig: &Rig, channel: Channel, reason: Reason, millis: u64) -> Vec<Notice> {
    let until = rig.now + Duration::from_millis(millis);
    vec![Notice::Waiting { channel, cause: Cause::Relay(reason), until }]
}

#[test]
fn they_come_back_in_order_with_the_same_handles() {
    for next_event in [false, true] {
        let mut rig = Rig::new();
        rig.next_event = next_event;
        let channels = [rig.own("a"), rig.enter("b"), rig.own("c"), rig.enter("d")];
        assert_eq!(rig.reconnect.status(), Status::Lost { until: Instant::ZERO });
        for round in 0..5 {
            rig.connect();
            assert_eq!(rig.reconnect.status(), Status::Restoring);
            let tags = rig.asks(&[(Create, "a"), (Enter, "b"), (Create, "c"), (Enter, "d")]);
            for ((number, channel), tag) in channels.into_iter().enumerate().zip(tags) {
                assert_eq!(rig.reconnect.state(channel), Some(ChannelState::Asked));
                assert_eq!(rig.link.out().send(channel, b"x"), Err(SendError::NotOpen));
                assert_eq!(rig.accepts(tag, number), opened(channel, round == 0));
                assert!(rig.is_open(channel));
                rig.link.out().send(channel, b"x").unwrap();
            }
            assert_eq!(rig.reconnect.status(), Status::Connected);
            assert_eq!(rig.deadline(), None);
            rig.turns();
            rig.wire().outgoing.clear();
            let mut lost = rig.lose();
            lost.sort_by_key(|notice| channels.iter().position(|channel| *channel == notice.channel()));
            assert_eq!(lost, channels.map(|channel| Notice::Interrupted { channel }));
            assert!(!channels.iter().any(|&channel| rig.is_open(channel)));
            assert_eq!(rig.deadline(), Some(100), "the relay has answered: delays are short again");
            assert!(!rig.reconnect.start_attempt(rig.now));
            rig.pass(100);
        }
    }
}

#[test]
fn a_name_in_use_is_asked_for_again() {
    let mut rig = Rig::new();
    let (channel, mut tag) = own_that_returns(&mut rig);
    for delay in [100, 200, 400, 800, 1000, 1000] {
        assert_eq!(rig.refuses(tag, NAME_IN_USE), waits(&rig, channel, Reason::NameInUse, delay));
        assert_eq!((rig.deadline(), rig.reconnect.status()), (Some(delay), Status::Restoring));
        rig.pass(delay - 1);
        rig.asks(&[]);
        rig.pass(1);
        tag = rig.asks(&[(Create, "room")])[0];
    }
    assert_eq!(rig.accepts(tag, 3), opened(channel, false));
    assert_eq!(rig.reconnect.status(), Status::Connected);
    // the next series begins with short delays
    assert_eq!(rig.lose(), [Notice::Interrupted { channel }]);
    rig.pass(100);
    rig.connect();
    let tag = rig.asks(&[(Create, "room")])[0];
    assert_eq!(rig.refuses(tag, NAME_IN_USE), waits(&rig, channel, Reason::NameInUse, 100));
}

/// For whoever has never been in, the name is somebody else's, or wrong.
#[test]
fn refused_the_first_time() {
    for (retry, again) in [(None, false), (Some(Retry::Never), false), (Some(Retry::Always), true)] {
        let mut rig = Rig::new();
        let (own, entered) = (rig.own("room"), rig.enter("news"));
        if let Some(retry) = retry {
            assert!(rig.reconnect.set_retry(own, retry) && rig.reconnect.set_retry(entered, retry));
        }
        rig.connect();
        let tags = rig.asks(&[(Create, "room"), (Enter, "news")]);
        let answers = [rig.refuses(tags[0], NAME_IN_USE), rig.refuses(tags[1], NO_SUCH_CHANNEL)];
        if again {
            assert_eq!(answers[0], waits(&rig, own, Reason::NameInUse, 100));
            assert_eq!(answers[1], waits(&rig, entered, Reason::NoSuchChannel, 100));
            rig.pass(100);
            let tags = rig.asks(&[(Create, "room"), (Enter, "news")]);
            assert_eq!(rig.accepts(tags[1], 0), opened(entered, true));
        } else {
            assert_eq!(answers[0], given_up(own, Reason::NameInUse));
            assert_eq!(answers[1], given_up(entered, Reason::NoSuchChannel));
            let cause = Cause::Relay(Reason::NameInUse);
            assert_eq!(rig.reconnect.state(own), Some(ChannelState::GivenUp { cause, exhausted: None }));
            assert_eq!((rig.reconnect.status(), rig.deadline()), (Status::Connected, None));
            rig.pass(100_000);
            rig.asks(&[]);
        }
    }
}

#[test]
fn a_channel_that_is_never_retried_is_asked_for_once_on_each_connection() {
    let mut rig = Rig::new();
    let (channel, tag) = entered_that_returns(&mut rig);
    rig.reconnect.set_retry(channel, Retry::Never);
    assert_eq!(rig.accepts(tag, 0), opened(channel, false));
    assert_eq!(rig.hears(channel_gone(0, 1)), given_up(channel, Reason::ConnectionLost));
    check_final(&mut rig, channel);
}

/// The server of an entered channel has lost its connection, and is coming back, too.
#[test]
fn a_server_that_is_gone_and_comes_back() {
    let mut rig = Rig::new();
    let (channel, tag) = entered_that_returns(&mut rig);
    assert_eq!(rig.refuses(tag, NO_SUCH_CHANNEL), waits(&rig, channel, Reason::NoSuchChannel, 100));
    rig.pass(100);
    let tag = rig.asks(&[(Enter, "news")])[0];
    assert_eq!(rig.accepts(tag, 7), opened(channel, false));
    assert_eq!(rig.hears(channel_gone(7, 1)), waits(&rig, channel, Reason::ConnectionLost, 100));
    assert!(!rig.is_open(channel));
    rig.pass(100);
    let tag = rig.asks(&[(Enter, "news")])[0];
    assert_eq!(rig.refuses(tag, NO_SUCH_CHANNEL), waits(&rig, channel, Reason::NoSuchChannel, 200));
    rig.pass(200);
    let tag = rig.asks(&[(Enter, "news")])[0];
    assert_eq!(rig.accepts(tag, 8), opened(channel, false));
}

/// The link leaves it when the answer to the first command has come, and not before.
#[test]
fn a_channel_that_was_dropped_before_the_answer_can_be_entered_anew() {
    const ALREADY_ENTERED: u8 = 3;
    for (retry, is_twice) in [(Retry::Never, false), (Retry::default(), false), (Retry::Never, true)] {
        let mut rig = Rig::new();
        let first = rig.enter("news");
        rig.connect();
        let tag = rig.asks(&[(Enter, "news")])[0];
        rig.reconnect.remove(&mut rig.link.out(), first).unwrap();
        let second = rig.enter("news");
        rig.reconnect.set_retry(second, retry);
        let mut tags = rig.asks(&[(Enter, "news")]);
        if is_twice {
            rig.enter("news");
            tags.extend(rig.asks(&[(Enter, "news")]));
        }
        assert_eq!(rig.accepts(tag, 0), []);
        let told = rig.refuses(tags[0], ALREADY_ENTERED);
        if is_twice {
            assert_eq!(told, given_up(second, Reason::AlreadyEntered), "by another one of the list");
            continue;
        }
        assert_eq!(told, waits(&rig, second, Reason::AlreadyEntered, 100));
        rig.turns();
        assert_eq!(std::mem::take(&mut rig.wire().outgoing), [0, Leave as u8, 0, 1, 0]);
        rig.pass(100);
        let tag = rig.asks(&[(Enter, "news")])[0];
        assert_eq!(rig.accepts(tag, 1), opened(second, true));
        // on the next connection it would be a mistake
        rig.lose();
        rig.pass(100);
        rig.connect();
        let tag = rig.asks(&[(Enter, "news")])[0];
        assert_eq!(rig.refuses(tag, ALREADY_ENTERED), given_up(second, Reason::AlreadyEntered));
    }
}

#[test]
fn what_is_final_is_told_once() {
    let ends = [(0, Reason::OnPurpose), (2, Reason::Kicked), (9, Reason::Other(9))];
    for (code, reason) in ends {
        let mut rig = Rig::new();
        let (channel, tag) = entered_that_returns(&mut rig);
        assert_eq!(rig.accepts(tag, 5), opened(channel, false));
        assert_eq!(rig.hears(channel_gone(5, code)), given_up(channel, reason));
        check_final(&mut rig, channel);
    }
    let refusals = [
        (2, Reason::OwnChannel),
        (3, Reason::AlreadyEntered),
        (5, Reason::TooManyChannels),
        (6, Reason::Blocked),
        (77, Reason::Other(77)),
    ];
    for (code, reason) in refusals {
        let mut rig = Rig::new();
        let (channel, tag) = entered_that_returns(&mut rig);
        assert_eq!(rig.refuses(tag, code), given_up(channel, reason));
        check_final(&mut rig, channel);
    }
    for (code, reason) in [(TOO_MANY, Reason::TooManyChannels), (99, Reason::Other(99))] {
        let mut rig = Rig::new();
        let (channel, tag) = own_that_returns(&mut rig);
        assert_eq!(rig.refuses(tag, code), given_up(channel, reason));
        check_final(&mut rig, channel);
    }
}

/// Neither time nor another connection brings it back, only the program does.
fn check_final(rig: &mut Rig, channel: Channel) {
    rig.pass(1_000_000);
    rig.asks(&[]);
    assert_eq!((rig.lose(), rig.deadline()), (vec![], Some(100)));
    rig.pass(100);
    rig.connect();
    rig.asks(&[]);
    assert_eq!((rig.reconnect.status(), rig.deadline()), (Status::Connected, None));
    assert!(rig.reconnect.retry(channel));
    assert_eq!((rig.reconnect.status(), rig.deadline()), (Status::Restoring, Some(0)));
    rig.turns();
    let tag = rig.asked()[0].tag;
    assert!(rig.reconnect.retry(channel), "nothing happens to one that is being asked for");
    rig.asks(&[]);
    assert_eq!(rig.accepts(tag, 0), opened(channel, false));
}

#[test]
fn a_full_channel_may_be_full_of_former_selves() {
    let mut rig = Rig::new();
    let (channel, tag) = entered_that_returns(&mut rig);
    assert_eq!(rig.refuses(tag, 4), waits(&rig, channel, Reason::ChannelFull, 100));
}

#[test]
fn channels_are_retried_under_rules_of_their_own() {
    for (rules, exhausted) in [
        (Rig::rules().with_most_attempts(2), Exhausted::Attempts),
        (Rig::rules().with_time_limit(Duration::from_millis(300)), Exhausted::Time),
    ] {
        let reconnect = Reconnect::new(Rig::rules()).with_channel_rules(rules);
        let mut rig = Rig::with(reconnect);
        let (channel, mut tag) = own_that_returns(&mut rig);
        for delay in [100, 200] {
            assert_eq!(rig.refuses(tag, NAME_IN_USE), waits(&rig, channel, Reason::NameInUse, delay));
            rig.pass(delay);
            tag = rig.asks(&[(Create, "room")])[0];
        }
        let cause = Cause::Relay(Reason::NameInUse);
        let exhausted = Some(exhausted);
        assert_eq!(rig.refuses(tag, NAME_IN_USE), [Notice::GivenUp { channel, cause, exhausted }]);
        assert_eq!(rig.reconnect.state(channel), Some(ChannelState::GivenUp { cause, exhausted }));
        assert_eq!((rig.reconnect.status(), rig.deadline()), (Status::Connected, None));
    }
}

/// Two of them wait; neither's delays are the other's.
#[test]
fn each_has_delays_of_its_own() {
    let mut rig = Rig::new();
    let (a, b) = (rig.own("a"), rig.own("b"));
    rig.reconnect.set_retry(a, Retry::Always);
    rig.reconnect.set_retry(b, Retry::Always);
    rig.connect();
    let tags = rig.asks(&[(Create, "a"), (Create, "b")]);
    rig.refuses(tags[0], NAME_IN_USE);
    rig.pass(100);
    let tag = rig.asks(&[(Create, "a")])[0];
    assert_eq!(rig.refuses(tags[1], NAME_IN_USE), waits(&rig, b, Reason::NameInUse, 100));
    assert_eq!(rig.refuses(tag, NAME_IN_USE), waits(&rig, a, Reason::NameInUse, 200));
    rig.pass(100);
    rig.asks(&[(Create, "b")]);
    rig.pass(100);
    rig.asks(&[(Create, "a")]);
}

#[test]
fn lost_while_they_are_being_restored() {
    for next_event in [false, true] {
        let mut rig = Rig::new();
        rig.next_event = next_event;
        let channels = [rig.own("a"), rig.enter("b"), rig.own("c")];
        rig.connect();
        let all = [(Create, "a"), (Enter, "b"), (Create, "c")];
        let tags = rig.asks(&all);
        for (number, tag) in tags.into_iter().enumerate() {
            rig.accepts(tag, number);
        }
        rig.lose();
        rig.pass(100);
        // one is back, one has been asked for, one waits
        rig.connect();
        let tags = rig.asks(&all);
        assert_eq!(rig.accepts(tags[0], 0), opened(channels[0], false));
        assert_eq!(rig.refuses(tags[2], NAME_IN_USE), waits(&rig, channels[2], Reason::NameInUse, 100));
        let lost = rig.lose();
        assert_eq!(lost, [Notice::Interrupted { channel: channels[0] }], "the others were not open");
        rig.pass(100);
        // on the next connection all of them are asked for at once
        rig.connect();
        let tags = rig.asks(&all);
        // and the delays of the one that waited are short again
        assert_eq!(rig.refuses(tags[2], NAME_IN_USE), waits(&rig, channels[2], Reason::NameInUse, 100));
        assert_eq!(rig.lose(), []);
        rig.pass(100);
        // nothing is answered at all
        rig.connect();
        rig.asks(&all);
        assert_eq!(rig.lose(), []);
        rig.pass(200);
        rig.connect();
        let tags = rig.asks(&all);
        for ((number, channel), tag) in channels.into_iter().enumerate().zip(tags) {
            assert_eq!(rig.accepts(tag, number), opened(channel, false));
        }
    }
}

/// The ring holds one of these commands: the rest follow in order, as the transport takes them.
#[test]
fn a_ring_that_cannot_hold_all_commands() {
    let mut rig = Rig::new();
    let names: Vec<String> = (0..4).map(|digit| format!("{digit}{}", "x".repeat(200))).collect();
    let channels: Vec<Channel> = names.iter().map(|name| rig.own(name)).collect();
    rig.connect();
    rig.wire().room = 0;
    rig.asks(&[]);
    assert_eq!((rig.deadline(), rig.link.wants_write()), (Some(100), true));
    for name in &names {
        rig.asks(&[]);
        rig.wire().room = 205;
        rig.turns();
        let asked = rig.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].payload, name.as_bytes());
        let number = name[..1].parse::<usize>().unwrap();
        rig.wire().room = 0;
        assert_eq!(rig.accepts(asked[0].tag, number), opened(channels[number], true));
    }
    assert_eq!((rig.reconnect.status(), rig.deadline()), (Status::Connected, None));
}

#[test]
fn a_channel_that_the_link_cannot_have_is_an_error_at_once() {
    let mut rig = Rig::new();
    for digit in 0..4 {
        rig.own(&digit.to_string());
    }
    let Rig { reconnect, link, .. } = &mut rig;
    let refused = reconnect.create(&mut link.out(), "4".into(), MODE);
    assert_eq!(refused, Err(SendError::TooManyOwnChannels));
    let mode = peote_net::link::Mode::chunks(257);
    let limit = SendError::ChunkLimit { max: 257, chunk_size: 256 };
    assert_eq!(reconnect.enter(&mut link.out(), "big".into(), mode), Err(limit));
    let mut link = peote_net::link::Link::<peote_net::link::LinkBuffers<16, 1, 1, 259, 64>>::new();
    let mut reconnect = Reconnect::<String, 6>::new(Rig::rules());
    let mode = peote_net::link::Mode::chunks(16);
    reconnect.enter(&mut link.out(), "x".repeat(255), mode).unwrap();
    assert_eq!(reconnect.enter(&mut link.out(), "y".into(), mode), Err(SendError::TooManyParties));
    assert_eq!(reconnect.channels().count(), 1);
}

#[test]
fn taking_channels_off_the_list() {
    let mut rig = Rig::new();
    let channels = [rig.own("open"), rig.enter("in"), rig.own("asked"), rig.enter("refused")];
    rig.connect();
    let tags = rig.asks(&[(Create, "open"), (Enter, "in"), (Create, "asked"), (Enter, "refused")]);
    rig.accepts(tags[0], 4);
    rig.accepts(tags[1], 5);
    rig.refuses(tags[3], NO_SUCH_CHANNEL);
    // no room for the command: nothing changes
    rig.wire().room = 0;
    rig.link.out().send(channels[1], &[0; 250]).unwrap();
    while rig.link.out().send(channels[1], b"x").is_ok() {}
    assert_eq!(rig.remove(channels[0]), Err(SendError::WouldBlock));
    assert!(rig.is_open(channels[0]));
    rig.wire().room = usize::MAX;
    rig.turns();
    rig.wire().outgoing.clear();
    for (channel, name) in channels.into_iter().zip(["open", "in", "asked", "refused"]) {
        assert_eq!(rig.reconnect.name(channel).map(String::as_str), Some(name));
        assert_eq!(rig.remove(channel), Ok(Some(name.into())));
        assert_eq!((rig.reconnect.state(channel), rig.reconnect.name(channel)), (None, None));
        assert_eq!(rig.remove(channel), Ok(None));
        assert!(!rig.reconnect.retry(channel) && !rig.reconnect.set_retry(channel, Retry::Always));
        assert_eq!(rig.link.out().send(channel, b"x"), Err(SendError::NotOpen));
    }
    rig.asks(&[(Delete, "\u{4}"), (Leave, "\u{5}")]);
    assert_eq!(rig.accepts(tags[2], 6), []);
    rig.asks(&[(Delete, "\u{6}")]);
    assert_eq!(rig.reconnect.channels().count(), 0);
    // the slots are free, and handles that have had them do not mean who has them now
    let all = [rig.own("new"), rig.own("b"), rig.own("c"), rig.own("d")];
    assert!(channels.iter().all(|former| !all.contains(former)));
    assert_eq!(rig.reconnect.state(channels[0]), None);
    rig.asks(&[(Create, "new"), (Create, "b"), (Create, "c"), (Create, "d")]);
    assert_eq!(rig.lose(), []);
}

/// One that the program has deleted or left by the link itself is off the list by that.
#[test]
fn what_is_left_by_other_means_is_off_the_list() {
    let mut rig = Rig::new();
    let (channel, tag) = own_that_returns(&mut rig);
    rig.accepts(tag, 0);
    let waiting = rig.enter("news");
    let Channel::Own(own) = channel else { panic!("{channel:?}") };
    rig.link.out().delete(own).unwrap();
    assert_eq!(rig.remove(channel), Ok(Some("room".into())));
    let Channel::Entered(entered) = waiting else { panic!("{waiting:?}") };
    rig.link.out().leave(entered).unwrap();
    rig.asks(&[(Delete, "\0")]);
    assert_eq!((rig.reconnect.state(waiting), rig.reconnect.status()), (None, Status::Connected));
}

/// Those that are taken off do not change the order of the others.
#[test]
fn the_order_is_that_of_adding() {
    let mut rig = Rig::new();
    let a = rig.own("a");
    rig.own("b");
    rig.remove(a).unwrap();
    rig.own("c");
    rig.connect();
    rig.asks(&[(Create, "b"), (Create, "c")]);
}

#[test]
fn a_list_that_is_full_and_names_that_are_too_long() {
    let mut rig = Rig::new();
    let Rig { reconnect, link, .. } = &mut rig;
    let len = 256;
    let mut out = link.out();
    assert_eq!(reconnect.create(&mut out, "x".repeat(len), MODE), Err(SendError::NameTooLong { len }));
    assert!(reconnect.create(&mut out, "x".repeat(255), MODE).is_ok());
    rig.own("x");
    for _ in 0..4 {
        rig.enter("x");
    }
    let Rig { reconnect, link, .. } = &mut rig;
    let full = SendError::ListFull { capacity: 6 };
    assert_eq!(reconnect.create(&mut link.out(), "x".into(), MODE), Err(full));
    assert_eq!(full.to_string(), "all 6 entries of the list of channels are taken");
}

/// Until it is taken off, or left, the channel has its slot, also while it is given up.
#[test]
fn a_channel_that_is_away_has_its_slot() {
    let mut rig = Rig::new();
    let (channel, tag) = own_that_returns(&mut rig);
    assert_eq!(rig.refuses(tag, TOO_MANY), given_up(channel, Reason::TooManyChannels));
    for name in ["a", "b", "c"] {
        rig.link.out().create(name, MODE).unwrap();
    }
    assert_eq!(rig.link.out().create("d", MODE), Err(SendError::TooManyOwnChannels));
    rig.remove(channel).unwrap();
    rig.link.out().create("d", MODE).unwrap();
}

/// Channels that are not of the list are none of its business.
#[test]
fn other_channels_of_the_link() {
    let mut rig = Rig::new();
    let channel = rig.own("a");
    rig.connect();
    let tag = rig.asks(&[(Create, "a")])[0];
    rig.accepts(tag, 0);
    let other = rig.link.out().create("other", MODE).unwrap();
    let tag = rig.asks(&[(Create, "other")])[0];
    assert_eq!(rig.accepts(tag, 1), []);
    assert_eq!(rig.reconnect.state(other), None);
    assert_eq!(rig.lose(), [Notice::Interrupted { channel }]);
    rig.pass(100);
    rig.connect();
    rig.asks(&[(Create, "a")]);
}
