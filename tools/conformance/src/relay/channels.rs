//! Sections 3.2 and 4.2: commands and their answers.

use super::{Target, strict, tolerant};
use crate::case::{Case, Outcome};
use crate::wire::command;

pub(super) const CASES: &[Case] = &[
    tolerant("3.2-tag-returns", "several commands at once, each answered with its tag", tags),
    strict("3.2-framing", "a wrong length in leave and delete does not move what follows", framing),
    strict("3.2-numbers-not-in-use", "leave and delete of what is not open are ignored", not_in_use),
    strict("3.2-unknown", "an unknown command closes the connection, and its channels end", unknown),
    tolerant("4.2-success", "create, enter, leave, delete, and the same name again", success),
    tolerant("4.2-create-codes", "code 2: the name is in use", name_in_use),
    tolerant("4.2-enter-codes/none", "code 1: no channel has this name", no_channel),
    tolerant("4.2-enter-codes/own", "code 2: the channel is the connection's own", own_channel),
    tolerant("4.2-enter-codes/twice", "code 3: in the channel already", twice),
];

fn tags(target: &Target) -> Outcome {
    let mut peer = target.connect()?;
    let mut bytes = Vec::new();
    for tag in [7, 255, 1, 128] {
        bytes.extend(command(0, tag, &target.name(&tag.to_string())));
    }
    peer.send(&bytes);
    let mut numbers = Vec::new();
    for _ in 0..4 {
        // the order of answers is not promised
        let crate::wire::Unit::Control(answer) = peer.unit()? else { return Err("data came".into()) };
        let [tag, 0, number] = answer[..] else { return Err(format!("the answer is {answer:?}")) };
        numbers.push((tag, number));
    }
    numbers.sort_unstable();
    let tags: Vec<u8> = numbers.iter().map(|(tag, _)| *tag).collect();
    if tags == [1, 7, 128, 255] { Ok(()) } else { Err(format!("the tags that came back are {tags:?}")) }
}

fn framing(target: &Target) -> Outcome {
    let mut pair = target.pair("framing")?;
    let user = &mut pair.user;
    // too short, too long; 2 is leave, 3 is delete
    user.send(&[0, 2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 3, 99, 99, 99, 0, 3, 0, 3, 99, 1, 0]);
    user.quiet()?;
    pair.server.send(&[0, 3, 0, 0, 0, 2, 0, 2, 99, 99]);
    pair.server.quiet()?;
    pair.talk()
}

fn not_in_use(target: &Target) -> Outcome {
    let mut pair = target.pair("here")?;
    // of somebody else, and before the first channel
    let mut other = target.connect()?;
    for number in [0, 5, 127, 128, 255] {
        other.send(&[0, 2, 0, 1, number, 0, 3, 0, 1, number]);
    }
    other.quiet()?;
    // of an endpoint that has channels
    for number in [pair.own + 1, 127, 128, 255] {
        pair.server.delete(number);
    }
    pair.server.leave(0);
    pair.server.quiet()?;
    pair.user.delete(0);
    pair.user.quiet()?;
    pair.talk()
}

fn unknown(target: &Target) -> Outcome {
    let mut pair = target.pair("mine")?;
    pair.server.send(&command(77, 1, b"what"));
    pair.server.closed()?;
    pair.user.channel_gone(pair.entered, 1)?;
    pair.user.create(&target.name("mine")).map(drop)
}

fn success(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    pair.talk()?;
    pair.user.leave(pair.entered);
    pair.server.user_gone(pair.own, pair.number, 0)?;
    pair.server.delete(pair.own);
    pair.server.create(&target.name("room"))?;
    pair.user.enter(&target.name("room")).map(drop)
}

fn name_in_use(target: &Target) -> Outcome {
    let (mut one, mut other) = (target.connect()?, target.connect()?);
    one.create(&target.name("room"))?;
    other.refused(0, &target.name("room"), 2)?;
    one.refused(0, &target.name("room"), 2)
}

fn no_channel(target: &Target) -> Outcome {
    target.connect()?.refused(1, &target.name("room"), 1)
}

fn own_channel(target: &Target) -> Outcome {
    let mut peer = target.connect()?;
    peer.create(&target.name("room"))?;
    peer.refused(1, &target.name("room"), 2)
}

fn twice(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    pair.user.refused(1, &target.name("room"), 3)?;
    pair.talk()
}
