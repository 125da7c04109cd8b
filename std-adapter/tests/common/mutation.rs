//! What somebody on the way does to a stream of bytes.

use proptest::prelude::*;

/// One change, at a place in the stream.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    at: usize,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// Other bits.
    Flip(u8),
    /// So many bytes are missing.
    Leave(usize),
    /// These are too many.
    Insert(Vec<u8>),
    /// So many come twice.
    Repeat(usize),
    /// Nothing more comes.
    Cut,
}

/// Up to so many changes in the first `len` bytes.
pub(crate) fn changes(most: usize, len: usize) -> impl Strategy<Value = Vec<Change>> {
    let what = prop_oneof![
        4 => (1_u8..).prop_map(What::Flip),
        1 => (1_usize..300).prop_map(What::Leave),
        1 => proptest::collection::vec(any::<u8>(), 1..300).prop_map(What::Insert),
        1 => (1_usize..2000).prop_map(What::Repeat),
        1 => Just(What::Cut),
    ];
    // half of them where the first headers are
    let at = prop_oneof![0..100.min(len), 0..len];
    proptest::collection::vec((at, what).prop_map(|(at, what)| Change { at, what }), 0..=most).prop_map(
        |mut changes| {
            changes.sort_by_key(|change| change.at);
            changes
        },
    )
}

/// The stream with its changes.
#[derive(Debug)]
pub(crate) struct Mutation {
    changes: std::collections::VecDeque<Change>,
    /// Bytes of the stream so far.
    at: usize,
    is_cut: bool,
    /// Something has been changed.
    pub(crate) is_changed: bool,
}

impl Mutation {
    pub(crate) fn new(changes: Vec<Change>) -> Self {
        Self { changes: changes.into(), at: 0, is_cut: false, is_changed: false }
    }

    /// What becomes of the next bytes.
    pub(crate) fn apply(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut result = Vec::new();
        let mut missing = 0_usize;
        for (index, byte) in bytes.iter().enumerate() {
            let mut byte = *byte;
            while self.changes.front().is_some_and(|change| change.at <= self.at) {
                self.is_changed = true;
                let Some(change) = self.changes.pop_front() else { break };
                match change.what {
                    What::Flip(bits) => byte ^= bits,
                    What::Leave(len) => missing += len,
                    What::Insert(more) => result.extend_from_slice(&more),
                    What::Repeat(len) => result.extend_from_slice(&bytes[index.saturating_sub(len)..index]),
                    What::Cut => self.is_cut = true,
                }
            }
            self.at += 1;
            if missing > 0 {
                missing -= 1;
            } else if !self.is_cut {
                result.push(byte);
            }
        }
        result
    }
}
