//! A lost connection: every channel is told once, and the link goes on with another transport.

use embedded_io::ErrorKind;
use peote_net::Reason;
use peote_net::link::{
    Buffers, Channel, Destination, Error, Event, Flow, Link, LinkBuffers, Mode, OwnChannel, SendError, Source,
};
use peote_net::protocol::to_endpoint::{self, Capabilities};

use crate::support::{Rig, Script, Seen, from_server, from_user, without_loss};

const MODE: Mode = Mode::chunks(256);

/// Something of everything: channels that are open, being opened, given up, and left.
struct Everything {
    rig: Rig,
    told: Vec<Seen>,
}

impl Everything {
    fn new() -> Self {
        let mut rig = Rig::default();
        let open = rig.own(1, MODE);
        rig.user(open, 1, 9);
        let entered = rig.entered(5, MODE);
        let deleted = rig.own(2, MODE);
        rig.out().delete(deleted).unwrap();
        let left = rig.entered(6, MODE);
        rig.out().leave(left).unwrap();
        let creating = rig.out().create("creating", MODE).unwrap();
        let entering = rig.out().enter("entering", MODE).unwrap();
        let given_up = rig.out().create("given up", MODE).unwrap();
        rig.out().delete(given_up).unwrap();
        let not_wanted = rig.out().enter("not wanted", MODE).unwrap();
        rig.out().leave(not_wanted).unwrap();
        let reason = Reason::LinkLost;
        let told = [
            Event::Closed { channel: Channel::Own(open), reason: Reason::LinkLost },
            Event::Refused { channel: Channel::Own(creating), reason, words: &[] },
            Event::Closed { channel: Channel::Entered(entered), reason },
            Event::Refused { channel: Channel::Entered(entering), reason, words: &[] },
        ];
        Self { rig, told: told.map(Seen::Notice).to_vec() }
    }

    /// All were told once, in any order; the link is as new.
    fn check(mut self, seen: &[Seen]) {
        let mut missing = self.told.clone();
        for event in seen {
            let at = missing.iter().position(|told| told == event);
            missing.remove(at.unwrap_or_else(|| panic!("{event:?} was not to be told (again)")));
        }
        assert_eq!(missing, []);
        let rig = &mut self.rig;
        rig.script = Script::default();
        assert_eq!(
            (rig.link.wants_read(), rig.link.wants_write(), rig.link.next_deadline()),
            (true, false, None)
        );
        assert_eq!(rig.out().free(), 2048);
        for event in seen {
            match *event {
                Seen::Notice(
                    Event::Closed { channel: Channel::Own(channel), reason: Reason::LinkLost }
                    | Event::Refused { channel: Channel::Own(channel), .. },
                ) => {
                    assert_eq!(rig.out().send(Destination::All(channel), b"x"), Err(SendError::NotOpen));
                    assert_eq!(rig.out().delete(channel), Err(SendError::NotOpen));
                    assert_eq!(rig.out().users(channel).count(), 0);
                }
                Seen::Notice(
                    Event::Closed { channel: Channel::Entered(channel), .. }
                    | Event::Refused { channel: Channel::Entered(channel), .. },
                ) => {
                    assert_eq!(rig.out().send(channel, b"x"), Err(SendError::NotOpen));
                    assert_eq!(rig.out().leave(channel), Err(SendError::NotOpen));
                }
                _ => panic!("{event:?}"),
            }
        }
        // all places are free, and everything works on the next connection
        for number in 0..4 {
            let channel = rig.own(number, MODE);
            rig.user(channel, number, 200);
        }
        for number in 0..4 {
            rig.entered(number, MODE);
        }
        assert_eq!(rig.out().create("x", MODE), Err(SendError::TooManyOwnChannels));
        assert_eq!(rig.out().enter("x", MODE), Err(SendError::TooManyParties));
    }
}

#[test]
fn closed_by_the_relay() {
    let mut all = Everything::new();
    all.rig.script.closed = true;
    let (seen, error) = all.rig.lose();
    assert_eq!(error, Error::Closed);
    all.check(&seen);
}

