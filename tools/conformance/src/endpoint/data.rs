//! Sections 2, 3.3 to 3.5, and 5: data, sizes, and cuts.

use super::tested::{ENTERED, OWN, Party};
use super::{Tested, strict, tolerant};
use crate::case::{Case, Outcome};
use crate::wire::data;

pub(super) const CASES: &[Case] = &[
    tolerant("2.2-one-byte", "units of the sizes up to 127", |tested| sizes(tested, 1..=122)),
    tolerant("2.2-two-bytes", "sizes in two bytes, the high part first", |tested| {
        sizes(tested, [123, 124, 125, 126, 253, 254, 255, 256, 257, 4096])
    }),
    strict("2.2-long-form", "a small size in two bytes", long_form),
    tolerant("2.3-greatest-sent", "a chunk of 32,768 bytes goes in units of at most 32,765", greatest),
    tolerant("3.3-user-data", "data for the server of an entered channel", |tested| {
        tested.open()?;
        tested.echoes(Party::Server, b"hello")
    }),
    tolerant("3.3-server-data", "data for one user of an own channel", server_data),
    tolerant("3.4-to-all", "a broadcast to all has mode 1 and no user", |tested| broadcast(tested, true)),
    tolerant("3.4-but-one", "a broadcast to all but one has mode 0 and the user", |tested| {
        broadcast(tested, false)
    }),
    tolerant("3.5-none-sent", "no unit without payload is sent", none_empty),
    strict("3.5-dropped", "units without payload are dropped", drops_empty),
    tolerant("5-any-cut", "data that the relay has cut at every byte", cut),
    tolerant("5-tcp-cut", "answers, events and data byte by byte", tcp_cut),
];

fn sizes(tested: &mut Tested, lens: impl IntoIterator<Item = usize>) -> Outcome {
    tested.open_with(&[1])?;
    for len in lens {
        let payload: Vec<u8> = (0..len).map(|at| (at * 5 + len) as u8).collect();
        tested.echoes(Party::Server, &payload)?;
        tested.echoes(Party::User(1), &payload)?;
    }
    Ok(())
}

fn long_form(tested: &mut Tested) -> Outcome {
    tested.open_with(&[7])?;
    tested.send(&[0x80, 4, ENTERED, 1, b'=', b'x']);
    tested.hear(Party::Server, b"=x")?;
    tested.send(&[0x80, 5, 128 + OWN, 7, 1, b'=', b'x']);
    tested.hear(Party::User(7), b"=x")
}

fn greatest(tested: &mut Tested) -> Outcome {
    tested.open()?;
    for len in [32_700_u32, 32_763, 32_764, 32_765, 32_766, 32_768] {
        tested.say(Party::Server, &[b"n", &len.to_le_bytes()[..]].concat());
        let chunk: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        let units = tested.units_of(Party::Server, &chunk)?;
        if units.iter().any(|unit| *unit > 32_765) {
            return Err(format!("a chunk of {len} bytes has come in units of {units:?} payload bytes"));
        }
    }
    Ok(())
}

fn server_data(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0, 255])?;
    tested.echoes(Party::User(0), b"hello")?;
    tested.echoes(Party::User(255), b"hello")
}

fn broadcast(tested: &mut Tested, to_all: bool) -> Outcome {
    tested.open_with(&[0, 1])?;
    let (chunk, to) = if to_all { (b"*news", Party::All) } else { (b"-news", Party::But(1)) };
    tested.say(Party::User(1), chunk);
    tested.hear(to, chunk)
}

fn none_empty(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0])?;
    for party in [Party::Server, Party::User(0)] {
        tested.say(party, b"=");
        tested.hear(party, b"=")?;
    }
    Ok(())
}

fn drops_empty(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0])?;
    tested.send(&[0x80, 0, 1, ENTERED, 2, 128 + OWN, 0]);
    tested.quiet(Party::User(0))?;
    tested.quiet(Party::Server)
}

fn cut(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0])?;
    let chunk = [&b"="[..], &[7; 199]].concat();
    // 200 bytes: a length field of two bytes
    let stream = [&[0x80 | 71, 1], &chunk[..]].concat();
    for byte in &stream {
        tested.send(&data(&[ENTERED], &[*byte]));
        tested.send(&data(&[128 + OWN, 0], &[*byte]));
    }
    tested.hear(Party::Server, &chunk)?;
    tested.hear(Party::User(0), &chunk)
}

fn tcp_cut(tested: &mut Tested) -> Outcome {
    let mut bytes = Vec::new();
    for (at, tag) in tested.wanted()? {
        bytes.extend([0, 3, tag, 0, super::tested::WANTED[at].2]);
    }
    bytes.extend([0, 4, 0, 0, OWN, 200]);
    bytes.extend([0, 4, 0, 255, 0, 0]);
    bytes.extend(data(&[128 + OWN, 200], &[1, b'=', b'a']));
    for byte in bytes {
        tested.send(&[byte]);
        std::thread::sleep(std::time::Duration::from_micros(300));
    }
    tested.hear(Party::User(200), b"=a")
}
