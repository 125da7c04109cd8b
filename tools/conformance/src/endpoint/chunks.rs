//! Section 6: chunks.

use super::tested::{ENTERED, Party, SMALL};
use super::{Tested, strict, tolerant};
use crate::case::{Case, Outcome};

pub(super) const CASES: &[Case] = &[
    tolerant("6.1-length", "chunks around every border of the length field", lengths),
    tolerant("6.1-last-byte", "one length byte of 8 bits where the maximum is at most 256", last_byte),
    strict("6.2-overlong", "an overlong length: its sender is passed over, others are not", overlong),
    strict("6.2-too-long", "a chunk above the maximum: its sender is passed over, others are not", too_long),
    strict("6.3-one-unit", "length and bytes share a unit", one_unit),
    tolerant("6.3-not-shared", "two chunks never share a unit", not_shared),
    tolerant("6.4-cuts", "length field and bytes in two units, as existing senders have them", two_units),
    strict("6.4-merged", "several chunks in one unit, and the end of one with the start of the next", merged),
];

fn lengths(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0])?;
    for len in [1, 2, 127, 128, 129, 130, 255, 256, 257, 16_383, 16_384, 16_385, 16_513, 32_767, 32_768] {
        let rest: Vec<u8> = (1..len).map(|at| (at * 3) as u8).collect();
        tested.echoes(Party::Server, &rest)?;
        tested.echoes(Party::User(0), &rest)?;
    }
    Ok(())
}

fn last_byte(tested: &mut Tested) -> Outcome {
    tested.open()?;
    tested.enter(SMALL, 0);
    for len in [1, 2, 99, 100] {
        tested.echoes(Party::SmallUser(0), &vec![5; len - 1])?;
    }
    Ok(())
}

fn overlong(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0, 1])?;
    tested.say_raw(Party::User(1), &[0x85, 0]);
    tested.say(Party::User(1), b"=not heard");
    tested.quiet(Party::User(0))?;
    tested.quiet(Party::Server)
}

fn too_long(tested: &mut Tested) -> Outcome {
    tested.open_with(&[1])?;
    tested.enter(SMALL, 0);
    tested.enter(SMALL, 1);
    // 101 bytes where 100 are allowed; and 229, which shows that the top bit is a part of the
    // number
    tested.say_raw(Party::SmallUser(0), &[&[100][..], &[b'='; 101]].concat());
    tested.say_raw(Party::SmallUser(0), &[0, b'=']);
    tested.quiet(Party::SmallUser(1))?;
    tested.say_raw(Party::SmallUser(1), &[&[228][..], &[b'='; 229]].concat());
    tested.say_raw(Party::SmallUser(1), &[0, b'=']);
    tested.quiet(Party::User(1))
}

fn one_unit(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0])?;
    for (party, len) in [(Party::Server, 1), (Party::Server, 32_000), (Party::User(0), 200)] {
        let chunk = vec![b'='; len];
        tested.say(party, &chunk);
        let units = tested.units_of(party, &chunk)?;
        if units.len() != 1 {
            return Err(format!("a chunk of {len} bytes has come in units of {units:?} payload bytes"));
        }
    }
    Ok(())
}

fn not_shared(tested: &mut Tested) -> Outcome {
    tested.open()?;
    let chunks: Vec<Vec<u8>> = (0..50_u8).map(|number| vec![b'=', number, number]).collect();
    // in one write, but each in a unit of its own; `hear` fails where a unit goes beyond its chunk
    let bytes: Vec<u8> = chunks.iter().flat_map(|chunk| [&[5, ENTERED, 2], &chunk[..]].concat()).collect();
    tested.send(&bytes);
    chunks.iter().try_for_each(|chunk| tested.hear(Party::Server, chunk))
}

fn two_units(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0])?;
    for party in [Party::Server, Party::User(0)] {
        tested.say_raw(party, &[2]);
        tested.say_raw(party, b"=ab");
        tested.hear(party, b"=ab")?;
    }
    Ok(())
}

fn merged(tested: &mut Tested) -> Outcome {
    tested.open_with(&[0])?;
    for party in [Party::Server, Party::User(0)] {
        tested.say_raw(party, b"\x01=a\x01=b\x02=c");
        tested.say_raw(party, b"d\x00=");
        for chunk in [&b"=a"[..], b"=b", b"=cd", b"="] {
            tested.hear(party, chunk)?;
        }
    }
    Ok(())
}
