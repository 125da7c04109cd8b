//! Chunks as `docs/PROTOCOL.md`, section 6, has them, on a whole stream at once.

use peote_net::chunk::{ChunkLimit, Violation};

/// The length field of a chunk of `len` bytes where `allowed` length bytes are.
pub(crate) fn length_field(len: usize, allowed: u8) -> Vec<u8> {
    let mut code = u64::try_from(len).unwrap() - 1;
    let mut field = Vec::new();
    loop {
        let last = field.len() + 1 == usize::from(allowed);
        if last || code < 128 {
            field.push(u8::try_from(code).expect("the length fits the field"));
            return field;
        }
        field.push(u8::try_from(code % 128).unwrap() + 128);
        code /= 128;
    }
}

/// A stream of these chunks.
pub(crate) fn stream(chunks: &[Vec<u8>], allowed: u8) -> Vec<u8> {
    chunks.iter().flat_map(|chunk| [length_field(chunk.len(), allowed), chunk.clone()].concat()).collect()
}

/// What is in a stream: chunks, each with where it lies; perhaps a violation, and behind which byte
/// it shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) chunks: Vec<(usize, usize)>,
    pub(crate) violation: Option<(usize, Violation)>,
    /// Whether the stream ends where a chunk ends.
    pub(crate) between: bool,
}

pub(crate) fn parse(stream: &[u8], limit: ChunkLimit, slot: usize) -> Parsed {
    let mut parsed = Parsed::default();
    let mut at = 0;
    loop {
        if at == stream.len() {
            parsed.between = true;
            return parsed;
        }
        let mut code = 0u64;
        for index in 0u32.. {
            let Some(&byte) = stream.get(at) else { return parsed };
            at += 1;
            if index > 0 && byte == 0 {
                parsed.violation = Some((at, Violation::OverlongLength));
                return parsed;
            }
            let last = index + 1 == u32::from(limit.length_bytes());
            let value = u64::from(if last { byte } else { byte % 128 });
            code += value * 128u64.pow(index);
            if last || byte < 128 {
                break;
            }
        }
        let len = code + 1;
        let max = limit.max().min(u32::try_from(slot).unwrap());
        if len > max.into() {
            let len = u32::try_from(len).unwrap_or(u32::MAX);
            parsed.violation = Some((at, Violation::ChunkTooLarge { len, max }));
            return parsed;
        }
        let end = at + usize::try_from(len).unwrap();
        if end > stream.len() {
            return parsed;
        }
        parsed.chunks.push((at, end));
        at = end;
    }
}
