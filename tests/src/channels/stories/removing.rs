//! Users are removed, and kept out.

use peote_net::Reason;
use peote_net::link::SendError;

use super::CHUNKS;
use crate::channels::{Client, Heard, Stage, Story};

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
