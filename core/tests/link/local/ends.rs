//! Leaving and deleting, in every stage.

use peote_net::Reason;
use peote_net::link::{
    Channel, Destination, Event, Flow, Link, Mode, OwnChannel, SendError, SimulatedLine, Source,
};
use peote_net::protocol::to_endpoint;
use peote_net::time::{Duration, Instant};

use super::support::*;
use crate::support::{Rig, Seen, tag};

const LAG: SimulatedLine = SimulatedLine::new().round_trip(Duration::from_millis(100));

fn user_gone(channel: OwnChannel, user: peote_net::link::User) -> Seen {
    Seen::Notice(Event::UserGone { channel, user, reason: Reason::OnPurpose })
}

/// Everything is free again, and the link is as it was: users can enter as often as there are
/// places.
fn check_places(rig: &mut LocalRig, name: &[u8], channel: OwnChannel, taken: usize) {
    let users: Vec<_> = (0..5 - taken).map(|_| join(rig, name, channel, CHUNKS)).collect();
    assert_eq!(rig.out().enter(name, CHUNKS), Err(SendError::TooManyLocalUsers));
    for (entered, _) in users {
        rig.out().leave(entered).unwrap();
    }
    settle(rig);
    assert_eq!(rig.link.next_deadline(), None);
}

#[test]
fn leaving_a_channel_that_is_being_created() {
    let mut rig = rig();
    let channel = rig.out().create("a", CHUNKS).unwrap();
    let entered = rig.out().enter("a", CHUNKS).unwrap();
    rig.out().leave(entered).unwrap();
    assert_eq!(rig.out().leave(entered), Err(SendError::NotOpen));
    rig.says(to_endpoint::success(tag(1), 0));
    assert_eq!(settle(&mut rig), [Seen::Notice(Event::Opened { channel: Channel::Own(channel) })]);
    check_places(&mut rig, b"a", channel, 0);
}

#[test]
fn deleting_a_channel_that_is_being_created() {
    let mut rig = rig();
    let channel = rig.out().create("a", CHUNKS).unwrap();
    let entered = rig.out().enter("a", CHUNKS).unwrap();
    let left = rig.out().enter("a", CHUNKS).unwrap();
    rig.out().leave(left).unwrap();
    rig.out().delete(channel).unwrap();
    let refused =
        Event::Refused { channel: Channel::Entered(entered), reason: Reason::NoSuchChannel, words: &[] };
    assert_eq!(settle(&mut rig), [Seen::Notice(refused)]);
    rig.says(to_endpoint::success(tag(1), 0));
    assert_eq!(settle(&mut rig), []);
    assert!(rig.script.outgoing.ends_with(&[0, 3, 0, 1, 0]));
    let channel = open(&mut rig, b"a", 1, CHUNKS);
    check_places(&mut rig, b"a", channel, 0);
}

/// Before anybody has heard of the entering: the user nothing, the server of one who has come and
/// gone.
#[test]
fn leaving_on_the_way_in() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    let entered = rig.out().enter("a", CHUNKS).unwrap();
    rig.out().leave(entered).unwrap();
    let seen = settle(&mut rig);
    let Seen::Notice(Event::UserEntered { user, .. }) = seen[0] else { panic!("{seen:?}") };
    assert_eq!(seen[1..], [user_gone(channel, user)]);
    check_places(&mut rig, b"a", channel, 0);
}

/// The other way round: the user hears that it came in and that the channel is gone, the server
/// nothing.
#[test]
fn deleting_while_a_user_is_on_the_way_in() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    let entered = rig.out().enter("a", CHUNKS).unwrap();
    rig.out().delete(channel).unwrap();
    let gone = Event::Closed { channel: Channel::Entered(entered), reason: Reason::OnPurpose };
    assert_eq!(
        settle(&mut rig),
        [Event::Opened { channel: Channel::Entered(entered) }, gone].map(Seen::Notice)
    );
    let channel = open(&mut rig, b"a", 1, CHUNKS);
    check_places(&mut rig, b"a", channel, 0);
}

