//! The channels of the list: asked for in order, refused, gone, and back.

use peote_net::Reason;
use peote_net::link::{Channel, SendError};
use peote_net::protocol::to_endpoint::channel_gone;
use peote_net::protocol::to_relay::Command::{Create, Delete, Enter, Leave};
use peote_net::reconnect::{
    AddError, Cause, ChannelState, Exhausted, Notice, Place, Reconnect, Retry, Status,
};
use peote_net::time::{Duration, Instant};

use crate::support::{MODE, Rig};

pub(crate) const TOO_MANY: u8 = 1;
pub(crate) const NAME_IN_USE: u8 = 2;
const NO_SUCH_CHANNEL: u8 = 1;

pub(crate) fn opened(place: Place, first: bool) -> Vec<Notice> {
    vec![Notice::Opened { place, first }]
}

pub(crate) fn given_up(place: Place, reason: Reason) -> Vec<Notice> {
    vec![Notice::GivenUp { place, cause: Cause::Relay(reason), exhausted: None }]
}

/// One own channel that has been open, whose connection was lost, and another connection, on which it has been asked for; the tag.
pub(crate) fn own_that_returns(rig: &mut Rig) -> (Place, u8) {
    let place = rig.own("room");
    rig.connect();
    let tag = rig.asks(&[(Create, "room")])[0];
    assert_eq!(rig.accepts(tag, 0), opened(place, true));
    assert_eq!(rig.lose(), [Notice::Interrupted { place }]);
    rig.pass(100);
    rig.connect();
    (place, rig.asks(&[(Create, "room")])[0])
}

fn entered_that_returns(rig: &mut Rig) -> (Place, u8) {
    let place = rig.enter("news");
    rig.connect();
    let tag = rig.asks(&[(Enter, "news")])[0];
    assert_eq!(rig.accepts(tag, 0), opened(place, true));
    assert_eq!(rig.lose(), [Notice::Interrupted { place }]);
    rig.pass(100);
    rig.connect();
    (place, rig.asks(&[(Enter, "news")])[0])
}

/// A refusal that may pass, from now: asked again in so many milliseconds.
fn waits(rig: &Rig, place: Place, reason: Reason, millis: u64) -> Vec<Notice> {
    let until = rig.now + Duration::from_millis(millis);
    vec![Notice::Waiting { place, cause: Cause::Relay(reason), until }]
}

#[test]
fn they_come_back_in_order_with_new_handles() {
    for next_event in [false, true] {
        let mut rig = Rig::new();
        rig.next_event = next_event;
        let places = [rig.own("a"), rig.enter("b"), rig.own("c"), rig.enter("d")];
        assert_eq!(rig.reconnect.status(), Status::Lost { until: Instant::ZERO });
        let mut former: Vec<Channel> = Vec::new();
        for round in 0..5 {
            rig.connect();
            assert_eq!(rig.reconnect.status(), Status::Restoring);
            let tags = rig.asks(&[(Create, "a"), (Enter, "b"), (Create, "c"), (Enter, "d")]);
            for (place, tag) in places.into_iter().zip(tags) {
                assert_eq!(rig.reconnect.state(place), Some(ChannelState::Asked));
                assert_eq!(rig.accepts(tag, place.index()), opened(place, round == 0));
                let Some(ChannelState::Open(handle)) = rig.reconnect.state(place) else { panic!() };
                assert!(!former.contains(&handle), "{handle:?} has been there before");
                former.push(handle);
                assert_eq!(rig.reconnect.place_of(handle), Some(place));
                match handle {
                    Channel::Own(channel) => {
                        assert_eq!(rig.reconnect.own(place), Some(channel));
                        assert_eq!(rig.reconnect.entered(place), None);
                    }
                    Channel::Entered(channel) => {
                        assert_eq!(rig.reconnect.entered(place), Some(channel));
                        assert_eq!(rig.reconnect.own(place), None);
                        rig.link.out().send(channel, b"x").unwrap();
                    }
                }
            }
            assert_eq!(rig.reconnect.status(), Status::Connected);
            assert_eq!(rig.deadline(), None);
            rig.turns();
            rig.wire().outgoing.clear();
            let mut lost = rig.lose();
            lost.sort_by_key(|notice| notice.place().index());
            assert_eq!(lost, places.map(|place| Notice::Interrupted { place }));
            assert!(former.iter().all(|&handle| rig.reconnect.place_of(handle).is_none()));
            assert_eq!(rig.deadline(), Some(100), "the relay has answered: delays are short again");
            assert!(!rig.reconnect.start_attempt(rig.now));
            rig.pass(100);
        }
    }
}

