//! Entering, and what the relay must not hear of it.

use peote_net::Reason;
use peote_net::link::{Channel, Event, Link, LinkBuffers, LocalBuffers, SendError, User};
use peote_net::protocol::to_endpoint;

use super::support::*;
use crate::support::{Rig, Seen, chunk, from_user, tag, tag_of};

fn create_command(tag: u8, name: &[u8]) -> Vec<u8> {
    [&[0, 0, tag, u8::try_from(name.len()).unwrap()], name].concat()
}

fn enter_command(tag: u8, name: &[u8]) -> Vec<u8> {
    [&[0, 1, tag, u8::try_from(name.len()).unwrap()], name].concat()
}

#[test]
fn only_creating_is_on_the_wire() {
    let mut rig = rig();
    let channel = open(&mut rig, b"chat", 7, CHUNKS);
    let (entered, user) = join(&mut rig, b"chat", channel, CHUNKS);
    assert_eq!(user.number(), 256);
    rig.out().send(entered, b"up").unwrap();
    rig.out().send((channel, user), b"down").unwrap();
    let seen = settle(&mut rig);
    assert!(seen.contains(&Seen::Chunk(from_user_of(channel, user), b"up".to_vec())), "{seen:?}");
    assert!(seen.contains(&Seen::Chunk(from_server_of(entered), b"down".to_vec())), "{seen:?}");
    assert_eq!(seen.len(), 2);
    rig.out().leave(entered).unwrap();
    let gone = Event::UserGone { channel, user, reason: Reason::OnPurpose };
    assert_eq!(settle(&mut rig), [Seen::Notice(gone)]);
    nothing_on_the_wire(&mut rig);
}

/// Entering in the same breath as creating, before any answer.
#[test]
fn entering_a_channel_that_is_being_created() {
    for face in FACES {
        let mut rig = rig();
        let channel = rig.out().create("chat", CHUNKS).unwrap();
        let first = rig.out().enter("chat", CHUNKS).unwrap();
        let second = rig.out().enter("chat", CHUNKS).unwrap();
        assert_eq!(rig.out().send(first, b"x"), Err(SendError::NotOpen));
        let mut seen: Vec<Seen> = Vec::new();
        sleep_and_wake(&mut rig, face, |event, _| seen.push(event.into()));
        assert_eq!(seen, []);
        assert_eq!(rig.script.outgoing, create_command(tag(1), b"chat"));
        rig.says(to_endpoint::success(tag(1), 0));
        sleep_and_wake(&mut rig, face, |event, _| seen.push(event.into()));
        assert_eq!(seen[0], Seen::Notice(Event::Opened { channel: Channel::Own(channel) }));
        let mut rest: Vec<String> = seen[1..].iter().map(|seen| format!("{seen:?}")).collect();
        rest.sort_unstable();
        let [one, other] = [0, 1].map(|place| local_user(&seen, place));
        let mut expected = [
            Event::Opened { channel: Channel::Entered(first) },
            Event::Opened { channel: Channel::Entered(second) },
            Event::UserEntered { channel, user: one },
            Event::UserEntered { channel, user: other },
        ]
        .map(|event| format!("{:?}", Seen::Notice(event)));
        expected.sort_unstable();
        assert_eq!(rest, expected);
        assert_eq!(rig.script.outgoing, create_command(tag(1), b"chat"));
    }
}

/// The user with number 256 + `place`, as an event shows it.
fn local_user(seen: &[Seen], place: u16) -> User {
    let user = seen.iter().find_map(|event| match *event {
        Seen::Notice(Event::UserEntered { user, .. }) if user.number() == 256 + place => Some(user),
        _ => None,
    });
    user.unwrap_or_else(|| panic!("no user {}: {seen:?}", 256 + place))
}

