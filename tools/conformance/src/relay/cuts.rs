//! Section 5: cuts.

use super::{Target, tolerant};
use crate::case::{Case, Outcome};
use crate::wire::{Unit, command, data};

pub(super) const CASES: &[Case] = &[
    tolerant("5-tcp-cut", "commands, data and broadcasts, byte by byte", byte_by_byte),
    tolerant("5-tcp-cut/all", "everything in one write", in_one),
    tolerant("5-not-merged", "two units that arrive together stay two", not_merged),
];

fn byte_by_byte(target: &Target) -> Outcome {
    let (mut server, mut user) = (target.connect()?, target.connect()?);
    let name = target.name("room");
    slowly(&mut server, &command(0, 3, &name));
    let (_, own) = server.answer(3)?;
    slowly(&mut user, &command(1, 200, &name));
    let (_, entered) = user.answer(200)?;
    let number = server.user_entered(own)?;
    let long = vec![b'x'; 130];
    for payload in [&b"abc"[..], &long] {
        slowly(&mut user, &data(&[entered], payload));
        server.hear_user(own, number, payload)?;
        slowly(&mut server, &data(&[128 + own, number], payload));
        user.hear(entered, payload)?;
        slowly(&mut server, &[&[1, 1], &data(&[128 + own], payload)[..]].concat());
        user.hear(entered, payload)?;
    }
    slowly(&mut user, &[0, 2, 0, 1, entered]);
    server.user_gone(own, number, 0)
}

fn not_merged(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    pair.user.send(&[2, pair.entered, b'a', 2, pair.entered, b'b']);
    for byte in [b'a', b'b'] {
        match pair.server.unit()? {
            Unit::Data(data) if data.payload == [byte] => {}
            came => return Err(format!("data with one byte was expected, what came is {came:?}")),
        }
    }
    Ok(())
}

fn slowly(peer: &mut super::Peer, bytes: &[u8]) {
    for byte in bytes {
        peer.send(&[*byte]);
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
}

fn in_one(target: &Target) -> Outcome {
    let mut pair = target.pair("room")?;
    let mut bytes = Vec::new();
    bytes.extend(data(&[128 + pair.own, pair.number], b"one"));
    bytes.extend(command(0, 5, &target.name("second")));
    bytes.extend([1, 1, 2, 128 + pair.own, b'!']);
    bytes.extend([0, 3, 0, 1, pair.own]);
    pair.server.send(&bytes);
    let (refused, _) = pair.server.answer(5)?;
    if refused {
        return Err("the second channel was refused".into());
    }
    pair.user.hear(pair.entered, b"one!")?;
    pair.user.channel_gone(pair.entered, 0)
}
