//! What is sent: chunks whose content both ends know beforehand, so that every byte can be
//! verified.

use std::fmt;

/// What a chunk is, told by the two highest bits of its first byte. Even a chunk of 1 byte has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sent by a client, and perhaps sent back by the server.
    Data,
    /// Sent by a server to several users.
    Broadcast,
    /// An agreement between client and server; see [`Control`](super::Control).
    Control,
}

impl Kind {
    /// The kind of a chunk that arrived; `None` if it is none of ours.
    #[must_use]
    pub fn of(chunk: &[u8]) -> Option<Self> {
        match chunk.first()? >> 6 {
            0 => Some(Self::Data),
            1 => Some(Self::Broadcast),
            2 => Some(Self::Control),
            _ => None,
        }
    }

    /// The first byte of a chunk of this kind; its lower six bits are free for `rest`.
    #[must_use]
    pub const fn first_byte(self, rest: u8) -> u8 {
        let kind = match self {
            Self::Data => 0,
            Self::Broadcast => 1,
            Self::Control => 2,
        };
        kind << 6 | rest & 0x3f
    }
}

/// Pseudo-random bytes, the same in every process. Every chunk is a piece of them, so sending needs
/// no generating and verifying is one comparison.
#[derive(Debug)]
pub struct Noise(Vec<u8>);

impl Noise {
    /// Pieces begin at one of so many places, as many as 16 bits can name.
    const PLACES: usize = 65_536;

    /// Enough for chunks of up to `longest` bytes.
    #[must_use]
    pub fn new(longest: usize) -> Self {
        let words = (Self::PLACES + longest).div_ceil(8);
        Self((0..words as u64).flat_map(|word| mix(word).to_le_bytes()).collect())
    }

    fn piece(&self, seed: u64, length: usize) -> &[u8] {
        let [low, high, ..] = mix(seed).to_le_bytes();
        let start = usize::from(u16::from_le_bytes([low, high]));
        &self.0[start..start + length]
    }
}

/// Lengths at which something changes in how a chunk is coded: the length field of chunks, the size
/// field of units, and the longest unit.
const EDGES: [u32; 36] = [
    1, 2, 3, 123, 124, 125, 126, 127, 128, 129, 130, 131, 253, 254, 255, 256, 257, 258, 16_381, 16_382,
    16_383, 16_384, 16_385, 16_386, 32_760, 32_761, 32_762, 32_763, 32_764, 32_765, 32_766, 32_767, 32_768,
    32_769, 2_097_152, 2_097_153,
];

/// The chunks that one sender sends, one after the other: length and content follow from these few
/// numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    /// Chunks of different streams have different content.
    pub stream: u64,
    /// Where in the sequence of all lengths this sender begins.
    pub begin: u64,
    /// The shortest chunk, in bytes; at least 1.
    pub min: u32,
    /// The longest chunk, in bytes.
    pub max: u32,
}

impl Script {
    /// The lengths that come first: the shortest, the longest, and all between them at which the
    /// coding changes.
    fn edges(&self) -> impl ExactSizeIterator<Item = u32> + use<> {
        let from = EDGES.partition_point(|edge| *edge < self.min);
        let to = EDGES.partition_point(|edge| *edge <= self.max);
        EDGES[from..to.max(from)].iter().copied()
    }

    /// How many chunks it takes to have sent each of the lengths at which the coding changes.
    #[must_use]
    pub fn edge_count(&self) -> u64 {
        2 + self.edges().len() as u64
    }

    /// The length of a chunk, counted from 0: first the edges, then all lengths from the shortest
    /// to the longest in a scattered order, again and again.
    #[must_use]
    pub fn length(&self, number: u64) -> usize {
        // A prime above every range there can be: its multiples visit each length once before any
        // comes again.
        const STRIDE: u64 = 2_654_435_761;
        let length = match number {
            0 => self.min,
            1 => self.max,
            _ => self.edges().nth(usize::try_from(number - 2).unwrap_or(usize::MAX)).unwrap_or_else(|| {
                let range = u64::from(self.max - self.min) + 1;
                let place = self.begin.wrapping_add(number - self.edge_count()) % range;
                self.min + u32::try_from(place * (STRIDE % range) % range).unwrap_or(0)
            }),
        };
        length as usize
    }