#[test]
fn a_name_in_use_is_asked_for_again() {
    let mut rig = Rig::new();
    let (place, mut tag) = own_that_returns(&mut rig);
    for delay in [100, 200, 400, 800, 1000, 1000] {
        assert_eq!(rig.refuses(tag, NAME_IN_USE), waits(&rig, place, Reason::NameInUse, delay));
        assert_eq!((rig.deadline(), rig.reconnect.status()), (Some(delay), Status::Restoring));
        rig.pass(delay - 1);
        rig.asks(&[]);
        rig.pass(1);
        tag = rig.asks(&[(Create, "room")])[0];
    }
    assert_eq!(rig.accepts(tag, 3), opened(place, false));
    assert_eq!(rig.reconnect.status(), Status::Connected);
    // the next series begins with short delays
    assert_eq!(rig.lose(), [Notice::Interrupted { place }]);
    rig.pass(100);
    rig.connect();
    let tag = rig.asks(&[(Create, "room")])[0];
    assert_eq!(rig.refuses(tag, NAME_IN_USE), waits(&rig, place, Reason::NameInUse, 100));
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
    let (place, tag) = entered_that_returns(&mut rig);
    rig.reconnect.set_retry(place, Retry::Never);
    assert_eq!(rig.accepts(tag, 0), opened(place, false));
    assert_eq!(rig.hears(channel_gone(0, 1)), given_up(place, Reason::ConnectionLost));
    check_final(&mut rig, place);
}

/// The server of an entered channel has lost its connection, and is coming back, too.
#[test]
fn a_server_that_is_gone_and_comes_back() {
    let mut rig = Rig::new();
    let (place, tag) = entered_that_returns(&mut rig);
    assert_eq!(rig.refuses(tag, NO_SUCH_CHANNEL), waits(&rig, place, Reason::NoSuchChannel, 100));
    rig.pass(100);
    let tag = rig.asks(&[(Enter, "news")])[0];
    assert_eq!(rig.accepts(tag, 7), opened(place, false));
    assert_eq!(rig.hears(channel_gone(7, 1)), waits(&rig, place, Reason::ConnectionLost, 100));
    assert_eq!(rig.reconnect.entered(place), None);
    rig.pass(100);
    let tag = rig.asks(&[(Enter, "news")])[0];
    assert_eq!(rig.refuses(tag, NO_SUCH_CHANNEL), waits(&rig, place, Reason::NoSuchChannel, 200));
    rig.pass(200);
    let tag = rig.asks(&[(Enter, "news")])[0];
    assert_eq!(rig.accepts(tag, 8), opened(place, false));
}

#[test]
fn what_is_final_is_told_once() {
    let ends = [(0, Reason::OnPurpose), (2, Reason::Kicked), (9, Reason::Other(9))];
    for (code, reason) in ends {
        let mut rig = Rig::new();
        let (place, tag) = entered_that_returns(&mut rig);
        assert_eq!(rig.accepts(tag, 5), opened(place, false));
        assert_eq!(rig.hears(channel_gone(5, code)), given_up(place, reason));
        check_final(&mut rig, place);
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
        let (place, tag) = entered_that_returns(&mut rig);
        assert_eq!(rig.refuses(tag, code), given_up(place, reason));
        check_final(&mut rig, place);
    }
    for (code, reason) in [(TOO_MANY, Reason::TooManyChannels), (99, Reason::Other(99))] {
        let mut rig = Rig::new();
        let (place, tag) = own_that_returns(&mut rig);
        assert_eq!(rig.refuses(tag, code), given_up(place, reason));
        check_final(&mut rig, place);
    }
}

