//! A limit of events for each poll, which local users and the relay share.

use core::num::NonZeroU16;

use peote_net::Reason;
use peote_net::link::{Channel, Event, SendError};
use peote_net::protocol::to_endpoint;

use super::support::*;
use crate::support::{Seen, chunk, from_user};

/// A local user and its server send something to and fro without end. The relay is heard, and
/// written to, all the same.
#[test]
fn local_users_who_never_stop_do_not_keep_the_relay_out() {
    for limit in 1..4 {
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 3, CHUNKS);
        let (entered, _) = join(&mut rig, b"a", channel, CHUNKS);
        rig.link.set_event_limit(NonZeroU16::new(limit));
        for _ in 0..5 {
            rig.out().send(entered, b"ball").unwrap();
        }
        rig.says(to_endpoint::user_entered(3, 9));
        rig.says(from_user(3, 9, &chunk(b"x")));
        rig.script.outgoing.clear();
        let mut balls = 0;
        for _ in 0..40 {
            rig.poll_once(|event, out| match event {
                Event::Chunk { from, bytes } => {
                    balls += usize::from(bytes == b"ball");
                    out.send(from, bytes)
                }
                _ => Ok(()),
            })
            .unwrap();
        }
        assert_eq!(rig.script.outgoing, from_user(3, 9, &chunk(b"x")), "limit {limit}");
        assert!(balls >= 15, "the users take turns with the relay: {balls}");
    }
}

/// An event of the relay waits for room in a line. The poll that makes the room ends at the limit,
/// so the event comes with the next one. The loop must not sleep before that.
#[test]
fn a_kept_event_that_a_poll_did_not_come_to_is_not_slept_through() {
    for limit in 1..4 {
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 3, CHUNKS);
        let (_, user) = join(&mut rig, b"a", channel, CHUNKS);
        rig.link.set_event_limit(NonZeroU16::new(limit));
        rig.says(to_endpoint::user_entered(3, 9));
        for byte in 0..20 {
            rig.says(from_user(3, 9, &chunk(&[byte; 100])));
        }
        let mut forwarded = Vec::new();
        sleep_and_wake(&mut rig, Face::Poll, |event, out| match event {
            Event::Chunk { bytes, .. } if bytes.len() == 100 => {
                // twice as much as came: two of them fill the line
                out.send_parts((channel, user), &[bytes, bytes])
            }
            Event::Chunk { bytes, .. } => {
                forwarded.push(bytes[0]);
                Ok(())
            }
            _ => Ok(()),
        });
        assert_eq!(forwarded, (0..20).collect::<Vec<u8>>(), "limit {limit}");
    }
}

/// The same with an event that waits for room in the transmit ring.
#[test]
fn a_kept_event_that_waits_for_writing_is_not_slept_through() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 3, CHUNKS);
    let (entered, _) = join(&mut rig, b"a", channel, CHUNKS);
    rig.says(to_endpoint::user_entered(3, 9));
    settle(&mut rig);
    rig.link.set_event_limit(NonZeroU16::new(1));
    rig.says(from_user(3, 9, &chunk(&[1; 100])));
    rig.script.room = 0;
    let mut echoed = false;
    let mut handler = |event: Event<'_>, out: &mut peote_net::link::Out<'_>| match event {
        Event::Chunk { from, bytes } if bytes.len() == 100 => {
            if out.free() < 2048 {
                return Err(SendError::WouldBlock);
            }
            echoed = true;
            out.send(from, bytes)
        }
        _ => Ok(()),
    };
    rig.out().send((channel, peote_net::link::User::new(9)), b"in the way").unwrap();
    rig.poll_once(&mut handler).unwrap();
    rig.out().send(entered, b"up").unwrap();
    rig.script.room = usize::MAX;
    sleep_and_wake(&mut rig, Face::Poll, &mut handler);
    assert!(echoed);
}

/// The link has to give a channel back, and the event that says so is the last one of a poll.
#[test]
fn what_the_relay_is_owed_does_not_wait_for_the_next_event() {
    for face in FACES {
        let mut rig = rig();
        open(&mut rig, b"a", 3, CHUNKS);
        let double = rig.out().create("a", CHUNKS).unwrap();
        assert_eq!(settle(&mut rig), []);
        let [.., tag, 1, b'a'] = rig.script.outgoing[..] else { panic!("{:?}", rig.script) };
        rig.script.outgoing.clear();
        rig.link.set_event_limit(NonZeroU16::new(1));
        rig.says(to_endpoint::success(tag, 4));
        let refused = Event::Refused { channel: Channel::Own(double), reason: Reason::NameInUse, words: &[] };
        if face == Face::NextEvent {
            // a caller that stops in the middle
            let (event, _) = rig.link.next_event(&mut rig.script, rig.now).unwrap().unwrap();
            assert_eq!(Seen::from(event), Seen::Notice(refused));
            assert!(rig.link.wants_write());
        } else {
            let mut seen = Vec::new();
            rig.poll_once(|event, _| seen.push(Seen::from(event))).unwrap();
            assert_eq!(seen, [Seen::Notice(refused)]);
        }
        assert_eq!(settle(&mut rig), []);
        assert_eq!(rig.script.outgoing, [0, 3, 0, 1, 4]);
    }
}