#[test]
fn a_transport_that_fails_to_read() {
    for ready in [false, true] {
        let mut all = Everything::new();
        if ready {
            all.rig.script.fail_read = Some(all.rig.script.reads + 1);
        } else {
            all.rig.script.fail_read_ready = true;
        }
        let (seen, error) = all.rig.lose();
        let kind = if ready { ErrorKind::ConnectionReset } else { ErrorKind::NotConnected };
        assert_eq!(error, Error::Transport(kind));
        all.check(&seen);
    }
}

#[test]
fn a_transport_that_fails_to_be_ready_for_writing() {
    let mut all = Everything::new();
    all.rig.script.fail_write_ready = true;
    let (seen, error) = all.rig.lose();
    assert_eq!(error, Error::Transport(ErrorKind::NotConnected));
    all.check(&seen);
}

#[test]
fn a_transport_that_fails_at_the_nth_write() {
    for limit in [1, 2, 7, 1000] {
        for nth in 1.. {
            let mut all = Everything::new();
            let before = all.rig.script.outgoing.len();
            let queued = 2048 - all.rig.out().free();
            all.rig.script.write_limit = limit;
            all.rig.script.fail_write = Some(all.rig.script.writes + nth);
            let mut seen: Vec<Seen> = Vec::new();
            let polled = all.rig.poll_once(|event, _| seen.push(event.into()));
            if polled.is_ok() {
                assert!(nth > 1 && seen.is_empty());
                break; // everything had been written by then
            }
            assert_eq!(polled, Err(Error::Transport(ErrorKind::BrokenPipe)));
            assert_eq!(all.rig.script.outgoing.len(), before + (nth - 1) * limit);
            assert_eq!(without_loss(&mut seen), queued - (nth - 1) * limit, "write {nth} of {limit} bytes");
            all.check(&seen);
        }
    }
}

/// Reads that bring a byte each, of which the nth fails: what came before is told before the loss.
#[test]
fn a_transport_that_fails_at_the_nth_read() {
    let mut stream = from_user(1, 9, b"\0a\0b\0c");
    stream.extend(from_server(5, b"\0d"));
    for nth in 1..=stream.len() {
        let mut all = Everything::new();
        all.rig.sent();
        all.rig.says(&stream);
        all.rig.script.read_limit = 1;
        all.rig.script.fail_read = Some(all.rig.script.reads + nth);
        let (mut seen, error) = all.rig.lose();
        assert_eq!(error, Error::Transport(ErrorKind::ConnectionReset));
        let chunks = seen.iter().take_while(|seen| matches!(seen, Seen::Chunk(..))).count();
        let whole = [5, 7, 9, stream.len()].iter().filter(|&&end| end < nth).count();
        assert_eq!(chunks, whole, "failed at read {nth}");
        all.check(&seen.split_off(chunks));
    }
}

/// What a handler has queued is written when everything has been gone through; the poll in which
/// that fails is the one that says so.
#[test]
fn a_transport_that_fails_to_write_an_answer() {
    for next_event in [false, true] {
        let mut all = Everything::new();
        all.rig.sent();
        all.rig.says(from_server(5, b"\0a"));
        all.rig.script.fail_write = Some(all.rig.script.writes + 1);
        let mut seen: Vec<Seen> = Vec::new();
        let lost = Error::Transport(ErrorKind::BrokenPipe);
        if next_event {
            let rig = &mut all.rig;
            let (event, mut out) = rig.link.next_event(&mut rig.script, rig.now).unwrap().unwrap();
            let Event::Chunk { from, bytes } = event else { panic!("{event:?}") };
            out.send(from, bytes).unwrap();
            assert_eq!(rig.link.next_event(&mut rig.script, rig.now).err(), Some(lost));
            while let Some((event, _)) = rig.link.next_event(&mut rig.script, rig.now).unwrap() {
                seen.push(event.into());
            }
        } else {
            let polled = all.rig.poll_once(|event, out| match event {
                Event::Chunk { from, bytes } => out.send(from, bytes),
                event => {
                    seen.push(event.into());
                    Ok(())
                }
            });
            assert_eq!(polled, Err(lost));
        }
        assert_eq!(without_loss(&mut seen), 4, "the answer");
        all.check(&seen);
    }
}