/// Neither time nor another connection brings it back, only the program does.
fn check_final(rig: &mut Rig, place: Place) {
    rig.pass(1_000_000);
    rig.asks(&[]);
    assert_eq!((rig.lose(), rig.deadline()), (vec![], Some(100)));
    rig.pass(100);
    rig.connect();
    rig.asks(&[]);
    assert_eq!((rig.reconnect.status(), rig.deadline()), (Status::Connected, None));
    assert!(rig.reconnect.retry(place));
    assert_eq!((rig.reconnect.status(), rig.deadline()), (Status::Restoring, Some(0)));
    rig.turns();
    let tag = rig.asked()[0].tag;
    assert!(rig.reconnect.retry(place), "nothing happens to one that is being asked for");
    rig.asks(&[]);
    assert_eq!(rig.accepts(tag, 0), opened(place, false));
}

#[test]
fn a_full_channel_may_be_full_of_former_selves() {
    let mut rig = Rig::new();
    let (place, tag) = entered_that_returns(&mut rig);
    assert_eq!(rig.refuses(tag, 4), waits(&rig, place, Reason::ChannelFull, 100));
}

#[test]
fn channels_are_retried_under_rules_of_their_own() {
    for (rules, exhausted) in [
        (Rig::rules().with_most_attempts(2), Exhausted::Attempts),
        (Rig::rules().with_time_limit(Duration::from_millis(300)), Exhausted::Time),
    ] {
        let reconnect = Reconnect::new(Rig::rules()).with_channel_rules(rules);
        let mut rig = Rig::with(reconnect);
        let (place, mut tag) = own_that_returns(&mut rig);
        for delay in [100, 200] {
            assert_eq!(rig.refuses(tag, NAME_IN_USE), waits(&rig, place, Reason::NameInUse, delay));
            rig.pass(delay);
            tag = rig.asks(&[(Create, "room")])[0];
        }
        let cause = Cause::Relay(Reason::NameInUse);
        let exhausted = Some(exhausted);
        assert_eq!(rig.refuses(tag, NAME_IN_USE), [Notice::GivenUp { place, cause, exhausted }]);
        assert_eq!(rig.reconnect.state(place), Some(ChannelState::GivenUp { cause, exhausted }));
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
        let places = [rig.own("a"), rig.enter("b"), rig.own("c")];
        rig.connect();
        let all = [(Create, "a"), (Enter, "b"), (Create, "c")];
        let tags = rig.asks(&all);
        for (place, tag) in places.into_iter().zip(tags) {
            rig.accepts(tag, place.index());
        }
        rig.lose();
        rig.pass(100);
        // one is back, one has been asked for, one waits
        rig.connect();
        let tags = rig.asks(&all);
        assert_eq!(rig.accepts(tags[0], 0), opened(places[0], false));
        assert_eq!(rig.refuses(tags[2], NAME_IN_USE), waits(&rig, places[2], Reason::NameInUse, 100));
        let lost = rig.lose();
        assert_eq!(lost, [Notice::Interrupted { place: places[0] }], "the others were not open");
        rig.pass(100);
        // on the next connection all of them are asked for at once
        rig.connect();
        let tags = rig.asks(&all);
        // and the delays of the one that waited are short again
        assert_eq!(rig.refuses(tags[2], NAME_IN_USE), waits(&rig, places[2], Reason::NameInUse, 100));
        assert_eq!(rig.lose(), []);
        rig.pass(100);
        // nothing is answered at all
        rig.connect();
        rig.asks(&all);
        assert_eq!(rig.lose(), []);
        rig.pass(200);
        rig.connect();
        let tags = rig.asks(&all);
        for (place, tag) in places.into_iter().zip(tags) {
            assert_eq!(rig.accepts(tag, place.index()), opened(place, false));
        }
    }
}

