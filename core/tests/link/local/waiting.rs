//! Events that wait for room in lines and in the transmit ring: nobody is forgotten, nobody is
//! woken in vain, nothing else stands still.
//!
//! All of these run in a loop that sleeps whenever the link lets it; one that is not woken would
//! end early, one that is woken in vain panics.

use peote_net::link::{Destination, EnteredChannel, Event, Flow, Mode, OwnChannel, SendError, User};
use peote_net::protocol::to_endpoint;

use super::support::*;
use crate::support::{Seen, chunk, from_user};

struct Chat {
    rig: LocalRig,
    channel: OwnChannel,
    users: Vec<(EnteredChannel, User)>,
}

impl Chat {
    fn new(users: usize) -> Self {
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 3, CHUNKS);
        let users = (0..users).map(|_| join(&mut rig, b"a", channel, CHUNKS)).collect();
        Self { rig, channel, users }
    }
}

/// A user sends more than the lines hold, the server echoes it, and the user waits for its own
/// turn.
#[test]
fn an_echo_through_full_lines() {
    for face in FACES {
        let Chat { mut rig, channel, users } = Chat::new(1);
        let (entered, user) = users[0];
        let mut echoed = Vec::new();
        let mut next = 0u8;
        while echoed.len() < 100 {
            while next < 100 && rig.out().send(entered, &[next; 100]).is_ok() {
                next += 1;
            }
            let mut progressed = false;
            sleep_and_wake(&mut rig, face, |event, out| {
                let Event::Chunk { from, bytes } = event else { panic!("{event:?}") };
                progressed = true;
                if from == from_user_of(channel, user) {
                    // twice as much as came
                    if !out.can_send(from, 2 * bytes.len()) {
                        return Err(SendError::WouldBlock);
                    }
                    return out.send_parts(from, &[bytes, bytes]);
                }
                echoed.push(bytes[0]);
                assert_eq!(bytes.len(), 200);
                Ok(())
            });
            assert!(progressed, "nothing came of {} sent and {} echoed", next, echoed.len());
        }
        assert_eq!(echoed, (0..100).collect::<Vec<u8>>());
        nothing_on_the_wire(&mut rig);
    }
}

/// From the relay's users to a local one, through a line that holds one of them.
#[test]
fn an_event_of_the_relay_that_waits_for_a_line() {
    for face in FACES {
        let Chat { mut rig, channel, users } = Chat::new(1);
        let (entered, user) = users[0];
        rig.user(channel, 3, 5);
        for i in 0..50 {
            rig.says(from_user(3, 5, &chunk(&[i; 99])));
        }
        let mut got = Vec::new();
        sleep_and_wake(&mut rig, face, |event, out| {
            let Event::Chunk { from, bytes } = event else { panic!("{event:?}") };
            if from == from_server_of(entered) {
                got.push(bytes[0]);
                assert_eq!(bytes.len(), 396);
                Ok(())
            } else {
                out.send_parts((channel, user), &[bytes, bytes, bytes, bytes])
            }
        });
        assert_eq!(got, (0..50).collect::<Vec<u8>>());
        assert!(rig.link.wants_read() && rig.script.incoming.is_empty());
    }
}

/// From a local user to the relay, whose transport takes a little at a time, or nothing for a
/// while.
#[test]
fn an_event_of_a_line_that_waits_for_the_ring() {
    for face in FACES {
        for room in [7, 1000] {
            let Chat { mut rig, channel, users } = Chat::new(2);
            let (entered, _) = users[0];
            let remote = rig.user(channel, 3, 5);
            rig.script.room = 0;
            let mut sent = 0u8;
            let mut forwarded = 0;
            let mut others = 0;
            for turn in 0.. {
                while sent < 60 && rig.out().send(entered, &[sent; 150]).is_ok() {
                    sent += 1;
                }
                if turn % 3 == 0 && others < 20 {
                    // the other user's line is not blocked by the one that waits
                    rig.out().send(users[1].0, b"other").unwrap();
                }
                let before = others;
                sleep_and_wake(&mut rig, face, |event, out| {
                    let Event::Chunk { from, bytes } = event else { panic!("{event:?}") };
                    if bytes == b"other" {
                        others += 1;
                        return Ok(());
                    }
                    assert_eq!(from, from_user_of(channel, users[0].1));
                    out.send((channel, remote), bytes).inspect(|()| forwarded += 1)
                });
                assert_eq!(others - before, usize::from(turn % 3 == 0 && before < 20));
                if forwarded == 60 {
                    break;
                }
                assert!(turn < 10_000, "only {forwarded} of {sent} came through");
                assert!(rig.script.room == 0 || !rig.link.wants_write(), "sleeps though there is room");
                rig.script.room = room;
            }
            rig.script.room = usize::MAX;
            settle(&mut rig);
            let expected: Vec<u8> = (0..60u8)
                .flat_map(|i| [&[0x80, 154, 0x83, 5, 128 + 21, 1][..], &[i; 150]].concat())
                .collect();
            assert_eq!(rig.script.outgoing, expected);
        }
    }
}

