//! What is said arrives, whole and in order, where it is meant to.

use peote_net::Reason;
use peote_net::link::{Destination, Event, Flow, Mode, Out, SendError, User};

use super::{CHUNKS, bytes};
use crate::channels::{CHUNK, Heard, ROOM, Server, Stage, Story};

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
    let greatest = bytes(ROOM - 100, 5);
    for (client, user) in &users {
        story.send(client.role, client.channel, &greatest);
        assert!(story.next(server) == Heard::Chunk(Some(*user), greatest.clone()));
        story.send(0, (server.channel, *user), &greatest);
        assert!(story.next_of(*client) == Heard::Chunk(None, greatest.clone()));
    }
    let too_great = bytes(ROOM, 0);
    let error = story.out(1).send(users[0].0.channel, &too_great);
    assert!(matches!(error, Err(SendError::QueueTooSmall { .. })), "{error:?}");
    story.end(server, &users);
}

/// Longer than ring and line.
pub fn a_chunk_in_parts<S: Stage>(story: &mut Story<S>) {
    let mode = Mode::chunks(100_000);
    let (server, users) = story.chat("parts", mode, 2);
    let whole = bytes(CHUNK, 3);
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
