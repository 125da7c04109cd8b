//! Events that a handler cannot deal with are delivered again. What they wait for is their own
//! party's matter; without feature `flow` the relay waits meanwhile.

use peote_net::Reason;
use peote_net::chunk::Violation;
use peote_net::link::{Channel, Event, Flow, Link, LinkBuffers, Mode, SendError, Source, User};
use peote_net::protocol::to_endpoint;
use peote_net::time::Instant;

use crate::support::{Rig, Seen, by_party, chunk, from_server, from_user, tag};

const CHUNKS: Mode = Mode::chunks(256);

/// A rig with an own channel of number 3 and user 7 in it.
fn served() -> (Rig, Source) {
    let mut rig = Rig::default();
    let channel = rig.own(3, CHUNKS);
    let user = rig.user(channel, 3, 7);
    (rig, Source::User { channel, user })
}

/// Hears `stream`, but deals with each event only when it comes the third time. Returns the events.
fn third_time(rig: &mut Rig, stream: &[u8]) -> Vec<Seen> {
    rig.says(stream);
    let mut seen = Vec::new();
    let mut waiting: Vec<(Seen, usize)> = Vec::new();
    let mut times = 0;
    while !rig.script.incoming.is_empty() || rig.link.has_kept() {
        assert!(times < 1000, "comes to no end: {waiting:?}");
        let reads = rig.script.reads;
        let waits = !rig.link.wants_read();
        rig.poll_once(|event, _| {
            times += 1;
            let event = Seen::from(event);
            let at = waiting.iter().position(|(waiting, _)| *waiting == event).unwrap_or_else(|| {
                seen.push(event.clone());
                waiting.push((event, 0));
                waiting.len() - 1
            });
            waiting[at].1 += 1;
            if waiting[at].1 < 3 {
                return Flow::Again;
            }
            waiting.swap_remove(at);
            Flow::Continue
        })
        .unwrap();
        assert!(waiting.len() <= 1 || cfg!(feature = "flow"), "an event held up nobody");
        assert!(!waits || rig.link.wants_read() || rig.script.reads == reads, "read although an event waits");
    }
    assert_eq!(times, 3 * seen.len());
    by_party(seen)
}

#[test]
fn an_echo_that_would_block_loses_nothing() {
    let (mut rig, from) = served();
    rig.script.room = 0;
    let chunks: Vec<Vec<u8>> = (0..40u8).map(|i| vec![i; 100]).collect();
    for bytes in &chunks {
        rig.says(from_user(3, 7, &chunk(bytes)));
    }
    let mut echoed = Vec::new();
    let mut blocked = 0;
    while echoed.len() < chunks.len() {
        rig.poll_once(|event, out| {
            let Event::Chunk { from: source, bytes } = event else { panic!("{event:?}") };
            assert_eq!(source, from);
            let sent = out.send(source, bytes);
            match sent {
                Ok(()) => echoed.push(bytes.to_vec()),
                Err(error) => {
                    assert_eq!(error, SendError::WouldBlock);
                    blocked += 1;
                }
            }
            sent
        })
        .unwrap();
        if rig.link.has_kept() {
            assert!(rig.link.wants_write(), "nothing would wake the caller");
            rig.script.room += 150;
        }
    }
    assert!(blocked > 10, "blocked only {blocked} times");
    assert_eq!(echoed, chunks);
    rig.script.room = usize::MAX;
    let echo = |bytes: &Vec<u8>| [&[103, 0x83, 7, 99], &bytes[..]].concat();
    assert_eq!(rig.sent(), chunks.iter().flat_map(echo).collect::<Vec<u8>>());
}

#[test]
fn data_and_chunks_come_again_as_they_were() {
    let (mut rig, from) = served();
    let raw = rig.entered(5, Mode::Data);
    let server = Source::Server { channel: raw };
    let long: Vec<u8> = (0..200).collect();
    let stream = [
        from_user(3, 7, &[&[199], &long[..120]].concat()),
        from_server(5, b"raw"),
        // the end of one chunk, a whole one, and the start of a third in one unit
        from_user(3, 7, &[&long[120..], &chunk(b"whole"), &[4, b'c']].concat()),
        from_server(5, b"more"),
        from_user(3, 7, b"ut 2"),
    ]
    .concat();
    let expected = [
        Seen::Data(server, b"raw".to_vec()),
        Seen::Chunk(from, long),
        Seen::Chunk(from, b"whole".to_vec()),
        Seen::Data(server, b"more".to_vec()),
        Seen::Chunk(from, b"cut 2".to_vec()),
    ];
    assert_eq!(third_time(&mut rig, &stream), by_party(expected.to_vec()));
}