/// The user is told that it is in as well as its server, in whatever stage the handler sends at
/// once.
#[test]
fn entering_and_sending_in_handlers() {
    for face in FACES {
        let mut rig = rig();
        rig.out().create("chat", CHUNKS).unwrap();
        rig.says(to_endpoint::success(tag(1), 0));
        let mut seen: Vec<Seen> = Vec::new();
        sleep_and_wake(&mut rig, face, |event, out| {
            match event {
                Event::Opened { channel: Channel::Own(_) } => {
                    out.enter("chat", CHUNKS).unwrap();
                }
                Event::Opened { channel: Channel::Entered(channel) } => out.send(channel, b"hello").unwrap(),
                Event::UserEntered { channel, user } => out.send((channel, user), b"welcome").unwrap(),
                Event::Chunk { from, bytes: b"hello" } => out.send(from, b"and hello").unwrap(),
                _ => {}
            }
            seen.push(event.into());
        });
        let chunks = |seen: &[Seen]| -> Vec<Vec<u8>> {
            let bytes =
                |seen: &Seen| if let Seen::Chunk(_, bytes) = seen { Some(bytes.clone()) } else { None };
            seen.iter().filter_map(bytes).collect()
        };
        let mut got = chunks(&seen);
        got.sort_unstable();
        assert_eq!(got, [&b"and hello"[..], b"hello", b"welcome"], "{face:?}");
        let place = |bytes: &[u8]| {
            seen.iter().position(|seen| matches!(seen, Seen::Chunk(_, chunk) if chunk == bytes)).unwrap()
        };
        assert!(place(b"welcome") < place(b"and hello"));
    }
}

#[test]
fn numbers_are_reused_as_late_as_possible() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    let mut numbers = Vec::new();
    for _ in 0..12 {
        let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
        numbers.push(user.number());
        rig.out().leave(entered).unwrap();
        settle(&mut rig);
    }
    assert_eq!(numbers, [256, 257, 258, 259, 260, 256, 257, 258, 259, 260, 256, 257]);
    // the one that is in is passed over
    let (_, stays) = join(&mut rig, b"a", channel, CHUNKS);
    assert_eq!(stays.number(), 258);
    let numbers: Vec<u16> = (0..5)
        .map(|_| {
            let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
            rig.out().leave(entered).unwrap();
            settle(&mut rig);
            user.number()
        })
        .collect();
    assert_eq!(numbers, [259, 260, 256, 257, 259]);
}

#[test]
fn all_places_taken() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    let users: Vec<_> = (0..5).map(|_| join(&mut rig, b"a", channel, CHUNKS)).collect();
    assert_eq!(rig.out().enter("a", CHUNKS), Err(SendError::TooManyLocalUsers));
    assert_eq!(settle(&mut rig), []);
    // elsewhere there is room
    rig.out().enter("b", CHUNKS).unwrap();
    rig.out().leave(users[3].0).unwrap();
    // the place is free once the server has heard of it
    assert_eq!(rig.out().enter("a", CHUNKS), Err(SendError::TooManyLocalUsers));
    settle(&mut rig);
    let (_, user) = join(&mut rig, b"a", channel, CHUNKS);
    assert_eq!(user, users[3].1);
}

/// A user takes a party at its own side; without one it does not enter at all, and takes nothing.
#[test]
fn no_party_for_the_user() {
    let mut rig =
        Rig::new(Link::<LocalBuffers<LinkBuffers<64, 1, 1, 512, 64>, 1, 2, 128>>::with_local_users());
    rig.link.set_silence_limit(None);
    let mode = peote_net::link::Mode::chunks(64);
    let channel = open(&mut rig, b"a", 0, mode);
    assert_eq!(rig.user(channel, 0, 3).number(), 3);
    for _ in 0..9 {
        assert_eq!(rig.out().enter("a", mode), Err(SendError::TooManyParties));
    }
    assert_eq!(settle(&mut rig), []);
    rig.says(to_endpoint::user_gone(0, 3, 0));
    assert_eq!(settle(&mut rig).len(), 1);
    assert!(rig.out().enter("a", mode).is_ok());
}

