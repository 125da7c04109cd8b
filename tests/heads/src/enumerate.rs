//! Goes through all sequences.

use crate::{Item, Items, STREAM};

/// A decoder, and what it yields as items.
pub(crate) trait Decode: Copy + PartialEq {
    fn new() -> Self;
    /// How many bytes were used, the unit, and its payload: offset, length, total.
    fn decode(&mut self, input: &[u8]) -> Option<(usize, Item, [usize; 3])>;
    /// The units of a stream. What means nothing is left out.
    fn reference(stream: &[u8]) -> Items;
    /// Whether it is nothing that the reference has.
    fn is_nothing(item: &Item) -> bool;
    /// Whether nothing that follows has a meaning.
    fn is_end(item: &Item) -> bool;
}

/// A decoder in the middle of a stream, and how much of the reference it has said.
#[derive(Clone, Copy)]
struct Reader<D> {
    decoder: D,
    /// Items that have begun.
    begun: usize,
    /// Bytes of the last one's payload.
    got: usize,
    /// Bytes of the stream.
    at: usize,
    over: bool,
}

impl<D: Decode> Reader<D> {
    fn new() -> Self {
        Self { decoder: D::new(), begun: 0, got: 0, at: 0, over: false }
    }

    /// Hands over the stream up to `end`. False if something differs from what is expected.
    #[inline]
    fn read(&mut self, stream: &[u8], end: usize, expected: &Items) -> bool {
        while !self.over {
            let Some((used, item, [offset, len, total])) = self.decoder.decode(&stream[self.at..end]) else {
                break;
            };
            self.at += used;
            if D::is_nothing(&item) {
                continue;
            }
            if offset == 0 {
                self.begun += 1;
                self.got = 0;
            }
            let Some(wanted) = expected.items[..expected.len].get(self.begun.wrapping_sub(1)) else {
                return false;
            };
            let right = (item.kind, item.values, total) == (wanted.kind, wanted.values, wanted.total.into())
                && offset == self.got
                && (len == 0 || self.at - len == usize::from(wanted.start) + offset);
            if !right {
                return false;
            }
            self.got += len;
            self.over = D::is_end(&item);
        }
        self.at = end;
        true
    }

    /// Whether it is right with the rest of the stream in one piece.
    #[inline]
    fn goes_on(&self, stream: &[u8], expected: &Items) -> bool {
        let mut reader = *self;
        reader.read(stream, stream.len(), expected) && reader.is_complete(expected, stream.len())
    }

    fn is_as(&self, other: &Self) -> bool {
        let place = |reader: &Self| (reader.begun, reader.got, reader.at, reader.over);
        self.decoder == other.decoder && place(self) == place(other)
    }

    /// Whether all was said that is expected of a stream of this length.
    #[inline]
    fn is_complete(&self, expected: &Items, len: usize) -> bool {
        let last = expected.items[..expected.len].last();
        self.begun == expected.len
            && last.is_none_or(|item| self.got == usize::from(item.total).min(len - usize::from(item.start)))
    }
}

/// Third bytes that decide something somewhere: commands, events, sizes, channels, and their
/// borders.
const DECISIVE: [u8; 22] =
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 71, 126, 127, 128, 129, 130, 131, 133, 200, 253, 254, 255];

/// Goes through all sequences of up to three bytes behind each of these prefixes. Behind all but
/// the first few the third byte is a decisive one, unless `PEOTE_ALL_HEADS` is set.
pub(crate) fn enumerate<D: Decode>(prefixes: &[&[u8]], few: usize) {
    let all: Vec<u8> = (0..=255).collect();
    let everything = std::env::var_os("PEOTE_ALL_HEADS").is_some();
    for (at, prefix) in prefixes.iter().enumerate() {
        behind::<D>(prefix, if everything || at < few { &all } else { &DECISIVE });
    }
}

fn behind<D: Decode>(prefix: &[u8], third_bytes: &[u8]) {
    let (mut buffer, len) = ([0; STREAM], prefix.len());
    buffer[..len].copy_from_slice(prefix);
    let expected = D::reference(prefix);
    let mut start = Reader::<D>::new();
    // Byte by byte, as the state is reached in all other cases, too: the tests of cuts see to that.
    for end in 1..=len {
        assert!(start.read(&buffer, end, &expected), "{prefix:02x?}");
    }
    assert!(start.is_complete(&expected, len), "{prefix:02x?}");
    for first in 0..=255 {
        buffer[len] = first;
        let expected = D::reference(&buffer[..=len]);
        let mut one = start;
        assert!(one.read(&buffer, len + 1, &expected), "{:02x?}", &buffer[..=len]);
        assert!(one.is_complete(&expected, len + 1), "{:02x?}", &buffer[..=len]);
        for second in 0..=255 {
            buffer[len + 1] = second;
            let stream = &buffer[..len + 2];
            let expected = D::reference(stream);
            // the cuts: after the first byte, and none
            let (mut cut, mut whole) = (one, start);
            for reader in [&mut cut, &mut whole] {
                assert!(reader.read(stream, len + 2, &expected), "{stream:02x?}");
                assert!(reader.is_complete(&expected, len + 2), "{stream:02x?}");
            }
            // two decoders in the same state go on in the same way
            let same = cut.is_as(&whole);
            for &third in third_bytes {
                buffer[len + 2] = third;
                let stream = &buffer[..len + 3];
                let expected = D::reference(stream);
                let right = start.goes_on(stream, &expected)
                    && one.goes_on(stream, &expected)
                    && cut.goes_on(stream, &expected)
                    && (same || whole.goes_on(stream, &expected));
                assert!(right, "{stream:02x?}, of which {len} bytes lead to the state");
            }
        }
    }
}