/// A write that fails while an event waits: the poll tells all channels before it ends, as any
/// other.
#[test]
fn a_transport_that_fails_to_write_after_a_handler_kept_an_event() {
    let mut all = Everything::new();
    all.rig.sent();
    let chunk = from_server(5, b"\0a");
    all.rig.says(chunk);
    all.rig.script.fail_write = Some(all.rig.script.writes + 1);
    let mut seen = Vec::new();
    let error = all.rig.poll_once(|event, out| match event {
        Event::Chunk { from, bytes } => {
            // something is queued, and yet the handler is not done
            out.send(from, bytes).unwrap();
            Flow::Again
        }
        event => {
            seen.push(event.into());
            Flow::Continue
        }
    });
    assert_eq!(error, Err(Error::Transport(ErrorKind::BrokenPipe)));
    assert_eq!(without_loss(&mut seen), 4, "the answer");
    all.check(&seen);
}

#[test]
fn next_event_says_so_when_the_write_fails_after_an_event_was_kept() {
    let mut all = Everything::new();
    all.rig.sent();
    all.rig.says(from_server(5, b"\0a"));
    all.rig.script.fail_write = Some(all.rig.script.writes + 1);
    let rig = &mut all.rig;
    let (event, mut out) = rig.link.next_event(&mut rig.script, rig.now).unwrap().unwrap();
    let Event::Chunk { from, bytes } = event else { panic!("{event:?}") };
    out.send(from, bytes).unwrap();
    out.again();
    let error = rig.link.next_event(&mut rig.script, rig.now).err();
    assert_eq!(error, Some(Error::Transport(ErrorKind::BrokenPipe)));
    let mut seen: Vec<Seen> = Vec::new();
    while let Some((event, _)) = rig.link.next_event(&mut rig.script, rig.now).unwrap() {
        seen.push(event.into());
    }
    assert_eq!(without_loss(&mut seen), 4, "the answer");
    all.check(&seen);
}

/// The same when the event waits from an earlier poll: its sender is gone.
#[test]
fn a_connection_lost_while_an_event_waits() {
    let mut all = Everything::new();
    all.rig.sent();
    all.rig.says([from_user(1, 9, b"\0a"), from_server(5, b"\0b")].concat());
    all.rig.poll_once(|_, _| Flow::Again).unwrap();
    all.rig.out().create("one more", MODE).unwrap();
    all.rig.script.fail_write_ready = true;
    let mut seen = Vec::new();
    let error = all.rig.poll_once(|event, _| seen.push(Seen::from(event)));
    assert_eq!(error, Err(Error::Transport(ErrorKind::NotConnected)));
    assert_eq!(without_loss(&mut seen), b"one more".len() + 4);
    let one_more = seen
        .iter()
        .filter(|seen| matches!(seen, Seen::Notice(Event::Refused { channel: Channel::Own(_), .. })))
        .count();
    assert_eq!(one_more, 2);
    assert_eq!(seen.len(), all.told.len() + 1);
}

#[test]
fn next_event_tells_them_after_the_error() {
    let mut all = Everything::new();
    all.rig.sent();
    all.rig.script.closed = true;
    let rig = &mut all.rig;
    assert_eq!(rig.link.next_event(&mut rig.script, rig.now).err(), Some(Error::Closed));
    rig.script = Script { fail_read_ready: true, fail_write_ready: true, ..Script::default() };
    let mut seen = Vec::new();
    while let Some((event, _)) = rig.link.next_event(&mut rig.script, rig.now).unwrap() {
        seen.push(event.into());
    }
    assert_eq!(without_loss(&mut seen), 0);
    all.check(&seen);
}