/// What was sent before leaving arrives; what comes back does not.
#[test]
fn leaving_with_data_under_way() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
    rig.out().send(entered, b"last words").unwrap();
    rig.out().send((channel, user), b"in vain").unwrap();
    rig.out().leave(entered).unwrap();
    assert_eq!(rig.out().send(entered, b"x"), Err(SendError::NotOpen));
    assert_eq!(rig.out().leave(entered), Err(SendError::NotOpen));
    // the server does not know it yet
    rig.out().send((channel, user), b"in vain as well").unwrap();
    let words = Seen::Chunk(from_user_of(channel, user), b"last words".to_vec());
    assert_eq!(settle(&mut rig), [words, user_gone(channel, user)]);
    assert_eq!(rig.out().send((channel, user), b"x"), Err(SendError::NotOpen));
    check_places(&mut rig, b"a", channel, 0);
}

/// The same for the server: what it sent before it deleted arrives, then the end.
#[test]
fn deleting_with_data_under_way() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 7, CHUNKS);
    let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
    rig.out().send((channel, user), b"last words").unwrap();
    rig.out().send(entered, b"in vain").unwrap();
    rig.out().delete(channel).unwrap();
    assert_eq!(rig.out().users(channel).count(), 0);
    assert_eq!(rig.out().send((channel, user), b"x"), Err(SendError::NotOpen));
    assert_eq!(rig.out().send(Destination::All(channel), b"x"), Err(SendError::NotOpen));
    assert_eq!(rig.out().simulate(channel, LAG), Err(SendError::NotOpen));
    // the user does not know it yet
    rig.out().send(entered, b"in vain as well").unwrap();
    let words = Seen::Chunk(from_server_of(entered), b"last words".to_vec());
    let gone = Event::Closed { channel: Channel::Entered(entered), reason: Reason::OnPurpose };
    assert_eq!(settle(&mut rig), [words, Seen::Notice(gone)]);
    assert_eq!(rig.out().send(entered, b"x"), Err(SendError::NotOpen));
    assert_eq!(rig.out().leave(entered), Err(SendError::NotOpen));
    assert_eq!(rig.script.outgoing, [0, 3, 0, 1, 7]);
    let channel = open(&mut rig, b"a", 1, CHUNKS);
    check_places(&mut rig, b"a", channel, 0);
}

/// A ring that is full: deleting says so and changes nothing, leaving needs no room.
#[test]
fn deleting_and_leaving_without_room() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 7, CHUNKS);
    let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
    let remote = rig.user(channel, 7, 1);
    rig.script.room = 0;
    for len in [100, 1] {
        while rig.out().send((channel, remote), &vec![0; len]).is_ok() {}
    }
    assert!(rig.out().free() < 5);
    assert_eq!(rig.out().delete(channel), Err(SendError::WouldBlock));
    assert!(rig.out().can_send(entered, 1) && rig.out().can_send((channel, user), 1));
    rig.out().leave(entered).unwrap();
    assert_eq!(settle(&mut rig), [user_gone(channel, user)]);
}

/// Both ends at once, with lag: nobody is told of what it did itself.
#[test]
fn leaving_what_is_being_deleted_and_deleting_what_is_being_left() {
    for deleting_first in [true, false] {
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 0, CHUNKS);
        rig.out().simulate(channel, LAG).unwrap();
        let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
        rig.out().send(entered, b"x").unwrap();
        rig.out().send((channel, user), b"y").unwrap();
        if deleting_first {
            rig.out().delete(channel).unwrap();
            assert_eq!(rig.poll(), []);
            rig.out().leave(entered).unwrap();
        } else {
            rig.out().leave(entered).unwrap();
            assert_eq!(rig.poll(), []);
            rig.out().delete(channel).unwrap();
        }
        assert_eq!(settle(&mut rig), []);
        let channel = open(&mut rig, b"a", 1, CHUNKS);
        check_places(&mut rig, b"a", channel, 0);
    }
}

