//! The stories.

use peote_net::Reason;
use peote_net::link::{Destination, Event, Flow, Mode, Out, SendError, User};
use peote_net::rpc::{self, Context, Message, Remote, remote};

use super::{Client, Heard, Memory, Server, Stage, Story};

const CHUNKS: Mode = Mode::chunks(1000);

fn bytes(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from((at * 7 + seed) % 251).unwrap()).collect()
}

/// From the first word to the last.
pub fn users_come_talk_and_go<S: Stage>(story: &mut Story<S>) {
    let (server, users) = story.chat("chat", CHUNKS, 3);
    assert!(users[0].1 != users[1].1 && users[1].1 != users[2].1 && users[0].1 != users[2].1);
    let mut known: Vec<User> = story.out(0).users(server.channel).collect();
    known.sort_unstable();
    let mut expected: Vec<User> = users.iter().map(|(_, user)| *user).collect();
    expected.sort_unstable();
    assert_eq!(known, expected);
    for (client, user) in &users {
        story.send(client.role, client.channel, &bytes(10, client.role));
        assert_eq!(story.next(server), Heard::Chunk(Some(*user), bytes(10, client.role)));
        story.send(0, (server.channel, *user), &bytes(20, client.role));
        assert_eq!(story.next_of(*client), Heard::Chunk(None, bytes(20, client.role)));
    }
    story.end(server, &users);
    for (client, user) in users {
        story.out(client.role).leave(client.channel).unwrap();
        assert_eq!(story.next(server), Heard::Gone(user, Reason::OnPurpose));
    }
    assert_eq!(story.out(0).users(server.channel).count(), 0);
    assert_eq!(story.rest(), Vec::<String>::new());
}

/// Every number of length bytes, and the lengths where codes change.
pub fn chunks_of_every_mode<S: Stage>(story: &mut Story<S>) {
    for max in [1, 256, 257, 32_768, 32_769, 100_000] {
        let name = format!("at most {max}");
        let mode = Mode::chunks(max);
        let server = story.create(0, &name, mode);
        let (client, user) = story.enter(1, &name, mode, server);
        for len in [1, 2, 127, 128, 129, 255, 256, 257, 1000, 16_384, 16_385, 32_768, 32_769, 50_000] {
            if len > max as usize {
                let error = SendError::ChunkTooLarge { len, max };
                assert_eq!(story.out(1).send(client.channel, &bytes(len, 0)), Err(error));
                continue;
            }
            story.send(1, client.channel, &bytes(len, 1));
            story.send(0, (server.channel, user), &bytes(len, 2));
            assert!(story.next(server) == Heard::Chunk(Some(user), bytes(len, 1)), "{len} of {max}");
            assert!(story.next_of(client) == Heard::Chunk(None, bytes(len, 2)), "{len} of {max}");
        }
        story.out(0).delete(server.channel).unwrap();
        assert_eq!(story.next_of(client), Heard::Over(Reason::OnPurpose));
    }
    assert_eq!(story.rest(), Vec::<String>::new());
}

/// Both ways at once; where it is cut means nothing.
pub fn raw_data_is_a_stream<S: Stage>(story: &mut Story<S>) {
    let (server, users) = story.chat("raw", Mode::Data, 1);
    let (client, user) = users[0];
    let (up, down) = (bytes(150_000, 1), bytes(150_000, 2));
    let (mut sent_up, mut sent_down) = (&up[..], &down[..]);
    let (mut got_up, mut got_down) = (Vec::new(), Vec::new());
    let mut step = 0;
    let mut listen = |event: Event<'_>, _: &mut Out<'_>| {
        assert!(matches!(event, Event::Data { bytes, .. } if !bytes.is_empty()));
        Ok(Flow::Continue)
    };
    while got_up.len() < up.len() || got_down.len() < down.len() {
        step += 1;
        for (role, to, left) in [
            (1, Destination::Server(client.channel), &mut sent_up),
            (0, Destination::User(server.channel, user), &mut sent_down),
        ] {
            let len = (step * 1_237 % 9_000 + 1).min(left.len());
            if len > 0 && story.out(role).send(to, &left[..len]).is_ok() {
                *left = &left[len..];
            }
        }
        story.turn(&mut listen);
        for heard in story.take() {
            match heard {
                Heard::Data(Some(by), bytes) if by == user => got_up.extend(bytes),
                Heard::Data(None, bytes) => got_down.extend(bytes),
                other => panic!("{other:?}"),
            }
        }
        assert!(step < 1_000_000);
    }
    assert!(got_up == up && got_down == down);
}