#[test]
fn every_other_event_comes_again_as_well() {
    let mode = Mode::chunks(4);
    let mut rig = Rig { link: Link::new(), ..Rig::default() };
    let created = rig.out().create("a", mode).unwrap();
    let not_created = rig.out().create("b", mode).unwrap();
    let entered = rig.out().enter("c", mode).unwrap();
    let not_entered = rig.out().enter("d", mode).unwrap();
    rig.sent();
    let stream = [
        &to_endpoint::success(tag(1), 0)[..],
        &to_endpoint::refused(tag(2), 2),
        &to_endpoint::success(tag(3), 0),
        &to_endpoint::refused(tag(4), 1),
        &to_endpoint::user_entered(0, 9),
        &from_user(0, 9, &[9, 1]),
        &to_endpoint::user_gone(0, 9, 0),
        &to_endpoint::channel_gone(0, 1),
    ]
    .concat();
    let user = User::new(9);
    let violation = Violation::ChunkTooLarge { len: 10, max: 4 };
    let expected = [
        Event::Opened { channel: Channel::Own(created) },
        Event::Refused { channel: Channel::Own(not_created), reason: Reason::NameInUse, words: &[] },
        Event::Opened { channel: Channel::Entered(entered) },
        Event::Refused { channel: Channel::Entered(not_entered), reason: Reason::NoSuchChannel, words: &[] },
        Event::UserEntered { channel: created, user },
        Event::Malicious { from: Source::User { channel: created, user }, violation },
        Event::UserGone { channel: created, user, reason: Reason::OnPurpose },
        Event::Closed { channel: Channel::Entered(entered), reason: Reason::ConnectionLost },
    ];
    assert_eq!(third_time(&mut rig, &stream), by_party(expected.map(Seen::Notice).to_vec()));
}

/// Hears `stream`, keeps its first event, and those of others that come meanwhile, and then lets
/// the caller do something.
fn keep_first(rig: &mut Rig, stream: &[u8]) {
    rig.says(stream);
    let mut seen = 0;
    rig.poll_once(|_, _| {
        seen += 1;
        Flow::Again
    })
    .unwrap();
    assert!(seen == 1 || cfg!(feature = "flow"));
    assert!(rig.link.has_kept());
    assert_eq!(rig.link.wants_read(), cfg!(feature = "flow"));
}

#[test]
fn what_waits_from_a_channel_that_is_left_is_dropped_and_the_rest_goes_on() {
    for first in [b"\0a".to_vec(), b"\x01bc".to_vec()] {
        for cut in 0..2 {
            let mut rig = Rig::default();
            let left = rig.entered(1, CHUNKS);
            let other = rig.entered(2, CHUNKS);
            if cut > 0 {
                // so that the chunk comes in pieces
                assert_eq!(rig.hears(from_server(1, &first[..first.len() - 1])), []);
                keep_first(
                    &mut rig,
                    &[from_server(1, &first[first.len() - 1..]), from_server(2, b"\0x")].concat(),
                );
            } else {
                let both = [&first[..], b"\0y"].concat();
                keep_first(&mut rig, &[from_server(1, &both), from_server(2, b"\0x")].concat());
            }
            rig.out().leave(left).unwrap();
            let server = Source::Server { channel: other };
            assert_eq!(rig.poll(), [Seen::Chunk(server, b"x".to_vec())]);
        }
    }
}

/// "For this link the channel and its users are gone at once, without further events", also those
/// that wait.
#[test]
fn what_waits_from_a_channel_that_is_deleted_is_dropped() {
    let about_own: [&[u8]; 4] = [
        &to_endpoint::user_entered(3, 8),
        &to_endpoint::user_gone(3, 7, 0),
        &from_user(3, 7, b"\x09a"), // malicious
        &from_user(3, 7, b"\x00a"),
    ];
    for stream in about_own {
        let mut rig = Rig::default();
        let channel = rig.own(3, Mode::chunks(4));
        rig.user(channel, 3, 7);
        keep_first(&mut rig, stream);
        rig.out().delete(channel).unwrap();
        assert_eq!(rig.poll(), [], "{stream:?}");
        assert!(rig.link.wants_read() && !rig.link.has_kept());
    }
    let mut rig = Rig::default();
    let created = rig.out().create("a", CHUNKS).unwrap();
    let entered = rig.out().enter("b", CHUNKS).unwrap();
    rig.sent();
    keep_first(&mut rig, &to_endpoint::success(tag(1), 0));
    rig.out().delete(created).unwrap();
    keep_first(&mut rig, &to_endpoint::success(tag(2), 0));
    rig.out().leave(entered).unwrap();
    assert_eq!(rig.poll(), []);
    assert_eq!(rig.script.outgoing, [0, 3, 0, 1, 0, 0, 2, 0, 1, 0]);
}