/// No party at the server's side: as with a user from the relay, it hears broadcasts only, and
/// nothing is told when it goes.
#[test]
fn no_party_for_the_server() {
    type Memory = LocalBuffers<LinkBuffers<64, 3, 1, 512, 64>, 1, 2, 128>;
    let mode = peote_net::link::Mode::chunks(64);
    let mut rig = Rig::new(Link::<Memory>::with_local_users());
    rig.link.set_silence_limit(None);
    let channel = open(&mut rig, b"a", 0, mode);
    rig.user(channel, 0, 3);
    rig.user(channel, 0, 4);
    let entered = rig.out().enter("a", mode).unwrap();
    let seen = settle(&mut rig);
    let user = seen.iter().find_map(|seen| match *seen {
        Seen::Notice(Event::UserIgnored { channel: own, user }) if own == channel => Some(user),
        _ => None,
    });
    let user = user.unwrap_or_else(|| panic!("{seen:?}"));
    assert!(seen.contains(&Seen::Notice(Event::Opened { channel: Channel::Entered(entered) })));
    assert_eq!((seen.len(), user.number()), (2, 256));
    assert_eq!(rig.out().users(channel).filter(|&there| there == user).count(), 0);
    assert_eq!(rig.out().send((channel, user), b"x"), Err(SendError::NotOpen));
    // what it says is passed over, as long as it likes
    for _ in 0..50 {
        rig.out().send(entered, &[1; 60]).unwrap();
        assert_eq!(settle(&mut rig), []);
    }
    rig.out().send(peote_net::link::Destination::All(channel), b"all").unwrap();
    assert_eq!(settle(&mut rig), [Seen::Chunk(from_server_of(entered), b"all".to_vec())]);
    rig.out().leave(entered).unwrap();
    assert_eq!(settle(&mut rig), []);
    // its place is free again, for both sides
    rig.says([to_endpoint::user_gone(0, 3, 0), to_endpoint::user_gone(0, 4, 0)].concat());
    assert_eq!(settle(&mut rig).len(), 2);
    join(&mut rig, b"a", channel, mode);
}

/// Without memory for local users, or for the channel's name, everything is the relay's.
#[test]
fn without_memory_the_relay_is_asked() {
    let mut rig = Rig::default();
    rig.own(3, CHUNKS);
    rig.sent();
    let channel = rig.out().enter([b'o', 3], CHUNKS).unwrap();
    assert_eq!(rig.sent(), enter_command(tag(2), &[b'o', 3]));
    let refused =
        Event::Refused { channel: Channel::Entered(channel), reason: Reason::OwnChannel, words: &[] };
    assert_eq!(rig.hears(to_endpoint::refused(tag(2), 2)), [Seen::Notice(refused)]);

    // names for one of two own channels
    type One = LocalBuffers<LinkBuffers<64, 6, 2, 512, 64>, 1, 2, 128>;
    let mode = peote_net::link::Mode::chunks(64);
    let mut rig = Rig::new(Link::<One>::with_local_users());
    rig.link.set_silence_limit(None);
    let first = open(&mut rig, b"first", 0, mode);
    let second = open(&mut rig, b"second", 1, mode);
    let line = peote_net::link::SimulatedLine::new();
    assert_eq!(rig.out().simulate(first, line), Ok(()));
    assert_eq!(rig.out().simulate(second, line), Err(SendError::TooManyLocalUsers));
    join(&mut rig, b"first", first, mode);
    nothing_on_the_wire(&mut rig);
    rig.out().enter("second", mode).unwrap();
    settle(&mut rig);
    assert_eq!(rig.script.outgoing, enter_command(tag_of(64, 3), b"second"));
}

/// A name that is only nearly the same, and the empty one.
#[test]
fn names_are_compared_whole() {
    let mut rig = rig();
    let long = [b'n'; 255];
    let empty = open(&mut rig, b"", 0, CHUNKS);
    let whole = open(&mut rig, &long, 1, CHUNKS);
    for (name, channel) in [(&b""[..], empty), (&long, whole)] {
        let (_, user) = join(&mut rig, name, channel, CHUNKS);
        assert!(user.number() >= 256);
        nothing_on_the_wire(&mut rig);
    }
    for name in [&long[..254], b"n", b"x"] {
        rig.out().enter(name, CHUNKS).unwrap();
        assert_eq!(settle(&mut rig), []);
        assert!(std::mem::take(&mut rig.script.outgoing).ends_with(name));
    }
    assert_eq!(rig.out().enter([b'n'; 256], CHUNKS), Err(SendError::NameTooLong { len: 256 }));
}