/// As long as the ring holds, to one and to all.
pub fn the_greatest_chunks<S: Stage>(story: &mut Story<S>) {
    let mode = Mode::chunks(100_000);
    let (server, users) = story.chat("great", mode, 3);
    let greatest = bytes(Memory::ROOM - 100, 5);
    for (client, user) in &users {
        story.send(client.role, client.channel, &greatest);
        assert!(story.next(server) == Heard::Chunk(Some(*user), greatest.clone()));
        story.send(0, (server.channel, *user), &greatest);
        assert!(story.next_of(*client) == Heard::Chunk(None, greatest.clone()));
    }
    let too_great = bytes(Memory::ROOM, 0);
    let error = story.out(1).send(users[0].0.channel, &too_great);
    assert!(matches!(error, Err(SendError::RingTooSmall { .. })), "{error:?}");
    story.end(server, &users);
}

/// Longer than ring and line.
pub fn a_chunk_in_parts<S: Stage>(story: &mut Story<S>) {
    let mode = Mode::chunks(100_000);
    let (server, users) = story.chat("parts", mode, 2);
    let whole = bytes(Memory::CHUNK, 3);
    let (client, user) = users[0];
    for (role, to) in [
        (0, Destination::User(server.channel, user)),
        (0, Destination::All(server.channel)),
        (client.role, Destination::Server(client.channel)),
    ] {
        story.out(role).begin_chunk(to, whole.len()).unwrap();
        story.until("the whole chunk to be written", &mut |_, _| Ok(Flow::Continue), |story| {
            let mut out = story.out(role);
            let at = whole.len() - out.unfinished();
            match out.write_chunk(&whole[at..]) {
                Ok(_) | Err(SendError::WouldBlock) => {}
                Err(error) => panic!("{error}"),
            }
            (out.unfinished() == 0).then_some(())
        });
        match to {
            Destination::Server(_) => assert!(story.next(server) == Heard::Chunk(Some(user), whole.clone())),
            _ => assert!(story.next_of(client) == Heard::Chunk(None, whole.clone())),
        }
        if matches!(to, Destination::All(_)) {
            assert!(story.next_of(users[1].0) == Heard::Chunk(None, whole.clone()));
        }
    }
    story.end(server, &users);
}

/// To all, and to all but each of them.
pub fn broadcasts_with_and_without_exclusion<S: Stage>(story: &mut Story<S>) {
    let (server, users) = story.chat("all", CHUNKS, 4);
    for round in 0..3 {
        story.send(0, Destination::All(server.channel), &bytes(30, round));
        for (client, _) in &users {
            assert_eq!(story.next_of(*client), Heard::Chunk(None, bytes(30, round)));
        }
        for (_, left_out) in &users {
            story.send(0, Destination::AllBut(server.channel, *left_out), &bytes(500, round));
            for (client, user) in &users {
                if user != left_out {
                    assert_eq!(story.next_of(*client), Heard::Chunk(None, bytes(500, round)));
                }
            }
        }
    }
    story.end(server, &users);
}

/// Longer than a unit can be.
pub fn a_broadcast_of_several_units<S: Stage>(story: &mut Story<S>) {
    let mode = Mode::chunks(100_000);
    let (server, users) = story.chat("long", mode, 3);
    let long = bytes(50_000, 9);
    story.send(0, Destination::AllBut(server.channel, users[1].1), &long);
    for place in [0, 2] {
        assert!(story.next_of(users[place].0) == Heard::Chunk(None, long.clone()));
    }
    story.end(server, &users);
}

