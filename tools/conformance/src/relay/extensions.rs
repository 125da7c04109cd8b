//! Section 11: extensions.

use super::{Pair, Target, strict};
use crate::case::Extension::{Announcement, Block, Remove};
use crate::case::{Case, Outcome};

pub(super) const CASES: &[Case] = &[
    strict("11.1-announce", "the announcement comes after the first byte", announce).needs(Announcement),
    strict("11.2-remove", "command 4 removes a user, with reason 2 for both, who may come back", remove)
        .needs(Remove),
    strict("11.2-ignored", "command 4 with a wrong length or for no user is ignored", |target| {
        ignored(target, 4)
    })
    .needs(Remove),
    strict("11.3-block", "command 5 keeps the connection out, with code 6, and no other", block).needs(Block),
    strict("11.3-block/ends", "a block ends with the channel", block_ends).needs(Block),
    strict("11.3-block/ignored", "command 5 with a wrong length or for no user is ignored", |target| {
        ignored(target, 5)
    })
    .needs(Block),
];

fn announce(target: &Target) -> Outcome {
    let mut peer = target.connect()?;
    // half a command
    peer.send(&[0]);
    peer.keepalive()?;
    let announced = peer.capabilities.ok_or("the first keepalive announces nothing")?;
    if announced & 128 == 0 { Ok(()) } else { Err("bit 7 is for transports that are no network".into()) }
}

fn order(pair: &mut Pair, command: u8) -> Outcome {
    pair.server.send(&[0, command, 0, 2, pair.own, pair.number]);
    pair.user.channel_gone(pair.entered, 2)?;
    pair.server.user_gone(pair.own, pair.number, 2)
}

fn remove(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    order(&mut pair, 4)?;
    pair.user.say(pair.entered, b"late");
    pair.user.quiet()?;
    pair.server.quiet()?;
    pair.user.enter(&target.name("room")).map(drop)
}

fn ignored(target: &Target, command: u8) -> Outcome {
    let mut pair = target.pair("room")?;
    let (own, number) = (pair.own, pair.number);
    for payload in [&[][..], &[own], &[own, number, 0], &[own, number.wrapping_add(1)], &[own + 1, number]] {
        pair.server.send(&crate::wire::command(command, 0, payload));
    }
    pair.server.quiet()?;
    // a user may not
    pair.user.send(&[0, command, 0, 2, pair.entered, number]);
    pair.user.quiet()?;
    pair.talk()
}

fn block(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    order(&mut pair, 5)?;
    pair.user.refused(1, &target.name("room"), 6)?;
    target.connect()?.enter(&target.name("room")).map(drop)
}

fn block_ends(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    order(&mut pair, 5)?;
    pair.server.delete(pair.own);
    pair.server.create(&target.name("room"))?;
    pair.user.enter(&target.name("room")).map(drop)
}
