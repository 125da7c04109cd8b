//! Numbers that are given again: while the end of an earlier user is kept, its number means that
//! one.

use core::num::NonZero;

use peote_net::Reason;
use peote_net::link::{Event, Flow, IntoFlow, Link, OwnChannel, SendError, Source, User};
use peote_net::protocol::to_endpoint::{self, Capabilities};

use crate::support::{Rig, Seen, chunk, from_user};
use crate::windows::{CHUNKS, Memory, Windowed};

/// An own channel of number 3 with user 7, who has said "a", is gone, and whose number is given
/// again to one that says "b". The handler keeps the first event of this.
/// There are `others` in the channel; three take all slots that are left.
fn given_again(others: u8) -> (Windowed, OwnChannel) {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    rig.hears(to_endpoint::announcement(Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER)));
    let channel = rig.own(3, CHUNKS);
    for user in 7..=7 + others {
        rig.user(channel, 3, user);
    }
    rig.says(from_user(3, 7, &chunk(b"a")));
    rig.says(to_endpoint::user_gone(3, 7, 0));
    rig.says(to_endpoint::user_entered(3, 7));
    rig.says(from_user(3, 7, &chunk(b"b")));
    rig.poll_once(|_, _| Flow::Again).unwrap();
    (rig, channel)
}

/// What is told of them, in order.
fn told(channel: OwnChannel) -> [Seen; 4] {
    let user = User::new(7);
    let says = |bytes: &[u8]| Seen::Chunk(Source::User { channel, user }, bytes.to_vec());
    [
        says(b"a"),
        Seen::Notice(Event::UserGone { channel, user, reason: Reason::OnPurpose }),
        Seen::Notice(Event::UserEntered { channel, user }),
        says(b"b"),
    ]
}

