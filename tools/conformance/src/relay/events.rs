//! Sections 4.3 to 4.7: events, keepalives, reasons, and their order.

use std::time::Duration;

use super::{Target, strict, tolerant};
use crate::case::{Case, Outcome};

pub(super) const CASES: &[Case] = &[
    tolerant("4.3-entered", "the server is told of a user that enters", entered),
    tolerant("4.3-gone", "the server is told of a user that leaves, the user is not", gone),
    tolerant("4.3-channel-gone", "users are told that a channel ends, its server is not", channel_gone),
    tolerant("4.4-keepalive", "a keepalive after about 5 s of silence, and another; takes 10 s", keepalive),
    tolerant("4.5-purpose", "reason 0: left, or deleted, on purpose", purpose),
    tolerant("4.5-lost", "reason 1: the connection was lost", lost),
    tolerant("4.7-answer-first", "the answer to enter comes before the server's first data", answer_first),
    tolerant("4.7-data-between", "a user's data comes between its two events", data_between),
    strict("3.6-cleanup", "a closed connection leaves no channels and no users behind", cleanup),
];

fn entered(target: &Target) -> Outcome {
    target.pair("room").map(drop)
}

fn gone(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    pair.user.leave(pair.entered);
    pair.server.user_gone(pair.own, pair.number, 0)?;
    pair.user.quiet()
}

fn channel_gone(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    pair.server.delete(pair.own);
    pair.user.channel_gone(pair.entered, 0)?;
    pair.server.quiet()
}

fn keepalive(target: &Target) -> Outcome {
    let mut peer = target.connect()?;
    peer.quiet()?;
    peer.conn.patience = peer.conn.patience.max(Duration::from_secs(9));
    // the announcement of a relay with extensions is one as well
    let announced = peer.keepalives;
    while peer.keepalives < announced + 2 {
        peer.keepalive()?;
    }
    peer.quiet()
}

fn purpose(target: &Target) -> Outcome {
    gone(target)?;
    let mut pair = target.pair("other")?;
    pair.server.delete(pair.own);
    pair.user.channel_gone(pair.entered, 0)
}

fn lost(target: &Target) -> Outcome {
    let mut pair = target.pair("user")?;
    drop(pair.user);
    pair.server.user_gone(pair.own, pair.number, 1)?;
    let mut pair = target.pair("server")?;
    drop(pair.server);
    pair.user.channel_gone(pair.entered, 1)
}

fn answer_first(target: &Target) -> Outcome {
    let (mut server, name) = (target.connect()?, target.name("room"));
    let own = server.create(&name)?;
    let mut users = Vec::new();
    for _ in 0..8 {
        let mut user = target.connect()?;
        user.send(&crate::wire::command(1, 9, &name));
        let number = server.user_entered(own)?;
        server.say_to(own, number, b"welcome");
        let (refused, entered) = user.answer(9)?;
        if refused {
            return Err("refused".into());
        }
        user.hear(entered, b"welcome")?;
        users.push(user);
    }
    Ok(())
}

fn data_between(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    let mut user = target.connect()?;
    let entered = user.enter(&target.name("room"))?;
    user.say(entered, b"last words");
    user.leave(entered);
    let number = pair.server.user_entered(pair.own)?;
    pair.server.hear_user(pair.own, number, b"last words")?;
    pair.server.user_gone(pair.own, number, 0)
}

fn cleanup(target: &Target) -> Outcome {
    let mut pair = target.pair("mine")?;
    let mut other = target.connect()?;
    let theirs = other.create(&target.name("theirs"))?;
    pair.server.enter(&target.name("theirs"))?;
    let number = other.user_entered(theirs)?;
    // in the middle of a unit
    pair.server.send(&[100, 128 + pair.own, pair.number, 1, 2, 3]);
    drop(pair.server);
    other.user_gone(theirs, number, 1)?;
    other.create(&target.name("mine")).map(drop)
}
