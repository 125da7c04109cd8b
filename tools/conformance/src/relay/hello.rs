//! Sections 11.4 and 11.5: hello, and what began before it.

use super::partner::counts;
use super::{Pair, Target, strict};
use crate::case::Extension::Hello;
use crate::case::{Case, Outcome};
use crate::wire::{item, items, number, takes_part};

pub(super) const CASES: &[Case] = &[
    strict("11.4-answer", "a hello is answered with event 3, and counts", |target| {
        target.partner(1000).map(drop)
    })
    .needs(Hello),
    strict("11.4-counts", "it counts behind create and enter", counts_behind_commands).needs(Hello),
    strict("11.4-counts/not", "it does not behind data or leave, or without a window", counts_not)
        .needs(Hello),
    strict("11.4-items", "items that are unknown, too short, too long or cut are passed over", odd_items)
        .needs(Hello),
    strict("11.4-again", "a second hello is answered, the window stays that of the first", again)
        .needs(Hello),
    strict("11.4-partners-only", "existing servers and users notice nothing", partners_only).needs(Hello),
    strict("11.4-keepalive", "no keepalive before the interval that was agreed on; takes 10 s", keepalive)
        .needs(Hello),
    strict("11.5-raised", "a user that was in the channel before its hello", raised_user).needs(Hello),
    strict("11.5-raised/server", "a channel that was there before its server's hello", raised_server)
        .needs(Hello),
    strict("11.5-receive", "behind it comes what was said, and no more", raised_receives).needs(Hello),
    strict("11.5-later", "an answer to enter that comes behind the hello", raised_later).needs(Hello),
];

fn counts_behind_commands(target: &Target) -> Outcome {
    let mut peer = target.connect()?;
    peer.create(&target.name("own"))?;
    peer.refused(1, &target.name("none"), 1)?;
    peer.takes_part(1000)
}

fn counts_not(target: &Target) -> Outcome {
    for (before, hello) in [
        (&[2, 1, 7][..], takes_part(1000)),
        (&[0, 2, 0, 1, 0], takes_part(1000)),
        (&[], item(1, &[1])),
        (&[], takes_part(0)),
        (&[], item(6, &[0, 1, 0, 0])),
    ] {
        let (mut peer, mut server) = (target.connect()?, target.connect()?);
        peer.send(before);
        if counts(&peer.hello(&hello)?) {
            return Err(format!("a hello counts behind {before:?} with the items {hello:?}"));
        }
        // it is an existing endpoint from now on, which another hello does not change
        if counts(&peer.hello(&takes_part(1000))?) && !before.is_empty() {
            return Err(format!("a second hello counts behind {before:?}"));
        }
        if before.is_empty() {
            continue;
        }
        let own = server.create(&target.name("room"))?;
        server.joined_by(own, &mut peer, &target.name("room"))?;
        server.delete(own);
    }
    Ok(())
}

fn odd_items(target: &Target) -> Outcome {
    let window = 5000_u32.to_le_bytes();
    // none that is known, too short, longer than it has to be, cut
    let list = [
        item(99, &[1, 2, 3]),
        item(6, &[1, 2, 3]),
        item(2, &[]),
        item(1, &[1, 0, 7]),
        item(6, &[&window[..], &[9, 9]].concat()),
        item(100, &[]),
        vec![6, 4, 1, 0],
    ];
    let mut user = target.connect()?;
    user.takes_part = counts(&user.hello(&list.concat())?);
    let mut server = target.partner(1000)?;
    let own = server.create(&target.name("room"))?;
    match server.joined_by(own, &mut user, &target.name("room"))?.to_user {
        Some(5000) => Ok(()),
        told => Err(format!("the window of the hello is 5000, the server is told {told:?}")),
    }
}

