//! Sections 3.4 and 3.5: broadcasts and empty payloads.

use std::time::Duration;

use super::{Pair, Peer, Target, strict, tolerant};
use crate::case::{Case, Outcome};
use crate::wire::data;

pub(super) const CASES: &[Case] = &[
    tolerant("3.4-to-all", "a broadcast reaches all users as ordinary data", to_all),
    tolerant("3.4-but-one", "a broadcast to all but one", but_one),
    strict("3.4-but-one/nobody", "all but a user that is not there: all", but_nobody),
    tolerant("3.4-any-mode", "any mode but 0 is \"all\"", any_mode),
    tolerant("3.4-one-unit", "a prefix holds for one unit only", one_unit),
    strict("3.4-late-user", "who enters while a broadcast arrives gets none of its rest", late_user),
    tolerant("3.4-to-all/none", "a broadcast in a channel without users", without_users),
    strict("3.5-dropped/size-0", "a unit of size 0 is nothing", |target| empty(target, |_| vec![0x80, 0])),
    strict("3.5-dropped/user", "a user's empty data", |target| {
        empty(target, |pair| vec![0x80, 1, pair.entered])
    }),
    strict("3.5-dropped/server", "a server's empty data for one user", |target| {
        empty(target, |pair| vec![2, 128 + pair.own, pair.number])
    }),
    strict("3.5-dropped/to-all", "an empty broadcast, and then data for one user", |target| {
        empty(target, |pair| vec![1, 1, 1, 128 + pair.own])
    }),
    strict("3.5-dropped/but-one", "an empty broadcast to all but one, and then data for it", |target| {
        empty(target, |pair| vec![1, 0, 2, 128 + pair.own, pair.number])
    }),
];

/// A channel with two users: the second one, its number for the channel, and its number there.
fn two_users(target: &Target) -> Result<(Pair, Peer, u8, u8), String> {
    let mut pair = target.pair("room")?;
    let mut second = target.connect()?;
    let entered = second.enter(&target.name("room"))?;
    let number = pair.server.user_entered(pair.own)?;
    Ok((pair, second, entered, number))
}

fn to_all(target: &Target) -> Outcome {
    let (mut pair, mut second, entered, _) = two_users(target)?;
    let long: Vec<u8> = (0..32_765_u32).map(|at| at as u8).collect();
    for payload in [&b"all"[..], &[0], &long] {
        pair.server.say_to_all(pair.own, payload);
        pair.user.hear(pair.entered, payload)?;
        second.hear(entered, payload)?;
    }
    pair.server.quiet()
}

fn without_users(target: &Target) -> Outcome {
    let mut server = target.connect()?;
    let own = server.create(&target.name("empty"))?;
    server.say_to_all(own, b"nobody hears it");
    server.quiet()
}

fn but(pair: &mut Pair, user: u8, payload: &[u8]) {
    pair.server.send(&[&[1, 0], &data(&[128 + pair.own, user], payload)[..]].concat());
}

fn but_one(target: &Target) -> Outcome {
    let (mut pair, mut second, entered, number) = two_users(target)?;
    but(&mut pair, number, b"not the second");
    pair.user.hear(pair.entered, b"not the second")?;
    second.quiet()?;
    let first = pair.number;
    but(&mut pair, first, b"not the first");
    second.hear(entered, b"not the first")?;
    pair.user.quiet()
}

fn but_nobody(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    let nobody = pair.number.wrapping_add(100);
    but(&mut pair, nobody, b"all");
    pair.user.hear(pair.entered, b"all")
}

fn any_mode(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    for mode in [2, 127, 128, 255] {
        pair.server.send(&[1, mode, 3, 128 + pair.own, b'a', mode]);
        pair.user.hear(pair.entered, &[b'a', mode])?;
    }
    Ok(())
}

fn one_unit(target: &Target) -> Outcome {
    let (mut pair, mut second, entered, number) = two_users(target)?;
    let mut bytes = vec![1, 1, 2, 128 + pair.own, b'a'];
    bytes.extend(data(&[128 + pair.own, number], b"second"));
    pair.server.send(&bytes);
    pair.user.hear(pair.entered, b"a")?;
    second.hear(entered, b"asecond")?;
    pair.user.quiet()
}

fn late_user(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    let payload: Vec<u8> = (0..2000_u32).map(|at| (at % 251) as u8).collect();
    let bytes = [&[1, 1], &data(&[128 + pair.own], &payload)[..]].concat();
    let (first, rest) = bytes.split_at(1000);
    pair.server.send(first);
    // a relay may wait for the rest, so nothing has to come yet
    let patience = std::mem::replace(&mut pair.user.conn.patience, Duration::from_millis(500));
    let _ = pair.user.conn.peek();
    pair.user.conn.patience = patience;
    let mut late = target.connect()?;
    let entered = late.enter(&target.name("room"))?;
    pair.server.send(rest);
    pair.server.user_entered(pair.own)?;
    pair.server.say_to_all(pair.own, b"the end");
    pair.user.hear(pair.entered, &payload)?;
    let heard = late.until(entered, b"the end")?;
    if heard.is_empty() || heard == payload {
        return Ok(());
    }
    Err(format!("{} of {} bytes have reached a user who entered in between", heard.len(), payload.len()))
}

/// Nobody hears it, the connection goes on, and what follows reaches the one it is for only.
fn empty(target: &Target, bytes: fn(&Pair) -> Vec<u8>) -> Outcome {
    let (mut pair, mut second, entered, number) = two_users(target)?;
    let bytes = bytes(&pair);
    let is_of_user = bytes.len() == 3 && bytes[0] == 0x80;
    let sender = if is_of_user { &mut pair.user } else { &mut pair.server };
    sender.send(&bytes);
    sender.quiet()?;
    pair.server.say_to(pair.own, pair.number, b"first");
    pair.user.hear(pair.entered, b"first")?;
    second.quiet()?;
    pair.server.say_to(pair.own, number, b"second");
    second.hear(entered, b"second")?;
    pair.user.quiet()?;
    pair.talk()
}