/// The relay has that name already: nobody is let in.
#[test]
fn the_name_is_in_use_elsewhere() {
    for face in FACES {
        let mut rig = rig();
        let channel = rig.out().create("chat", CHUNKS).unwrap();
        let entered = rig.out().enter("chat", CHUNKS).unwrap();
        rig.says(to_endpoint::refused(tag(1), 2));
        let mut seen: Vec<Seen> = Vec::new();
        sleep_and_wake(&mut rig, face, |event, _| seen.push(event.into()));
        let reason = Reason::NameInUse;
        let expected = [
            Event::Refused { channel: Channel::Own(channel), reason, words: &[] },
            Event::Refused { channel: Channel::Entered(entered), reason, words: &[] },
        ];
        assert_eq!(seen, expected.map(Seen::Notice));
        assert_eq!(rig.out().leave(entered), Err(SendError::NotOpen));
        // now the name is somebody else's, and the relay is asked
        rig.script.outgoing.clear();
        rig.out().enter("chat", CHUNKS).unwrap();
        settle(&mut rig);
        assert_eq!(rig.script.outgoing, enter_command(tag(2), b"chat"));
    }
}

/// Twice the same name at once: the relay grants one of them. Users join the one that is there, or
/// was asked for first.
#[test]
fn two_own_channels_of_one_name() {
    for granted in [0, 1] {
        let mut rig = rig();
        let channels = [0, 1].map(|_| rig.out().create("chat", CHUNKS).unwrap());
        let before = rig.out().enter("chat", CHUNKS).unwrap();
        rig.says(to_endpoint::success(tag(1 + granted), 9));
        rig.says(to_endpoint::refused(tag(2 - granted), 2));
        let seen = settle(&mut rig);
        let granted = usize::from(granted);
        assert!(seen.contains(&Seen::Notice(Event::Opened { channel: Channel::Own(channels[granted]) })));
        let entered = seen.contains(&Seen::Notice(Event::Opened { channel: Channel::Entered(before) }));
        assert_eq!(entered, granted == 0, "it waited for the first one");
        let (_, _) = join(&mut rig, b"chat", channels[granted], CHUNKS);
    }
}

/// The place of the second channel in the link's memory is before that of the first one.
#[test]
fn the_channel_that_is_there_is_meant_and_not_one_that_is_asked_for() {
    for open_already in [true, false] {
        let mut rig = rig();
        let other = open(&mut rig, b"other", 0, CHUNKS);
        let there = if open_already {
            open(&mut rig, b"chat", 1, CHUNKS)
        } else {
            rig.out().create("chat", CHUNKS).unwrap()
        };
        rig.out().delete(other).unwrap();
        let second = rig.out().create("chat", CHUNKS).unwrap();
        assert!(second.index() < there.index());
        let entered = rig.out().enter("chat", CHUNKS).unwrap();
        if !open_already {
            rig.says(to_endpoint::success(tag(2), 1));
        }
        rig.says(to_endpoint::refused(tag(3), 2));
        let seen = settle(&mut rig);
        assert!(
            seen.contains(&Seen::Notice(Event::Opened { channel: Channel::Entered(entered) })),
            "{seen:?}"
        );
        let refused = Event::Refused { channel: Channel::Own(second), reason: Reason::NameInUse, words: &[] };
        assert!(seen.contains(&Seen::Notice(refused)), "{seen:?}");
    }
}

/// A relay that grants a name twice (the offline transport does not look at names) is not believed.
#[test]
fn a_double_name_that_is_granted_is_given_back() {
    let mut rig = rig();
    let channel = open(&mut rig, b"chat", 4, CHUNKS);
    let (entered, _) = join(&mut rig, b"chat", channel, CHUNKS);
    let double = rig.out().create("chat", CHUNKS).unwrap();
    settle(&mut rig);
    rig.script.outgoing.clear();
    rig.says(to_endpoint::success(tag(2), 5));
    let refused = Event::Refused { channel: Channel::Own(double), reason: Reason::NameInUse, words: &[] };
    assert_eq!(settle(&mut rig), [Seen::Notice(refused)]);
    assert_eq!(rig.script.outgoing, [0, 3, 0, 1, 5]);
    assert_eq!(rig.out().delete(double), Err(SendError::NotOpen));
    assert!(rig.out().can_send(entered, 1), "the first one is not disturbed");
    rig.says(from_user(5, 1, &chunk(b"x")));
    assert_eq!(settle(&mut rig), []);
}

