//! To each its own fate: an event that is kept holds up its own party only.

use peote_net::Reason;
use peote_net::link::{Channel, Event, Flow, Link, Mode, Source, User, link_buffers};
use peote_net::protocol::to_endpoint;

use crate::support::{Rig, Script, Seen, chunk, from_server, from_user, tag};

const CHUNKS: Mode = Mode::chunks(256);

/// Polls until all that the relay says has been read. Events for which `keeps` is true are kept;
/// the others are returned.
fn hears_but(rig: &mut Rig, bytes: &[u8], keeps: impl Fn(&Seen) -> bool) -> Vec<Seen> {
    rig.says(bytes);
    let mut seen = Vec::new();
    loop {
        rig.poll_once(|event, _| {
            let event = Seen::from(event);
            if keeps(&event) {
                return Flow::Again;
            }
            seen.push(event);
            Flow::Continue
        })
        .unwrap();
        if rig.script.incoming.is_empty() {
            return seen;
        }
    }
}

fn is_from(seen: &Seen, user: User) -> bool {
    matches!(seen, Seen::Chunk(Source::User { user: from, .. }, _) if *from == user)
}

#[test]
fn others_are_heard_while_an_event_is_kept() {
    let mut rig = Rig::default();
    let channel = rig.own(3, CHUNKS);
    let (stubborn, other) = (rig.user(channel, 3, 7), rig.user(channel, 3, 8));
    let raw = rig.entered(5, Mode::Data);
    for _ in 0..100 {
        let stream = [from_user(3, 7, b"\0a"), from_user(3, 8, b"\0b"), from_server(5, b"c")].concat();
        let seen = hears_but(&mut rig, &stream, |seen| is_from(seen, stubborn));
        let expected = [
            Seen::Chunk(Source::User { channel, user: other }, b"b".to_vec()),
            Seen::Data(Source::Server { channel: raw }, b"c".to_vec()),
        ];
        assert_eq!(seen, expected);
        assert!(rig.link.wants_read() && rig.link.has_kept());
    }
    let from = Source::User { channel, user: stubborn };
    assert_eq!(rig.poll(), vec![Seen::Chunk(from, b"a".to_vec()); 100]);
    assert!(!rig.link.has_kept());
}

/// Entered, data, gone: behind what is kept each party's own order stays.
#[test]
fn what_a_party_says_stays_behind_its_event() {
    for kept in 0..4 {
        let mut rig = Rig::default();
        let channel = rig.own(3, CHUNKS);
        let user = User::new(7);
        let from = Source::User { channel, user };
        let all = [
            Seen::Notice(Event::UserEntered { channel, user }),
            Seen::Chunk(from, b"first".to_vec()),
            Seen::Chunk(from, vec![2; 200]),
            Seen::Notice(Event::UserGone { channel, user, reason: Reason::OnPurpose }),
        ];
        let stream = [
            &to_endpoint::user_entered(3, 7)[..],
            &from_user(3, 7, &chunk(b"first")),
            &from_user(3, 7, &[&[199][..], &[2; 50]].concat()),
            &from_user(3, 7, &[2; 150]),
            &to_endpoint::user_gone(3, 7, 0),
            // the number is somebody else's from here on
            &to_endpoint::user_entered(3, 7),
            &from_user(3, 7, &chunk(b"another")),
        ]
        .concat();
        let waits = all[kept].clone();
        let before = hears_but(&mut rig, &stream, |seen| *seen == waits);
        assert_eq!(before[..kept], all[..kept]);
        let rest: Vec<Seen> = before[kept..].iter().cloned().chain(rig.poll()).chain(rig.poll()).collect();
        let another =
            [Seen::Notice(Event::UserEntered { channel, user }), Seen::Chunk(from, b"another".to_vec())];
        assert_eq!(rest, [&all[kept..], &another].concat(), "{waits:?} was kept");
    }
}

