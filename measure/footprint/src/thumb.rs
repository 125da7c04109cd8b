//! As much of the processor's instructions (Thumb-2) as is needed to find out from where a place is
//! reached.

use std::collections::BTreeMap;

/// What an instruction does to the flow of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It goes on behind it.
    On,
    /// It goes on behind it, or there.
    Maybe(u64),
    /// It goes on there.
    Jump(u64),
    /// It goes on nobody knows where.
    Away,
}

/// The instructions of a piece of code.
#[derive(Debug, Default)]
pub(crate) struct Instructions {
    flows: BTreeMap<u64, Flow>,
    /// Who jumps to a place.
    jumps: BTreeMap<u64, Vec<u64>>,
}

impl Instructions {
    /// Adds what lies at `address`, which is code from its first byte to its last one.
    pub(crate) fn add(&mut self, address: u64, code: &[u8]) {
        let mut halves = (address..)
            .step_by(2)
            .zip(code.chunks_exact(2).map(|half| u16::from_le_bytes([half[0], half[1]])));
        while let Some((place, first)) = halves.next() {
            let flow = if first >> 11 > 0b11100 {
                let Some((_, second)) = halves.next() else { return };
                wide(place, first.into(), second.into())
            } else {
                narrow(place, first.into())
            };
            if let Flow::Maybe(there) | Flow::Jump(there) = flow {
                self.jumps.entry(there).or_default().push(place);
            }
            self.flows.insert(place, flow);
        }
    }

    /// The instruction in front of a place.
    pub(crate) fn before(&self, place: u64) -> Option<(u64, Flow)> {
        self.flows.range(..place).next_back().map(|(place, flow)| (*place, *flow))
    }

    /// The instructions that jump to a place.
    pub(crate) fn jumps_to(&self, place: u64) -> &[u64] {
        self.jumps.get(&place).map_or(&[], Vec::as_slice)
    }
}

/// The number in the lower `bits` of `value`, with its sign.
fn signed(value: u64, bits: u32) -> u64 {
    let shift = u64::BITS - bits;
    ((value << shift).cast_signed() >> shift).cast_unsigned()
}

fn narrow(place: u64, code: u64) -> Flow {
    let to = |offset: u64| place.wrapping_add(4).wrapping_add(offset);
    if code >> 12 == 0b1101 && code >> 8 & 15 < 14 {
        Flow::Maybe(to(signed(code << 1, 9)))
    } else if code >> 11 == 0b11100 {
        Flow::Jump(to(signed(code << 1, 12)))
    } else if code & 0xf500 == 0xb100 {
        Flow::Maybe(to((code >> 3 & 31) << 1 | (code >> 9 & 1) << 6))
    } else if code & 0xff87 == 0x4700 || code & 0xff00 == 0xbd00 || code & 0xff87 == 0x4687 {
        // bx, pop with pc, mov pc
        Flow::Away
    } else {
        Flow::On
    }
}

fn wide(place: u64, first: u64, second: u64) -> Flow {
    let to = |offset: u64| place.wrapping_add(4).wrapping_add(offset);
    let (sign, one, two) = (first >> 10 & 1, second >> 13 & 1, second >> 11 & 1);
    let low = (second & 0x7ff) << 1;
    if first >> 11 == 0b11110 && second & 0xd000 == 0x8000 && first >> 6 & 15 < 14 {
        Flow::Maybe(to(signed(sign << 20 | two << 19 | one << 18 | (first & 63) << 12 | low, 21)))
    } else if first >> 11 == 0b11110 && second & 0xd000 == 0x9000 {
        let (one, two) = (1 ^ one ^ sign, 1 ^ two ^ sign);
        Flow::Jump(to(signed(sign << 24 | one << 23 | two << 22 | (first & 0x3ff) << 12 | low, 25)))
    } else if first == 0xe8bd && second & 0x8000 != 0 || first & 0xfff0 == 0xe8d0 && second & 0xffe0 == 0xf000
    {
        // pop with pc, tables of jumps
        Flow::Away
    } else {
        Flow::On
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_as_a_disassembler_has_them() {
        // of an image: address, bytes, and what llvm-objdump says
        let known: [(u64, &[u8], Flow); 7] = [
            (0x4a0, &[0x06, 0xf0, 0xf3, 0x82], Flow::Maybe(0x6a8a)),
            (0x6a86, &[0xfc, 0xf7, 0xaf, 0xbc], Flow::Jump(0x33e8)),
            (0x100, &[0x00, 0xd0], Flow::Maybe(0x104)),
            (0x100, &[0xfe, 0xe7], Flow::Jump(0x100)),
            (0x100, &[0x08, 0xb1], Flow::Maybe(0x106)),
            (0x100, &[0x70, 0x47], Flow::Away),
            (0x100, &[0x70, 0xbd], Flow::Away),
        ];
        for (place, bytes, flow) in known {
            let mut instructions = Instructions::default();
            instructions.add(place, bytes);
            assert_eq!(instructions.before(place + 1), Some((place, flow)), "{place:#x} {bytes:02x?}");
        }
    }
}