/// 0 to 255 bytes, of any value.
pub fn names_of_every_length<S: Stage>(story: &mut Story<S>) {
    for len in [1, 0, 2, 17, 64, 65, 254, 255] {
        let name = vec![200; len];
        let server = story.create(0, &name, CHUNKS);
        let (client, user) = story.enter(1, &name, CHUNKS, server);
        story.end(server, &[(client, user)]);
        story.out(0).delete(server.channel).unwrap();
        assert_eq!(story.next_of(client), Heard::Over(Reason::OnPurpose));
    }
    assert_eq!(story.out(0).create(vec![1; 256], CHUNKS), Err(SendError::NameTooLong { len: 256 }));
    assert_eq!(story.out(1).enter(vec![1; 256], CHUNKS), Err(SendError::NameTooLong { len: 256 }));
}

/// A removed user hears why, and may come again.
pub fn a_user_is_removed_and_comes_again<S: Stage>(story: &mut Story<S>) {
    let (server, mut users) = story.chat("removed", CHUNKS, 2);
    let (client, user) = users[0];
    story.out(0).remove_user(server.channel, user).unwrap();
    assert_eq!(story.next_of(client), Heard::Over(Reason::Kicked));
    assert_eq!(story.next(server), Heard::Gone(user, Reason::Kicked));
    assert_eq!(story.out(0).remove_user(server.channel, user), Err(SendError::NotOpen));
    assert_eq!(story.out(0).send((server.channel, user), b"x"), Err(SendError::NotOpen));
    assert_eq!(story.out(1).leave(client.channel), Err(SendError::NotOpen));
    users[0] = story.enter(1, "removed", CHUNKS, server);
    story.end(server, &users);
}

/// A blocked user does not come again, unless the channel is another one of the same name.
pub fn a_blocked_user_stays_out_until_the_channel_is_deleted<S: Stage>(story: &mut Story<S>) {
    let (server, users) = story.chat("blocked", CHUNKS, 2);
    let (client, user) = users[0];
    story.out(0).block_user(server.channel, user).unwrap();
    assert_eq!(story.next_of(client), Heard::Over(Reason::Kicked));
    assert_eq!(story.next(server), Heard::Gone(user, Reason::Kicked));
    for _ in 0..3 {
        let again = Client { role: 1, channel: story.out(1).enter("blocked", CHUNKS).unwrap() };
        assert_eq!(story.next_of(again), Heard::Refused(Reason::Blocked));
    }
    // the other one stays
    story.end(server, &users[1..]);
    story.out(0).delete(server.channel).unwrap();
    assert_eq!(story.next_of(users[1].0), Heard::Over(Reason::OnPurpose));
    let (server, users) = story.chat("blocked", CHUNKS, 2);
    story.end(server, &users);
}

/// Whoever is first: both sides end once, and the numbers of others are not touched.
pub fn a_user_leaves_while_it_is_removed<S: Stage>(story: &mut Story<S>) {
    let (server, mut users) = story.chat("both", CHUNKS, 3);
    for (server_first, place) in [(true, 0), (false, 1), (true, 2)] {
        let (client, user) = users[place];
        if server_first {
            story.out(0).remove_user(server.channel, user).unwrap();
        }
        story.out(client.role).leave(client.channel).unwrap();
        if !server_first {
            story.out(0).block_user(server.channel, user).unwrap();
        }
        assert!(
            matches!(story.next(server), Heard::Gone(gone, Reason::OnPurpose | Reason::Kicked) if gone == user)
        );
        assert_eq!(story.out(0).remove_user(server.channel, user), Err(SendError::NotOpen));
    }
    // whether the second one was blocked is a matter of who came first, so it is a new channel
    story.out(0).delete(server.channel).unwrap();
    let server = story.create(0, "both", CHUNKS);
    users = (1..=2).map(|role| story.enter(role, "both", CHUNKS, server)).collect();
    // deleted at the same moment: one end, for one of the two reasons
    story.out(0).remove_user(server.channel, users[0].1).unwrap();
    story.out(0).delete(server.channel).unwrap();
    assert_eq!(story.next_of(users[0].0), Heard::Over(Reason::Kicked));
    assert_eq!(story.next_of(users[1].0), Heard::Over(Reason::OnPurpose));
    assert_eq!(story.rest(), Vec::<String>::new());
}

