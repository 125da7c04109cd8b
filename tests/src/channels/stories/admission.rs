//! Doors.

use peote_net::Reason;
use peote_net::link::{Admission, Event, Flow, Out, SendError};

use super::CHUNKS;
use crate::channels::{Client, Heard, Server, Stage, Story};

/// A channel of the first role that asks.
fn door<S: Stage>(story: &mut Story<S>, name: &str) -> Server {
    let channel = story.out(0).create(name, CHUNKS).unwrap();
    story.out(0).set_admission(channel, Admission::Ask).unwrap();
    let server = Server { role: 0, channel };
    assert_eq!(story.next(server), Heard::Open);
    server
}

fn knock<S: Stage>(story: &mut Story<S>, role: usize, name: &str, words: &str) -> Client {
    Client { role, channel: story.out(role).enter_with(name, CHUNKS, words).unwrap() }
}

/// Who knows the password is in, others are told why they are not, and may try again.
pub fn a_password_at_the_door<S: Stage>(story: &mut Story<S>) {
    let server = door(story, "club");
    let mut doorman = |event: Event<'_>, out: &mut Out<'_>| -> Result<Flow, SendError> {
        match event {
            Event::Knock { channel, user, words: b"swordfish" } => out.admit(channel, user)?,
            Event::Knock { channel, user, .. } => out.refuse(channel, user, "wrong password")?,
            Event::UserEntered { channel, user } => out.send((channel, user), b"welcome")?,
            _ => {}
        }
        Ok(Flow::Continue)
    };
    let wrong = knock(story, 1, "club", "sole");
    let refused = Heard::RefusedWith(Reason::RefusedByServer, "wrong password".into());
    assert_eq!(story.next_of_with(wrong, &mut doorman), refused);
    assert!(matches!(story.next_with(server, &mut doorman), Heard::Knock(_, words) if words == "sole"));
    let mut users = Vec::new();
    for role in 1..=3 {
        let client = knock(story, role, "club", "swordfish");
        assert_eq!(story.next_of_with(client, &mut doorman), Heard::Open);
        assert_eq!(story.next_of_with(client, &mut doorman), Heard::Chunk(None, b"welcome".to_vec()));
        let Heard::Knock(user, words) = story.next(server) else { panic!() };
        assert_eq!((words.as_str(), story.next(server)), ("swordfish", Heard::Came(user)));
        users.push((client, user));
    }
    story.end(server, &users);
}

/// The answer comes when it comes; who does not wait for it is told of.
pub fn an_answer_that_comes_later<S: Stage>(story: &mut Story<S>) {
    let server = door(story, "club");
    let [patient, impatient] = [1, 2].map(|role| {
        let client = knock(story, role, "club", &format!("guest {role}"));
        let Heard::Knock(user, words) = story.next(server) else { panic!() };
        assert_eq!(words, format!("guest {role}"));
        (client, user)
    });
    story.out(2).leave(impatient.0.channel).unwrap();
    if story.is_on_one_link() {
        assert_eq!(story.next(server), Heard::KnockEnded(impatient.1));
    } else {
        // an endpoint has no way to say that it does not wait: it leaves when it is in
        story.out(0).admit(server.channel, impatient.1).unwrap();
        assert_eq!(story.next(server), Heard::Came(impatient.1));
        assert_eq!(story.next(server), Heard::Gone(impatient.1, Reason::OnPurpose));
    }
    story.out(0).admit(server.channel, patient.1).unwrap();
    assert_eq!(story.next_of(patient.0), Heard::Open);
    assert_eq!(story.next(server), Heard::Came(patient.1));
    story.end(server, &[patient]);
}

/// Open, full, closed: the program is not asked.
pub fn a_channel_that_is_full_or_closed<S: Stage>(story: &mut Story<S>) {
    let server = story.create(0, "club", CHUNKS);
    story.out(0).set_most_users(server.channel, 2).unwrap();
    let users = [1, 2].map(|role| story.enter(role, "club", CHUNKS, server));
    let third = knock(story, 3, "club", "let me in");
    assert_eq!(story.next_of(third), Heard::Refused(Reason::ChannelFull));
    story.out(0).set_admission(server.channel, Admission::Closed).unwrap();
    let third = knock(story, 3, "club", "let me in");
    assert_eq!(story.next_of(third), Heard::Refused(Reason::RefusedByServer));
    story.out(0).set_admission(server.channel, Admission::Open).unwrap();
    story.out(0).set_most_users(server.channel, 3).unwrap();
    let third = story.enter(3, "club", CHUNKS, server);
    story.end(server, &[users[0], users[1], third]);
}