fn again(target: &Target) -> Outcome {
    let (mut server, mut user) = (target.partner(1000)?, target.partner(2000)?);
    if !counts(&user.hello(&takes_part(70_000))?) {
        return Err("the second answer says that taking part is not in force".into());
    }
    let own = server.create(&target.name("room"))?;
    match server.joined_by(own, &mut user, &target.name("room"))?.to_user {
        Some(2000) => Ok(()),
        told => Err(format!("the window of the first hello is 2000, the server is told {told:?}")),
    }
}

fn partners_only(target: &Target) -> Outcome {
    let name = target.name("room");
    // `Pair` demands event 0 and the short answer where an end is an existing one
    let mut pair = Pair::new(target.connect()?, target.partner(1000)?, &name)?;
    pair.talk()?;
    pair.server.delete(pair.own);
    pair.user.channel_gone(pair.entered, 0)?;
    let mut pair = Pair::new(target.partner(1000)?, target.connect()?, &name)?;
    pair.talk()?;
    pair.user.quiet()
}

fn keepalive(target: &Target) -> Outcome {
    let (mut peer, mut existing) = (target.connect()?, target.connect()?);
    let answer = peer.hello(&[takes_part(1000), item(2, &3600_u32.to_le_bytes())].concat())?;
    let agreed = items(&answer).iter().find(|(kind, _)| *kind == 2).map(|(_, bytes)| number(bytes));
    let agreed = agreed.ok_or("the answer has no item 2")?;
    existing.quiet()?;
    existing.keepalive()?;
    existing.keepalive()?;
    peer.quiet()?;
    match peer.keepalives {
        1 => Ok(()),
        // a relay with narrow bounds
        _ if agreed < 12 => Ok(()),
        count => Err(format!("{count} keepalives have come in 10 s, agreed on is one every {agreed} s")),
    }
}

fn raised_user(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    pair.user.takes_part(1000)?;
    let (send, receive) = pair.user.raised(pair.entered, pair.number)?;
    if send == 0 || receive == 0 {
        return Err(format!("nothing is said yet, but send is {send} and receive {receive}"));
    }
    // its server says hello as well, and both ends have windows
    pair.server.takes_part(3000)?;
    let (send, _) = pair.server.raised(128 + pair.own, pair.number)?;
    if send == 1000 { pair.talk() } else { Err(format!("the user's window is 1000, send is {send}")) }
}

fn raised_server(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    pair.server.takes_part(3000)?;
    pair.server.raised(128 + pair.own, pair.number)?;
    pair.user.takes_part(1000)?;
    let (send, _) = pair.user.raised(pair.entered, pair.number)?;
    if send == 3000 { pair.talk() } else { Err(format!("the server's window is 3000, send is {send}")) }
}

fn raised_receives(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    pair.server.say_to(pair.own, pair.number, &[1; 100]);
    pair.user.hear(pair.entered, &[1; 100])?;
    pair.user.takes_part(1000)?;
    let (_, receive) = pair.user.raised(pair.entered, pair.number)?;
    let receive = receive as usize;
    if receive > 30_000 {
        return Err(format!("a window of 1000 is raised, and {receive} bytes may come"));
    }
    pair.server.say_to(pair.own, pair.number, &vec![2; receive + 50]);
    pair.user.hear(pair.entered, &vec![2; receive])?;
    pair.user.quiet()?;
    pair.user.grant(pair.entered, 49);
    pair.user.hear(pair.entered, &[2; 49])?;
    pair.user.quiet()
}

fn raised_later(target: &Target) -> Outcome {
    let (mut server, mut user) = (target.partner(3000)?, target.connect()?);
    let own = server.create(&target.name("room"))?;
    let tag = user.begin(1, &target.name("room"));
    let knock = server.knock(own)?;
    // it knocks as an existing endpoint, and is answered as one
    let hello = user.hello(&takes_part(1000))?;
    server.send(&knock.admit());
    let (entered, _) = user.has_entered(tag)?;
    let (send, _) = user.raised(entered, knock.user)?;
    match (counts(&hello), send) {
        (true, 3000) => Ok(()),
        other => Err(format!("the hello counts, and the server's window is 3000: {other:?} came")),
    }
}
