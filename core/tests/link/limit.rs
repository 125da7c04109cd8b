//! A limit of events for each poll: what is left over is neither lost nor left lying.

use core::num::NonZeroU16;

use peote_net::link::{Event, Mode, SendError};

use crate::support::{Rig, Seen, chunk, from_user};

/// A link with an own channel and a user who has said `said`, each byte in a chunk.
fn rig(said: &[u8]) -> Rig {
    let mut rig = Rig::default();
    let channel = rig.own(0, Mode::chunks(16));
    rig.user(channel, 0, 7);
    for &byte in said {
        rig.says(from_user(0, 7, &chunk(&[byte])));
    }
    rig.link.set_event_limit(NonZeroU16::new(1));
    rig
}

/// An answer does not wait until everything has been handed over.
#[test]
fn what_a_handler_sends_is_written_by_the_same_poll() {
    let mut rig = rig(b"abc");
    rig.script.outgoing.clear();
    let mut expected = Vec::new();
    for byte in *b"abc" {
        rig.poll_once(|event, out| match event {
            Event::Chunk { from, bytes } => out.send(from, bytes),
            _ => Ok(()),
        })
        .unwrap();
        expected.extend(from_user(0, 7, &chunk(&[byte])));
        assert_eq!(rig.script.outgoing, expected);
        assert!(!rig.link.wants_write());
    }
    assert!(!rig.link.has_more());
}

/// The last event of a poll is kept like any other.
#[test]
fn the_last_event_of_a_poll_can_be_kept() {
    let mut rig = rig(b"ab");
    let mut seen = Vec::new();
    for turn in 0..4 {
        rig.poll_once(|event, out| {
            if let Event::Chunk { bytes, .. } = event {
                seen.push(bytes[0]);
            }
            if turn == 0 {
                out.again();
            }
        })
        .unwrap();
    }
    assert_eq!(seen, b"aab");
}

/// A kept event does not count. Otherwise the loop would never sleep while more events are kept
/// than one poll hands over.
#[test]
fn an_event_that_is_kept_lets_the_loop_sleep() {
    let mut rig = rig(b"ab");
    rig.poll_once(|_, _| Err::<(), _>(SendError::WouldBlock)).unwrap();
    assert!(!rig.link.has_more());
    assert!(rig.link.next_deadline().is_none_or(|deadline| deadline > rig.now));
    let seen: Vec<Seen> = [rig.poll(), rig.poll()].concat();
    assert_eq!(seen.len(), 2);
}
