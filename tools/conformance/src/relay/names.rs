//! Section 1: names and numbers.

use super::{Target, strict, tolerant};
use crate::case::{Case, Outcome};

pub(super) const CASES: &[Case] = &[
    tolerant("1.1-no-greeting", "the first bytes are a command, and it is answered", no_greeting),
    tolerant("1.2-names", "names are compared byte by byte, and may have 255 bytes", names),
    strict("1.2-names/empty", "a channel with an empty name, at once", empty_name),
    tolerant("1.2-numbers-apart", "numbers of own and entered channels are independent", numbers_apart),
    strict("1.2-own-limit", "128 own channels, and code 1 for the next", own_limit),
    strict("1.2-entered-limit", "128 entered channels, and code 5 for the next", entered_limit),
    strict("1.2-user-limit", "256 users, and code 4 for the next; needs 257 connections", user_limit),
    strict("1.3-late-reuse", "a user's number that has become free is not given out at once", late_reuse),
    strict(
        "1.3-late-reuse/entered",
        "nor is that of an entered channel that was deleted",
        late_reuse_entered,
    ),
    tolerant("1.4-order", "bytes of one sender arrive in order, without gaps", order),
];

fn no_greeting(target: &Target) -> Outcome {
    target.connect()?.create(&target.name("first")).map(drop)
}

fn names(target: &Target) -> Outcome {
    let mut peer = target.connect()?;
    let mut longest = target.name("long");
    longest.resize(255, 0xff);
    peer.create(&longest)?;
    peer.create(&target.name("name"))?;
    peer.create(&target.name("Name"))?;
    peer.create(&target.name("name\0"))?;
    peer.refused(0, &target.name("name"), 2)?;
    peer.refused(0, &longest, 2)?;
    longest.truncate(254);
    target.connect()?.refused(1, &longest, 1)
}

fn empty_name(target: &Target) -> Outcome {
    let mut peer = target.connect()?;
    // somebody else may have it: then it is refused at once
    match peer.ask(0, b"")? {
        (false, number) => peer.delete(number),
        (true, 2) => {}
        (true, code) => return Err(format!("refused with code {code}")),
    }
    peer.quiet()
}

fn numbers_apart(target: &Target) -> Outcome {
    let (mut one, mut other) = (target.connect()?, target.connect()?);
    let (mine, yours) = (target.name("mine"), target.name("yours"));
    let (own, theirs) = (one.create(&mine)?, other.create(&yours)?);
    let entered = one.enter(&yours)?;
    let one_there = other.user_entered(theirs)?;
    let other_entered = other.enter(&mine)?;
    let other_here = one.user_entered(own)?;
    one.say(entered, b"to the server");
    other.hear_user(theirs, one_there, b"to the server")?;
    one.say_to(own, other_here, b"to the user");
    other.hear(other_entered, b"to the user")?;
    // leaving the one leaves the other alone
    one.leave(entered);
    other.user_gone(theirs, one_there, 0)?;
    one.say_to(own, other_here, b"still there");
    other.hear(other_entered, b"still there")
}

fn own_limit(target: &Target) -> Outcome {
    let mut peer = target.connect()?;
    let mut numbers = Vec::new();
    for number in 0..128 {
        numbers.push(peer.create(&target.name(&number.to_string()))?);
    }
    numbers.sort_unstable();
    if numbers != (0..128).collect::<Vec<u8>>() {
        return Err(format!("the numbers given out are {numbers:?}"));
    }
    peer.refused(0, &target.name("too many"), 1)
}

fn entered_limit(target: &Target) -> Outcome {
    let (mut server, mut second, mut user) = (target.connect()?, target.connect()?, target.connect()?);
    for number in 0..128 {
        let name = target.name(&number.to_string());
        let own = server.create(&name)?;
        user.enter(&name)?;
        server.user_entered(own)?;
    }
    second.create(&target.name("too many"))?;
    user.refused(1, &target.name("too many"), 5)
}

fn user_limit(target: &Target) -> Outcome {
    let mut server = target.connect()?;
    let (name, mut users) = (target.name("full"), Vec::new());
    let own = server.create(&name)?;
    let mut numbers = Vec::new();
    for _ in 0..256 {
        let mut user = target.connect()?;
        user.enter(&name)?;
        numbers.push(server.user_entered(own)?);
        users.push(user);
    }
    numbers.sort_unstable();
    if numbers != (0..=255).collect::<Vec<u8>>() {
        return Err(format!("the numbers given out are {numbers:?}"));
    }
    target.connect()?.refused(1, &name, 4)
}

fn late_reuse(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    pair.user.leave(pair.entered);
    pair.server.user_gone(pair.own, pair.number, 0)?;
    let mut next = target.connect()?;
    next.enter(&target.name("room"))?;
    let number = pair.server.user_entered(pair.own)?;
    if number == pair.number {
        return Err(format!("number {number} was given to the next user at once"));
    }
    pair.server.say_to(pair.own, pair.number, b"late");
    pair.server.quiet()?;
    next.quiet()
}

fn late_reuse_entered(target: &Target) -> Outcome {
    let mut pair = target.pair("first")?;
    pair.server.delete(pair.own);
    pair.user.channel_gone(pair.entered, 0)?;
    let mut other = target.connect()?;
    other.create(&target.name("second"))?;
    let number = pair.user.enter(&target.name("second"))?;
    if number == pair.entered { Err(format!("number {number} was given out again at once")) } else { Ok(()) }
}

fn order(target: &Target) -> Outcome {
    let mut pair = target.pair("order")?;
    let all: Vec<u8> = (0..20_000_u32).flat_map(u32::to_le_bytes).collect();
    for piece in all.chunks(701) {
        pair.user.say(pair.entered, piece);
    }
    pair.server.hear_user(pair.own, pair.number, &all)?;
    for piece in all.chunks(701) {
        pair.server.say_to(pair.own, pair.number, piece);
    }
    pair.user.hear(pair.entered, &all)
}