/// Both at once, and the users wait for the first: it is the one that stays.
#[test]
fn two_double_names_that_are_granted() {
    let mut rig = rig();
    let channels = [0, 1].map(|_| rig.out().create("chat", CHUNKS).unwrap());
    let entered = rig.out().enter("chat", CHUNKS).unwrap();
    rig.says([to_endpoint::success(tag(1), 0), to_endpoint::success(tag(2), 1)].concat());
    let seen = settle(&mut rig);
    let refused =
        Event::Refused { channel: Channel::Own(channels[1]), reason: Reason::NameInUse, words: &[] };
    assert_eq!(seen[..2], [Event::Opened { channel: Channel::Own(channels[0]) }, refused].map(Seen::Notice));
    assert!(seen.contains(&Seen::Notice(Event::Opened { channel: Channel::Entered(entered) })));
    assert_eq!(seen.len(), 4);
}

/// A channel that is given up before it is there keeps its name until it has been deleted.
#[test]
fn the_name_of_a_channel_that_was_given_up_is_in_use() {
    let mut rig = rig();
    let first = rig.out().create("chat", CHUNKS).unwrap();
    rig.out().delete(first).unwrap();
    let second = rig.out().create("chat", CHUNKS).unwrap();
    settle(&mut rig);
    rig.script.outgoing.clear();
    rig.says([to_endpoint::success(tag(1), 0), to_endpoint::success(tag(2), 1)].concat());
    let refused = Event::Refused { channel: Channel::Own(second), reason: Reason::NameInUse, words: &[] };
    assert_eq!(settle(&mut rig), [Seen::Notice(refused)]);
    assert_eq!(rig.script.outgoing, [0, 3, 0, 1, 0, 0, 3, 0, 1, 1]);
    let third = open(&mut rig, b"chat", 2, CHUNKS);
    assert!(rig.out().delete(third).is_ok());
}

/// The relay's users and local ones are in one channel, and told apart.
#[test]
fn remote_and_local_users_side_by_side() {
    let mut rig = rig();
    let channel = open(&mut rig, b"chat", 3, CHUNKS);
    let remote = rig.user(channel, 3, 0);
    let (entered, local) = join(&mut rig, b"chat", channel, CHUNKS);
    let mut users: Vec<User> = rig.out().users(channel).collect();
    users.sort_unstable();
    assert_eq!(users, [remote, local]);
    rig.out().send(entered, b"local").unwrap();
    rig.says(from_user(3, 0, &chunk(b"remote")));
    let seen = settle(&mut rig);
    assert_eq!(seen.len(), 2);
    assert!(seen.contains(&Seen::Chunk(from_user_of(channel, remote), b"remote".to_vec())));
    assert!(seen.contains(&Seen::Chunk(from_user_of(channel, local), b"local".to_vec())));
    rig.out().leave(entered).unwrap();
    settle(&mut rig);
    assert_eq!(rig.out().users(channel).collect::<Vec<_>>(), [remote]);
}

/// The same channel can be entered several times; each time is a user of its own.
#[test]
fn several_users_of_one_link() {
    let mut rig = rig();
    let channel = open(&mut rig, b"chat", 3, CHUNKS);
    let users: Vec<_> = (0..3).map(|_| join(&mut rig, b"chat", channel, CHUNKS)).collect();
    for (entered, user) in &users {
        rig.out().send(*entered, &user.number().to_be_bytes()).unwrap();
        rig.out().send((channel, *user), &user.number().to_le_bytes()).unwrap();
    }
    let seen = settle(&mut rig);
    for (entered, user) in users {
        let up = Seen::Chunk(from_user_of(channel, user), user.number().to_be_bytes().to_vec());
        let down = Seen::Chunk(from_server_of(entered), user.number().to_le_bytes().to_vec());
        assert!(seen.contains(&up) && seen.contains(&down), "{seen:?}");
    }
    assert_eq!(seen.len(), 6);
}
