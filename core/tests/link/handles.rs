//! Handles that are no longer valid, and what comes for numbers that were given up.

use std::collections::HashSet;

use peote_net::Reason;
use peote_net::link::{
    Channel, Destination, EnteredChannel, Event, Mode, OwnChannel, SendError, Source, User,
};
use peote_net::protocol::to_endpoint;

use crate::support::{Rig, Seen, from_server, from_user};

const MODE: Mode = Mode::chunks(256);

/// Nothing can be done with this handle, and nothing comes of trying.
fn is_dead(rig: &mut Rig, channel: OwnChannel) {
    let free = rig.out().free();
    for user in [0, 9, 255].map(User::new) {
        for to in
            [Destination::User(channel, user), Destination::All(channel), Destination::AllBut(channel, user)]
        {
            assert_eq!(rig.out().send(to, b"x"), Err(SendError::NotOpen));
            assert_eq!(rig.out().begin_chunk(to, 1), Err(SendError::NotOpen));
            assert!(!rig.out().can_send(to, 1));
        }
    }
    assert_eq!(rig.out().delete(channel), Err(SendError::NotOpen));
    assert_eq!(rig.out().users(channel).count(), 0);
    assert_eq!(rig.out().free(), free);
}

fn is_left(rig: &mut Rig, channel: EnteredChannel) {
    let free = rig.out().free();
    assert_eq!(rig.out().send(channel, b"x"), Err(SendError::NotOpen));
    assert_eq!(rig.out().begin_chunk(channel, 1), Err(SendError::NotOpen));
    assert!(!rig.out().can_send(channel, 1));
    assert_eq!(rig.out().leave(channel), Err(SendError::NotOpen));
    assert_eq!(rig.out().free(), free);
}

#[test]
fn a_dead_handle_never_means_the_next_channel() {
    let mut rig = Rig::default();
    let deleted = rig.own(3, MODE);
    rig.user(deleted, 3, 9);
    rig.out().delete(deleted).unwrap();
    is_dead(&mut rig, deleted);
    let next = rig.own(3, MODE); // the same place, the same number
    assert_eq!(next.index(), deleted.index());
    rig.user(next, 3, 9);
    is_dead(&mut rig, deleted);
    assert_eq!(rig.out().users(next).collect::<Vec<_>>(), [User::new(9)]);

    let left = rig.entered(5, MODE);
    rig.out().leave(left).unwrap();
    is_left(&mut rig, left);
    let gone = rig.entered(5, MODE);
    assert_eq!(gone.index(), left.index());
    is_left(&mut rig, left);
    assert_eq!(rig.hears(to_endpoint::channel_gone(5, 0)).len(), 1);
    is_left(&mut rig, gone);
    let last = rig.entered(5, MODE);
    is_left(&mut rig, left);
    is_left(&mut rig, gone);
    rig.out().send(last, b"x").unwrap();
}

#[test]
fn a_handle_is_not_open_before_the_answer() {
    let mut rig = Rig::default();
    let own = rig.out().create("a", MODE).unwrap();
    let entered = rig.out().enter("b", MODE).unwrap();
    assert_eq!(rig.out().send(Destination::All(own), b"x"), Err(SendError::NotOpen));
    assert_eq!(rig.out().send(entered, b"x"), Err(SendError::NotOpen));
    // data and events that come before the answer mean others
    let early =
        [&from_server(0, b"\0x")[..], &to_endpoint::user_entered(0, 1), &from_user(0, 1, b"\0x")].concat();
    assert_eq!(rig.hears(early), []);
}

/// Every handle is another one, for more channels than a day has seconds.
#[test]
fn handles_are_not_used_again() {
    let mut rig = Rig::default();
    let (mut own, mut entered) = (HashSet::new(), HashSet::new());
    for _ in 0..70_000 {
        let channel = rig.out().create("a", MODE).unwrap();
        assert!(own.insert(channel), "{channel:?} after {}", own.len());
        let channel = rig.out().enter("b", MODE).unwrap();
        assert!(entered.insert(channel), "{channel:?} after {}", entered.len());
        rig.poll_once(|_, _| ()).unwrap();
        let (create, enter) = (rig.script.outgoing[2], rig.script.outgoing[7]);
        rig.script.outgoing.clear();
        rig.says(to_endpoint::refused(create, 2));
        rig.says(to_endpoint::refused(enter, 1));
        rig.poll_once(|_, _| ()).unwrap();
    }
}

#[test]
fn given_up_before_the_answer() {
    let mut rig = Rig::default();
    let own = rig.out().create("a", MODE).unwrap();
    let entered = rig.out().enter("b", MODE).unwrap();
    let sent = rig.sent();
    let (create, enter) = (sent[2], sent[7]);
    rig.out().delete(own).unwrap();
    rig.out().leave(entered).unwrap();
    is_dead(&mut rig, own);
    is_left(&mut rig, entered);
    assert_eq!(rig.sent(), [], "nothing to say before the answer");
    // somebody is quick to enter, and to speak
    let stream = [
        &to_endpoint::success(create, 3)[..],
        &to_endpoint::user_entered(3, 1),
        &from_user(3, 1, b"\0x"),
        &to_endpoint::success(enter, 4),
        &from_server(4, b"\0x"),
        &to_endpoint::user_gone(3, 1, 0),
    ];
    assert_eq!(rig.hears(stream.concat()), []);
    assert_eq!(rig.sent(), [0, 3, 0, 1, 3, 0, 2, 0, 1, 4]);
    is_dead(&mut rig, own);
    is_left(&mut rig, entered);
    assert_eq!(rig.sent(), [], "said once");
    let next = rig.own(3, MODE);
    rig.user(next, 3, 1);
    rig.entered(4, MODE);
}

