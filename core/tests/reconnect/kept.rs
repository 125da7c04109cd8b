//! Events that the handler keeps: what they mean when they come again.

use peote_net::Reason;
use peote_net::link::{Channel, Event, Link, LinkBuffers, Mode, Out, SendError};
use peote_net::protocol::to_endpoint::{channel_gone, refused, success};
use peote_net::protocol::to_relay::Command::{Create, Enter};
use peote_net::reconnect::{Cause, Notice, Reconnect, Status};
use peote_net::time::{Duration, Instant};

use crate::channels::{NAME_IN_USE, opened, own_that_returns};
use crate::support::{Rig, Script};

const MODE_64: Mode = Mode::chunks(64);

/// What the handler keeps has the same meaning when it comes again (`support` checks that it is
/// told the same), and nothing is told twice.
#[test]
fn events_that_the_handler_keeps() {
    for next_event in [false, true] {
        let mut rig = Rig::new();
        rig.next_event = next_event;
        let (channel, tag) = own_that_returns(&mut rig);
        rig.keep = 3;
        assert_eq!(rig.refuses(tag, NAME_IN_USE), []);
        assert_eq!(rig.turn(), []);
        rig.pass(50);
        let until = rig.now + Duration::from_millis(50);
        rig.turn();
        let cause = Cause::Relay(Reason::NameInUse);
        assert_eq!(rig.turn(), [Notice::Waiting { channel, cause, until }]);
        assert_eq!(rig.turn(), []);
        rig.pass(50);
        let tag = rig.asks(&[(Create, "room")])[0];
        rig.keep = 1;
        assert_eq!(rig.accepts(tag, 0), []);
        assert!(rig.is_open(channel));
        assert_eq!(rig.turn(), opened(channel, false));
    }
}

/// A link with users of its own keeps an event for each of them: several can come again in turn.
#[test]
fn several_events_that_the_handler_keeps() {
    let mut rig = Rig::new();
    let channels = [rig.own("a"), rig.enter("b"), rig.enter("c")];
    rig.connect();
    let tags = rig.asks(&[(Create, "a"), (Enter, "b"), (Enter, "c")]);
    for (number, tag) in tags.into_iter().enumerate() {
        rig.accepts(tag, number);
    }
    let [a, b, c] = channels;
    let kept = [
        (Event::Closed { channel: a, reason: Reason::LinkLost }, Notice::Interrupted { channel: a }),
        (
            Event::Closed { channel: b, reason: Reason::OnPurpose },
            Notice::GivenUp { channel: b, cause: Cause::Relay(Reason::OnPurpose), exhausted: None },
        ),
        (Event::Opened { channel: c }, Notice::Opened { channel: c, first: true }),
    ];
    for (event, notice) in kept.iter().chain(&kept).chain(&kept) {
        assert_eq!(rig.reconnect.observe(event, rig.now), Some(*notice));
    }
}

/// The program has it asked for anew while it keeps the event that told of its end.
#[test]
fn a_channel_is_asked_for_when_its_end_has_been_dealt_with() {
    for next_event in [false, true] {
        let mut rig = Rig::new();
        rig.next_event = next_event;
        let channel = rig.enter("news");
        rig.connect();
        let tag = rig.asks(&[(Enter, "news")])[0];
        rig.accepts(tag, 0);
        rig.keep = 1;
        assert_eq!(rig.hears(channel_gone(0, 0)), []);
        assert!(rig.reconnect.retry(channel));
        let cause = Cause::Relay(Reason::OnPurpose);
        // nothing is asked for in this turn, and the loop does not spin
        assert_eq!(rig.turn(), [Notice::Waiting { channel, cause, until: Instant::ZERO }]);
        assert_eq!((rig.asked(), rig.deadline()), (vec![], Some(100)));
        // it is dealt with in the poll behind this, which is no event
        rig.pass(100);
        let tag = rig.asks(&[(Enter, "news")])[0];
        assert_eq!(rig.accepts(tag, 0), opened(channel, false));
    }
}

/// The events of the loss come on the next connection, and have nothing to do with it.
#[test]
fn events_of_the_loss_that_the_handler_keeps() {
    for (next_event, keep) in [(false, 1), (false, 2), (false, 3), (true, 1), (true, 3)] {
        let mut rig = Rig::new();
        rig.next_event = next_event;
        let channels = [rig.own("a"), rig.enter("b")];
        rig.connect();
        let tags = rig.asks(&[(Create, "a"), (Enter, "b")]);
        for (number, tag) in tags.into_iter().enumerate() {
            rig.accepts(tag, number);
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
        told.sort_by_key(|notice| channels.iter().position(|channel| *channel == notice.channel()));
        assert_eq!(told, channels.map(|channel| Notice::Interrupted { channel }));
        asked.sort_by_key(|asked| asked.payload.clone());
        let names: Vec<_> = asked.iter().map(|asked| &asked.payload[..]).collect();
        assert_eq!(names, [b"a", b"b"], "each is asked for once");
        for (channel, asked) in channels.into_iter().zip(asked) {
            assert_eq!(rig.accepts(asked.tag, 0), opened(channel, false));
        }
    }
}

/// A handler takes a channel out of the list in the event of its end, and then keeps the event for
/// something else. The slot of the channel is free all the same.
#[test]
fn a_channel_that_is_removed_in_an_event_that_is_kept_leaves_its_slot() {
    for (is_own, is_refused) in [(false, false), (false, true), (true, true)] {
        let mut link = Link::<LinkBuffers<64, 1, 1, 300, 64>>::new();
        let mut reconnect = Reconnect::<&str, 2>::new(Rig::rules());
        let (mut wire, now) = (Script::default(), Instant::from_millis(5000));
        let ask = |reconnect: &mut Reconnect<&str, 2>, out: &mut Out<'_>| -> Result<Channel, SendError> {
            Ok(match is_own {
                true => reconnect.create(out, "news", MODE_64)?.into(),
                false => reconnect.enter(out, "news", MODE_64)?.into(),
            })
        };
        for _ in 0..3 {
            let channel = ask(&mut reconnect, &mut link.out()).unwrap();
            if reconnect.start_attempt(now) {
                reconnect.connected();
            }
            while reconnect.restore(&mut link.out(), now).is_some() {}
            link.poll(&mut wire, now, |_, _| {}).unwrap();
            let tag = core::mem::take(&mut wire.outgoing)[2];
            if is_refused {
                wire.incoming.extend(refused(tag, 1));
            } else {
                wire.incoming.extend([&success(tag, 0)[..], &channel_gone(0, 0)].concat());
            }
            let mut times = 0;
            for _ in 0..3 {
                link.poll(&mut wire, now, |event, out| {
                    reconnect.observe(&event, now);
                    if let Event::Opened { .. } = event {
                        return Ok(());
                    }
                    times += 1;
                    reconnect.remove(out, channel)?;
                    if times == 1 { Err(SendError::WouldBlock) } else { Ok(()) }
                })
                .unwrap();
            }
            assert_eq!(times, 2, "the event comes again");
            assert!(!link.has_kept() && link.wants_read());
        }
        ask(&mut reconnect, &mut link.out()).unwrap();
    }
}
