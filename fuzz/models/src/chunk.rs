//! Any bytes as the data of a channel: chunks come out the same however the data is cut, and go in
//! again.

use peote_net::chunk::{Assembler, ChunkLimit, Step};

fn chunks(limit: ChunkLimit, data: &[u8], length: usize, slot: &mut [u8]) -> Vec<Result<Vec<u8>, String>> {
    let mut assembler = Assembler::new();
    let mut chunks = Vec::new();
    for mut piece in data.chunks(length) {
        while !piece.is_empty() {
            let (used, step) = assembler.feed(limit, piece, slot);
            match step {
                Step::More => assert_eq!(used, piece.len(), "it stopped without a reason"),
                Step::Whole { start, end } => chunks.push(Ok(piece[start..end].to_vec())),
                Step::Completed { len } => chunks.push(Ok(slot[..len].to_vec())),
                Step::Violation(violation) => chunks.push(Err(violation.to_string())),
            }
            piece = &piece[used..];
        }
    }
    chunks
}

/// Runs the target on one input.
///
/// # Panics
///
/// When it finds something.
pub fn check(bytes: &[u8]) {
    let [first, second, data @ ..] = bytes else { return };
    if data.is_empty() {
        return;
    }
    let (max, peers) =
        [(200, 256), (256, 256), (300, 32_768), (4096, 32_768), (4096, 4_194_304), (4096, 0x7fff_ffff)]
            [usize::from(first % 6)];
    let limit = ChunkLimit::new(max).among(peers);
    let mut slot = vec![0; max as usize];
    let whole = chunks(limit, data, data.len(), &mut slot);
    assert_eq!(whole, chunks(limit, data, usize::from(second % 16) + 1, &mut slot));
    // what came out goes in again
    for chunk in whole.iter().flatten() {
        let length = limit.encode_length(chunk.len()).expect("a chunk that was delivered has a length");
        let coded = [length.as_bytes(), chunk].concat();
        assert_eq!(chunks(limit, &coded, coded.len(), &mut slot), [Ok(chunk.clone())]);
    }
}