/// Polls as long as the link is awake.
pub(crate) fn awake<R: IntoFlow<Error = SendError>>(
    rig: &mut Windowed,
    mut handler: impl FnMut(Seen, &mut peote_net::link::Out<'_>) -> R,
) {
    let mut polls = 0;
    while rig.link.has_more() || rig.link.wants_read() && !rig.script.incoming.is_empty() {
        polls += 1;
        assert!(polls < 100, "the loop does not sleep");
        rig.poll_once(|event, out| handler(event.into(), out)).unwrap();
    }
}

/// The loop of a program polls while there is more, and sleeps when there is not.
#[test]
fn the_end_of_the_earlier_user_wakes_the_loop() {
    for (limit, others) in [(0, 0), (1, 0), (2, 0), (0, 3), (1, 3), (2, 3)] {
        for keeps_end in [false, true] {
            let (mut rig, channel) = given_again(others);
            rig.link.set_event_limit(NonZero::new(limit));
            assert!(!rig.link.has_more(), "nothing is to be done but what is kept");
            let mut keeps_end = keeps_end;
            let mut seen = Vec::new();
            // the event comes again, and so does the end if it is kept
            for _ in 0..if keeps_end { 2 + u16::from(limit == 1) } else { 1 } {
                rig.poll_once(|event, _| {
                    let event = Seen::from(event);
                    if matches!(event, Seen::Notice(Event::UserGone { .. }))
                        && core::mem::take(&mut keeps_end)
                    {
                        return Flow::Again;
                    }
                    seen.push(event);
                    Flow::Continue
                })
                .unwrap();
            }
            awake(&mut rig, |event, _| seen.push(event));
            assert_eq!(seen, told(channel), "at most {limit} at once");
            assert!(rig.link.wants_read() && !rig.link.has_kept());
        }
    }
}

/// The same for the one that has the slot in front of it.
#[test]
fn the_end_of_a_user_wakes_the_loop_for_one_in_an_earlier_slot() {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    let channel = rig.own(3, CHUNKS);
    let (first, user) = (rig.user(channel, 3, 8), rig.user(channel, 3, 7));
    rig.says(to_endpoint::user_gone(3, 7, 0));
    rig.poll_once(|_, _| Flow::Again).unwrap();
    let gone = |user| Seen::Notice(Event::UserGone { channel, user, reason: Reason::OnPurpose });
    rig.says(to_endpoint::user_gone(3, 8, 0));
    rig.says(to_endpoint::user_entered(3, 7));
    let mut seen = Vec::new();
    rig.poll_once(|event, _| {
        let event = Seen::from(event);
        if event == gone(user) {
            return Flow::Again;
        }
        seen.push(event);
        Flow::Continue
    })
    .unwrap();
    assert_eq!(seen, [gone(first)]);
    rig.poll_once(|event, _| seen.push(event.into())).unwrap();
    awake(&mut rig, |event, _| seen.push(event));
    assert_eq!(seen[1..], [gone(user), Seen::Notice(Event::UserEntered { channel, user })]);
    assert!(rig.link.wants_read());
}

/// The handler deletes the channel in the last event that it takes at once.
#[test]
fn deleting_the_channel_wakes_the_loop() {
    for in_handler in [false, true] {
        let (mut rig, channel) = given_again(0);
        if in_handler {
            rig.link.set_event_limit(NonZero::new(1));
            rig.poll_once(|_, out| out.delete(channel)).unwrap();
        } else {
            rig.out().delete(channel).unwrap();
        }
        awake(&mut rig, |event, _| -> Flow { panic!("{event:?}") });
        assert!(rig.link.wants_read() && !rig.link.has_kept());
    }
}

/// A program that leaves the channel whose slot is full has the others heard again, while it keeps
/// an event of another one.
#[test]
fn leaving_a_channel_whose_slot_is_full_wakes_the_loop() {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    let full = rig.entered(5, CHUNKS);
    let channel = rig.own(3, CHUNKS);
    let user = rig.user(channel, 3, 7);
    rig.says(from_user(3, 7, &chunk(b"a")));
    for _ in 0..6 {
        rig.says(crate::support::from_server(5, &chunk(&[1; 60])));
    }
    rig.says(from_user(3, 7, &chunk(b"b")));
    for _ in 0..2 {
        rig.poll_once(|_, _| Flow::Again).unwrap();
    }
    assert!(!rig.link.has_more() && !rig.link.wants_read());
    rig.out().leave(full).unwrap();
    assert!(rig.link.has_more(), "asleep");
    let mut polls = 0;
    while rig.link.has_more() {
        polls += 1;
        assert!(polls < 10, "the loop does not sleep");
        rig.poll_once(|_, _| Flow::Again).unwrap();
    }
    assert!(rig.link.wants_read() && rig.link.has_kept());
    let says = |bytes: &[u8]| Seen::Chunk(Source::User { channel, user }, bytes.to_vec());
    assert_eq!(rig.poll(), [says(b"a"), says(b"b")]);
}

/// The same for a user without a place that waits for the event of its channel.
#[test]
fn deleting_a_channel_whose_event_is_kept_wakes_the_loop() {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    for number in 5..9 {
        rig.entered(number, CHUNKS);
    }
    let channel = rig.out().create("c", CHUNKS).unwrap();
    let tag = rig.sent()[2];
    rig.says(crate::support::from_server(5, &chunk(b"a")));
    rig.says(to_endpoint::success(tag, 3));
    rig.says(to_endpoint::user_entered(3, 7));
    for _ in 0..2 {
        rig.poll_once(|_, _| Flow::Again).unwrap();
    }
    assert!(!rig.link.has_more() && !rig.link.wants_read());
    rig.out().delete(channel).unwrap();
    assert!(rig.link.has_more(), "asleep");
    rig.poll_once(|event, _| {
        assert!(matches!(event, Event::Chunk { .. }), "{event:?}");
        Flow::Again
    })
    .unwrap();
    assert!(rig.link.wants_read() && !rig.link.has_more());
}

/// What is said to the earlier one is lost. The next one does not get it.
#[test]
fn an_answer_to_the_earlier_user_is_lost() {
    let (mut rig, channel) = given_again(0);
    let (mut answers, mut seen) = (0, Vec::new());
    rig.poll_once(|event, out| {
        let event = Seen::from(event);
        let answer = out.send((channel, User::new(7)), b"to a");
        match event {
            Seen::Chunk(_, ref bytes) if bytes == b"a" => {
                answers += 1;
                answer?;
                // it is gone already
                out.remove_user(channel, User::new(7))?;
            }
            Seen::Notice(Event::UserGone { .. }) => {
                assert_eq!(answer, Err(SendError::NotOpen));
                let removed = out.remove_user(channel, User::new(7));
                assert_eq!(removed, Err(SendError::NotOpen));
            }
            _ => return Ok(Flow::Again),
        }
        seen.push(event);
        Ok::<_, SendError>(Flow::Continue)
    })
    .unwrap();
    assert_eq!((answers, &seen[..]), (1, &told(channel)[..2]));
}

/// An earlier one whose end the program has been told, and wants again, is not there any more.
#[test]
fn an_earlier_user_that_is_told_to_be_gone_is_not_there() {
    let (mut rig, channel) = given_again(0);
    let user = User::new(7);
    rig.poll_once(|event, _| if let Event::Chunk { .. } = event { Flow::Continue } else { Flow::Again })
        .unwrap();
    assert!(rig.link.has_kept());
    assert_eq!(rig.out().send((channel, user), b"x"), Err(SendError::NotOpen));
    assert_eq!(rig.out().remove_user(channel, user), Err(SendError::NotOpen));
    assert_eq!(rig.poll(), told(channel)[1..]);
    rig.script.outgoing.clear();
    rig.out().send((channel, user), b"x").unwrap();
    assert_eq!(rig.sent(), [4, 0x83, 7, 0, b'x']);
}

/// A number that is given three times: each user's events come in a piece.
#[test]
fn a_number_given_again_twice_keeps_the_order() {
    // how long the event is kept that the channel is open, and which one is kept then
    for (keeps_open, kept) in (0..4).flat_map(|open| (0..9).map(move |kept| (open, kept))) {
        let mut rig: Windowed = Rig::new(Link::<Memory>::new());
        let channel = rig.out().create("c", CHUNKS).unwrap();
        let tag = rig.sent()[2];
        rig.says(to_endpoint::success(tag, 3));
        let user = User::new(7);
        let mut all = Vec::new();
        let mut parts = Vec::new();
        for bytes in [b"a", b"b", b"c"] {
            parts.push(to_endpoint::user_entered(3, 7).to_vec());
            parts.push(from_user(3, 7, &chunk(bytes)));
            parts.push(to_endpoint::user_gone(3, 7, 0).to_vec());
            all.push(Seen::Notice(Event::UserEntered { channel, user }));
            all.push(Seen::Chunk(Source::User { channel, user }, bytes.to_vec()));
            all.push(Seen::Notice(Event::UserGone { channel, user, reason: Reason::OnPurpose }));
        }
        let mut parts = parts.into_iter();
        // the first and a second one have come when the channel's event comes again
        parts.by_ref().take(4).for_each(|part| rig.says(part));
        let (mut seen, mut left) = (Vec::new(), 2);
        for poll in 0..30 {
            if poll > 0 {
                parts.next().into_iter().for_each(|part| rig.says(part));
            }
            rig.poll_once(|event, _| {
                if let Event::Opened { .. } = event {
                    return if poll < keeps_open { Flow::Again } else { Flow::Continue };
                }
                let event = Seen::from(event);
                if event == all[kept] && left > 0 {
                    left -= 1;
                    return Flow::Again;
                }
                seen.push(event);
                Flow::Continue
            })
            .unwrap();
        }
        assert_eq!(seen, all, "opened kept {keeps_open} times, and event {kept}");
    }
}