/// Whoever asks for it: the first channel stays undisturbed.
pub fn a_name_that_is_in_use<S: Stage>(story: &mut Story<S>) {
    let (server, users) = story.chat("taken", CHUNKS, 2);
    for role in [0, 1, 2, 3, 0] {
        let second = Server { role, channel: story.out(role).create("taken", CHUNKS).unwrap() };
        assert_eq!(story.next(second), Heard::Refused(Reason::NameInUse), "role {role}");
        assert_eq!(story.out(role).delete(second.channel), Err(SendError::NotOpen));
        story.end(server, &users);
    }
    story.out(0).delete(server.channel).unwrap();
    for (client, _) in &users {
        assert_eq!(story.next_of(*client), Heard::Over(Reason::OnPurpose));
    }
    story.create(2, "taken", CHUNKS);
    assert_eq!(story.rest(), Vec::<String>::new());
}

/// Not there yet, not any more, nearly the same.
pub fn a_name_that_nobody_has<S: Stage>(story: &mut Story<S>) {
    let refused = |story: &mut Story<S>, name: &str| {
        let client = Client { role: 1, channel: story.out(1).enter(name, CHUNKS).unwrap() };
        assert_eq!(story.next_of(client), Heard::Refused(Reason::NoSuchChannel), "{name}");
        assert_eq!(story.out(1).send(client.channel, b"x"), Err(SendError::NotOpen));
        assert_eq!(story.out(1).leave(client.channel), Err(SendError::NotOpen));
    };
    refused(story, "chat");
    let server = story.create(0, "chat", CHUNKS);
    for name in ["", "cha", "chat ", "CHAT", "other"] {
        refused(story, name);
    }
    let users = [story.enter(1, "chat", CHUNKS, server)];
    story.end(server, &users);
    story.out(0).delete(server.channel).unwrap();
    assert_eq!(story.next_of(users[0].0), Heard::Over(Reason::OnPurpose));
    refused(story, "chat");
    assert_eq!(story.rest(), Vec::<String>::new());
}

/// A user that comes again is a new one; its old handle means nothing, and the others notice nothing.
pub fn leaving_and_coming_again<S: Stage>(story: &mut Story<S>) {
    let (server, mut users) = story.chat("door", CHUNKS, 3);
    for _ in 0..4 {
        let (old, gone) = users[1];
        story.out(old.role).leave(old.channel).unwrap();
        assert_eq!(story.next(server), Heard::Gone(gone, Reason::OnPurpose));
        assert_eq!(story.out(0).send((server.channel, gone), b"x"), Err(SendError::NotOpen));
        story.send(0, Destination::All(server.channel), b"without you");
        for place in [0, 2] {
            assert_eq!(story.next_of(users[place].0), Heard::Chunk(None, b"without you".to_vec()));
        }
        let again = story.enter(old.role, "door", CHUNKS, server);
        assert_ne!(again.0.channel, old.channel);
        assert_ne!(again.1, gone, "numbers are reused late");
        assert_eq!(story.out(old.role).send(old.channel, b"x"), Err(SendError::NotOpen));
        assert_eq!(story.out(old.role).leave(old.channel), Err(SendError::NotOpen));
        users[1] = again;
        story.end(server, &users);
    }
}

/// What was said before leaving is heard before the leaving.
pub fn leaving_with_data_under_way<S: Stage>(story: &mut Story<S>) {
    let (server, users) = story.chat("words", CHUNKS, 2);
    let (client, user) = users[0];
    story.out(0).send((server.channel, user), b"perhaps in vain").unwrap();
    for word in [&b"famous"[..], b"last", b"words"] {
        story.out(client.role).send(client.channel, word).unwrap();
    }
    story.out(client.role).leave(client.channel).unwrap();
    for word in [&b"famous"[..], b"last", b"words"] {
        assert_eq!(story.next(server), Heard::Chunk(Some(user), word.to_vec()));
    }
    assert_eq!(story.next(server), Heard::Gone(user, Reason::OnPurpose));
    story.end(server, &users[1..]);
}

