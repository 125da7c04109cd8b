//! Creating and entering: as many as there can be, every answer, every refusal.

use std::collections::HashSet;

use peote_net::Reason;
use peote_net::chunk::ChunkLimit;
use peote_net::link::{Channel, Destination, Event, Link, LinkBuffers, Mode, SendError};
use peote_net::protocol::to_endpoint;

use crate::support::{Rig, Seen};

const MODE: Mode = Mode::chunks(1);

/// Room for everything the protocol can number, and some more.
type Full = LinkBuffers<1, 300, 128, 4096, 512>;

/// Takes the commands out of what was sent: `(command, tag, name)`.
fn commands(mut sent: &[u8]) -> Vec<(u8, u8, Vec<u8>)> {
    let mut commands = Vec::new();
    while let [0, command, tag, len, rest @ ..] = sent {
        let (payload, rest) = rest.split_at(usize::from(*len));
        commands.push((*command, *tag, payload.to_vec()));
        sent = rest;
    }
    assert_eq!(sent, [0; 0], "something that is not a command");
    commands
}

// §3.2-255-wait
#[test]
fn as_many_commands_in_flight_as_there_are_tags() {
    let mut rig = Rig::new(Link::<Full>::new());
    let own: Vec<_> = (0..128u8).map(|name| rig.out().create([name], MODE).unwrap()).collect();
    let entered: Vec<_> = (0..127u8).map(|name| rig.out().enter([name], MODE).unwrap()).collect();
    let free = rig.out().free();
    for _ in 0..300 {
        // so often, to see that nothing is used up by it
        assert_eq!(rig.out().enter("one more", MODE), Err(SendError::TooManyCommands));
        assert_eq!(rig.out().create("one more", MODE), Err(SendError::TooManyOwnChannels));
    }
    assert_eq!(rig.out().free(), free);
    let commands = commands(&rig.sent());
    assert_eq!(commands.len(), 255);
    let tags: HashSet<u8> = commands.iter().map(|&(_, tag, _)| tag).collect();
    assert!(tags.len() == 255 && !tags.contains(&0));

    // answered in another order, every third of them refused
    let mut expected = Vec::new();
    for step in 0..255 {
        let (command, tag, name) = &commands[step * 101 % 255];
        let index = usize::from(name[0]);
        let refused = index % 3 == 2;
        let reason = Reason::TooManyChannels;
        expected.push(Seen::Notice(match (command, refused) {
            (0, false) => Event::Opened { channel: Channel::Own(own[index]) },
            (0, true) => Event::Refused { channel: Channel::Own(own[index]), reason, words: &[] },
            (_, false) => Event::Opened { channel: Channel::Entered(entered[index]) },
            (_, true) => Event::Refused { channel: Channel::Entered(entered[index]), reason, words: &[] },
        }));
        rig.says(match (command, refused) {
            (0, true) => to_endpoint::refused(*tag, 1),
            (_, true) => to_endpoint::refused(*tag, 5),
            (_, false) => to_endpoint::success(*tag, name[0]),
        });
    }
    assert_eq!(rig.poll(), expected);

    // each knows its own number
    for (index, (&own, &entered)) in own.iter().zip(&entered).enumerate().filter(|(index, _)| index % 3 != 2)
    {
        let number = u8::try_from(index).unwrap();
        rig.out().send(Destination::All(own), b"x").unwrap();
        rig.out().send(entered, b"y").unwrap();
        assert_eq!(rig.sent(), [1, 1, 3, 128 + number, 0, b'x', 3, number, 0, b'y']);
    }
}

#[test]
fn own_and_entered_channels_of_every_number_at_once() {
    let mut rig = Rig::new(Link::<Full>::new());
    for number in 0..128 {
        rig.own(number, MODE);
        rig.entered(number, MODE);
    }
    assert_eq!(rig.out().create("x", MODE), Err(SendError::TooManyOwnChannels));
    assert_eq!(rig.out().enter("x", MODE), Err(SendError::TooManyEnteredChannels));
    assert_eq!(rig.sent(), []);
}