/// The line it waits for is emptied by somebody whose events nobody hears: a server that has found
/// its user malicious.
#[test]
fn a_line_that_is_emptied_without_events() {
    for face in FACES {
        for broken in [true, false] {
            let mut rig = rig();
            let own = open(&mut rig, b"a", 0, CHUNKS);
            // with Mode::Data at the user's side, half a chunk, or one that never ends, can be sent
            let sink = open(&mut rig, b"b", 1, Mode::chunks(1000));
            let users = [0, 1, 2].map(|at| match at {
                1 => join(&mut rig, b"b", sink, Mode::Data),
                _ => join(&mut rig, b"a", own, CHUNKS),
            });
            let (into, _) = users[1];
            if broken {
                rig.out().send(into, &[255, 255]).unwrap();
                assert!(matches!(settle(&mut rig)[..], [Seen::Notice(Event::Malicious { .. })]));
            } else {
                // a chunk of 1000 bytes
                rig.out().send(into, &[0x80 | 103, 7]).unwrap();
                assert_eq!(settle(&mut rig), []);
            }
            // two for the one who forwards, two for somebody else
            for (_, user) in [users[0], users[2]] {
                rig.out().send((own, user), b"1").unwrap();
                rig.out().send((own, user), b"2").unwrap();
            }
            let mut forwarded = 0;
            let mut heard = 0;
            sleep_and_wake(&mut rig, face, |event, out| {
                let Event::Chunk { from, .. } = event else { panic!("{event:?}") };
                if from == from_server_of(users[0].0) {
                    out.send(into, &[7; 400])?;
                    forwarded += 1;
                } else {
                    heard += 1;
                }
                Ok::<(), SendError>(())
            });
            assert_eq!((forwarded, heard), (2, 2), "{face:?}, broken: {broken}");
        }
    }
}

/// A handler writes a long chunk in parts: it is asked again whenever there is room, until the
/// chunk is whole.
#[test]
fn a_handler_that_writes_in_parts() {
    for face in FACES {
        let mut rig = rig();
        let from = open(&mut rig, b"a", 0, CHUNKS);
        let to = open(&mut rig, b"b", 1, CHUNKS);
        let (asker, _) = join(&mut rig, b"a", from, CHUNKS);
        let (receiver, receiving) = join(&mut rig, b"b", to, CHUNKS);
        let long: Vec<u8> = (0..1000).map(|at| u8::try_from(at % 250).unwrap()).collect();
        rig.out().send(asker, b"please").unwrap();
        let mut got = Vec::new();
        sleep_and_wake(&mut rig, face, |event, out| {
            let Event::Chunk { from, bytes } = event else { panic!("{event:?}") };
            if from == from_server_of(receiver) {
                got = bytes.to_vec();
                return Ok::<(), SendError>(());
            }
            if out.unfinished() == 0 {
                out.begin_chunk((to, receiving), long.len())?;
            }
            while out.unfinished() > 0 {
                let at = long.len() - out.unfinished();
                out.write_chunk(&long[at..])?;
            }
            Ok(())
        });
        assert!(got == long, "{face:?}: {} bytes", got.len());
    }
}