/// A channel that is over by itself stays to be told of.
#[test]
fn what_waits_about_the_end_of_a_channel_is_not_dropped() {
    let mut rig = Rig::default();
    let entered = rig.entered(1, CHUNKS);
    keep_first(&mut rig, &to_endpoint::channel_gone(1, 0));
    assert_eq!(rig.out().leave(entered), Err(SendError::NotOpen));
    let gone = Event::Closed { channel: Channel::Entered(entered), reason: Reason::OnPurpose };
    assert_eq!(rig.poll(), [Seen::Notice(gone)]);
    let refused = rig.out().enter("x", CHUNKS).unwrap();
    rig.sent();
    keep_first(&mut rig, &to_endpoint::refused(tag(2), 4));
    let refused =
        Event::Refused { channel: Channel::Entered(refused), reason: Reason::ChannelFull, words: &[] };
    assert_eq!(rig.poll(), [Seen::Notice(refused)]);
}

/// The ring was full, and empty again when the poll ended: the caller has to be woken for the event
/// that waits.
#[test]
fn a_caller_that_sleeps_is_woken_for_an_event_that_waits_for_room() {
    let mut rig = Rig::new(Link::<LinkBuffers<256, 4, 1, 300, 512>>::new());
    let channel = rig.own(3, CHUNKS);
    rig.user(channel, 3, 7);
    rig.says([from_user(3, 7, &chunk(&[1; 100])), from_user(3, 7, &chunk(&[2; 100]))].concat());
    rig.says(from_user(3, 7, &chunk(&[3; 100])));
    let mut polls = 0;
    let mut echoed = Vec::new();
    // what a caller does that sleeps until the transport is ready
    while rig.link.has_kept()
        || (rig.link.wants_read() && !rig.script.incoming.is_empty())
        || rig.link.wants_write()
    {
        assert!(!rig.link.has_kept() || rig.link.wants_write(), "asleep");
        polls += 1;
        assert!(polls < 10);
        rig.poll_once(|event, out| {
            let Event::Chunk { from, bytes } = event else { panic!("{event:?}") };
            out.send(from, bytes).inspect(|()| echoed.push(bytes[0]))
        })
        .unwrap();
    }
    assert_eq!(echoed, [1, 2, 3]);
}

/// A handler that waits for something of its own is asked again when the caller likes, not all the
/// time.
#[test]
fn an_event_that_waits_for_something_else_wakes_nobody() {
    let (mut rig, _) = served();
    keep_first(&mut rig, &from_user(3, 7, b"\0a"));
    assert!(!rig.link.wants_write());
    if cfg!(feature = "flow") {
        // the link listens on
        assert!(rig.link.wants_read() && rig.link.next_deadline() > Some(rig.now));
    } else {
        // also not when the time for hearing something is over: the link does not listen meanwhile
        rig.now = Instant::from_millis(1_000_000);
        rig.poll_once(|_, _| Flow::Again).unwrap();
        assert!(!rig.link.wants_write() && !rig.link.wants_read());
        assert_eq!(rig.link.next_deadline(), None);
    }
    rig.says(to_endpoint::keepalive());
    assert_eq!(rig.poll().len(), 1);
    assert!(rig.link.next_deadline().is_some());
}

#[test]
fn next_event_delivers_again_what_out_again_was_called_for() {
    let (mut rig, from) = served();
    rig.says([from_user(3, 7, b"\0a"), from_user(3, 7, b"\0b")].concat());
    let reads = rig.script.reads;
    for _ in 0..3 {
        let (event, mut out) = rig.link.next_event(&mut rig.script, rig.now).unwrap().unwrap();
        assert_eq!(event, Event::Chunk { from, bytes: b"a" });
        out.again();
        assert!(rig.link.has_kept());
        assert_eq!(rig.link.wants_read(), cfg!(feature = "flow"));
        assert!(rig.link.next_event(&mut rig.script, rig.now).unwrap().is_none(), "time to sleep");
    }
    for bytes in [b"a", b"b"] {
        let (event, _) = rig.link.next_event(&mut rig.script, rig.now).unwrap().unwrap();
        assert_eq!(event, Event::Chunk { from, bytes });
    }
    assert_eq!(rig.script.reads, reads + 1);
}