/// A command that is never answered keeps its tag, and all others go on.
#[test]
fn a_tag_in_flight_is_not_used_again() {
    let mut rig = Rig::default();
    let waiting = rig.out().create("waiting", MODE).unwrap();
    let waiting_tag = rig.sent()[2];
    let mut tags = HashSet::new();
    for _ in 0..600 {
        let channel = rig.out().enter("x", MODE).unwrap();
        let tag = rig.sent()[2];
        assert!(tag != 0 && tag != waiting_tag);
        tags.insert(tag);
        let refused =
            Event::Refused { channel: Channel::Entered(channel), reason: Reason::NoSuchChannel, words: &[] };
        assert_eq!(rig.hears(to_endpoint::refused(tag, 1)), [Seen::Notice(refused)]);
    }
    assert_eq!(tags.len(), 254);
    let answer = rig.hears(to_endpoint::success(waiting_tag, 7));
    assert_eq!(answer, [Seen::Notice(Event::Opened { channel: Channel::Own(waiting) })]);
}

#[test]
fn refused_with_every_reason() {
    let mut rig = Rig::default();
    for code in 0..=255 {
        let channel = rig.out().create("x", MODE).unwrap();
        let tag = rig.sent()[2];
        let refused =
            Event::Refused { channel: Channel::Own(channel), reason: Reason::of_create(code), words: &[] };
        assert_eq!(rig.hears(to_endpoint::refused(tag, code)), [Seen::Notice(refused)]);
        assert_eq!(rig.out().delete(channel), Err(SendError::NotOpen));
        let channel = rig.out().enter("x", MODE).unwrap();
        let tag = rig.sent()[2];
        let refused =
            Event::Refused { channel: Channel::Entered(channel), reason: Reason::of_enter(code), words: &[] };
        assert_eq!(rig.hears(to_endpoint::refused(tag, code)), [Seen::Notice(refused)]);
        assert_eq!(rig.out().leave(channel), Err(SendError::NotOpen));
    }
}

/// Numbers from 128 on cannot be said in data: such a channel would be taken for another one.
#[test]
fn a_number_that_does_not_exist_is_no_success() {
    for number in [128, 130, 255] {
        let mut rig = Rig::default();
        let two = rig.entered(2, MODE);
        rig.own(3, MODE);
        let created = rig.out().create("x", MODE).unwrap();
        let entered = rig.out().enter("x", MODE).unwrap();
        let commands = commands(&rig.sent());
        let stream =
            [to_endpoint::success(commands[0].1, number), to_endpoint::success(commands[1].1, number)];
        let seen = rig.hears(stream.concat());
        assert!(
            matches!(seen[0], Seen::Notice(Event::Refused { channel: Channel::Own(channel), .. }) if channel == created)
        );
        assert!(
            matches!(seen[1], Seen::Notice(Event::Refused { channel: Channel::Entered(channel), .. }) if channel == entered)
        );
        assert_eq!(rig.hears(crate::support::from_server(2, &[0, 1])).len(), 1);
        rig.out().send(two, b"x").unwrap();
    }
}

/// Events about such numbers mean nobody either.
#[test]
fn events_about_numbers_that_do_not_exist() {
    for number in [0, 3, 127] {
        let mut rig = Rig::default();
        let own = rig.own(number, MODE);
        rig.user(own, number, 9);
        rig.entered(number, MODE);
        let stream = [
            &to_endpoint::user_entered(128 + number, 10)[..],
            &to_endpoint::user_gone(128 + number, 9, 0),
            &to_endpoint::channel_gone(128 + number, 0),
        ];
        assert_eq!(rig.hears(stream.concat()), []);
        assert_eq!(rig.out().users(own).count(), 1);
    }
}

/// The numbers of own and of entered channels have nothing to do with each other.
#[test]
fn events_about_numbers_of_the_other_kind() {
    let mut rig = Rig::default();
    let own = rig.own(3, MODE);
    rig.user(own, 3, 9);
    rig.entered(4, MODE);
    let stream = [
        &to_endpoint::user_entered(4, 9)[..],
        &to_endpoint::user_gone(4, 9, 0),
        &to_endpoint::user_gone(3, 10, 0),
        &to_endpoint::channel_gone(3, 0),
    ];
    assert_eq!(rig.hears(stream.concat()), []);
    assert_eq!(rig.out().users(own).count(), 1);
}