/// Lines whose events wait for something of the program's own: the others go on, and nobody is
/// woken.
#[test]
fn events_that_wait_for_something_else() {
    for face in FACES {
        let Chat { mut rig, channel, users } = Chat::new(3);
        for (entered, user) in &users {
            for bytes in [b"1", b"2"] {
                rig.out().send(*entered, bytes).unwrap();
                rig.out().send((channel, *user), bytes).unwrap();
            }
        }
        let mut seen: Vec<Seen> = Vec::new();
        let stubborn = [from_user_of(channel, users[0].1), from_server_of(users[1].0)];
        let mut asked = 0;
        sleep_and_wake(&mut rig, face, |event, _| {
            let Event::Chunk { from, .. } = event else { panic!("{event:?}") };
            if stubborn.contains(&from) {
                asked += 1;
                return Flow::Again;
            }
            seen.push(event.into());
            Flow::Continue
        });
        assert_eq!(seen.len(), 8);
        assert!(asked < 20, "asked {asked} times");
        assert_eq!((rig.link.next_deadline(), rig.link.wants_write()), (None, false));
        assert!(rig.link.wants_read(), "the relay is heard");
        // as it was, each time it is asked; then everything in order
        drive(&mut rig, face, |event, _| {
            let Event::Chunk { from, bytes } = event else { panic!("{event:?}") };
            assert!(stubborn.contains(&from) && bytes == b"1");
            Flow::Again
        });
        let mut rest: Vec<Seen> = Vec::new();
        drive(&mut rig, face, |event, _| rest.push(event.into()));
        sleep_and_wake(&mut rig, face, |event, _| rest.push(event.into()));
        for from in stubborn {
            let of: Vec<&Seen> =
                rest.iter().filter(|seen| matches!(seen, Seen::Chunk(by, _) if *by == from)).collect();
            assert_eq!(of, [&Seen::Chunk(from, b"1".to_vec()), &Seen::Chunk(from, b"2".to_vec())]);
        }
    }
}

/// An event of the relay that waits does not keep local users from talking, nor from being woken.
#[test]
fn local_users_while_an_event_of_the_relay_waits() {
    for face in FACES {
        let Chat { mut rig, channel, users } = Chat::new(1);
        let (entered, user) = users[0];
        rig.user(channel, 3, 5);
        rig.says(from_user(3, 5, b"\0w"));
        let waits = |event: &Event<'_>| matches!(event, Event::Chunk { bytes: b"w", .. });
        sleep_and_wake(&mut rig, face, |event, _| {
            assert!(waits(&event));
            Flow::Again
        });
        assert!(rig.link.has_kept());
        for _ in 0..30 {
            rig.out().send(entered, b"up").unwrap();
            rig.out().send((channel, user), b"down").unwrap();
            let mut heard = 0;
            sleep_and_wake(&mut rig, face, |event, _| {
                if waits(&event) {
                    return Flow::Again;
                }
                heard += 1;
                Flow::Continue
            });
            assert_eq!(heard, 2);
        }
        assert_eq!(rig.poll(), [Seen::Chunk(from_user_of(channel, User::new(5)), b"w".to_vec())]);
    }
}

/// Everything waits for everything: two local users and two of the relay, each of whose messages
/// goes to all others, through lines and a ring that are full.
#[test]
fn everybody_to_everybody() {
    for face in FACES {
        for room in [11, 400] {
            let Chat { mut rig, channel, users } = Chat::new(2);
            rig.user(channel, 3, 5);
            rig.user(channel, 3, 6);
            let mut got = vec![Vec::new(); 2];
            let mut next = 0u8;
            rig.script.room = 0;
            for turn in 0.. {
                if next < 40 && rig.out().send(users[0].0, &[next; 90]).is_ok() {
                    rig.says(from_user(3, 5, &chunk(&[100 + next; 90])));
                    rig.says(from_user(3, 6, &chunk(&[200 + next % 40; 90])));
                    next += 1;
                }
                sleep_and_wake(&mut rig, face, |event, out| {
                    let Event::Chunk { from, bytes } = event else { panic!("{event:?}") };
                    match from {
                        peote_net::link::Source::User { channel, user } => {
                            out.send(Destination::AllBut(channel, user), bytes)
                        }
                        server => {
                            let at = users.iter().position(|(entered, _)| from_server_of(*entered) == server);
                            got[at.unwrap()].push(bytes[0]);
                            Ok(())
                        }
                    }
                });
                if got[0].len() == 80 && got[1].len() == 120 {
                    break;
                }
                assert!(turn < 20_000, "{} and {} came", got[0].len(), got[1].len());
                rig.script.room = room;
            }
            for (who, got) in got.iter().enumerate() {
                for (from, base) in [(1, 0), (0, 100), (0, 200)] {
                    if who >= from {
                        let of: Vec<u8> =
                            got.iter().copied().filter(|&byte| (base..base + 40).contains(&byte)).collect();
                        assert_eq!(of, (base..base + 40).collect::<Vec<u8>>(), "user {who}");
                    }
                }
            }
            let _ = channel;
        }
    }
}

