//! What endpoints send, chosen by the fuzzer.

use crate::Input;

/// A unit of an endpoint's, chosen by the input. Most of it makes sense.
pub(super) fn unit(hello: bool, input: &mut Input<'_>) -> Vec<u8> {
    let names: [&[u8]; 4] = [b"a", b"b", b"", &[b'n'; 200]];
    let kind = input.below(if hello { 26 } else { 18 });
    let number = input.byte();
    let number = if number < 224 { number % 3 } else { number & 127 };
    match kind {
        0..=3 => {
            let name = names[input.below(names.len())];
            let tag = input.byte();
            // some say that a hello will come
            let tag = if hello && tag >= 240 { tag } else { tag % 4 };
            [&[0, u8::from(kind > 1), tag, u8::try_from(name.len()).unwrap_or(0)], name].concat()
        }
        4 => {
            // as many channels as there can be
            let name = [b'c', input.byte()];
            [&[0, number & 1, 1, 2][..], &name].concat()
        }
        5 | 6 => vec![0, 2 + u8::from(kind == 6), 0, 1, number],
        7 => {
            let len = input.below(5);
            [&[0, 2 + (number & 3), 0, u8::try_from(len).unwrap_or(0)][..], &vec![number; len]].concat()
        }
        8 => input.choose(&[&[0x80, 0][..], &[1, 1, 0x80, 0], &[1, 0, 2, 128, 0], &[1, 7, 1, 128]]).to_vec(),
        9 => {
            let len = input.below(12);
            input.bytes(len).to_vec()
        }
        18.. => of_flow(kind - 18, number, input),
        16 | 17 => vec![0, 4 + u8::from(kind == 17), 0, 2, number, input.byte() % 5],
        _ => data(kind, number, input),
    }
}

/// What only those say that take part, and what others say by mistake.
fn of_flow(kind: usize, number: u8, input: &mut Input<'_>) -> Vec<u8> {
    let command = |code: u8, payload: &[u8]| {
        [&[0, code, 0, u8::try_from(payload.len()).unwrap_or(0)], payload].concat()
    };
    let user = input.byte() % 5;
    let bytes = input.choose(&[0, 1, 30, 300, 70_000, u32::MAX]).to_le_bytes();
    match kind {
        0 => {
            let unknown: &[u8] = if user == 0 { &[99, 2, 1, 1] } else { &[] };
            let capabilities = [1, 1, u8::from(user < 4)];
            command(6, &[unknown, &capabilities, &[6, 4], &bytes].concat())
        }
        1 => {
            let len = input.below(6);
            command(6, input.bytes(len))
        }
        2 => {
            let len = input.choose(&[0, 3, 200, 201]);
            [command(7, &vec![number; len]), vec![0, 1, 5, 1, b'a' + user % 2]].concat()
        }
        3 => command(8, &[&[number][..], &bytes].concat()),
        4 => command(8, &[&[number | 128, user][..], &bytes].concat()),
        5 => command(9, &[number, user, input.byte() % 8]),
        6 => command(11, &[number | 128, user, input.byte() % 5]),
        _ => {
            let mode = 2 + number % 2;
            let excluded: &[u8] = if mode == 3 { &[user] } else { &[] };
            let len = 2 + u8::try_from(excluded.len()).unwrap_or(0);
            [&[1, mode, len, 128 | (number % 3)], excluded, &[user]].concat()
        }
    }
}

fn data(kind: usize, number: u8, input: &mut Input<'_>) -> Vec<u8> {
    let user = input.byte() % 5;
    let len = match input.below(32) {
        0..=23 => input.below(40),
        24..=27 => 90 + input.below(60),
        28..=30 => input.below(256) * 13,
        _ => 32_700 + input.below(66),
    };
    let (prefix, numbers): (&[u8], Vec<u8>) = match kind {
        10 | 11 => (&[], vec![number]),
        12 => (&[1, 1], vec![number | 128]),
        13 => (&[1, 0], vec![number | 128, user]),
        _ => (&[], vec![number | 128, user]),
    };
    let size = numbers.len() + len;
    let size = match u8::try_from(size) {
        Ok(short @ 2..=127) => vec![short],
        _ => (u16::try_from(size).unwrap_or_default() | 0x8000).to_be_bytes().to_vec(),
    };
    let start = input.byte();
    let payload = (0..len).map(|place| start.wrapping_add(place.to_le_bytes()[0]));
    prefix.iter().copied().chain(size).chain(numbers).chain(payload).collect()
}
