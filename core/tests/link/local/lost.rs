//! The connection to the relay is lost while there are local users.

use embedded_io::ErrorKind;
use peote_net::Reason;
use peote_net::link::{Channel, Error, Event, Flow, SendError, SimulatedLine};
use peote_net::protocol::to_endpoint;
use peote_net::time::Duration;

use super::support::*;
use crate::support::{Script, Seen, tag, without_loss};

/// Users in every stage, with something under way for each.
fn everything() -> (LocalRig, Vec<Seen>) {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    rig.out().simulate(channel, SimulatedLine::new().round_trip(Duration::from_millis(100))).unwrap();
    let (served, user) = join(&mut rig, b"a", channel, CHUNKS);
    let (left, _) = join(&mut rig, b"a", channel, CHUNKS);
    rig.out().leave(left).unwrap();
    let entering = rig.out().enter("a", CHUNKS).unwrap();
    let creating = rig.out().create("b", CHUNKS).unwrap();
    let waiting = rig.out().enter("b", CHUNKS).unwrap();
    rig.out().send(served, b"up").unwrap();
    rig.out().send((channel, user), b"down").unwrap();
    let deleted = open_with_a_user(&mut rig);
    let reason = Reason::LinkLost;
    let told = [
        Event::Closed { channel: Channel::Own(channel), reason: Reason::LinkLost },
        Event::Refused { channel: Channel::Own(creating), reason, words: &[] },
        Event::Closed { channel: Channel::Entered(served), reason },
        Event::Refused { channel: Channel::Entered(entering), reason, words: &[] },
        Event::Refused { channel: Channel::Entered(waiting), reason, words: &[] },
        Event::Closed { channel: Channel::Entered(deleted), reason },
    ];
    (rig, told.map(Seen::Notice).to_vec())
}

/// A channel that has been deleted, and its user, who does not know it yet. The rest of the link
/// stands still.
fn open_with_a_user(rig: &mut LocalRig) -> peote_net::link::EnteredChannel {
    let channel = rig.out().create("c", CHUNKS).unwrap();
    rig.says(to_endpoint::success(tag(3), 2));
    let mut seen = rig.poll();
    let entered = rig.out().enter("c", CHUNKS).unwrap();
    for _ in 0..3 {
        seen.extend(rig.poll());
    }
    assert!(seen.contains(&Seen::Notice(Event::Opened { channel: Channel::Own(channel) })));
    assert!(seen.contains(&Seen::Notice(Event::Opened { channel: Channel::Entered(entered) })));
    assert_eq!(seen.len(), 3, "{seen:?}");
    rig.out().simulate(channel, SimulatedLine::new().round_trip(Duration::from_millis(100))).unwrap();
    rig.out().delete(channel).unwrap();
    entered
}

fn sorted(mut seen: Vec<Seen>) -> Vec<String> {
    let mut names: Vec<String> = seen.drain(..).map(|seen| format!("{seen:?}")).collect();
    names.sort_unstable();
    names
}

#[test]
fn everybody_is_told_once_and_nothing_comes_afterwards() {
    for face in FACES {
        let (mut rig, told) = everything();
        assert!(rig.link.is_connected());
        rig.script.closed = true;
        let mut seen: Vec<Seen> = Vec::new();
        if face == Face::Poll {
            let error = rig.poll_once(|event, _| seen.push(event.into()));
            assert_eq!(error, Err(Error::Closed));
        } else {
            assert_eq!(rig.link.next_event(&mut rig.script, rig.now).err(), Some(Error::Closed));
            while let Some((event, _)) = rig.link.next_event(&mut rig.script, rig.now).unwrap() {
                seen.push(event.into());
            }
        }
        assert!(!rig.link.is_connected());
        assert!(matches!(seen[0], Seen::Notice(Event::LinkLost { .. })));
        without_loss(&mut seen);
        assert_eq!(sorted(seen), sorted(told));
        // what was under way is gone; nobody is woken for it
        assert_eq!((rig.link.next_deadline(), rig.link.wants_write()), (None, false));
        rig.script = Script::default();
        rig.now = rig.now + Duration::from_secs(10);
        assert_eq!(settle(&mut rig), []);
        // all places are free again
        let channel = open(&mut rig, b"a", 9, CHUNKS);
        for _ in 0..5 {
            join(&mut rig, b"a", channel, CHUNKS);
        }
        assert_eq!(rig.out().enter("a", CHUNKS), Err(SendError::TooManyLocalUsers));
    }
}

/// Events that wait for being delivered again: those of a channel's end come, those that mean
/// nothing any more do not.
#[test]
fn events_that_wait_when_the_connection_is_lost() {
    for face in FACES {
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 0, CHUNKS);
        let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
        let other = open(&mut rig, b"b", 1, CHUNKS);
        let (over, _) = join(&mut rig, b"b", other, CHUNKS);
        let refused = rig.out().create("c", CHUNKS).unwrap();
        let not_entered = rig.out().enter("c", CHUNKS).unwrap();
        rig.out().send(entered, b"up").unwrap();
        rig.out().send((channel, user), b"down").unwrap();
        rig.out().delete(other).unwrap();
        rig.says(to_endpoint::refused(tag(3), 2));
        let mut kept = 0;
        for _ in 0..3 {
            drive(&mut rig, face, |event, _| {
                if let Event::Refused { channel: Channel::Own(channel), .. } = event {
                    assert_eq!(channel, refused);
                    return Flow::Continue;
                }
                kept += 1;
                Flow::Again
            });
        }
        assert!(kept >= 4, "two chunks and two ends, some of them several times");
        rig.script.closed = true;
        let mut seen: Vec<Seen> = Vec::new();
        let mut lost = false;
        for _ in 0..3 {
            let error = rig.poll_once(|event, _| {
                seen.push(event.into());
                Flow::Continue
            });
            lost |= error == Err(Error::Closed);
            if lost {
                break;
            }
        }
        assert!(lost);
        without_loss(&mut seen);
        let reason = Reason::OnPurpose;
        let ends = [
            Event::Closed { channel: Channel::Entered(over), reason },
            Event::Refused { channel: Channel::Entered(not_entered), reason: Reason::NameInUse, words: &[] },
        ];
        for end in ends.map(Seen::Notice) {
            assert_eq!(seen.iter().filter(|event| **event == end).count(), 1, "{seen:?}");
        }
    }
}