/// In handlers of events of the very user, of which more wait.
#[test]
fn leaving_in_a_handler_of_the_same_user() {
    for face in FACES {
        for again in [false, true] {
            // at the server's event of the user, and at the user's of the server
            for at_server in [true, false] {
                let mut rig = rig();
                let channel = open(&mut rig, b"a", 0, CHUNKS);
                let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
                let (other, other_user) = join(&mut rig, b"a", channel, CHUNKS);
                for bytes in [b"1", b"2", b"3"] {
                    rig.out().send(entered, bytes).unwrap();
                    rig.out().send((channel, user), bytes).unwrap();
                }
                rig.out().send(other, b"other").unwrap();
                let trigger = if at_server { from_user_of(channel, user) } else { from_server_of(entered) };
                let mut left = false;
                let mut seen: Vec<Seen> = Vec::new();
                sleep_and_wake(&mut rig, face, |event, out| {
                    if let Event::Chunk { from, bytes } = event {
                        assert!(!left || from != from_server_of(entered), "told after leaving");
                        if from == trigger && bytes == b"2" && !left {
                            left = true;
                            out.leave(entered).unwrap();
                            // the bytes are still there
                            assert_eq!(bytes, b"2");
                            if again {
                                return Flow::Again;
                            }
                        }
                    }
                    seen.push(event.into());
                    Flow::Continue
                });
                let of = |source: Source| -> Vec<Vec<u8>> {
                    let bytes = |seen: &Seen| match seen {
                        Seen::Chunk(from, bytes) if *from == source => Some(bytes.clone()),
                        _ => None,
                    };
                    seen.iter().filter_map(bytes).collect()
                };
                assert_eq!(of(from_user_of(channel, user)), [b"1", b"2", b"3"], "said before leaving");
                let heard = of(from_server_of(entered));
                if at_server {
                    assert!(heard.len() <= 3);
                } else {
                    assert_eq!(heard.len(), if again { 1 } else { 2 }, "{heard:?}");
                }
                assert_eq!(of(from_user_of(channel, other_user)), [b"other"]);
                assert_eq!(seen.iter().filter(|&event| *event == user_gone(channel, user)).count(), 1);
                check_places(&mut rig, b"a", channel, 1);
            }
        }
    }
}

#[test]
fn deleting_in_a_handler_of_a_user() {
    for face in FACES {
        for again in [false, true] {
            for at_server in [true, false] {
                let mut rig = rig();
                let channel = open(&mut rig, b"a", 0, CHUNKS);
                let users = [0, 1].map(|_| join(&mut rig, b"a", channel, CHUNKS));
                for (entered, user) in users {
                    for bytes in [b"1", b"2", b"3"] {
                        rig.out().send(entered, bytes).unwrap();
                        rig.out().send((channel, user), bytes).unwrap();
                    }
                }
                let (entered, user) = users[0];
                let trigger = if at_server { from_user_of(channel, user) } else { from_server_of(entered) };
                let mut deleted = false;
                let mut gone = Vec::new();
                sleep_and_wake(&mut rig, face, |event, out| {
                    match event {
                        Event::Chunk { from, bytes } => {
                            assert!(!deleted || matches!(from, Source::Server { .. }), "told after deleting");
                            if from == trigger && bytes == b"2" && !deleted {
                                deleted = true;
                                out.delete(channel).unwrap();
                                assert_eq!(bytes, b"2");
                                if again {
                                    return Flow::Again;
                                }
                            }
                        }
                        Event::Closed { channel: Channel::Entered(channel), reason: Reason::OnPurpose } => {
                            gone.push(channel);
                        }
                        other => panic!("{other:?}"),
                    }
                    Flow::Continue
                });
                assert!(deleted);
                gone.sort_unstable_by_key(|channel| channel.index());
                assert_eq!(gone, users.map(|(entered, _)| entered));
                let channel = open(&mut rig, b"a", 1, CHUNKS);
                check_places(&mut rig, b"a", channel, 0);
            }
        }
    }
}

/// In the handlers of the events that tell of coming and going themselves.
#[test]
fn ending_it_in_the_handler_that_hears_of_its_beginning() {
    for face in FACES {
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 0, CHUNKS);
        let entered = rig.out().enter("a", CHUNKS).unwrap();
        let mut seen: Vec<Seen> = Vec::new();
        sleep_and_wake(&mut rig, face, |event, out| {
            if let Event::Opened { channel: Channel::Entered(channel) } = event {
                out.leave(channel).unwrap();
            }
            seen.push(event.into());
        });
        assert!(seen.contains(&Seen::Notice(Event::Opened { channel: Channel::Entered(entered) })));
        assert_eq!(seen.len(), 3, "and the server of both: {seen:?}");
        seen.clear();

        let entered = rig.out().enter("a", CHUNKS).unwrap();
        sleep_and_wake(&mut rig, face, |event, out| {
            if let Event::UserEntered { channel, .. } = event {
                out.delete(channel).unwrap();
            }
            seen.push(event.into());
        });
        let gone = Event::Closed { channel: Channel::Entered(entered), reason: Reason::OnPurpose };
        assert_eq!(seen.len(), 3, "{seen:?}");
        assert_eq!(seen.last(), Some(&Seen::Notice(gone)));
        assert_eq!(rig.out().send(Destination::All(channel), b"x"), Err(SendError::NotOpen));
    }
}

