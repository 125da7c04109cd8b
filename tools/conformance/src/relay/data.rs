//! Sections 2, 3.3 and 4.6: sizes and data.

use super::{Target, strict, tolerant};
use crate::case::{Case, Outcome};

pub(super) const CASES: &[Case] = &[
    tolerant("2.2-one-byte", "units of the sizes 2 to 127", one_byte),
    tolerant("2.2-two-bytes", "sizes in two bytes, the high part first", two_bytes),
    tolerant("2.2-long-form", "a small size in two bytes", long_form),
    tolerant("2.3-greatest-sent", "32,765 payload bytes in one unit, both ways", greatest),
    strict("2.3-every-size", "a user's unit of size 32,767, and a server's", every_size),
    tolerant("3.3-user-data", "a user's data reaches the server with the user's number", user_data),
    tolerant("3.3-server-data", "a server's data reaches one user and no other", server_data),
    tolerant("3.3-nobody", "data for a user that has left, a channel that has ended", nobody),
    strict("3.3-nobody/never", "data for numbers that never were in use", never),
];

fn one_byte(target: &Target) -> Outcome {
    sizes(target, &(1..=125).collect::<Vec<usize>>())
}

fn two_bytes(target: &Target) -> Outcome {
    sizes(target, &[126, 127, 128, 253, 254, 255, 256, 257, 511, 512, 4096, 16_383, 16_384])
}

fn greatest(target: &Target) -> Outcome {
    sizes(target, &[32_764, 32_765, 32_765, 1])
}

/// Payloads of these lengths, both ways.
fn sizes(target: &Target, lens: &[usize]) -> Outcome {
    let mut pair = target.pair("sizes")?;
    for len in lens {
        let payload: Vec<u8> = (0..*len).map(|at| (at * 7 + len) as u8).collect();
        pair.user.say(pair.entered, &payload);
        pair.server.hear_user(pair.own, pair.number, &payload)?;
        pair.server.say_to(pair.own, pair.number, &payload);
        pair.user.hear(pair.entered, &payload)?;
    }
    Ok(())
}

fn long_form(target: &Target) -> Outcome {
    let mut pair = target.pair("long form")?;
    pair.user.send(&[0x80, 5, pair.entered, 1, 2, 3, 4]);
    pair.server.hear_user(pair.own, pair.number, &[1, 2, 3, 4])?;
    pair.server.send(&[0x80, 5, 128 + pair.own, pair.number, 5, 6, 7]);
    pair.user.hear(pair.entered, &[5, 6, 7])?;
    pair.server.send(&[1, 1, 0x80, 4, 128 + pair.own, 8, 9, 10]);
    pair.user.hear(pair.entered, &[8, 9, 10])
}

fn every_size(target: &Target) -> Outcome {
    let mut pair = target.pair("every size")?;
    for len in [32_766, 32_767] {
        let payload = vec![len as u8; len - 1];
        pair.user.send(&[&[0x80 | (len >> 8) as u8, len as u8, pair.entered], &payload[..]].concat());
        pair.server.hear_user(pair.own, pair.number, &payload)?;
        let payload = vec![len as u8; len - 1];
        let head = [1, 1, 0x80 | (len >> 8) as u8, len as u8, 128 + pair.own];
        pair.server.send(&[&head, &payload[..]].concat());
        pair.user.hear(pair.entered, &payload)?;
    }
    pair.talk()
}

fn user_data(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    let mut second = target.connect()?;
    let entered = second.enter(&target.name("room"))?;
    let number = pair.server.user_entered(pair.own)?;
    if number == pair.number {
        return Err(format!("two users have the number {number}"));
    }
    pair.user.say(pair.entered, b"one");
    pair.server.hear_user(pair.own, pair.number, b"one")?;
    second.say(entered, b"two");
    pair.server.hear_user(pair.own, number, b"two")
}

fn server_data(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    let mut second = target.connect()?;
    let entered = second.enter(&target.name("room"))?;
    let number = pair.server.user_entered(pair.own)?;
    pair.server.say_to(pair.own, number, b"for the second");
    second.hear(entered, b"for the second")?;
    pair.user.quiet()?;
    pair.talk()?;
    second.quiet()
}

fn nobody(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    pair.user.leave(pair.entered);
    pair.user.say(pair.entered, b"late");
    pair.server.user_gone(pair.own, pair.number, 0)?;
    pair.server.say_to(pair.own, pair.number, b"late");
    pair.server.quiet()?;
    pair.user.quiet()?;
    pair.server.delete(pair.own);
    pair.server.say_to_all(pair.own, b"late");
    pair.server.say_to(pair.own, pair.number, b"late");
    pair.server.quiet()
}

fn never(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    let mut stranger = target.connect()?;
    stranger.create(&target.name("other"))?;
    for peer in [&mut stranger, &mut pair.user] {
        peer.say(99, b"nobody");
        peer.say_to(99, 3, b"nobody");
        peer.say_to_all(99, b"nobody");
        peer.quiet()?;
    }
    pair.server.say_to(pair.own, pair.number.wrapping_add(1), b"nobody");
    pair.server.quiet()?;
    pair.talk()
}