#[test]
fn answers_nobody_waits_for() {
    let mut rig = Rig::default();
    let channel = rig.own(3, MODE);
    for tag in 1..=255 {
        assert_eq!(rig.hears([to_endpoint::success(tag, 5), to_endpoint::refused(tag, 1)].concat()), []);
    }
    assert_eq!(rig.sent(), []);
    rig.out().send(Destination::All(channel), b"x").unwrap();
}

/// Nobody enters twice, whatever the relay says.
#[test]
fn a_user_that_is_there_does_not_enter() {
    let mut rig = Rig::default();
    let own = rig.own(3, MODE);
    rig.user(own, 3, 9);
    assert_eq!(rig.hears(to_endpoint::user_entered(3, 9)), []);
    assert_eq!(rig.out().users(own).count(), 1);
    assert_eq!(rig.hears(to_endpoint::user_gone(3, 9, 0)).len(), 1);
    assert_eq!(rig.hears(to_endpoint::user_gone(3, 9, 0)), []);
}

#[test]
fn names_of_every_length() {
    let mut rig = Rig::default();
    for len in 0..=255u8 {
        let name = vec![b'n'; len.into()];
        let channel = rig.out().create(&name, MODE).unwrap();
        let sent = rig.sent();
        assert_eq!(sent, [&[0, 0, sent[2], len], &name[..]].concat());
        rig.hears(to_endpoint::refused(sent[2], 2));
        assert_eq!(rig.out().delete(channel), Err(SendError::NotOpen));
    }
    let name = [b'n'; 256];
    assert_eq!(rig.out().create(name, MODE), Err(SendError::NameTooLong { len: 256 }));
    assert_eq!(rig.out().enter(name, MODE), Err(SendError::NameTooLong { len: 256 }));
    assert_eq!(rig.sent(), []);
}

#[test]
fn modes_that_do_not_work() {
    let mut rig = Rig::default(); // chunks of at most 1024 bytes
    for limit in
        [ChunkLimit::new(0), ChunkLimit::new(1025), ChunkLimit::new(u32::MAX), ChunkLimit::new(100).among(99)]
    {
        let error = SendError::ChunkLimit { max: limit.max(), chunk_size: 1024 };
        assert_eq!(rig.out().create("x", Mode::Chunks(limit)), Err(error));
        assert_eq!(rig.out().enter("x", Mode::Chunks(limit)), Err(error));
    }
    assert_eq!(rig.sent(), []);
    for mode in [Mode::chunks(1024), Mode::Chunks(ChunkLimit::new(1).among(ChunkLimit::GREATEST)), Mode::Data]
    {
        let channel = rig.out().create("x", mode).unwrap();
        rig.out().delete(channel).unwrap();
    }
    assert!(matches!(rig.out().enter("x", Mode::default()), Err(SendError::ChunkLimit { .. })));
}

/// A command that finds no room takes nothing: no place, no tag, no byte.
#[test]
fn commands_without_room_change_nothing() {
    let mut rig = Rig::new(Link::<LinkBuffers<1, 1, 1, 259, 16>>::new());
    let raw = rig.entered(1, Mode::Data);
    rig.out().send(raw, &[7; 250]).unwrap(); // with its head 253 bytes
    for _ in 0..300 {
        assert_eq!(rig.out().create("abc", MODE), Err(SendError::WouldBlock));
        assert_eq!(rig.out().enter("abc", MODE), Err(SendError::TooManyParties));
    }
    assert_eq!(rig.out().free(), 6);
    let own = rig.out().create("ab", MODE).unwrap();
    assert_eq!(rig.out().free(), 0);
    assert_eq!(rig.out().leave(raw), Err(SendError::WouldBlock));
    let sent = rig.sent();
    assert_eq!((sent.len(), &sent[253..255], &sent[256..]), (259, &[0, 0][..], &b"\x02ab"[..]));
    assert_eq!(
        rig.hears(to_endpoint::success(sent[255], 0)),
        [Seen::Notice(Event::Opened { channel: Channel::Own(own) })]
    );
    rig.out().send(raw, &[7; 254]).unwrap();
    for _ in 0..3 {
        assert_eq!(rig.out().leave(raw), Err(SendError::WouldBlock));
        assert_eq!(rig.out().delete(own), Err(SendError::WouldBlock));
    }
    rig.sent();
    assert_eq!(rig.out().leave(raw), Ok(()));
    rig.out().enter("d", MODE).unwrap();
    assert_eq!(rig.sent().len(), 10);
}