/// Who is gone and has not been told so can be spoken to: it is lost, and no error.
#[test]
fn an_answer_to_somebody_who_is_gone_is_lost() {
    let mut rig = Rig::default();
    let channel = rig.own(3, CHUNKS);
    let user = rig.user(channel, 3, 7);
    let entered = rig.entered(5, CHUNKS);
    let stream = [
        &from_user(3, 7, b"\0a")[..],
        &to_endpoint::user_gone(3, 7, 1),
        &from_server(5, b"\0b"),
        &to_endpoint::channel_gone(5, 1),
    ]
    .concat();
    assert_eq!(hears_but(&mut rig, &stream, |seen| matches!(seen, Seen::Chunk(..))), []);
    let mut answers = 0;
    rig.poll_once(|event, out| match event {
        Event::Chunk { from, bytes } => {
            answers += 1;
            out.send(from, bytes)
        }
        _ => Ok(()),
    })
    .unwrap();
    assert_eq!(answers, 2);
    assert!(rig.sent().is_empty());
    assert!(rig.out().send((channel, user), b"x").is_err() && rig.out().send(entered, b"x").is_err());
}

/// A channel that is left while it waits is gone at once, and its end is not told.
#[test]
fn leaving_a_channel_whose_end_waits() {
    let mut rig = Rig::default();
    let entered = rig.entered(5, CHUNKS);
    let stream = [&from_server(5, b"\0b")[..], &to_endpoint::channel_gone(5, 1)].concat();
    assert_eq!(hears_but(&mut rig, &stream, |seen| matches!(seen, Seen::Chunk(..))), []);
    rig.out().leave(entered).unwrap();
    assert_eq!(rig.poll(), []);
    assert!(!rig.link.has_kept() && rig.script.outgoing.is_empty());
}

/// The users of a channel wait for the channel's own event.
#[test]
fn users_wait_for_their_channel() {
    let mut rig = Rig::default();
    let channel = rig.out().create("a", CHUNKS).unwrap();
    rig.sent();
    let stream = [
        &to_endpoint::success(tag(1), 3)[..],
        &to_endpoint::user_entered(3, 7),
        &from_user(3, 7, b"\0a"),
        &to_endpoint::user_gone(3, 7, 0),
    ]
    .concat();
    let opened = Seen::Notice(Event::Opened { channel: Channel::Own(channel) });
    assert_eq!(hears_but(&mut rig, &stream, |seen| *seen == opened), []);
    let user = User::new(7);
    let expected = [
        opened,
        Seen::Notice(Event::UserEntered { channel, user }),
        Seen::Chunk(Source::User { channel, user }, b"a".to_vec()),
        Seen::Notice(Event::UserGone { channel, user, reason: Reason::OnPurpose }),
    ];
    assert_eq!(rig.poll(), expected);
}

/// A party without windows that says more than its slot keeps stops the reading, and nothing is
/// lost.
#[test]
fn a_slot_that_is_full_stops_the_reading() {
    type Memory = link_buffers!(
        chunk: 64, window: 256, parties: 4, own_channels: 1, transmit: 512, receive: 128
    );
    let mut rig = Rig::new(Link::<Memory>::new());
    let channel = rig.own(3, Mode::chunks(64));
    let user = rig.user(channel, 3, 7);
    let from = Source::User { channel, user };
    let sent: Vec<Vec<u8>> = (0..20u8).map(|i| vec![i; 60]).collect();
    for bytes in &sent {
        rig.says(from_user(3, 7, &chunk(bytes)));
    }
    for _ in 0..50 {
        rig.poll_once(|_, _| Flow::Again).unwrap();
    }
    assert!(!rig.link.wants_read());
    assert!(rig.script.incoming.len() > 20 * 63 - 128 - 64 - 4 * 63);
    // one at a time
    let mut seen: Vec<Seen> = Vec::new();
    while seen.len() < sent.len() {
        let mut taken = 0;
        rig.poll_once(|event, _| {
            taken += 1;
            if taken > 1 {
                return Flow::Again;
            }
            seen.push(event.into());
            Flow::Continue
        })
        .unwrap();
    }
    assert_eq!(seen, sent.into_iter().map(|bytes| Seen::Chunk(from, bytes)).collect::<Vec<_>>());
    assert!(rig.link.wants_read() && !rig.link.has_kept());
}