/// The link's own sending half came with no event, so there is nothing to deliver again.
#[test]
fn again_without_an_event_means_nothing() {
    let (mut rig, from) = served();
    for bytes in [b"a", b"b"] {
        rig.out().again();
        rig.says(from_user(3, 7, &chunk(bytes)));
        let (event, _) = rig.link.next_event(&mut rig.script, rig.now).unwrap().unwrap();
        assert_eq!(event, Event::Chunk { from, bytes });
        assert!(rig.link.next_event(&mut rig.script, rig.now).unwrap().is_none());
    }
    rig.out().again();
    assert_eq!(rig.hears(from_user(3, 7, b"\0c")), [Seen::Chunk(from, b"c".to_vec())]);
}

/// The connection is lost just then: what had happened before is told before the loss.
#[test]
fn poll_delivers_again_what_next_event_kept_also_when_the_connection_is_lost() {
    let mut rig = Rig::default();
    let channel = rig.own(3, CHUNKS);
    rig.says(to_endpoint::user_entered(3, 7));
    let (event, mut out) = rig.link.next_event(&mut rig.script, rig.now).unwrap().unwrap();
    let entered = Event::UserEntered { channel, user: User::new(7) };
    assert_eq!(event, entered);
    out.again();
    rig.out().create("x", CHUNKS).unwrap();
    rig.script.fail_write_ready = true;
    let (seen, _) = rig.lose();
    let closed = Event::Closed { channel: Channel::Own(channel), reason: Reason::LinkLost };
    // with its party goes what is kept with it: "without further events"
    let expected = if cfg!(feature = "flow") { vec![closed] } else { vec![entered, closed] };
    assert_eq!(seen[..expected.len()], expected.into_iter().map(Seen::Notice).collect::<Vec<_>>());
}

/// A user that found no place waits for its channel, which the program has not taken note of when
/// the connection is lost. The user is lost with it, and holds up nothing.
#[test]
fn a_user_without_a_place_that_waits_is_lost_with_the_connection() {
    type Memory = LinkBuffers<256, 1, 2, 512, 256>;
    let mut rig = Rig::new(Link::<Memory>::new());
    let channel = rig.out().create("c", CHUNKS).unwrap();
    let tag = rig.sent()[2];
    rig.says(to_endpoint::success(tag, 3));
    for user in [7, 8] {
        rig.says(to_endpoint::user_entered(3, user));
    }
    let opened = Seen::Notice(Event::Opened { channel: Channel::Own(channel) });
    for _ in 0..2 {
        let mut seen = Vec::new();
        rig.poll_once(|event, _| {
            seen.push(Seen::from(event));
            Flow::Again
        })
        .unwrap();
        assert_eq!(seen, std::slice::from_ref(&opened));
    }
    let other = rig.out().create("x", CHUNKS).unwrap();
    rig.script.fail_write_ready = true;
    let (seen, _) = rig.lose();
    let reason = Reason::LinkLost;
    let closed = Event::Closed { channel: Channel::Own(channel), reason };
    let refused = Event::Refused { channel: Channel::Own(other), reason, words: &[] };
    assert_eq!(seen, [opened, Seen::Notice(closed), Seen::Notice(refused)]);
}

/// Both faces of a link can be used in turn.
#[test]
fn poll_delivers_again_what_next_event_kept() {
    let (mut rig, from) = served();
    rig.says([from_user(3, 7, b"\0a"), from_user(3, 7, b"\0b")].concat());
    let (event, mut out) = rig.link.next_event(&mut rig.script, rig.now).unwrap().unwrap();
    assert_eq!(event, Event::Chunk { from, bytes: b"a" });
    out.again();
    assert_eq!(rig.poll(), [Seen::Chunk(from, b"a".to_vec()), Seen::Chunk(from, b"b".to_vec())]);
    // the other way round
    keep_first(&mut rig, &from_user(3, 7, b"\0c"));
    let (event, _) = rig.link.next_event(&mut rig.script, rig.now).unwrap().unwrap();
    assert_eq!(event, Event::Chunk { from, bytes: b"c" });
}

/// A handler can ask for it through its `out` as well.
#[test]
fn out_again_in_a_handler_is_flow_again() {
    let (mut rig, from) = served();
    rig.says(from_user(3, 7, b"\0a"));
    rig.poll_once(|_, out| out.again()).unwrap();
    assert!(rig.link.has_kept());
    assert_eq!(rig.poll(), [Seen::Chunk(from, b"a".to_vec())]);
}