/// The same from the server.
pub fn deleting_with_data_under_way<S: Stage>(story: &mut Story<S>) {
    let (server, users) = story.chat("words", CHUNKS, 2);
    for (client, _) in &users {
        story.out(client.role).send(client.channel, b"perhaps in vain").unwrap();
    }
    story.out(0).send(Destination::All(server.channel), b"to all").unwrap();
    story.out(0).send((server.channel, users[1].1), b"to one").unwrap();
    story.out(0).delete(server.channel).unwrap();
    for (client, _) in &users {
        assert_eq!(story.next_of(*client), Heard::Chunk(None, b"to all".to_vec()));
    }
    assert_eq!(story.next_of(users[1].0), Heard::Chunk(None, b"to one".to_vec()));
    for (client, _) in &users {
        assert_eq!(story.next_of(*client), Heard::Over(Reason::OnPurpose));
        assert_eq!(story.out(client.role).send(client.channel, b"x"), Err(SendError::NotOpen));
        assert_eq!(story.out(client.role).leave(client.channel), Err(SendError::NotOpen));
    }
    assert_eq!(story.rest(), Vec::<String>::new());
}

/// The name is free at once, and handles of the old channel do not mean the new one.
pub fn deleting_and_creating_again<S: Stage>(story: &mut Story<S>) {
    let mut old = story.chat("phoenix", CHUNKS, 2);
    for _ in 0..5 {
        story.out(0).delete(old.0.channel).unwrap();
        let server = story.create(0, "phoenix", CHUNKS);
        for (client, _) in &old.1 {
            assert_eq!(story.next_of(*client), Heard::Over(Reason::OnPurpose));
        }
        let users: Vec<_> =
            [1, 2].into_iter().map(|role| story.enter(role, "phoenix", CHUNKS, server)).collect();
        assert_eq!(story.out(0).send(Destination::All(old.0.channel), b"x"), Err(SendError::NotOpen));
        assert_eq!(story.out(0).send((old.0.channel, users[0].1), b"x"), Err(SendError::NotOpen));
        for (client, _) in &old.1 {
            assert_eq!(story.out(client.role).send(client.channel, b"x"), Err(SendError::NotOpen));
        }
        story.end(server, &users);
        old = (server, users);
    }
}

/// Each role has a channel of its own, and is in those of the others.
pub fn several_channels_at_once<S: Stage>(story: &mut Story<S>) {
    let servers: Vec<Server> = (0..3).map(|role| story.create(role, format!("of {role}"), CHUNKS)).collect();
    let mut members = Vec::new();
    for (owner, server) in servers.iter().enumerate() {
        let users: Vec<_> = (0..3)
            .filter(|&role| role != owner)
            .map(|role| story.enter(role, format!("of {owner}"), CHUNKS, *server))
            .collect();
        members.push(users);
    }
    for round in 0..10 {
        for (owner, server) in servers.iter().enumerate() {
            story.out(owner).send(Destination::All(server.channel), &bytes(40 + round, owner)).unwrap();
            for (client, _) in &members[owner] {
                story.out(client.role).send(client.channel, &bytes(60 + round, client.role)).unwrap();
            }
        }
        for (owner, server) in servers.iter().enumerate() {
            let mut missing: Vec<Heard> = members[owner]
                .iter()
                .map(|(client, user)| Heard::Chunk(Some(*user), bytes(60 + round, client.role)))
                .collect();
            for (client, _) in &members[owner] {
                assert_eq!(story.next_of(*client), Heard::Chunk(None, bytes(40 + round, owner)));
                let came = story.next(*server);
                let at = missing.iter().position(|heard| *heard == came);
                missing.remove(at.unwrap_or_else(|| panic!("{came:?} is none of {missing:?}")));
            }
        }
    }
    for (owner, server) in servers.iter().enumerate() {
        story.end(*server, &members[owner]);
    }
}