/// A relay gives a number again as soon as its user is gone. The next one is told of behind that,
/// and has the place that has become free.
#[test]
fn a_number_given_again_waits_for_the_end_of_the_earlier_user() {
    type Memory =
        link_buffers!(chunk: 64, window: 64, parties: 2, own_channels: 1, transmit: 512, receive: 128);
    for is_deleted in [false, true] {
        let mut rig = Rig::new(Link::<Memory>::new());
        let channel = rig.own(3, Mode::chunks(64));
        let (user, other) = (rig.user(channel, 3, 7), rig.user(channel, 3, 8));
        rig.says(from_user(3, 7, &chunk(b"a")));
        rig.says(to_endpoint::user_gone(3, 7, 0));
        rig.says(to_endpoint::user_entered(3, 7));
        rig.says(from_user(3, 8, &chunk(b"b")));
        for _ in 0..3 {
            rig.poll_once(|event, _| {
                let seen = Seen::from(event);
                assert!(matches!(seen, Seen::Chunk(..)), "{seen:?} comes before what is kept");
                Flow::Again
            })
            .unwrap();
        }
        if is_deleted {
            rig.out().delete(channel).unwrap();
            rig.says(to_endpoint::keepalive());
            assert_eq!(rig.poll(), []);
            assert!(rig.link.wants_read() && !rig.link.has_kept());
            continue;
        }
        let says = |user, bytes: &[u8]| Seen::Chunk(Source::User { channel, user }, bytes.to_vec());
        let expected = [
            says(user, b"a"),
            Seen::Notice(Event::UserGone { channel, user, reason: Reason::OnPurpose }),
            Seen::Notice(Event::UserEntered { channel, user }),
            says(other, b"b"),
        ];
        assert_eq!(rig.poll(), expected);
        assert!(rig.link.wants_read() && !rig.link.has_kept());
    }
}

/// What was kept of a channel is told before its loss, also if writing fails before it could be
/// handed over.
#[test]
fn an_opened_channel_that_waits_is_told_before_the_loss() {
    let mut rig = Rig::default();
    let own = rig.out().create("a", CHUNKS).unwrap();
    let entered = rig.out().enter("b", CHUNKS).unwrap();
    rig.sent();
    rig.says([to_endpoint::success(tag(1), 3), to_endpoint::success(tag(2), 5)].concat());
    rig.poll_once(|_, _| Flow::Again).unwrap();
    rig.out().enter("c", CHUNKS).unwrap();
    rig.script.fail_write_ready = true;
    let (seen, _) = rig.lose();
    let [own, entered] = [Channel::Own(own), Channel::Entered(entered)];
    let opened = [own, entered].map(|channel| Seen::Notice(Event::Opened { channel }));
    assert_eq!(seen[..2], opened);
    let reason = Reason::LinkLost;
    assert_eq!(seen[2..4], [own, entered].map(|channel| Seen::Notice(Event::Closed { channel, reason })));
}

/// An event that waits behind another one in the round in which the connection is lost does not
/// keep the loop awake while the program keeps what it is told of the loss.
#[test]
fn the_loop_sleeps_while_an_event_of_the_lost_connection_is_kept() {
    let mut rig = Rig::default();
    for (number, name) in [(1, "a"), (2, "b"), (3, "c")] {
        rig.out().create(name, CHUNKS).unwrap();
        rig.says(to_endpoint::success(tag(number), number));
    }
    // waits behind that its channel is open
    rig.says(to_endpoint::user_entered(1, 7));
    for closed in [false, false, true] {
        rig.script.closed = closed;
        let polled = rig.poll_once(|_, _| Flow::Again);
        assert_eq!(polled.is_err(), closed);
    }
    rig.script = Script::default();
    let mut is_first = true;
    rig.poll_once(|_, _| if core::mem::take(&mut is_first) { Flow::Continue } else { Flow::Again }).unwrap();
    assert!(!is_first && rig.link.has_kept());
    assert_eq!(rig.link.next_deadline(), None);
}