/// The ring holds one of these commands: the rest follow in order, as the transport takes them. No
/// deadline but that of the answer keeps the loop awake meanwhile.
#[test]
fn a_ring_that_cannot_hold_all_commands() {
    let mut rig = Rig::new();
    let names: Vec<String> = (0..4).map(|digit| format!("{digit}{}", "x".repeat(200))).collect();
    let places: Vec<Place> = names.iter().map(|name| rig.own(name)).collect();
    rig.connect();
    rig.wire().room = 0;
    rig.asks(&[]);
    let answer = 15_000;
    assert_eq!((rig.deadline(), rig.link.wants_write()), (Some(answer), true));
    for name in &names {
        rig.asks(&[]);
        rig.wire().room = 205;
        rig.turns();
        let asked = rig.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].payload, name.as_bytes());
        let place = places[name[..1].parse::<usize>().unwrap()];
        rig.wire().room = 0;
        assert_eq!(rig.accepts(asked[0].tag, place.index()), opened(place, true));
    }
    assert_eq!((rig.reconnect.status(), rig.deadline()), (Status::Connected, None));
}

#[test]
fn channels_that_the_link_has_no_place_for() {
    let mut rig = Rig::new();
    let places: Vec<Place> = (0..6).map(|digit| rig.own(&digit.to_string())).collect();
    rig.reconnect.set_retry(places[5], Retry::Always);
    rig.connect();
    let until = rig.now + Duration::from_millis(100);
    let cause = Cause::Link(SendError::TooManyOwnChannels);
    let expected = [
        Notice::GivenUp { place: places[4], cause, exhausted: None },
        Notice::Waiting { place: places[5], cause, until },
    ];
    assert_eq!(rig.turn(), expected);
    assert_eq!(rig.asked().len(), 4);
    assert_eq!(rig.deadline(), Some(100));
    // one makes room
    let Rig { reconnect, link, .. } = &mut rig;
    assert_eq!(reconnect.remove(places[2], &mut link.out()), Ok(Some("2".into())));
    rig.pass(100);
    assert_eq!(rig.turn().len(), 1, "its place is free when the relay has answered");
    rig.hears(peote_net::protocol::to_endpoint::success(3, 2));
    rig.pass(200);
    rig.asks(&[(Delete, "\u{2}"), (Create, "5")]);
}

#[test]
fn a_mode_that_the_link_does_not_allow_is_told() {
    let mut rig = Rig::new();
    let mode = peote_net::link::Mode::chunks(257);
    let place = rig.reconnect.create("big".into(), mode).unwrap();
    rig.connect();
    let cause = Cause::Link(SendError::ChunkLimit { max: 257, chunk_size: 256 });
    assert_eq!(rig.turn(), [Notice::GivenUp { place, cause, exhausted: None }]);
    assert_eq!(rig.turn(), []);
}