/// A new channel of the same name, and a user of it, in the handler that hears that the old one is
/// gone.
#[test]
fn entering_again_in_the_handler_that_hears_of_the_end() {
    for face in FACES {
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 0, CHUNKS);
        let (old, _) = join(&mut rig, b"a", channel, CHUNKS);
        rig.out().delete(channel).unwrap();
        let mut asked = None;
        let mut seen: Vec<Seen> = Vec::new();
        sleep_and_wake(&mut rig, face, |event, out| {
            if let Event::Closed { channel: Channel::Entered(channel), .. } = event {
                assert_eq!(channel, old);
                asked = Some((out.create("a", CHUNKS).unwrap(), out.enter("a", CHUNKS).unwrap()));
            }
            seen.push(event.into());
        });
        let (own, entered) = asked.unwrap();
        assert_ne!(entered, old);
        rig.says(to_endpoint::success(tag(2), 1));
        sleep_and_wake(&mut rig, face, |event, _| seen.push(event.into()));
        assert!(seen.contains(&Seen::Notice(Event::Opened { channel: Channel::Own(own) })));
        assert!(seen.contains(&Seen::Notice(Event::Opened { channel: Channel::Entered(entered) })));
        assert_eq!(rig.out().send(old, b"x"), Err(SendError::NotOpen));
        assert!(rig.out().can_send(entered, 1));
    }
}

/// Events that wait (of which the handler said "again") and are about somebody who is gone
/// meanwhile are dropped, all but those that tell of an end.
#[test]
fn what_waits_when_its_channel_ends() {
    for face in FACES {
        // a chunk to the server that waits, and the server deletes; the user leaves
        for delete in [true, false] {
            let mut rig = rig();
            let channel = open(&mut rig, b"a", 0, CHUNKS);
            let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
            rig.out().send(entered, b"up").unwrap();
            rig.out().send((channel, user), b"down").unwrap();
            drive(&mut rig, face, |_, _| Flow::Again);
            let mut seen: Vec<Seen> = Vec::new();
            if delete {
                rig.out().delete(channel).unwrap();
            } else {
                rig.out().leave(entered).unwrap();
            }
            sleep_and_wake(&mut rig, face, |event, _| seen.push(event.into()));
            let gone = Event::Closed { channel: Channel::Entered(entered), reason: Reason::OnPurpose };
            let expected = if delete {
                [Seen::Chunk(from_server_of(entered), b"down".to_vec()), Seen::Notice(gone)]
            } else {
                [Seen::Chunk(from_user_of(channel, user), b"up".to_vec()), user_gone(channel, user)]
            };
            assert_eq!(seen, expected);
        }
        // the end itself waits, and is told in the end
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 0, CHUNKS);
        let (entered, _) = join(&mut rig, b"a", channel, CHUNKS);
        rig.out().delete(channel).unwrap();
        let mut told = 0;
        for _ in 0..3 {
            drive(&mut rig, face, |event, _| {
                assert!(matches!(event, Event::Closed { channel: Channel::Entered(_), .. }));
                told += 1;
                Flow::Again
            });
        }
        assert_eq!(told, 3);
        assert_eq!(rig.out().leave(entered), Err(SendError::NotOpen));
        // its place is not anybody else's meanwhile
        let channel = rig.out().create("a", CHUNKS).unwrap();
        let entering: Vec<_> = (0..4).map(|_| rig.out().enter("a", CHUNKS).unwrap()).collect();
        assert_eq!(rig.out().enter("a", CHUNKS), Err(SendError::TooManyLocalUsers));
        let mut seen: Vec<Seen> = Vec::new();
        sleep_and_wake(&mut rig, face, |event, _| seen.push(event.into()));
        // nothing wakes the link for an event whose handler waits for something of its own
        drive(&mut rig, face, |event, _| seen.push(event.into()));
        let gone = Event::Closed { channel: Channel::Entered(entered), reason: Reason::OnPurpose };
        assert_eq!(seen, [Seen::Notice(gone)]);
        rig.says(to_endpoint::success(tag(2), 0));
        assert_eq!(settle(&mut rig).len(), 1 + 2 * entering.len());
        check_places(&mut rig, b"a", channel, 4);
    }
}