/// Its number tells that it did not come through a relay; all else is the same.
pub fn a_server_that_enters_its_own_channel<S: Stage>(story: &mut Story<S>) {
    let server = story.create(0, "mine", CHUNKS);
    let mut users = vec![story.enter(1, "mine", CHUNKS, server)];
    users.push(story.enter(0, "mine", CHUNKS, server));
    assert!(users[1].1.number() >= 256);
    for left_out in [0, 1] {
        story.send(0, Destination::AllBut(server.channel, users[left_out].1), b"one of you");
        assert_eq!(story.next_of(users[1 - left_out].0), Heard::Chunk(None, b"one of you".to_vec()));
    }
    story.end(server, &users);
    story.out(0).leave(users[1].0.channel).unwrap();
    assert_eq!(story.next(server), Heard::Gone(users[1].1, Reason::OnPurpose));
    story.end(server, &users[..1]);
}

/// It is told of once, passed over from then on, and nobody else is disturbed.
pub fn a_malicious_user<S: Stage>(story: &mut Story<S>) {
    let server = story.create(0, "trap", Mode::chunks(100));
    let good = story.enter(1, "trap", Mode::chunks(100), server);
    let (bad, bad_user) = story.enter(2, "trap", Mode::Data, server);
    // a chunk of 3 bytes, one of 101, and more
    story.send(2, bad.channel, &[2, 1, 2, 3, 100, 0, 1, 2, 3]);
    story.send(2, bad.channel, &[0, 1]);
    assert_eq!(story.next(server), Heard::Chunk(Some(bad_user), vec![1, 2, 3]));
    assert_eq!(story.next(server), Heard::Malicious(Some(bad_user)));
    story.send(2, bad.channel, &[0, 1]);
    story.out(2).leave(bad.channel).unwrap();
    assert_eq!(story.next(server), Heard::Gone(bad_user, Reason::OnPurpose));
    story.end(server, &[good]);
}

/// The same the other way round.
pub fn a_malicious_server<S: Stage>(story: &mut Story<S>) {
    let server = story.create(0, "bait", Mode::Data);
    let (client, user) = story.enter(1, "bait", Mode::chunks(100), server);
    story.send(0, (server.channel, user), &[0, 7, 200]);
    story.send(0, (server.channel, user), &[0, 7]);
    assert_eq!(story.next_of(client), Heard::Chunk(None, vec![7]));
    assert_eq!(story.next_of(client), Heard::Malicious(None));
    story.out(0).delete(server.channel).unwrap();
    assert_eq!(story.next_of(client), Heard::Over(Reason::OnPurpose));
    assert_eq!(story.rest(), Vec::<String>::new());
}

/// Whatever the event: it comes again as it was, and nothing is lost or out of order.
pub fn handlers_that_want_events_again<S: Stage>(story: &mut Story<S>) {
    let (server, users) = story.chat("again", CHUNKS, 2);
    for round in 0..50 {
        for (client, user) in &users {
            story.out(client.role).send(client.channel, &bytes(20 + round, round)).unwrap();
            story.out(0).send((server.channel, *user), &bytes(30 + round, round)).unwrap();
        }
    }
    let mut count = 0;
    let mut moody = |_: Event<'_>, _: &mut Out<'_>| {
        count += 1;
        Ok(if count % 3 == 0 { Flow::Continue } else { Flow::Again })
    };
    let mut rounds = [0; 2];
    // the program looks again now and then, as handlers that wait for something else make it
    story.nag(true);
    for _ in 0..100 {
        let Heard::Chunk(Some(user), chunk) = story.next_with(server, &mut moody) else { panic!() };
        let place = users.iter().position(|(_, other)| *other == user).unwrap();
        assert_eq!(chunk, bytes(20 + rounds[place], rounds[place]));
        rounds[place] += 1;
    }
    for (client, _) in &users {
        for round in 0..50 {
            assert_eq!(story.next_of_with(*client, &mut moody), Heard::Chunk(None, bytes(30 + round, round)));
        }
    }
    story.nag(false);
    story.end(server, &users);
}

