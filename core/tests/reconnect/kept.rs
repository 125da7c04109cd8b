//! Events that the handler keeps: what they mean when they come again.

use peote_net::Reason;
use peote_net::link::{Channel, Event, Link};
use peote_net::protocol::to_endpoint::channel_gone;
use peote_net::protocol::to_relay::Command::{Create, Enter};
use peote_net::reconnect::{Cause, ChannelState, Notice, Status};
use peote_net::time::{Duration, Instant};

use crate::channels::{NAME_IN_USE, TOO_MANY, given_up, opened, own_that_returns};
use crate::support::Rig;

/// What the handler keeps has the same meaning when it comes again (`support` checks that it is told the same), and nothing is told twice.
#[test]
fn events_that_the_handler_keeps() {
    for next_event in [false, true] {
        let mut rig = Rig::new();
        rig.next_event = next_event;
        let (place, tag) = own_that_returns(&mut rig);
        rig.keep = 3;
        assert_eq!(rig.refuses(tag, NAME_IN_USE), []);
        assert_eq!(rig.turn(), []);
        rig.pass(50);
        let until = rig.now + Duration::from_millis(50);
        rig.turn();
        let cause = Cause::Relay(Reason::NameInUse);
        assert_eq!(rig.turn(), [Notice::Waiting { place, cause, until }]);
        assert_eq!(rig.turn(), []);
        rig.pass(50);
        let tag = rig.asks(&[(Create, "room")])[0];
        rig.keep = 1;
        assert_eq!(rig.accepts(tag, 0), []);
        assert!(rig.reconnect.own(place).is_some());
        assert_eq!(rig.turn(), opened(place, false));
    }
}

/// A link with users of its own keeps an event for each of them: several can come again in turn.
#[test]
fn several_events_that_the_handler_keeps() {
    let mut rig = Rig::new();
    let places = [rig.own("a"), rig.enter("b"), rig.enter("c")];
    rig.connect();
    let tags = rig.asks(&[(Create, "a"), (Enter, "b"), (Enter, "c")]);
    for (number, tag) in tags.into_iter().enumerate() {
        rig.accepts(tag, number);
    }
    let [a, b, c] = places;
    let entered = |place| rig.reconnect.entered(place).unwrap();
    let (b_gone, c_opened) = (entered(b), entered(c));
    let kept = [
        (
            Event::Closed { channel: Channel::Own(rig.reconnect.own(a).unwrap()), reason: Reason::LinkLost },
            Notice::Interrupted { place: a },
        ),
        (
            Event::Closed { channel: Channel::Entered(b_gone), reason: Reason::OnPurpose },
            Notice::GivenUp { place: b, cause: Cause::Relay(Reason::OnPurpose), exhausted: None },
        ),
        (Event::Opened { channel: Channel::Entered(c_opened) }, Notice::Opened { place: c, first: true }),
    ];
    for (event, notice) in kept.iter().chain(&kept).chain(&kept) {
        assert_eq!(rig.reconnect.observe(event, rig.now), Some(*notice));
    }
}

/// Its handles are those of the first one again, and mean the channels that it has now.
#[test]
fn a_new_link_for_each_connection() {
    let mut rig = Rig::new();
    let places = [rig.own("a"), rig.own("b")];
    let all = [(Create, "a"), (Create, "b")];
    rig.connect();
    for (number, tag) in rig.asks(&all).into_iter().enumerate() {
        assert_eq!(rig.accepts(tag, number), opened(places[number], true));
    }
    let handles = places.map(|place| rig.reconnect.own(place));
    assert_eq!(rig.lose().len(), 2);
    let Rig { link, reconnect, .. } = &mut rig;
    *link = Link::new();
    assert_eq!(reconnect.remove(places[0], &mut link.out()), Ok(Some("a".into())));
    let c = rig.own("c");
    rig.pass(100);
    rig.connect();
    let tags = rig.asks(&[(Create, "b"), (Create, "c")]);
    assert_eq!(rig.accepts(tags[0], 0), opened(places[1], false));
    assert_eq!(rig.reconnect.own(places[1]), handles[0]);
    assert_eq!(rig.refuses(tags[1], TOO_MANY), given_up(c, Reason::TooManyChannels));
}

/// As it is by then: asked for anew, or over, because something newer has been told.
#[test]
fn a_kept_event_tells_how_the_channel_is_by_now() {
    let mut rig = Rig::new();
    let place = rig.enter("news");
    rig.connect();
    let tag = rig.asks(&[(Enter, "news")])[0];
    rig.accepts(tag, 0);
    let channel = rig.reconnect.entered(place).unwrap();
    let gone = Event::Closed { channel: Channel::Entered(channel), reason: Reason::OnPurpose };
    let now = rig.now;
    let cause = Cause::Relay(Reason::OnPurpose);
    assert_eq!(rig.reconnect.observe(&gone, now), Some(given_up(place, Reason::OnPurpose)[0]));
    assert!(rig.reconnect.retry(place));
    let anew = Some(Notice::Waiting { place, cause, until: Instant::ZERO });
    assert_eq!(rig.reconnect.observe(&gone, now), anew);
    rig.hears(channel_gone(0, 0));
    let tag = rig.asks(&[(Enter, "news")])[0];
    assert_eq!(rig.reconnect.state(place), Some(ChannelState::Asked));
    assert_eq!(rig.reconnect.observe(&gone, now), anew);
    assert_eq!(rig.accepts(tag, 0), opened(place, false));
    assert_eq!(rig.reconnect.observe(&gone, now), None);
}

/// The events of the loss come on the next connection, and have nothing to do with it.
#[test]
fn events_of_the_loss_that_the_handler_keeps() {
    for (next_event, keep) in [(false, 1), (false, 2), (false, 3), (true, 1), (true, 3)] {
        let mut rig = Rig::new();
        rig.next_event = next_event;
        let places = [rig.own("a"), rig.enter("b")];
        rig.connect();
        let tags = rig.asks(&[(Create, "a"), (Enter, "b")]);
        for (place, tag) in places.into_iter().zip(tags) {
            rig.accepts(tag, place.index());
        }
        rig.keep = keep;
        let mut told = rig.lose();
        assert!(matches!(rig.reconnect.status(), Status::Lost { .. }));
        rig.pass(100);
        rig.connect();
        let mut asked = Vec::new();
        for _ in 0..4 {
            told.extend(rig.turn());
            assert!(rig.wire.is_some(), "the new connection is not lost");
            asked.extend(rig.asked());
        }
        told.sort_by_key(|notice| notice.place().index());
        assert_eq!(told, places.map(|place| Notice::Interrupted { place }));
        asked.sort_by_key(|asked| asked.payload.clone());
        let names: Vec<_> = asked.iter().map(|asked| &asked.payload[..]).collect();
        assert_eq!(names, [b"a", b"b"], "each is asked for once");
        for (place, asked) in places.into_iter().zip(asked) {
            assert_eq!(rig.accepts(asked.tag, 0), opened(place, false));
        }
    }
}
