//! Parties that break the rules, and handlers that are not ready.

use peote_net::Reason;
use peote_net::link::{Event, Flow, Mode, Out, SendError};

use super::{CHUNKS, bytes};
use crate::channels::{Heard, Stage, Story};

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
    // the second one goes when the window is known
    for (client, user) in &users {
        for _ in 0..2 {
            story.send(client.role, client.channel, &[1; 100]);
            assert_eq!(story.next(server), Heard::Chunk(Some(*user), vec![1; 100]));
            story.send(0, (server.channel, *user), &[1; 100]);
            assert_eq!(story.next_of(*client), Heard::Chunk(None, vec![1; 100]));
        }
    }
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

/// Users send as fast as they can; the server answers each with more than it got. Everybody is made
/// to wait, and everything arrives.
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
