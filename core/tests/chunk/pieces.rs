//! Feeds an assembler pieces of a stream, and watches what it does.

use peote_net::chunk::{Assembler, ChunkLimit, Step, Violation};

/// What came out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) chunks: Vec<Vec<u8>>,
    /// For each chunk whether it was delivered from where it had arrived.
    pub(crate) in_place: Vec<bool>,
    /// Behind how many bytes of the stream, and which.
    pub(crate) violation: Option<(usize, Violation)>,
    pub(crate) between: bool,
}

/// Feeds `pieces` to a new assembler with a slot of `slot` bytes.
pub(crate) fn feed(pieces: &[&[u8]], limit: ChunkLimit, slot: usize) -> Found {
    let mut found = Found::default();
    let mut assembler = Assembler::new();
    let mut slot = vec![0xa5; slot];
    let mut fed = 0;
    for &piece in pieces {
        let mut rest = piece;
        while !rest.is_empty() {
            let before = slot.clone();
            let (used, step) = assembler.feed(limit, rest, &mut slot);
            assert!((1..=rest.len()).contains(&used), "{used} of {} bytes used", rest.len());
            fed += used;
            match step {
                Step::More => assert_eq!(used, rest.len(), "input is left, but no chunk"),
                Step::Whole { start, end } => {
                    assert_eq!(before, slot, "a chunk that came whole was copied");
                    assert_eq!(end, used);
                    found.chunks.push(rest[start..end].to_vec());
                    found.in_place.push(true);
                }
                Step::Completed { len } => {
                    found.chunks.push(slot[..len].to_vec());
                    found.in_place.push(false);
                }
                Step::Violation(violation) => {
                    assert_eq!(found.violation, None, "said twice");
                    found.violation = Some((fed, violation));
                }
            }
            rest = &rest[used..];
        }
    }
    found.between = assembler.is_between_chunks();
    found
}
