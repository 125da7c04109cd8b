//! Parties that are gone, or whose channel is, while an event of theirs is kept.

use peote_net::Reason;
use peote_net::link::{Channel, EnteredChannel, Event, Flow, Out, Source, User};
use peote_net::protocol::{to_endpoint, to_relay};

use crate::support::{Seen, chunk, from_server, from_user};
use crate::windows::{CHUNKS, Windowed, rig};

/// Polls a few times with a handler that sends back what comes.
fn echoes(rig: &mut Windowed) -> Vec<Seen> {
    let mut seen = Vec::new();
    for _ in 0..3 {
        rig.poll_once(|event, out: &mut Out<'_>| {
            if let Event::Chunk { from, bytes } = event
                && out.send(from, bytes).is_err()
            {
                return Flow::Again;
            }
            seen.push(Seen::from(event));
            Flow::Continue
        })
        .unwrap();
    }
    seen
}

/// No more is granted by one that is gone, so what is sent to it must not wait for that.
#[test]
fn what_is_sent_to_a_user_that_is_gone_needs_no_window() {
    let mut rig = rig();
    let channel = rig.own(3, CHUNKS);
    let user = User::new(7);
    rig.hears(to_endpoint::knock(3, 7, 1, true, 100, 0).unwrap());
    rig.sent();
    let from = Source::User { channel, user };
    let chunks = [1, 2].map(|byte| Seen::Chunk(from, vec![byte; 64]));
    rig.says(from_user(3, 7, &chunk(&[1; 64])));
    rig.says(from_user(3, 7, &chunk(&[2; 64])));
    assert_eq!(echoes(&mut rig), chunks[..1]);
    assert!(rig.link.has_kept());
    rig.says(to_endpoint::user_gone(3, 7, 1));
    let gone = Event::UserGone { channel, user, reason: Reason::ConnectionLost };
    assert_eq!(echoes(&mut rig), [chunks[1].clone(), Seen::Notice(gone)]);
    assert!(!rig.link.has_kept());
    // what was sent while it was there
    let sent = [to_relay::data_from_server(3, 7, 65).as_bytes(), &chunk(&[1; 64])].concat();
    assert_eq!(rig.sent(), sent);
}

fn entered(rig: &mut Windowed) -> EnteredChannel {
    let channel = rig.out().enter("e", CHUNKS).unwrap();
    let sent = rig.sent();
    rig.hears(to_endpoint::entered(sent[2], 5, 9, 100));
    channel
}

#[test]
fn what_is_sent_in_a_channel_that_is_gone_needs_no_window() {
    let mut rig = rig();
    let channel = entered(&mut rig);
    let from = Source::Server { channel };
    let chunks = [1, 2].map(|byte| Seen::Chunk(from, vec![byte; 64]));
    rig.says(from_server(5, &chunk(&[1; 64])));
    rig.says(from_server(5, &chunk(&[2; 64])));
    assert_eq!(echoes(&mut rig), chunks[..1]);
    rig.says(to_endpoint::channel_gone(5, 1));
    let closed = Event::Closed { channel: Channel::Entered(channel), reason: Reason::ConnectionLost };
    assert_eq!(echoes(&mut rig), [chunks[1].clone(), Seen::Notice(closed)]);
    assert!(!rig.link.has_kept());
}

/// The same for chunks in parts, and for what is asked about windows.
#[test]
fn who_is_gone_has_no_window() {
    let mut rig = rig();
    let channel = entered(&mut rig);
    rig.out().send(channel, &[1; 64]).unwrap();
    rig.says(from_server(5, &chunk(b"a")));
    rig.poll_once(|_, _| Flow::Again).unwrap();
    rig.out().send(channel, &[1; 34]).unwrap();
    assert_eq!(rig.out().window(channel), Some(0));
    rig.says(to_endpoint::channel_gone(5, 1));
    rig.poll_once(|_, _| Flow::Again).unwrap();
    assert_eq!(rig.out().window(channel), None);
    assert!(rig.out().can_send(channel, 64));
    rig.out().begin_chunk(channel, 64).unwrap();
    assert_eq!(rig.out().write_chunk(&[1; 64]), Ok(64));
}