#[test]
fn taking_channels_off_the_list() {
    let mut rig = Rig::new();
    let places = [rig.own("open"), rig.enter("in"), rig.own("asked"), rig.enter("refused")];
    rig.connect();
    let tags = rig.asks(&[(Create, "open"), (Enter, "in"), (Create, "asked"), (Enter, "refused")]);
    rig.accepts(tags[0], 4);
    rig.accepts(tags[1], 5);
    rig.refuses(tags[3], NO_SUCH_CHANNEL);
    let remove = |rig: &mut Rig, place| {
        let Rig { reconnect, link, .. } = rig;
        reconnect.remove(place, &mut link.out())
    };
    // no room for the command: nothing changes
    rig.wire().room = 0;
    let handle = rig.reconnect.entered(places[1]).unwrap();
    rig.link.out().send(handle, &[0; 250]).unwrap();
    while rig.link.out().send(handle, b"x").is_ok() {}
    assert_eq!(remove(&mut rig, places[0]), Err(SendError::WouldBlock));
    assert!(rig.reconnect.own(places[0]).is_some());
    rig.wire().room = usize::MAX;
    rig.turns();
    rig.wire().outgoing.clear();
    for (place, name) in places.into_iter().zip(["open", "in", "asked", "refused"]) {
        assert_eq!(rig.reconnect.name(place).map(String::as_str), Some(name));
        assert_eq!(remove(&mut rig, place), Ok(Some(name.into())));
        assert_eq!((rig.reconnect.state(place), rig.reconnect.name(place)), (None, None));
        assert_eq!(remove(&mut rig, place), Ok(None));
        assert!(!rig.reconnect.retry(place) && !rig.reconnect.set_retry(place, Retry::Always));
    }
    rig.asks(&[(Delete, "\u{4}"), (Leave, "\u{5}")]);
    assert_eq!(rig.accepts(tags[2], 6), []);
    rig.asks(&[(Delete, "\u{6}")]);
    assert_eq!(rig.reconnect.places().count(), 0);
    // the places are free, and those who had them know nothing of who has them now
    let new = rig.own("new");
    assert_eq!(new.index(), places[0].index());
    assert_ne!(new, places[0]);
    assert_eq!(rig.reconnect.state(places[0]), None);
    rig.asks(&[(Create, "new")]);
    assert_eq!(rig.lose(), []);
}

/// One that the program has deleted behind the list's back can be taken off all the same.
#[test]
fn taking_off_what_is_no_longer_there() {
    let mut rig = Rig::new();
    let (place, tag) = own_that_returns(&mut rig);
    rig.accepts(tag, 0);
    let channel = rig.reconnect.own(place).unwrap();
    rig.link.out().delete(channel).unwrap();
    let Rig { reconnect, link, .. } = &mut rig;
    assert_eq!(reconnect.remove(place, &mut link.out()), Ok(Some("room".into())));
}

/// Places that become free do not change the order of the others.
#[test]
fn the_order_is_that_of_adding() {
    let mut rig = Rig::new();
    let a = rig.own("a");
    rig.own("b");
    let Rig { reconnect, link, .. } = &mut rig;
    reconnect.remove(a, &mut link.out()).unwrap();
    let c = rig.own("c");
    assert_eq!(c.index(), a.index());
    rig.connect();
    rig.asks(&[(Create, "b"), (Create, "c")]);
}

#[test]
fn a_list_that_is_full_and_names_that_are_too_long() {
    let mut rig = Rig::new();
    let len = 256;
    assert_eq!(rig.reconnect.create("x".repeat(len), MODE), Err(AddError::NameTooLong { len }));
    assert!(rig.reconnect.create("x".repeat(255), MODE).is_ok());
    for _ in 0..5 {
        rig.enter("x");
    }
    assert_eq!(rig.reconnect.enter("x".into(), MODE), Err(AddError::Full { capacity: 6 }));
    let text = AddError::Full { capacity: 6 }.to_string();
    assert_eq!(text, "all 6 places of the list of channels are taken; remove one, or enlarge it");
}

/// Channels that are not of the list are none of its business.
#[test]
fn other_channels_of_the_link() {
    let mut rig = Rig::new();
    let place = rig.own("a");
    rig.connect();
    let tag = rig.asks(&[(Create, "a")])[0];
    rig.accepts(tag, 0);
    let other = rig.link.out().create("other", MODE).unwrap();
    let tag = rig.asks(&[(Create, "other")])[0];
    assert_eq!(rig.accepts(tag, 1), []);
    assert_eq!(rig.reconnect.place_of(other), None);
    assert_eq!(rig.lose(), [Notice::Interrupted { place }]);
    rig.pass(100);
    rig.connect();
    rig.asks(&[(Create, "a")]);
}