#[test]
fn given_up_before_a_refusal() {
    let mut rig = Rig::default();
    for _ in 0..20 {
        let own = rig.out().create("a", MODE).unwrap();
        let entered = rig.out().enter("b", MODE).unwrap();
        rig.out().delete(own).unwrap();
        rig.out().leave(entered).unwrap();
        let sent = rig.sent();
        assert_eq!(
            rig.hears([to_endpoint::refused(sent[2], 2), to_endpoint::refused(sent[7], 1)].concat()),
            []
        );
        assert_eq!(rig.sent(), []);
    }
    // the places are free again
    for number in 0..4 {
        rig.own(number, MODE);
        rig.entered(number, MODE);
        rig.entered(number + 4, MODE);
    }
}

/// The leave and delete that follow an answer wait for room in the ring, and for nothing else.
#[test]
fn given_up_while_the_ring_is_full() {
    let mut rig = Rig::default();
    let raw = rig.entered(1, Mode::Data);
    let own = rig.out().create("a", MODE).unwrap();
    let entered = rig.out().enter("b", MODE).unwrap();
    let sent = rig.sent();
    rig.out().delete(own).unwrap();
    rig.out().leave(entered).unwrap();
    rig.script.room = 0;
    let fill = rig.out().free() - 4;
    rig.out().send(raw, &vec![1; fill]).unwrap();
    assert!(rig.out().free() < 5);
    rig.says([to_endpoint::success(sent[2], 3), to_endpoint::success(sent[7], 4)].concat());
    assert_eq!(rig.poll(), []);
    is_dead(&mut rig, own);
    is_left(&mut rig, entered);
    rig.script.room = usize::MAX;
    rig.poll_once(|_, _| ()).unwrap();
    assert!(rig.script.outgoing.ends_with(&[0, 3, 0, 1, 3, 0, 2, 0, 1, 4]), "one poll is enough");
    assert!(!rig.link.wants_write());
}

/// Between the leave and the next success with that number, everything for the number is stale.
#[test]
fn what_was_under_way_for_a_number_given_up_is_dropped() {
    let mut rig = Rig::default();
    let own = rig.own(3, MODE);
    rig.user(own, 3, 9);
    let entered = rig.entered(5, MODE);
    // each in the middle of a chunk
    assert_eq!(rig.hears([from_user(3, 9, b"\x05abc"), from_server(5, b"\x05abc")].concat()), []);
    rig.out().delete(own).unwrap();
    rig.out().leave(entered).unwrap();
    let stale = [
        &from_user(3, 9, b"def\0x")[..],
        &from_server(5, b"def\0x"),
        &to_endpoint::user_entered(3, 10),
        &from_user(3, 10, b"\0x"),
        &to_endpoint::user_gone(3, 9, 1),
        &to_endpoint::channel_gone(5, 0),
    ]
    .concat();
    assert_eq!(rig.hears(&stale), []);
    // also when the next ones have been asked for, but not been answered
    let next_own = rig.out().create("a", MODE).unwrap();
    let next_entered = rig.out().enter("b", MODE).unwrap();
    let sent = rig.sent();
    let (create, enter) = (sent[12], sent[17]);
    assert_eq!(rig.hears(&stale), []);
    let reason = Reason::OnPurpose;
    let stream = [
        &to_endpoint::success(create, 3)[..],
        &to_endpoint::success(enter, 5),
        // user 9 of the new channel is a new one, in the middle of nothing
        &from_user(3, 9, b"\0n"),
        &to_endpoint::user_entered(3, 9),
        &from_user(3, 9, b"\0x"),
        &from_server(5, b"\0y"),
        &to_endpoint::user_gone(3, 9, 0),
        &to_endpoint::channel_gone(5, 0),
    ];
    let user = User::new(9);
    let expected = [
        Seen::Notice(Event::Opened { channel: Channel::Own(next_own) }),
        Seen::Notice(Event::Opened { channel: Channel::Entered(next_entered) }),
        Seen::Notice(Event::UserEntered { channel: next_own, user }),
        Seen::Chunk(Source::User { channel: next_own, user }, b"x".to_vec()),
        Seen::Chunk(Source::Server { channel: next_entered }, b"y".to_vec()),
        Seen::Notice(Event::UserGone { channel: next_own, user, reason }),
        Seen::Notice(Event::Closed { channel: Channel::Entered(next_entered), reason }),
    ];
    assert_eq!(rig.hears(stream.concat()), expected);
}

/// A handler gives a channel up in the middle of what has been received of it.
#[test]
fn given_up_by_a_handler() {
    let mut rig = Rig::default();
    let own = rig.own(3, MODE);
    rig.user(own, 3, 9);
    rig.user(own, 3, 10);
    let entered = rig.entered(5, MODE);
    let stream = [
        from_server(5, b"\0a\0b\0c"), // three chunks in one unit
        from_server(5, b"\0d"),
        from_user(3, 9, b"\0a\0b"),
        from_user(3, 10, b"\0c"),
        to_endpoint::user_gone(3, 9, 0).to_vec(),
    ];
    rig.says(stream.concat());
    let mut seen = Vec::new();
    rig.poll_once(|event, out| {
        seen.push(Seen::from(event));
        match event {
            Event::Chunk { from: Source::Server { channel }, .. } => out.leave(channel),
            Event::Chunk { from: Source::User { channel, .. }, .. } => out.delete(channel),
            _ => Ok(()),
        }
    })
    .unwrap();
    let user = Source::User { channel: own, user: User::new(9) };
    let server = Source::Server { channel: entered };
    assert_eq!(seen, [Seen::Chunk(server, b"a".to_vec()), Seen::Chunk(user, b"a".to_vec())]);
    assert_eq!(rig.sent(), [0, 2, 0, 1, 5, 0, 3, 0, 1, 3]);
}