    /// A chunk, counted from 0.
    #[must_use]
    pub fn chunk<'a>(&self, kind: Kind, number: u64, noise: &'a Noise) -> Chunk<'a> {
        let piece = noise.piece(self.stream ^ mix(number), self.length(number));
        Chunk { first: [kind.first_byte(piece[0])], rest: &piece[1..] }
    }
}

/// A chunk as it has to be.
#[derive(Debug)]
pub struct Chunk<'a> {
    first: [u8; 1],
    rest: &'a [u8],
}

impl Chunk<'_> {
    /// Its bytes, for [`Out::send_parts`](peote_net::link::Out::send_parts).
    #[must_use]
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.first, self.rest]
    }

    /// Its length in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        1 + self.rest.len()
    }

    /// Whether this is what arrived.
    ///
    /// # Errors
    /// How it differs.
    pub fn verify(&self, arrived: &[u8]) -> Result<(), Mismatch> {
        if arrived.len() != self.length() {
            return Err(Mismatch::Length { expected: self.length(), arrived: arrived.len() });
        }
        if arrived.starts_with(&self.first) && arrived[1..] == *self.rest {
            return Ok(());
        }
        let expected = self.first.iter().chain(self.rest);
        let at = expected.zip(arrived).take_while(|(expected, arrived)| expected == arrived).count();
        Err(Mismatch::Content { at, length: arrived.len() })
    }
}

/// How a chunk differs from what it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It is too short or too long.
    Length {
        /// In bytes.
        expected: usize,
        /// In bytes.
        arrived: usize,
    },
    /// A byte is wrong.
    Content {
        /// The first wrong byte, counted from 0.
        at: usize,
        /// The length of the chunk in bytes.
        length: usize,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, arrived } => write!(f, "{arrived} bytes instead of {expected}"),
            Self::Content { at, length } => write!(f, "byte {at} of {length} is wrong"),
        }
    }
}

/// A number that looks like a random one, made from another number (`SplitMix64`).
#[must_use]
pub const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const ALL: Script = Script { stream: 7, begin: 0, min: 1, max: 32_768 };

    #[test]
    fn edges_come_first_and_stay_in_range() {
        let edges: Vec<usize> = (0..ALL.edge_count()).map(|number| ALL.length(number)).collect();
        assert_eq!(edges[..3], [1, 32_768, 1]);
        for edge in [127, 128, 129, 255, 256, 257, 16_383, 16_384, 32_763, 32_764, 32_767] {
            assert!(edges.contains(&edge), "{edge}");
        }
        let narrow = Script { min: 200, max: 300, ..ALL };
        assert!((0..500).all(|number| (200..=300).contains(&narrow.length(number))));
        let one = Script { min: 16, max: 16, ..ALL };
        assert!((0..100).all(|number| one.length(number) == 16));
    }

    #[test]
    fn every_length_comes_once_before_any_comes_again() {
        for range in [1, 2, 1000, 32_768, 100_000] {
            let script = Script { max: range, ..ALL };
            let from = script.edge_count();
            let lengths: HashSet<usize> =
                (from..from + u64::from(range)).map(|number| script.length(number)).collect();
            assert_eq!(lengths.len(), range as usize);
        }
    }

    #[test]
    fn a_chunk_is_what_it_is_and_nothing_else() {
        let noise = Noise::new(32_768);
        for number in 0..2_000 {
            let chunk = ALL.chunk(Kind::Data, number, &noise);
            let mut bytes = chunk.parts().concat();
            assert_eq!((chunk.verify(&bytes), Kind::of(&bytes)), (Ok(()), Some(Kind::Data)));
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            assert_eq!(chunk.verify(&bytes), Err(Mismatch::Content { at: last, length: bytes.len() }));
            bytes.pop();
            assert!(matches!(chunk.verify(&bytes), Err(Mismatch::Length { .. })));
        }
    }

    #[test]
    fn streams_and_numbers_have_contents_of_their_own() {
        let noise = Noise::new(64);
        let script = Script { min: 64, max: 64, ..ALL };
        let other = Script { stream: 8, ..script };
        let all = [script, other]
            .map(|s| (0..100).map(|n| s.chunk(Kind::Data, n, &noise).parts().concat()).collect());
        let all: HashSet<Vec<u8>> = all.into_iter().flat_map(|chunks: Vec<_>| chunks).collect();
        assert!(all.len() > 190, "{}", all.len());
    }
}