/// The ends wait on, over the loss: they are told in the end, once, and their places are free then.
#[test]
fn an_end_that_waits_longer_than_the_connection_lives() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    let (entered, _) = join(&mut rig, b"a", channel, CHUNKS);
    rig.out().delete(channel).unwrap();
    let gone = Event::Closed { channel: Channel::Entered(entered), reason: Reason::OnPurpose };
    let mut kept = 0;
    let mut keep = |event: Event<'_>| {
        if event == gone {
            kept += 1;
            return Flow::Again;
        }
        assert!(matches!(event, Event::LinkLost { .. }));
        Flow::Continue
    };
    rig.poll_once(|event, _| keep(event)).unwrap();
    rig.script.closed = true;
    assert_eq!(rig.poll_once(|event, _| keep(event)), Err(Error::Closed));
    rig.script = Script::default();
    rig.poll_once(|event, _| keep(event)).unwrap();
    assert!(kept >= 3, "kept {kept} times");
    assert_eq!(rig.poll(), [Seen::Notice(gone)]);
    assert_eq!(settle(&mut rig), []);
    let channel = open(&mut rig, b"a", 9, CHUNKS);
    for _ in 0..5 {
        join(&mut rig, b"a", channel, CHUNKS);
    }
}

/// Created and entered again while the loss is told.
#[test]
fn entering_again_on_the_next_connection() {
    let (mut rig, _) = everything();
    rig.script.closed = true;
    let mut again = None;
    let error = rig.poll_once(|event, out| {
        if let Event::LinkLost { .. } = event {
            // two of four places are taken until the channels in them have been told
            again = Some((out.create("a", CHUNKS).unwrap(), out.enter("a", CHUNKS).unwrap()));
        }
    });
    assert_eq!(error, Err(Error::Closed));
    let (own, entered) = again.unwrap();
    rig.script = Script::default();
    assert_eq!(settle(&mut rig), []);
    let tag = rig.script.outgoing[2];
    rig.says(to_endpoint::success(tag, 0));
    let seen = settle(&mut rig);
    assert_eq!(seen[0], Seen::Notice(Event::Opened { channel: Channel::Own(own) }));
    assert!(seen.contains(&Seen::Notice(Event::Opened { channel: Channel::Entered(entered) })));
    assert_eq!(seen.len(), 3);
}

/// A write fails while an event of the relay waits: this poll must not touch the transport again,
/// nor lose it a second time.
#[test]
fn a_dead_transport_is_not_touched_again() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 3, CHUNKS);
    rig.user(channel, 3, 1);
    rig.script.outgoing.clear();
    rig.says([5, 0x83, 1, 1, b'a', b'b']);
    rig.script.fail_write = Some(rig.script.writes + 1);
    let mut seen: Vec<Seen> = Vec::new();
    let before = (rig.script.reads, rig.script.writes);
    let error = rig.poll_once(|event, out| {
        if let Event::Chunk { from, bytes } = event {
            out.send(from, bytes).unwrap();
            return Flow::Again;
        }
        if let Event::Closed { channel: Channel::Own(_), .. } = event {
            out.create("again", CHUNKS).unwrap();
        }
        seen.push(event.into());
        Flow::Continue
    });
    assert_eq!(error, Err(Error::Transport(ErrorKind::BrokenPipe)));
    assert_eq!(without_loss(&mut seen), 6);
    assert_eq!(
        seen,
        [Seen::Notice(Event::Closed { channel: Channel::Own(channel), reason: Reason::LinkLost })]
    );
    assert_eq!((rig.script.reads, rig.script.writes), (before.0 + 1, before.1 + 1));
    assert_eq!(rig.script.outgoing, [], "what was queued is for the next connection");
    assert!(rig.link.wants_write());
}

/// A channel was answered for after it had been given up, and the connection is lost before the
/// relay hears of that. Its name is free on the next connection.
#[test]
fn the_name_of_a_channel_that_was_given_up_is_free_on_the_next_connection() {
    let mut rig = rig();
    open(&mut rig, b"a", 0, CHUNKS);
    let given_up = rig.out().create("b", CHUNKS).unwrap();
    settle(&mut rig);
    rig.out().delete(given_up).unwrap();
    rig.says(to_endpoint::success(tag(2), 1));
    rig.script.fail_write_ready = true;
    assert!(rig.poll_once(|_, _| ()).is_err());
    rig.script = Script::default();
    settle(&mut rig);
    open(&mut rig, b"b", 0, CHUNKS);
}