/// A handler's error ends the poll: the event is dealt with, the link says that it wants to be
/// polled, and the rest comes.
#[test]
fn a_handler_that_fails() {
    let Chat { mut rig, channel, users } = Chat::new(1);
    for bytes in [b"1", b"2", b"3"] {
        rig.out().send(users[0].0, bytes).unwrap();
    }
    let mut seen: Vec<Seen> = Vec::new();
    for _ in 0..2 {
        let error = rig.poll_once(|event, _| {
            seen.push(event.into());
            Err::<(), _>(SendError::NoChunkBegun)
        });
        assert_eq!(error, Err(peote_net::link::Error::Handler(SendError::NoChunkBegun)));
        assert!(rig.link.next_deadline().is_some_and(|deadline| deadline <= rig.now));
    }
    seen.extend(settle(&mut rig));
    let from = from_user_of(channel, users[0].1);
    assert_eq!(seen, [b"1", b"2", b"3"].map(|bytes| Seen::Chunk(from, bytes.to_vec())));
}

/// Room that comes of the user's leaving wakes who waits for it.
#[test]
fn a_user_that_leaves_is_waited_for_no_longer() {
    for face in FACES {
        let Chat { mut rig, channel, users } = Chat::new(2);
        rig.user(channel, 3, 5);
        let slow = peote_net::link::SimulatedLine::new().bytes_per_second(1);
        rig.out().simulate(channel, slow).unwrap();
        rig.out().send((channel, users[0].1), &[1; 400]).unwrap();
        rig.says(from_user(3, 5, &chunk(&[2; 120])));
        drive(&mut rig, face, |event, out| match event {
            Event::Chunk { bytes, .. } => out.send(Destination::All(channel), bytes),
            _ => Ok(()),
        });
        assert!(rig.link.has_kept(), "the broadcast waits for the first user's line");
        let before = rig.now;
        rig.out().leave(users[0].0).unwrap();
        let mut at = None;
        sleep_and_wake(&mut rig, face, |event, out| match event {
            Event::Chunk { from, bytes } if from == from_user_of(channel, User::new(5)) => {
                out.send(Destination::All(channel), bytes)
            }
            Event::Chunk { from, .. } => {
                assert_eq!(from, from_server_of(users[1].0));
                at = Some(());
                Ok(())
            }
            _ => Ok(()),
        });
        assert_eq!(at, Some(()));
        assert!(
            rig.now.saturating_since(before).as_millis() < 200_000,
            "not after the 400 bytes' 400 seconds"
        );
    }
}

/// Both faces tell the same, in the same order, with the same polls.
#[test]
fn next_event_is_poll() {
    let [polled, drawn] = FACES.map(|face| {
        let Chat { mut rig, channel, users } = Chat::new(3);
        rig.user(channel, 3, 5);
        rig.script.room = 40;
        let mut seen: Vec<Seen> = Vec::new();
        let mut events = 0;
        for turn in 0..60u8 {
            let (entered, user) = users[usize::from(turn % 3)];
            let _ = rig.out().send(entered, &[turn; 70]);
            let _ = rig.out().send((channel, user), &[turn; 40]);
            if turn % 7 == 0 {
                let _ = rig.out().send(Destination::All(channel), b"all");
            }
            rig.says(from_user(3, 5, &chunk(&[turn; 10])));
            drive(&mut rig, face, |event, out| {
                events += 1;
                if events % 5 == 0 {
                    return Flow::Again;
                }
                if let Event::Chunk { from: from @ peote_net::link::Source::User { .. }, bytes } = event
                    && out.send(from, bytes).is_err()
                {
                    return Flow::Again;
                }
                seen.push(event.into());
                Flow::Continue
            });
            seen.push(Seen::Data(
                from_server_of(entered),
                format!("{:?}", rig.link.next_deadline()).into_bytes(),
            ));
            rig.script.room += 20;
        }
        (seen, events, rig.script.outgoing)
    });
    assert_eq!(polled, drawn);
    assert!(polled.0.len() > 150);
}

/// A user that comes and goes while an event is dealt with leaves nothing behind that keeps the
/// loop awake.
#[test]
fn somebody_who_comes_and_goes_in_a_handler() {
    for face in FACES {
        let mut rig = rig();
        let channel = open(&mut rig, b"chat", 3, CHUNKS);
        rig.says(to_endpoint::user_entered(3, 1));
        let mut heard = 0;
        sleep_and_wake(&mut rig, face, |event, out| {
            assert!(matches!(event, Event::UserEntered { .. }), "{event:?}");
            heard += 1;
            let entered = out.enter("chat", CHUNKS).unwrap();
            out.delete(channel).unwrap();
            out.leave(entered).unwrap();
        });
        assert_eq!((heard, rig.link.next_deadline()), (1, None));
    }
}