/// What handlers queue while they are told is for the next connection.
#[test]
fn channels_are_asked_for_again_on_the_next_connection() {
    let mut all = Everything::new();
    all.rig.out().create("never sent", MODE).unwrap();
    all.rig.script.closed = true;
    all.rig.script.room = 3;
    let mut again: Option<OwnChannel> = None;
    let error = all.rig.poll_once(|event, out| {
        if let Event::Closed { channel: Channel::Own(channel), reason: Reason::LinkLost } = event {
            assert_eq!(out.free(), 2048, "nothing of the old connection is left");
            again = Some(out.create("again", MODE).unwrap());
            assert_ne!(again, Some(channel));
        }
    });
    assert_eq!(error, Err(Error::Closed));
    let again = again.unwrap();
    let old = all.rig.script.outgoing.clone();
    assert!(all.rig.link.wants_write());
    let rig = &mut all.rig;
    rig.script = Script::default();
    assert_eq!(rig.poll(), []);
    let (head, name) = rig.script.outgoing.split_at(4);
    assert_eq!((&head[..2], head[3], name), (&[0, 0][..], 5, &b"again"[..]));
    assert!(!old.ends_with(b"again"));
    let answer = to_endpoint::success(head[2], 0);
    assert_eq!(rig.hears(answer), [Seen::Notice(Event::Opened { channel: Channel::Own(again) })]);
}

/// A handler that fails does not keep the other channels from being told: the poll's error is the
/// lost connection.
#[test]
fn a_handler_that_fails_while_the_channels_are_told() {
    let mut all = Everything::new();
    all.rig.script.closed = true;
    let mut seen = Vec::new();
    let error = all.rig.poll_once(|event, _| {
        seen.push(event.into());
        Err::<(), _>(SendError::NotOpen)
    });
    assert_eq!(error, Err(Error::Closed));
    without_loss(&mut seen);
    all.check(&seen);
}

/// A handler that has no room for asking again is asked again itself, when the next connection has
/// made room.
#[test]
fn more_is_asked_for_again_than_the_ring_holds() {
    type Memory = LinkBuffers<1, 1, 8, 259, 64>;
    let mode = Mode::chunks(1);
    let mut rig = Rig::new(Link::<Memory>::new());
    let name = [b'n'; 120];
    for number in 0..8 {
        let channel = rig.out().create(name, mode).unwrap();
        let tag = rig.sent()[2];
        assert_eq!(
            rig.hears(to_endpoint::success(tag, number)),
            [Seen::Notice(Event::Opened { channel: Channel::Own(channel) })]
        );
    }
    rig.script.closed = true;
    let mut told = 0;
    let mut handler = |event: Event<'_>, out: &mut peote_net::link::Out<'_>| {
        let Event::Closed { channel: Channel::Own(_), .. } = event else {
            assert_eq!(event, Event::LinkLost { unsent: 0 });
            return Ok(());
        };
        out.create(name, mode).inspect(|_| told += 1).map(|_| ())
    };
    assert_eq!(rig.poll_once(&mut handler), Err(Error::Closed));
    rig.script = Script::default();
    for _ in 0..8 {
        rig.poll_once(&mut handler).unwrap();
    }
    assert_eq!(told, 8);
    assert_eq!(rig.script.outgoing.len(), 8 * 124);
}

/// The next connection is lost as well, before everything about the first one has been told: each
/// channel is told once.
#[test]
fn lost_again_while_the_channels_are_told() {
    let mut all = Everything::new();
    all.rig.script.closed = true;
    let mut seen: Vec<Seen> = Vec::new();
    let mut asked = None;
    // the loss and one channel are dealt with, and something asked for; the next one waits
    let error = all.rig.poll_once(|event, out| {
        if let Event::LinkLost { .. } = event {
            seen.push(event.into());
            Flow::Continue
        } else if asked.is_none() {
            seen.push(event.into());
            asked = Some(out.create("asked", MODE).unwrap());
            Flow::Continue
        } else {
            Flow::Again
        }
    });
    assert_eq!((error, seen.len()), (Err(Error::Closed), 2));
    assert_eq!(without_loss(&mut seen), 0);
    all.rig.script = Script { fail_write: Some(1), ..Script::default() };
    let error = all.rig.poll_once(|event, _| seen.push(event.into()));
    // the channel that waited, and then the second loss
    let at = seen.iter().position(|event| matches!(event, Seen::Notice(Event::LinkLost { .. })));
    assert_eq!(at, Some(2), "{seen:?}");
    assert_eq!(seen.remove(2), Seen::Notice(Event::LinkLost { unsent: b"asked".len() + 4 }));
    assert_eq!(error, Err(Error::Transport(ErrorKind::BrokenPipe)));
    let refused =
        Event::Refused { channel: Channel::Own(asked.unwrap()), reason: Reason::LinkLost, words: &[] };
    all.told.push(Seen::Notice(refused));
    all.check(&seen);
}