/// Handles and numbers of what is gone never mean what came after.
#[test]
fn stale_handles() {
    let mut rig = rig();
    let first = open(&mut rig, b"a", 0, CHUNKS);
    let (entered, user) = join(&mut rig, b"a", first, CHUNKS);
    rig.out().delete(first).unwrap();
    settle(&mut rig);
    let second = open(&mut rig, b"a", 1, CHUNKS);
    let mut users = Vec::new();
    for _ in 0..5 {
        users.push(join(&mut rig, b"a", second, CHUNKS));
    }
    assert_eq!(second.index(), first.index());
    assert!(users.iter().any(|(_, other)| *other == user), "the number is somebody else's");
    for error in [
        rig.out().send((first, user), b"x"),
        rig.out().send(Destination::AllBut(first, user), b"x"),
        rig.out().begin_chunk((first, user), 3),
        rig.out().send(entered, b"x"),
        rig.out().leave(entered),
        rig.out().delete(first),
        rig.out().simulate(first, LAG),
    ] {
        assert_eq!(error, Err(SendError::NotOpen));
    }
    // a user of one channel is none of another
    let third = open(&mut rig, b"b", 2, CHUNKS);
    assert_eq!(rig.out().send((third, user), b"x"), Err(SendError::NotOpen));
    assert_eq!(rig.out().users(third).count(), 0);
    assert_eq!(settle(&mut rig), []);
}

/// With lag, everything in its time and order, and the end comes last.
#[test]
fn ends_take_their_time_on_a_slow_line() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    rig.out().simulate(channel, LAG).unwrap();
    let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
    let start = rig.now;
    let mut seen: Vec<(u64, Seen)> = Vec::new();
    rig.out().send(entered, b"1").unwrap();
    rig.out().leave(entered).unwrap();
    let again = rig.out().enter("a", CHUNKS).unwrap();
    assert_eq!(rig.poll(), []);
    rig.now = start + Duration::from_millis(20);
    rig.out().delete(channel).unwrap();
    loop {
        let now = rig.now;
        rig.poll_once(|event, _| seen.push((now.saturating_since(start).as_millis(), event.into()))).unwrap();
        match rig.link.next_deadline() {
            None => break,
            Some(deadline) => rig.now = rig.now.max(deadline),
        }
    }
    let _ = user;
    let gone = Event::Closed { channel: Channel::Entered(again), reason: Reason::OnPurpose };
    assert_eq!(
        seen,
        [(50, Seen::Notice(Event::Opened { channel: Channel::Entered(again) })), (70, Seen::Notice(gone))]
    );
    assert!(rig.now < Instant::from_millis(1000));
}

/// What was to be delivered again to somebody who has left holds no place.
#[test]
fn a_kept_event_of_somebody_who_is_gone_holds_no_place() {
    for face in FACES {
        let mut rig = Rig::new(Link::with_buffers(Heap::new(Sizes { own_channels: 2, ..LEAST })));
        rig.link.set_silence_limit(None);
        let channel = open(&mut rig, b"a", 1, Mode::chunks(64));
        let (entered, user) = join(&mut rig, b"a", channel, Mode::chunks(64));
        rig.out().send((channel, user), b"down").unwrap();
        rig.out().send(entered, b"up").unwrap();
        let mut kept = Vec::new();
        for _ in 0..2 {
            drive(&mut rig, face, |event, _| {
                kept.push(Seen::from(event));
                Flow::Again
            });
        }
        let down = Seen::Chunk(from_server_of(entered), b"down".to_vec());
        let up = Seen::Chunk(from_user_of(channel, user), b"up".to_vec());
        assert!(kept.contains(&down) && kept.contains(&up), "{kept:?}");
        rig.out().delete(channel).unwrap();
        rig.out().leave(entered).unwrap();
        rig.out().create("b", Mode::chunks(64)).unwrap();
        rig.out().enter("b", Mode::chunks(64)).unwrap();
    }
}