/// Users send as fast as they can; the server answers each with more than it got. Everybody is made to wait, and everything arrives.
pub fn a_slow_server<S: Stage>(story: &mut Story<S>) {
    let (server, users) = story.chat("slow", CHUNKS, 2);
    let mut echo = |event: Event<'_>, out: &mut Out<'_>| {
        let Event::Chunk { from: from @ peote_net::link::Source::User { .. }, bytes } = event else {
            return Ok(Flow::Continue);
        };
        match out.send_parts(from, &[bytes, b" yourself"]) {
            Err(SendError::WouldBlock) => Ok(Flow::Again),
            sent => sent.map(|()| Flow::Continue),
        }
    };
    let mut sent = [0; 2];
    let mut got = [0; 2];
    for _ in 0..1_000_000 {
        for (place, (client, _)) in users.iter().enumerate() {
            while sent[place] < 400 {
                let len = 800 + sent[place] % 100;
                match story.out(client.role).send(client.channel, &bytes(len, sent[place])) {
                    Ok(()) => sent[place] += 1,
                    Err(error) => {
                        assert_eq!(error, SendError::WouldBlock);
                        break;
                    }
                }
            }
        }
        story.turn(&mut echo);
        for heard in story.take() {
            if let Heard::Chunk(None, bytes_back) = heard {
                let place = (0..2)
                    .find(|&place| {
                        let number: usize = got[place];
                        bytes_back == [&bytes(800 + number % 100, number)[..], b" yourself"].concat()
                    })
                    .expect("an answer that is next for somebody");
                got[place] += 1;
            }
        }
        if got == [400, 400] {
            story.end(server, &users);
            return;
        }
    }
    panic!("only {got:?} of {sent:?}");
}

#[remote]
trait Calculator {
    fn add(&mut self, context: &mut Context<'_>, a: i32, b: i32) -> Result<(), SendError>;
    fn name(&mut self, name: &str);
}

#[remote]
trait Display {
    fn show(&mut self, number: i32);
}

#[derive(Default)]
struct Desk {
    named: Vec<String>,
    shown: Vec<i32>,
}

impl Calculator for Desk {
    fn add(&mut self, context: &mut Context<'_>, a: i32, b: i32) -> Result<(), SendError> {
        DisplayCaller::new(Remote::assume(context.from(), 9)).show(context.out(), a + b)
    }
    fn name(&mut self, name: &str) {
        self.named.push(name.to_owned());
    }
}

impl Display for Desk {
    fn show(&mut self, number: i32) {
        self.shown.push(number);
    }
}

/// Objects are offered, called, and call back.
pub fn remote_procedures<S: Stage>(story: &mut Story<S>) {
    let (server, users) = story.chat("desk", Mode::default(), 2);
    for (_, user) in &users {
        rpc::offer(&mut story.out(0), (server.channel, *user), 4).unwrap();
    }
    let mut desk = Desk::default();
    let mut offers = 0;
    let mut serve = |event: Event<'_>, out: &mut Out<'_>| {
        let Event::Chunk { from, bytes } = event else { return Ok(Flow::Continue) };
        match Message::read(from, bytes) {
            Some(Message::Offer(remote)) => {
                assert_eq!(remote.object(), 4);
                offers += 1;
                let caller = CalculatorCaller::new(remote);
                caller.name(out, "a name")?;
                caller.add(out, 40, offers)?;
            }
            Some(Message::Call(call)) => {
                let called = match call.object() {
                    4 => Calculator::dispatch(&mut desk, &call, out),
                    9 => Display::dispatch(&mut desk, &call, out),
                    _ => Err(call.unknown_object()),
                };
                return called.or_else(rpc::Error::pass_over);
            }
            None => panic!("no message: {bytes:?}"),
        }
        Ok(Flow::Continue)
    };
    for (client, _) in &users {
        // the offer, and the answer
        for _ in 0..2 {
            assert!(matches!(story.next_of_with(*client, &mut serve), Heard::Chunk(None, _)));
        }
    }
    desk.shown.sort_unstable();
    assert_eq!(desk.shown, [41, 42]);
    assert_eq!(desk.named, ["a name", "a name"]);
}