/// A handler can also keep an event of the lost connection; the rest is told from the next poll on.
#[test]
fn an_event_of_the_lost_connection_can_wait() {
    let mut all = Everything::new();
    all.rig.script.closed = true;
    let mut seen: Vec<Seen> = Vec::new();
    let mut again = true;
    let error = all.rig.poll_once(|event, _| {
        seen.push(event.into());
        Flow::Again
    });
    assert_eq!((error, seen.len()), (Err(Error::Closed), 1));
    let first = seen.remove(0);
    all.rig.script = Script::default();
    for _ in 0..10 {
        all.rig
            .poll_once(|event, _| {
                again = !again;
                if again {
                    seen.push(event.into());
                    Flow::Continue
                } else {
                    Flow::Again
                }
            })
            .unwrap();
    }
    assert_eq!(seen.first(), Some(&first));
    without_loss(&mut seen);
    all.check(&seen);
}

/// What was half received on the old connection has nothing to do with the next one.
#[test]
fn nothing_half_received_is_left() {
    fn lose<B: Buffers>(rig: &mut Rig<B>) {
        rig.script.closed = true;
        assert_eq!(rig.lose().1, Error::Closed);
        rig.script = Script::default();
    }
    for half in
        [&[0u8, 4, 0][..], &[0x80], &[0x80, 200, 5, 1, 2], &[9, 5, 200, 1, 2], &[0, 200, 1, 1, 1, 1, 1, 1]]
    {
        let mut rig = Rig::default();
        rig.entered(5, MODE);
        assert_eq!(rig.hears(half), []);
        lose(&mut rig);
        let channel = rig.entered(5, MODE);
        let server = Source::Server { channel };
        assert_eq!(rig.hears(from_server(5, b"\0a")), [Seen::Chunk(server, b"a".to_vec())], "{half:?}");
    }
}

#[test]
fn capabilities_are_those_of_the_connection() {
    let mut rig = Rig::default();
    assert_eq!(rig.out().relay_capabilities(), Capabilities::NONE);
    let both = Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER);
    assert_eq!(rig.hears(to_endpoint::announcement(both)), []);
    assert_eq!(rig.hears(to_endpoint::keepalive()), []);
    assert_eq!(rig.out().relay_capabilities(), both);
    rig.script.closed = true;
    assert_eq!(rig.lose(), (vec![], Error::Closed));
    assert_eq!(rig.out().relay_capabilities(), Capabilities::NONE);
}

/// The same bytes with a link that has been used and lost before as with a new one.
#[test]
fn a_link_that_was_lost_is_as_new() {
    let mut rig = Rig::default();
    for round in 0..50 {
        let channel = rig.own(round, MODE);
        let user = rig.user(channel, round, round);
        rig.out().begin_chunk((channel, user), 9).unwrap();
        let entered = rig.entered(round, MODE);
        let server = Source::Server { channel: entered };
        assert_eq!(rig.hears(from_server(round, b"\0a\x09bc")), [Seen::Chunk(server, b"a".to_vec())]);
        rig.script.closed = true;
        let (seen, error) = rig.lose();
        assert_eq!((seen.len(), error), (2, Error::Closed));
        rig.script = Script::default();
        assert_eq!(rig.out().unfinished(), 0);
        assert_eq!(rig.out().free(), 2048);
    }
}
