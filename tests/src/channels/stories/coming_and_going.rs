//! Channels come and go, and users in them.

use peote_net::Reason;
use peote_net::link::{Destination, SendError};

use super::CHUNKS;
use crate::channels::{Client, Heard, Server, Stage, Story};

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

/// A user that comes again is a new one; its old handle means nothing, and the others notice
/// nothing.
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
    story.send(0, Destination::All(server.channel), b"to all");
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
    // while the broadcast waits for room, what users say may come before the end
    let in_vain = |heard: &Heard| matches!(heard, Heard::Chunk(Some(_), said) if said == b"perhaps in vain");
    assert!(story.take().iter().all(in_vain));
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
